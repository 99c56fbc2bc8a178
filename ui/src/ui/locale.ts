/** How the desktop's user writes dates and numbers; null where nobody has said: then both are as ISO 8601 and SI have them. */
export type Locales = { dates: string | null; numbers: string | null };

declare global {
  interface Window {
    /** Set by the program before the page begins. */
    desktopLocales?: Partial<Locales>;
  }
}

let locales: Locales = known(window.desktopLocales ?? {});
const formatters = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>();

/** What the engine has no data of would be written as in its own locale, which is nobody's choice. */
function known({ dates, numbers }: Partial<Locales>): Locales {
  return {
    dates: dates && Intl.DateTimeFormat.supportedLocalesOf(dates).length > 0 ? dates : null,
    numbers: numbers && Intl.NumberFormat.supportedLocalesOf(numbers).length > 0 ? numbers : null,
  };
}

export function setLocales(chosen: Locales): void {
  locales = known(chosen);
  formatters.clear();
}

/** The formatter of dates in the user's locale; null where there is none. Its months are numbers: the words are English. */
export function dateFormatter(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat | null {
  const { dates } = locales;
  // The digits of the other figures on the page.
  const make = () =>
    new Intl.DateTimeFormat(dates ?? undefined, { numberingSystem: "latn", calendar: "gregory", ...options });
  return dates === null ? null : kept(`dates ${JSON.stringify(options)}`, make);
}

/** The formatter of numbers in the user's locale; null where there is none. */
export function numberFormatter(options: Intl.NumberFormatOptions): Intl.NumberFormat | null {
  const { numbers } = locales;
  const make = () => new Intl.NumberFormat(numbers ?? undefined, { numberingSystem: "latn", ...options });
  return numbers === null ? null : kept(`numbers ${JSON.stringify(options)}`, make);
}

/** Making one takes as long as some hundred uses of it. */
function kept<Formatter extends Intl.DateTimeFormat | Intl.NumberFormat>(
  key: string,
  make: () => Formatter,
): Formatter {
  const formatter = (formatters.get(key) as Formatter | undefined) ?? make();
  formatters.set(key, formatter);
  return formatter;
}
