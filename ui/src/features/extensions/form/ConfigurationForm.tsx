import { Button } from "@mantine/core";
import type { Violation } from "../../../bindings";
import { type ExactJson, isObject, memberName, parseExact } from "../../../ui/exactJson";
import { pointerParts, withValueAt } from "../../../ui/jsonChanges";
import classes from "./ConfigurationForm.module.css";
import { SchemaFieldInput } from "./SchemaFieldInput";
import type { SchemaField } from "./schemaFields";

type ConfigurationFormProps = {
  fields: readonly SchemaField[];
  /** The configuration's text: the one thing that the form and the editor both change. */
  config: string;
  violations: readonly Violation[];
  onChange: (config: string) => void;
  onEditJson: () => void;
};

/** The configuration by the fields of its schema. What the schema does not know stays as it is. */
export function ConfigurationForm({ config, onChange, ...props }: ConfigurationFormProps) {
  return (
    <FieldGroup
      {...props}
      path={[]}
      value={parseExact(config)}
      onRaw={(path, raw) => onChange(withValueAt(config, path, raw))}
    />
  );
}

type FieldGroupProps = {
  fields: readonly SchemaField[];
  /** Where the group is in the configuration. */
  path: readonly string[];
  value: ExactJson | undefined;
  violations: readonly Violation[];
  /** The new JSON text of a value at a place; null takes it away. */
  onRaw: (path: readonly string[], raw: string | null) => void;
  onEditJson: () => void;
};

function FieldGroup({ fields, path, value, violations, onRaw, onEditJson }: FieldGroupProps) {
  const members = isObject(value) ? value : {};
  const known = new Set(fields.map(({ name }) => name));
  const others = Object.keys(members)
    .map(memberName)
    .filter((name) => !known.has(name));
  return (
    <div className={classes.fields}>
      {fields.map((field) => {
        const place = [...path, field.name];
        const member = members[`s${field.name}`];
        const { control } = field;
        if (control.kind === "group" && (member === undefined || isObject(member)) && !isHidden(member)) {
          return (
            <fieldset key={field.name} className={classes.group}>
              <legend>{field.title}</legend>
              {field.description && <p className={classes.others}>{field.description}</p>}
              {violations.filter(isAt(place, "exactly")).map(({ message }) => (
                <p key={message} className={classes.error}>
                  {message}
                </p>
              ))}
              <FieldGroup
                fields={control.fields}
                path={place}
                value={member}
                violations={violations}
                onRaw={onRaw}
                onEditJson={onEditJson}
              />
            </fieldset>
          );
        }
        return (
          <SchemaFieldInput
            key={field.name}
            field={field}
            value={member}
            error={violations.find(isAt(place, "within"))?.message ?? null}
            onRaw={(raw) => onRaw(place, raw)}
            onEditJson={onEditJson}
          />
        );
      })}
      {others.length > 0 && (
        <p className={classes.others}>
          Not in the schema, kept as {others.length === 1 ? "it is" : "they are"}:{" "}
          <code>{others.join(", ")}</code>{" "}
          <Button size="compact-xs" variant="default" onClick={onEditJson}>
            Edit as JSON
          </Button>
        </p>
      )}
    </div>
  );
}

function isHidden(value: ExactJson | undefined): boolean {
  return isObject(value) && "s$redacted" in value;
}

function isAt(place: readonly string[], how: "exactly" | "within") {
  return ({ path }: Violation) => {
    const parts = pointerParts(path);
    const isThere = place.every((part, index) => parts[index] === part);
    return isThere && (how === "within" || parts.length === place.length);
  };
}
