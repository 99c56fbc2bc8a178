import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { page } from "../../api/page";
import { type Backend, startBackend } from "../../testing/backend";
import { forbidden, remoteDatabase, remoteProfile } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

const eu = remoteProfile("eu", { label: "Production EU", colour: "red", is_production: true });
const staging = remoteProfile("staging", {
  label: "Staging",
  database: {
    kind: "remote",
    value: remoteDatabase({
      tls: { mode: "require", ca_file: null, client_certificate_file: null, client_key_file: null },
      pooling: "transaction",
      is_read_only: true,
    }),
  },
});

function withRemotes(): Backend {
  const backend = startBackend();
  backend.profiles = [
    ...backend.profiles,
    { profile: eu, password: "keychain" },
    { profile: staging, password: null },
  ];
  return backend;
}

const row = async (label: string) => within(await screen.findByRole("listitem", { name: label }));

beforeEach(() => {
  vi.spyOn(page, "beginAnew").mockImplementation(() => {});
});

describe("the connections", () => {
  it("say where each leads, how, and which is in use", async () => {
    withRemotes();
    renderApp("/connections");
    const embedded = await screen.findByRole("listitem", { name: "Embedded database" });
    expect(embedded).toHaveTextContent("in use");
    expect(screen.getByRole("listitem", { name: "Production EU" })).toHaveTextContent(
      /production.*anna@db-1\.example:5432, db-2\.example:5433\/registry.*verify-full.*password in the keychain/,
    );
    expect(screen.getByRole("listitem", { name: "Staging" })).toHaveTextContent(
      /require, weak.*read-only.*through a pooler.*no password kept/,
    );
    expect(within(embedded).getByRole("button", { name: "Switch" })).toHaveAttribute("aria-disabled", "true");
    expect(within(embedded).queryByRole("button", { name: /^More/ })).toBeNull();
  });

  it("are reached from the header, the settings, by keys and by the palette", async () => {
    startBackend();
    const { user, path, goTo } = renderApp("/extensions");
    await user.click(await screen.findByRole("link", { name: "Embedded database" }));
    await waitFor(() => expect(path()).toBe("/connections"));
    expect(screen.getByText("No registry elsewhere yet")).toBeVisible();
    await goTo("/settings");
    await user.click(await screen.findByRole("button", { name: "Connections" }));
    await waitFor(() => expect(path()).toBe("/connections"));
    await goTo("/health");
    await screen.findByRole("heading", { level: 1, name: "Health" });
    await user.keyboard("gc");
    await waitFor(() => expect(path()).toBe("/connections"));
  });

  it("say why they could not be read", async () => {
    const backend = startBackend();
    backend.failures.set("connection_profiles", { ...forbidden, code: "internal", facts: null });
    const { user } = renderApp("/connections");
    expect(await screen.findByText("The connections could not be read")).toBeVisible();
    backend.failures.clear();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("listitem", { name: "Embedded database" })).toBeVisible();
  });

  it("are removed after a question, with what was kept for them, but for the one in use", async () => {
    const backend = withRemotes();
    localStorage.setItem("staging@extension-draft create", "typed");
    localStorage.setItem("extension-draft create", "stays");
    const { user } = renderApp("/connections");
    await user.click((await row("Staging")).getByRole("button", { name: "More for Staging" }));
    await user.click(await screen.findByRole("menuitem", { name: "Remove…" }));
    const question = within(await screen.findByRole("dialog", { name: "Remove Staging?" }));
    backend.failures.set("remove_connection_profile", forbidden);
    await user.click(question.getByRole("button", { name: "Remove Staging" }));
    expect(await question.findByRole("alert")).toHaveTextContent(forbidden.message);
    backend.failures.clear();
    await user.click(question.getByRole("button", { name: "Remove Staging" }));
    await waitFor(() => expect(screen.queryByRole("listitem", { name: "Staging" })).toBeNull());
    expect(backend.callsOf("remove_connection_profile").at(-1)).toEqual({ id: "staging" });
    expect(localStorage.getItem("staging@extension-draft create")).toBeNull();
    expect(localStorage.getItem("extension-draft create")).toBe("stays");

    backend.active = "eu";
    const other = renderApp("/connections");
    const second = within(other.container);
    await user.click(await second.findByRole("button", { name: "More for Production EU" }));
    const entry = await screen.findByRole("menuitem", { name: "Remove…" });
    expect(entry).toHaveAttribute("aria-disabled", "true");
    expect(entry).toHaveAttribute("title", expect.stringContaining("in use"));
  });

  it("give their URL without the password", async () => {
    const backend = withRemotes();
    const { user } = renderApp("/connections");
    await user.click((await row("Staging")).getByRole("button", { name: "More for Staging" }));
    await user.click(await screen.findByRole("menuitem", { name: /Copy URL/ }));
    await waitFor(async () =>
      expect(await navigator.clipboard.readText()).toBe(
        "postgres://anna@db-1.example:5432,db-2.example:5433/registry",
      ),
    );
    expect(backend.callsOf("connection_url")).toEqual([{ database: remoteOf(staging) }]);
  });
});

