import { afterEach, describe, expect, it } from "vitest";
import { age, exactDuration, groupedCount, measuredDuration, scoreText } from "./figures";
import { setLocales } from "./locale";
import {
  localDateTime,
  pickerFormat,
  shownDate,
  shownDateTime,
  shownMinute,
  shownSpan,
  utcDateTime,
} from "./time";

const instant = new Date("2026-11-23T13:05:12Z");
const later = new Date("2026-11-23T14:10:00Z");

afterEach(() => setLocales({ dates: null, numbers: null }));

describe("dates and numbers", () => {
  it.each([
    [null, "2026-11-23", "2026-11-23 14:05:12", "2026-11-23 14:05 to 15:10", "YYYY-MM-DD HH:mm"],
    [
      "de-DE",
      "23.11.2026",
      "23.11.2026, 14:05:12",
      "23.11.2026, 14:05 to 15:10",
      "DD[.]MM[.]YYYY[, ]HH[:]mm",
    ],
    ["sv-SE", "2026-11-23", "2026-11-23 14:05:12", "2026-11-23 14:05 to 15:10", "YYYY[-]MM[-]DD[ ]HH[:]mm"],
    [
      "en-US",
      "11/23/2026",
      "11/23/2026, 02:05:12 PM",
      "11/23/2026, 02:05 PM to 03:10 PM",
      "MM[/]DD[/]YYYY[, ]hh[:]mm[ ]A",
    ],
  ])("are dates of %s", (dates, date, dateTime, span, picker) => {
    setLocales({ dates, numbers: null });
    // Some releases of ICU have a narrow space before AM and PM.
    const plain = (text: string) => text.replaceAll("\u202f", " ");
    expect(plain(shownDate(instant))).toBe(date);
    expect(plain(shownDateTime(instant))).toBe(dateTime);
    expect(plain(shownSpan(instant, later, "to"))).toBe(span);
    expect(plain(pickerFormat({ withSeconds: false }))).toBe(picker);
  });

  it.each([
    [null, "1\u202f234\u202f567", "99.9 %", "1.5 s", "4.2 ms", "0.4 s"],
    ["de-DE", "1.234.567", "99,9 %", "1,5 s", "4,2 ms", "0,4 s"],
    ["en-US", "1,234,567", "99.9 %", "1.5 s", "4.2 ms", "0.4 s"],
  ])("are numbers of %s", (numbers, count, score, duration, measured, old) => {
    setLocales({ dates: null, numbers });
    expect(groupedCount(1_234_567)).toBe(count);
    expect(scoreText(99.97)).toBe(score);
    expect(exactDuration(1_500)).toBe(duration);
    expect(measuredDuration(4.2)).toBe(measured);
    expect(age(400)).toBe(old);
  });

  it("have the digits of everybody, and the calendar too", () => {
    setLocales({ dates: "fa-IR", numbers: "ar-EG" });
    expect(shownDate(instant)).toContain("2026");
    expect(groupedCount(12)).toBe("12");
  });

  it("stay as they are where a program reads them, and where a locale is not known", () => {
    setLocales({ dates: "de-DE", numbers: "de-DE" });
    expect(localDateTime(instant)).toBe("2026-11-23 14:05:12");
    expect(utcDateTime(instant)).toBe("2026-11-23 13:05:12");
    setLocales({ dates: "xx-XX", numbers: "xx-XX" });
    expect(shownMinute(instant)).toBe("2026-11-23 14:05");
    expect(groupedCount(1_234)).toBe("1\u202f234");
  });
});
