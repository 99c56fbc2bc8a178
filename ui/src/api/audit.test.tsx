import { QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../testing/backend";
import { auditEntry } from "../testing/fixtures";
import { everyEntry, useAuditTimeline } from "./audit";
import { createQueryClient } from "./client";

function readTimeline(filter = everyEntry) {
  const client = createQueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  return renderHook(() => useAuditTimeline(filter), { wrapper }).result;
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
    expect(revisions()[0]).toBe(10_000);
    expect(revisions()).toHaveLength(800);
  });

  it("searches on until a page is full or the log ends, and tells how far it is", async () => {
    const backend = startBackend();
    const length = 10_000;
    backend.auditEntries = Array.from({ length }, (_, index) => auditEntry(length - index));
    backend.searchedAtMost = 100;
    // 50 steps of 100: the second half is another page.
    const timeline = readTimeline({ ...everyEntry, text: "no such text" });
    await waitFor(() => expect(timeline.current.data?.lookedTo).toBe(5_001));
    expect(timeline.current.data?.entries).toEqual([]);
    await act(() => timeline.current.fetchNextPage());
    await waitFor(() =>
      expect(timeline.current).toMatchObject({ hasNextPage: false, data: { lookedTo: null } }),
    );
    expect(backend.callsOf("list_audit_entries")).toHaveLength(100);
  });
});
