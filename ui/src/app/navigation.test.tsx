import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../testing/backend";
import { renderApp } from "../testing/renderApp";

describe("navigation", () => {
  it("starts with the extensions and counts them", async () => {
    startBackend();
    const { path } = renderApp("/");
    const entry = await screen.findByRole("link", { name: "Extensions 6" });
    expect(entry).toHaveAttribute("aria-current", "page");
    expect(path()).toBe("/extensions");
  });

  it.each([
    ["ga", "Audit"],
    ["gh", "Health"],
    ["gr", "Routers"],
    ["gb", "Backups"],
    ["gs", "Settings"],
    ["ge", "Extensions"],
  ])("goes by %s to %s", async (typed, title) => {
    startBackend();
    const { user } = renderApp(title === "Extensions" ? "/audit" : "/");
    await screen.findByRole("link", { name: "Extensions 6" });
    await user.keyboard(typed);
    expect(await screen.findByRole("heading", { level: 1, name: title })).toBeVisible();
  });

  it("goes by a click, and leaves letters alone while somebody types", async () => {
    startBackend();
    const { user, path } = renderApp("/");
    await user.type(await screen.findByRole("searchbox"), "ga");
    expect(path()).toBe("/extensions");
    await user.click(screen.getByRole("link", { name: "Settings" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
  });

  it("leads from an unknown address to the extensions", async () => {
    startBackend();
    renderApp("/nowhere");
    expect(await screen.findByRole("table", { name: "Extensions" })).toBeVisible();
  });
});
