import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { AuditListRequest } from "../../bindings";
import { startBackend } from "../../testing/backend";
import { auditEntry, forbidden, pastExtension, reasonRequired } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

const dayMs = 86_400_000;

async function entry(id: number): Promise<HTMLElement> {
  return waitFor(() => {
    const found = document.querySelector<HTMLElement>(`[data-audit-revision="${id}"]`);
    if (!found) throw new Error(`no entry ${id}`);
    return found;
  });
}

afterEach(() => {
  vi.useRealTimers();
});

describe("an entry", () => {
  it("is one sentence with who, what, which and why, and the change beside it", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7, { reason: "false positives" })];
    renderApp("/audit");
    expect(await entry(7)).toHaveTextContent("editor disabled pii_guard · false positives");
    expect(await entry(7)).toHaveTextContent("On: true → false");
  });

  it("says what a change took back or brought back", async () => {
    const backend = startBackend();
    backend.auditEntries = [
      auditEntry(9, { undone_revision: 8 }),
      auditEntry(8, { restored_revision: 3 }),
      auditEntry(7, { undone_group_id: "5f0c2b9e-0000-4000-8000-000000000000" }),
    ];
    renderApp("/audit");
    expect(await entry(9)).toHaveTextContent("disabled pii_guard, took back #8");
    expect(await entry(8)).toHaveTextContent("disabled pii_guard, brought back version #3");
    expect(await entry(7)).toHaveTextContent("disabled pii_guard, took back a group of changes");
  });

  it("tells for whom a server acted, and through which login", async () => {
    const backend = startBackend();
    backend.auditEntries = [
      auditEntry(7, { changed_by: "anna", actor_source: "claimed", login: "rest_server" }),
    ];
    const { user } = renderApp("/audit");
    expect(await entry(7)).toHaveTextContent("anna, through rest_server, disabled pii_guard");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    const opened = await entry(7);
    expect(opened).toHaveTextContent("Name givenanna");
    expect(opened).toHaveTextContent("Server's loginrest_server");
    expect(opened).toHaveTextContent("How knownnamed by the server with the login rest_server");
  });

  it("opens to who it was, how that is known, and the diff", async () => {
    const backend = startBackend();
    backend.auditEntries = [
      auditEntry(7, {
        action: "updated",
        os_user: "operator",
        changes: [
          { path: "/config/b", before: "2", after: "3" },
          { path: "/retry", before: null, after: "2" },
        ],
      }),
    ];
    const { user } = renderApp("/audit");
    const line = within(await entry(7)).getByRole("button", { expanded: false });
    await user.click(line);

    const opened = await entry(7);
    expect(line).toHaveAttribute("aria-expanded", "true");
    expect(opened).toHaveTextContent("OS useroperator");
    expect(opened).toHaveTextContent("Addresslocal socket");
    expect(opened).toHaveTextContent("How knowndatabase login");
    const diff = opened.querySelector("[aria-label=Changes]");
    expect(diff).toHaveTextContent("Configuration › b−2+3");
    expect(diff, "what did not change is not in the diff").not.toHaveTextContent("config.a");
    expect(diff, "a field that is new has no side before").toHaveTextContent("Retries+2");

    await user.click(line);
    expect(opened).not.toHaveTextContent("How known");
  });

  it("names the version that it brought back, and the group that it belongs to", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7, { restored_revision: 3, group_id: "0d0c4a5e-group" })];
    const { user } = renderApp("/audit");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    expect(await entry(7)).toHaveTextContent("Restores#3");
    expect(await entry(7)).toHaveTextContent("0d0c4a5e-group");
  });

  it("says what it took back and by which request, in full", async () => {
    const backend = startBackend();
    backend.auditEntries = [
      auditEntry(8, { undone_group_id: "5f0c2b9e-group", request_id: "7b1e4c1a-request" }),
      auditEntry(7, { undone_revision: 5, sealed_at: null }),
    ];
    const { user } = renderApp("/audit");
    await user.click(within(await entry(8)).getByRole("button", { expanded: false }));
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    expect(await entry(8)).toHaveTextContent("Takes back5f0c2b9e-group");
    expect(await entry(8)).toHaveTextContent("Request7b1e4c1a-request");
    expect(await entry(7)).toHaveTextContent("Takes back#5");
    expect(await entry(7)).toHaveTextContent("Sealednot recorded");
    expect(await entry(7)).not.toHaveTextContent("Request");
  });

  it("shows that a secret changed, and what a reference is, without either secret", async () => {
    const backend = startBackend();
    backend.auditEntries = [
      auditEntry(7, {
        action: "updated",
        changes: [
          {
            path: "/config/api_key",
            before: '{"$redacted": "a1b2c3d4e5f60718"}',
            after: '{"$redacted": "d4e5f6a1b2c30718"}',
          },
          { path: "/config/token", before: null, after: '"env:TOKEN"' },
        ],
      }),
    ];
    const { user } = renderApp("/audit");
    expect(await entry(7)).toHaveTextContent("Configuration › api_key: hidden (a1b2c3) → hidden (d4e5f6)");
    expect(await entry(7)).toHaveTextContent("Configuration › token: nothing → reference env:TOKEN");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    const diff = (await entry(7)).querySelector("[aria-label=Changes]");
    expect(diff).toHaveTextContent("Configuration › api_key−hidden (a1b2c3)+hidden (d4e5f6)");
    expect(diff).toHaveTextContent("Configuration › token+reference env:TOKEN");
    for (const hidden of screen.getAllByText(/^hidden/)) {
      expect(hidden).toHaveAttribute("title", expect.stringContaining("kept out of the log"));
    }
  });

  it("of a legacy program does not claim to be verified", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7, { actor_source: "legacy", os_user: null, application_name: null })];
    const { user } = renderApp("/audit");
    expect(await entry(7)).toHaveTextContent("not verified");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    expect(await entry(7)).toHaveTextContent("How knownwritten by a legacy program, not verified");
    expect(await entry(7)).toHaveTextContent("Addressnot recorded");
  });

  it("shows markup in a reason as the text it is", async () => {
    const backend = startBackend();
    const reason = '<img src=x onerror="window.hacked = true"><b>bold</b>';
    backend.auditEntries = [auditEntry(7, { reason })];
    renderApp("/audit");
    expect(await entry(7)).toHaveTextContent(reason);
    expect((await entry(7)).querySelector("img, b")).toBeNull();
  });

  it("names somebody even where no name was recorded", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7, { changed_by: null, os_user: null, timestamp: null })];
    renderApp("/audit");
    expect(await entry(7)).toHaveTextContent("unknown disabled pii_guard");
    expect(screen.getByRole("heading", { name: "Time unknown" })).toBeVisible();
  });
});

