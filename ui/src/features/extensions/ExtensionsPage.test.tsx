import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { SetEnabledRequest } from "../../bindings";
import { startBackend } from "../../testing/backend";
import { forbidden } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

const piiGuard = { name: "pii_guard enabled" };

function rowIds(): (string | undefined)[] {
  return within(screen.getByRole("table", { name: "Extensions" }))
    .getAllByRole("row")
    .slice(1)
    .map((row) => row.dataset.extensionId);
}

function row(id: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`[data-extension-id="${id}"]`);
  if (!found) throw new Error(`no row for ${id}`);
  return found;
}

function held(): { promise: Promise<void>; release: () => void } {
  let release = () => {};
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { promise, release };
}

/** Each request has a name of its own, so that a lost answer can be asked for again. */
const anyNote = { reason: null, request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) };

describe("the table", () => {
  // First of all: a window reports once in its life, and the tests of this file share one.
  it("reports to the backend once that it has been painted", async () => {
    const backend = startBackend();
    renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    await waitFor(() => expect(backend.callsOf("report_table_shown")).toHaveLength(1));
  });

  it("shows the six extensions with units and words", async () => {
    const backend = startBackend();
    backend.extensions = backend.extensions.map((extension) =>
      extension.id === "mock_provider"
        ? {
            ...extension,
            enabled: false,
            last_change: { action: "disabled", changed_by: "editor", timestamp: new Date().toISOString() },
          }
        : extension,
    );
    renderApp();

    await screen.findByRole("table", { name: "Extensions" });
    expect(rowIds()).toHaveLength(6);
    expect(row("pii_guard")).toHaveTextContent("pii_guardvalidatorbeamline.ext.validate.pii_guard.v1");
    expect(within(row("pii_guard")).getByText("200 ms")).toBeVisible();
    expect(within(row("pii_guard")).getByText("×1")).toBeVisible();
    expect(within(row("pii_guard")).getByText("On")).toBeVisible();
    expect(within(row("mock_provider")).getByText("Off")).toBeVisible();
    expect(row("mock_provider")).toHaveTextContent("editorjust now");
    expect(screen.getByRole("switch", piiGuard)).toBeChecked();
    expect(screen.getByRole("switch", { name: "mock_provider enabled" })).not.toBeChecked();
    expect(screen.getByText("5 on · 1 off")).toBeVisible();
  });

  it("reads on until there are no more", async () => {
    const backend = startBackend();
    backend.extensionPageSize = 4;
    renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    expect(rowIds()).toHaveLength(6);
    const everything = {
      filter: { types: [], enabled: null, health: [], text: null },
      sort: "type",
      descending: false,
      limit: 10_000,
    };
    expect(backend.callsOf("list_extensions").slice(0, 2)).toEqual([
      { request: { ...everything, after: null } },
      { request: { ...everything, after: { value: "pre", id: "normalize_text" } } },
    ]);
  });

  it("sorts by a click on a head and says so to assistive technology", async () => {
    startBackend();
    const { user } = renderApp();
    const id = await screen.findByRole("button", { name: "Id" });
    expect(screen.getByRole("columnheader", { name: "Type" })).toHaveAttribute("aria-sort", "ascending");

    await user.click(id);
    expect(rowIds().at(0)).toBe("anthropic_claude");
    await user.click(id);
    expect(rowIds().at(0)).toBe("pii_guard");
    expect(screen.getByRole("columnheader", { name: "Id" })).toHaveAttribute("aria-sort", "descending");
    expect(screen.getByRole("columnheader", { name: "Type" })).toHaveAttribute("aria-sort", "none");
  });

  it("filters from the keyboard and offers the way back from nothing", async () => {
    startBackend();
    const { user } = renderApp();
    await screen.findByRole("table", { name: "Extensions" });

    await user.keyboard("/");
    const filter = screen.getByRole("searchbox", { name: "Filter extensions" });
    expect(filter).toHaveFocus();
    await user.keyboard("claude");
    expect(rowIds()).toEqual(["anthropic_claude"]);
    await user.keyboard("zzz");
    expect(screen.getByText("Nothing matches “claudezzz”")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Clear filter" }));
    expect(rowIds()).toHaveLength(6);
  });

  it("moves between the switches by j and k", async () => {
    startBackend();
    const { user } = renderApp();
    (await screen.findByRole("switch", { name: "normalize_text enabled" })).focus();
    await user.keyboard("j");
    expect(screen.getByRole("switch", piiGuard)).toHaveFocus();
    await user.keyboard("k");
    expect(screen.getByRole("switch", { name: "normalize_text enabled" })).toHaveFocus();
  });

  it("copies a subject at a click", async () => {
    startBackend();
    const { user } = renderApp();
    await user.click(
      await screen.findByRole("button", { name: "Copy subject beamline.ext.validate.pii_guard.v1" }),
    );
    await expect(navigator.clipboard.readText()).resolves.toBe("beamline.ext.validate.pii_guard.v1");
    expect(await screen.findByRole("button", { name: /^Copied subject/ })).toBeVisible();
  });
});

describe("a switch", () => {
  it("follows the click at once, and offers to undo it once the backend agreed", async () => {
    const backend = startBackend();
    const answer = held();
    backend.holds.set("set_extension_enabled", answer.promise);
    const { user } = renderApp();

    await user.click(await screen.findByRole("switch", piiGuard));
    expect(screen.getByRole("switch", piiGuard), "before the backend answered").not.toBeChecked();
    expect(within(row("pii_guard")).getByText("Off")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Undo" }), "nothing is done yet").toBeNull();

    answer.release();
    expect(await screen.findByText(/^Switched off/)).toHaveTextContent("Switched off pii_guard");
    expect(backend.callsOf("set_extension_enabled")).toEqual([
      { request: { id: "pii_guard", enabled: false, note: anyNote } },
    ]);
    expect(screen.getByRole("switch", piiGuard)).not.toBeChecked();
  });

  it("sends the opposite at Undo", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    await user.click(await screen.findByRole("button", { name: "Undo" }));

    await waitFor(() => expect(screen.getByRole("switch", piiGuard)).toBeChecked());
    expect(backend.callsOf("set_extension_enabled").at(-1)).toEqual({
      request: { id: "pii_guard", enabled: true, note: anyNote },
    });
    const [first, second] = backend.callsOf("set_extension_enabled");
    expect(second, "a switch back is a request of its own").not.toMatchObject({
      request: { note: (first as { request: SetEnabledRequest }).request.note },
    });
    await waitFor(() => expect(screen.queryByRole("button", { name: "Undo" })).toBeNull());
  });

  it("is undone by z, the newest first, even while a switch has the focus", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    await screen.findByRole("button", { name: "Undo" });
    await user.click(screen.getByRole("switch", { name: "mock_provider enabled" }));
    await waitFor(() => expect(screen.getAllByRole("button", { name: "Undo" })).toHaveLength(2));

    await user.keyboard("z");
    await waitFor(() =>
      expect(backend.callsOf("set_extension_enabled").at(-1)).toEqual({
        request: { id: "mock_provider", enabled: true, note: anyNote },
      }),
    );
    expect(screen.getByRole("switch", piiGuard)).not.toBeChecked();
  });

  it("goes back where it was when the backend refuses, and says why", async () => {
    const backend = startBackend();
    backend.failures.set("set_extension_enabled", forbidden);
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));

    expect(await screen.findByText("Could not switch off pii_guard")).toBeVisible();
    expect(screen.getByRole("switch", piiGuard)).toBeChecked();
    expect(screen.getByText(forbidden.message)).toBeVisible();
    expect(screen.getByText(forbidden.action)).toBeVisible();
    expect(screen.getByTestId("error-code")).toHaveTextContent("forbidden");
    await user.click(screen.getByRole("button", { name: "Copy details" }));
    await expect(navigator.clipboard.readText()).resolves.toContain("SQLSTATE 42501");
  });

  it("keeps a second click while the first is on its way, and sends them one after the other", async () => {
    const backend = startBackend();
    const answer = held();
    backend.holds.set("set_extension_enabled", answer.promise);
    const { user } = renderApp();

    await user.click(await screen.findByRole("switch", piiGuard));
    await user.click(screen.getByRole("switch", piiGuard));
    expect(screen.getByRole("switch", piiGuard), "the last click counts").toBeChecked();
    expect(backend.callsOf("set_extension_enabled"), "the second waits for the first").toHaveLength(1);

    answer.release();
    await waitFor(() => expect(backend.callsOf("set_extension_enabled")).toHaveLength(2));
    await waitFor(() => expect(row("pii_guard")).toHaveAttribute("aria-busy", "false"));
    expect(backend.callsOf("set_extension_enabled")).toEqual([
      { request: { id: "pii_guard", enabled: false, note: anyNote } },
      { request: { id: "pii_guard", enabled: true, note: anyNote } },
    ]);
    expect(screen.getByRole("switch", piiGuard)).toBeChecked();
    expect(backend.extensions.find((extension) => extension.id === "pii_guard")?.enabled).toBe(true);
  });

  it("takes the older Undo away as soon as it is switched again", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    await screen.findByRole("button", { name: "Undo" });
    const answer = held();
    backend.holds.set("set_extension_enabled", answer.promise);
    await user.click(screen.getByRole("switch", piiGuard));
    await waitFor(() => expect(screen.queryByRole("button", { name: "Undo" })).toBeNull());
    answer.release();
    expect(await screen.findByText(/^Switched on/)).toHaveTextContent("Switched on pii_guard");
  });

  it("does not let one extension's slow answer hold up another's", async () => {
    const backend = startBackend();
    const answer = held();
    backend.holds.set("set_extension_enabled", answer.promise);
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    await user.click(screen.getByRole("switch", { name: "mock_provider enabled" }));
    expect(backend.callsOf("set_extension_enabled")).toHaveLength(2);
    answer.release();
    await waitFor(() => expect(screen.getAllByRole("button", { name: "Undo" })).toHaveLength(2));
  });
});

