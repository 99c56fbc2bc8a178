import { screen, waitFor, within } from "@testing-library/react";
import type { UserEvent } from "@testing-library/user-event";
import { afterEach, describe, expect, it } from "vitest";
import type { ErrorReport, PlannedChange, RegistryPlan } from "../../bindings";
import { type Backend, startBackend } from "../../testing/backend";
import { auditEntry, forbidden, readyStatus, reasonRequired } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";
import { forgetFile } from "./chosenFile";

const created: PlannedChange = {
  extension_id: "fresh",
  kind: "created",
  place: { line: 4, column: 5 },
  changes: [
    { path: "/id", before: null, after: '"fresh"' },
    { path: "/subject", before: null, after: '"beamline.fresh"' },
    { path: "/type", before: null, after: '"post"' },
  ],
};
const changed: PlannedChange = {
  extension_id: "pii_guard",
  kind: "changed",
  place: { line: 12, column: 5 },
  changes: [{ path: "/timeout_ms", before: "200", after: "250" }],
};
const deleted: PlannedChange = {
  extension_id: "openai_gpt4",
  kind: "deleted",
  place: null,
  changes: [{ path: "/id", before: '"openai_gpt4"', after: null }],
};

function plan(changes: PlannedChange[], more: Partial<RegistryPlan> = {}): RegistryPlan {
  return { revision: 1204, changes, unchanged_count: 3, only_in_registry_count: 1, problems: [], ...more };
}

async function choose(user: UserEvent, text = "format: beamline-registry") {
  await user.upload(await screen.findByLabelText("File to import"), new File([text], "registry.yaml"));
}

function planned(): (string | undefined)[] {
  return [...document.querySelectorAll<HTMLElement>("[data-planned]")].map((row) => row.dataset.planned);
}

function moved(): ErrorReport {
  return {
    code: "registry_moved",
    message: "The registry moved on.",
    action: "Look again.",
    detail: null,
    field: null,
    facts: { kind: "revision", value: 1205 },
  };
}

async function previewOf(backend: Backend) {
  const app = renderApp("/import");
  await choose(app.user);
  await screen.findByRole("form", { name: "Import" });
  return { ...app, backend };
}

afterEach(forgetFile);

