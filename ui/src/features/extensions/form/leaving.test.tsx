import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { leaveThen } from "../../../api/leaving";
import { startBackend } from "../../../testing/backend";
import { jsonIn, writeJson } from "../../../testing/editor";
import { readyElsewhere, remoteProfile } from "../../../testing/fixtures";
import { renderApp } from "../../../testing/renderApp";

beforeEach(() => localStorage.clear());

async function editing() {
  const backend = startBackend();
  const app = renderApp("/extensions?open=pii_guard&form=edit");
  const form = within(await screen.findByRole("dialog", { name: "Edit pii_guard" }));
  const write = (subject: string) =>
    fireEvent.change(form.getByLabelText("Subject"), { target: { value: subject } });
  const unsaved = () => backend.callsOf("report_unsaved").at(-1);
  return { backend, ...app, form, write, unsaved };
}

describe("quitting while something is typed", () => {
  it("is asked about, and the draft stays", async () => {
    const { backend, user, form, write, unsaved } = await editing();
    expect(backend.callsOf("report_unsaved"), "what is clean is not asked about").toEqual([]);
    write("typed");
    await waitFor(() => expect(unsaved()).toEqual({ unsaved: true }));
    await backend.emitQuitAsked();
    expect(backend.callsOf("answer_quit"), "the program knows that it is asked").toEqual([
      { answer: "asking" },
    ]);
    await user.click(form.getByRole("button", { name: "Keep editing" }));
    expect(form.getByLabelText("Subject")).toHaveValue("typed");
    await backend.emitQuitAsked();
    expect(form.getByText(/kept as a draft/)).toBeVisible();
    await user.click(form.getByRole("button", { name: "Quit, keep the draft" }));
    expect(backend.callsOf("answer_quit").at(-1)).toEqual({ answer: "quit" });
    expect(localStorage.getItem("extension-draft edit pii_guard")).toContain("typed");
  });

  it("says so where a secret keeps the draft from the disk", async () => {
    const { backend, form, unsaved } = await editing();
    writeJson("Configuration", '{"api_key": "planted"}');
    await waitFor(() => expect(unsaved()).toEqual({ unsaved: true }));
    await backend.emitQuitAsked();
    expect(form.getByText(/no draft of it is kept/)).toBeVisible();
    expect(form.getByRole("button", { name: "Quit without it" })).toBeVisible();
    expect(jsonIn("Configuration")).toContain("planted");
  });

  it("is no matter any more once the form is closed", async () => {
    const { user, form, write, unsaved } = await editing();
    write("typed");
    await waitFor(() => expect(unsaved()).toEqual({ unsaved: true }));
    await user.click(form.getByRole("button", { name: "Cancel" }));
    await user.click(form.getByRole("button", { name: "Discard changes" }));
    await waitFor(() => expect(unsaved()).toEqual({ unsaved: false }));
  });
});

describe("closing while something is typed", () => {
  it("is asked about at Escape and at the cross; a click beside the form does nothing", async () => {
    const { user, form, write } = await editing();
    write("typed");
    const asked = () => form.findByRole("alertdialog", { name: "Not saved" });
    for (const leave of [
      () => user.keyboard("{Escape}"),
      () => user.click(form.getByRole("button", { name: "Close the dialog" })),
    ]) {
      await leave();
      await asked();
      await user.click(form.getByRole("button", { name: "Keep editing" }));
      await waitFor(() => expect(form.queryByRole("alertdialog")).toBeNull());
      expect(form.getByLabelText("Subject")).toHaveValue("typed");
    }
    for (const beside of document.querySelectorAll(".mantine-Modal-overlay, .mantine-Modal-inner"))
      await user.click(beside);
    expect(form.queryByRole("alertdialog")).toBeNull();
    expect(form.getByLabelText("Subject")).toHaveValue("typed");
  });

  it("is asked about where a reason is all that is left of it", async () => {
    const { user, form, write } = await editing();
    write("typed");
    await user.click(form.getByRole("button", { name: "Review" }));
    await user.type(form.getByLabelText("Reason (optional)"), "why");
    await user.click(form.getByRole("button", { name: "Back" }));
    write("beamline.ext.validate.pii_guard.v1");
    await user.click(form.getByRole("button", { name: "Cancel" }));
    expect(await form.findByRole("alertdialog", { name: "Not saved" })).toBeVisible();
  });

  it("does not throw away at a second Escape what it asks about at the first", async () => {
    const { user, form, write, goTo, path } = await editing();
    write("typed");
    await user.keyboard("{Escape}");
    await form.findByRole("alertdialog", { name: "Not saved" });
    await user.keyboard("{Escape}");
    await waitFor(() => expect(form.queryByRole("alertdialog")).toBeNull());
    expect(form.getByLabelText("Subject")).toHaveValue("typed");
    await goTo("/audit");
    await form.findByRole("alertdialog", { name: "Not saved" });
    await user.keyboard("{Escape}");
    await waitFor(() => expect(form.queryByRole("alertdialog")).toBeNull());
    expect(path()).toBe("/extensions");
    expect(form.getByLabelText("Subject")).toHaveValue("typed");
  });
});

describe("another registry", () => {
  it("is shown only after an answer, and the draft stays", async () => {
    const { user, form, write, unsaved } = await editing();
    const go = vi.fn();
    leaveThen(go);
    expect(go, "nothing was typed").toHaveBeenCalledOnce();
    write("typed");
    await waitFor(() => expect(unsaved()).toEqual({ unsaved: true }));
    act(() => leaveThen(go));
    await user.click(form.getByRole("button", { name: "Keep editing" }));
    expect(go).toHaveBeenCalledOnce();
    act(() => leaveThen(go));
    await user.click(form.getByRole("button", { name: "Switch, keep the draft" }));
    expect(go).toHaveBeenCalledTimes(2);
    expect(localStorage.getItem("extension-draft edit pii_guard")).toContain("typed");
  });

  it("does not offer the draft of this one", async () => {
    const { backend, write, unmount } = await editing();
    write("typed");
    await waitFor(() => expect(localStorage.getItem("extension-draft edit pii_guard")).toContain("typed"));
    unmount();
    backend.status = readyElsewhere(remoteProfile("eu"));
    renderApp("/extensions?open=pii_guard&form=edit");
    const elsewhere = within(await screen.findByRole("dialog", { name: "Edit pii_guard" }));
    expect(elsewhere.getByLabelText("Subject")).toHaveValue("beamline.ext.validate.pii_guard.v1");
    expect(elsewhere.queryByRole("button", { name: "Go on with it" })).not.toBeInTheDocument();
  });
});

describe("another page", () => {
  it("is gone to only after what was typed is given up", async () => {
    const { user, form, write, goTo, path } = await editing();
    write("typed");
    await goTo("/audit");
    expect(await form.findByText("What you typed is not saved.")).toBeVisible();
    await user.click(form.getByRole("button", { name: "Keep editing" }));
    expect(path()).toBe("/extensions");
    expect(form.getByLabelText("Subject")).toHaveValue("typed");
    await goTo("/audit");
    await user.click(await form.findByRole("button", { name: "Discard changes" }));
    await waitFor(() => expect(path()).toBe("/audit"));
    expect(localStorage.getItem("extension-draft edit pii_guard")).toBeNull();
  });

  it("is gone to at once from a form in which nothing was typed", async () => {
    const { goTo, path } = await editing();
    await goTo("/audit");
    await waitFor(() => expect(path()).toBe("/audit"));
  });
});
