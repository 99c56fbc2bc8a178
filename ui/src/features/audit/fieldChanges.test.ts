import { describe, expect, it } from "vitest";
import { fitsInline, hiddenSecret, indented, inline, placeName } from "./fieldChanges";

const at = (path: string) => ({ path, before: null, after: null });

describe("placeName", () => {
  it("reads a pointer as a way through the configuration", () => {
    expect(placeName(at("/enabled"))).toBe("enabled");
    expect(placeName(at("/config/limits/rate"))).toBe("config › limits › rate");
    expect(placeName(at("/config/patterns/0/name"))).toBe("config › patterns[0] › name");
  });

  it("shows keys with slashes and tildes as they are", () => {
    expect(placeName(at("/config/rate~1s"))).toBe("config › rate/s");
    expect(placeName(at("/config/a~01"))).toBe("config › a~1");
  });

  it("names the whole where a legacy program wrote no fields", () => {
    expect(placeName(at(""))).toBe("all of it");
  });
});

describe("hiddenSecret", () => {
  const one = '{"$redacted": "a1b2c3d4e5f60718"}';

  it("shows that a secret is there, and by its fingerprint whether it is another", () => {
    expect(hiddenSecret(one)).toBe("hidden (a1b2c3)");
    expect(indented(one)).toBe("hidden (a1b2c3)");
    expect(inline(one)).toBe("hidden (a1b2c3)");
    expect(fitsInline({ path: "/config/api_key", before: one, after: one })).toBe(true);
  });

  it("takes nothing else for a secret", () => {
    expect(hiddenSecret('"text"')).toBeNull();
    expect(hiddenSecret("{}")).toBeNull();
    expect(hiddenSecret('{"$redacted": 5}')).toBeNull();
    expect(hiddenSecret('{"$redacted": "a", "more": 1}')).toBeNull();
  });
});

describe("inline", () => {
  it("drops the quotes of a text unless it could be mistaken for something else", () => {
    expect(inline('"beamline.v1"')).toBe("beamline.v1");
    expect(inline('"true"')).toBe('"true"');
    expect(inline('""')).toBe('""');
    expect(inline("true")).toBe("true");
    expect(inline(null)).toBe("nothing");
  });

  it("keeps every digit of a number", () => {
    expect(inline("12345678901234567890")).toBe("12345678901234567890");
  });
});

describe("indented", () => {
  it("gives a long object a line for each member and leaves what is not JSON alone", () => {
    const long = `{"first": "${"x".repeat(40)}", "second": [], "third": {"a": 1.50}}`;
    expect(indented(long)).toBe(
      `{\n  "first": "${"x".repeat(40)}",\n  "second": [],\n  "third": {"a": 1.50}\n}`,
    );
    expect(indented("not json")).toBe("not json");
  });
});

describe("fitsInline", () => {
  it("takes short simple values only", () => {
    expect(fitsInline({ path: "/a", before: "true", after: null })).toBe(true);
    expect(fitsInline({ path: "/a", before: null, after: '{"b": 1}' })).toBe(false);
    expect(fitsInline({ path: "/a", before: null, after: `"${"x".repeat(60)}"` })).toBe(false);
  });
});
