import type { MigrationDecision, SchemaState } from "../../../bindings";
import { counted, groupedCount } from "../../../ui/figures";

type Words = {
  title: string;
  message: string;
  /** What is done, as a button says it; null where there is nothing to decide. */
  verb: string | null;
};

/** What there is to decide about a database. */
export function migrationWords(state: SchemaState): Words {
  switch (state.kind) {
    case "pending": {
      const count = state.value.migrations.length;
      return {
        title: "This registry is of an older version",
        message: `It is of version ${state.value.version}. ${counted(count, "migration")} ${count === 1 ? "brings" : "bring"} it to that of this program. Programs of the version before go on working with it.`,
        verb: `Migrate, ${counted(count, "step")}`,
      };
    }
    case "seed":
      return {
        title: "These tables were made by hand",
        message: `${seedRows(state.value)} The tables become a registry with all of their rows: with an audit log that can't be gone around, and with roles. The names and the meaning of their columns stay.`,
        verb: "Adopt the tables",
      };
    case "empty":
      return {
        title:
          state.value.other_table_count === 0
            ? "The database is empty"
            : "There is no registry in this database",
        message: "A registry can be created in it: its tables, its roles and its audit log.",
        verb: "Create the registry here",
      };
    case "newer":
      return {
        title: "This registry is of a newer version",
        message: `It is of version ${state.value.version}, and this program knows ${state.value.known_version}. It can be read alone until this program is brought up to date.`,
        verb: null,
      };
    case "up_to_date":
      return {
        title: "This registry is up to date",
        message: `It is of version ${state.value.version}.`,
        verb: null,
      };
  }
}

type Seed = Extract<SchemaState, { kind: "seed" }>["value"];

function seedRows({ extension_count, audit_entry_count, health_count }: Seed): string {
  const rows = [
    extension_count !== null && counted(extension_count, "extension"),
    audit_entry_count !== null && counted(audit_entry_count, "audit entry", "audit entries"),
    health_count !== null && counted(health_count, "row of health", "rows of health"),
  ].filter((words) => words !== false);
  return rows.length === 0
    ? "How many rows they have this login may not read."
    : `They have ${rows.join(", ")}.`;
}

/** How many tables of something else there are; 0 where it is a registry, or nothing. */
export function otherTableCount({ state }: MigrationDecision): number {
  return state.kind === "empty" ? state.value.other_table_count : 0;
}

export function otherTablesText(count: number): string {
  return `${groupedCount(count)} other ${count === 1 ? "table is" : "tables are"} in this database`;
}

/** What would be done, in order. */
export function pendingOf(state: SchemaState) {
  return "migrations" in state.value ? state.value.migrations : [];
}
