import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { alarm, healthOverview, overviewRow } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

describe("what is wrong now", () => {
  it("comes first on the health page, in the order of the look, with units and limits", async () => {
    const backend = startBackend();
    backend.overview = healthOverview([overviewRow("pii_guard")]);
    backend.alarms.alarms = [
      alarm("pii_guard", { value: 71.96 }),
      alarm("openai_gpt4", { trouble: "slow", value: 1240.4, limit: 250 }),
      alarm("normalize_text", { trouble: "silent", value: 12_000, limit: 600 }),
    ];
    const { user, search } = renderApp("/health");
    const section = await screen.findByRole("region", { name: "Wrong now" });
    const rows = within(section).getAllByRole("row").slice(1);
    const expected = [
      ["Fails too often", "pii_guard", "71.9 % succeed", "at least 95 %"],
      ["Too slow", "openai_gpt4", "p95 1.24 s", "at most 250 ms"],
      ["Silent", "normalize_text", "not called for 3 h 20 min", "at most 10 min"],
    ];
    expect(rows).toHaveLength(expected.length);
    for (const [place, words] of expected.entries())
      for (const word of words) expect(rows[place]).toHaveTextContent(word);
    await user.click(within(section).getByRole("link", { name: "pii_guard" }));
    expect(search()).toMatchObject({ open: "pii_guard" });
  });

  it("is no section while nothing is, and shows the worst of many first", async () => {
    const backend = startBackend();
    backend.overview = healthOverview([overviewRow("pii_guard")]);
    const { user } = renderApp("/health");
    await screen.findByRole("table", { name: "Health" });
    expect(screen.queryByRole("region", { name: "Wrong now" })).toBeNull();
    backend.alarms = {
      ...backend.alarms,
      alarms: Array.from({ length: 9 }, (_, place) => alarm(`extension_${place}`)),
    };
    await backend.emitLook([]);
    const section = await screen.findByRole("region", { name: "Wrong now" });
    expect(within(section).getAllByRole("row")).toHaveLength(1 + 6);
    await user.click(within(section).getByRole("button", { name: "Show all 9" }));
    expect(within(section).getAllByRole("row")).toHaveLength(1 + 9);
  });
});
