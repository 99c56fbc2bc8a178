import { describe, expect, it } from "vitest";
import { jsonAt, jsonChanges, pointerParts, withValueAt } from "./jsonChanges";

describe("jsonChanges", () => {
  it("tells the places that differ, to the last digit", () => {
    expect(
      jsonChanges(
        "/config",
        '{"a": 1.0, "b": [1, {"c/d": 2}], "e": null}',
        '{"a": 1.00, "b": [1, {"c/d": 3}, 4]}',
      ),
    ).toEqual([
      { path: "/config/a", before: "1.0", after: "1.00" },
      { path: "/config/b/1/c~1d", before: "2", after: "3" },
      { path: "/config/b/2", before: null, after: "4" },
      { path: "/config/e", before: "null", after: null },
    ]);
    expect(jsonChanges("/config", '{"a": [1,2]}', '{ "a": [1, 2] }')).toEqual([]);
  });

  it("takes a hidden secret for one value", () => {
    const hidden = (fingerprint: string) => `{"key": {"$redacted": "${fingerprint}"}}`;
    expect(jsonChanges("/config", hidden("aa"), hidden("bb")).map(({ path }) => path)).toEqual([
      "/config/key",
    ]);
  });
});

describe("withValueAt", () => {
  it("sets, adds and removes, and keeps every other digit", () => {
    const json = '{"a": 1.00, "b": {"c": [1, 2.50]}}';
    expect(withValueAt(json, ["b", "c", "0"], "9.0")).toBe('{"a": 1.00, "b": {"c": [9.0, 2.50]}}');
    expect(withValueAt(json, ["n", "m"], '"x"')).toBe('{"a": 1.00, "b": {"c": [1, 2.50]}, "n": {"m": "x"}}');
    expect(withValueAt(json, ["b"], null)).toBe('{"a": 1.00}');
    expect(withValueAt(json, ["b", "c", "0"], null)).toBe('{"a": 1.00, "b": {"c": [2.50]}}');
  });
});

describe("jsonAt", () => {
  it("reads a place to the last digit", () => {
    expect(jsonAt('{"a": [1, {"b/c": 2.50}]}', ["a", "1", "b/c"])).toBe("2.50");
    expect(jsonAt('{"a": [-1.50E+20, 1e5]}', ["a"])).toBe("[-1.50E+20, 1e5]");
    expect(jsonAt('{"a": 1}', ["a", "b"])).toBeNull();
    expect(jsonAt('{"a": 1}', ["x"])).toBeNull();
    expect(jsonAt("broken", [])).toBeNull();
  });
});

describe("pointerParts", () => {
  it("undoes the escapes", () => {
    expect(pointerParts("/config/a~1b/~0/0")).toEqual(["config", "a/b", "~", "0"]);
  });
});
