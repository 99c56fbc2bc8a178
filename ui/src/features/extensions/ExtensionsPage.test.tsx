import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Extension, SetEnabledRequest } from "../../bindings";
import { startBackend } from "../../testing/backend";
import { auditEntry, extension, forbidden, readyElsewhere, remoteProfile } from "../../testing/fixtures";
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
const anyNote = {
  reason: null,
  confirmed: null,
  request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
};

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
    expect(row("pii_guard")).toHaveTextContent("Onpii_guardvalidatorbeamline.ext.validate.pii_guard.v1");
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

  it("goes on from the row that was left when the focus is gone", async () => {
    startBackend();
    const { user } = renderApp();
    const left = await screen.findByRole("switch", { name: "normalize_text enabled" });
    left.focus();
    left.blur();
    await user.keyboard("j");
    expect(screen.getByRole("switch", piiGuard)).toHaveFocus();
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

describe("the view", () => {
  it("makes only the rows in sight of ten thousand", async () => {
    const backend = startBackend();
    backend.extensions = Array.from({ length: 10_000 }, (_, index) => extension(`extension_${index}`));
    renderApp();
    const list = await screen.findByRole("table", { name: "Extensions" });
    expect(list).toHaveAttribute("aria-rowcount", "10001");
    expect(rowIds().length).toBeGreaterThan(20);
    expect(rowIds().length).toBeLessThan(60);
  });

  it("is narrowed by chips, which are terms of the search box, and kept for the next start", async () => {
    const backend = startBackend();
    const [first, ...others] = backend.extensions;
    if (first) backend.extensions = [{ ...first, enabled: false, health: "failing" }, ...others];
    const { user, search, unmount } = renderApp();
    await user.click(await screen.findByRole("button", { name: "Off 1" }));
    expect(rowIds()).toHaveLength(1);
    await user.click(screen.getByRole("button", { name: "Off 1" }));
    await user.click(screen.getByRole("button", { name: "provider 3" }));
    expect(rowIds()).toHaveLength(3);
    await user.click(screen.getByRole("button", { name: "On 5" }));
    expect(rowIds()).toHaveLength(2);
    expect(screen.getByRole("searchbox")).toHaveValue("is:on type:provider");
    expect(screen.getByRole("button", { name: "Failing 1" })).toHaveAttribute("aria-pressed", "false");
    await waitFor(() => expect(search()).toEqual({ text: "is:on type:provider" }));
    await user.click(screen.getByRole("button", { name: "Health" }));
    await waitFor(() => expect(search()).toEqual({ text: "is:on type:provider", sort: "health" }));
    unmount();

    const again = renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    expect(screen.getByRole("searchbox")).toHaveValue("is:on type:provider");
    await again.user.click(screen.getByRole("button", { name: "All 6" }));
    expect(rowIds()).toHaveLength(6);
  });

  it("hides columns, and keeps a view under a name", async () => {
    startBackend();
    const { user, search, unmount } = renderApp("/extensions?text=type:provider");
    await screen.findByRole("table", { name: "Extensions" });
    await user.click(screen.getByRole("button", { name: "View" }));
    await user.click(await screen.findByRole("checkbox", { name: "Retries" }));
    await user.click(screen.getByRole("checkbox", { name: "Subject" }));
    await waitFor(() => expect(search()).toEqual({ text: "type:provider", hide: "subject,retry" }));
    expect(screen.queryByRole("columnheader", { name: "Retries" })).not.toBeInTheDocument();
    await user.type(screen.getByRole("textbox", { name: "Name of the view" }), "Providers{Enter}");
    expect(JSON.parse(localStorage.getItem("extensions-saved-views") ?? "")).toEqual([
      { name: "Providers", view: { text: "type:provider", hide: "subject,retry" } },
    ]);
    unmount();

    localStorage.removeItem("extensions-view");
    const again = renderApp("/extensions?sort=-id");
    await screen.findByRole("table", { name: "Extensions" });
    await again.user.click(screen.getByRole("button", { name: "View" }));
    await again.user.click(await screen.findByRole("button", { name: "Providers" }));
    await waitFor(() => expect(again.search()).toEqual({ text: "type:provider", hide: "subject,retry" }));
    expect(screen.getByRole("searchbox")).toHaveValue("type:provider");
    await waitFor(() => expect(rowIds()).toHaveLength(3));
    await again.user.click(screen.getByRole("button", { name: "View" }));
    await again.user.click(await screen.findByRole("button", { name: "Remove the view Providers" }));
    expect(screen.queryByRole("button", { name: "Providers" })).not.toBeInTheDocument();
  });

  it("that is saved has its order, gives way to another of the same name, and is of this registry", async () => {
    const backend = startBackend();
    const { user, search, unmount } = renderApp("/extensions?text=claude&sort=-timeout_ms");
    await screen.findByRole("table", { name: "Extensions" });
    const save = async () => {
      await user.click(screen.getByRole("button", { name: "View" }));
      await user.type(await screen.findByRole("textbox", { name: "Name of the view" }), "Slow ones{Enter}");
      await user.click(screen.getByRole("button", { name: "View" }));
      await waitFor(() => expect(screen.queryByRole("textbox", { name: "Name of the view" })).toBeNull());
    };
    await save();
    await user.clear(screen.getByRole("searchbox"));
    await waitFor(() => expect(search()).toEqual({ sort: "-timeout_ms" }));
    await save();
    await user.click(screen.getByRole("button", { name: "Id" }));
    await waitFor(() => expect(search()).toEqual({ sort: "id" }));

    await user.click(screen.getByRole("button", { name: "View" }));
    await user.click(await screen.findByRole("button", { name: "Slow ones" }));
    await waitFor(() => expect(search()).toEqual({ sort: "-timeout_ms" }));
    expect(screen.getByRole("columnheader", { name: "Timeout" })).toHaveAttribute("aria-sort", "descending");
    expect(rowIds().slice(0, 2)).toEqual(["anthropic_claude", "openai_gpt4"]);
    unmount();

    backend.status = readyElsewhere(remoteProfile("eu"));
    const elsewhere = renderApp("/extensions");
    await screen.findByRole("table", { name: "Extensions" });
    await elsewhere.user.click(screen.getByRole("button", { name: "View" }));
    await screen.findByRole("textbox", { name: "Name of the view" });
    expect(screen.queryByRole("button", { name: "Slow ones" })).not.toBeInTheDocument();
  });

  it("that a link gave is the one of the next start, and of this registry alone", async () => {
    const backend = startBackend();
    const first = renderApp("/extensions?text=type:provider&sort=-id&hide=retry");
    await screen.findByRole("table", { name: "Extensions" });
    first.unmount();
    const second = renderApp("/extensions");
    await screen.findByRole("table", { name: "Extensions" });
    expect(screen.getByRole("searchbox")).toHaveValue("type:provider");
    expect(rowIds()).toEqual(["openai_gpt4", "mock_provider", "anthropic_claude"]);
    expect(screen.queryByRole("columnheader", { name: "Retries" })).not.toBeInTheDocument();
    second.unmount();

    backend.status = readyElsewhere(remoteProfile("eu"));
    renderApp("/extensions");
    await screen.findByRole("table", { name: "Extensions" });
    expect(screen.getByRole("searchbox")).toHaveValue("");
    expect(rowIds()).toHaveLength(6);
  });

  it("tells aloud how many a search leaves", async () => {
    startBackend();
    const { user } = renderApp();
    await user.type(await screen.findByRole("searchbox"), "type:provider");
    expect(rowIds()).toHaveLength(3);
    expect(screen.getByText("3 extensions shown")).toHaveRole("status");
    await user.clear(screen.getByRole("searchbox"));
    expect(screen.queryByText(/extensions shown/)).not.toBeInTheDocument();
  });

  it("says which values there are when a term names none of them", async () => {
    startBackend();
    const { user } = renderApp();
    await user.type(await screen.findByRole("searchbox"), "type:vaildator");
    expect(screen.getByText(/There is no type:vaildator/)).toBeVisible();
  });

  it("shows the calls of the last day beside it, of one question for all rows", async () => {
    const backend = startBackend();
    backend.sparklines = [
      { extension_id: "pii_guard", success_counts: [5, 0, 90], failure_counts: [0, 0, 5] },
    ];
    renderApp("/extensions");
    expect(await screen.findByRole("img", { name: "100 calls in 3 steps of hour, 5 failed" })).toBeVisible();
    expect(document.querySelectorAll("td [role=img]")).toHaveLength(1);
    expect(backend.callsOf("health_sparklines")).toHaveLength(1);
  });

  it("asks for no calls where the column is hidden", async () => {
    const backend = startBackend();
    renderApp("/extensions?hide=health");
    expect(await screen.findByText("pii_guard")).toBeVisible();
    expect(backend.callsOf("health_sparklines")).toHaveLength(0);
  });

  it("shows the state and the score of the health", async () => {
    const backend = startBackend();
    backend.extensions = [extension("flaky", { health: "failing", health_score_percent: 81.04 })];
    renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    expect(row("flaky")).toHaveTextContent("Failing81.0 %");
  });
});

describe("several at once", () => {
  const bar = () => within(screen.getByRole("toolbar", { name: "Selected extensions" }));

  it("are switched in one request that leaves out what is so already, and undone as one", async () => {
    const backend = startBackend();
    backend.extensions = backend.extensions.map((each) =>
      each.id === "mock_provider" ? { ...each, enabled: false } : each,
    );
    const answer = held();
    backend.holds.set("set_extensions_enabled", answer.promise);
    const { user } = renderApp();
    await user.click(await screen.findByRole("checkbox", { name: "Select anthropic_claude" }));
    await user.keyboard("{Shift>}");
    await user.click(screen.getByRole("checkbox", { name: "Select openai_gpt4" }));
    await user.keyboard("{/Shift}");
    expect(screen.getByRole("toolbar")).toHaveTextContent("3 selected2 on, 1 off");

    await user.click(bar().getByRole("button", { name: "Disable 2" }));
    expect(row("openai_gpt4"), "before the backend answered").toHaveTextContent("Off");
    answer.release();
    const notice = await screen.findByText(/^Switched off/);
    expect(notice).toHaveTextContent("Switched off 2 extensions; 1 was off already");
    expect(bar().getByRole("button", { name: "Disable 0" })).toHaveAttribute("aria-disabled", "true");
    expect(bar().getByRole("button", { name: "Enable 3" })).not.toHaveAttribute("aria-disabled");
    const [call] = backend.callsOf("set_extensions_enabled") as {
      request: { ids: string[]; note: { request_id: string } };
    }[];
    expect(call?.request.ids).toEqual(["anthropic_claude", "openai_gpt4"]);

    backend.auditEntries = [
      auditEntry(8, {
        extension_id: "anthropic_claude",
        request_id: call?.request.note.request_id ?? null,
        group_id: "the-group",
      }),
    ];
    await user.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() =>
      expect(backend.callsOf("undo_changes")).toMatchObject([
        { target: { kind: "group", value: "the-group" } },
      ]),
    );
  });

  it("take the older Undo of one of them away as soon as they are switched", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    await screen.findByRole("button", { name: "Undo" });
    const answer = held();
    backend.holds.set("set_extensions_enabled", answer.promise);
    await user.click(screen.getByRole("checkbox", { name: "Select pii_guard" }));
    await user.click(screen.getByRole("checkbox", { name: "Select normalize_text" }));
    await user.click(bar().getByRole("button", { name: "Enable 1" }));
    await user.keyboard("z");
    answer.release();
    expect(await screen.findByText(/^Switched on/)).toHaveTextContent("Switched on pii_guard");
    expect(backend.callsOf("undo_changes")).toEqual([]);
  });

  it("are fewer again when a range is made shorter", async () => {
    startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("checkbox", { name: "Select anthropic_claude" }));
    await user.keyboard("{Shift>}{ArrowDown}{ArrowDown}{/Shift}");
    expect(screen.getByRole("toolbar")).toHaveTextContent("3 selected");
    await user.keyboard("{Shift>}{ArrowUp}{/Shift}");
    expect(screen.getByRole("toolbar")).toHaveTextContent("2 selected");
    expect(screen.getByRole("checkbox", { name: "Select anthropic_claude" })).toBeChecked();
  });

  it("go back where they were when the backend refuses, and say that none was changed", async () => {
    const backend = startBackend();
    backend.failures.set("set_extensions_enabled", forbidden);
    const { user } = renderApp();
    await user.click(await screen.findByRole("checkbox", { name: "Select all that match" }));
    await user.click(bar().getByRole("button", { name: "Disable 6" }));
    expect(await screen.findByText(/Could not switch off 6 extensions: none was changed/)).toBeVisible();
    expect(screen.getByText(forbidden.message)).toBeVisible();
    expect(screen.getByText(forbidden.action)).toBeVisible();
    for (const each of screen.getAllByRole("switch")) expect(each).toBeChecked();
  });

  it("are chosen by keys, kept under another filter, and let go by Escape", async () => {
    startBackend();
    const { user } = renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    await user.keyboard("jxJ");
    expect(screen.getByRole("toolbar")).toHaveTextContent("2 selected");
    expect(row("pii_guard")).toHaveAttribute("aria-selected", "true");
    await user.type(screen.getByRole("searchbox"), "mask");
    expect(screen.getByRole("toolbar")).toHaveTextContent("2 hidden by the filter");
    await user.keyboard("{Escape}{Escape}");
    await user.keyboard("{Control>}a{/Control}");
    expect(screen.getByRole("toolbar")).toHaveTextContent("6 selected");
    expect(bar().getByRole("button", { name: "Enable 0" })).toHaveAttribute("aria-disabled", "true");
    expect(bar().getByRole("button", { name: "Disable 6" })).not.toHaveAttribute("aria-disabled");
    await user.keyboard("{Escape}");
    expect(screen.queryByRole("toolbar")).not.toBeInTheDocument();
  });

  it("ask before many are switched off, with the effect in figures", async () => {
    const backend = startBackend();
    backend.asksAbout = "each";
    backend.extensions = Array.from({ length: 30 }, (_, index) => extension(`extension_${index}`));
    const { user } = renderApp();
    await user.click(await screen.findByRole("checkbox", { name: "Select extension_0" }));
    await user.click(bar().getByRole("button", { name: "Select all 30 that match" }));
    await user.click(bar().getByRole("button", { name: "Disable 30" }));
    const dialog = await screen.findByRole("dialog", { name: "Disable 30 extensions?" });
    expect(dialog).toHaveTextContent(
      "All 30 enabled providers are among them: with them off no message is answered.",
    );
    expect(row("extension_0"), "nothing has been switched").toHaveTextContent("On");
    await user.type(within(dialog).getByRole("textbox"), "maintenance");
    await user.click(within(dialog).getByRole("button", { name: "Disable 30" }));
    await waitFor(() =>
      expect(backend.callsOf("set_extensions_enabled")).toMatchObject([
        { request: { enabled: false, note: { reason: null, confirmed: null } } },
        { request: { enabled: false, note: { reason: "maintenance", confirmed: ["provider"] } } },
      ]),
    );
  });

  it("are deleted after asking once, with the revisions that were seen", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("checkbox", { name: "Select pii_guard" }));
    await user.click(screen.getByRole("checkbox", { name: "Select mock_provider" }));
    await user.click(bar().getByRole("button", { name: "Delete 2…" }));
    const dialog = await screen.findByRole("dialog", { name: "Delete 2 extensions?" });
    expect(dialog).toHaveTextContent("All are on: routers stop using them at once.");
    await user.click(within(dialog).getByRole("button", { name: "Delete 2" }));
    await waitFor(() => expect(rowIds()).toHaveLength(4));
    expect(backend.callsOf("delete_extensions")).toMatchObject([
      {
        seen: [
          { id: "pii_guard", revision: 0 },
          { id: "mock_provider", revision: 0 },
        ],
      },
    ]);
    expect(await screen.findByText(/^Deleted/)).toHaveTextContent("Deleted 2 extensions");
  });
});

