import { type HelpDocument, helpEntries } from "./contents";

/** A section that has all the words. */
export type Found = { path: string; document: string; section: string; excerpt: string };

export type Searched = { name: string; label: string; document: HelpDocument };

const excerptLength = 140;

/** Every document; each is read once. */
export function loadAll(): Promise<Searched[]> {
  return Promise.all(
    helpEntries.map(async ({ name, label, load }) => ({ name, label, document: (await load()).default })),
  );
}

/** The sections with all words of the query: those that are called so come first. */
export function searchDocuments(documents: readonly Searched[], query: string): Found[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const ranked: { found: Found; rank: number }[] = [];
  for (const { name, label, document } of documents) {
    for (const { id, title, text } of document.sections) {
      const heading = `${label} ${title}`.toLowerCase();
      const whole = `${heading} ${text.toLowerCase()}`;
      if (!words.every((word) => whole.includes(word))) continue;
      const named = words.filter((word) => title.toLowerCase().includes(word)).length;
      const path = `/help/${name}${id && `#${id}`}`;
      ranked.push({
        found: { path, document: label, section: title, excerpt: excerptOf(text, words) },
        rank: named,
      });
    }
  }
  return ranked.sort((one, other) => other.rank - one.rank).map(({ found }) => found);
}

/** The text around the first of the words that is in it. */
function excerptOf(text: string, words: readonly string[]): string {
  const places = words.map((word) => text.toLowerCase().indexOf(word)).filter((place) => place >= 0);
  const start = text.lastIndexOf(" ", Math.max(0, Math.min(...places, text.length) - 40)) + 1;
  const excerpt = text.slice(start, start + excerptLength).trim();
  return `${start > 0 ? "… " : ""}${excerpt}${start + excerptLength < text.length ? " …" : ""}`;
}
