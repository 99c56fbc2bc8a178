import { screen, waitFor, within } from "@testing-library/react";
import { act } from "react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../testing/backend";
import { forbidden } from "../testing/fixtures";
import { renderApp } from "../testing/renderApp";
import { keepNotice, keptMax, reloadNotices } from "../ui/notices";

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
    await waitFor(() =>
      expect(within(failure as HTMLElement).getByRole("button", { name: "Copy details" })).toBeVisible(),
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
