import { describe, expect, it } from "vitest";
import css from "./tokens.css?raw";

const [light = "", dark = ""] = css.split(':root[data-mantine-color-scheme="dark"]');

type Colour = readonly [red: number, green: number, blue: number];

/** The colour of a token, in linear light. */
function colour(scheme: string, name: string): Colour {
  const hex = new RegExp(`--${name}: #([0-9a-f]{6});`).exec(scheme)?.[1];
  if (!hex) throw new Error(`no colour --${name}`);
  const channel = (place: number) => {
    const value = Number.parseInt(hex.slice(place, place + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(0), channel(2), channel(4)];
}

/** Contrast as WCAG 2 has it. */
function contrast(one: Colour, other: Colour): number {
  const luminance = ([red, green, blue]: Colour) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** How colours look without one kind of cones (Machado, Oliveira, Fernandes 2009, severity 1). */
const eyes: Record<string, readonly Colour[]> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function seen([red, green, blue]: Colour, matrix: readonly Colour[]): Colour {
  const [r, g, b] = matrix.map((row) =>
    Math.min(1, Math.max(0, row[0] * red + row[1] * green + row[2] * blue)),
  );
  return [r ?? 0, g ?? 0, b ?? 0];
}

/** The distance of two colours in OKLab × 100: one is about the least that an eye tells apart. */
function distance(one: Colour, other: Colour): number {
  const [a, b] = [oklab(one), oklab(other)];
  return 100 * Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function oklab([r, g, b]: Colour): Colour {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

const names = [1, 2, 3, 4, 5].map((number) => `chart-${number}`);

const profileColours = ["grey", "red", "orange", "yellow", "green", "blue", "violet"];

describe.each([
  ["light", light],
  ["dark", dark],
])("the marks of connections, %s", (_, scheme) => {
  it.each(profileColours)("%s stands out from the header and from a list", (name) => {
    for (const ground of ["canvas", "surface", "bad-soft"])
      expect(contrast(colour(scheme, `profile-${name}`), colour(scheme, ground))).toBeGreaterThan(3);
  });
});

describe.each([
  ["light", light],
  ["dark", dark],
])("the colours of charts, %s", (_, scheme) => {
  it.each(names)("%s stands out from what it lies on", (name) => {
    expect(contrast(colour(scheme, name), colour(scheme, "surface"))).toBeGreaterThan(3);
  });

  it.each(Object.keys(eyes))("differ for eyes with %s", (kind) => {
    const matrix = eyes[kind] ?? [];
    const colours = names.map((name) => seen(colour(scheme, name), matrix));
    const distances = colours.flatMap((one, index) =>
      colours.slice(index + 1).map((other) => distance(one, other)),
    );
    expect(Math.min(...distances)).toBeGreaterThan(10);
  });

  it.each(Object.keys(eyes))("of answered and failed calls differ much for eyes with %s", (kind) => {
    const [answered, failed] = ["chart-1", "chart-2"].map((name) =>
      seen(colour(scheme, name), eyes[kind] ?? []),
    );
    expect(distance(answered as Colour, failed as Colour)).toBeGreaterThan(20);
  });
});
