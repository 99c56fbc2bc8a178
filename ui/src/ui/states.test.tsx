import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { ErrorReport } from "../bindings";
import { startBackend } from "../testing/backend";
import { forbidden, readyStatus } from "../testing/fixtures";
import { renderApp } from "../testing/renderApp";

const unreadable: ErrorReport = {
  ...forbidden,
  message: "Reading isn't allowed for this login.",
  facts: { kind: "required_role", value: "registry_viewer" },
};

describe("a page that the login may not read", () => {
  it.each([
    ["/extensions", "list_extensions", "The extensions could not be read"],
    ["/extensions?open=pii_guard", "get_extension", "pii_guard could not be read"],
    ["/routers", "list_consumers", "The programs that use the registry could not be read"],
  ])("says at %s which role is needed, whom to ask and what they run", async (path, command, title) => {
    const backend = startBackend();
    backend.status = { ...readyStatus, login: 'ann"a' };
    backend.failures.set(command, unreadable);
    const { user } = renderApp(path);
    const alert = (await screen.findByText(title)).closest<HTMLElement>("[role=alert]");
    if (!alert) throw new Error("it is an alert");
    expect(alert).toHaveTextContent(
      'The login ann"a needs the role registry_viewer, which reads everything.',
    );
    expect(within(alert).getByText('GRANT registry_viewer TO "ann""a";')).toBeVisible();
    await user.click(within(alert).getByRole("button", { name: "Copy for the administrator" }));
    await expect(navigator.clipboard.readText()).resolves.toBe('GRANT registry_viewer TO "ann""a";');
    backend.failures.clear();
    await user.click(within(alert).getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.queryByText(title)).not.toBeInTheDocument());
  });

  it("says at the import which role it needs before a file is chosen", async () => {
    const backend = startBackend();
    backend.permissions = { ...backend.permissions, can_edit: false };
    renderApp("/import");
    expect(await screen.findByText("Your login may not import")).toBeVisible();
    expect(screen.getByText('GRANT registry_editor TO "editor";')).toBeVisible();
  });
});

describe("a window that was told to work with less", () => {
  it("says how it is started with all that the login may", async () => {
    const backend = startBackend();
    backend.permissions = { ...backend.permissions, can_edit: false, works_as: "registry_viewer" };
    renderApp("/import");
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "This window was started to work as registry_viewer, with less than the login editor may",
    );
    expect(screen.queryByText(/GRANT/)).not.toBeInTheDocument();
  });
});

describe("what could not be refreshed", () => {
  it("has a code and details to copy", async () => {
    const backend = startBackend();
    const { user } = renderApp("/routers");
    await screen.findByText("No program has reported yet");
    backend.failures.set("list_consumers", forbidden);
    const notice = (await screen.findByText(/Could not refresh/)).closest<HTMLElement>("[role=status]");
    if (!notice) throw new Error("it is a status");
    expect(within(notice).getByTestId("error-code")).toHaveTextContent("forbidden");
    await user.click(within(notice).getByRole("button", { name: "Copy details" }));
    await expect(navigator.clipboard.readText()).resolves.toContain("SQLSTATE 42501");
  });
});

describe("the window's cache", () => {
  it("says why its state could not be read", async () => {
    const backend = startBackend();
    backend.failures.set("cache_stats", { ...forbidden, code: "internal", facts: null });
    renderApp("/routers");
    expect(await screen.findByText("The state of the cache could not be read")).toBeVisible();
  });
});
