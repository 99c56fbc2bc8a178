import { describe, expect, it } from "vitest";
import { auditEntry } from "../../testing/fixtures";
import { type RowOptions, timelineRows } from "./timelineRows";

const options: RowOptions = { now: new Date(), openGroups: new Set(), collapse: true, continues: false };
const member = (revision: number, group_id: string) => auditEntry(revision, { group_id });
const keys = (entries: Parameters<typeof timelineRows>[0], more: Partial<RowOptions> = {}) =>
  timelineRows(entries, { ...options, ...more }).map((row) => row.key);

describe("timelineRows", () => {
  it("folds neighbours of one group, and leaves a single one as it is", () => {
    const entries = [member(5, "a"), member(4, "a"), member(3, "b"), auditEntry(2)];
    expect(keys(entries)).toEqual(["day Today", "group a", "entry 3", "entry 2"]);
    expect(keys(entries, { openGroups: new Set(["a"]) })).toEqual([
      "day Today",
      "group a",
      "entry 5",
      "entry 4",
      "entry 3",
      "entry 2",
    ]);
    expect(keys(entries, { collapse: false })).toHaveLength(5);
  });

  it("says that a group goes on where it is the last of what is loaded", () => {
    const [, group] = timelineRows([member(5, "a"), member(4, "a")], { ...options, continues: true });
    expect(group).toMatchObject({ kind: "group", continues: true, first: true, last: true });
  });

  it("never gives a key twice, whatever the clocks of writers said", () => {
    const old = { timestamp: "2026-01-05T12:00:00Z" };
    const entries = [
      auditEntry(6),
      auditEntry(5, old),
      auditEntry(4),
      auditEntry(3, old),
      member(2, "a"),
      member(1, "a"),
    ];
    expect(new Set(keys(entries)).size).toBe(keys(entries).length);
  });

  it("keeps its keys while pages come and go above", () => {
    const entries = Array.from({ length: 50 }, (_, index) => auditEntry(50 - index));
    expect(keys(entries.slice(20)).slice(1)).toEqual(keys(entries).slice(21));
  });
});