describe("a row's menu", () => {
  it("leads to the form and the history", async () => {
    startBackend();
    const { user, search } = renderApp();
    await user.click(await screen.findByRole("button", { name: "Actions for pii_guard" }));
    await user.click(await screen.findByRole("menuitem", { name: /^History/ }));
    await waitFor(() => expect(search()).toEqual({ open: "pii_guard", tab: "history" }));
    await user.click(screen.getByRole("button", { name: "Actions for pii_guard" }));
    await user.click(await screen.findByRole("menuitem", { name: /^Edit/ }));
    expect(await screen.findByRole("dialog", { name: "Edit pii_guard" })).toBeVisible();
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

  it("is taken back at Undo by the change that it was", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    await user.click(await screen.findByRole("button", { name: "Undo" }));

    await waitFor(() => expect(screen.getByRole("switch", piiGuard)).toBeChecked());
    const [first] = backend.callsOf("set_extension_enabled") as { request: SetEnabledRequest }[];
    const [undone] = backend.callsOf("undo_changes") as { target: unknown; note: unknown }[];
    expect(undone).toEqual({ target: { kind: "revision", value: 1 }, note: anyNote });
    expect(undone?.note, "a way back is a request of its own").not.toEqual(first?.request.note);
    await waitFor(() => expect(screen.queryByRole("button", { name: "Undo" })).toBeNull());
  });

  it("is not taken back over what somebody else did meanwhile", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    const undo = await screen.findByRole("button", { name: "Undo" });
    // Somebody else switches it on and off again; the list has not heard of it.
    backend.auditEntries = [
      auditEntry(9, { extension_id: "pii_guard", action: "disabled" }),
      ...backend.auditEntries,
    ];
    await user.click(undo);
    expect(await screen.findByText("Could not undo: switched off pii_guard")).toBeVisible();
    expect(screen.getByRole("switch", piiGuard), "it is as the other left it").not.toBeChecked();
    expect(backend.callsOf("set_extension_enabled")).toHaveLength(1);
  });

  it("says so at Undo where it was so already", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    const button = await screen.findByRole("switch", piiGuard);
    backend.extensions = backend.extensions.map((each) => ({ ...each, enabled: false }));
    await user.click(button);
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    expect(await screen.findByText(/nothing was changed/)).toBeVisible();
    expect(backend.callsOf("undo_changes")).toEqual([]);
  });

  it("is undone by z, the newest first, even while a switch has the focus", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    await screen.findByRole("button", { name: "Undo" });
    await user.click(screen.getByRole("switch", { name: "mock_provider enabled" }));
    await waitFor(() => expect(screen.getAllByRole("button", { name: "Undo" })).toHaveLength(2));

    await user.keyboard("z");
    await waitFor(() => expect(screen.getByRole("switch", { name: "mock_provider enabled" })).toBeChecked());
    expect(backend.callsOf("undo_changes")).toHaveLength(1);
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
    await user.click(screen.getByRole("button", { name: "Close the notice" }));
    await waitFor(() => expect(screen.queryByText("Could not switch off pii_guard")).not.toBeInTheDocument());
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
    // It goes by itself after a while: that it is gone is not enough.
    await user.keyboard("z");
    await waitFor(() => expect(screen.queryByRole("button", { name: "Undo" })).toBeNull());
    answer.release();
    expect(await screen.findByText(/^Switched on/)).toHaveTextContent("Switched on pii_guard");
    expect(backend.callsOf("undo_changes")).toEqual([]);
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

  it("gives what came instead of an error as details that can be read", async () => {
    const backend = startBackend();
    // Of a command that can't fail by its contract.
    backend.failures.set("connection_profiles", forbidden);
    const { user } = renderApp("/connections");
    await user.click(await screen.findByRole("button", { name: "Copy details" }));
    await expect(navigator.clipboard.readText()).resolves.toContain(forbidden.message);
  });
});

