import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { page } from "../../../api/page";
import type { ConnectionFailureReport } from "../../../bindings";
import { type Backend, startBackend } from "../../../testing/backend";
import {
  forbidden,
  probeStep,
  readyElsewhere,
  remoteDatabase,
  remoteProfile,
} from "../../../testing/fixtures";
import { renderApp } from "../../../testing/renderApp";

const staging = remoteProfile("staging", { label: "Staging" });

const wrongPassword: ConnectionFailureReport = {
  code: "password_wrong",
  message: "db-1.example:5432 refused the password.",
  action: "Check the login and the password.",
  detail: "SQLSTATE 28P01",
};

async function opened(backend: Backend, button: string, dialog: string) {
  const app = renderApp("/connections");
  await app.user.click(await screen.findByRole("button", { name: button }));
  return { backend, ...app, form: within(await screen.findByRole("dialog", { name: dialog })) };
}

const creating = () => opened(startBackend(), "New connection", "New connection");

function editing(status?: Backend["status"]) {
  const backend = startBackend();
  backend.profiles = [...backend.profiles, { profile: staging, password: "keychain" }];
  if (status) {
    backend.status = status;
    backend.active = "staging";
  }
  return opened(backend, "Edit Staging", "Edit Staging");
}

const write = (field: HTMLElement, value: string) => fireEvent.change(field, { target: { value } });