describe("the timeline", () => {
  it("groups by local day, newest first", async () => {
    const backend = startBackend();
    const now = Date.now();
    backend.auditEntries = [
      auditEntry(3),
      auditEntry(2, { timestamp: new Date(now - dayMs).toISOString() }),
      auditEntry(1, { timestamp: "2026-01-05T12:00:00Z" }),
    ];
    renderApp("/audit");
    await entry(3);
    expect(screen.getAllByRole("heading", { level: 2 }).map((heading) => heading.textContent)).toEqual([
      "Today",
      "Yesterday",
      "Monday 5 January 2026",
    ]);
    expect(screen.getByText("Nothing older")).toBeVisible();
  });

  it("draws only what is in sight of what is loaded", async () => {
    const backend = startBackend();
    backend.auditEntries = Array.from({ length: 300 }, (_, index) => auditEntry(300 - index));
    renderApp("/audit");
    await entry(300);
    expect(document.querySelectorAll("[data-audit-revision]").length).toBeLessThan(60);
    expect(backend.callsOf("list_audit_entries")[0]).toEqual({
      request: expect.objectContaining({ before_revision: null, limit: 100 }),
    });
  });

  it("shows what was just switched when one comes back to it", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(1)];
    const { user } = renderApp("/audit");
    await entry(1);
    backend.auditEntries = [auditEntry(2, { action: "enabled" }), ...backend.auditEntries];
    await user.keyboard("ge");
    await screen.findByRole("table", { name: "Extensions" });
    await user.keyboard("ga");
    expect(await entry(2)).toHaveTextContent("editor enabled pii_guard");
  });

  it("lets new entries in by themselves, and marks them", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const backend = startBackend();
    backend.auditEntries = [auditEntry(1)];
    renderApp("/audit");
    await entry(1);
    backend.auditEntries = [auditEntry(2, { action: "enabled" }), ...backend.auditEntries];
    await act(() => vi.advanceTimersByTimeAsync(10_500));
    const row = (await entry(2)).parentElement;
    expect(row).toHaveAttribute("data-fresh");
    expect((await entry(1)).parentElement).not.toHaveAttribute("data-fresh");
    await act(() => vi.advanceTimersByTimeAsync(7_000));
    expect((await entry(2)).parentElement).not.toHaveAttribute("data-fresh");
  });

  it("lets in what others change as soon as it is told of it", async () => {
    const backend = startBackend();
    renderApp("/audit");
    expect(await screen.findByText("No changes yet")).toBeVisible();
    backend.auditEntries = [auditEntry(1)];
    await backend.emitChange();
    expect(await entry(1)).toBeVisible();
    backend.auditEntries = [auditEntry(2), ...backend.auditEntries];
    await backend.emitChange();
    expect(await entry(2)).toBeVisible();
  });

  it("holds new entries back while somebody reads, and tells how many wait", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const backend = startBackend();
    backend.auditEntries = [auditEntry(1)];
    renderApp("/audit");
    fireEvent.click(within(await entry(1)).getByRole("button", { expanded: false }));
    backend.auditEntries = [auditEntry(3), auditEntry(2), ...backend.auditEntries];
    await act(() => vi.advanceTimersByTimeAsync(10_500));
    const pill = await screen.findByRole("button", { name: "2 new entries" });
    expect(document.querySelector("[data-audit-revision='2']")).toBeNull();
    fireEvent.click(pill);
    expect(await entry(3)).toBeVisible();
  });

  it("holds new entries back while somebody has scrolled down, until they are at the top again", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const backend = startBackend();
    backend.auditEntries = Array.from({ length: 60 }, (_, index) => auditEntry(60 - index));
    renderApp("/audit");
    const list = (await entry(60)).closest("[data-index]")?.parentElement?.parentElement;
    if (!list) throw new Error("no list");
    fireEvent.scroll(list, { target: { scrollTop: 400 } });
    backend.auditEntries = [auditEntry(61), ...backend.auditEntries];
    await act(() => vi.advanceTimersByTimeAsync(10_500));
    const pill = await screen.findByRole("button", { name: "1 new entry" });
    expect(document.querySelector("[data-audit-revision='61']")).toBeNull();
    fireEvent.scroll(list, { target: { scrollTop: 0 } });
    expect(await entry(61)).toBeVisible();
    expect(pill).not.toBeInTheDocument();
  });

  it("says that nothing has changed yet", async () => {
    startBackend();
    renderApp("/audit");
    expect(await screen.findByText("No changes yet")).toBeVisible();
  });

  it("searches a long log to its end, and says how far it is", async () => {
    const backend = startBackend();
    backend.auditEntries = Array.from({ length: 300 }, (_, index) => auditEntry(300 - index));
    backend.searchedAtMost = 1;
    renderApp("/audit?text=no+such+text");
    expect(await screen.findByText("Searching the audit log")).toBeVisible();
    expect(await screen.findByText(/Nothing yet, in \d+ of 300 entries/)).toBeVisible();
    expect(await screen.findByText("No change matches this filter")).toBeVisible();
  });

  it("stops a search when asked, and goes on", async () => {
    const backend = startBackend();
    backend.auditEntries = Array.from({ length: 3_000 }, (_, index) => auditEntry(3_000 - index));
    backend.searchedAtMost = 1;
    const { user } = renderApp("/audit?text=no+such+text");
    await user.click(await screen.findByRole("button", { name: "Stop" }));
    expect(await screen.findByText("Search stopped")).toBeVisible();
    const asked = backend.callsOf("list_audit_entries").length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    // What was under way may still have come.
    expect(backend.callsOf("list_audit_entries").length).toBeLessThanOrEqual(asked + 1);
    await user.click(screen.getByRole("button", { name: "Go on" }));
    await waitFor(() => expect(backend.callsOf("list_audit_entries").length).toBeGreaterThan(asked + 10));
  });

  it("says why it could not be read", async () => {
    const backend = startBackend();
    backend.failures.set("list_audit_entries", { ...forbidden, code: "database_unavailable" });
    renderApp("/audit");
    expect(await screen.findByRole("alert")).toHaveTextContent("The audit log could not be read");
  });

  it("says which role is missing", async () => {
    const backend = startBackend();
    backend.failures.set("list_audit_entries", {
      ...forbidden,
      facts: { kind: "required_role", value: "registry_auditor" },
    });
    renderApp("/audit");
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("Your login may not read the audit log");
    expect(alert).toHaveTextContent("registry_auditor");
  });

  it("is walked through by keys", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(3), auditEntry(2), auditEntry(1)];
    const { user } = renderApp("/audit");
    await entry(3);
    await user.keyboard("j");
    await waitFor(async () =>
      expect(within(await entry(3)).getByRole("button", { expanded: false })).toHaveFocus(),
    );
    await user.keyboard("jj");
    await waitFor(async () =>
      expect(within(await entry(1)).getByRole("button", { expanded: false })).toHaveFocus(),
    );
    await user.keyboard("k");
    await waitFor(async () =>
      expect(within(await entry(2)).getByRole("button", { expanded: false })).toHaveFocus(),
    );
    await user.keyboard("{Enter}");
    expect(await entry(2)).toHaveTextContent("How known");
    await user.keyboard("u");
    expect(await screen.findByRole("dialog", { name: "Undo #2" })).toBeVisible();
  });
});