describe("changes of others", () => {
  it("brings only the rows that changed, and marks them until they are no news any more", async () => {
    const backend = startBackend();
    renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    const readings = backend.callsOf("list_extensions").length;
    const [claude] = backend.extensions.filter(({ id }) => id === "anthropic_claude");
    backend.extensions = [
      ...backend.extensions.filter(({ id }) => id !== "anthropic_claude" && id !== "mock_provider"),
      { ...(claude as Extension), timeout_ms: 4_500, revision: 7 },
      extension("newcomer", { revision: 8 }),
    ];
    await backend.emitChange(["anthropic_claude", "mock_provider", "newcomer"]);
    await waitFor(() => expect(row("anthropic_claude")).toHaveTextContent("4.5 s"));
    expect(row("anthropic_claude")).toHaveAttribute("data-news");
    expect(row("newcomer")).toHaveAttribute("data-news");
    expect(row("pii_guard")).not.toHaveAttribute("data-news");
    expect(rowIds()).not.toContain("mock_provider");
    expect(backend.callsOf("read_changed_extensions")).toEqual([
      { ids: ["anthropic_claude", "mock_provider", "newcomer"] },
    ]);
    expect(backend.callsOf("list_extensions")).toHaveLength(readings);
    await waitFor(() => expect(row("newcomer")).not.toHaveAttribute("data-news"));
  });

  it("does not mark what was changed from here", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    await waitFor(() => expect(backend.callsOf("set_extension_enabled")).toHaveLength(1));
    const [{ request }] = backend.callsOf("set_extension_enabled") as [{ request: SetEnabledRequest }];
    backend.requests.set("pii_guard", request.note.request_id ?? "");
    backend.extensions = backend.extensions.map((each) =>
      each.id === "pii_guard" ? { ...each, revision: 1, timeout_ms: 77 } : each,
    );
    await backend.emitChange(["pii_guard"]);
    await waitFor(() => expect(row("pii_guard")).toHaveTextContent("77 ms"));
    expect(row("pii_guard")).not.toHaveAttribute("data-news");
  });

  it("shows a stream of changes that come faster than they are read", async () => {
    const backend = startBackend();
    renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    backend.delaysMs.set("read_changed_extensions", 150);
    backend.delaysMs.set("list_extensions", 150);
    const shown = new Set<string>();
    // With ids and without by turns: neither may hold the other back.
    for (let change = 1; change <= 60; change += 1) {
      backend.extensions = backend.extensions.map((each) =>
        each.id === "pii_guard" ? { ...each, revision: change, timeout_ms: 1_000 * change } : each,
      );
      await backend.emitChange(change % 4 === 0 ? undefined : ["pii_guard"]);
      await new Promise((resolve) => setTimeout(resolve, 40));
      shown.add(row("pii_guard").textContent ?? "");
    }
    expect(shown.size).toBeGreaterThan(3);
    await waitFor(() => expect(row("pii_guard")).toHaveTextContent("60 s"));
    const readings = ["read_changed_extensions", "list_extensions"].flatMap(backend.callsOf).length;
    expect(readings).toBeLessThan(20);
  });

  it("does not lay an older reading of all over what has changed since", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    const readings = backend.callsOf("list_extensions").length;
    // Asked for before the change, there long after it.
    const { promise, release } = held();
    backend.answersHeld.set("list_extensions", promise);
    await user.click(screen.getByRole("switch", piiGuard));
    await waitFor(() => expect(backend.callsOf("list_extensions").length).toBeGreaterThan(readings));
    backend.extensions = backend.extensions.filter(({ id }) => id !== "mock_provider");
    await backend.emitChange(["mock_provider"]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(backend.callsOf("read_changed_extensions")).toEqual([]);
    release();
    await waitFor(() => expect(backend.callsOf("read_changed_extensions")).toHaveLength(1));
    await waitFor(() => expect(rowIds()).not.toContain("mock_provider"));
  });
});

