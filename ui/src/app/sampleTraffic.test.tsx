import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../testing/backend";
import { forbidden } from "../testing/fixtures";
import { renderApp } from "../testing/renderApp";

describe("sample traffic from the menu", () => {
  it("is filled in and shown", async () => {
    const backend = startBackend();
    const { path } = renderApp("/extensions");
    await screen.findByRole("table", { name: "Extensions" });
    await backend.emitMenu("sample_traffic");
    await waitFor(() => expect(path()).toBe("/health"));
    expect(backend.callsOf("fill_with_sample_traffic")).toHaveLength(1);
    expect(
      await screen.findByText("Filled the registry with made-up calls of the last 7 days"),
    ).toBeVisible();
  });

  it("says why it is refused, by the database or for want of a role", async () => {
    const backend = startBackend();
    backend.failures.set("fill_with_sample_traffic", {
      ...forbidden,
      code: "invalid_input",
      message: "There is a history of health already, which sample traffic would mix with.",
    });
    const { path } = renderApp("/extensions");
    await screen.findByRole("table", { name: "Extensions" });
    await backend.emitMenu("sample_traffic");
    expect(await screen.findByText(/There is a history of health already/)).toBeVisible();
    expect(path()).toBe("/extensions");
  });

  it("is not asked for by who may not", async () => {
    const backend = startBackend();
    backend.permissions = { ...backend.permissions, login: "anna", can_edit: false };
    renderApp("/extensions");
    await screen.findByRole("table", { name: "Extensions" });
    await waitFor(() => expect(backend.callsOf("permissions")).not.toHaveLength(0));
    await waitFor(async () => {
      await backend.emitMenu("sample_traffic");
      expect(screen.getAllByText(/anna may not change the settings of health/)[0]).toBeVisible();
    });
    expect(backend.callsOf("fill_with_sample_traffic")).toEqual([]);
  });
});
