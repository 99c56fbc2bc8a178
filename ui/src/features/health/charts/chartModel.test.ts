import { describe, expect, it } from "vitest";
import { healthSeries } from "../../../testing/fixtures";
import {
  asCsv,
  barsPath,
  chartsOf,
  linePath,
  rangeOfBrush,
  spanWords,
  stepsOf,
  timeTicks,
  valueAxis,
  valueWords,
} from "./chartModel";

const series = healthSeries("guard", [{}, null, { score_percent: 50, failure_count: 99 }, {}]);
const [score, latency, calls] = chartsOf([series]) as [never, never, never];

describe("chartsOf", () => {
  it("has a value for each step, and none where there was no call", () => {
    expect(chartsOf([series])[0]?.lines[0]?.values).toEqual([99, null, 50, 99]);
    expect(valueWords(latency, 0)).toBe("p50 12 ms, p95 40 ms, p99 120 ms");
    expect(valueWords(calls, 1)).toBe("answered no data, failed no data");
    expect(valueWords(score, null)).toBe("rate 75.0 %");
  });

  it("puts several extensions in the same charts, each with a look of its own", () => {
    const both = chartsOf([series, healthSeries("other", [{ p95_ms: 7 }, null, null, null])]);
    expect(both.map(({ name }) => name)).toEqual(["Success rate", "Latency p95", "Calls"]);
    expect(both[1]?.lines.map(({ name, look, values }) => [name, look, values[0]])).toEqual([
      ["guard", 1, 40],
      ["other", 2, 7],
    ]);
  });
});

describe("valueAxis", () => {
  it("shows what little fails, and no more than is needed", () => {
    const lows = [99.9, 97, 70, 10].map(
      (score_percent) => valueAxis(chartsOf([healthSeries("x", [{ score_percent }])])[0] as never).low,
    );
    expect(lows).toEqual([98, 90, 50, 0]);
  });

  it("reaches above the highest bar, with whole numbers of calls", () => {
    const { high, ticks } = valueAxis(calls);
    expect(high).toBeGreaterThanOrEqual(198);
    expect(
      valueAxis(chartsOf([healthSeries("x", [{ success_count: 1, failure_count: 0 }])])[2] as never).ticks,
    ).toEqual([
      { at: 0, label: "0" },
      { at: 1, label: "1" },
      { at: 2, label: "2" },
    ]);
    expect(ticks.every(({ at }) => Number.isInteger(at))).toBe(true);
  });
});

describe("paths", () => {
  it("end where there is no value, and make a dot of one by itself", () => {
    const path = linePath(
      [1, 2, null, 3, null],
      (place) => place * 10,
      (value) => value,
    );
    expect(path).toBe("M0.0 1.0L10.0 2.0M30.0 3.0h0.01");
  });

  it("stand the failed calls on the line and the answered ones on them", () => {
    const draw = (line: number) =>
      barsPath(
        calls,
        line,
        (place) => place * 10,
        8,
        (value) => 200 - value,
      );
    expect(draw(1)).toBe("M0.0 200.0v-1.5h8.0v1.5zM20.0 200.0v-99.0h8.0v99.0zM30.0 200.0v-1.5h8.0v1.5z");
    expect(draw(0)).toMatch(/^M0\.0 199\.0v-99\.0/);
  });
});

describe("time", () => {
  const steps = stepsOf(series);

  it("is told locally and in UTC", () => {
    expect(spanWords(steps, 0, 0)).toEqual({
      local: "2026-01-01 01:00 – 02:00",
      utc: "2026-01-01 00:00 – 01:00 UTC",
    });
    expect(spanWords({ ...steps, count: 48 }, 0, 47).local).toBe("2026-01-01 01:00 – 2026-01-03 01:00");
  });

  it("of a selection has both ends, in either direction", () => {
    expect(rangeOfBrush(steps, { anchor: 2, focus: 1 })).toEqual({
      from: "2026-01-01T01:00:00.000Z",
      until: "2026-01-01T03:00:00.000Z",
    });
  });

  it("has its lines at local hours, also where an hour is missing", () => {
    // The night of 29 March 2026 has no hour from two to three in Berlin.
    const night = { from: Date.parse("2026-03-28T22:00:00Z"), stepMs: 3_600_000, count: 8 };
    const labels = timeTicks(night, 800).map(({ label }) => label);
    expect(labels).toEqual(["23:00", "03-29", "01:00", "03:00", "04:00", "05:00", "06:00", "07:00", "08:00"]);
  });
});

describe("asCsv", () => {
  it("has times in UTC, numbers as they are, and no line for a step without a call", () => {
    expect(asCsv(latency, stepsOf(series)).split("\n")).toEqual([
      "started_at,p50_ms,p95_ms,p99_ms",
      "2026-01-01T00:00:00.000Z,12,40,120",
      "2026-01-01T02:00:00.000Z,12,40,120",
      "2026-01-01T03:00:00.000Z,12,40,120",
      "",
    ]);
  });
});
