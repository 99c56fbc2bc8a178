import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { type Backend, protect, startBackend } from "../../../testing/backend";
import { jsonIn, writeJson } from "../../../testing/editor";
import {
  auditEntry,
  extension,
  extensionDetail,
  extensionNotFound,
  forbidden,
  readyStatus,
  reasonRequired,
} from "../../../testing/fixtures";
import { chooseMore } from "../../../testing/menu";
import { renderApp } from "../../../testing/renderApp";
import { resolve } from "./ConflictView";
import { fieldsOf, patchOf } from "./draft";

beforeEach(() => localStorage.clear());

const dialog = (name: string) => screen.findByRole("dialog", { name });
/** Typing would take a key for each of its letters, and braces are keys of their own. */
const write = (label: string, text: string) =>
  fireEvent.change(screen.getByRole("textbox", { name: label }), { target: { value: text } });

async function editing(prepare: (backend: Backend) => void = () => undefined) {
  const backend = startBackend();
  prepare(backend);
  const { user, unmount } = renderApp("/extensions?open=pii_guard");
  await user.click(await screen.findByRole("button", { name: "Edit" }));
  return { backend, user, unmount, form: within(await dialog("Edit pii_guard")) };
}

describe("a new extension", () => {
  it("is checked while it is typed, reviewed and created", async () => {
    const backend = startBackend();
    const { user } = renderApp("/extensions");
    await screen.findByText("pii_guard");
    await user.keyboard("n");
    const form = within(await dialog("New extension"));
    expect(form.getByRole("button", { name: "Review" })).toBeDisabled();
    write("Id", "a b");
    expect(form.getByText("Use letters, digits, _, - and . only.")).toBeVisible();
    write("Id", "fresh");
    write("Subject", "beamline.fresh.*");
    expect(form.getByText(/no wildcards/)).toBeVisible();
    write("Subject", "beamline.fresh");
    writeJson("Configuration", '{"rate": 1.00');
    expect(form.getByText(/Not valid JSON/)).toBeVisible();
    writeJson("Configuration", '{"rate": 1.00}');
    await user.click(form.getByRole("button", { name: "Review" }));
    expect(form.getByLabelText("Changes")).toHaveTextContent('Configuration{"rate": 1.00}');
    await user.type(form.getByLabelText("Reason (optional)"), "asked for");
    await user.click(form.getByRole("button", { name: "Create" }));
    expect(await screen.findByRole("complementary", { name: "Extension fresh" })).toBeVisible();
    expect(backend.callsOf("create_extension")).toMatchObject([
      {
        draft: { id: "fresh", subject: "beamline.fresh", config: '{"rate": 1.00}', timeout_ms: 5000 },
        note: { reason: "asked for" },
      },
    ]);
  });

  it("goes back to the field that the registry refuses", async () => {
    const backend = startBackend();
    backend.failures.set("create_extension", {
      ...forbidden,
      code: "id_taken",
      message: "There is an extension fresh already",
      field: "id",
    });
    const { user } = renderApp("/extensions");
    await user.click(await screen.findByRole("button", { name: "New" }));
    const form = within(await dialog("New extension"));
    write("Id", "fresh");
    write("Subject", "beamline.fresh");
    await user.click(form.getByRole("button", { name: "Review" }));
    await user.click(form.getByRole("button", { name: "Create" }));
    expect(await form.findByText("There is an extension fresh already")).toBeVisible();
    expect(form.getByLabelText("Id")).toHaveValue("fresh");
  });

  it("begins from another one", async () => {
    startBackend();
    const { user } = renderApp("/extensions?open=pii_guard");
    await chooseMore(user, "Duplicate…");
    const form = within(await dialog("New extension"));
    expect(form.getByLabelText("Id")).toHaveValue("pii_guard_copy");
    expect(jsonIn("Configuration")).toBe('{"model": "a", "rate": 1.00}');
  });
});

