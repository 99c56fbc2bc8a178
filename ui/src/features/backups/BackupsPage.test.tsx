import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { page } from "../../api/page";
import type { ErrorReport, WorkProgress } from "../../bindings";
import { startBackend } from "../../testing/backend";
import { backupFile, backupOverview, embedded, forbidden, readyStatus } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";
import { replacedAt } from "./KeptDatabases";

const damaged: ErrorReport = {
  code: "backup_invalid",
  message: "Verifying the backup failed: it is damaged (extensions)",
  action: "Use another backup.",
  detail: null,
  field: null,
  facts: null,
};

const verified = { verified_at: "2026-11-26T03:00:10Z", fault: null, problem: null };

function workOf(work: WorkProgress["work"], step: WorkProgress["step"], done = 0): WorkProgress {
  return { work, subject: "/a.beamline-backup", step, done, total: 100 };
}

/** A promise, and what lets it go. */
function held(): [Promise<void>, () => void] {
  let release = () => {};
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return [promise, release];
}

const backups = () => screen.findByRole("table", { name: "Backups" });
const rowOf = async (revision: number) => {
  const row = (await backups()).querySelector(`[data-backup='registry-${revision}.beamline-backup']`);
  if (!(row instanceof HTMLElement)) throw new Error(`no row of revision ${revision}`);
  return within(row);
};

afterEach(() => vi.restoreAllMocks());

