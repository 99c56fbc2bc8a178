import { QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../testing/backend";
import { auditEntry } from "../testing/fixtures";
import { everyEntry, useAuditTimeline } from "./audit";
import { createQueryClient } from "./client";

function readTimeline(filter = everyEntry, at: string | null = null) {
  const client = createQueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  return renderHook(() => useAuditTimeline(filter, at), { wrapper }).result;
}

describe("useAuditTimeline", () => {
  it("goes through ten thousand entries without a gap, holding eight pages at the most, and back", async () => {
    const backend = startBackend();
    backend.auditEntries = Array.from({ length: 10_000 }, (_, index) => auditEntry(10_000 - index));
    const timeline = readTimeline();
    const revisions = () => (timeline.current.data?.entries ?? []).map((entry) => entry.revision);
    await waitFor(() => expect(revisions()).toHaveLength(100));

    const seen = new Set(revisions());
    let heldMost = 0;
    while (timeline.current.hasNextPage) {
      await act(() => timeline.current.fetchNextPage());
      for (const revision of revisions()) seen.add(revision);
      heldMost = Math.max(heldMost, revisions().length);
    }
    expect(seen.size).toBe(10_000);
    expect(heldMost).toBe(800);
    expect(revisions().at(-1)).toBe(1);
    expect(timeline.current.data).toMatchObject({ beginsAtNewest: false, isFull: true });

    // What came meanwhile does not move what is seen from below.
    backend.auditEntries = [auditEntry(10_001), ...backend.auditEntries];
    while (timeline.current.hasPreviousPage) {
      await act(() => timeline.current.fetchPreviousPage());
      const held = revisions();
      expect(held).toEqual(held.map((_, index) => (held[0] ?? 0) - index));
    }
    // Up to the newest, which was not there when the list was begun.
    expect(revisions()[0]).toBe(10_001);
    expect(timeline.current.data).toMatchObject({ beginsAtNewest: true });
  });

  it("searches on until a page is full or the log ends, and tells how far it is", async () => {
    const backend = startBackend();
    const length = 10_000;
    backend.auditEntries = Array.from({ length }, (_, index) => auditEntry(length - index));
    backend.searchedAtMost = 100;
    // A page is 20 steps of 100.
    const timeline = readTimeline({ ...everyEntry, text: "no such text" });
    await waitFor(() => expect(timeline.current.data?.lookedTo).toBe(8_001));
    expect(timeline.current.data).toMatchObject({ entries: [], searched: { oldest: 1, newest: 10_000 } });
    for (const _ of [2, 3, 4, 5]) await act(() => timeline.current.fetchNextPage());
    await waitFor(() =>
      expect(timeline.current).toMatchObject({ hasNextPage: false, data: { lookedTo: null } }),
    );
    expect(backend.callsOf("list_audit_entries")).toHaveLength(100);
  });

  it("begins on both sides of a time, and leads from there to either end", async () => {
    const backend = startBackend();
    const day = (index: number) => new Date(Date.UTC(2026, 0, 1 + index)).toISOString();
    backend.auditEntries = Array.from({ length: 1_000 }, (_, index) =>
      auditEntry(1_000 - index, { sealed_at: day(999 - index) }),
    );
    const timeline = readTimeline(everyEntry, day(499));
    const revisions = () => (timeline.current.data?.entries ?? []).map((entry) => entry.revision);
    await waitFor(() => expect(revisions()).toHaveLength(200));
    expect([revisions()[0], revisions().at(-1)]).toEqual([600, 401]);
    expect(timeline.current.data).toMatchObject({ aimedAt: 500, beginsAtNewest: false });
    while (timeline.current.hasPreviousPage) await act(() => timeline.current.fetchPreviousPage());
    expect(revisions()[0]).toBe(1_000);
    while (timeline.current.hasNextPage) await act(() => timeline.current.fetchNextPage());
    expect(revisions().at(-1)).toBe(1);
    const held = revisions();
    expect(held, "without a gap").toEqual(held.map((_, index) => (held[0] ?? 0) - index));
  });

  it("holds the pages of a search that finds little, and no more entries than of any other list", async () => {
    const backend = startBackend();
    const length = 40_000;
    backend.auditEntries = Array.from({ length }, (_, index) =>
      auditEntry(length - index, { reason: index % 1_000 === 0 ? "needle" : "hay" }),
    );
    backend.searchedAtMost = 100;
    const sparse = readTimeline({ ...everyEntry, text: "needle" });
    await waitFor(() => expect(sparse.current.data?.entries).toHaveLength(2));
    while (sparse.current.hasNextPage) await act(() => sparse.current.fetchNextPage());
    expect(sparse.current.data?.entries, "all of the few are there").toHaveLength(40);

    const dense = readTimeline({ ...everyEntry, text: "hay" });
    await waitFor(() => expect(dense.current.data?.entries.length).toBeGreaterThan(0));
    for (let page = 0; page < 30; page++) await act(() => dense.current.fetchNextPage());
    expect(dense.current.data?.entries.length).toBeLessThanOrEqual(1_000);
  });
});