function remoteOf({ database }: typeof staging) {
  return database.kind === "remote" ? database.value : null;
}

describe("a file of connections", () => {
  it("is written, and says where", async () => {
    withRemotes();
    const { user } = renderApp("/connections");
    await user.click(await screen.findByRole("button", { name: "Export" }));
    expect(await screen.findByText(/Exported 3 connections to/)).toBeVisible();
    expect(screen.getByRole("button", { name: "Copy path /downloads/connections.json" })).toBeVisible();
  });

  it("is read, and says what came of it", async () => {
    const backend = startBackend();
    const { user } = renderApp("/connections");
    await screen.findByRole("button", { name: "Import" });
    const text = JSON.stringify([{ profile: staging, password: null }]);
    await user.upload(
      screen.getByLabelText("File of connections to import"),
      new File([text], "team.json", { type: "application/json" }),
    );
    expect(await screen.findByText(/Imported 1 connection from team.json/)).toBeVisible();
    expect(await screen.findByRole("listitem", { name: "Staging" })).toBeVisible();
    expect(backend.callsOf("import_connection_profiles")).toEqual([{ text }]);
    backend.failures.set("import_connection_profiles", {
      ...forbidden,
      code: "invalid_input",
      field: "file",
      message: "The file holds a password, which has no place in it.",
    });
    await user.upload(
      screen.getByLabelText("File of connections to import"),
      new File(["x"], "bad.json", { type: "application/json" }),
    );
    expect(await screen.findByText("Could not import connections from bad.json")).toBeVisible();
    expect(screen.getByText(/holds a password/)).toBeVisible();
  });
});

describe("another connection", () => {
  it("is used after a click, and the page forgets the registry before", async () => {
    const backend = withRemotes();
    const { user } = renderApp("/connections");
    await user.click((await row("Production EU")).getByRole("button", { name: "Switch" }));
    await waitFor(() => expect(backend.callsOf("switch_connection")).toEqual([{ id: "eu" }]));
    await backend.emitStatus({ state: "starting", step: "connecting" });
    expect(await screen.findByRole("heading", { name: "Opening Production EU" })).toBeVisible();
    expect(screen.queryByRole("listitem", { name: "Staging" }), "nothing of the other").toBeNull();
    expect(page.beginAnew).not.toHaveBeenCalled();
    await backend.emitStatus({ state: "password_needed", profile: eu, refused: null });
    expect(page.beginAnew).toHaveBeenCalledOnce();
  });

  it("leaves the page as it is where it is refused", async () => {
    const backend = withRemotes();
    backend.failures.set("switch_connection", forbidden);
    const { user } = renderApp("/connections");
    await user.click((await row("Staging")).getByRole("button", { name: "Switch" }));
    expect(await screen.findByText("Could not switch to Staging")).toBeVisible();
    await backend.emitStatus(backend.status);
    expect(page.beginAnew).not.toHaveBeenCalled();
  });

  it("is offered by the palette", async () => {
    const backend = withRemotes();
    const { user } = renderApp("/extensions");
    await screen.findByText("pii_guard");
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await screen.findByPlaceholderText("A page, an action or an extension"), "switch stag");
    await user.click(await screen.findByText("Switch to the connection Staging"));
    await waitFor(() => expect(backend.callsOf("switch_connection")).toEqual([{ id: "staging" }]));
  });

  it("of which the status comes by itself makes the page begin anew as well", async () => {
    const backend = withRemotes();
    renderApp("/extensions");
    await screen.findByText("pii_guard");
    await backend.emitStatus({ state: "failed", error: forbidden, profile: staging });
    expect(page.beginAnew).toHaveBeenCalledOnce();
    expect(screen.getByText("pii_guard"), "the old page stays until then").toBeVisible();
  });
});
