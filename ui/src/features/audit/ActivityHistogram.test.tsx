import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { auditEntry } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";
import { bucketLength, movedBrush } from "./activityBrush";

function withActivity() {
  const backend = startBackend();
  backend.auditEntries = [auditEntry(7)];
  backend.activity.counts = backend.activity.counts.map((_, hour) => (hour === 3 ? 12 : hour === 20 ? 1 : 0));
  return backend;
}

describe("the histogram", () => {
  it("says how much happened, and as a table when", async () => {
    withActivity();
    const { user } = renderApp("/audit");
    const plot = await screen.findByRole("slider", { name: /^Activity: 13 changes/ });
    expect(plot).toHaveAttribute("aria-valuetext", expect.stringContaining("nothing chosen"));
    expect(screen.getByTestId("activity")).toHaveTextContent("13 changes · one bar hour · drag to zoom in");
    await user.click(screen.getByRole("button", { name: "The activity as a table" }));
    const table = await screen.findByRole("table", { name: "Activity", hidden: true });
    // Berlin is an hour ahead of the buckets' UTC.
    expect(
      within(table)
        .getAllByRole("row", { hidden: true })
        .map((row) => row.textContent),
    ).toEqual(["FromChanges", "2026-11-22 21:00:001", "2026-11-22 04:00:0012"]);
  });

  it("zooms by keys into the range that they chose", async () => {
    withActivity();
    const { user, search } = renderApp("/audit?range=24h&actor=editor");
    const plot = await screen.findByRole("slider");
    plot.focus();
    await user.keyboard("{Home}{ArrowRight}{ArrowRight}{ArrowRight}{Shift>}{ArrowRight}{/Shift}");
    expect(plot).toHaveAttribute("aria-valuetext", "12 changes, 2026-11-22 04:00 to 2026-11-22 06:00");
    await user.keyboard("{Enter}");
    await waitFor(() =>
      expect(search()).toEqual({
        actor: "editor",
        since: "2026-11-22T03:00:00.000Z",
        until: "2026-11-22T05:00:00.000Z",
      }),
    );
  });

  it("zooms into what is dragged over, from either side", async () => {
    withActivity();
    const { search } = renderApp("/audit");
    const plot = await screen.findByRole("slider");
    plot.getBoundingClientRect = () => new DOMRect(0, 0, 240, 48);
    fireEvent.pointerDown(plot, { clientX: 215, button: 0, pointerId: 1 });
    fireEvent.pointerMove(plot, { clientX: 205, pointerId: 1 });
    fireEvent.pointerMove(plot, { clientX: 185, pointerId: 1 });
    expect(screen.getByTestId("activity")).toHaveTextContent(
      "1 change, 2026-11-22 19:00 to 2026-11-22 23:00",
    );
    fireEvent.pointerUp(plot, { pointerId: 1 });
    await waitFor(() =>
      expect(search()).toEqual({ since: "2026-11-22T18:00:00.000Z", until: "2026-11-22T22:00:00.000Z" }),
    );
  });
});

describe("movedBrush", () => {
  it("stays within the buckets and keeps its anchor only with Shift", () => {
    expect(movedBrush(null, "ArrowLeft", false, 10)).toEqual({ anchor: 9, focus: 9 });
    expect(movedBrush({ anchor: 9, focus: 9 }, "ArrowRight", true, 10)).toEqual({ anchor: 9, focus: 9 });
    expect(movedBrush({ anchor: 4, focus: 6 }, "Home", true, 10)).toEqual({ anchor: 4, focus: 0 });
    expect(movedBrush({ anchor: 4, focus: 6 }, "End", false, 10)).toEqual({ anchor: 9, focus: 9 });
    expect(movedBrush(null, "a", false, 10)).toBeNull();
  });
});

describe("bucketLength", () => {
  it("takes the largest unit that fits", () => {
    expect([1, 15, 60, 1_800, 3_600, 43_200, 86_400, 604_800].map(bucketLength)).toEqual([
      "second",
      "15 seconds",
      "minute",
      "30 minutes",
      "hour",
      "12 hours",
      "day",
      "7 days",
    ]);
  });
});
