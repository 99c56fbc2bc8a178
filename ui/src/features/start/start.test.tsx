import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { ErrorReport } from "../../bindings";
import { startBackend } from "../../testing/backend";
import { embedded, readyStatus } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

const lockFailure: ErrorReport = {
  code: "data_directory_in_use",
  message: "Another program uses the data directory.",
  action: "Close it, then try again.",
  detail: 'FATAL:  lock file "postmaster.pid" already exists',
  field: null,
  facts: null,
};

describe("while the database starts", () => {
  it("ticks the steps that are done and names the one under way", async () => {
    const backend = startBackend();
    backend.status = { state: "starting", step: "creating_database" };
    renderApp();
    expect(await screen.findByText("Creating the database…")).toBeVisible();
    await backend.emitStatus({ state: "starting", step: "starting_server" });
    await backend.emitStatus({ state: "starting", step: "migrating" });

    const steps = within(screen.getByRole("list")).getAllByRole("listitem");
    expect(steps.map((step) => step.textContent)).toEqual([
      "Created the database",
      "Started PostgreSQL",
      "Applying migrations…",
    ]);
    expect(steps.at(-1)).toHaveAttribute("aria-current", "step");
    expect(steps.at(0)).not.toHaveAttribute("aria-current");
  });

  it("shows nothing in the first moment, so that a fast start does not flash", async () => {
    const backend = startBackend();
    backend.status = { state: "starting", step: "starting_server" };
    renderApp();
    expect(screen.queryByRole("heading")).toBeNull();
    expect(await screen.findByRole("heading", { name: "Starting Beamline Registry" })).toBeVisible();
  });

  it("gives way to the table once the database is there", async () => {
    const backend = startBackend();
    backend.status = { state: "starting", step: "connecting" };
    renderApp();
    await screen.findByText("Connecting…");
    await backend.emitStatus(readyStatus);
    expect(await screen.findByRole("table", { name: "Extensions" })).toBeVisible();
    expect(screen.getByRole("status", { name: "Database" })).toHaveTextContent(
      /^Embedded database.*PostgreSQL 18\.4login editor$/,
    );
  });
});

describe("when the database failed", () => {
  it("says what failed, what to do, and what the server's log says", async () => {
    const backend = startBackend();
    backend.status = { state: "failed", error: lockFailure, profile: embedded };
    const { user } = renderApp();
    expect(await screen.findByRole("heading", { name: "The database is not available" })).toBeVisible();
    expect(screen.getByText(lockFailure.message)).toBeVisible();
    expect(screen.getByText(lockFailure.action)).toBeVisible();
    expect(screen.getByRole("region", { name: "Details" })).toHaveTextContent(/postmaster\.pid/);
    expect(screen.getByTestId("error-code")).toHaveTextContent("data_directory_in_use");

    await user.click(screen.getByRole("button", { name: "Copy details" }));
    const copied = await navigator.clipboard.readText();
    expect(copied).toContain("data_directory_in_use");
    expect(copied).toContain("postmaster.pid");
    await user.click(screen.getByRole("button", { name: "Open log folder" }));
    expect(backend.callsOf("open_log_directory")).toHaveLength(1);
  });

  it("tries again, and names only the steps of the new try", async () => {
    const backend = startBackend();
    backend.status = { state: "starting", step: "starting_server" };
    const { user } = renderApp();
    await screen.findByText("Starting PostgreSQL…");
    await backend.emitStatus({ state: "failed", error: lockFailure, profile: embedded });
    expect(screen.getByText("while: Starting PostgreSQL")).toBeVisible();

    backend.status = { state: "starting", step: "finding_server" };
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(backend.callsOf("retry_database")).toHaveLength(1);
    expect(await screen.findByText("Looking for PostgreSQL…")).toBeVisible();
    expect(screen.queryByText("Started PostgreSQL")).toBeNull();
    await backend.emitStatus(readyStatus);
    expect(await screen.findByRole("table", { name: "Extensions" })).toBeVisible();
  });

  it("shows the failure screen also when the state itself cannot be asked for", async () => {
    const backend = startBackend();
    backend.holds.set("database_status", Promise.reject(new Error("no such command")));
    renderApp();
    expect(await screen.findByTestId("error-code")).toHaveTextContent("internal");
    expect(screen.getByRole("region", { name: "Details" })).toHaveTextContent("no such command");
  });
});
