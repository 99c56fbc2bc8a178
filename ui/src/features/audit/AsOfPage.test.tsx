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
    expect(list).toHaveTextContent('Configuration{"patterns": []}');
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
    expect(screen.getByRole("region", { name: "pii_guard" })).toHaveTextContent("Retries−1+5");
    expect(screen.getByRole("region", { name: "old_one" })).toHaveTextContent("deleted since");
    await user.click(screen.getByRole("link", { name: "pii_guard" }));
    await waitFor(() => expect(path()).toBe("/audit"));
    expect(search()).toEqual({ extension: "pii_guard" });
  });

  it("is searched by id, type and subject, then and since", async () => {
    const backend = startBackend();
    backend.past = {
      revision: 3,
      extensions: [past, pastExtension("mock_provider", { type: "provider", subject: "beamline.p.v1" })],
    };
    backend.differences = Array.from({ length: 300 }, (_, index) => ({
      extension_id: `e${index}`,
      kind: "changed",
      changes: [{ path: "/retry", before: "1", after: "5" }],
    }));
    const { user } = renderApp("/as-of?revision=3");
    const list = await screen.findByRole("list", { name: "Registry then" });
    await user.type(screen.getByRole("searchbox"), "PROVIDER");
    await waitFor(() => expect(list).not.toHaveTextContent("pii_guard"));
    expect(list).toHaveTextContent("mock_provider");
    await user.type(screen.getByRole("searchbox"), " none");
    expect(await screen.findByText(/Nothing has/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Show all" }));
    await user.click(screen.getByRole("radio", { name: "Changed since (300)" }));
    // Only what is in sight is drawn, and the last one can be found all the same.
    const page = within(screen.getByRole("main"));
    expect((await page.findAllByRole("region")).length).toBeLessThan(50);
    await user.type(screen.getByRole("searchbox"), "e299");
    await waitFor(() => expect(page.getAllByRole("region")).toHaveLength(1));
    expect(screen.getByRole("region", { name: "e299" })).toBeVisible();
  });

  it("says that the log may not be read", async () => {
    const backend = startBackend();
    backend.failures.set("registry_as_of", forbidden);
    renderApp("/as-of?revision=3");
    expect(await screen.findByText("Your login may not read the audit log")).toBeVisible();
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
    backend.failures.set("registry_as_of", {
      ...forbidden,
      code: "invalid_input",
      facts: null,
      message: "There is no revision 9.",
    });
    renderApp("/as-of?revision=9");
    expect(await screen.findByRole("alert")).toHaveTextContent("There is no revision 9.");
  });
});
