import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { forbidden, healthOverview, healthReport, healthTotal, overviewRow } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";
import { scoreText } from "../../ui/figures";
import { readExtensionHealthSearch, readHealthSearch } from "./healthSearch";
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

  it("takes a range of its own only whole and the right way round", () => {
    const [from, until] = ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"];
    expect(readHealthSearch({ from, until, range: "1h" })).toEqual({ from, until, range: "1h" });
    for (const ends of [{ from }, { from: until, until: from }, { from: "soon", until }])
      expect(readHealthSearch(ends)).toEqual({});
  });

  it("compares with four others at the most, each once", () => {
    expect(readExtensionHealthSearch({ with: ["a", "a", 7, null, "b", "c", "d"], range: "all" })).toEqual({
      with: ["a", "7", "b", "c"],
    });
  });
});

describe("the health page", () => {
  const rows = [
    overviewRow("failing", {
      state: "failing",
      severity: "failing",
      score_percent: 81.04,
      trend_percent_points: -12.5,
    }),
    overviewRow("fine", { trend_percent_points: 0.01 }),
    overviewRow("silent", {
      state: "no_data",
      severity: "silent",
      score_percent: null,
      success_count: 0,
      failure_count: 0,
      trend_percent_points: null,
      p50_ms: null,
      p95_ms: null,
      last_failure: null,
      success_counts: [],
      failure_counts: [],
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
    expect(shown[3]).toHaveTextContent("Silent");
    expect(shown[3]).toHaveTextContent("last call 2026-01-02");
    expect(shown[3]).not.toHaveTextContent("%");
    expect(screen.getByText("1 of 3 extensions failing, 1 silent, 1 healthy")).toBeVisible();
  });

  it("tells of all together, and what became of it in the later half", async () => {
    const backend = startBackend();
    backend.overview = healthOverview(rows, {
      total: healthTotal({
        success_count: 11_400,
        failure_count: 600,
        score_percent: 95,
        p95_ms: 142,
        failing_count: 2,
      }),
      earlier: healthTotal({
        success_count: 4_000,
        failure_count: 0,
        score_percent: 100,
        p95_ms: 100,
        failing_count: 0,
      }),
      later: healthTotal({
        success_count: 7_400,
        failure_count: 600,
        score_percent: 92.5,
        p95_ms: 150,
        failing_count: 2,
      }),
    });
    renderApp("/health");
    const cards = await screen.findByLabelText("All extensions together");
    const [requests, score, latency, failing] = [...cards.children];
    expect(requests).toHaveTextContent(/12.000calls▲ 100 %600 failed/);
    expect(score).toHaveTextContent("95.0 %▼ 7.5 pp");
    expect(
      within(score as HTMLElement).getByTitle(/less in the later half of the range: worse/),
    ).toBeVisible();
    expect(latency).toHaveTextContent("142 ms▲ 50 %");
    expect(failing).toHaveTextContent("2of 3 extensions▲ 2");
  });

  it("shows only those in a state or with a text in their id, which stands in the address", async () => {
    const backend = startBackend();
    backend.overview = healthOverview(rows);
    const { user, search } = renderApp("/health");
    await screen.findByRole("table", { name: "Health" });
    await user.click(screen.getByRole("button", { name: "Failing 1" }));
    await waitFor(() => expect(document.querySelectorAll("[data-extension-id]")).toHaveLength(1));
    expect(search()).toEqual({ state: "failing" });
    await user.click(screen.getByRole("button", { name: "All 3" }));
    await user.keyboard("/");
    await user.keyboard("SIL");
    await waitFor(() => expect(search()).toEqual({ text: "SIL" }));
    expect(document.querySelector("[data-extension-id]")).toHaveTextContent("silent");
    await user.keyboard("x");
    expect(await screen.findByText("No extension matches this filter")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Clear filter" }));
    await waitFor(() => expect(document.querySelectorAll("[data-extension-id]")).toHaveLength(3));
  });

  it("opens the charts of an extension by click, or by keys alone, for the same range", async () => {
    const backend = startBackend();
    backend.overview = healthOverview(rows);
    const { user, path, search } = renderApp("/health?range=7d");
    await screen.findByRole("table", { name: "Health" });
    await user.keyboard("jj");
    await waitFor(() => expect(screen.getByRole("link", { name: "fine" })).toHaveFocus());
    await user.keyboard("k{Enter}");
    await waitFor(() => expect(path()).toBe("/health/failing"));
    expect(search()).toEqual({ range: "7d" });
  });

  it("makes only the rows in sight of a thousand", async () => {
    const backend = startBackend();
    backend.overview = healthOverview(Array.from({ length: 1000 }, (_, n) => overviewRow(`extension_${n}`)));
    renderApp("/health");
    const table = await screen.findByRole("table", { name: "Health" });
    expect(table).toHaveAttribute("aria-rowcount", "1001");
    expect(document.querySelectorAll("[data-extension-id]").length).toBeLessThan(80);
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
