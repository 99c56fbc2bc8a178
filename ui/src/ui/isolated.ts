/** Turns nothing: letters, digits and signs that stand in the order in which they are written. */
const plain = /^[\x20-\x7e]*$/;

/**
 * A name within a sentence that is text and no element: marks in it that turn the direction turn nothing beside
 * it (Unicode's FIRST STRONG ISOLATE to POP DIRECTIONAL ISOLATE). Where there is an element, `<bdi>` does it.
 */
export function isolated(name: string): string {
  // What would end the isolation early is left out.
  return plain.test(name) ? name : `\u2068${name.replaceAll(/[\u2066-\u2069]/g, "")}\u2069`;
}

const marks = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** JSON in which marks that turn the direction are spelled as escapes: the same values, and nothing is turned. */
export function withVisibleMarks(json: string): string {
  return json.replaceAll(marks, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
