import { Button, Input, SegmentedControl } from "@mantine/core";
import { type ReactNode, useMemo, useState } from "react";
import type { Violation } from "../../../bindings";
import { parseExact } from "../../../ui/exactJson";
import { JsonEditor } from "../../../ui/JsonEditor";
import { pointerParts } from "../../../ui/jsonChanges";
import { placeInText } from "../../../ui/jsonText";
import { ConfigurationForm } from "./ConfigurationForm";
import classes from "./ConfigurationForm.module.css";
import type { SchemaField } from "./schemaFields";

type ConfigurationFieldProps = {
  config: string;
  /** The schema as JSON text, which the editor completes from. */
  schema: string | null;
  schemaParts: readonly SchemaField[];
  violations: readonly Violation[];
  error: ReactNode;
  onChange: (config: string) => void;
};

/** The configuration as fields, where a schema names them, or as JSON: two views of one text. */
export function ConfigurationField({
  config,
  schema,
  schemaParts,
  violations,
  error,
  onChange,
}: ConfigurationFieldProps) {
  const [view, setView] = useState<"form" | "json">("form");
  const showsForm = view === "form" && schemaParts.length > 0;
  const showJson = () => setView("json");
  const problems = useMemo(
    () =>
      violations.flatMap(({ path, message }) => {
        const place = placeInText(config, path);
        return place ? [{ ...place, message }] : [];
      }),
    [violations, config],
  );
  const shownNames = new Set(schemaParts.map(({ name }) => name));
  const isElsewhere = ({ path }: Violation) => !shownNames.has(pointerParts(path)[0] ?? "");
  const views = schemaParts.length > 0 && (
    <SegmentedControl
      aria-label="Configuration as"
      data={[
        { value: "form", label: "Form" },
        { value: "json", label: "JSON" },
      ]}
      value={view}
      onChange={(chosen) => setView(chosen as "form" | "json")}
    />
  );
  return (
    <section className={classes.configuration} aria-label="Configuration">
      {!showsForm ? (
        <JsonEditor
          label="Configuration"
          minLines={16}
          tools={views}
          value={config}
          schema={schema}
          error={error}
          problems={problems}
          remarks={violations.map(({ path, message }) => remark(path, message))}
          onChange={onChange}
        />
      ) : (
        <>
          <div className={classes.head}>
            <h3>Configuration</h3>
            {views}
          </div>
          {parseExact(config) === undefined ? (
            <p className={classes.others}>
              The form can't show what is no JSON yet.{" "}
              <Button size="compact-xs" variant="default" onClick={showJson}>
                Correct it as JSON
              </Button>
            </p>
          ) : (
            <ConfigurationForm
              fields={schemaParts}
              config={config}
              violations={violations}
              onChange={onChange}
              onEditJson={showJson}
            />
          )}
          {error && <Input.Error>{error}</Input.Error>}
          {violations.filter(isElsewhere).map(({ path, message }) => (
            <Input.Error key={path + message}>{remark(path, message)}</Input.Error>
          ))}
        </>
      )}
    </section>
  );
}

function remark(path: string, message: string): string {
  return path === "" ? message : `${path}: ${message}`;
}
