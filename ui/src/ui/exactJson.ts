/**
 * JSON whose numbers keep the digits they were written with: JSON.parse would round
 * 12345678901234567890, and a diff must neither show nor hide that.
 *
 * Texts and numbers are both held as tagged text ("s" and "n" in front), also the names of members.
 */
export type ExactJson = string | boolean | null | ExactJson[] | ExactObject;
type ExactObject = { [taggedName: string]: ExactJson };

const textOrNumber = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** The value, or undefined for what is not JSON. */
export function parseExact(json: string): ExactJson | undefined {
  try {
    JSON.parse(json);
    return JSON.parse(
      json.replace(textOrNumber, (token) => (token.startsWith('"') ? `"s${token.slice(1)}` : `"n${token}"`)),
    );
  } catch {
    return undefined;
  }
}

export function isObject(value: ExactJson | undefined): value is ExactObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function memberName(taggedName: string): string {
  return taggedName.slice(1);
}

/** Up to this length an array or an object stays on one line. */
const oneLine = 60;

/** JSON text again: short values on one line, long ones with a line for each member. */
export function printExact(value: ExactJson, indent = ""): string {
  if (typeof value === "string")
    return value.startsWith("n") ? value.slice(1) : JSON.stringify(value.slice(1));
  if (value === null || typeof value === "boolean") return String(value);
  const deeper = `${indent}  `;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const members = Array.isArray(value)
    ? value.map((item) => printExact(item, deeper))
    : Object.entries(value).map(
        ([name, member]) => `${JSON.stringify(memberName(name))}: ${printExact(member, deeper)}`,
      );
  const line = open + members.join(", ") + close;
  if (line.length <= oneLine && !line.includes("\n")) return line;
  return `${open}\n${members.map((member) => deeper + member).join(",\n")}\n${indent}${close}`;
}
