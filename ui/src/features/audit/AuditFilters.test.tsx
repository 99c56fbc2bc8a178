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
    expect(readAuditSearch({ text: "a", actions: ["deleted", "odd"], range: "24h", extension: 5 })).toEqual({
      text: "a",
      actions: ["deleted"],
      range: "24h",
    });
    expect(readAuditSearch({ actions: "deleted", range: "1y", text: "" })).toEqual({});
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
    await user.click(screen.getByRole("button", { name: "Not only group 5f0c2b9e" }));
    await waitFor(() => expect(shown()).toBe(3));
    await user.click(within(await entry(3)).getByRole("button", { expanded: false }));
    await user.click(within(await entry(3)).getByRole("button", { name: "this actor" }));
    await waitFor(() => expect(shown()).toBe(1));
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
    expect(await screen.findByText("/downloads/audit-log.csv")).toBeVisible();
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
