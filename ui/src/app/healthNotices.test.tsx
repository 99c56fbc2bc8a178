import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { HealthCrossing } from "../bindings";
import { startBackend } from "../testing/backend";
import { alarm } from "../testing/fixtures";
import { renderApp } from "../testing/renderApp";

const failing = alarm("pii_guard", { value: 71.96 });
const raised: HealthCrossing = { kind: "raised", value: failing };
const cleared: HealthCrossing = { kind: "cleared", value: failing };

describe("alarms", () => {
  it("are counted in the navigation, and are there after a reload of the page", async () => {
    const backend = startBackend();
    backend.alarms.alarms = [failing, alarm("openai_gpt4", { trouble: "slow", value: 480, limit: 250 })];
    renderApp("/extensions");
    expect(await screen.findByRole("link", { name: /Health 2 alarms/ })).toBeVisible();
    backend.alarms = { ...backend.alarms, alarms: [] };
    await backend.emitLook([cleared]);
    await waitFor(() => expect(screen.getByRole("link", { name: "Health" })).toBeVisible());
  });

  it("are told in the list of notices when they begin and when they are over, and open the extension", async () => {
    const backend = startBackend();
    const { user, path, search } = renderApp("/settings");
    await screen.findByRole("heading", { name: "Settings" });
    await backend.emitLook([raised]);
    await backend.emitLook([]);
    await backend.emitLook([cleared]);
    await user.click(await screen.findByRole("button", { name: "Notices: 2 new" }));
    const list = await screen.findByRole("dialog", { name: "Notices" });
    const [over, began] = within(list).getAllByRole("listitem");
    expect(over).toHaveTextContent("pii_guard no longer fails too often");
    expect(began).toHaveTextContent("pii_guard fails too often: 71.9 % succeed, the limit is 95 %");
    await user.click(within(began as HTMLElement).getByRole("button", { name: /pii_guard fails too often/ }));
    expect(path()).toBe("/extensions");
    expect(search()).toMatchObject({ open: "pii_guard" });
    await waitFor(() => expect(screen.queryByRole("dialog", { name: "Notices" })).toBeNull());
  });

  it("open from a notice of the desktop, but never over what somebody types", async () => {
    const backend = startBackend();
    const { user, path, search } = renderApp("/extensions");
    await screen.findByRole("table", { name: "Extensions" });
    await backend.emitNoticeOpened("pii_guard");
    await waitFor(() => expect(search()).toMatchObject({ open: "pii_guard" }));
    await backend.emitNoticeOpened(null);
    await waitFor(() => expect(path()).toBe("/health"));
    await user.keyboard("?");
    await screen.findByRole("dialog", { name: "Keys" });
    await backend.emitNoticeOpened("pii_guard");
    expect(path()).toBe("/health");
  });
});
