import { describe, expect, it } from "vitest";
import { type ExtensionFields, type FieldName, type FieldSurroundings, fieldErrors } from "./extensionRules";

const fine: ExtensionFields = {
  id: "a.b-c_1",
  type: "pre",
  subject: "beamline.ext.é$.v1",
  timeout_ms: 600_000,
  retry: 10,
  enabled: true,
  config: '{"a": 1.00}',
  metadata: "{}",
};

const alone: FieldSurroundings = { others: [], read: null };

describe("the rules", () => {
  it("let the edges pass", () => {
    expect(fieldErrors(fine, alone)).toEqual({});
    expect(fieldErrors({ ...fine, timeout_ms: 1, retry: 0, id: "9".repeat(255) }, alone)).toEqual({});
  });

  it.each<[FieldName, unknown]>([
    ["id", ""],
    ["id", "_a"],
    ["id", "a b"],
    ["id", "ä"],
    ["id", "a".repeat(256)],
    ["subject", ""],
    ["subject", "a..b"],
    ["subject", ".a"],
    ["subject", "a."],
    ["subject", "a.*"],
    ["subject", "a.>"],
    ["subject", "a b"],
    ["subject", "a".repeat(256)],
    ["timeout_ms", 0],
    ["timeout_ms", 600_001],
    ["timeout_ms", 1.5],
    ["timeout_ms", ""],
    ["retry", -1],
    ["retry", 11],
    ["config", ""],
    ["config", "{"],
    ["config", "[]"],
    ["config", "null"],
    ["config", '{"a": "\\u0000"}'],
    ["config", `{"a": "${"x".repeat(65_536)}"}`],
    ["metadata", "5"],
  ])("name %s for %j", (field, value) => {
    expect(Object.keys(fieldErrors({ ...fine, [field]: value }, alone))).toEqual([field]);
  });

  it("name the place in JSON", () => {
    expect(fieldErrors({ ...fine, config: '{\n  "a": }' }, alone).config).toBe(
      "Not valid JSON: line 2, column 8: a value is missing.",
    );
    expect(fieldErrors({ ...fine, config: '{"a": 1,}' }, alone).config).toMatch(/Not valid JSON/);
  });

  it("say whose id or subject it is", () => {
    const others = [
      { id: fine.id, subject: "x" },
      { id: "owner", subject: fine.subject },
    ];
    expect(fieldErrors(fine, { others, read: null })).toEqual({
      id: `${fine.id} is there already.`,
      subject: "owner has this subject already.",
    });
  });

  it("let a mark stay where it was read, and nowhere else", () => {
    const marked = { ...fine, config: '{"a": {"key": {"$redacted": "ff"}}}' };
    expect(fieldErrors(marked, { others: [], read: marked })).toEqual({});
    expect(fieldErrors(marked, alone).config).toMatch(/^a › key has a mark in place of a secret/);
    const moved = { ...marked, config: '{"b": {"$redacted": "ff"}}' };
    expect(fieldErrors(moved, { others: [], read: marked }).config).toMatch(/^b has a mark/);
  });
});
