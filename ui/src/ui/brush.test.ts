import { describe, expect, it } from "vitest";
import { movedBrush } from "./brush";

describe("movedBrush", () => {
  it("stays within the buckets and keeps its anchor only with Shift", () => {
    expect(movedBrush(null, "ArrowLeft", false, 10)).toEqual({ anchor: 9, focus: 9 });
    expect(movedBrush({ anchor: 9, focus: 9 }, "ArrowRight", true, 10)).toEqual({ anchor: 9, focus: 9 });
    expect(movedBrush({ anchor: 4, focus: 6 }, "Home", true, 10)).toEqual({ anchor: 4, focus: 0 });
    expect(movedBrush({ anchor: 4, focus: 6 }, "End", false, 10)).toEqual({ anchor: 9, focus: 9 });
    expect(movedBrush(null, "a", false, 10)).toBeNull();
  });
});
