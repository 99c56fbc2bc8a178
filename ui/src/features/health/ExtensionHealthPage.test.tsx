import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { HealthSeriesRequest } from "../../bindings";
import { startBackend } from "../../testing/backend";
import { auditEntry, forbidden, healthSeries } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

/** Four hours of 2026-01-01, from one o'clock in Berlin; nobody called in the second. */
function withSeries() {
  const backend = startBackend();
  backend.series.set(
    "pii_guard",
    healthSeries("pii_guard", [
      {},
      null,
      { success_count: 50, failure_count: 50, score_percent: 50, p95_ms: 1_240 },
      {},
    ]),
  );
  backend.auditEntries = [
    auditEntry(8, {
      changed_by: "anna",
      reason: "false positives on invoices",
      timestamp: "2026-01-01T02:00:00Z",
      sealed_at: "2026-01-01T02:00:00Z",
    }),
    auditEntry(7, { extension_id: "mock_provider", timestamp: "2026-01-01T01:00:00Z" }),
  ];
  return backend;
}

const own = "from=2026-01-01T00:00:00Z&until=2026-01-01T04:00:00Z";
const chart = (name: string) => screen.findByRole("region", { name });
const slider = async (name: string) => within(await chart(name)).getByRole("slider");

/** Without a layout every element lies at 10 to 110. */
function drag(target: HTMLElement, from: number, to: number) {
  const at = (clientX: number) => ({ clientX, clientY: 15, button: 0, pointerId: 1 });
  fireEvent.pointerDown(target, at(from));
  fireEvent.pointerMove(target, at(to));
  fireEvent.pointerUp(target, at(to));
}

