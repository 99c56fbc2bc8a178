import { isValidElement, type ReactNode, useSyncExternalStore } from "react";
import type { ErrorReport } from "../bindings";
import { registryKey } from "./registryStorage";

/** A notice as it is kept: what it said, when, and for a failure everything that is known of it. */
export type KeptNotice = {
  id: number;
  /** RFC 3339. */
  at: string;
  kind: "done" | "failure" | "trouble";
  text: string;
  error: ErrorReport | null;
  /** The extension that a click opens. */
  extensionId?: string;
};

type Kept = { notices: readonly KeptNotice[]; seenId: number };

/** More than these are forgotten, the oldest first. */
export const keptMax = 200;
/** Of the session: a window that is opened again begins without. */
const storageKey = "notices";

let kept: { key: string; value: Kept } | null = null;
const listeners = new Set<() => void>();

function current(): Kept {
  const key = registryKey(storageKey);
  // Those of one registry say nothing of another.
  if (kept?.key !== key) kept = { key, value: read(key) };
  return kept.value;
}

function read(key: string): Kept {
  try {
    const value: unknown = JSON.parse(window.sessionStorage.getItem(key) ?? "null");
    if (isKept(value)) return value;
  } catch {
    // What can't be read is as good as nothing.
  }
  return { notices: [], seenId: 0 };
}

function isKept(value: unknown): value is Kept {
  return (
    typeof value === "object" &&
    value !== null &&
    "seenId" in value &&
    "notices" in value &&
    Array.isArray(value.notices) &&
    value.notices.every(
      (notice: unknown) => typeof notice === "object" && notice !== null && "text" in notice,
    )
  );
}

function change(next: Kept) {
  const key = registryKey(storageKey);
  kept = { key, value: next };
  try {
    window.sessionStorage.setItem(key, JSON.stringify(next));
  } catch {
    // Without room for it the list lives as long as the page.
  }
  for (const listener of listeners) listener();
}

/** Keeps a notice that is shown, so that it can be read when it is gone. */
export function keepNotice(notice: {
  kind: KeptNotice["kind"];
  message: ReactNode;
  error?: ErrorReport;
  extensionId?: string;
}): void {
  const { notices, seenId } = current();
  const added: KeptNotice = {
    id: Math.max(seenId, notices[0]?.id ?? 0) + 1,
    at: new Date().toISOString(),
    kind: notice.kind,
    text: textOf(notice.message),
    error: notice.error ?? null,
    ...(notice.extensionId !== undefined && { extensionId: notice.extensionId }),
  };
  change({ notices: [added, ...notices].slice(0, keptMax), seenId });
}

export function clearNotices(): void {
  const { notices, seenId } = current();
  change({ notices: [], seenId: notices[0]?.id ?? seenId });
}

/** Takes all notices for read. */
export function noticesSeen(): void {
  const { notices, seenId } = current();
  const newest = notices[0]?.id ?? seenId;
  if (newest !== seenId) change({ notices, seenId: newest });
}

/** Forgets what is in memory, as a reload of the page does. */
export function reloadNotices(): void {
  kept = null;
  for (const listener of listeners) listener();
}

/** The notices, newest first, and the id of the newest that was seen. */
export function useNotices(): Kept {
  return useSyncExternalStore(subscribe, current);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What a message says; of what draws itself, such as an identifier, the value. */
function textOf(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(textOf).join("");
  if (!isValidElement<{ children?: ReactNode; value?: unknown }>(node)) return "";
  const { children, value } = node.props;
  return typeof value === "string" ? value : textOf(children);
}
