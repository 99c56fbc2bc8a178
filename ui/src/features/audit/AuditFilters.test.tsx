import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { auditEntry, forbidden } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";
import { auditFilter, readAuditSearch } from "./auditSearch";

const group = "5f0c2b9e-0000-4000-8000-000000000000";

function threeEntries() {
  return [
    auditEntry(3, { extension_id: "mock_provider", action: "deleted", changed_by: "ben" }),
    auditEntry(2, { action: "enabled", group_id: group }),
    auditEntry(1, { reason: "false positives" }),
  ];
}

const shown = () => [...document.querySelectorAll("[data-audit-revision]")].length;
const entry = async (revision: number) => {
  await waitFor(() => expect(document.querySelector(`[data-audit-revision="${revision}"]`)).not.toBeNull());
  return document.querySelector(`[data-audit-revision="${revision}"]`) as HTMLElement;
};

describe("the address", () => {
  it("gives what makes sense and leaves the rest", () => {
    expect(readAuditSearch({ text: "a", actions: ["deleted", "odd"], range: "24h", extension: {} })).toEqual({
      text: "a",
      actions: ["deleted"],
      range: "24h",
    });
    expect(readAuditSearch({ actions: "deleted", range: "1y", text: "" })).toEqual({});
    expect(readAuditSearch({ extension: 5 }), "an id of digits is a number in the address").toEqual({
      extension: "5",
    });
  });

  it("holds one range of time, which ends after it begins", () => {
    const [earlier, later] = ["2026-03-01T00:00:00.000Z", "2026-03-02T00:00:00.000Z"];
    expect(readAuditSearch({ since: earlier, until: later })).toEqual({ since: earlier, until: later });
    expect(readAuditSearch({ since: later, until: earlier })).toEqual({ until: earlier });
    expect(readAuditSearch({ range: "7d", since: earlier })).toEqual({ range: "7d" });
    expect(readAuditSearch({ since: "yesterday" })).toEqual({});
  });

  it("becomes a filter that begins so many hours ago", () => {
    const now = new Date("2026-03-02T12:00:00Z");
    expect(auditFilter({ range: "24h", actor: "anna" }, now)).toMatchObject({
      since: "2026-03-01T12:00:00.000Z",
      changed_by: "anna",
      extension_id: null,
      actions: [],
    });
  });
});

describe("filtering the log", () => {
  it("shows the kinds that are chosen", async () => {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    const { user } = renderApp("/audit");
    await entry(3);
    await user.click(screen.getByRole("button", { name: "deleted" }));
    await waitFor(() => expect(shown()).toBe(1));
    expect(screen.getByRole("button", { name: "deleted" })).toHaveAttribute("aria-pressed", "true");
    expect(screen.getByText("Nothing older matches")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Clear" }));
    await waitFor(() => expect(shown()).toBe(3));
  });

  it("searches once the typing pauses, and says when nothing matches", async () => {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    const { user } = renderApp("/audit");
    await entry(3);
    await user.keyboard("/");
    await user.keyboard("false positives");
    await waitFor(() => expect(shown()).toBe(1));
    await user.type(screen.getByRole("searchbox"), "!");
    expect(await screen.findByText("No change matches this filter")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Clear filter" }));
    await waitFor(() => expect(shown()).toBe(3));
    expect(screen.getByRole("searchbox")).toHaveValue("");
  });

  it("narrows to what an entry has in common with others, and widens again", async () => {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    const { user } = renderApp("/audit");
    await user.click(within(await entry(2)).getByRole("button", { expanded: false }));
    await user.click(within(await entry(2)).getByRole("button", { name: "this group" }));
    await waitFor(() => expect(shown()).toBe(1));
    expect(screen.getByTestId("shown")).toHaveTextContent("Only changesgroup5f0c2b9e");
    await user.click(screen.getByRole("button", { name: "Don't filter: group 5f0c2b9e" }));
    await waitFor(() => expect(shown()).toBe(3));
    await user.click(within(await entry(3)).getByRole("button", { expanded: false }));
    await user.click(within(await entry(3)).getByRole("button", { name: "this actor" }));
    await waitFor(() => expect(shown()).toBe(1));
  });

  it("takes a usual range of time", async () => {
    const backend = startBackend();
    const old = { sealed_at: "2026-01-05T12:00:00Z", timestamp: "2026-01-05T12:00:00Z" };
    backend.auditEntries = [auditEntry(2), auditEntry(1, old)];
    const { user, search } = renderApp("/audit");
    await entry(1);
    await user.click(screen.getByRole("button", { name: "Time: any time" }));
    await user.click(await screen.findByRole("button", { name: "Last 7 days" }));
    await waitFor(() => expect(shown()).toBe(1));
    expect(search()).toEqual({ range: "7d" });
    expect(screen.getByTestId("shown")).toHaveTextContent("last 7 days");
  });

  it("jumps to a date: to what had happened by the end of that day", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(1)];
    const { user, search } = renderApp("/audit");
    await entry(1);
    await user.click(screen.getByRole("button", { name: "Time: any time" }));
    const today = new Date();
    const name = `${today.getDate()} ${today.toLocaleString("en", { month: "long" })} ${today.getFullYear()}`;
    await user.click(await screen.findByRole("button", { name }));
    // A local day ends at local midnight.
    const end = new Date(today.getFullYear(), today.getMonth(), today.getDate() + 1).toISOString();
    await waitFor(() => expect(search()).toEqual({ until: end }));
    expect(shown()).toBe(1);
  });

  it("takes an extension by name, also one that is deleted", async () => {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    const { user, search } = renderApp("/audit");
    await entry(3);
    await user.type(screen.getByRole("combobox", { name: "Extension" }), "long_gone{Enter}");
    await waitFor(() => expect(search()).toEqual({ extension: "long_gone" }));
  });

  it("starts from the address", async () => {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    renderApp("/audit?extension=mock_provider");
    await entry(3);
    expect(shown()).toBe(1);
  });
});

