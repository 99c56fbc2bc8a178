import { describe, expect, it, vi } from "vitest";
import { startBackend } from "../testing/backend";
import { readyStatus } from "../testing/fixtures";
import { advance, monitorDatabase } from "./database";

describe("advance", () => {
  it("collects steps once each and forgets them when a new start begins", () => {
    const first = advance(null, { state: "starting", step: "finding_server" });
    const again = advance(first, { state: "starting", step: "finding_server" });
    expect(again.steps).toEqual(["finding_server"]);
    const ready = advance(again, readyStatus);
    expect(ready.steps).toEqual(["finding_server"]);
    expect(advance(ready, { state: "starting", step: "connecting" }).steps).toEqual(["connecting"]);
  });
});

describe("monitorDatabase", () => {
  it("lets an event that overtook the answer stand", async () => {
    const backend = startBackend();
    let answer = () => {};
    backend.holds.set(
      "database_status",
      new Promise<void>((resolve) => {
        answer = resolve;
      }),
    );
    const monitor = monitorDatabase();
    await vi.waitFor(() => expect(backend.callsOf("database_status")).toHaveLength(1));
    await backend.emitStatus(readyStatus);
    backend.status = { state: "starting", step: "connecting" };
    answer();
    // The answer takes a few microtasks to come through the bridge; a macrotask later it is there.
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(monitor.current()?.status).toEqual(readyStatus);
  });
});
