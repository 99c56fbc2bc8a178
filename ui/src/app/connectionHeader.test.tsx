import { act, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../testing/backend";
import { connectionState, forbidden, readyElsewhere, remoteProfile } from "../testing/fixtures";
import { renderApp } from "../testing/renderApp";

const eu = remoteProfile("eu", { label: "Production EU", colour: "red", is_production: true });

const line = () => screen.findByRole("status", { name: "Database" });

describe("the header", () => {
  it("says which registry it is, which server is used and what that is", async () => {
    const backend = startBackend();
    backend.status = readyElsewhere(eu);
    backend.connectionState = connectionState();
    renderApp();
    await waitFor(async () =>
      expect(await line()).toHaveTextContent(/Production EU.*production.*db-1\.example:5432 primary/),
    );
    expect((await line()).closest("header")).toHaveAttribute("data-production");
    await backend.emitConnection(connectionState({ server: "db-2.example:5433", role: "standby" }));
    expect(await line()).toHaveTextContent("db-2.example:5433 standby");
  });

  it("is not red for another", async () => {
    startBackend();
    renderApp();
    expect((await line()).closest("header")).not.toHaveAttribute("data-production");
  });

  it("says what is weak, that nothing can be changed and why, and that changes are polled", async () => {
    const backend = startBackend();
    backend.status = readyElsewhere(eu, {
      tls_mode: "require",
      is_tls_weak: true,
      read_only_reason: "The connection is read-only.",
      can_listen: false,
    });
    renderApp();
    const header = within(await line());
    expect(header.getByText("weak TLS").closest("[title]")).toHaveAttribute(
      "title",
      expect.stringMatching(/^require\. .*take the password/),
    );
    expect(header.getByText("read-only").closest("[title]")).toHaveAttribute(
      "title",
      "The connection is read-only.",
    );
    expect(header.getByText("polled").closest("[title]")).toHaveAttribute(
      "title",
      "Changes of others are looked for every few seconds: the pooler passes no notices.",
    );
    expect(await screen.findByRole("button", { name: "New" })).toHaveAttribute("aria-disabled", "true");
    expect(screen.getByRole("switch", { name: "pii_guard enabled" })).toHaveAttribute(
      "aria-disabled",
      "true",
    );
  });

  it("is told at length in the settings", async () => {
    const backend = startBackend();
    backend.status = readyElsewhere(eu, { can_listen: false });
    backend.connectionState = connectionState({ reconnect_count: 2 });
    renderApp("/settings");
    const database = await screen.findByRole("region", { name: "Database" });
    expect(database).toHaveTextContent(/verify-full: encrypted, and the server is the one/);
    await waitFor(() => expect(database).toHaveTextContent("primary, found anew 2 times"));
    expect(database).toHaveTextContent("the pooler passes no notices");
    expect(database).toHaveTextContent("production: asks before each switch off");
    expect(database).not.toHaveTextContent("Data directory");
  });
});

describe("a server that is lost", () => {
  it("leaves the pages readable and switches actions off until another one is found", async () => {
    const backend = startBackend();
    backend.status = readyElsewhere(eu);
    backend.connectionState = connectionState();
    const { user } = renderApp();
    await screen.findByText("pii_guard");
    await backend.emitConnection(
      connectionState({
        is_connected: false,
        since: new Date().toISOString(),
        failure: {
          code: "refused",
          message: "Nothing listens at db-1.example:5432.",
          action: "Check the port.",
          detail: "os error 111",
        },
      }),
    );
    const banner = screen.getByRole("region", { name: "Connecting again" });
    expect(banner).toHaveTextContent(
      /db-1\.example:5432 is lost, connecting again.*Nothing listens.*What is shown is of.*What you type stays/,
    );
    await user.click(within(banner).getByRole("button", { name: "Copy details" }));
    expect(await navigator.clipboard.readText()).toContain("os error 111");
    expect(screen.getByText("pii_guard")).toBeVisible();
    expect(screen.getByRole("button", { name: "New" })).toHaveAttribute("aria-disabled", "true");

    backend.extensions = backend.extensions.filter(({ id }) => id !== "pii_guard");
    await backend.emitConnection(connectionState({ server: "db-2.example:5433", reconnect_count: 1 }));
    expect(screen.queryByRole("region", { name: "Connecting again" })).toBeNull();
    await waitFor(() => expect(screen.queryByText("pii_guard"), "it is read again").toBeNull());
    expect(screen.getByRole("button", { name: "New" })).not.toHaveAttribute("aria-disabled");
  });
});

describe("a server that is lost while it is asked for", () => {
  it("stays lost when the older answer comes", async () => {
    const backend = startBackend();
    backend.status = readyElsewhere(eu);
    let answer = () => {};
    backend.holds.set("connection_state", new Promise<void>((done) => (answer = done)));
    renderApp();
    await screen.findByText("pii_guard");
    const lost = connectionState({ is_connected: false });
    await backend.emitConnection(lost);
    expect(screen.getByRole("region", { name: "Connecting again" })).toBeVisible();
    backend.connectionState = connectionState();
    await act(async () => answer());
    await act(() => new Promise((done) => setTimeout(done, 50)));
    expect(screen.getByRole("region", { name: "Connecting again" })).toBeVisible();
  });
});

describe("changes that are lost", () => {
  const lost_tail = {
    registry_id: "0b1d9c5e",
    known_revision: 1204,
    found_revision: 1201,
    common_revision: 1201,
    lost_count: 3,
    noticed_at: "2026-01-01T00:00:00Z",
  };

  it("are told with their numbers until somebody has acknowledged them", async () => {
    const backend = startBackend();
    backend.status = readyElsewhere(eu);
    backend.connectionState = connectionState({ lost_tail });
    const { user } = renderApp();
    const banner = await screen.findByRole("region", { name: "Changes were lost" });
    expect(banner).toHaveTextContent(/3 changes were lost.*1.202 to 1.204.*at revision 1.201/);
    await user.click(within(banner).getByRole("button", { name: "Acknowledge…" }));
    const question = within(await screen.findByRole("dialog", { name: "Acknowledge 3 lost changes?" }));
    backend.failures.set("acknowledge_lost_tail", forbidden);
    await user.click(question.getByRole("button", { name: "Acknowledge 3 lost changes" }));
    expect(await question.findByRole("alert")).toHaveTextContent(forbidden.message);
    backend.failures.clear();
    backend.connectionState = connectionState();
    await user.click(question.getByRole("button", { name: "Acknowledge 3 lost changes" }));
    await waitFor(() => expect(screen.queryByRole("region", { name: "Changes were lost" })).toBeNull());
    expect(backend.callsOf("acknowledge_lost_tail")).toHaveLength(2);
  });
});

describe("what the window keeps", () => {
  it("is of one registry", async () => {
    const backend = startBackend();
    localStorage.setItem("extensions-saved-views", '[{"name": "mine", "view": {"text": "is:off"}}]');
    backend.status = readyElsewhere(eu);
    const { user, goTo, path } = renderApp("/health");
    await screen.findByRole("heading", { level: 1, name: "Health" });
    expect(localStorage.getItem("eu@last-address")).toContain("/health");
    expect(localStorage.getItem("last-address")).toBeNull();
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await screen.findByPlaceholderText("A page, an action or an extension"), "view mine");
    expect(await screen.findByText("Nothing has that name")).toBeVisible();
    await user.keyboard("{Escape}");
    await goTo("/connections");
    await waitFor(() => expect(path()).toBe("/connections"));
    expect(localStorage.getItem("eu@last-address"), "no place in this registry").toContain("/health");
  });
});
