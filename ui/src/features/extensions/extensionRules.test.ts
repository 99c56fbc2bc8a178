import { describe, expect, it } from "vitest";
import { type ExtensionFields, type FieldName, fieldErrors } from "./extensionRules";

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

describe("the rules", () => {
  it("let the edges pass", () => {
    expect(fieldErrors(fine)).toEqual({});
    expect(fieldErrors({ ...fine, timeout_ms: 1, retry: 0, id: "9".repeat(255) })).toEqual({});
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
    expect(Object.keys(fieldErrors({ ...fine, [field]: value }))).toEqual([field]);
  });
});