describe("the search box", () => {
  it("offers what can follow, and Tab takes it", async () => {
    startBackend();
    const { user } = renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    const box = screen.getByRole("searchbox", { name: "Filter extensions" });
    await user.click(box);
    await user.keyboard("ty");
    expect(screen.getByRole("option", { name: /type:/ })).toBeVisible();
    await user.keyboard("{Tab}");
    expect(box).toHaveValue("type:");
    expect(screen.getAllByRole("option").map(({ textContent }) => textContent)).toEqual([
      "pre1Tab",
      "validator1",
      "post1",
      "provider3",
    ]);
    await user.keyboard("{ArrowDown}{ArrowDown}{ArrowDown}{Enter}");
    expect(box).toHaveValue("type:post ");
    expect(box).toHaveFocus();
    await waitFor(() => expect(rowIds()).toEqual(["mask_sensitive_data"]));
    expect(screen.queryByRole("listbox")).not.toBeInTheDocument();
    // Escape takes the offers away first, and the text only then.
    await user.keyboard("is:{Escape}");
    expect(screen.queryByRole("listbox")).not.toBeInTheDocument();
    expect(box).toHaveValue("type:post is:");
    await user.keyboard("{Escape}");
    expect(box).toHaveValue("");
  });
});

describe("a bulk change that takes long", () => {
  it("says how far it is, and can be stopped", async () => {
    const backend = startBackend();
    const { promise, release } = held();
    backend.holds.set("set_extensions_enabled", promise);
    const { user } = renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    await user.click(screen.getByRole("checkbox", { name: "Select all that match" }));
    await user.click(screen.getByRole("button", { name: "Disable 6" }));
    const note = await screen.findByText("Switching off");
    const [{ request }] = backend.callsOf("set_extensions_enabled") as [{ request: SetEnabledRequest }];
    const request_id = request.note.request_id ?? "";
    await backend.emitBulkProgress({ request_id: "another", progress: { done_count: 1, total: 9 } });
    await backend.emitBulkProgress({ request_id, progress: { done_count: 500, total: 10_000 } });
    expect(note).toHaveTextContent(/Switching off 500 of 10\s000/);
    await user.click(screen.getByRole("button", { name: "Cancel" }));
    expect(backend.callsOf("stop_change")).toEqual([{ requestId: request_id }]);
    // Not read again: what is shown is what was made of the answer.
    backend.holds.set("list_extensions", new Promise(() => {}));
    release();
    expect(await screen.findByText("Stopped: no extension was switched")).toBeVisible();
    expect(screen.getByRole("switch", piiGuard)).toBeChecked();
    await waitFor(() => expect(screen.queryByText(/^Switching off/)).not.toBeInTheDocument());
  });

  it("can't be stopped any more while it is sealed", async () => {
    const backend = startBackend();
    const { promise, release } = held();
    backend.holds.set("set_extensions_enabled", promise);
    const { user } = renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    await user.click(screen.getByRole("checkbox", { name: "Select all that match" }));
    await user.click(screen.getByRole("button", { name: "Disable 6" }));
    const note = await screen.findByText("Switching off");
    const [{ request }] = backend.callsOf("set_extensions_enabled") as [{ request: SetEnabledRequest }];
    const request_id = request.note.request_id ?? "";
    await backend.emitBulkProgress({ request_id, progress: { done_count: 6, total: 6 } });
    expect(note).toHaveTextContent("Switching off: sealing the audit log");
    expect(screen.getByRole("button", { name: "Cancel" })).toBeDisabled();
    release();
    expect(await screen.findByText(/Switched off 6 extensions/)).toBeVisible();
  });
});