describe("an edit", () => {
  it("sends what differs and no more, every digit kept", async () => {
    const { backend, user, form } = await editing();
    expect(form.getByRole("button", { name: "Review" })).toBeDisabled();
    writeJson("Configuration", '{"model": "b", "rate": 1.00}');
    await user.click(form.getByRole("button", { name: "Review" }));
    expect(form.getByLabelText("Changes")).toHaveTextContent('Configuration › model−"a"+"b"');
    fireEvent.keyDown(form.getByLabelText("Reason (optional)"), { key: "Enter", ctrlKey: true });
    await waitFor(() =>
      expect(backend.callsOf("update_extension")).toMatchObject([
        {
          request: {
            seen: { id: "pii_guard", revision: 0 },
            patch: { config: '{"model": "b", "rate": 1.00}', retry: null, subject: null, metadata: null },
          },
        },
      ]),
    );
    expect(await screen.findByText(/^Saved/)).toHaveTextContent("Saved pii_guard");
    const [saved] = backend.callsOf("update_extension") as [{ request: { note: { request_id: string } } }];
    backend.auditEntries = [auditEntry(8, { action: "updated", request_id: saved.request.note.request_id })];
    await user.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() =>
      expect(backend.callsOf("undo_changes")).toMatchObject([{ target: { kind: "revision", value: 8 } }]),
    );
  });

  it("shows at once that it is being opened, and why it can't be", async () => {
    const backend = startBackend();
    let answer = () => {};
    backend.holds.set(
      "get_extension",
      new Promise<void>((resolve) => {
        answer = resolve;
      }),
    );
    backend.failures.set("get_extension", forbidden);
    const { user } = renderApp("/extensions?open=pii_guard&form=edit");
    expect(await within(await dialog("Opening the form")).findByLabelText("Opening the form")).toBeVisible();
    answer();
    const failed = within(await dialog("The form can't be opened"));
    expect(failed.getByText("pii_guard could not be read")).toBeVisible();
    expect(failed.getByTestId("error-code")).toHaveTextContent("forbidden");
    backend.failures.clear();
    await user.click(failed.getByRole("button", { name: "Try again" }));
    expect(await screen.findByLabelText("Subject")).toHaveValue("beamline.ext.validate.pii_guard.v1");
  });

  it("is not saved without the reason that the registry asks for, and says so at the field", async () => {
    const { backend, user, form } = await editing((backend) => {
      protect(backend, { is_reason_required: true });
    });
    write("Subject", "mine");
    await user.click(form.getByRole("button", { name: "Review" }));
    backend.failures.set("update_extension", reasonRequired);
    await user.click(form.getByRole("button", { name: "Save" }));
    const reason = form.getByRole("textbox", { name: /^Reason/ });
    await waitFor(() => expect(reason).toBeInvalid());
    expect(reason).toHaveAccessibleDescription(expect.stringContaining(reasonRequired.message));
    expect(form.getByLabelText("Changes"), "the review stays").toBeVisible();
    backend.failures.clear();
    await user.type(reason, "incident 7");
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() =>
      expect(backend.callsOf("update_extension").at(-1)).toMatchObject({
        request: { patch: { subject: "mine" }, note: { reason: "incident 7" } },
      }),
    );
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  });

  it("says with its code and details why it could not be saved", async () => {
    const { backend, user, form } = await editing();
    backend.failures.set("update_extension", forbidden);
    write("Subject", "mine");
    await user.click(form.getByRole("button", { name: "Review" }));
    await user.click(form.getByRole("button", { name: "Save" }));
    expect(await form.findByTestId("error-code")).toHaveTextContent("forbidden");
    expect(form.getByRole("alert")).toHaveTextContent(`${forbidden.message} ${forbidden.action}`);
    await user.click(form.getByRole("button", { name: "Copy details" }));
    expect(await navigator.clipboard.readText()).toContain("SQLSTATE 42501");
  });

  it("of what was deleted meanwhile makes it anew from what was typed, or is discarded", async () => {
    const { backend, user, form } = await editing();
    write("Subject", "mine");
    backend.extensions = backend.extensions.filter(({ id }) => id !== "pii_guard");
    backend.auditEntries = [auditEntry(9, { action: "deleted", changed_by: "ben", reason: "moved" })];
    await backend.emitChange();
    await user.click(await form.findByRole("button", { name: "What now?" }));
    const gone = within(form.getByRole("region", { name: "Deleted meanwhile" }));
    expect(await gone.findByText("ben")).toBeVisible();
    expect(gone.getByText("moved")).toBeVisible();
    expect(gone.getByLabelText("What you have")).toHaveTextContent('Subject"mine"');
    await user.click(gone.getByRole("button", { name: "Create it anew…" }));
    const anew = within(await dialog("New extension"));
    expect(anew.getByLabelText("Id")).toHaveValue("pii_guard");
    await user.click(anew.getByRole("button", { name: "Review" }));
    await user.click(anew.getByRole("button", { name: "Create" }));
    await waitFor(() =>
      expect(backend.callsOf("create_extension")).toMatchObject([
        { draft: { id: "pii_guard", subject: "mine", config: '{"model": "a", "rate": 1.00}' } },
      ]),
    );
  });

  it("learns of the deletion at the latest when it is saved", async () => {
    const { backend, user, form } = await editing();
    write("Subject", "mine");
    backend.failures.set("update_extension", extensionNotFound);
    await user.click(form.getByRole("button", { name: "Review" }));
    await user.click(form.getByRole("button", { name: "Save" }));
    expect(await form.findByRole("region", { name: "Deleted meanwhile" })).toBeVisible();
    await user.click(form.getByRole("button", { name: "Discard it" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  });

  it("says where the configuration does not fit its schema", async () => {
    const { form } = await editing((backend) => {
      backend.violations = [{ path: "/rate", message: "this is less than the minimum of 2" }];
    });
    expect(await form.findByText("/rate: this is less than the minimum of 2")).toBeVisible();
  });

  it("asks before what was typed is thrown away", async () => {
    const { user, form } = await editing();
    write("Subject", "elsewhere");
    await user.click(form.getByRole("button", { name: "Cancel" }));
    expect(form.getByText("What you typed is not saved.")).toBeVisible();
    await user.click(form.getByRole("button", { name: "Keep editing" }));
    expect(form.getByLabelText("Subject")).toHaveValue("elsewhere");
    await user.click(form.getByRole("button", { name: "Cancel" }));
    await user.click(form.getByRole("button", { name: "Discard changes" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  });

  it("offers what was typed before the window went away", async () => {
    const first = await editing();
    write("Subject", "not.yet.saved");
    await waitFor(() => expect(localStorage.getItem("extension-draft edit pii_guard")).toContain("not.yet"));
    first.unmount();
    expect(first.backend.callsOf("update_extension")).toEqual([]);

    const { user, form } = await editing();
    expect(form.getByLabelText("Subject")).toHaveValue("beamline.ext.validate.pii_guard.v1");
    await user.click(form.getByRole("button", { name: "Go on with it" }));
    expect(form.getByLabelText("Subject")).toHaveValue("not.yet.saved");
  });

  it("goes on with a draft where it was: over what it was typed over, its reason and its review with it", async () => {
    const first = await editing();
    write("Subject", "mine");
    await first.user.click(first.form.getByRole("button", { name: "Review" }));
    await first.user.type(first.form.getByLabelText("Reason (optional)"), "why");
    first.unmount();

    // Meanwhile another changes the timeout; the draft must not put back what it was.
    const { backend, user, form } = await editing((backend) => {
      backend.extensions = backend.extensions.map((row) =>
        row.id === "pii_guard" ? { ...row, revision: 9, timeout_ms: 7_000 } : row,
      );
    });
    await user.click(form.getByRole("button", { name: "Go on with it" }));
    expect(form.getByLabelText("Reason (optional)")).toHaveValue("why");
    expect(form.getByLabelText("Changes")).not.toHaveTextContent("Timeout (ms)−");
    expect(await form.findByText(/changed this extension meanwhile/)).toBeVisible();
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() =>
      expect(backend.callsOf("update_extension")).toMatchObject([
        {
          request: {
            seen: { id: "pii_guard", revision: 0 },
            patch: { subject: "mine", timeout_ms: null },
            note: { reason: "why" },
          },
        },
      ]),
    );
  });

  it("keeps the last keystrokes when the page goes away", async () => {
    await editing();
    // What is known to be secret must have been read, else nothing may lie on the disk.
    write("Subject", "first");
    await waitFor(() => expect(localStorage.getItem("extension-draft edit pii_guard")).toContain("first"));
    for (const [typed, goAway] of [
      ["last.keystroke", () => fireEvent(window, new Event("pagehide"))],
      ["out.of.sight", () => fireEvent(document, new Event("visibilitychange"))],
    ] as const) {
      write("Subject", typed);
      goAway();
      expect(localStorage.getItem("extension-draft edit pii_guard")).toContain(typed);
    }
  });

  it("keeps a draft on offer until it is answered", async () => {
    const first = await editing();
    write("Subject", "mine");
    first.unmount();
    const second = await editing();
    expect(second.form.getByRole("button", { name: "Review" })).toBeDisabled();
    await second.user.click(second.form.getByRole("button", { name: "Cancel" }));
    second.unmount();
    const third = await editing();
    await third.user.click(third.form.getByRole("button", { name: "Discard it" }));
    third.unmount();
    const { form } = await editing();
    expect(form.queryByRole("button", { name: "Go on with it" })).not.toBeInTheDocument();
  });

  it("lets no copy be made while a draft of it is on offer", async () => {
    const backend = startBackend();
    const first = renderApp("/extensions?open=pii_guard&form=duplicate");
    await dialog("New extension");
    write("Subject", "mine");
    await waitFor(() =>
      expect(localStorage.getItem("extension-draft duplicate pii_guard")).toContain("mine"),
    );
    first.unmount();
    renderApp("/extensions?open=pii_guard&form=duplicate");
    const form = within(await dialog("New extension"));
    expect(form.getByRole("button", { name: "Go on with it" })).toBeVisible();
    expect(form.getByRole("button", { name: "Review" })).toBeDisabled();
    fireEvent.keyDown(window, { key: "Enter", ctrlKey: true });
    fireEvent.keyDown(window, { key: "Enter", ctrlKey: true });
    expect(backend.callsOf("create_extension")).toEqual([]);
  });

  it("is no draft of a new extension or a copy", async () => {
    startBackend();
    const first = renderApp("/extensions?form=new");
    await dialog("New extension");
    write("Id", "brand_new");
    await waitFor(() => expect(localStorage.getItem("extension-draft create")).toContain("brand_new"));
    first.unmount();
    startBackend();
    renderApp("/extensions?open=pii_guard&form=duplicate");
    const form = within(await dialog("New extension"));
    expect(form.getByLabelText("Id")).toHaveValue("pii_guard_copy");
    expect(form.queryByRole("button", { name: "Go on with it" })).not.toBeInTheDocument();
  });

  it("never leaves a secret on the disk", async () => {
    await editing();
    writeJson("Configuration", '{"max_tokens": 5, "token": "env:NAME"}');
    await waitFor(() => expect(localStorage.getItem("extension-draft edit pii_guard")).toContain("env:NAME"));
    const kept = () => localStorage.getItem("extension-draft edit pii_guard");
    for (const secret of [
      '{"apiKey": "planted"}',
      '{"pin_code": "planted"}',
      '{"pin_code": "planted"',
      '{"url": "https://anna:planted@host/"}',
    ]) {
      writeJson("Configuration", secret);
      await waitFor(() => expect(kept()).toBeNull());
      writeJson("Configuration", '{"token": "env:NAME"}');
      await waitFor(() => expect(kept()).toContain("env:NAME"));
    }
  });

  it("tells of another's change and leaves what was typed alone", async () => {
    const { backend, user, form } = await editing();
    write("Subject", "mine");
    backend.extensions = backend.extensions.map((row) =>
      row.id === "pii_guard"
        ? {
            ...row,
            revision: 9,
            timeout_ms: 7_000,
            last_change: { action: "updated", changed_by: "ben", timestamp: null },
          }
        : row,
    );
    await backend.emitChange();
    expect(await form.findByText(/changed this extension meanwhile/)).toHaveTextContent(
      "ben changed this extension meanwhile: Timeout (ms).",
    );
    expect(form.getByLabelText("Subject")).toHaveValue("mine");
    await user.click(form.getByRole("button", { name: "Show what" }));
    expect(form.getByLabelText("What others changed")).toHaveTextContent("Timeout (ms)−200+7000");
  });
});

describe("the form made from the schema", () => {
  const schema = JSON.stringify({
    type: "object",
    properties: {
      model: { type: "string", title: "Model" },
      temperature: { type: "number", title: "Temperature" },
      api_key: { type: "string", title: "API key", writeOnly: true },
      stream: { type: "boolean", title: "Stream" },
    },
    required: ["model"],
  });
  const config =
    '{"model": "gpt-4", "temperature": 1.00, "own": [1, 2.50], "api_key": {"$redacted": "a1b2c3d4"}}';
  const withSchema = (backend: Backend) => {
    backend.schema = schema;
    backend.configurations.set("pii_guard", config);
  };

  it("is kept in step with the JSON, every digit and every other key kept", async () => {
    const { backend, user, form } = await editing(withSchema);
    const model = await form.findByRole("textbox", { name: "Model" });
    expect(model).toHaveValue("gpt-4");
    expect(form.getByRole("textbox", { name: "Temperature" })).toHaveValue("1.00");
    expect(form.getByText("own")).toBeVisible();
    fireEvent.change(model, { target: { value: "gpt-5" } });
    await user.click(form.getByRole("radio", { name: "Yes" }));
    await user.click(form.getByRole("radio", { name: "JSON" }));
    expect(jsonIn("Configuration")).toContain('"model": "gpt-5"');
    expect(jsonIn("Configuration")).toContain('"stream": true');
    writeJson("Configuration", jsonIn("Configuration").replace("1.00", "1.50"));
    await user.click(form.getByRole("radio", { name: "Form" }));
    expect(form.getByRole("textbox", { name: "Temperature" })).toHaveValue("1.50");
    await user.click(form.getByRole("button", { name: "Review" }));
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(backend.callsOf("update_extension")).toHaveLength(1));
    const [{ request }] = backend.callsOf("update_extension") as [{ request: { patch: { config: string } } }];
    for (const part of ["gpt-5", "1.50", "[1, 2.50]", '{"$redacted": "a1b2c3d4"}', '"stream": true'])
      expect(request.patch.config).toContain(part);
  });

  it("hides a secret and replaces it when asked", async () => {
    const { user, form } = await editing(withSchema);
    expect(await form.findByText("hidden (a1b2c3)")).toBeVisible();
    await user.click(form.getByRole("button", { name: "Replace" }));
    fireEvent.change(form.getByLabelText("API key"), { target: { value: "env:KEY" } });
    await user.click(form.getByRole("radio", { name: "JSON" }));
    expect(jsonIn("Configuration")).toContain('"api_key": "env:KEY"');
  });

  it("says at the field what does not fit, and nothing of a secret that is kept", async () => {
    const { form } = await editing((backend) => {
      withSchema(backend);
      backend.violations = [
        { path: "/temperature", message: "too hot" },
        { path: "/api_key", message: "not a text" },
        { path: "", message: "too few" },
      ];
    });
    await form.findByText("too hot");
    expect(form.getByRole("textbox", { name: "Temperature" })).toHaveAttribute("aria-invalid", "true");
    expect(form.getByText("too few")).toBeVisible();
    expect(form.queryByText("not a text")).not.toBeInTheDocument();
  });

  it("leads to the JSON while that can't be shown as fields", async () => {
    const { user, form } = await editing(withSchema);
    await form.findByRole("textbox", { name: "Model" });
    await user.click(form.getByRole("radio", { name: "JSON" }));
    writeJson("Configuration", "{");
    await user.click(form.getByRole("radio", { name: "Form" }));
    await user.click(form.getByRole("button", { name: "Correct it as JSON" }));
    expect(jsonIn("Configuration")).toBe("{");
  });
});

describe("a form of a schema with parts in parts", () => {
  const schema = JSON.stringify({
    $defs: {
      limits: {
        title: "Limits",
        type: "object",
        properties: {
          rate: { type: "number", title: "Rate" },
          window: { $ref: "#/$defs/window" },
          again: { $ref: "#/$defs/limits" },
        },
      },
      window: { enum: ["day", "hour"], title: "Window" },
    },
    type: "object",
    allOf: [{ properties: { note: { type: "string", title: "Note" } }, required: ["note"] }],
    properties: {
      limits: { $ref: "#/$defs/limits", description: "What may pass" },
      weights: { type: "array", items: { type: "number" }, title: "Weights" },
      levels: { type: "array", items: { enum: ["low", 2, "high"] }, title: "Levels" },
      flags: { type: "array", items: { type: "boolean" }, title: "Flags" },
      deep: { type: "array", items: { type: "object" }, title: "Deep" },
    },
  });
  const config =
    '{"limits": {"rate": 1.00, "own": 7.50}, "weights": [0.50, 1e3], "levels": ["low"], "flags": [true]}';
  const withParts = (backend: Backend) => {
    backend.schema = schema;
    backend.configurations.set("pii_guard", config);
  };
  const inJson = async ({ user, form }: Awaited<ReturnType<typeof editing>>) => {
    await user.click(form.getByRole("radio", { name: "JSON" }));
    return jsonIn("Configuration");
  };

  it("changes a value in a group, and leaves every digit and every key beside it", async () => {
    const app = await editing(withParts);
    const group = within(await app.form.findByRole("group", { name: "Limits" }));
    expect(group.getByText("What may pass")).toBeVisible();
    const rate = group.getByLabelText("Rate");
    expect(rate).toHaveValue("1.00");
    fireEvent.change(rate, { target: { value: "2.00" } });
    expect(group.getByText("own"), "what the schema does not know").toBeVisible();
    await app.user.click(group.getByRole("combobox", { name: "Window" }));
    await app.user.click(await screen.findByRole("option", { name: "hour" }));
    const json = await inJson(app);
    expect(json).toContain('"limits": {"rate": 2.00, "own": 7.50, "window": "hour"}');
    expect(json).toContain('"weights": [0.50, 1e3]');
  });

  it("makes lists of numbers, choices and switches, as they are spelled", async () => {
    const app = await editing(withParts);
    const weights = await app.form.findByRole("combobox", { name: "Weights" });
    await app.user.type(weights, "2.50{Enter}");
    await app.user.type(weights, "many{Enter}");
    expect(app.form.getByText("many is no number.")).toBeVisible();
    await app.user.click(app.form.getByRole("combobox", { name: "Levels" }));
    await app.user.click(await screen.findByRole("option", { name: "2" }));
    await app.user.click(app.form.getByRole("button", { name: "Add" }));
    const json = await inJson(app);
    expect(json).toContain('"weights": [0.50, 1e3, 2.50]');
    expect(json).toContain('"levels": ["low", 2]');
    expect(json).toContain('"flags": [true, false]');
  });

  it("takes in what must hold besides, and leaves to JSON what no field can hold", async () => {
    const { form } = await editing(withParts);
    expect(await form.findByLabelText(/^Note/)).toBeRequired();
    const again = form.getByText("Limits", { selector: "div, span, label" });
    expect(again.closest(".mantine-InputWrapper-root"), "it would have no end").toHaveTextContent(
      /Edit as JSON/,
    );
    expect(form.getByText("Deep").closest(".mantine-InputWrapper-root")).toHaveTextContent(
      /not setEdit as JSON/,
    );
  });

  it("says at the place in the group what does not fit", async () => {
    const { form } = await editing((backend) => {
      withParts(backend);
      backend.violations = [{ path: "/limits/rate", message: "too fast" }];
    });
    await form.findByText("too fast");
    expect(form.getByLabelText("Rate")).toHaveAttribute("aria-invalid", "true");
  });
});

describe("the search in the JSON", () => {
  it("opens over the text, and Escape closes it and not the form", async () => {
    const { user, form } = await editing();
    await user.click(form.getByRole("button", { name: "Find in Configuration" }));
    const find = await form.findByRole("textbox", { name: "Find" });
    find.focus();
    await user.keyboard("{Escape}");
    await waitFor(() => expect(form.queryByRole("textbox", { name: "Find" })).not.toBeInTheDocument());
    expect(form.getByLabelText("Subject"), "the form is still there").toBeVisible();
  });
});

describe("a copy", () => {
  it("asks for the secrets that only the original has", async () => {
    const backend = startBackend();
    backend.configurations.set("pii_guard", '{"api_key": {"$redacted": "a1b2c3d4"}}');
    const { user } = renderApp("/extensions?open=pii_guard&form=duplicate");
    const form = within(await dialog("New extension"));
    expect(form.getByRole("button", { name: "Review" })).toBeDisabled();
    writeJson("Configuration", '{"api_key": {"$redacted": "a1b2c3d4"}, "x": 1}');
    expect(form.getByText(/api_key has a mark in place of a secret/)).toBeVisible();
    writeJson("Configuration", '{"api_key": "env:KEY"}');
    await user.click(form.getByRole("button", { name: "Review" }));
    expect(form.getByRole("button", { name: "Create" })).toBeVisible();
  });
});

describe("a conflict", () => {
  const before = extensionDetail(extension("x", { revision: 1 }), '{"a": 1.00, "b": {"c": 1}, "d": 1}');
  const current = extensionDetail(
    extension("x", { revision: 2, retry: 5 }),
    '{"a": 2.00, "b": {"c": 1}, "d": 1, "new": true}',
  );
  const conflict = {
    current,
    paths: ["/config/a"],
    theirs: [],
    yours: [
      { path: "/config/a", before: "1.00", after: "3.00" },
      { path: "/config/b/c", before: "1", after: "9.50" },
      { path: "/config/d", before: "1", after: null },
      { path: "/timeout_ms", before: "1000", after: "50" },
    ],
  };
  const yours = { ...fieldsOf(before), timeout_ms: 50, config: '{"a": 3.00, "b": {"c": 9.50}}' };

  it("keeps all of both but for the places where one side was chosen", () => {
    expect(resolve(conflict, yours, { "/config/a": "theirs" })).toMatchObject({
      retry: 5,
      timeout_ms: 50,
      config: '{"a": 2.00, "b": {"c": 9.50}, "new": true}',
    });
    const mine = resolve(conflict, yours, { "/config/a": "yours" });
    expect(mine.config).toBe('{"a": 3.00, "b": {"c": 9.50}, "new": true}');
    expect(patchOf(fieldsOf(current), mine)).toMatchObject({
      retry: null,
      timeout_ms: 50,
      config: mine.config,
    });
  });

  it("takes nothing of yours from inside a place for which no side was chosen", () => {
    const wider = { ...conflict, paths: ["/config/a", "/config/b"] };
    expect(resolve(wider, yours, {}).config).toBe('{"a": 2.00, "b": {"c": 1}, "new": true}');
    expect(resolve(wider, yours, { "/config/b": "yours" }).config).toBe(
      '{"a": 2.00, "b": {"c": 9.50}, "new": true}',
    );
  });

  it("is shown place by place, and saved over what is there now", async () => {
    const { backend, user, form } = await editing();
    writeJson("Configuration", '{"model": "mine", "rate": 1.00}');
    const row = backend.extensions.find(({ id }) => id === "pii_guard");
    if (!row) throw new Error("no such row");
    backend.failures.set("update_extension", {
      ...forbidden,
      code: "revision_conflict",
      facts: {
        kind: "conflict",
        value: {
          current: extensionDetail(
            {
              ...row,
              revision: 7,
              last_change: { action: "updated", changed_by: "ben", timestamp: null },
            },
            '{"model": "theirs", "rate": 1.00}',
          ),
          paths: ["/config/model"],
          theirs: [{ path: "/config/model", before: '"a"', after: '"theirs"' }],
          yours: [{ path: "/config/model", before: '"a"', after: '"mine"' }],
        },
      },
    });
    await user.click(form.getByRole("button", { name: "Review" }));
    await user.click(form.getByRole("button", { name: "Save" }));
    expect(await form.findByText(/changed the same as you/)).toHaveTextContent("ben changed the same as you");
    const place = form.getByRole("radiogroup", { name: "Configuration › model" });
    expect(place, "base, theirs and yours").toHaveTextContent('"a""theirs""mine"');
    expect(form.getByRole("button", { name: "Save" })).toBeDisabled();
    await user.keyboard("{Control>}{Enter}{/Control}");
    expect(backend.callsOf("update_extension"), "nor is it saved by the key").toHaveLength(1);
    await user.click(form.getByRole("button", { name: "All theirs" }));
    expect(within(place).getByRole("radio", { name: "Theirs" })).toBeChecked();
    expect(form.queryByLabelText("Changes of the result"), "theirs is what is there").not.toHaveTextContent(
      "mine",
    );
    await user.click(form.getByRole("button", { name: "All yours" }));
    expect(form.getByLabelText("Changes of the result")).toHaveTextContent(
      'Configuration › model−"theirs"+"mine"',
    );
    await user.click(form.getByRole("radio", { name: "Against the base" }));
    expect(form.getByLabelText("Changes of the result")).toHaveTextContent(
      'Configuration › model−"a"+"mine"',
    );
    await user.click(within(place).getByRole("radio", { name: "Yours" }));
    backend.failures.clear();
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() =>
      expect(backend.callsOf("update_extension").at(-1)).toMatchObject({
        request: {
          seen: { id: "pii_guard", revision: 7 },
          patch: { config: '{"model": "mine", "rate": 1.00}' },
        },
      }),
    );
  });

  it("is gone on with in the form once all is chosen, over what is there now", async () => {
    const { backend, user, form } = await editing();
    writeJson("Configuration", '{"model": "mine"}');
    const row = backend.extensions.find(({ id }) => id === "pii_guard");
    if (!row) throw new Error("no such row");
    backend.failures.set("update_extension", {
      ...forbidden,
      code: "revision_conflict",
      facts: {
        kind: "conflict",
        value: {
          current: extensionDetail({ ...row, revision: 7, retry: 5 }, '{"model": "theirs"}'),
          paths: ["/config/model"],
          theirs: [
            { path: "/config/model", before: '"a"', after: '"theirs"' },
            { path: "/retry", before: "1", after: "5" },
          ],
          yours: [{ path: "/config/model", before: '"a"', after: '"mine"' }],
        },
      },
    });
    await user.click(form.getByRole("button", { name: "Review" }));
    await user.click(form.getByRole("button", { name: "Save" }));
    const place = within(await form.findByRole("radiogroup", { name: "Configuration › model" }));
    expect(form.getByRole("button", { name: "Edit the result" })).toBeDisabled();
    await user.click(place.getByRole("radio", { name: "Yours" }));

    await backend.emitStatus({ state: "starting", step: "connecting" });
    expect(form.getByRole("button", { name: "Save" }), "the database is away").toBeDisabled();
    await backend.emitStatus(readyStatus);
    expect(form.getByRole("button", { name: "Save" })).toBeEnabled();

    await user.click(form.getByRole("button", { name: "Edit the result" }));
    backend.failures.clear();
    write("Subject", "edited");
    await user.click(form.getByRole("button", { name: "Review" }));
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() =>
      expect(backend.callsOf("update_extension").at(-1)).toMatchObject({
        request: {
          seen: { id: "pii_guard", revision: 7 },
          patch: { subject: "edited", retry: null, config: '{"model": "mine"}' },
        },
      }),
    );
  });
});