describe("a group", () => {
  const bulk = (...ids: string[]) =>
    ids.map((id, index) =>
      auditEntry(9 - index, { extension_id: id, group_id: group, reason: "quiet hours" }),
    );
  const group = "0d0c4a5e-0000-4000-8000-000000000000";

  it("is one bubble that opens to its entries", async () => {
    const backend = startBackend();
    backend.auditEntries = [...bulk("a", "b", "c"), auditEntry(1)];
    const { user } = renderApp("/audit");
    const bubble = await waitFor(() => {
      const found = document.querySelector<HTMLElement>("[data-audit-group]");
      if (!found) throw new Error("no group");
      return found;
    });
    expect(bubble).toHaveTextContent("editor disabled 3 extensions · quiet hours");
    expect(document.querySelector("[data-audit-revision='9']")).toBeNull();
    await user.click(within(bubble).getByRole("button", { expanded: false }));
    expect(await entry(9)).toHaveTextContent("editor disabled a");
    expect(await entry(7)).toHaveTextContent("editor disabled c");
  });

  it("that is longer than what is held does not push the newest out of sight", async () => {
    const backend = startBackend();
    const long = Array.from({ length: 2_000 }, (_, index) => auditEntry(2_000 - index, { group_id: group }));
    backend.auditEntries = [auditEntry(2_001), ...long];
    const { user } = renderApp("/audit");
    await entry(2_001);
    const pages = () =>
      backend
        .callsOf("list_audit_entries")
        .filter((call) => (call as { request: AuditListRequest }).request.limit === 100);
    await waitFor(() => expect(pages()).toHaveLength(8), { timeout: 30_000 });
    const older = await screen.findByRole("button", { name: "Load older" });
    expect(await entry(2_001)).toBeVisible();
    expect(document.body).toHaveTextContent("editor disabled at least 1 extension");

    await user.click(older);
    await user.click(await screen.findByRole("button", { name: "To the newest entry" }));
    expect(await entry(2_001)).toBeVisible();
  });

  it("is filtered to, and open then", async () => {
    const backend = startBackend();
    backend.auditEntries = [...bulk("a", "b"), auditEntry(1)];
    renderApp(`/audit?group=${group}`);
    expect(await entry(9)).toBeVisible();
    expect(screen.getByRole("button", { name: "The changes of 2 extensions", expanded: true })).toBeVisible();
    expect(document.querySelector("[data-audit-revision='1']")).toBeNull();
  });

  it("is undone as a whole", async () => {
    const backend = startBackend();
    backend.auditEntries = bulk("a", "b");
    const { user } = renderApp("/audit");
    await user.click(await screen.findByRole("button", { name: "The changes of 2 extensions" }));
    await user.click(screen.getByRole("button", { name: "Undo the whole group" }));
    const dialog = await screen.findByRole("dialog", { name: "Undo a group of changes" });
    expect(dialog).toHaveTextContent("2 extensions, changed by editor");
    await user.type(within(dialog).getByRole("textbox"), "morning");
    await user.click(within(dialog).getByRole("button", { name: "Undo the whole group" }));
    await waitFor(() =>
      expect(backend.callsOf("undo_changes")).toEqual([
        {
          target: { kind: "group", value: group },
          note: expect.objectContaining({ reason: "morning", request_id: expect.any(String) }),
        },
      ]),
    );
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });
});

