import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { forbidden, healthReport } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";
import { scoreText } from "../../ui/figures";
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

describe("the health page", () => {
  it("shows figures with units and the state in words", async () => {
    const backend = startBackend();
    backend.health = reports;
    renderApp("/health");
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
    renderApp("/health");
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
    backend.failures.set("list_health", forbidden);
    renderApp("/health");
    expect(await screen.findByRole("alert")).toHaveTextContent("The health figures could not be read");
  });
});
