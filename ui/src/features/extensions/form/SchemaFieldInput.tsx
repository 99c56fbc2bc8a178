import {
  Button,
  Input,
  MultiSelect,
  PasswordInput,
  SegmentedControl,
  Select,
  TagsInput,
  TextInput,
} from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { ChangeValue } from "../../../ui/ChangeValue";
import { type ExactJson, isObject, printExact } from "../../../ui/exactJson";
import { indented } from "../../../ui/fieldChanges";
import { IconX } from "../../../ui/icons";
import { isReference } from "../../../ui/jsonText";
import classes from "./ConfigurationForm.module.css";
import type { Choice, SchemaField } from "./schemaFields";

type FieldProps = {
  field: SchemaField;
  value: ExactJson | undefined;
  error: string | null;
  /** The new JSON text of the value; null takes it away. */
  onRaw: (raw: string | null) => void;
  onEditJson: () => void;
};

/** One property of the configuration, by the control that its schema asks for and its value allows. */
export function SchemaFieldInput({ field, value, error, onRaw, onEditJson }: FieldProps) {
  const { control } = field;
  const isUnset = value === undefined;
  const text = textOf(value);
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
  if (control.kind === "choice" && (isUnset || !isComposed(value))) {
    const raw = isUnset ? null : printExact(value);
    return (
      <Select
        {...common}
        data={optionsOf(control.choices, raw === null ? [] : [raw])}
        value={raw}
        clearable={!field.required}
        onChange={onRaw}
      />
    );
  }
  if (control.kind === "number" && (isUnset || isNumber(value))) {
    return (
      <NumberField
        {...common}
        integer={control.integer}
        raw={isUnset ? "" : printExact(value)}
        onRaw={onRaw}
      />
    );
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
  if (control.kind === "list" && (isUnset || Array.isArray(value))) {
    const items = value ?? [];
    const setRaws = (raws: readonly string[]) =>
      onRaw(raws.length === 0 && isUnset ? null : `[${raws.join(", ")}]`);
    const raws = items.map((item) => printExact(item));
    const { item } = control;
    if (item.kind === "text" && items.every((each) => textOf(each) !== null)) {
      return (
        <TagsInput
          {...common}
          placeholder="Write one, then Enter"
          value={items.map((each) => textOf(each) ?? "")}
          onChange={(texts) => setRaws(texts.map((each) => JSON.stringify(each)))}
        />
      );
    }
    if (item.kind === "number" && items.every(isNumber)) {
      return <NumberList {...common} integer={item.integer} raws={raws} onRaws={setRaws} />;
    }
    if (item.kind === "boolean" && items.every((each) => typeof each === "boolean")) {
      return <BooleanList {...common} raws={raws} onRaws={setRaws} />;
    }
    if (item.kind === "choice" && !items.some(isComposed) && new Set(raws).size === raws.length) {
      return (
        <MultiSelect
          {...common}
          data={optionsOf(item.choices, raws)}
          value={raws}
          placeholder={raws.length === 0 ? "Choose" : ""}
          onChange={setRaws}
        />
      );
    }
  }
  return (
    <Shown {...common} value={value}>
      <Button size="compact-xs" variant="default" onClick={onEditJson}>
        Edit as JSON
      </Button>
    </Shown>
  );
}

/** What can be chosen, and what is there without being one of them: it is not lost by being looked at. */
function optionsOf(choices: readonly Choice[], present: readonly string[]) {
  const known = new Set(choices.map(({ raw }) => raw));
  const others = present.filter((raw) => !known.has(raw));
  return [
    ...choices.map(({ raw, label }) => ({ value: raw, label })),
    ...others.map((raw) => ({ value: raw, label: raw })),
  ];
}

type Labelled = Pick<SchemaField, "required" | "description"> & { label: string; error: string | null };

/** A value that no field can hold, with another way to change it. */
function Shown({
  value,
  children,
  ...wrapper
}: Labelled & { value: ExactJson | undefined; children: ReactNode }) {
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

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

type NumberFieldProps = Labelled & { integer: boolean; raw: string; onRaw: (raw: string | null) => void };

/** A number as it is spelled: 1.00 stays 1.00. What is no number yet stays in the field alone. */
function NumberField({ integer, raw, onRaw, error, ...input }: NumberFieldProps) {
  const [typed, setTyped] = useState(raw);
  useEffect(() => setTyped(raw), [raw]);
  const isRight = typed === "" || jsonNumber.test(typed);
  return (
    <TextInput
      {...input}
      size="xs"
      inputMode={integer ? "numeric" : "decimal"}
      error={
        isRight ? error : `Write a ${integer ? "whole " : ""}number. Until then ${raw || "none"} counts.`
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

type ListProps = Labelled & { raws: readonly string[]; onRaws: (raws: readonly string[]) => void };

/** Numbers as they are spelled; the same one may stand there twice. */
function NumberList({ integer, raws, onRaws, error, ...input }: ListProps & { integer: boolean }) {
  const [refused, setRefused] = useState<string | null>(null);
  return (
    <TagsInput
      {...input}
      size="xs"
      placeholder="Write a number, then Enter"
      allowDuplicates
      error={refused === null ? error : `${refused} is no ${integer ? "whole " : ""}number.`}
      value={[...raws]}
      onChange={(texts) => {
        const wrong = texts.find((text) => !jsonNumber.test(text));
        setRefused(wrong ?? null);
        onRaws(texts.filter((text) => jsonNumber.test(text)));
      }}
    />
  );
}

/** Each of them by a switch of its own, in their order. */
function BooleanList({ raws, onRaws, label, ...wrapper }: ListProps) {
  return (
    <Input.Wrapper {...wrapper} label={label} labelElement="div">
      <div className={classes.list}>
        {raws.map((raw, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an item is nothing but its place and its value
          <div key={place} className={classes.item}>
            <SegmentedControl
              aria-label={`${label} ${place + 1}`}
              data={[
                { value: "true", label: "Yes" },
                { value: "false", label: "No" },
              ]}
              value={raw}
              onChange={(choice) => onRaws(raws.map((each, other) => (other === place ? choice : each)))}
            />
            <Button
              size="compact-xs"
              variant="subtle"
              aria-label={`Take ${label} ${place + 1} away`}
              onClick={() => onRaws(raws.filter((_, other) => other !== place))}
            >
              <IconX size={13} aria-hidden />
            </Button>
          </div>
        ))}
        <Button size="compact-xs" variant="default" onClick={() => onRaws([...raws, "false"])}>
          Add
        </Button>
      </div>
    </Input.Wrapper>
  );
}

function isNumber(value: ExactJson): boolean {
  return typeof value === "string" && value.startsWith("n");
}

function isComposed(value: ExactJson): boolean {
  return typeof value === "object" && value !== null;
}

/** The text that a value is, or null. */
function textOf(value: ExactJson | undefined): string | null {
  return typeof value === "string" && value.startsWith("s") ? value.slice(1) : null;
}