describe("a backup that the desktop opens", () => {
  it("is asked about once, and opens neither by itself nor at the next start", async () => {
    const backend = startBackend();
    const file = backupFile(1200);
    backend.backupFiles.set("", [file]);
    backend.link = file.path;
    const { user, path } = renderApp("/");
    const dialog = within(await screen.findByRole("dialog"));
    await user.click(dialog.getByRole("button", { name: "Keep what is there" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(path()).toBe("/backups");
    expect(localStorage.length, "the address is kept").toBeGreaterThan(0);
    expect(JSON.stringify({ ...localStorage })).not.toContain(file.name);
    expect(backend.callsOf("restore_backup")).toEqual([]);
    backend.link = file.path;
    await backend.emitLink();
    await screen.findByRole("dialog");
  });

  it("that is damaged says so", async () => {
    const backend = startBackend();
    const file = backupFile(1000, { verification: { ...verified, problem: damaged } });
    backend.backupFiles.set("", [file]);
    backend.link = file.path;
    renderApp("/");
    expect(await screen.findByText("The backup can't be restored")).toBeVisible();
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

describe("the list of backups", () => {
  it("says of each what is in it and whether it is whole", async () => {
    const backend = startBackend();
    backend.backupFiles.set("", [
      backupFile(1200, { verification: verified }),
      backupFile(1100),
      backupFile(1000, { verification: { ...verified, problem: damaged } }),
    ]);
    renderApp("/backups");
    const row = (await rowOf(1200)).getAllByRole("cell");
    expect(row.slice(1, 5).map((cell) => cell.textContent)).toEqual([
      "#1\u202f200",
      "5",
      "1\u202f200",
      "1.5 MiB",
    ]);
    expect(row[5]).toHaveTextContent("Verified");
    expect((await rowOf(1100)).getByText("Not verified")).toBeVisible();
    const bad = await rowOf(1000);
    expect(bad.getByText("Damaged")).toBeVisible();
    expect(bad.getByRole("button", { name: "Restore…" })).toHaveAttribute("aria-disabled", "true");
    expect(screen.getByRole("list", { name: "What is wrong with backups" })).toHaveTextContent(
      "registry-1000.beamline-backup: Verifying the backup failed: it is damaged (extensions).",
    );
  });

  it("verifies one", async () => {
    const backend = startBackend();
    backend.backupFiles.set("", [backupFile(1200)]);
    const { user } = renderApp("/backups");
    await user.click((await rowOf(1200)).getByRole("button", { name: "Verify" }));
    expect(await screen.findByText("registry-1200.beamline-backup is whole")).toBeVisible();
    expect(backend.callsOf("verify_backup")).toEqual([
      { path: "/data/registry/backups/registry-1200.beamline-backup" },
    ]);
  });

  it("is of another folder, too, chosen or typed", async () => {
    const backend = startBackend();
    backend.chosenPath = "/usb";
    backend.backupFiles.set("/usb", [backupFile(900)]);
    const { user } = renderApp("/backups");
    await user.click(await screen.findByRole("radio", { name: "Another folder" }));
    expect(screen.getByText("Which folder?")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Choose: Folder with backups" }));
    await rowOf(900);
    expect(screen.getByRole("textbox", { name: "Folder with backups" })).toHaveValue("/usb");
  });

  it("says what would put one here, why it can't be listed, and what a login lacks", async () => {
    const backend = startBackend();
    backend.failures.set("list_backups", damaged);
    const { user } = renderApp("/backups");
    expect(await screen.findByText("The backups could not be listed")).toBeVisible();
    backend.failures.clear();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("No backups here")).toBeVisible();
  });

  it("is not there for who may not see it", async () => {
    const backend = startBackend();
    backend.failures.set("backup_overview", {
      ...forbidden,
      facts: { kind: "required_role", value: "registry_editor" },
    });
    renderApp("/backups");
    expect(await screen.findByText('GRANT registry_editor TO "editor";')).toBeVisible();
  });

  it("is not there for a registry elsewhere", async () => {
    const backend = startBackend();
    backend.backups = backupOverview({ is_embedded: false });
    renderApp("/backups");
    expect(await screen.findByText("This registry is on a server of your own")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Back up now" })).toBeNull();
  });
});

describe("a backup that is asked for", () => {
  it("goes to the folder for downloads, which is shown then", async () => {
    const backend = startBackend();
    const file = backupFile(1204, {
      path: "/downloads/registry-1204.beamline-backup",
      verification: verified,
    });
    backend.backedUp = file;
    backend.backupFiles.set("/downloads", [file]);
    const { user } = renderApp("/backups");
    await user.click(await screen.findByRole("button", { name: "Back up now" }));
    await rowOf(1204);
    expect(backend.callsOf("make_backup")).toEqual([{ folder: null }]);
    await user.click(await screen.findByRole("button", { name: "Show in folder" }));
    expect(backend.callsOf("show_backup")).toEqual([{ path: file.path }]);
  });

  it("tells how far it is, lets nothing else begin, and is stopped", async () => {
    const backend = startBackend();
    backend.backupFiles.set("", [backupFile(1200)]);
    const { user } = renderApp("/backups");
    const row = await rowOf(1200);
    await backend.emitBackupWork({ ...workOf("back_up", "writing", 1200), total: 10_000 });
    const note = await screen.findByRole("region", { name: "Backing up" });
    expect(note).toHaveTextContent("reading the database 1 200 of 10 000 rows");
    expect(row.getByRole("button", { name: "Restore…" })).toHaveAttribute("aria-disabled", "true");
    await user.click(within(note).getByRole("button", { name: "Cancel" }));
    expect(backend.callsOf("stop_backup_work")).toHaveLength(1);
    expect(within(note).getByRole("button", { name: "Stopping" })).toBeDisabled();
    await backend.emitBackupWork(null);
    await waitFor(() => expect(screen.queryByRole("region", { name: "Backing up" })).toBeNull());
  });
});

describe("a restore", () => {
  const kept = "/data/registry/postgresql/cluster-until-2026-11-26T110910Z";

  it("asks with the figures of both, tells each step, and begins anew", async () => {
    const beginAnew = vi.spyOn(page, "beginAnew").mockImplementation(() => {});
    const backend = startBackend();
    const file = backupFile(1200);
    backend.backupFiles.set("", [file]);
    if (file.summary) backend.replaced = { backup: file.summary, kept };
    const [hold, release] = held();
    backend.answersHeld.set("restore_backup", hold);
    const { user } = renderApp("/backups");
    await user.click((await rowOf(1200)).getByRole("button", { name: "Restore…" }));
    const dialog = within(await screen.findByRole("dialog"));
    const rows = dialog.getAllByRole("row").map((row) => row.textContent);
    expect(rows).toContain("Revision#1\u202f204#1\u202f200");
    expect(rows).toContain("Extensions65");
    expect(rows).toContain("Audit entries1\u202f2041\u202f200");
    expect(dialog.getByText("4 newer changes")).toBeVisible();
    expect(backend.callsOf("restore_backup")).toEqual([]);

    await user.click(dialog.getByRole("button", { name: "Restore" }));
    await backend.emitStatus({ state: "starting", step: "replacing" });
    await backend.emitBackupWork(workOf("restore", "restoring", 42));
    const now = () => dialog.getByRole("list", { name: "Steps" }).querySelector("[data-now]");
    await waitFor(() => expect(now()).toHaveTextContent("Write a new database from it42 of 100 rows"));
    await backend.emitBackupWork(null);
    release();
    await waitFor(() => expect(now()).toHaveTextContent("Put it in place and open it"));
    await backend.emitStatus(readyStatus);
    const show = await dialog.findByRole("button", { name: "Show the registry" });
    expect(dialog.getByRole("button", { name: `Copy folder ${kept}` })).toBeVisible();
    await user.click(show);
    expect(beginAnew).toHaveBeenCalledOnce();
  });

  it("that fails says that nothing was changed", async () => {
    const beginAnew = vi.spyOn(page, "beginAnew").mockImplementation(() => {});
    const backend = startBackend();
    backend.backupFiles.set("", [backupFile(1200)]);
    backend.failures.set("restore_backup", damaged);
    const { user } = renderApp("/backups");
    await user.click((await rowOf(1200)).getByRole("button", { name: "Restore…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.click(dialog.getByRole("button", { name: "Restore" }));
    expect(await dialog.findByRole("alert")).toHaveTextContent("it is damaged (extensions)");
    expect(dialog.getByRole("status")).toHaveTextContent("Nothing was changed");
    await user.click(dialog.getByRole("button", { name: "Close" }));
    expect(beginAnew).not.toHaveBeenCalled();
  });

  it("of another registry is told as such", async () => {
    const backend = startBackend();
    backend.backups = backupOverview({ current: { registry_id: "other", revision: 3, extension_count: 6 } });
    backend.backupFiles.set("", [backupFile(1200)]);
    const { user } = renderApp("/backups");
    await user.click((await rowOf(1200)).getByRole("button", { name: "Restore…" }));
    expect(await screen.findByText("It is a backup of another registry.")).toBeVisible();
  });

  it("is offered where the database can't be opened", async () => {
    const backend = startBackend();
    backend.status = { state: "failed", error: damaged, profile: embedded };
    backend.backups = backupOverview({ current: null, disk: null });
    backend.backupFiles.set("", [backupFile(1200)]);
    const { user } = renderApp("/");
    await user.click(await screen.findByRole("button", { name: "Restore a backup…" }));
    const list = within(await screen.findByRole("list", { name: "Backups" }));
    await user.click(list.getByRole("button", { name: "Restore…" }));
    const question = await screen.findByRole("dialog", {
      name: "Put this backup in the place of the registry?",
    });
    expect(question).toHaveTextContent("Revisionnot open#1 200");
  });
});

describe("beside the backups", () => {
  it("a danger is told once as a notice, in the navigation and on the page", async () => {
    const backend = startBackend();
    const { user, path } = renderApp("/extensions");
    await screen.findByRole("link", { name: "Backups" });
    await backend.emitTrouble({ kind: "backup_skipped", value: { available_mib: 100, needed_mib: 300 } });
    expect(await screen.findByRole("link", { name: "Backups 1 warning" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Open backups" }));
    expect(path()).toBe("/backups");
    expect(await screen.findByText(/It needs 300 MiB, and 100 MiB are free\./)).toBeVisible();
  });

  it("what is kept is deleted after a question", async () => {
    const backend = startBackend();
    const path = "/data/registry/postgresql/cluster-until-2026-11-26T110910Z-2";
    expect(replacedAt(path)).toBe("2026-11-26T11:09:10Z");
    backend.backups = backupOverview({ kept: [{ path, size_mib: 61 }] });
    const { user } = renderApp("/backups");
    await user.click(await screen.findByRole("button", { name: "Delete…" }));
    await user.click(await screen.findByRole("button", { name: "Delete 61 MiB" }));
    await waitFor(() => expect(screen.queryByRole("button", { name: "Delete…" })).toBeNull());
    expect(backend.callsOf("delete_kept_database")).toEqual([{ path }]);
  });

  it("daily backups are switched off, and kept in a folder that is there", async () => {
    const backend = startBackend();
    const { user } = renderApp("/backups");
    const form = within(await screen.findByRole("form", { name: "Daily backups" }));
    const folder = form.getByRole("textbox", { name: "Folder for daily backups" });
    await user.type(folder, "/usb");
    backend.failures.set("set_daily_backups", {
      ...damaged,
      field: "folder",
      message: "There is no folder /usb.",
    });
    await user.click(form.getByRole("button", { name: "Save" }));
    expect(await form.findByText("There is no folder /usb.")).toBeVisible();
    backend.failures.clear();
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(backend.backups.settings.folder).toBe("/usb"));
    await user.click(form.getByRole("switch", { name: "Daily backups" }));
    await waitFor(() =>
      expect(backend.backups.settings).toMatchObject({ is_enabled: false, folder: "/usb" }),
    );
  });

  it("a newer PostgreSQL is offered, and brought step by step", async () => {
    const backend = startBackend();
    backend.backups = backupOverview({ upgrade: { from_major: 17, to_major: 18 } });
    const { user } = renderApp("/backups");
    await user.click(await screen.findByRole("button", { name: "Upgrade…" }));
    await user.click(await screen.findByRole("button", { name: "Upgrade" }));
    expect(await screen.findByText("Nothing was changed: the database is as it was.")).toBeVisible();
    expect(backend.callsOf("upgrade_database")).toHaveLength(1);
  });
});

describe("a move", () => {
  const remote = {
    id: "main",
    label: "Main",
    colour: null,
    is_production: false,
    is_reason_required: false,
    database: {
      kind: "remote" as const,
      value: {
        servers: [{ host: "db1", port: 5432 }],
        database: "registry",
        user: "console",
        tls: { mode: null, ca_file: null, client_certificate_file: null, client_key_file: null },
        application_name: null,
        is_read_only: false,
        prefers_standby: false,
        pooling: "direct" as const,
      },
    },
  };

  it("goes to a connection with another login, and then leads there", async () => {
    const backend = startBackend();
    backend.profiles = [...backend.profiles, { profile: remote, password: "session" }];
    backend.moved = { registry_id: "r", revision: 1204, hash: "", row_count: 5000, was_completed: false };
    const { user } = renderApp("/backups");
    await user.click(await screen.findByRole("button", { name: "Move this registry to…" }));
    const dialog = within(await screen.findByRole("dialog"));
    expect(await dialog.findByRole("combobox", { name: "Connection to move to" })).toHaveValue(
      "Main (registry on db1:5432)",
    );
    await user.click(dialog.getByRole("switch"));
    await user.type(dialog.getByLabelText("Login"), "admin");
    await user.type(dialog.getByLabelText("Password"), "secret");
    await user.click(dialog.getByRole("button", { name: "Move 6 extensions" }));
    expect(await dialog.findByText(/5 000 rows were copied and compared\./)).toBeVisible();
    expect(backend.callsOf("move_registry")).toEqual([
      { profileId: "main", login: { user: "admin", password: "secret" } },
    ]);
    await user.click(dialog.getByRole("button", { name: "Switch to Main" }));
    expect(backend.callsOf("switch_connection")).toEqual([{ id: "main" }]);
  });

  it("has nowhere to go without a connection", async () => {
    startBackend();
    const { user } = renderApp("/backups");
    await user.click(await screen.findByRole("button", { name: "Move this registry to…" }));
    expect(await screen.findByText(/No connection leads to a server of your own yet/)).toBeVisible();
  });

  it("that was made is told with the place", async () => {
    const backend = startBackend();
    backend.backups = backupOverview({
      moved: { state: "moved", place: "the database registry on db1:5432", revision: 1204 },
    });
    renderApp("/backups");
    expect(
      await screen.findByText("This registry was moved to the database registry on db1:5432"),
    ).toBeVisible();
  });
});
