import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../testing/backend";
import { renderApp } from "../testing/renderApp";

const searchBox = () => screen.findByPlaceholderText("A page, an action or an extension");

describe("the command palette", () => {
  it("finds an extension by Ctrl+K from any page and opens it", async () => {
    startBackend();
    const { user, path, search } = renderApp("/audit?text=elsewhere");
    await screen.findByRole("heading", { level: 1, name: "Audit" });
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await searchBox(), "claude");
    await user.click(
      await screen.findByText("anthropic_claude", { selector: ".mantine-Spotlight-actionLabel" }),
    );
    await waitFor(() => expect(path()).toBe("/extensions"));
    expect(search(), "nothing of the other page's address").toEqual({ open: "anthropic_claude" });
  });

  it("opens while somebody types, and offers what can be done with the few that match", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await user.click(await screen.findByRole("searchbox"));
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await searchBox(), "switch pii");
    await user.click(await screen.findByText("Switch off pii_guard"));
    await waitFor(() =>
      expect(backend.callsOf("set_extension_enabled")).toMatchObject([
        { request: { id: "pii_guard", enabled: false } },
      ]),
    );
  });

  it("leads to the form of a new extension, and shows what the login may not do, off and with the reason", async () => {
    const backend = startBackend();
    const first = renderApp("/settings");
    await screen.findByRole("heading", { level: 1, name: "Settings" });
    await first.user.click(screen.getByRole("button", { name: "Find anything" }));
    await first.user.click(await screen.findByText("New extension"));
    expect(await screen.findByRole("dialog", { name: "New extension" })).toBeVisible();
    first.unmount();

    backend.permissions = { ...backend.permissions, can_edit: false, can_switch: false };
    const { user } = renderApp();
    await screen.findByText("pii_guard");
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await searchBox(), "pii_guard");
    expect(await screen.findByText("History of pii_guard")).toBeVisible();
    for (const [name, role] of [
      ["Edit pii_guard", "registry_editor"],
      ["Duplicate pii_guard", "registry_editor"],
      ["Switch off pii_guard", "registry_operator"],
    ] as const) {
      const action = screen.getByText(name).closest("button");
      expect(action).toHaveAttribute("aria-disabled", "true");
      expect(action).toHaveTextContent(role);
    }
    await user.click(screen.getByText("Switch off pii_guard"));
    expect(backend.callsOf("set_extension_enabled"), "it does nothing").toEqual([]);
    expect(screen.getByText("Edit pii_guard"), "and stays open").toBeVisible();
  });

  it("copies, exports, verifies, filters, and asks before it deletes", async () => {
    const backend = startBackend();
    localStorage.setItem(
      "extensions-saved-views",
      JSON.stringify([{ name: "mine", view: { text: "is:off" } }]),
    );
    const { user, path, search } = renderApp("/settings");
    await screen.findByRole("heading", { level: 1, name: "Settings" });
    const run = async (words: string, label: string) => {
      await user.keyboard("{Control>}k{/Control}");
      await user.type(await searchBox(), words);
      await user.click(await screen.findByText(label, { selector: ".mantine-Spotlight-actionLabel" }));
      await waitFor(() =>
        expect(screen.queryByPlaceholderText("A page, an action or an extension")).not.toBeInTheDocument(),
      );
    };
    await run("copy link pii", "Copy link to pii_guard");
    await expect(navigator.clipboard.readText()).resolves.toBe("beamline-registry://extensions/pii_guard");
    await run("export registry yaml", "Export the registry as YAML");
    await waitFor(() => expect(backend.callsOf("export_registry")).toEqual([{ ids: null, format: "yaml" }]));
    await run("export audit csv", "Export the audit log as CSV");
    await waitFor(() => expect(backend.callsOf("export_audit_log")).toHaveLength(1));
    await run("hold back", "Hold back notices");
    await waitFor(() => expect(backend.callsOf("pause_notices")).toEqual([{ paused: true }]));
    await run("reload", "Reload everything");
    await waitFor(() => expect(backend.callsOf("reload_cache")).toHaveLength(1));
    await run("verify", "Verify the audit log now");
    await waitFor(() => expect(path()).toBe("/audit"));
    await waitFor(() => expect(backend.callsOf("verify_audit_log").length).toBeGreaterThan(0));
    await run("only failing", "Show only health failing");
    await waitFor(() => expect(search()).toEqual({ text: "health:failing" }));
    await run("view mine", "View mine");
    await waitFor(() => expect(search()).toEqual({ text: "is:off" }));
    await run("show all ext", "Show all extensions");
    await waitFor(() => expect(screen.getByRole("searchbox")).toHaveValue(""));
    await run("delete pii", "Delete pii_guard…");
    expect(await screen.findByRole("dialog", { name: "Delete pii_guard?" })).toBeVisible();
    expect(backend.callsOf("delete_extensions")).toEqual([]);
  });

  it("stays away while a dialog is open", async () => {
    startBackend();
    const { user } = renderApp("/extensions?form=new");
    await screen.findByRole("dialog", { name: "New extension" });
    await user.keyboard("{Control>}k{/Control}");
    expect(screen.queryByPlaceholderText("A page, an action or an extension")).not.toBeInTheDocument();
  });
});

describe("the list of keys", () => {
  it("opens by ?", async () => {
    startBackend();
    const { user } = renderApp("/health");
    await screen.findByRole("heading", { level: 1, name: "Health" });
    await user.keyboard("?");
    expect(await screen.findByRole("dialog", { name: "Keys" })).toHaveTextContent("Review, then save");
  });
});
