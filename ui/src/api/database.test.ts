import { describe, expect, it, vi } from "vitest";
import { startBackend } from "../testing/backend";
import { readyStatus } from "../testing/fixtures";
import { advance, monitorDatabase } from "./database";

describe("advance", () => {
  it("collects steps once each and forgets them when a new start begins", () => {
    const first = advance(null, { state: "starting", step: "finding_server" }, 0);
    const again = advance(first, { state: "starting", step: "finding_server" }, 0);
    expect(again.steps).toEqual(["finding_server"]);
    const ready = advance(again, readyStatus, 0);
    expect(ready.steps).toEqual(["finding_server"]);
    expect(advance(ready, { state: "starting", step: "connecting" }, 0).steps).toEqual(["connecting"]);
  });

  it("knows since when the database is away, and that it was not there before", () => {
    const first = advance(null, { state: "starting", step: "connecting" }, 1);
    expect(first).toMatchObject({ wasOpen: false, awaySince: null });
    const ready = advance(first, readyStatus, 2);
    expect(ready).toMatchObject({ wasOpen: true, awaySince: null });
    const away = advance(ready, { state: "starting", step: "starting_server" }, 3);
    expect(advance(away, { state: "starting", step: "connecting" }, 4)).toMatchObject({
      wasOpen: true,
      awaySince: 3,
    });
    expect(advance(away, readyStatus, 5)).toMatchObject({ wasOpen: true, awaySince: null });
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
    // It is asked at once, and again as soon as changes are followed.
    await vi.waitFor(() => expect(backend.callsOf("database_status")).toHaveLength(2));
    await backend.emitStatus(readyStatus);
    backend.status = { state: "starting", step: "connecting" };
    answer();
    // The answer takes a few microtasks to come through the bridge; a macrotask later it is there.
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(monitor.current()?.status).toEqual(readyStatus);
  });
});
