import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { auditEntry, forbidden } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

describe("the seal", () => {
  it("says up to which revision the log is verified, and verifies again when asked", async () => {
    const backend = startBackend();
    backend.auditEntries = [auditEntry(1204)];
    backend.verification = { revision: 1204, entry_count: 1204, anchor_count: 3, fault: null };
    const { user } = renderApp("/audit");
    await waitFor(() => expect(document.body).toHaveTextContent(/Sealed and verified to #1.204 · just now/));
    expect(screen.queryByText("The audit log is not whole.")).toBeNull();

    await user.click(screen.getByRole("button", { name: "Verify now" }));
    await waitFor(() => expect(backend.callsOf("verify_audit_log")).toHaveLength(2));
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
      revision: 9,
      entry_count: 3,
      anchor_count: 0,
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

  it("does not claim anything where it could not verify", async () => {
    const backend = startBackend();
    backend.failures.set("verify_audit_log", forbidden);
    renderApp("/audit");
    await waitFor(() => expect(document.body).toHaveTextContent("Could not verify"));
    expect(document.body).not.toHaveTextContent("Sealed and verified");
  });
});