describe("undo", () => {
  async function openDialog(backend = startBackend()) {
    backend.auditEntries = [auditEntry(7)];
    const rendered = renderApp("/audit");
    const { user } = rendered;
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    await user.click(within(await entry(7)).getByRole("button", { name: "Undo this change" }));
    const dialog = await screen.findByRole("dialog", { name: "Undo #7" });
    return { ...rendered, backend, dialog };
  }

  it("shows what it changes before it does", async () => {
    const { user, backend, dialog } = await openDialog();
    expect(dialog).toHaveTextContent("pii_guard is switched on again.");
    expect(dialog).toHaveTextContent("On−false+true");
    await user.click(within(dialog).getByRole("button", { name: "Undo this change" }));
    await waitFor(() =>
      expect(backend.callsOf("undo_changes")).toEqual([
        { target: { kind: "revision", value: 7 }, note: expect.objectContaining({ reason: null }) },
      ]),
    );
  });

  it("says at the field that the registry asks for a reason, and is made with it", async () => {
    const backend = startBackend();
    backend.failures.set("undo_changes", reasonRequired);
    const { user, dialog } = await openDialog(backend);
    await user.click(within(dialog).getByRole("button", { name: "Undo this change" }));
    const reason = within(dialog).getByLabelText(/^Reason/);
    await waitFor(() => expect(reason).toHaveAccessibleDescription(reasonRequired.message));
    expect(reason).toBeInvalid();
    backend.failures.clear();
    await user.type(reason, "by mistake{Enter}");
    await waitFor(() =>
      expect(backend.callsOf("undo_changes").at(-1)).toMatchObject({ note: { reason: "by mistake" } }),
    );
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  it("names what has changed since, and leads there", async () => {
    const backend = startBackend();
    backend.failures.set("undo_changes", {
      code: "moved_on",
      message: "It changed again.",
      action: "Look.",
      detail: null,
      field: null,
      facts: { kind: "extension_ids", value: ["pii_guard"] },
    });
    const { user, dialog, search } = await openDialog(backend);
    await user.click(within(dialog).getByRole("button", { name: "Undo this change" }));
    const alert = await within(dialog).findByRole("alert");
    expect(alert).toHaveTextContent("Changed again since, so nothing was undone:pii_guard");
    await user.click(within(alert).getByRole("button", { name: "See its history" }));
    await waitFor(() => expect(search()).toEqual({ extension: "pii_guard" }));
  });

  it("explains that a secret is not kept", async () => {
    const backend = startBackend();
    backend.failures.set("undo_changes", {
      code: "secret_required",
      message: "A secret is needed.",
      action: "Give it.",
      detail: null,
      field: null,
      facts: { kind: "secret_paths", value: ["/config/api_key"] },
    });
    const { user, dialog } = await openDialog(backend);
    await user.click(within(dialog).getByRole("button", { name: "Undo this change" }));
    const alert = await within(dialog).findByRole("alert");
    expect(alert).toHaveTextContent("Configuration › api_key");
    expect(alert).toHaveTextContent("Restore this version");
  });

  it("is off with the reason where the login may not", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7)];
    backend.permissions = { ...backend.permissions, can_switch: false, can_edit: false };
    const { user } = renderApp("/audit");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    const button = within(await entry(7)).getByRole("button", { name: "Undo this change" });
    await waitFor(() => expect(button).toHaveAttribute("aria-disabled", "true"));
    await user.click(button);
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

describe("undo that is off", () => {
  async function undoOf(id: number) {
    await waitFor(async () =>
      expect(within(await entry(id)).getByRole("button", { name: "Undo this change" })).toBeVisible(),
    );
    return within(await entry(id)).getByRole("button", { name: "Undo this change" });
  }

  it("is so for what a legacy program wrote, and says that what was before is not known", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7, { actor_source: "legacy" })];
    const { user } = renderApp("/audit");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    const button = await undoOf(7);
    expect(button).toHaveAttribute("aria-disabled", "true");
    await user.hover(button);
    expect(await screen.findByText(/what was there before is not known/)).toBeInTheDocument();
  });

  it("is so for more than switches where the login may only switch", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(8), auditEntry(7, { action: "updated" })];
    backend.permissions = { ...backend.permissions, can_edit: false };
    const { user } = renderApp("/audit");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    const button = await undoOf(7);
    await waitFor(() => expect(button).toHaveAttribute("aria-disabled", "true"));
    await user.hover(button);
    expect(await screen.findByText(/it needs the role registry_editor/)).toBeInTheDocument();
    await user.click(within(await entry(8)).getByRole("button", { expanded: false }));
    expect(await undoOf(8), "a switch is taken back by who may switch").not.toHaveAttribute("aria-disabled");
  });

  it("is so for its key, too", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7)];
    backend.permissions = { ...backend.permissions, can_switch: false, can_edit: false };
    const { user } = renderApp("/audit");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    const button = await undoOf(7);
    await waitFor(() => expect(button).toHaveAttribute("aria-disabled", "true"));
    await user.keyboard("u");
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

