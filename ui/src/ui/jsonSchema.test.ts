import { describe, expect, it } from "vitest";
import { describeAt, parseSchema, suggestAt } from "./jsonSchema";

const schema = parseSchema(
  JSON.stringify({
    type: "object",
    required: ["model"],
    properties: {
      model: {
        type: "string",
        title: "Model",
        description: "As its provider spells it.",
        examples: ["gpt-4o"],
      },
      mode: { enum: ["echo", "fail"], description: "What it does." },
      stream: { type: "boolean" },
      limits: { $ref: "#/$defs/limits" },
      chain: { type: "array", items: { $ref: "#node" } },
      "per-route": { patternProperties: { "^r": { const: "yes" } } },
    },
    allOf: [{ properties: { also: { type: "integer", minimum: 1, maximum: 9, default: 3 } } }],
    $defs: {
      limits: { type: "object", properties: { rate: { type: "number" }, burst: { type: "integer" } } },
      node: { $anchor: "node", properties: { next: { $ref: "#node" }, kind: { enum: ["a", "b"] } } },
    },
  }),
);
if (!schema) throw new Error("the schema is one");

/** The text with a bar where the cursor is. */
function suggested(marked: string, explicit = true) {
  const offset = marked.indexOf("|");
  const text = marked.replace("|", "");
  const found = suggestAt(schema as NonNullable<typeof schema>, text, offset, explicit);
  return {
    labels: found?.suggestions.map(({ label }) => label) ?? null,
    /** What the text becomes with the suggestion of this label. */
    with: (label: string) => {
      const chosen = found?.suggestions.find((each) => each.label === label);
      if (!found || !chosen) return null;
      const cursor = found.from + chosen.cursor;
      const after = text.slice(0, found.from) + chosen.insert + text.slice(found.to);
      return `${after.slice(0, cursor)}|${after.slice(cursor)}`;
    },
  };
}

describe("keys", () => {
  it("offers those that are not there yet, the required ones first, with the start of their values", () => {
    const found = suggested('{"stream": true, |}');
    expect(found.labels).toEqual(["model", "mode", "limits", "chain", "per-route", "also"]);
    expect(found.with("model")).toBe('{"stream": true, "model": "|"}');
    expect(found.with("limits")).toBe('{"stream": true, "limits": {|}}');
    expect(found.with("also")).toBe('{"stream": true, "also": 3|}');
    expect(found.with("mode")).toBe('{"stream": true, "mode": |}');
  });

  it("replaces the key that is being typed and leaves a value that is there", () => {
    expect(suggested('{"mo|"}').with("model")).toBe('{"model": "|"}');
    expect(suggested('{"mo|": "x"}').with("mode")).toBe('{"mode"|: "x"}');
    expect(suggested('{"model|": "x"}').labels).toContain("model");
    expect(suggested("{mo|").with("model")).toBe('{"model": "|"');
  });

  it("follows references, also those that lead back to themselves", () => {
    expect(suggested('{"limits": {|}}').labels).toEqual(["rate", "burst"]);
    expect(suggested('{"chain": [{"next": {"next": {|}}}]}').labels).toEqual(["next", "kind"]);
  });

  it("is silent while one types elsewhere, and where the schema knows nothing", () => {
    expect(suggested("{|}", false).labels).toBeNull();
    expect(suggested('{"unknown": {|}}').labels).toBeNull();
  });
});

describe("values", () => {
  it("offers the values that are allowed, and examples", () => {
    expect(suggested('{"mode": |}').labels).toEqual(['"echo"', '"fail"']);
    expect(suggested('{"mode": "ec|"}').with('"echo"')).toBe('{"mode": "echo"|}');
    expect(suggested('{"stream": t|}').with("true")).toBe('{"stream": true|}');
    expect(suggested('{"model": |}').labels).toEqual(['"gpt-4o"']);
    expect(suggested('{"chain": [{"kind": |}]}').labels).toEqual(['"a"', '"b"']);
    expect(suggested('{"per-route": {"r1": |}}').labels).toEqual(['"yes"']);
  });
});

describe("descriptions", () => {
  it("says what the schema says about the key and the value", () => {
    const text = '{"model": "x", "also": 4}';
    const found = describeAt(schema, text, text.indexOf("model") + 2);
    expect(found).toMatchObject({
      title: "Model",
      type: "string",
      description: "As its provider spells it.",
    });
    expect(describeAt(schema, text, text.indexOf("4"))).toMatchObject({ type: "integer, 1 to 9" });
    expect(describeAt(schema, '{"nobody": 1}', 3)).toBeNull();
  });
});

it("takes what is no schema for none", () => {
  for (const text of [null, "", "[", "[]", "true"]) expect(parseSchema(text)).toBeNull();
});
