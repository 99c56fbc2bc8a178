import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { auditEntry, forbidden, pastExtension } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

const past = pastExtension("pii_guard", { timeout_ms: 200, retry: 1, enabled: false, revision: 3 });

describe("the registry as of a moment", () => {
  it("asks for a moment first, and shows the registry of the revision that is given", async () => {
    const backend = startBackend();
    backend.past = { revision: 3, extensions: [past] };
    const { user, search } = renderApp("/as-of");
    expect(await screen.findByText("Choose a moment")).toBeVisible();
    expect(screen.getByRole("button", { name: "Show" })).toBeDisabled();
    await user.type(screen.getByRole("textbox", { name: "Revision" }), "3");
    await user.click(screen.getByRole("button", { name: "Show" }));
    await waitFor(() => expect(search()).toEqual({ revision: 3 }));
    const list = await screen.findByRole("list", { name: "Registry then" });
    for (const part of ["pii_guard", "validator", "200 ms", "×1", "Off", "#3"]) {
      expect(list).toHaveTextContent(part);
    }
    await user.click(within(list).getByRole("button", { name: "All fields of pii_guard" }));
    expect(list).toHaveTextContent('config{"patterns": []}');
    expect(backend.callsOf("registry_as_of")).toEqual([{ moment: { kind: "revision", value: 3 } }]);
    expect(screen.queryByRole("switch"), "the past can't be switched").toBeNull();
  });

  it("tells what has changed since, and leads to its history", async () => {
    const backend = startBackend();
    backend.past = { revision: 3, extensions: [past] };
    backend.auditEntries = [auditEntry(4)];
    backend.differences = [
      { extension_id: "pii_guard", kind: "changed", changes: [{ path: "/retry", before: "1", after: "5" }] },
      {
        extension_id: "old_one",
        kind: "deleted",
        changes: [{ path: "/id", before: '"old_one"', after: null }],
      },
    ];
    const { user, path, search } = renderApp("/as-of?time=2026-11-01T12:00:00Z");
    await user.click(await screen.findByRole("radio", { name: "Changed since (2)" }));
    expect(screen.getByRole("region", { name: "pii_guard" })).toHaveTextContent("retry−1+5");
    expect(screen.getByRole("region", { name: "old_one" })).toHaveTextContent("deleted since");
    await user.click(screen.getByRole("link", { name: "pii_guard" }));
    await waitFor(() => expect(path()).toBe("/audit"));
    expect(search()).toEqual({ extension: "pii_guard" });
  });

  it("is where an entry leads to", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(7)];
    const { user, path, search } = renderApp("/audit");
    await user.click(await screen.findByRole("button", { name: "Details of #7" }));
    await user.click(screen.getByRole("button", { name: "Registry as of here" }));
    await waitFor(() => expect(path()).toBe("/as-of"));
    expect(search()).toEqual({ revision: 7 });
  });

  it("says why it could not be read", async () => {
    const backend = startBackend();
    backend.failures.set("registry_as_of", { ...forbidden, message: "There is no revision 9." });
    renderApp("/as-of?revision=9");
    expect(await screen.findByRole("alert")).toHaveTextContent("There is no revision 9.");
  });
});
