import { Button, Radio } from "@mantine/core";
import { useState } from "react";
import type { RevisionConflict } from "../../../bindings";
import { ChangeValue } from "../../../ui/ChangeValue";
import { indented, placeName } from "../../../ui/fieldChanges";
import { jsonAt, pointerParts, withValueAt } from "../../../ui/jsonChanges";
import type { ExtensionFields } from "../extensionRules";
import { fieldsOf } from "./draft";
import classes from "./ExtensionForm.module.css";

type Side = "theirs" | "yours";

type ConflictViewProps = {
  conflict: RevisionConflict;
  yours: ExtensionFields;
  isSaving: boolean;
  onBack: () => void;
  /** The extension as it is to be, with a side chosen at each place. */
  onSave: (resolved: ExtensionFields) => void;
};

/** Two people changed the same: nothing was overwritten, and for each place one side is chosen. */
export function ConflictView({ conflict, yours, isSaving, onBack, onSave }: ConflictViewProps) {
  const [chosen, setChosen] = useState<Record<string, Side>>({});
  const who = conflict.current.extension.last_change?.changed_by ?? "somebody else";
  const theirs = fieldsOf(conflict.current);
  const open = conflict.paths.filter((path) => chosen[path] === undefined);

  return (
    <div className={classes.sides}>
      <p>{who} changed the same as you. Choose for each place; everything else of both is kept.</p>
      {conflict.paths.map((path) => {
        const change = { path, before: null, after: null };
        return (
          <div key={path} className={classes.place} role="radiogroup" aria-label={placeName(change)}>
            <div className={classes.placeName}>{placeName(change)}</div>
            {(["theirs", "yours"] as const).map((side) => (
              <div key={side} className={classes.side}>
                <Radio
                  size="xs"
                  name={path}
                  label={side === "theirs" ? "Theirs" : "Yours"}
                  checked={chosen[path] === side}
                  onChange={() => setChosen({ ...chosen, [path]: side })}
                />
                <pre>
                  <ChangeValue parts={indented(sideText(side === "theirs" ? theirs : yours, path))} />
                </pre>
              </div>
            ))}
          </div>
        );
      })}
      <footer className={classes.footer}>
        <Button size="xs" variant="default" onClick={onBack}>
          Back
        </Button>
        <Button
          size="xs"
          loading={isSaving}
          disabled={open.length > 0}
          title={open.length > 0 ? `Choose a side for ${open.length} more` : undefined}
          onClick={() => onSave(resolve(conflict, yours, chosen))}
        >
          Save
        </Button>
      </footer>
    </div>
  );
}

/** What a side has at a place, as JSON text. */
function sideText(fields: ExtensionFields, path: string): string {
  const [field, ...inside] = pointerParts(path);
  const value = fields[field as keyof ExtensionFields];
  if (field !== "config" && field !== "metadata") return JSON.stringify(value ?? null);
  return jsonAt(fields[field], inside) ?? "removed";
}

/** Theirs as it is now, with every change of yours that does not conflict and those that were chosen. */
export function resolve(
  conflict: RevisionConflict,
  yours: ExtensionFields,
  chosen: Record<string, Side>,
): ExtensionFields {
  let resolved = fieldsOf(conflict.current);
  for (const { path } of conflict.yours) {
    const contested = conflict.paths.find((place) => path === place || path.startsWith(`${place}/`));
    if (contested !== undefined && chosen[contested] !== "yours") continue;
    const [field, ...inside] = pointerParts(path);
    if (field === "config" || field === "metadata") {
      const value = jsonAt(yours[field], inside);
      resolved = { ...resolved, [field]: withValueAt(resolved[field], inside, value) };
    } else if (field !== undefined && field in resolved) {
      resolved = { ...resolved, [field]: yours[field as keyof ExtensionFields] };
    }
  }
  return resolved;
}
