import { describe, expect, it } from "vitest";
import { dayName, localDateTime, parseInstant, relativeTime, utcDateTime } from "./time";

const now = new Date("2026-11-23T13:05:12Z");

function ago(elapsedMs: number): Date {
  return new Date(now.getTime() - elapsedMs);
}

describe("relativeTime", () => {
  it.each([
    [0, "just now"],
    [44_000, "just now"],
    [-20_000, "just now"],
    [46_000, "1 min ago"],
    [119_000, "1 min ago"],
    [120_000, "2 min ago"],
    [59 * 60_000, "59 min ago"],
    [60 * 60_000, "1 h ago"],
    [23.9 * 3_600_000, "23 h ago"],
    [24 * 3_600_000, "1 d ago"],
    [8 * 86_400_000, "2026-11-15"],
  ])("%d ms ago reads %s", (elapsedMs, words) => {
    expect(relativeTime(ago(elapsedMs), now)).toBe(words);
  });

  it("gives a date and not a negative age to a time in the future", () => {
    expect(relativeTime(ago(-3_600_000), now)).toBe("2026-11-23 15:05:12");
  });
});

describe("local and UTC time", () => {
  it("differ by the zone's offset", () => {
    expect(localDateTime(now)).toBe("2026-11-23 14:05:12");
    expect(utcDateTime(now)).toBe("2026-11-23 13:05:12");
  });
});

describe("dayName", () => {
  it("goes by the local day: 23:30 UTC is already tomorrow here", () => {
    expect(dayName(new Date("2026-11-22T23:30:00Z"), now)).toBe("Today");
    expect(dayName(new Date("2026-11-22T22:30:00Z"), now)).toBe("Yesterday");
    expect(dayName(new Date("2026-11-21T12:00:00Z"), now)).toBe("Saturday 21 November 2026");
  });

  it("knows yesterday on the day after a change of the clocks", () => {
    expect(dayName(new Date("2026-10-24T22:30:00Z"), new Date("2026-10-26T08:00:00Z"))).toBe("Yesterday");
  });
});

describe("parseInstant", () => {
  it("is null for no time and for what is not a time", () => {
    expect(parseInstant(null)).toBeNull();
    expect(parseInstant("infinity")).toBeNull();
  });
});
