import { TextInput } from "@mantine/core";
import { type MouseEvent, useEffect, useRef, useState } from "react";
import { copyText } from "../../ui/clipboard";
import { counted } from "../../ui/figures";
import { IconSearch } from "../../ui/icons";
import { notifyDone } from "../../ui/notify";
import { PageHeader } from "../../ui/PageHeader";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { useShortcuts } from "../../ui/useShortcuts";
import { contents, type HelpDocument, type HelpPlace, helpEntries, placeOf } from "./contents";
import classes from "./Help.module.css";
import { loadAll, type Searched, searchDocuments } from "./search";

type HelpProps = { place: HelpPlace; onGo: (place: HelpPlace) => void };

/** As many as somebody looks through; more words find the others. */
const shownSections = 40;

/** The documents, as they are in the repository: beside each other, searched, and without a network. */
export function Help({ place, onGo }: HelpProps) {
  const document = useDocument(place.document);
  const [query, setQuery] = useState("");
  const all = useAll(query.trim() !== "");
  const search = useRef<HTMLInputElement>(null);
  useShortcuts({ "/": () => search.current?.focus() });

  // Links are in what was rendered from the files, and so are buttons that copy.
  function handleClick(event: MouseEvent<HTMLElement>) {
    if (!(event.target instanceof Element)) return;
    const code = event.target.closest("[data-copy]")?.parentElement?.querySelector("pre")?.textContent;
    if (code) void copyText(code).then(() => notifyDone("Copied the code"));
    const link = event.target.closest("a");
    const target = link && placeOf(link.getAttribute("href") ?? "");
    if (!target) return;
    event.preventDefault();
    setQuery("");
    onGo(target);
  }

  const found = query.trim() === "" || all === null ? null : searchDocuments(all, query);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what is clicked in it are links and buttons
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys click links and buttons by themselves
    <div className={classes.help} onClick={handleClick}>
      <div className={classes.side}>
        <TextInput
          ref={search}
          type="search"
          size="xs"
          aria-label="Search all documents"
          placeholder="Search all documents"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Escape" && setQuery("")}
        />
        <Contents place={place} document={document} />
      </div>
      <div className={classes.page}>
        {found !== null ? (
          <Results query={query} found={found} />
        ) : document === null ? (
          <SkeletonRows label="Opening the document" />
        ) : (
          <Article document={document} heading={place.heading} />
        )}
      </div>
    </div>
  );
}

function useDocument(name: string): HelpDocument | null {
  const [loaded, setLoaded] = useState<{ name: string; document: HelpDocument } | null>(null);
  useEffect(() => {
    let isCurrent = true;
    const entry = helpEntries.find((each) => each.name === name) ?? helpEntries[0];
    void entry?.load().then((module) => isCurrent && setLoaded({ name, document: module.default }));
    return () => {
      isCurrent = false;
    };
  }, [name]);
  return loaded?.name === name ? loaded.document : null;
}

/** Every document, from when somebody searches on. */
function useAll(isWanted: boolean): Searched[] | null {
  const [all, setAll] = useState<Searched[] | null>(null);
  useEffect(() => {
    if (isWanted && all === null) void loadAll().then(setAll);
  }, [isWanted, all]);
  return all;
}

function Contents({ place, document }: { place: HelpPlace; document: HelpDocument | null }) {
  return (
    <nav className={classes.contents} aria-label="Documents">
      {contents.map(({ title, entries }) => (
        <section key={title}>
          <h2 className={classes.group}>{title}</h2>
          <ul>
            {entries.map(({ name, label }) => (
              <li key={name}>
                <a href={`/help/${name}`} aria-current={name === place.document ? "page" : undefined}>
                  {label}
                </a>
                {name === place.document && document !== null && document.sections.length > 1 && (
                  <ul className={classes.headings}>
                    {document.sections
                      .filter(({ level }) => level === 2)
                      .map(({ id, title }) => (
                        <li key={id}>
                          <a
                            href={`/help/${name}#${id}`}
                            aria-current={id === place.heading ? "location" : undefined}
                          >
                            {title}
                          </a>
                        </li>
                      ))}
                  </ul>
                )}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}

function Article({ document, heading }: { document: HelpDocument; heading: string }) {
  const article = useRef<HTMLElement>(null);
  useEffect(() => {
    // The page goes to its beginning when its address changes, so this comes after it.
    const frame = requestAnimationFrame(() => {
      const shown = article.current;
      const target = heading === "" ? null : shown?.querySelector<HTMLElement>(`#${CSS.escape(heading)}`);
      if (target) {
        target.scrollIntoView({ block: "start" });
        target.focus({ preventScroll: true });
      } else shown?.scrollIntoView({ block: "start" });
    });
    return () => cancelAnimationFrame(frame);
  }, [heading]);
  return (
    <article ref={article} className={classes.article}>
      <PageHeader title={document.title} />
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: rendered from our own files while the page is built, and no HTML in them survives */}
      <div dangerouslySetInnerHTML={{ __html: document.html }} />
    </article>
  );
}

function Results({ query, found }: { query: string; found: ReturnType<typeof searchDocuments> }) {
  return (
    <>
      <PageHeader title="Help" />
      <p role="status" className={classes.count}>
        {found.length === 0 ? `Nothing has “${query.trim()}”` : counted(found.length, "section")}
        {found.length > shownSections && `, the first ${shownSections} shown`}
      </p>
      <ul className={classes.results}>
        {found.slice(0, shownSections).map(({ path, document, section, excerpt }) => (
          <li key={path}>
            <a href={path}>
              <span className={classes.of}>{document}</span> {section}
            </a>
            <p>{excerpt}</p>
          </li>
        ))}
      </ul>
    </>
  );
}
