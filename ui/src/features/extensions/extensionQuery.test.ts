import { describe, expect, it } from "vitest";
import type { ExtensionRow } from "../../api/extensions";
import { extension, sixExtensions } from "../../testing/fixtures";
import { countRows, matches, parseQuery, withTerm } from "./extensionQuery";

const rows: ExtensionRow[] = [
  ...sixExtensions(),
  extension("flaky", { enabled: false, health: "failing", health_score_percent: 81 }),
].map((row) => ({ ...row, pending: false }));

function found(text: string): string[] {
  const query = parseQuery(text);
  return rows.filter((row) => matches(row, query)).map((row) => row.id);
}

describe("the query language", () => {
  it("wants every word, in any of id, type and subject, in any case", () => {
    expect(found("PROVIDER gpt")).toEqual(["openai_gpt4"]);
    expect(found("mask_pii")).toEqual(["mask_sensitive_data"]);
    expect(found("  ")).toHaveLength(7);
  });

  it("reads type, is, health, subject and id", () => {
    expect(found("type:provider is:disabled")).toEqual(["flaky"]);
    expect(found("is:off health:failing")).toEqual(["flaky"]);
    expect(found("type:pre,post")).toEqual(["normalize_text", "mask_sensitive_data"]);
    expect(found("subject:pii")).toEqual(["pii_guard", "mask_sensitive_data"]);
    expect(found("id:pii")).toEqual(["pii_guard"]);
    expect(found("health:no-data type:validator")).toEqual(["pii_guard"]);
  });

  it("shows everything while a term is being typed, and nothing for a value that there is not", () => {
    expect(found("type:")).toHaveLength(7);
    expect(found("type:prov")).toHaveLength(0);
    expect(parseQuery("type:prov").unknown).toEqual(["type:prov"]);
  });

  it("leaves the other words alone when a chip sets a term", () => {
    expect(withTerm("gpt is:on", "type", ["provider"])).toBe("type:provider gpt is:on");
    expect(withTerm("is:on gpt", "is", ["off"])).toBe("is:off gpt");
    expect(withTerm("is:on gpt", "is", [])).toBe("gpt");
  });
});

it("counts what each chip would show", () => {
  const counts = countRows(rows);
  expect(counts).toMatchObject({ all: 7, on: 6, off: 1 });
  expect(counts.types.provider).toBe(4);
  expect(counts.health.failing).toBe(1);
});
