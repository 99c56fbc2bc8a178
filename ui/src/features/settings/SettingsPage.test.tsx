import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { forbidden, readyStatus } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

describe("the settings", () => {
  it("show the facts of the database, with the data directory to copy", async () => {
    const backend = startBackend();
    backend.status = { ...readyStatus, shared: true };
    const { user } = renderApp("/settings");
    const database = await screen.findByRole("region", { name: "Database" });
    expect(database).toHaveTextContent("PostgreSQL 18.4, embedded");
    expect(database).toHaveTextContent("another window of yours, shared");
    await user.click(within(database).getByRole("button", { name: "Copy data directory /data/registry" }));
    await expect(navigator.clipboard.readText()).resolves.toBe("/data/registry");
  });

  it("show the start times in milliseconds and the version", async () => {
    startBackend();
    renderApp("/settings");
    const times = await screen.findByRole("table", { name: "Start times" });
    expect(within(times).getByRole("row", { name: "window created 180 ms" })).toBeVisible();
    expect(within(times).getByRole("row", { name: "table shown 1\u202f104 ms" })).toBeVisible();
    expect(screen.getByRole("region", { name: "About" })).toHaveTextContent("0.1.0");
  });

  it("change the size of everything, as its keys do everywhere", async () => {
    const backend = startBackend();
    const { user } = renderApp("/settings");
    const size = await screen.findByRole("status", { name: "Size of everything" });
    await waitFor(() => expect(size).toHaveTextContent("100 %"));
    await user.click(screen.getByRole("button", { name: "Larger" }));
    await waitFor(() => expect(backend.zoomPercent).toBe(110));
    await user.keyboard("{Control>}+={/Control}");
    await waitFor(() => expect(backend.zoomPercent).toBe(150));
    expect(size).toHaveTextContent("150 %");
    await user.keyboard("?");
    await screen.findByRole("dialog", { name: "Keys" });
    await user.keyboard("{Control>}-{/Control}");
    await waitFor(() => expect(backend.zoomPercent).toBe(125));
    await user.keyboard("{Control>}0{/Control}");
    await waitFor(() => expect(backend.zoomPercent).toBe(100));
  });

  it("change the log level", async () => {
    const backend = startBackend();
    const { user } = renderApp("/settings");
    await user.click(await screen.findByRole("radio", { name: "Debug" }));
    expect(backend.callsOf("set_log_level")).toEqual([{ level: "debug" }]);
    await waitFor(() => expect(screen.getByRole("radio", { name: "Debug" })).toBeChecked());
  });

  it("keep the log level that is in force when the change is refused", async () => {
    const backend = startBackend();
    backend.failures.set("set_log_level", forbidden);
    const { user } = renderApp("/settings");
    await user.click(await screen.findByRole("radio", { name: "Trace" }));
    expect(await screen.findByText("Could not change the log level")).toBeVisible();
    expect(screen.getByRole("radio", { name: "Info" })).toBeChecked();
  });

  it("open the log folder, or say why not", async () => {
    const backend = startBackend();
    backend.failures.set("open_log_directory", forbidden);
    const { user } = renderApp("/settings");
    await user.click(await screen.findByRole("button", { name: "Open" }));
    expect(backend.callsOf("open_log_directory")).toHaveLength(1);
    expect(await screen.findByText("Could not open the log folder")).toBeVisible();
  });

  it("say why the program's own facts could not be read", async () => {
    const backend = startBackend();
    backend.failures.set("application_info", forbidden);
    renderApp("/settings");
    expect(await screen.findByText("The program's settings could not be read")).toBeVisible();
  });

  it("keep the chosen colours for the next start", async () => {
    startBackend();
    const { user } = renderApp("/settings");
    await user.click(await screen.findByRole("radio", { name: "Dark" }));
    expect(document.documentElement).toHaveAttribute("data-mantine-color-scheme", "dark");
    expect(window.localStorage.getItem("beamline-color-scheme")).toBe("dark");
    await user.click(screen.getByRole("button", { name: "Colours: dark. Switch to auto" }));
    expect(screen.getByRole("radio", { name: "Auto" })).toBeChecked();
  });
});