describe("the preview", () => {
  it("says what would change and applies exactly that, with a way back", async () => {
    const backend = startBackend();
    backend.plan = plan([created, changed]);
    const { user, path } = await previewOf(backend);
    expect(planned()).toEqual(["fresh", "pii_guard"]);
    expect(screen.getByText("3 unchanged")).toBeVisible();
    // What changes stands open; what is new is opened by hand.
    expect(screen.getByLabelText("Changes of pii_guard")).toHaveTextContent("Timeout (ms)−200+250");
    expect(screen.queryByLabelText("Changes of fresh")).toBeNull();
    await user.click(screen.getByRole("button", { name: /fresh/ }));
    expect(screen.getByLabelText("Changes of fresh")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "New 1" }));
    expect(planned()).toEqual(["fresh"]);

    await user.type(screen.getByLabelText(/^Reason/), "new patterns");
    await user.click(screen.getByRole("button", { name: "Import 2 changes" }));
    await waitFor(() => expect(path()).toBe("/extensions"));
    const [args] = backend.callsOf("apply_import") as [{ note: { request_id: string } }];
    expect(args).toMatchObject({
      text: "format: beamline-registry",
      request: { seen_revision: 1204, prune: false },
      note: { reason: "new patterns" },
    });
    expect(await screen.findByText("Imported registry.yaml: 1 created, 1 changed")).toBeVisible();
    backend.auditEntries = [
      auditEntry(1205, { extension_id: "fresh", request_id: args.note.request_id, group_id: "group" }),
    ];
    await user.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() =>
      expect(backend.callsOf("undo_changes")).toMatchObject([{ target: { kind: "group", value: "group" } }]),
    );
  });

  it("deletes what the file lacks only if that is asked for", async () => {
    const backend = startBackend();
    backend.plan = plan([changed]);
    const { user } = await previewOf(backend);
    await user.type(screen.getByLabelText(/^Reason/), "kept");
    backend.plan = plan([changed, deleted]);
    await user.click(screen.getByRole("checkbox", { name: /Delete the one that the file doesn't have/ }));
    await user.click(await screen.findByRole("button", { name: "Import 2 changes, 1 of them deleted" }));
    await waitFor(() =>
      expect(backend.callsOf("apply_import")).toMatchObject([
        { request: { prune: true }, note: { reason: "kept" } },
      ]),
    );
    expect(backend.callsOf("plan_import")).toMatchObject([{ prune: false }, { prune: true }]);
  });

  it("is made anew, and loses nothing, when the registry has moved on", async () => {
    const backend = startBackend();
    backend.plan = plan([changed]);
    const { user, path } = await previewOf(backend);
    await user.type(screen.getByLabelText(/^Reason/), "kept");
    backend.failures.set("apply_import", moved());
    backend.plan = plan([created, changed], { revision: 1205 });
    await user.click(screen.getByRole("button", { name: "Import 1 change" }));
    expect(await screen.findByText(/had moved on from revision 1.204/)).toBeVisible();
    expect(planned()).toEqual(["fresh", "pii_guard"]);
    expect(screen.getByLabelText(/^Reason/)).toHaveValue("kept");
    backend.failures.clear();
    await user.click(screen.getByRole("button", { name: "Import 2 changes" }));
    await waitFor(() => expect(path()).toBe("/extensions"));
    const [first, second] = backend.callsOf("apply_import") as {
      note: { request_id: string };
      request: { seen_revision: number };
    }[];
    expect(second?.request.seen_revision).toBe(1205);
    expect(second?.note.request_id).not.toBe(first?.note.request_id);
  });

  it("asks before what stops traffic, with its effects, and carries the answer", async () => {
    const backend = startBackend();
    backend.plan = plan([changed]);
    backend.failures.set("apply_import", {
      ...moved(),
      code: "confirmation_required",
      facts: {
        kind: "effects",
        value: {
          extension_ids: ["pii_guard"],
          types: [{ type: "validator", leaving_count: 1, remaining_count: 0 }],
          known_calls: [],
          revision: 1204,
          consumers: [],
        },
      },
    });
    const { user, path } = await previewOf(backend);
    await user.click(screen.getByRole("button", { name: "Import 1 change" }));
    expect(await screen.findByTestId("traffic-effects")).toHaveTextContent("no message is validated");
    expect(path()).toBe("/import");
    backend.failures.clear();
    await user.click(screen.getByRole("button", { name: "Import 1 change" }));
    await waitFor(() => expect(path()).toBe("/extensions"));
    expect(backend.callsOf("apply_import")).toMatchObject([
      { note: { confirmed: null } },
      { note: { confirmed: ["validator"] } },
    ]);
  });

  it("says that others have changed something since, before anything is tried", async () => {
    const backend = startBackend();
    backend.plan = plan([changed]);
    backend.cache = { ...backend.cache, revision: 1206 };
    const { user } = await previewOf(backend);
    expect(await screen.findByText(/has moved on to revision 1.206/)).toBeVisible();
    backend.plan = plan([changed], { revision: 1206 });
    await user.click(screen.getByRole("button", { name: "Compare again" }));
    await waitFor(() => expect(screen.queryByText(/has moved on/)).toBeNull());
  });

  it("says at the field that the registry asks for a reason", async () => {
    const backend = startBackend();
    backend.plan = plan([changed]);
    backend.failures.set("apply_import", reasonRequired);
    const { user, path } = await previewOf(backend);
    await user.click(screen.getByRole("button", { name: "Import 1 change" }));
    const reason = screen.getByLabelText(/^Reason/);
    await waitFor(() => expect(reason).toHaveAccessibleDescription(reasonRequired.message));
    expect(reason).toBeInvalid();
    expect(path()).toBe("/import");
    backend.failures.clear();
    await user.type(reason, "new patterns{Enter}");
    await waitFor(() => expect(path()).toBe("/extensions"));
    expect(backend.callsOf("apply_import").at(-1)).toMatchObject({ note: { reason: "new patterns" } });
  });

  it("is not lost when it can't be made anew, and can't be confirmed until it is", async () => {
    const backend = startBackend();
    backend.plan = plan([changed]);
    const { user } = await previewOf(backend);
    let answer = () => {};
    backend.holds.set(
      "plan_import",
      new Promise((resolve) => {
        answer = resolve;
      }),
    );
    backend.failures.set("plan_import", forbidden);
    await user.click(screen.getByRole("checkbox", { name: /Delete the one that the file doesn't have/ }));
    const button = screen.getByRole("button", { name: "Import 1 change" });
    const tryIt = async () => {
      expect(button).toHaveAttribute("aria-disabled", "true");
      await user.click(button);
      await user.type(screen.getByLabelText(/^Reason/), "x{Enter}");
      expect(backend.callsOf("apply_import")).toEqual([]);
    };
    await tryIt();
    answer();
    expect(await screen.findByRole("alert")).toHaveTextContent(forbidden.message);
    await tryIt();
    expect(screen.getByLabelText(/^Reason/), "what was typed is still there").toHaveValue("xx");
    backend.failures.clear();
    await user.click(screen.getByRole("checkbox", { name: /Delete the one/ }));
    await waitFor(() => expect(button).not.toHaveAttribute("aria-disabled"));
    await user.click(button);
    await waitFor(() =>
      expect(backend.callsOf("apply_import")).toMatchObject([{ request: { prune: false } }]),
    );
  });

  it("lists problems with their lines and imports nothing", async () => {
    const backend = startBackend();
    const problem = {
      code: "rule_broken" as const,
      place: { line: 7, column: 12 },
      extension_id: "pii_guard",
      path: "/extensions/0/retry",
      message: "The number of retries is out of range.",
      action: "Choose 0 to 10.",
    };
    backend.plan = plan([changed], { problems: [problem] });
    const { user } = await previewOf(backend);
    const problems = screen.getByRole("region", { name: "Problems" });
    expect(within(problems).getByText("line 7:12")).toBeVisible();
    expect(problems).toHaveTextContent("out of range. Choose 0 to 10.");
    const button = screen.getByRole("button", { name: "Import 1 change" });
    expect(button).toHaveAttribute("aria-disabled", "true");
    await user.click(button);
    await user.type(screen.getByLabelText(/^Reason/), "x{Enter}");
    expect(backend.callsOf("apply_import")).toEqual([]);

    backend.failures.set("plan_import", {
      ...moved(),
      code: "document_invalid",
      facts: { kind: "document_problems", value: [{ ...problem, code: "syntax" }] },
    });
    await choose(user, "other");
    expect(await screen.findByText("syntax")).toBeVisible();
  });

  it("stays while the database is away, and is applied only when it is back", async () => {
    const backend = startBackend();
    backend.plan = plan([changed]);
    const { user, path } = await previewOf(backend);
    await backend.emitStatus({ state: "starting", step: "connecting" });
    const button = screen.getByRole("button", { name: "Import 1 change" });
    expect(button).toHaveAttribute("aria-disabled", "true");
    await user.click(button);
    await user.type(screen.getByLabelText(/^Reason/), "kept{Enter}");
    expect(backend.callsOf("apply_import")).toEqual([]);

    await backend.emitStatus(readyStatus);
    expect(screen.getByLabelText(/^Reason/)).toHaveValue("kept");
    await user.click(screen.getByRole("button", { name: "Import 1 change" }));
    await waitFor(() => expect(path()).toBe("/extensions"));
  });

  it("has nothing to import where the registry is so already", async () => {
    const backend = startBackend();
    backend.plan = plan([]);
    await previewOf(backend);
    expect(screen.getByText("Nothing to import")).toBeVisible();
    expect(screen.getByRole("button", { name: "Import" })).toHaveAttribute("aria-disabled", "true");
  });

  it("stays while one looks at another page", async () => {
    const backend = startBackend();
    backend.plan = plan([changed]);
    const { user } = await previewOf(backend);
    await user.click(screen.getByRole("link", { name: /Health/ }));
    await screen.findByRole("heading", { name: "Health" });
    await user.keyboard("gi");
    expect(await screen.findByRole("button", { name: "Import 1 change" })).toBeVisible();
  });

  it("is not made for who may not change extensions", async () => {
    const backend = startBackend();
    backend.permissions = { ...backend.permissions, can_edit: false };
    renderApp("/import");
    expect(await screen.findByText("Your login may not import")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Choose a file…" })).not.toBeInTheDocument();
    expect(backend.callsOf("plan_import")).toEqual([]);
  });
});

describe("an export", () => {
  it("is of the whole registry, or of what is selected", async () => {
    const backend = startBackend();
    const { user } = renderApp();
    await screen.findByRole("table", { name: "Extensions" });
    await user.click(screen.getByRole("button", { name: "Export" }));
    await user.click(await screen.findByRole("menuitem", { name: /YAML/ }));
    expect(await screen.findByText(/Exported 6 extensions/)).toBeVisible();

    await waitFor(() => expect(screen.queryByRole("menu")).toBeNull());
    await user.click(screen.getByRole("checkbox", { name: /pii_guard/ }));
    const bar = screen.getByRole("toolbar", { name: "Selected extensions" });
    await user.click(within(bar).getByRole("button", { name: "Export" }));
    await user.click(await screen.findByRole("menuitem", { name: /JSON/ }));
    await waitFor(() =>
      expect(backend.callsOf("export_registry")).toEqual([
        { ids: null, format: "yaml" },
        { ids: ["pii_guard"], format: "json" },
      ]),
    );
  });
});
