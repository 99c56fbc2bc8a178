import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { type Backend, startBackend } from "../../testing/backend";
import { forbidden, limitsHeld } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";
import { limitProblems, limitsDraft, limitsOf, limitsText } from "../../ui/healthLimits";
import { retentionProblems } from "./healthRetention";

function viewer(backend: Backend) {
  backend.permissions = { ...backend.permissions, login: "anna", can_edit: false, can_switch: false };
}

const own = {
  ...limitsHeld("validator", null),
  scope: { kind: "extension", value: "pii_guard" } as const,
  limits: { score_below_percent: 99, p95_above_ms: 250, silent_for_seconds: 600 },
};

describe("limits as they are typed", () => {
  it("keep what they say, with silences in minutes", () => {
    expect(limitsDraft(own.limits)).toEqual({ scorePercent: 99, p95Ms: 250, silentMinutes: 10 });
    for (const seconds of [60, 61, 90, 100, 3599, 2_592_000]) {
      const limits = { ...own.limits, silent_for_seconds: seconds };
      expect(limitsOf(limitsDraft(limits))).toEqual(limits);
    }
    expect(limitsText(own.limits)).toBe("score below 99 %, p95 above 250 ms, silent for 10 min");
    expect(limitsText(limitsHeld("pre", null).limits)).toBe("none");
  });

  it("are refused where the database would refuse them", () => {
    const draft = limitsDraft(own.limits);
    expect(limitProblems(draft)).toEqual({});
    expect(limitProblems({ scorePercent: "", p95Ms: "", silentMinutes: "" })).toEqual({});
    for (const scorePercent of [0, 100.1])
      expect(limitProblems({ ...draft, scorePercent })).toHaveProperty("score_below_percent");
    for (const p95Ms of [0, 86_400_001])
      expect(limitProblems({ ...draft, p95Ms })).toHaveProperty("p95_above_ms");
    for (const silentMinutes of [0.99, 43_201])
      expect(limitProblems({ ...draft, silentMinutes })).toHaveProperty("silent_for_seconds");
  });
});

describe("how long is kept", () => {
  it("is refused at the field that is to be changed", () => {
    const kept = { minutes_kept_days: 7, hours_kept_days: 90, days_kept_days: "" } as const;
    expect(retentionProblems(kept)).toEqual({});
    expect(retentionProblems({ ...kept, minutes_kept_days: 0 })).toHaveProperty("minutes_kept_days");
    expect(retentionProblems({ ...kept, minutes_kept_days: "" })).toHaveProperty("minutes_kept_days");
    expect(retentionProblems({ ...kept, hours_kept_days: 6 })).toEqual({
      hours_kept_days: "At least as long as minutes: 7 days",
    });
    expect(retentionProblems({ ...kept, days_kept_days: 89 })).toEqual({
      days_kept_days: "At least as long as hours: 90 days",
    });
    expect(retentionProblems({ ...kept, days_kept_days: 36_501 })).toHaveProperty("days_kept_days");
  });
});

