import { describe, expect, it } from "vitest";
import type { ExtensionRow } from "../../api/extensions";
import { extension, sixExtensions } from "../../testing/fixtures";
import { defaultOrder, nextOrder, type SortOrder, sortExtensions } from "./extensionOrder";

const rows: ExtensionRow[] = sixExtensions().map((row) => ({ ...row, pending: false }));

function idsBy(order: SortOrder, of = rows): string[] {
  return sortExtensions(of, order).map((row) => row.id);
}

describe("sortExtensions", () => {
  it("puts the types in the schema's order and the ids within them", () => {
    expect(idsBy(defaultOrder)).toEqual([
      "normalize_text",
      "pii_guard",
      "mask_sensitive_data",
      "anthropic_claude",
      "mock_provider",
      "openai_gpt4",
    ]);
  });

  it("sorts figures as figures and keeps equal ones in the order of their ids, both ways", () => {
    expect(idsBy({ column: "timeout_ms", descending: true })).toEqual([
      "anthropic_claude",
      "openai_gpt4",
      "mock_provider",
      "pii_guard",
      "mask_sensitive_data",
      "normalize_text",
    ]);
  });

  it("brings the newest change to the top at the first click", () => {
    const change = (timestamp: string) => ({ action: "updated" as const, changed_by: null, timestamp });
    const changed: ExtensionRow[] = [
      { ...extension("never"), pending: false },
      { ...extension("older", { last_change: change("2026-01-01T00:00:00Z") }), pending: false },
      { ...extension("newer", { last_change: change("2026-01-01T09:00:00+02:00") }), pending: false },
    ];
    expect(idsBy({ column: "last_change", descending: false }, changed)).toEqual(["newer", "older", "never"]);
  });
});

describe("nextOrder", () => {
  it("turns the same column round and starts another one ascending", () => {
    const once = nextOrder(defaultOrder, "subject");
    expect(once).toEqual({ column: "subject", descending: false });
    expect(nextOrder(once, "subject")).toEqual({ column: "subject", descending: true });
  });
});
