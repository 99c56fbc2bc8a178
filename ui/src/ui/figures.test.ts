import { describe, expect, it } from "vitest";
import { age, counted, exactDuration, groupedCount, measuredDuration } from "./figures";

describe("exactDuration", () => {
  it.each([
    [0, "0 ms"],
    [200, "200 ms"],
    [1_000, "1 s"],
    [1_250, "1.25 s"],
    [30_000, "30 s"],
    [60_000, "60 s"],
    [90_000, "90 s"],
    [300_000, "5 min"],
  ])("%d ms reads %s", (durationMs, words) => {
    expect(exactDuration(durationMs)).toBe(words);
  });
});

describe("measuredDuration", () => {
  it.each([
    [4.23, "4.2 ms"],
    [9.96, "10 ms"],
    [143.7, "144 ms"],
    [999.7, "1.00 s"],
    [1_240.4, "1.24 s"],
  ])("%d ms reads %s", (durationMs, words) => {
    expect(measuredDuration(durationMs)).toBe(words);
  });
});

describe("counts", () => {
  it("are grouped by thousands", () => {
    expect(groupedCount(999)).toBe("999");
    expect(groupedCount(1_204)).toBe("1\u202f204");
    expect(groupedCount(1_234_567)).toBe("1\u202f234\u202f567");
  });

  it("agree with their noun", () => {
    expect(counted(1, "field")).toBe("1 field");
    expect(counted(2, "field")).toBe("2 fields");
  });
});

describe("age", () => {
  it("has tenths while they matter and whole units after", () => {
    expect(age(0)).toBe("0.0 s");
    expect(age(440)).toBe("0.4 s");
    expect(age(9_949)).toBe("9.9 s");
    expect(age(9_960)).toBe("10 s");
    expect(age(119_000)).toBe("119 s");
    expect(age(120_000)).toBe("2 min");
    expect(age(3 * 3_600_000)).toBe("3 h");
  });
});
