import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { ErrorReport } from "../bindings";
import { startBackend } from "../testing/backend";
import { jsonIn, writeJson } from "../testing/editor";
import { embedded, readyStatus } from "../testing/fixtures";
import { renderApp } from "../testing/renderApp";

const gone: ErrorReport = {
  code: "server_start_failed",
  message: "PostgreSQL ended 4 times.",
  action: "Look at its log, then try again.",
  detail: "FATAL: no space",
  field: null,
  facts: null,
};

const away = () => screen.queryByRole("region", { name: "The database is away" });

describe("while the database is away", () => {
  it("leaves a form with all that was typed, secrets too, and saves it when the database is back", async () => {
    const backend = startBackend();
    const { user } = renderApp("/extensions?open=pii_guard&form=edit");
    const form = within(await screen.findByRole("dialog", { name: "Edit pii_guard" }));
    fireEvent.change(form.getByRole("textbox", { name: "Subject" }), { target: { value: "typed" } });
    writeJson("Configuration", '{"api_key": "planted"}');
    await user.click(form.getByRole("button", { name: "Review" }));
    await user.type(form.getByLabelText("Reason (optional)"), "why");

    await backend.emitStatus({ state: "starting", step: "recovering" });
    expect(away()).toHaveTextContent(/The database is away.*Recovering.*What you type stays/);
    expect(form.getByRole("button", { name: "Save" })).toBeDisabled();
    fireEvent.keyDown(window, { key: "Enter", ctrlKey: true });
    expect(backend.callsOf("update_extension")).toEqual([]);

    await backend.emitStatus(readyStatus);
    expect(away()).toBeNull();
    expect(form.getByLabelText("Reason (optional)")).toHaveValue("why");
    await user.click(form.getByRole("button", { name: "Back" }));
    expect(form.getByRole("textbox", { name: "Subject" })).toHaveValue("typed");
    expect(jsonIn("Configuration")).toBe('{"api_key": "planted"}');
    await user.click(form.getByRole("button", { name: "Review" }));
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(backend.callsOf("update_extension")).toHaveLength(1));
  });

  it("says of when what is shown is, and how long ago that was", async () => {
    const backend = startBackend();
    renderApp("/extensions");
    await screen.findByText("pii_guard");
    await backend.emitStatus({ state: "starting", step: "connecting" });
    expect(away()).toHaveTextContent(/What is shown is of \d\d:\d\d:\d\d, [\d.]+ s ago/);
  });

  it("says why it did not come back and tries again", async () => {
    const backend = startBackend();
    const { user } = renderApp("/extensions");
    await screen.findByText("pii_guard");
    await backend.emitStatus({ state: "failed", error: gone, profile: embedded });
    expect(screen.getByRole("table", { name: "Extensions" }), "the page stays").toBeVisible();
    const banner = within(away() ?? document.body);
    expect(banner.getByTestId("error-code")).toHaveTextContent("server_start_failed");
    await user.click(banner.getByRole("button", { name: "Copy details" }));
    expect(await navigator.clipboard.readText()).toContain("no space");
    backend.status = readyStatus;
    await user.click(banner.getByRole("button", { name: "Try again" }));
    expect(backend.callsOf("retry_database")).toHaveLength(1);
    await waitFor(() => expect(away()).toBeNull());
  });

  it("switches off what needs it, with the reason", async () => {
    const backend = startBackend();
    renderApp("/extensions");
    await screen.findByText("pii_guard");
    await backend.emitStatus({ state: "starting", step: "connecting" });
    const button = screen.getByRole("button", { name: "New" });
    expect(button).toHaveAttribute("aria-disabled", "true");
    await backend.emitStatus(readyStatus);
    expect(button).not.toHaveAttribute("aria-disabled");
  });

  it("reads again what is shown when it is back", async () => {
    const backend = startBackend();
    renderApp("/extensions");
    await screen.findByText("pii_guard");
    await backend.emitStatus({ state: "starting", step: "connecting" });
    backend.extensions = backend.extensions.filter(({ id }) => id !== "pii_guard");
    await backend.emitStatus(readyStatus);
    await waitFor(() => expect(screen.queryByText("pii_guard")).not.toBeInTheDocument());
  });
});
