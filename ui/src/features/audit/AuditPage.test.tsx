import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { auditEntry, forbidden } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

const dayMs = 86_400_000;

async function entry(id: number): Promise<HTMLElement> {
  return waitFor(() => {
    const found = document.querySelector<HTMLElement>(`[data-audit-revision="${id}"]`);
    if (!found) throw new Error(`no entry ${id}`);
    return found;
  });
}

describe("an entry", () => {
  it("is one sentence with who, what, which and why, and the change beside it", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7, { reason: "false positives" })];
    renderApp("/audit");
    expect(await entry(7)).toHaveTextContent("editor disabled pii_guard · false positives");
    expect(await entry(7)).toHaveTextContent("enabled: true → false");
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
    expect(diff).toHaveTextContent("config › b−2+3");
    expect(diff, "what did not change is not in the diff").not.toHaveTextContent("config.a");
    expect(diff, "a field that is new has no side before").toHaveTextContent("retry+2");

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
    expect(await entry(7)).toHaveTextContent("config › api_key: hidden (a1b2c3) → hidden (d4e5f6)");
    expect(await entry(7)).toHaveTextContent("config › token: nothing → reference env:TOKEN");
    await user.click(within(await entry(7)).getByRole("button", { expanded: false }));
    const diff = (await entry(7)).querySelector("[aria-label=Changes]");
    expect(diff).toHaveTextContent("config › api_key−hidden (a1b2c3)+hidden (d4e5f6)");
    expect(diff).toHaveTextContent("config › token+reference env:TOKEN");
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
  });

  it("loads older entries after the last one shown, until the log begins", async () => {
    const backend = startBackend();
    backend.auditEntries = Array.from({ length: 60 }, (_, index) => auditEntry(60 - index));
    const { user } = renderApp("/audit");
    await entry(11);
    expect(document.querySelectorAll("[data-audit-revision]")).toHaveLength(50);

    await user.click(screen.getByRole("button", { name: "Load older" }));
    await entry(1);
    expect(backend.callsOf("list_audit_entries")).toContainEqual({
      request: expect.objectContaining({ before_revision: 11, limit: 50 }),
    });
    expect(document.querySelectorAll("[data-audit-revision]")).toHaveLength(60);
    expect(screen.getByText("The log begins here")).toBeVisible();
  });

  it("shows what was just switched when one comes back to it", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(1)];
    const { user } = renderApp("/audit");
    await entry(1);
    backend.auditEntries = [auditEntry(2, { action: "enabled" }), ...backend.auditEntries];
    await user.keyboard("ge");
    await screen.findByRole("table", { name: "Extensions" });
    await user.click(screen.getByRole("switch", { name: "pii_guard enabled" }));
    await user.keyboard("ga");
    expect(await entry(2)).toHaveTextContent("editor enabled pii_guard");
  });

  it("says that nothing has changed yet", async () => {
    startBackend();
    renderApp("/audit");
    expect(await screen.findByText("No changes yet")).toBeVisible();
  });

  it("says why it could not be read", async () => {
    const backend = startBackend();
    backend.failures.set("list_audit_entries", forbidden);
    renderApp("/audit");
    expect(await screen.findByRole("alert")).toHaveTextContent("The audit log could not be read");
  });
});
