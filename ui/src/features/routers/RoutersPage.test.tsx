import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { cacheReport, consumerReport, extension, forbidden } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";
import { behindText, consumerState, consumersSummary } from "./consumerState";

const current = consumerReport("router-a");
const behind = consumerReport("router-b", {
  applied_revision: 1202,
  behind_revisions: 2,
  behind_seconds: 40.2,
});
const silent = consumerReport("router-c", { seen_seconds_ago: 300 });
const ahead = consumerReport("router-d", { applied_revision: 1210, behind_revisions: -6 });

describe("the state of a program", () => {
  it("is what it lacks, unless it was not heard of for three reports", () => {
    expect([current, behind, silent, ahead].map(consumerState)).toEqual([
      "current",
      "behind",
      "silent",
      "ahead",
    ]);
    expect(consumerState({ ...behind, seen_seconds_ago: 17 })).toBe("silent");
    expect(consumerState({ ...behind, seen_seconds_ago: 15 })).toBe("behind");
  });

  it("is told in changes and seconds", () => {
    expect(behindText(current)).toBeNull();
    expect(behindText(behind)).toBe("2 changes · 40 s");
    expect(behindText({ ...behind, behind_revisions: 1, behind_seconds: null })).toBe("1 change");
    expect(behindText(ahead)).toBe("6 changes ahead");
  });

  it("is summed up in one sentence", () => {
    expect(consumersSummary([current])).toBe("1 program, at the newest revision");
    expect(consumersSummary([current, current])).toBe("All 2 programs at the newest revision");
    expect(consumersSummary([current, behind, silent, ahead])).toBe(
      "1 of 4 programs at the newest revision, 1 behind, 1 ahead of this registry, 1 not heard of",
    );
  });
});

describe("the page", () => {
  it("lists who has applied what", async () => {
    const backend = startBackend();
    backend.consumers = [behind, current];
    renderApp("/routers");
    const table = await screen.findByRole("table", { name: "Programs that use the registry" });
    const row = within(table).getAllByRole("row")[1];
    expect(row).toHaveTextContent("Behind");
    expect(row).toHaveTextContent("router-b 1.2");
    expect(row).toHaveTextContent("2 changes · 40 s");
    expect(screen.getByRole("link", { name: "Routers 2" })).toBeVisible();
  });

  it("says what would put something here while there is nothing", async () => {
    startBackend();
    renderApp("/routers");
    expect(await screen.findByText("No program has reported yet")).toBeVisible();
  });

  it("says why the programs could not be read", async () => {
    const backend = startBackend();
    backend.failures.set("list_consumers", forbidden);
    renderApp("/routers");
    expect(await screen.findByText(/The programs that use the registry could not be read/)).toBeVisible();
  });

  it("shows the window's own cache, and reloads it", async () => {
    const backend = startBackend();
    const { user } = renderApp("/routers");
    const panel = await screen.findByRole("region", { name: "This window's cache" });
    await waitFor(() => expect(panel).toHaveTextContent("Revision#1 204"));
    expect(panel).toHaveTextContent("Extensions6, 5 switched on");
    await user.click(within(panel).getByRole("button", { name: "Reload" }));
    await waitFor(() => expect(panel).toHaveTextContent("Full reads4"));
    expect(backend.callsOf("reload_cache")).toHaveLength(1);
  });

  it("says why a reload failed", async () => {
    const backend = startBackend();
    backend.failures.set("reload_cache", forbidden);
    const { user } = renderApp("/routers");
    await user.click(await screen.findByRole("button", { name: "Reload" }));
    expect(await screen.findByText("Could not reload")).toBeVisible();
  });

  it("is loud when the registry's history is another one, until somebody knows of it", async () => {
    const backend = startBackend();
    backend.cache = cacheReport({
      state: "diverged",
      divergence: { noticed_at: new Date().toISOString(), followed_revision: 1204, found_revision: 900 },
    });
    const { user } = renderApp("/routers");
    expect(await screen.findByRole("alert")).toHaveTextContent("followed it to revision 1 204");
    await user.click(screen.getByRole("button", { name: "I know of it" }));
    await waitFor(() => expect(screen.queryByRole("alert")).not.toBeInTheDocument());
  });
});

describe("the header", () => {
  it("tells how old what is shown is", async () => {
    const backend = startBackend();
    renderApp("/");
    const line = await screen.findByRole("status", { name: "Database" });
    await waitFor(() => expect(line).toHaveTextContent("live"));
    expect(line).toHaveTextContent(/rev 1 204(?! ?\d)/);
    expect(line).not.toHaveTextContent("0.4 s");
    backend.cache = cacheReport({ state: "stale", age_ms: 130_000 });
    await waitFor(() => expect(line).toHaveTextContent("stale"), { timeout: 7_000 });
    expect(line).toHaveTextContent("2 min");
  });
});

describe("a change by somebody else", () => {
  it("appears on the open page by itself", async () => {
    const backend = startBackend();
    renderApp("/extensions");
    await screen.findByText("pii_guard");
    backend.extensions = [...backend.extensions, extension("new_one")];
    await backend.emitChange();
    expect(await screen.findByText("new_one")).toBeVisible();
  });
});
