import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { ErrorReport } from "../bindings";
import { type Backend, startBackend } from "../testing/backend";
import { forbidden, readyStatus } from "../testing/fixtures";
import { renderApp } from "../testing/renderApp";

const unreadable: ErrorReport = {
  ...forbidden,
  message: "Reading isn't allowed for this login.",
  facts: { kind: "required_role", value: "registry_viewer" },
};

/** Why anything could not be read, for no reason of the login's. */
const failed: ErrorReport = { ...forbidden, code: "database_unavailable", facts: null };

type PageStates = {
  path: string;
  /** What it reads first. */
  command: string;
  /** Its words while it waits, for nothing and for a failure. */
  waiting: string;
  nothing: string;
  tried: string;
  /** Its words for a login that may not, if they are others than those for a failure. */
  refused?: string;
  /** What is said of a failure, if it is not what the backend told. */
  told?: Pick<ErrorReport, "code" | "message" | "action">;
};

const pages: PageStates[] = [
  {
    path: "/extensions",
    command: "list_extensions",
    waiting: "Reading the extensions",
    nothing: "No extensions yet",
    tried: "The extensions could not be read",
  },
  {
    path: "/audit",
    command: "list_audit_entries",
    waiting: "Reading the audit log",
    nothing: "No changes yet",
    tried: "The audit log could not be read",
    refused: "Your login may not read the audit log",
  },
  {
    path: "/health",
    command: "health_overview",
    waiting: "Reading the health figures",
    nothing: "Nothing to report on yet",
    tried: "The health figures could not be read",
  },
  {
    path: "/health?range=all",
    command: "list_health",
    waiting: "Reading the health figures",
    nothing: "Nothing to report on yet",
    tried: "The health figures could not be read",
  },
  {
    path: "/routers",
    command: "list_consumers",
    waiting: "Reading which programs use the registry",
    nothing: "No program has reported yet",
    tried: "The programs that use the registry could not be read",
  },
  {
    path: "/connections",
    command: "connection_profiles",
    waiting: "Reading the connections",
    nothing: "No registry elsewhere yet",
    tried: "The connections could not be read",
    // They lie on this computer: nothing but the bridge to the program can fail.
    told: {
      code: "internal",
      message: "The window got no usable answer from the program.",
      action: "Try again. If it happens again, restart Beamline Registry and look at its log.",
    },
  },
  {
    path: "/backups",
    command: "backup_overview",
    waiting: "Reading the state of the backups",
    nothing: "No backups here",
    tried: "The state of the backups could not be read",
  },
];

function startEmpty(): Backend {
  const backend = startBackend();
  backend.extensions = [];
  return backend;
}

async function alertOf(title: string): Promise<HTMLElement> {
  const alert = (await screen.findByText(title)).closest<HTMLElement>("[role=alert]");
  if (!alert) throw new Error("it is an alert");
  return alert;
}

describe.each(pages)("the page at $path", ({ path, command, waiting, nothing, tried, told = failed }) => {
  it("has a shape while it waits, and says what would put something where there is nothing", async () => {
    const backend = startEmpty();
    let answer = () => {};
    backend.holds.set(
      command,
      new Promise((resolve) => {
        answer = resolve;
      }),
    );
    renderApp(path);
    expect(await screen.findByRole("status", { name: waiting })).toHaveAttribute("aria-busy", "true");
    expect(screen.queryByText(nothing), "it is not known yet that there is nothing").not.toBeInTheDocument();
    answer();
    expect(await screen.findByText(nothing)).toBeVisible();
    expect(screen.queryByRole("status", { name: waiting })).not.toBeInTheDocument();
  });

  it("says why it could not be read, what to do, a code and details to copy, and tries again", async () => {
    const backend = startEmpty();
    backend.failures.set(command, failed);
    const { user } = renderApp(path);
    const alert = await alertOf(tried);
    expect(alert).toHaveTextContent(`${told.message} ${told.action}`);
    expect(within(alert).getByTestId("error-code")).toHaveTextContent(told.code);
    expect(screen.queryByText(nothing), "a failure is no emptiness").not.toBeInTheDocument();
    await user.click(within(alert).getByRole("button", { name: "Copy details" }));
    const copied = await navigator.clipboard.readText();
    expect(copied).toContain(`${told.message} (${told.code})\n${told.action}\n\n`);
    expect(copied).toContain("SQLSTATE 42501");
    backend.failures.clear();
    const asked = backend.callsOf(command).length;
    await user.click(within(alert).getByRole("button", { name: "Try again" }));
    expect(backend.callsOf(command).length, "at once, not by and by").toBeGreaterThan(asked);
    expect(await screen.findByText(nothing)).toBeVisible();
    expect(screen.queryByText(tried)).not.toBeInTheDocument();
  });
});

describe("a page that the login may not read", () => {
  it.each(pages.filter(({ told }) => told === undefined))(
    "has at $path a code and details to copy",
    async ({ path, command, tried, refused = tried }) => {
      const backend = startEmpty();
      backend.failures.set(command, unreadable);
      const { user } = renderApp(path);
      const alert = await alertOf(refused);
      expect(within(alert).getByText('GRANT registry_viewer TO "editor";')).toBeVisible();
      expect(within(alert).getByTestId("error-code")).toHaveTextContent("forbidden");
      await user.click(within(alert).getByRole("button", { name: "Copy details" }));
      await expect(navigator.clipboard.readText()).resolves.toContain("SQLSTATE 42501");
    },
  );

  it.each([
    ["/extensions", "list_extensions", "The extensions could not be read"],
    ["/extensions?open=pii_guard", "get_extension", "pii_guard could not be read"],
    ["/routers", "list_consumers", "The programs that use the registry could not be read"],
  ])("says at %s which role is needed, whom to ask and what they run", async (path, command, title) => {
    const backend = startBackend();
    backend.status = { ...readyStatus, login: 'ann"a' };
    backend.failures.set(command, unreadable);
    const { user } = renderApp(path);
    const alert = await alertOf(title);
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
