import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { auditEntry, forbidden, verification } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

/** The window's own, which comes before those of pages. */
function header(): HTMLElement {
  const [first] = screen.getAllByRole("banner");
  if (!first) throw new Error("no header");
  return first;
}

describe("the seal", () => {
  it("says up to which revision the log is verified, and verifies again when asked", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(1204)];
    backend.verification = verification(1204);
    const { user } = renderApp("/audit");
    await waitFor(() => expect(document.body).toHaveTextContent(/Sealed and verified to #1.204 · just now/));
    expect(screen.queryByText("The audit log is not whole.")).toBeNull();

    await user.click(screen.getByRole("button", { name: "Verify now" }));
    await waitFor(() => expect(backend.callsOf("verify_audit_log").at(-1)).toEqual({ scope: "whole" }));
    expect(backend.callsOf("verify_audit_log")[0], "what is new is verified unasked").toEqual({
      scope: "new",
    });
  });

  it("tells how far a long verification is, and stops it when asked", async () => {
    const backend = startBackend();
    let answer = () => {};
    backend.holds.set(
      "verify_audit_log",
      new Promise<void>((resolve) => {
        answer = resolve;
      }),
    );
    const { user } = renderApp("/audit");
    await waitFor(() => expect(document.body).toHaveTextContent("Verifying…"));
    await backend.emitProgress({ entry_count: 4_100_000, total: 10_000_000 });
    await waitFor(() => expect(document.body).toHaveTextContent(/Verifying… 41 % · 4.100.000 of 10.000.000/));

    await user.click(screen.getByRole("button", { name: "Cancel" }));
    expect(backend.callsOf("stop_verification")).toHaveLength(1);
    backend.verification = null;
    answer();
    await waitFor(() => expect(document.body).toHaveTextContent("Not verified"));
    expect(screen.getByRole("button", { name: "Verify now" })).toBeEnabled();
  });

  it("is loud where it is broken, and names the first bad entry", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(9)];
    backend.verification = {
      ...verification(9),
      fault: {
        kind: "content_changed",
        revision: 4,
        explanation: "The content of entry #4 is not what was sealed.",
      },
    };
    renderApp("/audit");
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("The audit log is not whole.");
    expect(alert).toHaveTextContent("The content of entry #4 is not what was sealed.");
    expect(screen.getByTestId("seal-fault")).toHaveTextContent("content_changed");
    expect(document.body).not.toHaveTextContent("Sealed and verified");
  });

  it("tells what an earlier start found, and when all of it was looked at", async () => {
    const backend = startBackend();
    const threeDaysAgo = new Date(Date.now() - 3 * 86_400_000).toISOString();
    backend.lastVerification = {
      found: verification(1200),
      verified_at: threeDaysAgo,
      whole_revision: 1200,
      whole_verified_at: threeDaysAgo,
    };
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    backend.holds.set("verify_audit_log", answered);
    backend.verification = verification(1204);
    renderApp("/audit");
    await waitFor(() => expect(document.body).toHaveTextContent(/verified to #1.200 · 3 d ago/));
    expect(header()).toHaveTextContent(/verified to #1.200, 3 d ago/);
    answer();
    await waitFor(() =>
      expect(document.body).toHaveTextContent(/verified to #1.204 · just now, all of it 3 d ago/),
    );
  });

  it("is in sight everywhere, and leads to the audit log", async () => {
    const backend = startBackend();
    backend.verification = {
      ...verification(9),
      fault: { kind: "entry_missing", revision: 4, explanation: "Entry #4 is missing." },
    };
    const { user, path } = renderApp("/settings");
    await user.click(await screen.findByRole("link", { name: "Audit log not whole from #4" }));
    await waitFor(() => expect(path()).toBe("/audit"));
  });

  it("is not shown to whom the log is not", async () => {
    const backend = startBackend();
    backend.permissions = { ...backend.permissions, can_audit: false };
    renderApp("/settings");
    await screen.findByRole("heading", { name: "Settings" });
    expect(header()).not.toHaveTextContent("verified");
    expect(backend.callsOf("verify_audit_log")).toHaveLength(0);
  });

  it("does not claim anything where it could not verify", async () => {
    const backend = startBackend();
    backend.failures.set("verify_audit_log", forbidden);
    renderApp("/audit");
    await waitFor(() => expect(document.body).toHaveTextContent("Could not verify"));
    expect(document.body).not.toHaveTextContent("Sealed and verified");
  });
});
