/** A property of a configuration that a form can show. */
export type SchemaField = {
  name: string;
  title: string;
  description: string | null;
  required: boolean;
  /** Its value is kept out of sight. */
  isSecret: boolean;
  control:
    | { kind: "text" }
    | { kind: "number"; integer: boolean }
    | { kind: "boolean" }
    | { kind: "choice"; values: string[] }
    | { kind: "texts" }
    /** Too much for a form: it is edited as JSON. */
    | { kind: "json" };
};

type Schema = {
  type?: unknown;
  title?: unknown;
  description?: unknown;
  enum?: unknown;
  items?: unknown;
  properties?: unknown;
  required?: unknown;
  writeOnly?: unknown;
  format?: unknown;
};

/** The fields of a JSON Schema of an object, in its order; none if it describes no properties. */
export function schemaFields(schemaText: string | null | undefined): SchemaField[] {
  const schema = parsed(schemaText);
  if (!isSchema(schema?.properties)) return [];
  const required = Array.isArray(schema?.required) ? schema.required : [];
  return Object.entries(schema.properties as Record<string, unknown>).map(([name, property]) => {
    const part = isSchema(property) ? property : {};
    return {
      name,
      title: typeof part.title === "string" ? part.title : name,
      description: typeof part.description === "string" ? part.description : null,
      required: required.includes(name),
      isSecret: part.writeOnly === true || part.format === "password",
      control: control(part),
    };
  });
}

function control(part: Schema): SchemaField["control"] {
  if (Array.isArray(part.enum)) {
    const values = part.enum.filter((value): value is string => typeof value === "string");
    return values.length === part.enum.length ? { kind: "choice", values } : { kind: "json" };
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
    case "array":
      return isSchema(part.items) && part.items.type === "string" && !part.items.enum
        ? { kind: "texts" }
        : { kind: "json" };
    default:
      return { kind: "json" };
  }
}

function parsed(text: string | null | undefined): Schema | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return isSchema(value) ? value : null;
  } catch {
    return null;
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