const version = pastExtension("pii_guard", { timeout_ms: 200 });

describe("restore", () => {
  async function openRestore(backend: ReturnType<typeof startBackend>) {
    backend.auditEntries = [auditEntry(7, { action: "updated" })];
    const { user } = renderApp("/audit");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    await user.click(within(await entry(7)).getByRole("button", { name: "Restore this version" }));
    const dialog = await screen.findByRole("dialog", { name: "Restore pii_guard as of #7" });
    return { user, dialog: within(dialog) };
  }
  const changes = [
    { path: "/config/model", before: '"b"', after: '"a"' },
    { path: "/retry", before: "2", after: "1" },
  ];

  it("reviews what would come back, and brings back what is ticked", async () => {
    const backend = startBackend();
    backend.comparison = { before: version, after: version, changes };
    const { user, dialog } = await openRestore(backend);
    const config = await dialog.findByRole("checkbox", { name: "Configuration" });
    expect(config.closest("li")).toHaveTextContent('Configuration › model−"b"+"a"');
    await user.click(config);
    await user.click(dialog.getByRole("button", { name: "Restore 1 field" }));
    await waitFor(() =>
      expect(backend.callsOf("restore_extension")).toEqual([
        {
          request: { id: "pii_guard", revision: 7, fields: ["retry"], secrets: {} },
          note: expect.objectContaining({ reason: null }),
        },
      ]),
    );
    expect(backend.callsOf("compare_extension")).toContainEqual({
      id: "pii_guard",
      from: { kind: "now" },
      to: { kind: "revision", value: 7 },
    });
  });

  it("says at the field that the registry asks for a reason, and keeps what was ticked", async () => {
    const backend = startBackend();
    backend.comparison = { before: version, after: version, changes };
    backend.failures.set("restore_extension", reasonRequired);
    const { user, dialog } = await openRestore(backend);
    await user.click(await dialog.findByRole("checkbox", { name: "Configuration" }));
    await user.click(dialog.getByRole("button", { name: "Restore 1 field" }));
    const reason = dialog.getByLabelText(/^Reason/);
    await waitFor(() => expect(reason).toHaveAccessibleDescription(reasonRequired.message));
    expect(reason).toBeInvalid();
    backend.failures.clear();
    await user.type(reason, "it was better{Enter}");
    await waitFor(() =>
      expect(backend.callsOf("restore_extension").at(-1)).toMatchObject({
        request: { fields: ["retry"] },
        note: { reason: "it was better" },
      }),
    );
  });

  it("ticks all or none at once, and is off at none", async () => {
    const backend = startBackend();
    backend.comparison = { before: version, after: version, changes };
    const { user, dialog } = await openRestore(backend);
    const all = await dialog.findByRole("checkbox", { name: "Select all (2)" });
    expect(all).toBeChecked();
    await user.click(all);
    expect(dialog.getByRole("button", { name: "Restore 0 fields" })).toBeDisabled();
    await user.click(dialog.getByRole("checkbox", { name: "Retries" }));
    expect(all).toBePartiallyChecked();
    await user.click(all);
    expect(dialog.getByRole("button", { name: "Restore 2 fields" })).toBeEnabled();
  });

  it("asks for the secrets that are not kept, and brings back nothing without them", async () => {
    const backend = startBackend();
    backend.comparison = { before: version, after: version, changes };
    backend.failures.set("restore_extension", {
      ...forbidden,
      code: "secret_required",
      facts: { kind: "secret_paths", value: ["/config/api_key"] },
    });
    const { user, dialog } = await openRestore(backend);
    await user.click(await dialog.findByRole("checkbox", { name: "Retries" }));
    await user.click(dialog.getByRole("button", { name: "Restore 1 field" }));
    const secret = await dialog.findByLabelText("Secret: Configuration › api_key");
    expect(dialog.getByRole("button", { name: "Restore 1 field" })).toBeDisabled();
    backend.failures.clear();
    await user.type(secret, "env:KEY");
    await user.click(dialog.getByRole("button", { name: "Restore 1 field" }));
    await waitFor(() =>
      expect(backend.callsOf("restore_extension").at(-1)).toMatchObject({
        request: { fields: ["config"], secrets: { "/config/api_key": '"env:KEY"' } },
      }),
    );
  });

  it("brings what was deleted back whole", async () => {
    const backend = startBackend();
    backend.comparison = {
      before: null,
      after: version,
      changes: [
        { path: "/id", before: null, after: '"pii_guard"' },
        { path: "/retry", before: null, after: "1" },
      ],
    };
    const { user, dialog } = await openRestore(backend);
    await user.click(await dialog.findByRole("button", { name: "Restore it" }));
    expect(dialog.queryByRole("checkbox"), "there is nothing to choose").toBeNull();
    await waitFor(() =>
      expect(backend.callsOf("restore_extension")).toMatchObject([{ request: { fields: null } }]),
    );
  });
});

