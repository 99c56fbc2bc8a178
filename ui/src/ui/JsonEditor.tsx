import { Button, Textarea } from "@mantine/core";
import type { ReactNode } from "react";
import { parseExact, printExact } from "./exactJson";
import classes from "./JsonEditor.module.css";

type JsonEditorProps = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: ReactNode;
  /** What is wrong with it while it is valid JSON: one line each. */
  remarks?: readonly string[];
};

/** JSON as text: what is typed stays as it is typed, every digit of it. */
export function JsonEditor({ label, value, onChange, error, remarks = [] }: JsonEditorProps) {
  const parsed = parseExact(value);
  return (
    <div className={classes.editor}>
      <Textarea
        label={label}
        autosize
        minRows={5}
        maxRows={16}
        spellCheck={false}
        classNames={{ input: classes.text }}
        value={value}
        error={error}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <Button
        className={classes.format}
        size="compact-xs"
        variant="subtle"
        disabled={parsed === undefined}
        onClick={() => parsed !== undefined && onChange(printExact(parsed))}
      >
        Format
      </Button>
      {remarks.length > 0 && (
        <ul className={classes.remarks} aria-label={`What does not fit in ${label}`}>
          {remarks.map((remark) => (
            <li key={remark}>{remark}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