describe("what can be done about a change", () => {
  async function opened(revision: number) {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    const { user } = renderApp("/audit");
    await user.click(within(await entry(revision)).getByRole("button", { expanded: false }));
    return { backend, user, actions: within(await entry(revision)) };
  }

  it("takes it back", async () => {
    const { backend, user, actions } = await opened(1);
    await user.click(actions.getByRole("button", { name: "Undo this change" }));
    expect(await screen.findByText("Took back the change of pii_guard")).toBeVisible();
    expect(backend.callsOf("undo_changes")).toMatchObject([{ target: { kind: "revision", value: 1 } }]);
    expect(actions.queryByRole("button", { name: "Undo the whole group" })).toBeNull();
  });

  it("takes a whole group back, and says which rows stand in the way", async () => {
    const { backend, user, actions } = await opened(2);
    backend.failures.set("undo_changes", {
      ...forbidden,
      code: "moved_on",
      message: "openai_gpt4 changed again since.",
      facts: { kind: "extension_ids", value: ["openai_gpt4"] },
    });
    await user.click(actions.getByRole("button", { name: "Undo the whole group" }));
    expect(await screen.findByText("openai_gpt4 changed again since.")).toBeVisible();
    expect(backend.callsOf("undo_changes")).toMatchObject([{ target: { kind: "group", value: group } }]);
  });

  it("brings a version back, but not one of a deletion", async () => {
    const { backend, user, actions } = await opened(2);
    await user.click(actions.getByRole("button", { name: "Restore this version" }));
    await waitFor(() =>
      expect(backend.callsOf("restore_extension")).toMatchObject([
        { request: { id: "pii_guard", revision: 2, fields: null } },
      ]),
    );
    await user.click(within(await entry(3)).getByRole("button", { expanded: false }));
    expect(within(await entry(3)).queryByRole("button", { name: "Restore this version" })).toBeNull();
  });

  it("is off, with the reason, for who may only look", async () => {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    backend.permissions = { ...backend.permissions, can_switch: false, can_edit: false };
    const { user } = renderApp("/audit");
    await user.click(within(await entry(1)).getByRole("button", { expanded: false }));
    const undo = within(await entry(1)).getByRole("button", { name: "Undo this change" });
    await waitFor(() => expect(undo).toBeDisabled());
    expect(undo).toHaveAttribute("title", "The login editor may not do this");
  });
});

describe("exporting", () => {
  it("writes what the filter lets through, and says where", async () => {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    const { user } = renderApp("/audit?actor=ben");
    await entry(3);
    await user.click(screen.getByRole("button", { name: "Export" }));
    await user.click(await screen.findByRole("menuitem", { name: "CSV, for spreadsheets" }));
    expect(await screen.findByText(/Exported 3 changes to/)).toBeVisible();
    expect(screen.getByRole("button", { name: "Copy path /downloads/audit-log.csv" })).toBeVisible();
    expect(backend.callsOf("export_audit_log")).toMatchObject([
      { filter: { changed_by: "ben" }, format: "csv" },
    ]);
  });

  it("says why it failed", async () => {
    const backend = startBackend();
    backend.failures.set("export_audit_log", forbidden);
    const { user } = renderApp("/audit");
    await user.click(await screen.findByRole("button", { name: "Export" }));
    await user.click(await screen.findByRole("menuitem", { name: "NDJSON, for programs" }));
    expect(await screen.findByText("Could not export the audit log")).toBeVisible();
  });
});
