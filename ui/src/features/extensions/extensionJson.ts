import type { ExtensionDetail } from "../../bindings";
import { parseExact, printExact } from "../../ui/exactJson";

/** An extension as a JSON document; its configuration keeps the spelling of its numbers. */
export function extensionAsJson({ extension, config, metadata }: ExtensionDetail): string {
  const { id, type, subject, timeout_ms, retry, enabled } = extension;
  const fields = JSON.stringify({ id, type, subject, timeout_ms, retry, enabled });
  const text = `${fields.slice(0, -1)},"config":${config ?? "null"},"metadata":${metadata ?? "null"}}`;
  const value = parseExact(text);
  return value === undefined ? text : printExact(value);
}
