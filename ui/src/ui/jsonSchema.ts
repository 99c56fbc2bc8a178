import { findNodeAtLocation, getLocation, type JSONPath, type Node, parseTree } from "jsonc-parser";

/** A part of a JSON Schema; what it holds is looked at with care, because anybody may have written it. */
export type Part = Record<string, unknown>;

/** What may stand at the place of the cursor, in place of the text from `from` to `to`. */
export type Suggestions = { from: number; to: number; suggestions: Suggestion[] };

export type Suggestion = {
  /** As it is listed. */
  label: string;
  /** What is written, as JSON. */
  insert: string;
  /** Where the cursor goes, from the start of what is written. */
  cursor: number;
  kind: "key" | "value";
  /** A word or two beside it: "integer, required". */
  detail: string;
  description: string | null;
};

/** What a schema says about one place. */
export type PlaceDescription = {
  from: number;
  to: number;
  title: string;
  type: string;
  description: string | null;
  /** The allowed or suggested values, as JSON. */
  values: string[];
};

/** The schema of a text, or null if it is none. */
export function parseSchema(text: string | null | undefined): Part | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return isPart(value) ? value : null;
  } catch {
    return null;
  }
}

/** Every reference is followed once on the way to a place: a schema may lead back to itself. */
const referencesMax = 64;

/** The parts of a schema that hold for a value at a path, each applied part by itself. */
export function partsAt(schema: Part, path: JSONPath): Part[] {
  let parts = applied(schema, schema);
  for (const segment of path) {
    parts = parts
      .flatMap((part) =>
        typeof segment === "number" ? itemParts(part, segment) : memberParts(part, segment),
      )
      .flatMap((part) => applied(schema, part));
  }
  return parts;
}

/** A part and all that apply beside it: what it refers to, and what it is put together from. */
function applied(root: Part, start: Part): Part[] {
  const found: Part[] = [];
  const waiting = [start];
  const seen = new Set<Part>();
  while (waiting.length > 0 && seen.size < referencesMax) {
    const part = waiting.shift();
    if (!part || seen.has(part)) continue;
    seen.add(part);
    found.push(part);
    const reference = part.$ref ?? part.$dynamicRef;
    const target = typeof reference === "string" ? resolve(root, reference) : null;
    if (target) waiting.push(target);
    for (const name of ["allOf", "anyOf", "oneOf"]) waiting.push(...partList(part[name]));
    for (const name of ["if", "then", "else"]) {
      const branch = part[name];
      if (isPart(branch)) waiting.push(branch);
    }
  }
  return found;
}

/** A reference within the schema: "#", "#/$defs/name" or "#anchor". */
export function resolve(root: Part, reference: string): Part | null {
  if (!reference.startsWith("#")) return null;
  const fragment = decoded(reference.slice(1));
  if (fragment === "") return root;
  if (!fragment.startsWith("/")) return anchored(root, fragment);
  let value: unknown = root;
  for (const segment of fragment.slice(1).split("/")) {
    const name = segment.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value)) value = value[Number(name)];
    else if (isPart(value) && Object.hasOwn(value, name)) value = value[name];
    else return null;
  }
  return isPart(value) ? value : null;
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

function anchored(value: unknown, name: string): Part | null {
  if (Array.isArray(value)) {
    for (const item of value) {
      const found = anchored(item, name);
      if (found) return found;
    }
    return null;
  }
  if (!isPart(value)) return null;
  if (value.$anchor === name || value.$dynamicAnchor === name) return value;
  return anchored(Object.values(value), name);
}

function memberParts(part: Part, name: string): Part[] {
  const { properties, patternProperties, additionalProperties } = part;
  const found: unknown[] = [];
  if (isPart(properties) && Object.hasOwn(properties, name)) found.push(properties[name]);
  if (isPart(patternProperties)) {
    for (const [pattern, schema] of Object.entries(patternProperties))
      if (fits(pattern, name)) found.push(schema);
  }
  if (found.length === 0) found.push(additionalProperties);
  return found.filter(isPart);
}

function fits(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern, "u").test(name);
  } catch {
    return false;
  }
}

function itemParts({ prefixItems, items, contains }: Part, place: number): Part[] {
  const lead: unknown[] = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
  return [lead[place] ?? items, contains].filter(isPart);
}

/** What the schema suggests at a place of the text. `explicit`: it was asked for, and not only typed on. */
export function suggestAt(schema: Part, text: string, offset: number, explicit: boolean): Suggestions | null {
  const location = getLocation(text, offset);
  const tree = parseTree(text);
  const touched = location.previousNode;
  // A scalar that the cursor is in or at the end of is what is completed.
  const inside =
    touched && isScalar(touched) && touched.offset <= offset && offset <= touched.offset + touched.length
      ? touched
      : null;
  const bare = /[\w.+-]*$/.exec(text.slice(0, offset))?.[0] ?? "";
  const from = inside ? inside.offset : offset - bare.length;
  const to = inside ? inside.offset + inside.length : offset;
  // While one types, only what has begun is completed, and the value after a colon.
  if (!explicit && from === offset && !/:\s?$/.test(text.slice(0, offset))) return null;
  const suggestions = location.isAtPropertyKey
    ? keySuggestions(schema, text, tree, location.path.slice(0, -1), inside, to)
    : valueSuggestions(schema, location.path);
  return suggestions.length > 0 ? { from, to, suggestions } : null;
}

