import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { type Backend, protect, startBackend } from "../../testing/backend";
import { consumerReport, extension, forbidden, reasonRequired } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

const piiGuard = { name: "pii_guard enabled" };

function switches(backend: Backend): unknown[] {
  return backend.callsOf("set_extension_enabled").map((args) => {
    const { enabled, note } = (
      args as { request: { enabled: boolean; note: { reason: string | null; confirmed: string[] | null } } }
    ).request;
    return [enabled, note.reason, note.confirmed];
  });
}

describe("switching off what can stop traffic", () => {
  it("asks once, with the effect in words, and is done by Enter", async () => {
    const backend = startBackend();
    backend.asksAbout = "last";
    backend.consumers = ["a", "b", "c"].map((name) => consumerReport(name));
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    const dialog = await screen.findByRole("dialog", { name: "Switch off pii_guard?" });
    expect(dialog).toHaveTextContent(
      "pii_guard is the only enabled validator: with it off no message is validated.",
    );
    expect(dialog).toHaveTextContent("No call is known of the last 24 hours.");
    expect(dialog).toHaveTextContent(/a and 2 more have applied revision 1\s204\./);
    expect(screen.getByRole("switch", { ...piiGuard, hidden: true }), "rolled back").toBeChecked();
    const reason = within(dialog).getByRole("textbox", { name: "Reason (optional)" });
    await waitFor(() => expect(reason).toHaveFocus());

    await user.keyboard("false positives{Enter}");
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
    await waitFor(() => expect(screen.getByRole("switch", piiGuard)).not.toBeChecked());
    expect(switches(backend)).toEqual([
      [false, null, null],
      [false, "false positives", ["validator"]],
    ]);

    // The way back brings it into service, and is never asked about.
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    await waitFor(() => expect(screen.getByRole("switch", piiGuard)).toBeChecked());
    expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
  });

  it("tells how often they were called, and which routers are at which revision", async () => {
    const backend = startBackend();
    backend.asksAbout = "each";
    backend.knownCalls = [
      { extension_id: "openai_gpt4", call_count: 120_400 },
      { extension_id: "pii_guard", call_count: 1 },
    ];
    backend.consumers = [
      consumerReport("router", { host: "eu-1", applied_revision: 1204 }),
      consumerReport("router", { host: "eu-2", applied_revision: 1204 }),
      consumerReport("edge", { applied_revision: 1201 }),
    ];
    const { user } = renderApp();
    await screen.findByRole("switch", piiGuard);
    await user.click(screen.getByRole("checkbox", { name: "Select all that match" }));
    await user.click(screen.getByRole("button", { name: "Disable 6" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog).toHaveTextContent(
      /In the last 24 hours openai_gpt4 was called 120\s400 times and pii_guard was called once\. Of 4 no call is known\./,
    );
    expect(dialog).toHaveTextContent(
      /router on eu-1 and 1 more have applied revision 1\s204; edge has applied revision 1\s201\./,
    );
  });

  it("names one whose letters turn the direction so that nothing beside it turns", async () => {
    const backend = startBackend();
    const id = "guard\u202etxt";
    backend.extensions = [extension(id)];
    const { user } = renderApp();
    backend.failures.set("set_extension_enabled", forbidden);
    await user.click(await screen.findByRole("switch"));
    const failed = await screen.findByText(/^Could not switch off/);
    expect(failed).toHaveTextContent(`Could not switch off \u2068${id}\u2069`);

    backend.failures.clear();
    backend.asksAbout = "each";
    await user.click(screen.getByRole("switch"));
    expect(await screen.findByRole("dialog")).toHaveAccessibleName(`Switch off \u2068${id}\u2069?`);
  });

  it("is left alone by Escape, and the focus is back on the switch", async () => {
    const backend = startBackend();
    backend.asksAbout = "last";
    const { user } = renderApp();
    const button = await screen.findByRole("switch", piiGuard);
    button.focus();
    await user.keyboard(" ");
    await screen.findByRole("dialog");
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
    expect(screen.getByRole("switch", piiGuard)).toBeChecked();
    await waitFor(() => expect(screen.getByRole("switch", piiGuard)).toHaveFocus());
    expect(switches(backend)).toHaveLength(1);
  });

  it("is left alone by the button that refuses", async () => {
    const backend = startBackend();
    backend.asksAbout = "last";
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByTestId("traffic-effects");
    await user.click(within(dialog).getByRole("button", { name: "Keep it on" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
    expect(screen.getByRole("switch", piiGuard)).toBeChecked();
    expect(switches(backend)).toEqual([[false, null, null]]);
    expect(backend.extensions.find(({ id }) => id === "pii_guard")?.enabled).toBe(true);
  });

  it("says inside the dialog why it could not be done", async () => {
    const backend = startBackend();
    backend.asksAbout = "last";
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    const dialog = await screen.findByRole("dialog");
    backend.failures.set("set_extension_enabled", forbidden);
    await user.click(within(dialog).getByRole("button", { name: "Switch off" }));
    await waitFor(() => expect(dialog).toHaveTextContent(forbidden.message));
    expect(screen.getByRole("switch", { ...piiGuard, hidden: true })).toBeChecked();
  });

  it("asks again when another switched off the others meanwhile", async () => {
    const backend = startBackend();
    backend.asksAbout = "each";
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", { name: "mock_provider enabled" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog).toHaveTextContent("mock_provider stops at once; 2 other providers stay on.");
    backend.extensions = backend.extensions.map((row) =>
      row.type === "provider" && row.id !== "mock_provider" ? { ...row, enabled: false } : row,
    );
    await user.click(within(dialog).getByRole("button", { name: "Switch off" }));
    await waitFor(() => expect(dialog).toHaveTextContent("mock_provider is the only enabled provider"));
    expect(dialog).toHaveTextContent("It changed meanwhile");
    await user.click(within(dialog).getByRole("button", { name: "Switch off" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  });

  it("is asked about from the command palette too, on any page", async () => {
    const backend = startBackend();
    backend.asksAbout = "last";
    const { user } = renderApp("/settings");
    await screen.findByRole("region", { name: "Database" });
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await screen.findByRole("textbox", { name: /Find a page/ }), "switch off pii_guard");
    await user.click(await screen.findByText("Switch off pii_guard"));
    const dialog = await screen.findByRole("dialog", { name: "Switch off pii_guard?" });
    await user.click(within(dialog).getByRole("button", { name: "Switch off" }));
    await waitFor(() => expect(switches(backend).at(-1)).toEqual([false, null, ["validator"]]));
  });

  it("is asked about when it is saved from the form", async () => {
    const backend = startBackend();
    backend.asksAbout = "last";
    const { user } = renderApp("/extensions?open=pii_guard&form=edit");
    const dialog = await screen.findByRole("dialog", { name: "Edit pii_guard" });
    await user.click(await within(dialog).findByRole("checkbox", { name: "On: routers use it" }));
    await user.click(within(dialog).getByRole("button", { name: "Review" }));
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByTestId("traffic-effects")).toHaveTextContent(
      "pii_guard is the only enabled validator",
    );
    await user.click(within(dialog).getByRole("button", { name: "Save and switch off" }));
    await waitFor(() =>
      expect(backend.callsOf("update_extension").at(-1)).toMatchObject({
        request: { note: { confirmed: ["validator"] } },
      }),
    );
  });
});

describe("a deletion", () => {
  it("is asked about once, with what it does to traffic", async () => {
    const backend = startBackend();
    backend.asksAbout = "last";
    const { user } = renderApp();
    await user.click(await screen.findByRole("checkbox", { name: "Select pii_guard" }));
    await user.click(screen.getByRole("button", { name: "Delete 1…" }));
    const dialog = await screen.findByRole("dialog", { name: "Delete pii_guard?" });
    expect(await within(dialog).findByTestId("traffic-effects")).toHaveTextContent(
      "pii_guard is the only enabled validator: with it deleted no message is validated.",
    );
    await user.click(within(dialog).getByRole("button", { name: "Delete" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
    expect(backend.callsOf("delete_extensions")).toHaveLength(1);
  });
});

describe("a registry that asks for reasons", () => {
  it("is believed at the field where the window did not know of it", async () => {
    const backend = startBackend();
    backend.failures.set("set_extension_enabled", reasonRequired);
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    const dialog = await screen.findByRole("dialog", { name: "Switch off pii_guard?" });
    const reason = within(dialog).getByRole("textbox", { name: /^Reason/ });
    await user.click(within(dialog).getByRole("button", { name: "Switch off" }));
    await waitFor(() => expect(reason).toBeInvalid());
    expect(reason).toHaveAccessibleDescription(/This registry asks for a reason\./);
    backend.failures.clear();
    await user.type(reason, "incident 7{Enter}");
    await waitFor(() => expect(screen.getByRole("switch", piiGuard)).not.toBeChecked());
    expect(switches(backend).at(-1)).toEqual([false, "incident 7", expect.anything()]);
  });

  it("asks before several are switched, too, and switches none without", async () => {
    const backend = startBackend();
    protect(backend, { is_reason_required: true });
    const { user } = renderApp();
    await user.click(await screen.findByRole("checkbox", { name: "Select pii_guard" }));
    await user.click(screen.getByRole("checkbox", { name: "Select normalize_text" }));
    await user.click(screen.getByRole("button", { name: "Disable 2" }));
    const dialog = await screen.findByRole("dialog", { name: "Disable 2 extensions?" });
    await user.click(within(dialog).getByRole("button", { name: "Disable 2" }));
    expect(await within(dialog).findByText("This registry asks for a reason.")).toBeVisible();
    expect(backend.extensions.every(({ enabled }) => enabled)).toBe(true);
    await user.type(within(dialog).getByRole("textbox", { name: /^Reason/ }), "incident 7{Enter}");
    await waitFor(() =>
      expect(backend.callsOf("set_extensions_enabled").at(-1)).toMatchObject({
        request: { enabled: false, note: { reason: "incident 7" } },
      }),
    );
  });

  it("asks for one before a switch, and takes none that is blank", async () => {
    const backend = startBackend();
    protect(backend, { is_production: true, is_reason_required: true });
    backend.asksAbout = "each";
    const { user } = renderApp();
    await user.click(await screen.findByRole("switch", piiGuard));
    const dialog = await screen.findByRole("dialog", { name: "Switch off pii_guard?" });
    await within(dialog).findByTestId("traffic-effects");
    const reason = within(dialog).getByRole("textbox", { name: /^Reason/ });
    await user.type(reason, "  {Enter}");
    expect(await within(dialog).findByText("This registry asks for a reason.")).toBeVisible();
    expect(reason).toHaveFocus();
    await user.type(reason, "incident 7{Enter}");
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
    expect(switches(backend), "one question for both").toEqual([
      [false, null, null],
      [false, "incident 7", ["validator"]],
    ]);
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    await waitFor(() =>
      expect(backend.callsOf("undo_changes")).toMatchObject([
        { note: { reason: "Undone at once", confirmed: null } },
      ]),
    );
  });
});