describe("a new connection", () => {
  it("is typed field by field and kept with its password, which is never shown again", async () => {
    const { backend, user, form } = await creating();
    await user.type(form.getByLabelText("Name"), "Production Süd");
    await user.click(form.getByRole("button", { name: "red" }));
    await user.click(form.getByRole("switch", { name: "Production" }));
    await user.click(form.getByRole("switch", { name: "Reason required" }));
    write(form.getByLabelText("Host 1"), "db-2.example");
    await user.click(form.getByRole("button", { name: "Another server" }));
    write(form.getByLabelText("Host 2"), "db-1.example");
    write(form.getByLabelText("Port 2"), "5433");
    await user.click(form.getByRole("button", { name: "Try server 2 earlier" }));
    expect(form.getByLabelText("Host 1")).toHaveValue("db-1.example");
    write(form.getByLabelText("Database"), "registry");
    write(form.getByLabelText("User"), "anna");
    await user.type(form.getByLabelText("Password"), "hunter2");
    write(form.getByLabelText("File of the certificate authority (CA)"), " /ca.pem ");
    await user.click(form.getByRole("switch", { name: "Prefers a standby" }));
    await user.selectOptions(form.getByLabelText("Pooler before the servers"), "transaction");
    expect(form.getByText(/the pooler passes no notices/)).toBeVisible();
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(backend.callsOf("save_connection_profile")).toEqual([
      {
        profile: {
          id: "production-sud",
          label: "Production Süd",
          colour: "red",
          is_production: true,
          is_reason_required: true,
          database: {
            kind: "remote",
            value: remoteDatabase({
              servers: [
                { host: "db-1.example", port: 5433 },
                { host: "db-2.example", port: 5432 },
              ],
              tls: {
                mode: null,
                ca_file: "/ca.pem",
                client_certificate_file: null,
                client_key_file: null,
              },
              prefers_standby: true,
              pooling: "transaction",
            }),
          },
        },
        password: "hunter2",
      },
    ]);
    await user.click(await screen.findByRole("button", { name: "Edit Production Süd" }));
    const again = within(await screen.findByRole("dialog", { name: "Edit Production Süd" }));
    expect(again.getByLabelText("Password")).toHaveValue("");
    expect(again.getByLabelText("Password")).toHaveAttribute("placeholder", "kept in the keychain");
  });

  it("is filled in from a URL, whose password goes to the field for passwords", async () => {
    const { backend, user, form } = await creating();
    backend.parsedUrl = { database: remoteDatabase(), password: "hunter2" };
    const url = form.getByLabelText("From a URL");
    await user.click(url);
    await user.paste("postgres://anna:hunter2@db-1.example,db-2.example:5433/registry");
    await waitFor(() => expect(form.getByLabelText("Host 2")).toHaveValue("db-2.example"));
    expect(url, "no password stays in sight").toHaveValue("");
    expect(form.getByLabelText("Password")).toHaveValue("hunter2");
    expect(form.getByLabelText("Password")).toHaveAttribute("type", "password");
    expect(form.getByLabelText("Name")).toHaveValue("registry");

    backend.failures.set("parse_connection_url", {
      ...forbidden,
      code: "invalid_input",
      field: "url",
      message: "The URL doesn't begin with postgres://.",
      action: "Use the form postgres://user@host:5432/database.",
    });
    await user.type(url, "mysql://x{Enter}");
    expect(await form.findByText(/doesn't begin with postgres:/)).toBeVisible();
    expect(url, "what was typed stays to be put right").toHaveValue("mysql://x");
    expect(form.getByLabelText("Host 2"), "and so does the rest").toHaveValue("db-2.example");
    expect(backend.callsOf("save_connection_profile")).toEqual([]);
  });

  it("says what is wrong at each field as it is typed, and at all of them before it is saved", async () => {
    const { backend, user, form } = await creating();
    backend.profileProblems = [
      { field: "label", message: "The connection has no name.", action: "Give it one." },
      { field: "servers", message: '"a b" is no host.', action: "Use a name." },
      { field: "user", message: "The login has no name.", action: "Name it." },
    ];
    write(form.getByLabelText("Host 1"), "a b");
    expect(await form.findByText(/"a b" is no host. Use a name./)).toBeVisible();
    expect(form.queryByText(/The login has no name/), "it was not typed yet").toBeNull();
    await user.click(form.getByRole("button", { name: "Save" }));
    expect(await form.findByText(/The login has no name/)).toBeVisible();
    expect(form.getByLabelText("Name")).toBeInvalid();
    expect(backend.callsOf("save_connection_profile")).toEqual([]);
    backend.profileProblems = [];
    write(form.getByLabelText("Host 1"), "ab");
    await waitFor(() => expect(form.queryByText(/is no host/)).toBeNull());
  });

  it("shows at the field what the backend refuses, and keeps what was typed", async () => {
    const { backend, user, form } = await creating();
    backend.failures.set("save_connection_profile", {
      ...forbidden,
      code: "invalid_input",
      field: "database",
      message: "The database has no name.",
    });
    write(form.getByLabelText("User"), "anna");
    await user.click(form.getByRole("button", { name: "Save" }));
    expect(await form.findByText(/The database has no name/)).toBeVisible();
    expect(form.getByLabelText("User")).toHaveValue("anna");
  });

  it("is asked about before it is lost: by its button, by another page and by the program's end", async () => {
    const { backend, user, form, goTo, path } = await creating();
    write(form.getByLabelText("User"), "anna");
    await user.click(form.getByRole("button", { name: "Cancel" }));
    await user.click(await form.findByRole("button", { name: "Keep editing" }));
    await user.keyboard("{Escape}");
    expect(await form.findByText("What you typed is not saved.")).toBeVisible();
    await user.keyboard("{Escape}");
    await waitFor(() => expect(form.queryByText("What you typed is not saved.")).toBeNull());
    expect(form.getByLabelText("User"), "a second Escape keeps it").toHaveValue("anna");
    await goTo("/audit");
    expect(await form.findByText("What you typed is not saved.")).toBeVisible();
    await user.click(form.getByRole("button", { name: "Keep editing" }));
    expect(path()).toBe("/connections");
    await backend.emitQuitAsked();
    expect(await form.findByRole("button", { name: "Quit without it" })).toBeVisible();
    await user.click(form.getByRole("button", { name: "Keep editing" }));
    expect(form.getByLabelText("User")).toHaveValue("anna");
    await goTo("/audit");
    await user.click(await form.findByRole("button", { name: "Discard changes" }));
    await waitFor(() => expect(path()).toBe("/audit"));
  });
});

describe("the encryption of a connection", () => {
  it("is verify-full for other machines, and a weaker one says what follows", async () => {
    const { user, form } = await editing();
    const mode = form.getByLabelText("Encryption (TLS)");
    expect(mode).toHaveDisplayValue(/Default for other machines: verify-full/);
    await user.selectOptions(mode, "require");
    expect(form.getByText(/Weaker than verify-full/).closest("[role=alert]")).toHaveTextContent(
      "Somebody on the way can pose as the server, take the password",
    );
    await user.click(form.getByRole("button", { name: "Use verify-full" }));
    expect(form.queryByText(/Weaker than verify-full/)).toBeNull();
    write(form.getByLabelText("Host 1"), "localhost");
    await user.click(form.getByRole("button", { name: "Remove server 2" }));
    expect(mode).toHaveDisplayValue(/Default for servers on this machine: prefer/);
  });
});

describe("a connection that is there", () => {
  it("is duplicated with an id of its own and without the password", async () => {
    const backend = startBackend();
    backend.profiles = [...backend.profiles, { profile: staging, password: "keychain" }];
    const { user } = renderApp("/connections");
    await user.click(await screen.findByRole("button", { name: "More for Staging" }));
    await user.click(await screen.findByRole("menuitem", { name: "Duplicate…" }));
    const form = within(await screen.findByRole("dialog", { name: "Duplicate Staging" }));
    expect(form.getByLabelText("Name")).toHaveValue("Staging copy");
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(backend.callsOf("save_connection_profile")).toHaveLength(1));
    expect(backend.callsOf("save_connection_profile")[0]).toEqual({
      profile: { ...staging, id: "staging-copy", label: "Staging copy" },
      password: null,
    });
  });

  it("is connected anew where it is in use and its way has changed, and not for another name", async () => {
    vi.spyOn(page, "beginAnew").mockImplementation(() => {});
    const { backend, user, form } = await editing(readyElsewhere(staging));
    write(form.getByLabelText("Name"), "Stage");
    expect(form.queryByText(/connects anew/)).toBeNull();
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(await screen.findByRole("link", { name: "Stage" })).toBeVisible();
    expect(page.beginAnew).not.toHaveBeenCalled();
    await user.click(screen.getByRole("button", { name: "Edit Stage" }));
    const again = within(await screen.findByRole("dialog", { name: "Edit Stage" }));
    write(again.getByLabelText("Database"), "other");
    expect(again.getByText(/connects anew/)).toBeVisible();
    await user.click(again.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(backend.callsOf("save_connection_profile")).toHaveLength(2));
    await backend.emitStatus({ state: "starting", step: "connecting" });
    expect(await screen.findByRole("heading", { name: "Opening Stage" })).toBeVisible();
    await backend.emitStatus(readyElsewhere(staging));
    expect(page.beginAnew, "it may be another registry").toHaveBeenCalledOnce();
  });
});

describe("a password that is kept", () => {
  it("is never sent to other servers, and can be forgotten", async () => {
    const { backend, user, form } = await editing();
    const password = form.getByLabelText("Password");
    expect(password).toHaveAttribute("placeholder", "kept in the keychain");
    write(form.getByLabelText("Host 1"), "elsewhere");
    expect(password).toHaveAttribute("placeholder", expect.stringContaining("for other servers"));
    write(form.getByLabelText("Host 1"), "db-1.example");
    await user.click(form.getByRole("button", { name: "Forget the one that is kept" }));
    expect(password).toHaveAttribute("placeholder", "forgotten when it is saved");
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() =>
      expect(backend.callsOf("save_connection_profile")).toEqual([{ profile: staging, password: "" }]),
    );
  });
});

