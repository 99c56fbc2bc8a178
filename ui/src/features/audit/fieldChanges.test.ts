import { describe, expect, it } from "vitest";
import { fitsInline, indented, inline, leafChanges } from "./fieldChanges";

describe("leafChanges", () => {
  it("shows of an object only what changed, wherever it is", () => {
    expect(
      leafChanges([
        {
          field: "config",
          before: '{"model": "a", "limits": {"tokens": 1, "rate": 5}, "gone": null}',
          after: '{"model": "a", "limits": {"tokens": 2, "rate": 5}, "added": [1, 2]}',
        },
      ]),
    ).toEqual([
      { field: "config.limits.tokens", before: "1", after: "2" },
      { field: "config.gone", before: "null", after: null },
      { field: "config.added", before: null, after: "[1, 2]" },
    ]);
  });

  it("keeps every digit of a number, so that a change in the last one is not lost", () => {
    expect(
      leafChanges([
        {
          field: "config",
          before: '{"seed": 12345678901234567890}',
          after: '{"seed": 12345678901234567891}',
        },
      ]),
    ).toEqual([{ field: "config.seed", before: "12345678901234567890", after: "12345678901234567891" }]);
  });

  it("leaves a field alone that is new, gone or simple", () => {
    const changes = [
      { field: "config", before: null, after: '{"a": 1}' },
      { field: "enabled", before: "true", after: "false" },
    ];
    expect(leafChanges(changes)).toEqual(changes);
  });

  it("tells a text from a number of the same digits", () => {
    expect(leafChanges([{ field: "config", before: '{"a": 1}', after: '{"a": "1"}' }])).toEqual([
      { field: "config.a", before: "1", after: '"1"' },
    ]);
  });
});

describe("inline", () => {
  it("drops the quotes of a text unless it could be mistaken for something else", () => {
    expect(inline('"beamline.v1"')).toBe("beamline.v1");
    expect(inline('"true"')).toBe('"true"');
    expect(inline('""')).toBe('""');
    expect(inline("true")).toBe("true");
    expect(inline(null)).toBe("nothing");
  });
});

describe("indented", () => {
  it("gives a long object a line for each member and leaves what is not JSON alone", () => {
    const long = `{"first": "${"x".repeat(40)}", "second": [], "third": {"a": 1.50}}`;
    expect(indented(long)).toBe(
      `{\n  "first": "${"x".repeat(40)}",\n  "second": [],\n  "third": {"a": 1.50}\n}`,
    );
    expect(indented("not json")).toBe("not json");
  });
});

describe("fitsInline", () => {
  it("takes short simple values only", () => {
    expect(fitsInline({ field: "a", before: "true", after: null })).toBe(true);
    expect(fitsInline({ field: "a", before: null, after: '{"b": 1}' })).toBe(false);
    expect(fitsInline({ field: "a", before: null, after: `"${"x".repeat(60)}"` })).toBe(false);
  });
});
