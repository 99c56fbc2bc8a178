import { isPart, type Part, parseSchema, resolve } from "../../../ui/jsonSchema";

/** A property of a configuration that a form can show. */
export type SchemaField = {
  name: string;
  title: string;
  description: string | null;
  required: boolean;
  /** Its value is kept out of sight. */
  isSecret: boolean;
  control: FieldControl;
};

/** One value in one field. */
export type ValueControl =
  | { kind: "text" }
  | { kind: "number"; integer: boolean }
  | { kind: "boolean" }
  | { kind: "choice"; choices: Choice[] };

export type FieldControl =
  | ValueControl
  | { kind: "list"; item: ValueControl }
  | { kind: "group"; fields: SchemaField[] }
  /** Too much for a form: it is edited as JSON. */
  | { kind: "json" };

/** One of the values that are allowed: as it is listed, and as JSON text. */
export type Choice = { label: string; raw: string };

/** The fields of a JSON Schema of an object, in its order; none if it describes no properties. */
export function schemaFields(schemaText: string | null | undefined): SchemaField[] {
  const root = parseSchema(schemaText);
  return root ? fieldsOf(root, whole(root, root), new Set()) : [];
}

/** The names of all fields that hold secrets, however deep they are. */
export function secretFieldNames(fields: readonly SchemaField[]): string[] {
  return fields.flatMap(({ name, isSecret, control }) => [
    ...(isSecret ? [name] : []),
    ...(control.kind === "group" ? secretFieldNames(control.fields) : []),
  ]);
}

/** `above` are the references that led here: a schema that leads back to itself ends where it begins again. */
function fieldsOf(root: Part, { part: schema }: Whole, above: ReadonlySet<string>): SchemaField[] {
  if (!isPart(schema.properties)) return [];
  const required = listOf(schema.required);
  return Object.entries(schema.properties).map(([name, property]) => {
    const found = whole(root, isPart(property) ? property : {});
    const { part } = found;
    return {
      name,
      title: typeof part.title === "string" ? part.title : name,
      description: typeof part.description === "string" ? part.description : null,
      required: required.includes(name),
      isSecret: part.writeOnly === true || part.format === "password",
      control: controlOf(root, found, above),
    };
  });
}

function controlOf(root: Part, found: Whole, above: ReadonlySet<string>): FieldControl {
  const { part, references } = found;
  const value = valueControl(part);
  if (value) return value;
  if (part.type === "array" && isPart(part.items)) {
    const item = valueControl(whole(root, part.items).part);
    return item ? { kind: "list", item } : { kind: "json" };
  }
  if (references.some((reference) => above.has(reference) || reference === "#")) return { kind: "json" };
  const fields = fieldsOf(root, found, new Set([...above, ...references]));
  return fields.length > 0 ? { kind: "group", fields } : { kind: "json" };
}

function valueControl(part: Part): ValueControl | null {
  if (Array.isArray(part.enum)) {
    const choices = part.enum.map(choiceOf);
    return choices.every((choice) => choice !== null) ? { kind: "choice", choices } : null;
  }
  switch (part.type) {
    case "string":
      return { kind: "text" };
    case "integer":
      return { kind: "number", integer: true };
    case "number":
      return { kind: "number", integer: false };
    case "boolean":
      return { kind: "boolean" };
    default:
      return null;
  }
}

function choiceOf(value: unknown): Choice | null {
  if (typeof value === "string") return { label: value, raw: JSON.stringify(value) };
  const isPlain = typeof value === "number" || typeof value === "boolean" || value === null;
  return isPlain ? { label: String(value), raw: JSON.stringify(value) } : null;
}

/** So many references are followed for one part; one that leads to itself would have no end. */
const referencesMax = 16;

/** A part with all that holds for it, and the references that were followed for it. */
type Whole = { part: Part; references: string[] };

/** Takes together a part, what it refers to and all that must hold beside it; what stands nearer counts. */
function whole(root: Part, start: Part): Whole {
  const references: string[] = [];
  let part: Part | null = null;
  const waiting: unknown[] = [start];
  while (waiting.length > 0 && references.length < referencesMax) {
    const next = waiting.shift();
    if (!isPart(next)) continue;
    const { $ref, allOf, ...own } = next;
    if (typeof $ref === "string" && !references.includes($ref)) {
      references.push($ref);
      waiting.push(resolve(root, $ref));
    }
    waiting.push(...listOf(allOf));
    part = part ? both(part, own) : own;
  }
  return { part: part ?? {}, references };
}

function both(near: Part, far: Part): Part {
  const properties =
    isPart(near.properties) || isPart(far.properties)
      ? // Named twice, so that the nearer ones stand first and count.
        { properties: { ...partOf(near.properties), ...partOf(far.properties), ...partOf(near.properties) } }
      : {};
  const required = [...listOf(near.required), ...listOf(far.required)];
  return { ...far, ...near, ...properties, required };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function partOf(value: unknown): Part {
  return isPart(value) ? value : {};
}
