import { Checkbox, NumberInput, Select, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import type { ExtensionType, Violation } from "../../../bindings";
import fonts from "../../../ui/fonts.module.css";
import { JsonEditor } from "../../../ui/JsonEditor";
import { extensionTypes } from "../extensionQuery";
import { type ExtensionFields, type FieldName, retryRange, timeoutRange } from "../extensionRules";
import { ConfigurationField } from "./ConfigurationField";
import classes from "./ExtensionForm.module.css";
import type { SchemaField } from "./schemaFields";

type FormFieldsProps = {
  fields: ExtensionFields;
  isNew: boolean;
  schema: string | null;
  schemaParts: readonly SchemaField[];
  errorOf: (name: FieldName) => ReactNode;
  violations: readonly Violation[];
  set: <Name extends FieldName>(name: Name, value: ExtensionFields[Name]) => void;
};

/** All fields of an extension, those of its configuration in the other column. */
export function FormFields({
  fields,
  isNew,
  schema,
  schemaParts,
  errorOf,
  violations,
  set,
}: FormFieldsProps) {
  return (
    <div className={classes.columns}>
      <div className={classes.fields}>
        {isNew && (
          <div className={classes.pair}>
            <TextInput
              label="Id"
              size="xs"
              data-autofocus
              spellCheck={false}
              classNames={{ input: fonts.mono }}
              value={fields.id}
              error={errorOf("id")}
              onChange={(event) => set("id", event.currentTarget.value)}
            />
            <Select
              label="Type"
              size="xs"
              data={[...extensionTypes]}
              allowDeselect={false}
              value={fields.type}
              onChange={(value) => value && set("type", value as ExtensionType)}
            />
          </div>
        )}
        <TextInput
          label="Subject"
          size="xs"
          data-autofocus={!isNew || undefined}
          description="The NATS subject that it answers on"
          spellCheck={false}
          classNames={{ input: fonts.mono }}
          value={fields.subject}
          error={errorOf("subject")}
          onChange={(event) => set("subject", event.currentTarget.value)}
        />
        <div className={classes.pair}>
          <NumberInput
            label="Timeout"
            size="xs"
            suffix=" ms"
            allowDecimal={false}
            clampBehavior="none"
            {...timeoutRange}
            value={fields.timeout_ms}
            error={errorOf("timeout_ms")}
            onChange={(value) => set("timeout_ms", value === "" ? "" : Number(value))}
          />
          <NumberInput
            label="Retries"
            size="xs"
            allowDecimal={false}
            clampBehavior="none"
            {...retryRange}
            value={fields.retry}
            error={errorOf("retry")}
            onChange={(value) => set("retry", value === "" ? "" : Number(value))}
          />
        </div>
        <Checkbox
          size="xs"
          label="On: routers use it"
          checked={fields.enabled}
          onChange={(event) => set("enabled", event.currentTarget.checked)}
        />
        <JsonEditor
          label="Metadata"
          value={fields.metadata}
          error={errorOf("metadata")}
          onChange={(value) => set("metadata", value)}
        />
      </div>
      <ConfigurationField
        config={fields.config}
        schema={schema}
        schemaParts={schemaParts}
        violations={violations}
        error={errorOf("config")}
        onChange={(value) => set("config", value)}
      />
    </div>
  );
}