describe("the embedded connection", () => {
  it("has a name, a colour and a protection, which is told in the header", async () => {
    const { backend, user, form } = await opened(
      startBackend(),
      "Edit Embedded database",
      "Edit Embedded database",
    );
    expect(form.queryByLabelText("Host 1")).toBeNull();
    expect(form.queryByRole("button", { name: "Test connection" })).toBeNull();
    await user.click(form.getByRole("switch", { name: "Production" }));
    await user.click(form.getByRole("switch", { name: "Reason required" }));
    await user.click(form.getByRole("button", { name: "Save" }));
    const line = screen.getByRole("status", { name: "Database" });
    expect(await within(line).findByText("production")).toBeVisible();
    expect(line.closest("header")).toHaveAttribute("data-production");
    expect(backend.profiles[0]?.profile).toMatchObject({ is_production: true, is_reason_required: true });
  });

  it("loses its protection only by an answer", async () => {
    const backend = startBackend();
    backend.profiles = backend.profiles.map((kept) => ({
      ...kept,
      profile: { ...kept.profile, is_production: true },
    }));
    const { user, form } = await opened(backend, "Edit Embedded database", "Edit Embedded database");
    const production = form.getByRole("switch", { name: "Production" });
    await user.click(production);
    const question = await screen.findByRole("dialog", { name: "No longer protect it as production?" });
    await user.click(within(question).getByRole("button", { name: "Keep it protected" }));
    expect(production).toBeChecked();
    await user.click(production);
    await user.click(await screen.findByRole("button", { name: "Switch protection off" }));
    await waitFor(() => expect(production).not.toBeChecked());
    // The way in asks nothing.
    await user.click(production);
    expect(production).toBeChecked();
    expect(backend.callsOf("save_connection_profile")).toEqual([]);
  });
});