describe("a comparison", () => {
  it("is with the version before, with now, or with any other", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7), auditEntry(3, { action: "created" })];
    backend.comparison = {
      before: version,
      after: version,
      changes: [{ path: "/retry", before: "1", after: "5" }],
    };
    const { user } = renderApp("/audit?extension=pii_guard");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    await user.click(within(await entry(7)).getByRole("radio", { name: "Current" }));
    await waitFor(async () => expect(await entry(7)).toHaveTextContent("Retries−1+5"));
    expect(await entry(7)).toHaveTextContent("− #7+ Now");
    await user.click(within(await entry(7)).getByRole("radio", { name: "Pick…" }));
    await user.click(await screen.findByRole("combobox", { name: "Version to compare with" }));
    await user.click(await screen.findByRole("option", { name: /#3 created by editor/, hidden: true }));
    await waitFor(() =>
      expect(backend.callsOf("compare_extension")).toContainEqual({
        id: "pii_guard",
        from: { kind: "revision", value: 3 },
        to: { kind: "revision", value: 7 },
      }),
    );
    await waitFor(async () => expect(await entry(7)).toHaveTextContent("− #3+ #7"));
  });

  it("unfolds what did not change, in its place", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7)];
    backend.comparison = { before: version, after: version, changes: [] };
    const { user } = renderApp("/audit");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    const of = within(await entry(7));
    await user.click(await of.findByRole("button", { name: /^Show \d+ unchanged$/ }));
    expect(await entry(7)).toHaveTextContent("Timeout (ms)200");
    expect(await entry(7)).toHaveTextContent("On−true+false");
  });

  it("of past versions is not made again when something changes; with now it is", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7)];
    backend.comparison = { before: version, after: version, changes: [] };
    const { user } = renderApp("/audit");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    await waitFor(() => expect(backend.callsOf("compare_extension")).toHaveLength(1));
    await backend.emitChange();
    await user.click(within(await entry(7)).getByRole("radio", { name: "Current" }));
    await waitFor(() => expect(backend.callsOf("compare_extension")).toHaveLength(2));
    await backend.emitChange();
    await waitFor(() => expect(backend.callsOf("compare_extension")).toHaveLength(3));
  });
});
