import type { ExtensionDetail, ExtensionPatch, FieldChange } from "../../../bindings";
import { parseExact, printExact } from "../../../ui/exactJson";
import { jsonChanges } from "../../../ui/jsonChanges";
import { isReference, visitJson } from "../../../ui/jsonText";
import { registryKey } from "../../../ui/registryStorage";
import type { ExtensionFields } from "../extensionRules";

/** An extension as it was when somebody began to change it: what a save is merged over. */
export type Seen = { id: string; revision: number; fields: ExtensionFields };

/** What was typed and not saved, and what it was typed over. */
export type Draft = {
  fields: ExtensionFields;
  /** Null for a new extension. */
  seen: Seen | null;
  reason: string;
  /** Whether the review was open. */
  reviewing: boolean;
  /** When it was kept; RFC 3339. */
  keptAt: string;
};

const storagePrefix = "extension-draft ";

/** A text under a key that sounds like a secret, and is no reference to one. */
const secret =
  /"[^"]*(?:key|token|secret|passw|pwd|passphrase|credential|authorization|dsn|jwt)[^"]*"\s*:\s*"(?!env:|vault:)[^"]/i;
/** A password inside a URL. */
const secretInUrl = /:\/\/[^\s/"@:]*:[^\s/"@]+@/;

/**
 * Keeps what is typed over a crash of the window, unless a secret is in it: a draft lies on the disk. Tells
 * whether it is kept. `secretNames` are keys that are known to hold secrets, however they sound.
 */
export function keepDraft(key: string, draft: Draft, secretNames: readonly string[]): boolean {
  const { fields, seen, reason } = draft;
  const texts = [fields.config, fields.metadata, seen?.fields.config, seen?.fields.metadata, reason];
  const isSecret = (text = "") =>
    secret.test(text) || secretInUrl.test(text) || holdsSecret(text, secretNames);
  if (texts.some(isSecret)) {
    forgetDraft(key);
    return false;
  }
  try {
    localStorage.setItem(registryKey(storagePrefix + key), JSON.stringify(draft));
    return true;
  } catch {
    // Without room for it, only the crash loses it.
    return false;
  }
}

function holdsSecret(json: string, names: readonly string[]): boolean {
  let found = parseExact(json) === undefined && names.some((name) => json.includes(`"${name}"`));
  visitJson(json, (path, value) => {
    const isText = typeof value === "string" && value.length > 1 && !isReference(value.slice(1));
    if (isText && names.includes(path.at(-1) ?? "")) found = true;
  });
  return found;
}

export function forgetDraft(key: string): void {
  localStorage.removeItem(registryKey(storagePrefix + key));
}

/** What was kept; `current` is the extension as it is now, or null for a new one. */
export function readDraft(key: string, current: Seen | null): Draft | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(registryKey(storagePrefix + key)) ?? "null");
    if (typeof kept !== "object" || kept === null || !("fields" in kept)) return null;
    const { fields, seen, revision, reason, reviewing, keptAt } = kept as Partial<Draft> & {
      fields: ExtensionFields;
      revision?: number | null;
    };
    return {
      fields,
      // Older versions kept the revision alone. Merged over that, what is like the base is no change.
      seen: current && (seen ?? { ...current, revision: revision ?? current.revision }),
      reason: reason ?? "",
      reviewing: reviewing ?? false,
      keptAt: keptAt ?? "",
    };
  } catch {
    return null;
  }
}

/** JSON as lines to edit, every digit kept. */
function editable(json: string | null): string {
  if (json === null) return "{}";
  const value = parseExact(json);
  return value === undefined ? json : printExact(value);
}

export function seenOf(detail: ExtensionDetail): Seen {
  const { id, revision } = detail.extension;
  return { id, revision, fields: fieldsOf(detail) };
}

export function fieldsOf({ extension, config, metadata }: ExtensionDetail): ExtensionFields {
  return {
    id: extension.id,
    type: extension.type,
    subject: extension.subject,
    timeout_ms: extension.timeout_ms,
    retry: extension.retry,
    enabled: extension.enabled,
    config: editable(config),
    metadata: editable(metadata),
  };
}

/** The fields of a new extension; begun from another one, with the id and the subject to choose. */
export function newFields(from: ExtensionDetail | null): ExtensionFields {
  if (from) {
    const fields = fieldsOf(from);
    return { ...fields, id: `${fields.id}_copy`, subject: `${fields.subject}.copy`, enabled: false };
  }
  return {
    id: "",
    type: "pre",
    subject: "",
    timeout_ms: 5_000,
    retry: 1,
    enabled: false,
    config: "{}",
    metadata: "{}",
  };
}

const simple = ["subject", "timeout_ms", "retry", "enabled"] as const;

/** What the form changes of the extension, or all of it for a new one. */
export function formChanges(base: ExtensionFields | null, fields: ExtensionFields): FieldChange[] {
  if (base === null) {
    return (["id", "type", ...simple, "config", "metadata"] as const).map((name) => ({
      path: `/${name}`,
      before: null,
      after: name === "config" || name === "metadata" ? fields[name] : JSON.stringify(fields[name]),
    }));
  }
  const changes: FieldChange[] = simple
    .filter((name) => base[name] !== fields[name])
    .map((name) => ({
      path: `/${name}`,
      before: JSON.stringify(base[name]),
      after: JSON.stringify(fields[name]),
    }));
  return [
    ...changes,
    ...jsonChanges("/config", base.config, fields.config),
    ...jsonChanges("/metadata", base.metadata, fields.metadata),
  ];
}

/** All fields as a version of the extension, for a diff that can show what is unchanged. */
export function versionOf(fields: ExtensionFields): FieldChange[] {
  return formChanges(null, fields);
}

/** The fields to send: those that differ, and no other, so that others' changes of the rest stay. */
export function patchOf(base: ExtensionFields, fields: ExtensionFields): ExtensionPatch {
  const changed = new Set(formChanges(base, fields).map(({ path }) => path.split("/")[1]));
  return {
    subject: changed.has("subject") ? fields.subject : null,
    timeout_ms: changed.has("timeout_ms") ? Number(fields.timeout_ms) : null,
    retry: changed.has("retry") ? Number(fields.retry) : null,
    enabled: changed.has("enabled") ? fields.enabled : null,
    config: changed.has("config") ? fields.config : null,
    metadata: changed.has("metadata") ? fields.metadata : null,
  };
}
