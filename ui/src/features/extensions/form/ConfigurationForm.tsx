import { Button, Input, PasswordInput, SegmentedControl, Select, TagsInput, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import type { Violation } from "../../../bindings";
import { ChangeValue } from "../../../ui/ChangeValue";
import { type ExactJson, isObject, memberName, parseExact, printExact } from "../../../ui/exactJson";
import { indented } from "../../../ui/fieldChanges";
import { pointerParts, withValueAt } from "../../../ui/jsonChanges";
import { isReference } from "../../../ui/jsonText";
import classes from "./ConfigurationForm.module.css";
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
export function ConfigurationForm(props: ConfigurationFormProps) {
  const { fields, config, violations, onChange, onEditJson } = props;
  const value = parseExact(config);
  const members = isObject(value) ? value : {};
  const known = new Set(fields.map(({ name }) => name));
  const others = Object.keys(members)
    .map(memberName)
    .filter((name) => !known.has(name));
  return (
    <div className={classes.fields}>
      {fields.map((field) => (
        <SchemaFieldInput
          key={field.name}
          field={field}
          value={members[`s${field.name}`]}
          error={violations.find(({ path }) => pointerParts(path)[0] === field.name)?.message ?? null}
          onRaw={(raw) => onChange(withValueAt(config, [field.name], raw))}
          onEditJson={onEditJson}
        />
      ))}
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

type FieldProps = {
  field: SchemaField;
  value: ExactJson | undefined;
  error: string | null;
  /** The new JSON text of the value; null takes it away. */
  onRaw: (raw: string | null) => void;
  onEditJson: () => void;
};

function SchemaFieldInput({ field, value, error, onRaw, onEditJson }: FieldProps) {
  const { control } = field;
  const isUnset = value === undefined;
  const text = textOf(value);
  const texts = Array.isArray(value) ? value.map(textOf) : [];
  const common = {
    size: "xs" as const,
    label: field.title,
    description: field.description,
    required: field.required,
    error,
  };
  const setText = (typed: string) => onRaw(typed === "" ? null : JSON.stringify(typed));

  // A secret that is kept can be replaced, not read.
  if (isObject(value) && "s$redacted" in value) {
    return (
      <Shown {...common} value={value}>
        <Button size="compact-xs" variant="default" onClick={() => onRaw('""')}>
          Replace
        </Button>
      </Shown>
    );
  }
  if (control.kind === "text" && (isUnset || text !== null)) {
    const typed = {
      value: text ?? "",
      onChange: (event: { currentTarget: HTMLInputElement }) => setText(event.currentTarget.value),
    };
    return field.isSecret && !isReference(text ?? "") ? (
      <PasswordInput {...common} {...typed} autoComplete="off" />
    ) : (
      <TextInput {...common} {...typed} spellCheck={false} />
    );
  }
  if (control.kind === "choice" && (isUnset || text !== null)) {
    return (
      <Select
        {...common}
        data={control.values}
        value={text}
        clearable={!field.required}
        onChange={(choice) => onRaw(choice === null ? null : JSON.stringify(choice))}
      />
    );
  }
  if (control.kind === "number" && (isUnset || (typeof value === "string" && value.startsWith("n")))) {
    return <NumberField {...common} integer={control.integer} raw={value?.slice(1) ?? ""} onRaw={onRaw} />;
  }
  if (control.kind === "boolean" && (isUnset || typeof value === "boolean")) {
    return (
      <Input.Wrapper {...common} labelElement="div" className={classes.segments ?? ""}>
        <SegmentedControl
          aria-label={field.title}
          data={[
            { value: "true", label: "Yes" },
            { value: "false", label: "No" },
            { value: "", label: "Not set" },
          ]}
          value={isUnset ? "" : String(value)}
          onChange={(choice) => onRaw(choice === "" ? null : choice)}
        />
      </Input.Wrapper>
    );
  }
  if (control.kind === "texts" && (isUnset || (Array.isArray(value) && !texts.includes(null)))) {
    return (
      <TagsInput
        {...common}
        placeholder="Write one, then Enter"
        value={texts.filter((item) => item !== null)}
        onChange={(chosen) => onRaw(chosen.length === 0 && isUnset ? null : JSON.stringify(chosen))}
      />
    );
  }
  return (
    <Shown {...common} value={value}>
      <Button size="compact-xs" variant="default" onClick={onEditJson}>
        Edit as JSON
      </Button>
    </Shown>
  );
}

type ShownProps = Pick<SchemaField, "required" | "description"> & {
  label: string;
  error: string | null;
  value: ExactJson | undefined;
  children: ReactNode;
};

/** A value that no field can hold, with another way to change it. */
function Shown({ value, children, ...wrapper }: ShownProps) {
  return (
    <Input.Wrapper {...wrapper} labelElement="div">
      <div className={classes.shown}>
        <code className={classes.raw}>
          {value === undefined ? "not set" : <ChangeValue parts={indented(printExact(value))} />}
        </code>
        {children}
      </div>
    </Input.Wrapper>
  );
}

type NumberFieldProps = Pick<SchemaField, "required" | "description"> & {
  label: string;
  error: string | null;
  integer: boolean;
  raw: string;
  onRaw: (raw: string | null) => void;
};

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** A number as it is spelled: 1.00 stays 1.00. What is no number yet stays in the field alone. */
function NumberField({ integer, raw, onRaw, error, ...input }: NumberFieldProps) {
  const [typed, setTyped] = useState(raw);
  useEffect(() => setTyped(raw), [raw]);
  const isNumber = typed === "" || jsonNumber.test(typed);
  return (
    <TextInput
      {...input}
      size="xs"
      inputMode={integer ? "numeric" : "decimal"}
      error={
        isNumber ? error : `Write a ${integer ? "whole " : ""}number. Until then ${raw || "none"} counts.`
      }
      value={typed}
      onChange={(event) => {
        const text = event.currentTarget.value.trim();
        setTyped(text);
        if (text === "") onRaw(null);
        else if (jsonNumber.test(text)) onRaw(text);
      }}
    />
  );
}

/** The text that a value is, or null. */
function textOf(value: ExactJson | undefined): string | null {
  return typeof value === "string" && value.startsWith("s") ? value.slice(1) : null;
}
