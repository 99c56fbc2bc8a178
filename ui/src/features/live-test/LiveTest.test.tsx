import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { jsonIn, writeJson } from "../../testing/editor";
import { forbidden, natsSetUp, testReport } from "../../testing/fixtures";
import { chooseMore } from "../../testing/menu";
import { renderApp } from "../../testing/renderApp";

const test = () => screen.findByRole("region", { name: "Test of pii_guard" });
const result = () => screen.findByRole("region", { name: "Result" });
const at = "/extensions?open=pii_guard&tab=test";

describe("a test message", () => {
  it("is sent as its type's, and the answer is shown with its latency and every digit", async () => {
    const backend = startBackend();
    const { user } = renderApp(at);
    await test();
    expect(jsonIn("Message")).toBe('{"test": true}');
    await user.click(screen.getByRole("button", { name: "Send" }));
    const shown = await result();
    expect(shown).toHaveTextContent("Answered12 msin its history, as a test");
    expect(within(shown).getByTestId("reply")).toHaveTextContent('{"ok": true, "rate": 1.00}');
    expect(backend.callsOf("send_test_message")).toEqual([{ id: "pii_guard", payload: '{"test": true}' }]);
    expect(within(shown).queryByRole("list", { name: "Attempts" })).not.toBeInTheDocument();
  });

  it("is sent as it was edited, by Ctrl Enter", async () => {
    const backend = startBackend();
    const { user } = renderApp(at);
    await test();
    writeJson("Message", '{"mine": 1.00}');
    await user.keyboard("{Control>}{Enter}{/Control}");
    await result();
    expect(backend.callsOf("send_test_message")).toEqual([{ id: "pii_guard", payload: '{"mine": 1.00}' }]);
  });

  it("is not sent while it is no JSON", async () => {
    const backend = startBackend();
    const { user } = renderApp(at);
    await test();
    writeJson("Message", "{");
    const send = screen.getByRole("button", { name: "Send" });
    await waitFor(() => expect(send).toHaveAttribute("aria-disabled", "true"));
    await user.keyboard("{Control>}{Enter}{/Control}");
    expect(backend.callsOf("send_test_message")).toEqual([]);
  });

  it("that nobody answers shows each attempt, and what to do", async () => {
    const backend = startBackend();
    backend.testReport = testReport({
      reply: null,
      failure: {
        code: "timed_out",
        message: "No answer came on beamline.x within 200 ms, asked 2 times.",
        action: "It listens and is too slow.",
        detail: null,
        field: null,
      },
      attempts: [
        { outcome: "timed_out", duration_ms: 200.1 },
        { outcome: "timed_out", duration_ms: 200.4 },
      ],
    });
    const { user } = renderApp(at);
    await test();
    await user.click(screen.getByRole("button", { name: "Send" }));
    const shown = await result();
    expect(within(shown).getByRole("alert")).toHaveTextContent(
      "No answer came on beamline.x within 200 ms, asked 2 times. It listens and is too slow.",
    );
    expect(within(shown).getByTestId("error-code")).toHaveTextContent("timed_out");
    const attempts = within(within(shown).getByRole("list", { name: "Attempts" })).getAllByRole("listitem");
    expect(attempts.map((attempt) => attempt.textContent)).toEqual([
      "Firstno answer in time200 ms",
      "Retry 1no answer in time200 ms",
    ]);
  });

  it("whose answer is no JSON or speaks of an error says so beside the answer", async () => {
    const backend = startBackend();
    const reply = testReport().outcome.reply;
    if (!reply) throw new Error("the fixture has an answer");
    backend.testReport = testReport({ reply: { ...reply, error: "no model" } });
    const { user } = renderApp(at);
    await test();
    await user.click(screen.getByRole("button", { name: "Send" }));
    expect(await result()).toHaveTextContent("The answer speaks of an error: no model");
    backend.testReport = testReport({
      reply: { ...reply, text: "<html>", is_json: false },
      failure: {
        code: "reply_not_json",
        message: "The answer is no JSON.",
        action: "",
        detail: null,
        field: null,
      },
    });
    await user.click(screen.getByRole("button", { name: "Send" }));
    expect(await screen.findByText("<html>")).toBeVisible();
    expect(await result()).toHaveTextContent("The answer is no JSON");
  });

  it("can be stopped while it waits", async () => {
    const backend = startBackend();
    backend.testReport = null;
    let answer = () => {};
    backend.holds.set("send_test_message", new Promise((resolve) => (answer = resolve)));
    const { user } = renderApp(at);
    await test();
    await user.click(screen.getByRole("button", { name: "Send" }));
    expect(await screen.findByText(/Waiting for an answer, 400 ms at most/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Stop waiting" }));
    expect(backend.callsOf("stop_test_message")).toHaveLength(1);
    answer();
    expect(await screen.findByText(/Stopped. Nothing was recorded/)).toBeVisible();
  });

  it("says why it could not be sent or recorded", async () => {
    const backend = startBackend();
    backend.failures.set("send_test_message", forbidden);
    const { user } = renderApp(at);
    await test();
    await user.click(screen.getByRole("button", { name: "Send" }));
    expect(await screen.findByRole("alert")).toHaveTextContent(forbidden.message);
    backend.failures.clear();
    backend.testReport = { ...testReport(), is_recorded: false, not_recorded: forbidden };
    await user.click(screen.getByRole("button", { name: "Send" }));
    expect(await result()).toHaveTextContent("not recorded");
    expect(within(await result()).getByRole("alert")).toHaveTextContent(forbidden.message);
  });

  it("is reached from the menu and by a key", async () => {
    startBackend();
    const { user, search } = renderApp("/extensions?open=pii_guard");
    await screen.findByRole("complementary", { name: "Extension pii_guard" });
    await chooseMore(user, "Send a test message");
    await test();
    expect(search()).toMatchObject({ open: "pii_guard", tab: "test" });
    await user.click(screen.getByRole("tab", { name: "Overview" }));
    await waitFor(() => expect(screen.queryByRole("region", { name: /^Test of/ })).not.toBeInTheDocument());
    await user.keyboard("m");
    await test();
  });
});

describe("what is in the way of a test message", () => {
  it("is that NATS is not set up, with the way to Settings", async () => {
    const backend = startBackend();
    backend.nats = { settings: null, secret: "not_needed" };
    const { user, path } = renderApp(at);
    const shown = await test();
    expect(await within(shown).findByText(/NATS is not set up/)).toBeVisible();
    const send = screen.getByRole("button", { name: "Send" });
    expect(send).toHaveAttribute("aria-disabled", "true");
    await user.click(send);
    expect(backend.callsOf("send_test_message")).toEqual([]);
    await user.click(screen.getByRole("link", { name: "Open Settings" }));
    await waitFor(() => expect(path()).toBe("/settings"));
  });

  it("is a secret that was kept until the console was closed", async () => {
    const backend = startBackend();
    backend.nats = { ...natsSetUp, secret: "missing" };
    renderApp(at);
    expect(await screen.findByText(/The password for NATS is not known any more/)).toBeVisible();
  });

  it("is a login that may only look", async () => {
    const backend = startBackend();
    backend.permissions = { ...backend.permissions, can_test: false, can_edit: false };
    renderApp(at);
    expect(await screen.findByText(/it needs the role registry_operator/)).toBeVisible();
    expect(screen.queryByRole("link", { name: "Open Settings" })).not.toBeInTheDocument();
    expect(screen.getByRole("combobox", { name: "Try it by itself" })).toBeDisabled();
  });
});

describe("the message that is kept", () => {
  it("is kept for the extension, and forgotten", async () => {
    const backend = startBackend();
    const { user } = renderApp(at);
    await test();
    writeJson("Message", '{"mine": 1}');
    await user.click(screen.getByRole("button", { name: "Template" }));
    await user.click(await screen.findByRole("menuitem", { name: "Keep for this extension" }));
    expect(await screen.findByText("The message of this extension")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Template" }));
    await user.click(await screen.findByRole("menuitem", { name: "Forget that of this extension" }));
    await waitFor(() => expect(jsonIn("Message")).toBe('{"test": true}'));
    expect(backend.callsOf("set_test_payload")).toEqual([
      { scope: { kind: "extension", value: "pii_guard" }, payload: '{"mine": 1}' },
      { scope: { kind: "extension", value: "pii_guard" }, payload: null },
    ]);
  });

  it("is kept for the type by who may edit alone", async () => {
    const backend = startBackend();
    backend.permissions = { ...backend.permissions, can_edit: false };
    const { user } = renderApp(at);
    await test();
    writeJson("Message", '{"mine": 1}');
    await user.click(screen.getByRole("button", { name: "Template" }));
    const keep = await screen.findByRole("menuitem", { name: "Keep for all validator extensions" });
    await waitFor(() => expect(keep).toHaveAttribute("aria-disabled", "true"));
    await user.click(keep);
    expect(backend.callsOf("set_test_payload")).toEqual([]);
  });

  it("is sent regularly when somebody says so", async () => {
    const backend = startBackend();
    const { user } = renderApp(at);
    await test();
    await user.click(screen.getByRole("combobox", { name: "Try it by itself" }));
    await user.click(await screen.findByRole("option", { name: "every 5 min" }));
    await waitFor(() =>
      expect(backend.callsOf("set_test_schedule")).toEqual([{ id: "pii_guard", checkEverySeconds: 300 }]),
    );
    expect(await screen.findByText(/by one console at a time/)).toBeVisible();
  });
});