describe("the health of one extension", () => {
  it("is told in three charts with names, units and figures of the whole range", async () => {
    withSeries();
    renderApp(`/health/pii_guard?${own}`);
    expect(await screen.findByRole("heading", { level: 1, name: "pii_guard" })).toBeVisible();
    expect(await slider("Success rate")).toHaveAccessibleName(
      "Success rate, 2026-01-01 01:00 – 05:00: rate 75.0 %. Arrows choose, with Shift a range, Enter zooms in.",
    );
    expect(await chart("Latency")).toHaveTextContent("p5012 msp9540 msp99120 ms");
    expect(await chart("Calls")).toHaveTextContent("answered300failed100");
    expect(screen.getByLabelText("pii_guard in the whole range")).toHaveTextContent("Failing");
    expect(screen.getByTestId("readout")).toHaveTextContent("2026-01-01 00:00 – 04:00 UTC");
  });

  it("asks for as many points as there is room for", async () => {
    const backend = withSeries();
    renderApp("/health/pii_guard?range=7d");
    await chart("Latency");
    const { request } = backend.callsOf("health_series").at(-1) as { request: HealthSeriesRequest };
    expect(request).toMatchObject({ extension_ids: ["pii_guard"], points_max: 400, source: "traffic" });
    expect(Date.parse(request.range.until) - Date.parse(request.range.from)).toBe(7 * 86_400_000);
  });

  it("draws no line through an hour without a call", async () => {
    withSeries();
    renderApp(`/health/pii_guard?${own}`);
    const path = (await chart("Success rate")).querySelector("[data-line=rate]");
    expect(path?.getAttribute("d")).toMatch(/^M[\d. ]+h0\.01M[\d. ]+L[\d. ]+$/);
  });

  it("has one cursor in all charts, with the time and every value", async () => {
    withSeries();
    renderApp(`/health/pii_guard?${own}`);
    fireEvent.pointerMove(await slider("Calls"), { clientX: 70 });
    expect(screen.getByTestId("readout")).toHaveTextContent("2026-01-01 03:00 – 04:00");
    expect(screen.getByTestId("readout")).toHaveTextContent("2026-01-01 02:00 – 03:00 UTC");
    expect(screen.getByTestId("score legend")).toHaveTextContent("50.0 %");
    expect(screen.getByTestId("latency legend")).toHaveTextContent("p951.24 s");
    expect(screen.getByTestId("calls legend")).toHaveTextContent("answered50failed50");
    fireEvent.pointerMove(await slider("Calls"), { clientX: 45 });
    expect(screen.getByTestId("score legend")).toHaveTextContent("no data");
    fireEvent.pointerLeave(await slider("Calls"));
    expect(screen.getByTestId("score legend")).toHaveTextContent("75.0 %");
  });

  it("zooms in by dragging, which stands in the address, and out by a button or Escape", async () => {
    withSeries();
    const { user, search } = renderApp("/health/pii_guard?range=7d");
    drag(await slider("Latency"), 40, 80);
    const zoomed = { range: "7d", from: "2026-01-01T01:00:00.000Z", until: "2026-01-01T03:00:00.000Z" };
    await waitFor(() => expect(search()).toEqual(zoomed));
    await user.click(screen.getByRole("button", { name: "Zoom out" }));
    await waitFor(() => expect(search()).toEqual({ range: "7d" }));
    drag(await slider("Calls"), 80, 40);
    await waitFor(() => expect(search()).toEqual(zoomed));
    // One step at a time.
    drag(await slider("Calls"), 40, 55);
    await waitFor(() => expect(search()).toMatchObject({ until: "2026-01-01T02:00:00.000Z" }));
    await user.keyboard("{Escape}");
    await waitFor(() => expect(search()).toEqual(zoomed));
    await user.keyboard("{Escape}");
    await waitFor(() => expect(search()).toEqual({ range: "7d" }));
  });

  it("takes a click for no drag", async () => {
    withSeries();
    const { search } = renderApp("/health/pii_guard");
    drag(await slider("Latency"), 40, 42);
    expect(search()).toEqual({});
    expect(screen.queryByRole("button", { name: "Zoom out" })).not.toBeInTheDocument();
  });

  it("zooms in by keys alone", async () => {
    withSeries();
    const { user, search, path } = renderApp("/health/pii_guard");
    (await slider("Success rate")).focus();
    await user.keyboard("{ArrowLeft}{ArrowLeft}");
    expect(await slider("Success rate")).toHaveAttribute(
      "aria-valuetext",
      "2026-01-01 03:00 – 04:00: rate 50.0 %",
    );
    await user.keyboard("{Shift>}{ArrowRight}{/Shift}");
    expect(screen.getByTestId("readout")).toHaveTextContent("2026-01-01 03:00 – 05:00 chosen");
    await user.keyboard("{Enter}");
    await waitFor(() => expect(search()).toMatchObject({ from: "2026-01-01T02:00:00.000Z" }));
    // Escape takes away what is chosen first, then the zoom, then leads back.
    await user.keyboard("{ArrowLeft}{Escape}");
    expect(search()).toHaveProperty("from");
    await user.keyboard("{Escape}");
    await waitFor(() => expect(search()).toEqual({}));
    await user.keyboard("{Escape}");
    await waitFor(() => expect(path()).toBe("/health"));
  });

  it("marks who changed it, with the sentence, and opens the audit log there", async () => {
    withSeries();
    const { user, path, search } = renderApp(`/health/pii_guard?${own}`);
    const mark = await screen.findByRole("button", { name: /anna disabled pii_guard · false positives/ });
    expect(mark).toHaveTextContent("anna");
    expect(within(screen.getByRole("list", { name: "Changes" })).getAllByRole("button")).toHaveLength(1);
    for (const name of ["Success rate", "Latency", "Calls"])
      expect((await chart(name)).querySelectorAll("svg .mark")).toHaveLength(1);
    await user.hover(mark);
    expect(await screen.findByRole("tooltip")).toHaveTextContent(
      "2026-01-01 03:00:00 anna disabled pii_guard",
    );
    await user.click(mark);
    await waitFor(() => expect(path()).toBe("/audit"));
    expect(search()).toEqual({
      extension: "pii_guard",
      since: "2026-01-01T01:59:59.999Z",
      until: "2026-01-01T02:00:00.001Z",
    });
  });

  it("says why changes are not marked for who may not read the log", async () => {
    const backend = withSeries();
    backend.failures.set("list_audit_entries", forbidden);
    renderApp(`/health/pii_guard?${own}`);
    expect(await screen.findByText(/Changes are not marked: The login editor may not/)).toBeVisible();
    expect(await chart("Latency")).toBeVisible();
  });

  it("has the same figures as a table behind each chart", async () => {
    withSeries();
    const { user } = renderApp(`/health/pii_guard?${own}`);
    for (const [name, last] of [
      ["Success rate", "99.0 %"],
      ["Latency", "12 ms40 ms120 ms"],
      ["Calls", "991"],
    ] as const) {
      await user.click(within(await chart(name)).getByRole("button", { name: `${name} as a table` }));
      const rows = within(screen.getByRole("table", { name: `${name} in figures` })).getAllByRole("row");
      expect(rows).toHaveLength(4);
      expect(rows[1]).toHaveTextContent(`2026-01-01 04:002026-01-01 03:00${last}`);
    }
  });

  it("shows test messages by themselves", async () => {
    const backend = withSeries();
    const { user, search } = renderApp("/health/pii_guard");
    await user.click(await screen.findByText("Test messages"));
    await waitFor(() => expect(search()).toEqual({ source: "test" }));
    await waitFor(() => {
      const { request } = backend.callsOf("health_series").at(-1) as { request: HealthSeriesRequest };
      expect(request.source).toBe("test");
    });
  });

  it("compares several extensions in the same charts", async () => {
    const backend = withSeries();
    backend.series.set("mock_provider", healthSeries("mock_provider", [{}, {}, {}, {}]));
    renderApp(`/health/pii_guard?with=["mock_provider"]&${own}`);
    expect(await chart("Latency p95")).toHaveTextContent("pii_guard40 msmock_provider40 ms");
    expect(await screen.findByRole("button", { name: "Compared with 1" })).toBeVisible();
  });

  it("says so where nobody called, and of one that is gone", async () => {
    startBackend();
    renderApp("/health/gone");
    expect(await screen.findByText("deleted, or never there")).toBeVisible();
    expect((await screen.findAllByText("No call in this time")).length).toBeGreaterThan(1);
  });

  it("says what is wrong when it can't be read", async () => {
    const backend = startBackend();
    backend.failures.set("health_series", forbidden);
    renderApp("/health/pii_guard");
    expect(await screen.findByText("The history of health could not be read")).toBeVisible();
  });

  it("is found from the panel and from the palette", async () => {
    withSeries();
    const { user, path } = renderApp("/extensions?open=pii_guard&tab=health");
    await user.click(await screen.findByRole("button", { name: "Open in Health" }));
    await waitFor(() => expect(path()).toBe("/health/pii_guard"));
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await screen.findByRole("textbox", { name: /Find a page/ }), "health mock");
    await user.click(await screen.findByText("Health of mock_provider"));
    await waitFor(() => expect(path()).toBe("/health/mock_provider"));
  });
});
