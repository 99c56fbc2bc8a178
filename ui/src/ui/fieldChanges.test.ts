import { describe, expect, it } from "vitest";
import { fitsInline, indented, inline, placeName, type ValuePart } from "./fieldChanges";

const at = (path: string) => ({ path, before: null, after: null });
const words = (parts: ValuePart[]) => parts.map(({ text }) => text).join("");
const kinds = (parts: ValuePart[]) => parts.map(({ kind, text }) => [kind, text]);

describe("placeName", () => {
  it("reads a pointer as a way through the configuration", () => {
    expect(placeName(at("/enabled"))).toBe("On");
    expect(placeName(at("/config/limits/rate"))).toBe("Configuration › limits › rate");
    expect(placeName(at("/config/patterns/0/name"))).toBe("Configuration › patterns[0] › name");
  });

  it("shows keys with slashes and tildes as they are", () => {
    expect(placeName(at("/config/rate~1s"))).toBe("Configuration › rate/s");
    expect(placeName(at("/config/a~01"))).toBe("Configuration › a~1");
  });

  it("takes only what can be a place in an array for one, and shows a key without a name", () => {
    expect(placeName(at("/config/patterns/10"))).toBe("Configuration › patterns[10]");
    expect(placeName(at("/config/codes/007"))).toBe("Configuration › codes › 007");
    expect(placeName(at("/config/"))).toBe('Configuration › ""');
  });

  it("names the whole where a legacy program wrote no fields", () => {
    expect(placeName(at(""))).toBe("all of it");
  });
});

describe("a hidden value", () => {
  const one = '{"$redacted": "a1b2c3d4e5f60718"}';

  it("shows that a secret is there, and by its fingerprint whether it is another", () => {
    expect(kinds(indented(one))).toEqual([["hidden", "hidden (a1b2c3)"]]);
    expect(kinds(inline(one))).toEqual([["hidden", "hidden (a1b2c3)"]]);
    expect(fitsInline({ path: "/config/api_key", before: one, after: one })).toBe(true);
  });

  it("is found at any depth of what came or went as a whole", () => {
    expect(kinds(indented(`{"model":"m","keys":[${one}]}`))).toEqual([
      ["text", '{"model": "m", "keys": ['],
      ["hidden", "hidden (a1b2c3)"],
      ["text", "]}"],
    ]);
  });

  it.each([
    '"text"',
    "{}",
    '{"$redacted": 5}',
    '{"$redacted": "a", "more": 1}',
    JSON.stringify(one),
    '"hidden (a1b2c3)"',
  ])("is not taken from %s", (json) => {
    expect(kinds(indented(json))).toEqual([["text", json]]);
  });
});

describe("a reference", () => {
  it.each(["env:OPENAI_API_KEY", "vault:secret/data/openai#key"])("is known by its shape: %s", (text) => {
    expect(kinds(indented(JSON.stringify(text)))).toEqual([["reference", text]]);
    expect(kinds(inline(JSON.stringify(text)))).toEqual([["reference", text]]);
  });

  it("is found within an object, but not in its keys", () => {
    expect(kinds(indented('{"env:KEY": "env:KEY"}'))).toEqual([
      ["text", '{"env:KEY": '],
      ["reference", "env:KEY"],
      ["text", "}"],
    ]);
  });

  it.each(["env:", "env:a b", "vault:path", "see env:KEY"])("is not %s", (text) => {
    expect(kinds(inline(JSON.stringify(text)))).toEqual([["text", text]]);
  });
});

describe("inline", () => {
  it("drops the quotes of a text unless it could be mistaken for something else", () => {
    expect(words(inline('"beamline.v1"'))).toBe("beamline.v1");
    expect(words(inline('"true"'))).toBe('"true"');
    expect(words(inline('""'))).toBe('""');
    expect(words(inline("true"))).toBe("true");
    expect(words(inline(null))).toBe("nothing");
  });

  it("keeps every digit of a number", () => {
    expect(words(inline("12345678901234567890"))).toBe("12345678901234567890");
  });
});

describe("indented", () => {
  it("gives a long object a line for each member and leaves what is not JSON alone", () => {
    const long = `{"first": "${"x".repeat(40)}", "second": [], "third": {"a": 1.50}}`;
    expect(words(indented(long))).toBe(
      `{\n  "first": "${"x".repeat(40)}",\n  "second": [],\n  "third": {"a": 1.50}\n}`,
    );
    expect(words(indented("not json"))).toBe("not json");
  });
});

describe("a mark that turns the direction", () => {
  it("is shown as its escape, in lines as in a sentence", () => {
    expect(kinds(indented('{"k\u202e": "a\u2066b"}'))).toEqual([["text", '{"k\\u202e": "a\\u2066b"}']]);
    expect(words(inline('"a\u202eb"'))).toBe("a\\u202eb");
  });
});

describe("fitsInline", () => {
  it("takes short simple values only", () => {
    expect(fitsInline({ path: "/a", before: "true", after: null })).toBe(true);
    expect(fitsInline({ path: "/a", before: null, after: '{"b": 1}' })).toBe(false);
    expect(fitsInline({ path: "/a", before: null, after: `"${"x".repeat(60)}"` })).toBe(false);
  });
});