function isScalar({ type }: Node): boolean {
  return type !== "object" && type !== "array";
}

function keySuggestions(
  schema: Part,
  text: string,
  tree: Node | undefined,
  path: JSONPath,
  inside: Node | null,
  to: number,
): Suggestion[] {
  const object = tree && findNodeAtLocation(tree, path);
  const present = new Set(
    (object?.children ?? [])
      .map(({ children }) => children?.[0])
      .filter((key) => key !== undefined && key.offset !== inside?.offset)
      .map((key) => key?.value as string),
  );
  const hasValue = /^\s*:/.test(text.slice(to));
  const holders = partsAt(schema, path);
  const required = new Set(
    holders.flatMap((part) => (Array.isArray(part.required) ? (part.required as unknown[]) : [])),
  );
  const names = new Set(
    holders.flatMap(({ properties }) => (isPart(properties) ? Object.keys(properties) : [])),
  );
  return [...names]
    .filter((name) => !present.has(name))
    .map((name) => {
      const parts = partsAt(schema, [...path, name]);
      const key = JSON.stringify(name);
      const value = startOfValue(parts);
      const type = typeWords(parts);
      return {
        label: name,
        insert: hasValue ? key : `${key}: ${value.text}`,
        cursor: hasValue ? key.length : key.length + 2 + value.cursor,
        kind: "key" as const,
        detail: [type, required.has(name) && "required"].filter(Boolean).join(", "),
        description: descriptionOf(parts),
      };
    })
    .sort((left, right) => Number(required.has(right.label)) - Number(required.has(left.label)));
}

/** What a new key begins with: its default, the only value that it can have, or the marks of its type. */
function startOfValue(parts: readonly Part[]): { text: string; cursor: number } {
  const only = parts.find((part) => "default" in part || "const" in part);
  if (only) {
    const text = JSON.stringify("default" in only ? only.default : only.const);
    return { text, cursor: text.length };
  }
  const type = parts.map((part) => part.type).find((each) => typeof each === "string");
  if (type === "string" && !valuesOf(parts).some(({ detail }) => detail === ""))
    return { text: '""', cursor: 1 };
  if (type === "object") return { text: "{}", cursor: 1 };
  if (type === "array") return { text: "[]", cursor: 1 };
  return { text: "", cursor: 0 };
}

function valueSuggestions(schema: Part, path: JSONPath): Suggestion[] {
  const parts = partsAt(schema, path);
  const description = descriptionOf(parts);
  return valuesOf(parts).map(({ json, detail }) => ({
    label: json,
    insert: json,
    cursor: json.length,
    kind: "value",
    detail,
    description,
  }));
}

/** The values that a schema names, each once, those that are allowed before those that are only examples. */
function valuesOf(parts: readonly Part[]): { json: string; detail: string }[] {
  const found = new Map<string, string>();
  const add = (value: unknown, detail: string) => {
    const json = JSON.stringify(value);
    if (json !== undefined && !found.has(json)) found.set(json, detail);
  };
  for (const part of parts) {
    if ("const" in part) add(part.const, "");
    if (Array.isArray(part.enum)) for (const value of part.enum) add(value, "");
    if (part.type === "boolean") for (const value of [true, false]) add(value, "");
    if (part.type === "null") add(null, "");
  }
  for (const part of parts) {
    if ("default" in part) add(part.default, "default");
    if (Array.isArray(part.examples)) for (const value of part.examples) add(value, "example");
  }
  return [...found].map(([json, detail]) => ({ json, detail }));
}

/** What the schema says about the key or the value at a place of the text. */
export function describeAt(schema: Part, text: string, offset: number): PlaceDescription | null {
  const location = getLocation(text, offset);
  const node = location.previousNode;
  const name = location.path.at(-1);
  if (!node || name === undefined || offset < node.offset || offset > node.offset + node.length) return null;
  const parts = partsAt(schema, location.path);
  const title = parts.map((part) => part.title).find((each) => typeof each === "string");
  const description = descriptionOf(parts);
  const type = typeWords(parts);
  if (parts.length === 0 || (title === undefined && description === null && type === "")) return null;
  return {
    from: node.offset,
    to: node.offset + node.length,
    title: typeof title === "string" ? title : String(name),
    type,
    description,
    values: valuesOf(parts).map(({ json }) => json),
  };
}

function descriptionOf(parts: readonly Part[]): string | null {
  const found = parts.map((part) => part.description).find((each) => typeof each === "string");
  return typeof found === "string" ? found : null;
}

/** "integer, 0 to 600000", "string", "one of 3". */
function typeWords(parts: readonly Part[]): string {
  const types = new Set(
    parts.flatMap(({ type }) =>
      Array.isArray(type) ? (type as unknown[]) : type === undefined ? [] : [type],
    ),
  );
  const part = parts.find(
    ({ minimum, maximum }) => typeof minimum === "number" || typeof maximum === "number",
  );
  const words = [...types].filter((type) => typeof type === "string").join(" or ");
  if (!part) return words;
  const { minimum, maximum } = part;
  const range =
    minimum === undefined
      ? `at most ${maximum}`
      : maximum === undefined
        ? `at least ${minimum}`
        : `${minimum} to ${maximum}`;
  return words ? `${words}, ${range}` : range;
}

function partList(value: unknown): Part[] {
  return Array.isArray(value) ? value.filter(isPart) : [];
}

export function isPart(value: unknown): value is Part {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
