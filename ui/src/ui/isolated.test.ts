import { describe, expect, it } from "vitest";
import { isolated, withVisibleMarks } from "./isolated";

describe("a name in a sentence", () => {
  it("stays as it is where nothing is turned, and is isolated where something could be", () => {
    expect(isolated("pii_guard")).toBe("pii_guard");
    expect(isolated("\u202eevil")).toBe("\u2068\u202eevil\u2069");
    expect(isolated("a\u2069\u202eb")).toBe("\u2068a\u202eb\u2069");
  });
});

describe("marks in JSON", () => {
  it("are spelled as escapes of the same value", () => {
    const json = JSON.stringify({ "\u202ekey": "a\u2066b" });
    expect(withVisibleMarks(json)).toBe('{"\\u202ekey":"a\\u2066b"}');
    expect(JSON.parse(withVisibleMarks(json))).toEqual(JSON.parse(json));
  });
});
