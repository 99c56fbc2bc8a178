import { screen, within } from "@testing-library/react";
import { beforeAll, describe, expect, it } from "vitest";
import schemaSource from "../../../../docs/schema.md?raw";
import { readDiagram } from "../../../documents/diagram";
import { renderDocument } from "../../../documents/markdown";
import { startBackend } from "../../testing/backend";
import { renderApp } from "../../testing/renderApp";
import { helpEntries, placeOf } from "./contents";
import { loadAll, type Searched, searchDocuments } from "./search";

let documents: Searched[];

beforeAll(async () => {
  documents = await loadAll();
});

/** What a document's elements with this attribute have in it. */
function attributes(html: string, selector: string, attribute: string): string[] {
  const page = new DOMParser().parseFromString(html, "text/html");
  return [...page.querySelectorAll(selector)].map((element) => element.getAttribute(attribute) ?? "");
}

describe("the documents in the Help", () => {
  it("has every document of the repository", () => {
    const files = [
      ...Object.keys(import.meta.glob("../../../../docs/*.md")),
      ...Object.keys(import.meta.glob("../../../../*.md")),
    ];
    expect(files.length).toBeGreaterThan(12);
    const names = files.map((file) => file.replace(/^.*\/|\.md$/g, "").toLowerCase());
    expect(helpEntries.map(({ name }) => name).toSorted()).toEqual([...names, "license"].toSorted());
  });

  it("has no link that leads nowhere", () => {
    const links = documents.flatMap(({ name, document }) =>
      attributes(document.html, "a", "href").map((address) => ({ from: name, address })),
    );
    expect(links.length).toBeGreaterThan(30);
    const dead = links.filter(({ address }) => {
      const place = placeOf(address);
      const target = documents.find(({ name }) => name === place?.document);
      return !target?.document.sections.some(({ id }) => id === place?.heading);
    });
    expect(dead).toEqual([]);
  });

  it("has its pictures in the program, and nothing from elsewhere", () => {
    const sources = documents.flatMap(({ document }) => attributes(document.html, "img", "src"));
    expect(sources.length).toBeGreaterThan(10);
    for (const source of sources) expect(source).toMatch(/^\/.*\.png$/);
  });

  it("keeps no HTML of a document", () => {
    const { html } = renderDocument(
      '# T\n\n<img src=x onerror="x()"> <b>b</b>\n\n[l](javascript:x())\n',
      "t.md",
    );
    const page = new DOMParser().parseFromString(html, "text/html");
    expect(page.querySelectorAll("img, b, a")).toHaveLength(0);
  });

  it("names what lies elsewhere with its address, and leads to nothing but documents", () => {
    const { html } = renderDocument(
      "# T\n\n[site](https://example.org/a) [file](openapi.json) [b](b.md#c)\n",
      "t.md",
    );
    expect(html).toContain("<span>site</span> (<code>https://example.org/a</code>)");
    expect(html).toContain("<span>file</span>");
    expect(html).toContain('<a href="/help/b#c">b</a>');
  });

  it("draws every table and every line of the schema's diagram", () => {
    const schema = documents.find(({ name }) => name === "schema")?.document.html ?? "";
    expect(schema).not.toContain("erDiagram");
    const source =
      'erDiagram\n    one ||--o{ two : "id"\n    one {\n        text id PK\n    }\n    two {\n        int n\n    }\n';
    expect(readDiagram(source)).toEqual({
      tables: [
        { name: "one", columns: [{ type: "text", name: "id", keys: "PK" }] },
        { name: "two", columns: [{ type: "int", name: "n", keys: "" }] },
      ],
      lines: [{ from: "one", to: "two", isForeignKey: true, atFrom: "||", atTo: "o{" }],
    });
    const drawn = readDiagram(/```mermaid\n(.*?)```/s.exec(schemaSource)?.[1] ?? "");
    expect(drawn.tables.length).toBeGreaterThan(7);
    const page = new DOMParser().parseFromString(schema, "text/html");
    const texts = [...page.querySelectorAll("svg text")].map(({ textContent }) => textContent);
    for (const { name, columns } of drawn.tables) {
      expect(texts).toContain(name);
      for (const column of columns) expect(texts).toContain(`${column.name} ${column.type}`);
    }
    expect(page.querySelectorAll("svg path.line")).toHaveLength(drawn.lines.length);
  });

  it("finds sections by words, those that are called so first", () => {
    const [first] = searchDocuments(documents, "migration contributing");
    expect(first).toMatchObject({ path: "/help/contributing#a-migration", section: "A migration" });
    expect(searchDocuments(documents, "advisory lock").length).toBeGreaterThan(0);
    expect(searchDocuments(documents, "no such words anywhere")).toEqual([]);
    expect(searchDocuments(documents, " ")).toEqual([]);
  });
});

describe("the Help", () => {
  it("opens from the navigation, follows links between documents and shows where it is", async () => {
    startBackend();
    const { user, path } = renderApp("/");
    await user.click(await screen.findByRole("link", { name: "Help" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Beamline Registry" })).toBeVisible();
    expect(path()).toBe("/help/readme");
    const article = screen.getByRole("article");
    await user.click(within(article).getByRole("link", { name: "docs/security.md" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Security" })).toBeVisible();
    expect(path()).toBe("/help/security");
    const list = screen.getByRole("navigation", { name: "Documents" });
    expect(within(list).getByRole("link", { name: "Security" })).toHaveAttribute("aria-current", "page");
  });

  it("searches, and leads to the section", async () => {
    startBackend();
    const { user, path } = renderApp("/help/api");
    await user.type(
      await screen.findByRole("searchbox", { name: "Search all documents" }),
      "a migration{Enter}",
    );
    await user.click(await screen.findByRole("link", { name: "Contributing A migration" }));
    expect(path()).toBe("/help/contributing");
    expect(await screen.findByRole("heading", { level: 2, name: "A migration" })).toHaveAttribute(
      "id",
      "a-migration",
    );
  });

  it("copies code", async () => {
    startBackend();
    const { user } = renderApp("/help/readme");
    const [copy] = await screen.findAllByRole("button", { name: "Copy" });
    await user.click(copy as HTMLElement);
    expect(await navigator.clipboard.readText()).toContain("make run");
  });
});
