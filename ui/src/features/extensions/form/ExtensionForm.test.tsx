import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { type Backend, startBackend } from "../../../testing/backend";
import { extension, extensionDetail, forbidden } from "../../../testing/fixtures";
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
    write("Configuration", '{"rate": 1.00');
    expect(form.getByText(/Not valid JSON/)).toBeVisible();
    write("Configuration", '{"rate": 1.00}');
    await user.click(form.getByRole("button", { name: "Review" }));
    expect(form.getByLabelText("Changes")).toHaveTextContent('config+{"rate": 1.00}');
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
    expect(form.getByLabelText("Configuration")).toHaveValue('{"model": "a", "rate": 1.00}');
  });
});

describe("an edit", () => {
  it("sends what differs and no more, every digit kept", async () => {
    const { backend, user, form } = await editing();
    expect(form.getByRole("button", { name: "Review" })).toBeDisabled();
    write("Configuration", '{"model": "b", "rate": 1.00}');
    await user.click(form.getByRole("button", { name: "Review" }));
    expect(form.getByLabelText("Changes")).toHaveTextContent('config › model−"a"+"b"');
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
    expect(await screen.findByText("Saved")).toBeVisible();
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

  it("never leaves a secret on the disk", async () => {
    await editing();
    write("Configuration", '{"max_tokens": 5, "token": "env:NAME"}');
    await waitFor(() => expect(localStorage.getItem("extension-draft edit pii_guard")).toContain("env:NAME"));
    write("Configuration", '{"apiKey": "planted"}');
    await waitFor(() => expect(localStorage.getItem("extension-draft edit pii_guard")).toBeNull());
  });

  it("tells of another's change and leaves what was typed alone", async () => {
    const { backend, form } = await editing();
    write("Subject", "mine");
    backend.extensions = backend.extensions.map((row) =>
      row.id === "pii_guard"
        ? { ...row, revision: 9, last_change: { action: "updated", changed_by: "ben", timestamp: null } }
        : row,
    );
    await backend.emitChange();
    expect(await form.findByText(/ben changed this extension meanwhile/)).toBeVisible();
    expect(form.getByLabelText("Subject")).toHaveValue("mine");
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

  it("is shown place by place, and saved over what is there now", async () => {
    const { backend, user, form } = await editing();
    write("Configuration", '{"model": "mine", "rate": 1.00}');
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
    expect(await form.findByText(/ben changed the same as you/)).toBeVisible();
    expect(form.getByRole("button", { name: "Save" })).toBeDisabled();
    await user.click(form.getByRole("radio", { name: "Yours" }));
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
});