describe("a test of a connection", () => {
  it("shows each step as it ends, by server, and in the end what it comes to", async () => {
    const { backend, user, form } = await editing();
    let end = () => {};
    backend.holds.set(
      "test_connection",
      new Promise<void>((resolve) => {
        end = resolve;
      }),
    );
    await user.click(form.getByRole("button", { name: "Test connection" }));
    await waitFor(() => expect(backend.callsOf("test_connection")).toHaveLength(1));
    expect(backend.callsOf("test_connection")[0], "the password that is kept").toEqual({
      profile: staging,
      password: null,
    });
    await backend.emitTested(probeStep("resolve"));
    const first = within(form.getByRole("list", { name: "Steps with db-1.example:5432" }));
    expect(first.getByText("resolve found")).toBeVisible();
    expect(first.getByText("12 ms")).toBeVisible();
    expect(first.getByText("Reach the server…")).toBeVisible();
    await backend.emitTested(
      probeStep(
        "resolve",
        {
          kind: "failed",
          value: { ...wrongPassword, code: "name_not_resolved", message: "The host is unknown." },
        },
        "db-2.example:5433",
      ),
    );
    backend.probe = {
      server: "db-1.example:5432",
      role: "standby",
      steps: [probeStep("resolve"), probeStep("connect"), probeStep("tls")],
      is_tls_weak: false,
      schema: { kind: "up_to_date", value: { version: 18 } },
    };
    end();
    expect(await form.findByText(/It works with db-1\.example:5432, standby/)).toBeVisible();
    expect(form.getByText("A registry of version 18, up to date.")).toBeVisible();
    expect(form.getByText("is the one that is used")).toBeVisible();
    expect(form.getByText(/The host is unknown\./), "the other server stays in sight").toBeVisible();
    write(form.getByLabelText("Database"), "other");
    expect(form.queryByText(/It works with/), "of what is typed now nothing is known").toBeNull();
  });

  it("says what failed, what to do, and gives the details to copy", async () => {
    const { backend, user, form } = await editing();
    backend.probe = {
      server: "db-1.example:5432",
      role: null,
      steps: [probeStep("resolve"), probeStep("log_in", { kind: "failed", value: wrongPassword })],
      is_tls_weak: true,
      schema: null,
    };
    await user.selectOptions(form.getByLabelText("Encryption (TLS)"), "disable");
    await user.type(form.getByLabelText("Password"), "wrong");
    await user.click(form.getByRole("button", { name: "Test connection" }));
    expect(await form.findByText(/log in failed at db-1\.example:5432/)).toBeVisible();
    const alert = form
      .getByText(/refused the password\. Check the login/)
      .closest<HTMLElement>("[role=alert]");
    if (!alert) throw new Error("it is an alert");
    await user.click(within(alert).getByRole("button", { name: "Copy details" }));
    expect(await navigator.clipboard.readText()).toContain("SQLSTATE 28P01");
    expect(
      within(form.getByRole("status")).getByText(/Everybody on the way can read the password/),
    ).toBeVisible();
    expect(backend.callsOf("test_connection")).toMatchObject([{ password: "wrong" }]);
  });

  it("says why it could not be made", async () => {
    const { backend, user, form } = await editing();
    backend.failures.set("test_connection", { ...forbidden, code: "internal", facts: null });
    await user.click(form.getByRole("button", { name: "Test connection" }));
    expect(await form.findByText(new RegExp(forbidden.message))).toBeVisible();
  });
});
