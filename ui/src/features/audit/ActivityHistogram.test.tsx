import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { auditEntry, forbidden } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";
import { bucketLength } from "./activityBrush";

function withActivity() {
  const backend = startBackend();
  backend.auditEntries = [7, 6, 5].map((revision) =>
    auditEntry(revision, { sealed_at: `2026-11-22T0${revision}:30:00Z` }),
  );
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
    const { search } = renderApp("/audit?at=2026-11-22T12:00:00Z");
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

describe("a range that was chosen", () => {
  it("is what the log is read of, and the next one takes its place", async () => {
    const backend = withActivity();
    const { user, search } = renderApp("/audit");
    const plot = await screen.findByRole("slider");
    const revisions = () =>
      [...document.querySelectorAll<HTMLElement>("[data-audit-revision]")].map(
        (row) => row.dataset.auditRevision,
      );
    await waitFor(() => expect(revisions()).toEqual(["7", "6", "5"]));
    plot.focus();
    await user.keyboard("{Home}{ArrowRight}{ArrowRight}{ArrowRight}{ArrowRight}{ArrowRight}");
    await user.keyboard("{Shift>}{ArrowRight}{/Shift}{Enter}");
    await waitFor(() =>
      expect(search()).toEqual({ since: "2026-11-22T05:00:00.000Z", until: "2026-11-22T07:00:00.000Z" }),
    );
    await waitFor(() => expect(revisions()).toEqual(["6", "5"]));
    expect(plot, "the choice is made").toHaveAttribute(
      "aria-valuetext",
      expect.stringContaining("nothing chosen"),
    );

    await user.keyboard(
      "{Home}{ArrowRight}{ArrowRight}{ArrowRight}{ArrowRight}{ArrowRight}{ArrowRight}{ArrowRight}{Enter}",
    );
    await waitFor(() =>
      expect(search()).toEqual({ since: "2026-11-22T07:00:00.000Z", until: "2026-11-22T08:00:00.000Z" }),
    );
    await waitFor(() => expect(revisions()).toEqual(["7"]));
    expect(backend.callsOf("audit_activity").at(-1)).toMatchObject({
      filter: { since: "2026-11-22T07:00:00.000Z", until: "2026-11-22T08:00:00.000Z" },
    });
    await user.click(screen.getByRole("button", { name: /^Don't filter: time/ }));
    await waitFor(() => expect(search()).toEqual({}));
    await waitFor(() => expect(revisions()).toEqual(["7", "6", "5"]));
  });

  it("is given up by Escape, by leaving the chart and by a drag that is broken off", async () => {
    withActivity();
    const { user, search } = renderApp("/audit");
    const plot = await screen.findByRole("slider");
    const none = expect.stringContaining("nothing chosen");
    plot.focus();
    await user.keyboard("{Home}{Escape}");
    expect(plot).toHaveAttribute("aria-valuetext", none);
    await user.keyboard("{Home}");
    act(() => plot.blur());
    expect(plot).toHaveAttribute("aria-valuetext", none);
    fireEvent.pointerDown(plot, { clientX: 20, button: 0, pointerId: 1 });
    fireEvent.pointerCancel(plot, { pointerId: 1 });
    fireEvent.pointerUp(plot, { pointerId: 1 });
    act(() => plot.focus());
    await user.keyboard("{Enter}");
    expect(search()).toEqual({});
  });
});

describe("zooming out", () => {
  it("shows three times as much around, by the button and by a key", async () => {
    withActivity();
    const { user, search } = renderApp("/audit?since=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z");
    await user.click(await screen.findByRole("button", { name: "Zoom out" }));
    // Up to now, if that comes first: new changes are in it then.
    const end = Date.now() > Date.UTC(2026, 10, 24) ? { until: "2026-11-24T00:00:00.000Z" } : {};
    await waitFor(() => expect(search()).toEqual({ since: "2026-11-21T00:00:00.000Z", ...end }));
    screen.getByRole("slider").focus();
    await user.keyboard("-");
    await waitFor(() => expect(search()).toMatchObject({ since: "2026-11-21T00:00:00.000Z" }));
    await user.click(screen.getByRole("button", { name: "The whole log" }));
    await waitFor(() => expect(search()).toEqual({}));
    expect(screen.queryByRole("button", { name: "Zoom out" }), "there is no more").toBeNull();
  });

  it("goes on with what comes where the end of an open range is chosen", async () => {
    withActivity();
    const { user, search } = renderApp("/audit");
    (await screen.findByRole("slider")).focus();
    await user.keyboard("{End}{Shift>}{ArrowLeft}{/Shift}{Enter}");
    await waitFor(() => expect(search()).toEqual({ since: "2026-11-22T22:00:00.000Z" }));
  });
});

describe("a histogram that could not be counted", () => {
  it("says why, and tries again", async () => {
    const backend = withActivity();
    backend.failures.set("audit_activity", {
      ...forbidden,
      code: "database_unavailable",
      message: "No answer.",
    });
    const { user } = renderApp("/audit");
    const failed = within(await screen.findByTestId("activity-failed"));
    expect(failed.getByText(/No answer\./)).toHaveTextContent(forbidden.action);
    expect(failed.getByTestId("error-code")).toHaveTextContent("database_unavailable");
    await user.click(failed.getByRole("button", { name: "Copy details" }));
    await expect(navigator.clipboard.readText()).resolves.toContain("No answer. (database_unavailable)");
    backend.failures.clear();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("slider")).toBeVisible();
  });
});

describe("bucketLength", () => {
  it("says one of a unit without its number", () => {
    expect(bucketLength({ amount: 1, unit: "day" })).toBe("day");
    expect(bucketLength({ amount: 12, unit: "hour" })).toBe("12 hours");
  });
});
