import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { forbidden, healthOverview, healthReport, overviewRow } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";
import { scoreText } from "../../ui/figures";
import { readHealthSearch } from "./healthSearch";
import { healthSummary, worstFirst } from "./healthState";

const reports = [
  healthReport("fine", { health_score_percent: 99.97 }),
  healthReport("silent", {
    has_data: false,
    state: "no_data",
    health_score_percent: 100,
    avg_latency_ms: null,
    last_success: null,
  }),
  healthReport("failing", {
    state: "failing",
    health_score_percent: 81.04,
    success_count: 1204,
    failure_count: 190,
    avg_latency_ms: 1240.4,
  }),
  healthReport("degraded", { state: "degraded", health_score_percent: 98.99 }),
];

describe("worstFirst", () => {
  it("puts the lowest score first, and no data last whatever its score says", () => {
    expect(worstFirst(reports).map((report) => report.extension_id)).toEqual([
      "failing",
      "degraded",
      "fine",
      "silent",
    ]);
    const zero = healthReport("also_silent", { has_data: false, health_score_percent: 0 });
    expect(worstFirst([zero, ...reports]).at(-2)?.extension_id).toBe("also_silent");
  });
});

describe("scoreText", () => {
  it("has one decimal and does not round up to a flawless score", () => {
    expect(scoreText(81.04)).toBe("81.0 %");
    expect(scoreText(99.97)).toBe("99.9 %");
    expect(scoreText(99.3)).toBe("99.3 %");
    expect(scoreText(100)).toBe("100.0 %");
  });
});

describe("healthSummary", () => {
  it("says the worst first and leaves out what there is none of", () => {
    expect(healthSummary(reports)).toBe("1 of 4 extensions failing, 1 degraded, 1 healthy, 1 without data");
    expect(healthSummary([reports[0], reports[0]].flatMap((report) => report ?? []))).toBe(
      "All 2 extensions healthy",
    );
    expect(healthSummary([])).toBe("");
  });
});

describe("readHealthSearch", () => {
  it("drops what is no range", () => {
    expect(readHealthSearch({ range: "7d" })).toEqual({ range: "7d" });
    expect(readHealthSearch({ range: "all" })).toEqual({ range: "all" });
    for (const range of ["toString", 7, undefined]) expect(readHealthSearch({ range })).toEqual({});
  });
});

describe("the health page", () => {
  const rows = [
    overviewRow("failing", { state: "failing", score_percent: 81.04, trend_percent_points: -12.5 }),
    overviewRow("fine", { trend_percent_points: 0.01 }),
    overviewRow("silent", {
      state: "no_data",
      score_percent: null,
      success_count: 0,
      failure_count: 0,
      trend_percent_points: null,
      p50_ms: null,
      p95_ms: null,
      last_failure: null,
      success_counts: [0, 0, 0],
      failure_counts: [0, 0, 0],
    }),
  ];

  it("tells how calls went in the range, with units, and what is not known as nothing", async () => {
    const backend = startBackend();
    backend.overview = healthOverview(rows);
    renderApp("/health");
    const shown = within(await screen.findByRole("table", { name: "Health" })).getAllByRole("row");
    expect(shown[1]).toHaveTextContent("Failing");
    expect(shown[1]).toHaveTextContent("81.0 %");
    expect(shown[1]).toHaveTextContent("▼ 12.5");
    expect(shown[1]).toHaveTextContent("40 ms");
    expect(within(shown[1] as HTMLElement).getByRole("img")).toHaveAccessibleName(
      /1.204 calls in 3 steps of hour, 4 failed/,
    );
    expect(shown[2]).toHaveTextContent("steady");
    expect(shown[3]).toHaveTextContent("No data");
    expect(shown[3]).not.toHaveTextContent("%");
    expect(screen.getByText("1 of 3 extensions failing, 1 healthy, 1 without data")).toBeVisible();
  });

  it("asks for the range that is chosen, which stands in the address", async () => {
    const backend = startBackend();
    backend.overview = healthOverview(rows);
    const { user, path } = renderApp("/health");
    await screen.findByRole("table", { name: "Health" });
    await user.click(screen.getByRole("button", { name: "7 days" }));
    await waitFor(() => expect(backend.callsOf("health_overview").length).toBeGreaterThan(1));
    const { range } = backend.callsOf("health_overview").at(-1) as { range: { from: string; until: string } };
    expect(Date.parse(range.until) - Date.parse(range.from)).toBe(7 * 86_400_000);
    expect(path()).toBe("/health");
    expect(screen.getByRole("button", { name: "7 days" })).toHaveAttribute("aria-pressed", "true");
  });

  it("offers made-up calls where there never was one, marks them, and takes them away", async () => {
    const backend = startBackend();
    backend.overview = healthOverview(rows.slice(2));
    const { user } = renderApp("/health");
    await user.click(await screen.findByRole("button", { name: "Show sample traffic" }));
    await waitFor(() => expect(backend.callsOf("fill_with_sample_traffic")).toHaveLength(1));
    backend.overview = healthOverview(rows, { is_sample: true });
    await user.click(screen.getByRole("button", { name: "1 h" }));
    await user.click(await screen.findByRole("button", { name: "Remove them" }));
    await waitFor(() => expect(backend.callsOf("remove_sample_traffic")).toHaveLength(1));
    expect(screen.getByText(/made up/)).toBeVisible();
  });
  it("shows figures with units and the state in words", async () => {
    const backend = startBackend();
    backend.health = reports;
    renderApp("/health?range=all");
    const rows = within(await screen.findByRole("table", { name: "Health" })).getAllByRole("row");
    expect(rows.map((row) => row.dataset.extensionId).slice(1)).toEqual([
      "failing",
      "degraded",
      "fine",
      "silent",
    ]);
    expect(rows[1]).toHaveTextContent("Failing");
    expect(rows[1]).toHaveTextContent("81.0 %");
    expect(rows[1]).toHaveTextContent("1 204");
    expect(rows[1]).toHaveTextContent("1.24 s");
    expect(rows[2]).toHaveTextContent("Degraded");
    expect(rows[3]).toHaveTextContent("Healthy");
  });

  it("never gives a score to what has no data", async () => {
    const backend = startBackend();
    backend.health = reports;
    renderApp("/health?range=all");
    await screen.findByRole("table", { name: "Health" });
    const silent = document.querySelector('[data-extension-id="silent"]');
    expect(silent).toHaveTextContent("No data");
    expect(silent).toHaveTextContent("never");
    expect(silent).not.toHaveTextContent("%");
  });

  it("counts what fails in the navigation", async () => {
    const backend = startBackend();
    backend.health = reports;
    renderApp("/extensions");
    expect(await screen.findByRole("link", { name: /Health 1 failing/ })).toBeVisible();
  });

  it("has a word for nothing and for a failure", async () => {
    const backend = startBackend();
    const { unmount } = renderApp("/health");
    expect(await screen.findByText("Nothing to report on yet")).toBeVisible();
    unmount();
    backend.failures.set("health_overview", forbidden);
    renderApp("/health");
    expect(await screen.findByRole("alert")).toHaveTextContent("The health figures could not be read");
  });
});
