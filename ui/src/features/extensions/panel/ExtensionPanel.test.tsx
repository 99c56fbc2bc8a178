import { act, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../../testing/backend";
import { auditEntry, forbidden, healthSeries } from "../../../testing/fixtures";
import { chooseMore } from "../../../testing/menu";
import { renderApp } from "../../../testing/renderApp";

const panelOf = (id: string) => screen.findByRole("complementary", { name: `Extension ${id}` });
const row = (id: string) => document.querySelector(`[data-extension-id="${id}"]`) as HTMLElement;

describe("the panel", () => {
  it("opens at a click on a row and closes at Escape", async () => {
    startBackend();
    const { user } = renderApp("/extensions");
    await screen.findByText("pii_guard");
    await user.click(within(row("pii_guard")).getByText("200 ms"));
    const panel = await panelOf("pii_guard");
    expect(await within(panel).findByText("on: the router uses it")).toBeVisible();
    expect(row("pii_guard")).toHaveAttribute("aria-current", "true");
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("complementary")).not.toBeInTheDocument());
  });

  it("opens at Enter and follows the focus from row to row", async () => {
    startBackend();
    const { user } = renderApp("/extensions");
    (await screen.findByRole("switch", { name: "pii_guard enabled" })).focus();
    await user.keyboard("{Enter}");
    await panelOf("pii_guard");
    await user.keyboard("j");
    expect(await panelOf("mask_sensitive_data")).toBeVisible();
  });

  it("shows the configuration with secrets hidden and references marked", async () => {
    const backend = startBackend();
    backend.configurations.set(
      "openai_gpt4",
      '{"rate": 1.00, "api_key": {"$redacted": "a1b2c3d4e5f60718"}, "token": "env:TOKEN"}',
    );
    const { user } = renderApp("/extensions?open=openai_gpt4");
    const panel = await panelOf("openai_gpt4");
    await user.click(await within(panel).findByRole("tab", { name: "Configuration" }));
    expect(await within(panel).findByText("hidden (a1b2c3)")).toBeVisible();
    expect(panel).toHaveTextContent('"rate": 1.00');
    expect(panel).toHaveTextContent("reference env:TOKEN");
  });

  it("shows the extension's own history, from the address too", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(2, { extension_id: "mock_provider" }), auditEntry(1)];
    renderApp("/extensions?open=pii_guard&tab=history");
    const panel = await panelOf("pii_guard");
    await waitFor(() => expect(panel.querySelectorAll("[data-audit-revision]")).toHaveLength(1));
    expect(panel).toHaveTextContent("editor disabled pii_guard");
  });

  it("shows its charts, and zooms in them without leaving the list", async () => {
    const backend = startBackend();
    backend.series.set("pii_guard", healthSeries("pii_guard", [{}, {}, null, {}]));
    const { user, search } = renderApp("/extensions?open=pii_guard");
    const panel = await panelOf("pii_guard");
    await user.click(await within(panel).findByRole("tab", { name: "Health" }));
    const calls = within(await within(panel).findByRole("region", { name: "Calls" })).getByRole("slider");
    calls.focus();
    await user.keyboard("{ArrowLeft}{Shift>}{ArrowLeft}{/Shift}{Enter}");
    await user.click(await within(panel).findByRole("button", { name: "Zoom out" }));
    expect(search()).toEqual({ open: "pii_guard", tab: "health" });
  });

  it("says so when nothing has happened to it yet", async () => {
    startBackend();
    renderApp("/extensions?open=pii_guard&tab=history");
    expect(await within(await panelOf("pii_guard")).findByText("Not changed yet")).toBeVisible();
  });

  it("says why it could not be read", async () => {
    const backend = startBackend();
    backend.failures.set("get_extension", forbidden);
    renderApp("/extensions?open=pii_guard");
    expect(await screen.findByText(/pii_guard could not be read/)).toBeVisible();
  });

  it("shows the history of an extension that was deleted, which brings it back", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(3, { action: "deleted" }), auditEntry(2)];
    renderApp("/extensions?open=pii_guard");
    const panel = await panelOf("pii_guard");
    await within(panel).findByRole("button", { name: "Edit" });
    backend.extensions = backend.extensions.filter(({ id }) => id !== "pii_guard");
    await backend.emitChange();
    expect(await within(panel).findByText(/There is no extension pii_guard now/)).toBeVisible();
    await waitFor(() => expect(panel.querySelectorAll("[data-audit-revision]")).toHaveLength(2));
  });

  it("deletes after asking, with the effect in words", async () => {
    const backend = startBackend();
    const { user } = renderApp("/extensions?open=pii_guard");
    await chooseMore(user, "Delete…");
    const dialog = await screen.findByRole("dialog", { name: "Delete pii_guard?" });
    expect(dialog).toHaveTextContent("routers stop using it at once");
    await user.type(within(dialog).getByLabelText("Reason (optional)"), "replaced");
    await user.click(within(dialog).getByRole("button", { name: "Delete" }));
    await waitFor(() =>
      expect(backend.callsOf("delete_extensions")).toMatchObject([
        { seen: [{ id: "pii_guard", revision: 0 }], note: { reason: "replaced" } },
      ]),
    );
    await waitFor(() => expect(screen.queryByRole("complementary")).not.toBeInTheDocument());
  });

  it("keeps the question open when the deletion is refused", async () => {
    const backend = startBackend();
    backend.failures.set("delete_extensions", forbidden);
    const { user } = renderApp("/extensions?open=pii_guard");
    await chooseMore(user, "Delete…");
    const dialog = await screen.findByRole("dialog", { name: "Delete pii_guard?" });
    await user.click(within(dialog).getByRole("button", { name: "Delete" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent(forbidden.message);
  });

  it("is for looking alone where the login may not change extensions", async () => {
    const backend = startBackend();
    backend.permissions = { ...backend.permissions, can_edit: false, can_switch: false };
    const { user } = renderApp("/extensions?open=pii_guard");
    const panel = within(await panelOf("pii_guard"));
    const edit = await panel.findByRole("button", { name: "Edit" });
    await waitFor(() => expect(edit).toHaveAttribute("aria-disabled", "true"));
    await user.hover(edit);
    expect(await screen.findByText(/it needs the role registry_editor/)).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "New" })).toHaveAttribute("aria-disabled", "true");
    const toggle = screen.getByRole("switch", { name: "pii_guard enabled" });
    await user.click(toggle);
    expect(toggle).toBeChecked();
    expect(backend.callsOf("set_extension_enabled")).toHaveLength(0);
  });

  it("is for looking alone by keys, too", async () => {
    const backend = startBackend();
    backend.permissions = { ...backend.permissions, can_edit: false, can_switch: false };
    const { user, search } = renderApp("/extensions?open=pii_guard");
    const panel = within(await panelOf("pii_guard"));
    const edit = await panel.findByRole("button", { name: "Edit" });
    await waitFor(() => expect(edit).toHaveAttribute("aria-disabled", "true"));
    act(() => (document.activeElement as HTMLElement | null)?.blur());
    for (const key of [" ", "e", "n", "{Delete}"]) {
      await user.keyboard(key);
      expect(screen.queryByRole("dialog"), `after ${key}`).toBeNull();
    }
    expect(backend.callsOf("set_extension_enabled")).toHaveLength(0);
    expect(search(), "no form was asked for").toEqual({ open: "pii_guard" });
  });

  it("goes by k and the arrows to the extension above, wherever the focus is", async () => {
    startBackend();
    const { user, search } = renderApp("/extensions?open=pii_guard");
    await panelOf("pii_guard");
    await user.keyboard("k");
    await panelOf("normalize_text");
    await user.keyboard("{ArrowDown}{ArrowDown}");
    await panelOf("mask_sensitive_data");
    expect(search()).toEqual({ open: "mask_sensitive_data" });
  });

  it("follows a switch at once, in the list and in the panel", async () => {
    const backend = startBackend();
    backend.holds.set("set_extension_enabled", new Promise(() => {}));
    const { user } = renderApp("/extensions?open=pii_guard");
    const panel = within(await panelOf("pii_guard"));
    await user.click(await panel.findByRole("switch"));
    expect(panel.getByRole("switch")).not.toBeChecked();
    expect(screen.getByRole("switch", { name: "pii_guard enabled" })).not.toBeChecked();
  });

  it("copies the extension as JSON, every digit kept", async () => {
    startBackend();
    const { user } = renderApp("/extensions?open=pii_guard");
    await chooseMore(user, "Copy as JSON");
    await waitFor(async () =>
      expect(await navigator.clipboard.readText()).toContain('"config": {"model": "a", "rate": 1.00}'),
    );
  });
});