describe("without rows to show", () => {
  it("says that there are none yet", async () => {
    const backend = startBackend();
    backend.extensions = [];
    renderApp();
    expect(await screen.findByText("No extensions yet")).toBeVisible();
  });

  it("says why they could not be read, and reads them again at a click", async () => {
    const backend = startBackend();
    backend.failures.set("list_extensions", { ...forbidden, code: "database_unavailable" });
    const { user } = renderApp();
    expect(await screen.findByRole("alert")).toHaveTextContent("The extensions could not be read");
    expect(screen.getByTestId("error-code")).toHaveTextContent("database_unavailable");

    backend.failures.clear();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByRole("table", { name: "Extensions" });
  });

  it("keeps what it shows when a refresh fails, and says how old it is", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    backend.failures.set("list_extensions", forbidden);
    await user.click(screen.getByRole("switch", piiGuard));
    expect(await screen.findByText(/Could not refresh/)).toHaveTextContent("Shown as read just now");
    expect(rowIds()).toHaveLength(6);
  });

  it("shows the shape of the table while it waits", async () => {
    const backend = startBackend();
    backend.holds.set("list_extensions", new Promise(() => {}));
    renderApp();
    expect(await screen.findByRole("status", { name: "Reading the extensions" })).toBeVisible();
  });
});

describe("below the contract", () => {
  it("turns an answer that is no command error into one that can be read", async () => {
    const backend = startBackend();
    backend.holds.set("list_extensions", Promise.reject(new Error("the bridge is gone")));
    renderApp();
    expect(await screen.findByTestId("error-code")).toHaveTextContent("internal");
  });
});