describe("the limits in the settings", () => {
  it("are set by type", async () => {
    const backend = startBackend();
    const { user } = renderApp("/settings");
    const field = await screen.findByRole("textbox", { name: "validator: p95 above" });
    expect(screen.getByRole("textbox", { name: "validator: score below" })).toHaveValue("95 %");
    await user.type(field, "250");
    const form = screen.getByRole("form", { name: "Limits of validator" });
    await user.click(within(form).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(within(form).queryByRole("button", { name: "Save" })).toBeNull());
    expect(backend.callsOf("set_health_threshold")).toEqual([
      {
        scope: { kind: "type", value: "validator" },
        limits: { score_below_percent: 95, p95_above_ms: 250, silent_for_seconds: null },
      },
    ]);
    expect(field).toHaveValue("250 ms");
  });

  it("say what is wrong at the field before and after the database is asked", async () => {
    const backend = startBackend();
    const { user } = renderApp("/settings");
    const field = await screen.findByRole("textbox", { name: "pre: score below" });
    const form = screen.getByRole("form", { name: "Limits of pre" });
    await user.clear(field);
    await user.type(field, "101");
    expect(within(form).getByText("Above 0, at most 100 %")).toBeVisible();
    expect(within(form).getByRole("button", { name: "Save" })).toBeDisabled();
    await user.clear(field);
    await user.type(field, "99");
    backend.failures.set("set_health_threshold", {
      ...forbidden,
      code: "invalid_input",
      field: "score_below_percent",
      message: "The limit of the score is out of range.",
    });
    await user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await within(form).findByText("The limit of the score is out of range.")).toBeVisible();
    await user.click(within(form).getByRole("button", { name: "Cancel" }));
    expect(field).toHaveValue("95 %");
    expect(within(form).queryByText(/out of range/)).toBeNull();
  });

  it("that extensions have of their own are listed and taken away", async () => {
    const backend = startBackend();
    backend.limits.push(own);
    const { user } = renderApp("/settings");
    expect(await screen.findByRole("textbox", { name: "pii_guard: silent for" })).toHaveValue("10 min");
    await user.click(screen.getByRole("button", { name: "Take the limits of its type for pii_guard" }));
    await waitFor(() => expect(screen.queryByRole("textbox", { name: "pii_guard: silent for" })).toBeNull());
    expect(backend.callsOf("set_health_threshold")).toEqual([{ scope: own.scope, limits: null }]);
  });

  it("are in sight and off for who may not change them, with the reason", async () => {
    const backend = startBackend();
    viewer(backend);
    backend.limits.push(own);
    const { user } = renderApp("/settings");
    const section = await screen.findByRole("region", { name: "Health limits" });
    expect(await within(section).findByText(/anna may not .* needs the role registry_editor/)).toBeVisible();
    for (const field of within(section).getAllByRole("textbox")) expect(field).toBeDisabled();
    await user.click(within(section).getByRole("button", { name: /registry_editor/ }));
    expect(backend.callsOf("set_health_threshold")).toEqual([]);
    const history = screen.getByRole("region", { name: "History of health" });
    for (const field of await within(history).findAllByRole("textbox")) expect(field).toBeDisabled();
    expect(within(history).getByText(/needs the role registry_editor/)).toBeVisible();
  });

  it("say how long the history is kept, and change it", async () => {
    const backend = startBackend();
    const { user } = renderApp("/settings");
    const minutes = await screen.findByRole("textbox", { name: "Minutes are kept for" });
    const days = screen.getByRole("textbox", { name: "Days are kept for" });
    expect(minutes).toHaveValue("7 days");
    expect(days).toHaveValue("");
    await user.type(days, "30");
    expect(screen.getByText("At least as long as hours: 90 days")).toBeVisible();
    await user.type(days, "0");
    const form = screen.getByRole("form", { name: "How long the history of health is kept" });
    await user.click(within(form).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(within(form).queryByRole("button", { name: "Save" })).toBeNull());
    expect(backend.callsOf("set_health_retention")).toEqual([
      { retention: { minutes_kept_days: 7, hours_kept_days: 90, days_kept_days: 300 } },
    ]);
  });
});

describe("the limits of one extension", () => {
  it("are those of its type until it has its own, and again after", async () => {
    const backend = startBackend();
    const { user } = renderApp("/extensions?open=pii_guard");
    const panel = await screen.findByRole("complementary", { name: "Extension pii_guard" });
    expect(await within(panel).findByText("score below 95 %")).toHaveTextContent("of type validator");
    await user.click(within(panel).getByRole("button", { name: "Set its own limits" }));
    const silent = within(panel).getByRole("textbox", { name: "Silent for" });
    await user.type(silent, "10");
    await user.click(within(panel).getByRole("button", { name: "Save" }));
    expect(await within(panel).findByText(/silent for 10 min/)).toHaveTextContent("its own");
    expect(backend.callsOf("set_health_threshold").at(-1)).toEqual({
      scope: { kind: "extension", value: "pii_guard" },
      limits: { score_below_percent: 95, p95_above_ms: null, silent_for_seconds: 600 },
    });
    await user.click(within(panel).getByRole("button", { name: "Take those of its type" }));
    expect(await within(panel).findByText("score below 95 %")).toHaveTextContent("of type validator");
  });

  it("can't be set by who may not", async () => {
    const backend = startBackend();
    viewer(backend);
    renderApp("/extensions?open=pii_guard");
    const button = await screen.findByRole("button", { name: "Set its own limits" });
    await waitFor(() => expect(button).toHaveAttribute("aria-disabled", "true"));
  });
});
