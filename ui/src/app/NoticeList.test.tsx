import { screen, waitFor, within } from "@testing-library/react";
import { act } from "react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../testing/backend";
import { forbidden } from "../testing/fixtures";
import { renderApp } from "../testing/renderApp";
import { keepNotice, keptMax, reloadNotices } from "../ui/notices";
import { notifyDone, notifyFailure, notifyUndoable } from "../ui/notify";

async function openList() {
  const { user } = renderApp();
  await screen.findByRole("table", { name: "Extensions" });
  return user;
}

describe("the list of notices", () => {
  it("keeps what was said, newest first, with what is known of failures", async () => {
    const backend = startBackend();
    const user = await openList();
    await user.click(await screen.findByRole("switch", { name: "pii_guard enabled" }));
    await screen.findByRole("button", { name: "Notices: 1 new" });
    backend.failures.set("set_extension_enabled", forbidden);
    await user.click(await screen.findByRole("switch", { name: "mock_provider enabled" }));

    await user.click(await screen.findByRole("button", { name: "Notices: 2 new" }));
    const list = await screen.findByRole("dialog", { name: "Notices" });
    const today = within(list).getByRole("region", { name: "Today" });
    const [failure, done] = within(today).getAllByRole("listitem");
    expect(failure).toHaveTextContent("Could not switch off mock_provider");
    expect(failure).toHaveTextContent("forbidden");
    expect(failure).toHaveTextContent(forbidden.action);
    await user.click(within(failure as HTMLElement).getByRole("button", { name: "Copy details" }));
    await expect(navigator.clipboard.readText()).resolves.toMatch(
      /^Could not switch off mock_provider\n.*\(forbidden\)\n.*\n\nSQLSTATE 42501$/,
    );
    expect(done).toHaveTextContent("Switched off pii_guard");

    await user.keyboard("{Escape}");
    expect(await screen.findByRole("button", { name: "Notices" })).toBeVisible();
  });

  it("survives a reload and is emptied by hand", async () => {
    startBackend();
    keepNotice({
      kind: "done",
      message: (
        <>
          Saved <code>pii_guard</code>
        </>
      ),
    });
    reloadNotices();
    const user = await openList();
    await user.click(await screen.findByRole("button", { name: "Notices: 1 new" }));
    const list = await screen.findByRole("dialog", { name: "Notices" });
    expect(within(list).getByRole("listitem")).toHaveTextContent("Saved pii_guard");
    await user.click(within(list).getByRole("button", { name: "Clear" }));
    await waitFor(() => expect(within(list).queryByRole("listitem")).toBeNull());
    act(reloadNotices);
    expect(within(list).queryByRole("listitem")).toBeNull();
  });

  it("keeps the newest two hundred", async () => {
    startBackend();
    for (let number = 0; number <= keptMax; number += 1)
      keepNotice({ kind: "done", message: `notice ${number}` });
    const user = await openList();
    await user.click(await screen.findByRole("button", { name: /^Notices: \d+ new$/ }));
    const items = within(await screen.findByRole("dialog", { name: "Notices" })).getAllByRole("listitem");
    expect(items).toHaveLength(keptMax);
    expect(items[0]).toHaveTextContent(`notice ${keptMax}`);
    expect(items.at(-1)).toHaveTextContent("notice 1");
  });

  it("begins anew where the session holds something else", async () => {
    startBackend();
    window.sessionStorage.setItem("notices", '{"notices": [7], "seenId": 0}');
    reloadNotices();
    await openList();
    expect(await screen.findByRole("button", { name: "Notices" })).toBeVisible();
  });
});

describe("while notices are paused", () => {
  it("what needs nobody is kept without being shown, until they are let through", async () => {
    const backend = startBackend();
    const user = await openList();
    await backend.emitNoticesPaused(true);
    const paused = await screen.findByRole("button", { name: "Notices are held back. Let them through" });
    act(() => notifyDone("Exported 6 extensions"));
    expect(await screen.findByRole("button", { name: "Notices: 1 new" })).toBeVisible();
    expect(screen.queryByText("Exported 6 extensions")).toBeNull();

    await user.click(paused);
    expect(backend.callsOf("pause_notices")).toEqual([{ paused: false }]);
    await backend.emitNoticesPaused(false);
    await waitFor(() => expect(paused).not.toBeInTheDocument());
    act(() => notifyDone("Exported 7 extensions"));
    expect(await screen.findByText("Exported 7 extensions")).toBeVisible();
  });

  it("what can be undone, what failed and what somebody may want to read again is shown all the same", async () => {
    const backend = startBackend();
    await openList();
    await backend.emitNoticesPaused(true);
    await screen.findByRole("button", { name: "Notices are held back. Let them through" });
    act(() => {
      notifyUndoable({ subjects: ["pii_guard"], message: "Switched off pii_guard", undo: () => undefined });
      notifyFailure("Could not switch off mock_provider", forbidden);
      notifyDone("Wrote a file", { stays: true });
    });
    expect(await screen.findByRole("button", { name: "Undo" })).toBeVisible();
    expect(await screen.findByText("Could not switch off mock_provider")).toBeVisible();
    expect(await screen.findByText("Wrote a file")).toBeVisible();
    await backend.emitNoticesPaused(false);
  });
});
