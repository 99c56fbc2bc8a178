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
    expect(screen.getByText("Nothing older")).toBeVisible();
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
    await user.click(await within(await entry(2)).findByRole("button", { name: "3 changes in one switch" }));
    await waitFor(() => expect(shown()).toBe(1));
    expect(screen.getByTestId("shown")).toHaveTextContent("Only changesgroup5f0c2b9e");
    await user.click(screen.getByRole("button", { name: "Don't filter: group 5f0c2b9e" }));
    await waitFor(() => expect(shown()).toBe(3));
    await user.click(within(await entry(3)).getByRole("button", { name: "ben" }));
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

  it("jumps to a date and leaves nothing out", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(1)];
    const { user, search } = renderApp("/audit");
    await entry(1);
    await user.click(screen.getByRole("button", { name: "Time: any time" }));
    const today = new Date();
    const name = `${today.getDate()} ${today.toLocaleString("en", { month: "long" })} ${today.getFullYear()}`;
    await user.click(await screen.findByRole("button", { name }));
    // A local day ends at local midnight.
    const midnight = new Date(today.getFullYear(), today.getMonth(), today.getDate() + 1).getTime();
    await waitFor(() => expect(search()).toEqual({ at: new Date(midnight - 1).toISOString() }));
    await waitFor(() => expect(shown()).toBe(1));
    expect(screen.queryByTestId("shown"), "nothing is filtered").toBeNull();
    await user.click(screen.getByRole("button", { name: "To the newest entry" }));
    await waitFor(() => expect(search()).toEqual({}));
  });

  it("offers everybody who ever changed something, and not only who is in sight", async () => {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    backend.actors = ["ben", "long_ago"];
    const { user, search } = renderApp("/audit");
    await entry(3);
    await user.click(screen.getByRole("combobox", { name: "Actor" }));
    await user.click(await screen.findByRole("option", { name: "long_ago", hidden: true }));
    await waitFor(() => expect(search()).toEqual({ actor: "long_ago" }));
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

  it("says how far it is, is stopped when asked, and leaves no file then", async () => {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    backend.holds.set("export_audit_log", answered);
    const { user } = renderApp("/audit");
    await user.click(await screen.findByRole("button", { name: "Export" }));
    await user.click(await screen.findByRole("menuitem", { name: "CSV, for spreadsheets" }));
    expect(await screen.findByText("Exporting…")).toBeVisible();
    await backend.emitExported({ written: 1_200_000, total: 10_000_000 });
    expect(await screen.findByText(/Exporting: 1.200.000 of 10.000.000/)).toBeVisible();
    await backend.emitExported({ written: 7, total: null });
    expect(await screen.findByText("Exporting: 7 changes so far")).toBeVisible();
    backend.exported = null;
    await user.click(screen.getByRole("button", { name: "Cancel" }));
    expect(backend.callsOf("stop_export")).toHaveLength(1);
    answer();
    expect(await screen.findByText("Stopped the export. No file was left.")).toBeVisible();
    expect(screen.getByRole("button", { name: "Export" })).toBeEnabled();
  });

  it("shows the file in its folder", async () => {
    const backend = startBackend();
    backend.auditEntries = threeEntries();
    const { user } = renderApp("/audit");
    await user.click(await screen.findByRole("button", { name: "Export" }));
    await user.click(await screen.findByRole("menuitem", { name: "CSV, for spreadsheets" }));
    await user.click(await screen.findByRole("button", { name: "Show in folder" }));
    expect(backend.callsOf("show_in_folder")).toEqual([{ path: "/downloads/audit-log.csv" }]);
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
