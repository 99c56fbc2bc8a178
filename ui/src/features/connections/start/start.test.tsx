import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { ErrorReport } from "../../../bindings";
import { type Backend, startBackend } from "../../../testing/backend";
import { decision, migration, readyElsewhere, remoteProfile } from "../../../testing/fixtures";
import { renderApp } from "../../../testing/renderApp";

const eu = remoteProfile("eu", { label: "Production EU", is_production: true });

function startWith(status: Backend["status"]) {
  const backend = startBackend();
  backend.profiles = [...backend.profiles, { profile: eu, password: null }];
  backend.active = "eu";
  backend.status = status;
  return { backend, ...renderApp() };
}

describe("a database that needs its password", () => {
  it("asks for it, and whether it is kept", async () => {
    const { backend, user } = startWith({ state: "password_needed", profile: eu, refused: null });
    expect(await screen.findByRole("heading", { name: "The password is needed" })).toBeVisible();
    expect(screen.getByText(/anna@db-1\.example:5432/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Connect" }));
    expect(screen.getByText("Type the password.")).toBeVisible();
    await user.click(screen.getByRole("checkbox", { name: /Keep it in the keychain/ }));
    expect(screen.getByText(/for this session alone/)).toBeVisible();
    await user.type(screen.getByLabelText("Password", { selector: "input" }), "hunter2{Enter}");
    await waitFor(() =>
      expect(backend.callsOf("give_database_password")).toEqual([{ password: "hunter2", isKept: false }]),
    );
    await backend.emitStatus(readyElsewhere(eu));
    expect(await screen.findByRole("table", { name: "Extensions" })).toBeVisible();
  });

  it("says what was refused", async () => {
    startWith({
      state: "password_needed",
      profile: eu,
      refused: {
        code: "password_wrong",
        message: "db-1.example:5432 refused the password.",
        action: "Check the login and the password.",
        detail: null,
      },
    });
    expect(await screen.findByRole("heading", { name: "The password was refused" })).toBeVisible();
    expect(screen.getByRole("alert")).toHaveTextContent("db-1.example:5432 refused the password.");
  });

  it("covers the pages where they are open, and they stay as they were", async () => {
    const { backend, user } = startWith(readyElsewhere(eu));
    await user.type(await screen.findByRole("searchbox"), "pii");
    await backend.emitStatus({ state: "password_needed", profile: eu, refused: null });
    expect(await screen.findByRole("heading", { name: "The password is needed" })).toBeVisible();
    expect(screen.queryByRole("searchbox"), "out of reach").toBeNull();
    await backend.emitStatus(readyElsewhere(eu));
    expect(await screen.findByRole("searchbox")).toHaveValue("pii");
  });
});

describe("a database that needs a decision", () => {
  it("is migrated by a click, with each step in words", async () => {
    const { backend, user } = startWith({
      state: "decision_needed",
      profile: eu,
      server: "db-2.example:5433",
      decision: decision({
        kind: "pending",
        value: { version: 16, migrations: [migration(17, "profiles"), migration(18, "poolers")] },
      }),
    });
    expect(
      await screen.findByRole("heading", { name: "This registry is of an older version" }),
    ).toBeVisible();
    expect(screen.getByText(/on db-2\.example:5433/)).toBeVisible();
    const steps = within(screen.getByRole("region", { name: "What is done" })).getAllByRole("listitem");
    expect(steps.map((step) => step.textContent)).toEqual([
      expect.stringMatching(/17.*profiles.*Makes profiles/),
      expect.stringMatching(/18.*poolers.*Makes poolers/),
    ]);
    await user.click(screen.getByRole("button", { name: "Migrate, 2 steps" }));
    await waitFor(() => expect(backend.callsOf("migrate_database")).toHaveLength(1));
    await backend.emitStatus({ state: "starting", step: "migrating" });
    expect(await screen.findByText("Applying migrations…")).toBeVisible();
  });

  it("says what is adopted of tables made by hand", async () => {
    startWith({
      state: "decision_needed",
      profile: eu,
      server: "db-1.example:5432",
      decision: decision({
        kind: "seed",
        value: {
          extension_count: 6,
          audit_entry_count: 1,
          health_count: null,
          migrations: [migration(1, "tables")],
        },
      }),
    });
    expect(await screen.findByText(/They have 6 extensions, 1 audit entry\./)).toBeVisible();
    expect(screen.getByRole("button", { name: "Adopt the tables" })).toBeEnabled();
  });

  it("warns of what else is in it, and waits for a word", async () => {
    const { backend, user } = startWith({
      state: "decision_needed",
      profile: eu,
      server: "db-1.example:5432",
      decision: decision({
        kind: "empty",
        value: { other_table_count: 12, migrations: [migration(1, "tables")] },
      }),
    });
    const create = await screen.findByRole("button", { name: "Create the registry here" });
    expect(screen.getByRole("region", { name: "Other tables" })).toHaveTextContent("12 other tables");
    await user.click(create);
    expect(backend.callsOf("migrate_database")).toEqual([]);
    await user.click(screen.getByRole("checkbox", { name: /right database/ }));
    await user.click(create);
    await waitFor(() => expect(backend.callsOf("migrate_database")).toHaveLength(1));
  });

  it("is created in an empty one without more", async () => {
    const { backend, user } = startWith({
      state: "decision_needed",
      profile: eu,
      server: "db-1.example:5432",
      decision: decision({ kind: "empty", value: { other_table_count: 0, migrations: [] } }),
    });
    expect(await screen.findByRole("heading", { name: "The database is empty" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Create the registry here" }));
    await waitFor(() => expect(backend.callsOf("migrate_database")).toHaveLength(1));
  });

  it("gives the administrator what to run, and looks again", async () => {
    const { backend, user } = startWith({
      state: "decision_needed",
      profile: eu,
      server: "db-1.example:5432",
      decision: decision(
        { kind: "pending", value: { version: 17, migrations: [migration(18, "poolers")] } },
        {
          obstacle: 'This login may not. An administrator can run: GRANT registry_owner TO "anna";',
          missing_roles: [
            { name: "registry_owner", statement: "CREATE ROLE registry_owner NOLOGIN;" },
            { name: "registry_viewer", statement: "CREATE ROLE registry_viewer NOLOGIN;" },
          ],
        },
      ),
    });
    const roles = within(await screen.findByRole("region", { name: "Missing roles" }));
    await user.click(roles.getByRole("button", { name: "Copy for the administrator" }));
    expect(await navigator.clipboard.readText()).toBe(
      "CREATE ROLE registry_owner NOLOGIN;\nCREATE ROLE registry_viewer NOLOGIN;",
    );
    expect(screen.getByRole("alert", { name: "Obstacle" })).toHaveTextContent("GRANT registry_owner");
    const migrate = screen.getByRole("button", { name: "Migrate, 1 step" });
    expect(migrate).toHaveAttribute("aria-disabled", "true");
    await user.click(migrate);
    expect(backend.callsOf("migrate_database")).toEqual([]);
    await user.click(screen.getByRole("button", { name: "Look again" }));
    await waitFor(() => expect(backend.callsOf("switch_connection")).toEqual([{ id: "eu" }]));
  });
});

const unreachable: ErrorReport = {
  code: "database_unavailable",
  message: "Nothing answers at db-1.example:5432.",
  action: "Check the address.",
  detail: "timed out",
  field: null,
  facts: { kind: "connection_failure", value: "unreachable" },
};

describe("a connection that failed", () => {
  it("is named, and can be changed and tried again", async () => {
    const { backend, user } = startWith({ state: "failed", error: unreachable, profile: eu });
    expect(await screen.findByText(unreachable.message)).toBeVisible();
    expect(screen.getByText("Production EU")).toBeVisible();
    await user.click(await screen.findByRole("button", { name: "Edit this connection" }));
    const form = within(await screen.findByRole("dialog", { name: "Edit Production EU" }));
    await user.type(form.getByLabelText("Password"), "hunter2");
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() =>
      expect(backend.callsOf("save_connection_profile")).toEqual([{ profile: eu, password: "hunter2" }]),
    );
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    // The backend opens it again by itself.
    await backend.emitStatus({ state: "starting", step: "connecting" });
    await backend.emitStatus(readyElsewhere(eu));
    expect(await screen.findByRole("table", { name: "Extensions" })).toBeVisible();
  });

  it("can be left for another one, and the window opens that", async () => {
    const { backend, user } = startWith({ state: "failed", error: unreachable, profile: eu });
    await user.click(await screen.findByRole("button", { name: "Use another connection" }));
    const embedded = within(await screen.findByRole("listitem", { name: "Embedded database" }));
    await user.click(screen.getByRole("button", { name: "Back" }));
    expect(await screen.findByText(unreachable.message)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Use another connection" }));
    await screen.findByRole("listitem", { name: "Embedded database" });
    await user.click(
      within(screen.getByRole("listitem", { name: "Embedded database" })).getByRole("button", {
        name: "Switch",
      }),
    );
    await waitFor(() => expect(backend.callsOf("switch_connection")).toEqual([{ id: "embedded" }]));
    await backend.emitStatus({ state: "starting", step: "starting_server" });
    expect(await screen.findByRole("heading", { name: "Opening Embedded database" })).toBeVisible();
    expect(embedded.queryByText("in use")).toBeNull();
  });
});
