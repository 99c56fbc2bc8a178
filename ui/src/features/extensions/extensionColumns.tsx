import type { ReactNode } from "react";
import type { ExtensionRow } from "../../api/extensions";
import { ExtensionTypeBadge } from "../../ui/ExtensionTypeBadge";
import { exactDuration } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { Switch } from "../../ui/Switch";
import classes from "./ExtensionTable.module.css";
import type { ExtensionActions } from "./extensionActions";
import type { SortColumn } from "./extensionOrder";
import { HealthCell } from "./HealthCell";
import { LastChangeCell } from "./LastChangeCell";

export type ExtensionColumn = {
  column: SortColumn;
  name: string;
  /** How the cell stands: a figure at the right edge, a name that may reach into the gap. */
  kind: "plain" | "figure" | "name";
  cell: (row: ExtensionRow, actions: ExtensionActions) => ReactNode;
};

/** The columns of the list, in order. */
export const extensionColumns: readonly ExtensionColumn[] = [
  {
    column: "enabled",
    name: "State",
    kind: "plain",
    cell: (row, actions) => (
      <span className={classes.state}>
        <Switch
          name={`${row.id} enabled`}
          on={row.enabled}
          forbidden={actions.allowed.switching}
          onChange={(enabled) => actions.setEnabled(row.id, enabled)}
        />
        <span className={classes.stateWord}>{row.enabled ? "On" : "Off"}</span>
      </span>
    ),
  },
  { column: "id", name: "Id", kind: "name", cell: (row) => <Identifier label="id" value={row.id} /> },
  { column: "type", name: "Type", kind: "plain", cell: (row) => <ExtensionTypeBadge type={row.type} /> },
  {
    column: "subject",
    name: "Subject",
    kind: "name",
    cell: (row) => <Identifier label="subject" value={row.subject} />,
  },
  { column: "timeout_ms", name: "Timeout", kind: "figure", cell: (row) => exactDuration(row.timeout_ms) },
  {
    column: "retry",
    name: "Retries",
    kind: "figure",
    cell: (row) => (row.retry === 0 ? <span className={classes.none}>none</span> : `×${row.retry}`),
  },
  {
    column: "health",
    name: "Health",
    kind: "plain",
    cell: (row) => <HealthCell id={row.id} health={row.health} scorePercent={row.health_score_percent} />,
  },
  {
    column: "last_change",
    name: "Last change",
    kind: "plain",
    cell: (row) => <LastChangeCell change={row.last_change} />,
  },
];
