import GithubSlugger from "github-slugger";
import MarkdownIt from "markdown-it";
import { drawDiagram, escaped } from "./diagram.ts";

/** A heading with what stands under it, as plain text to search in. */
export type Section = { id: string; title: string; level: number; text: string };

/** A document as the Help shows it. */
export type HelpDocument = {
  title: string;
  /** What stands under the title. It is made from files of this repository alone, and no HTML in them survives. */
  html: string;
  /** In their order; the first is the beginning, under the title. */
  sections: Section[];
};

type Token = ReturnType<InstanceType<typeof MarkdownIt>["parse"]>[number];

/** How a document is called in an address: "api" for `docs/api.md`, "license" for `LICENSE`. */
export function documentName(path: string): string {
  return path
    .slice(path.lastIndexOf("/") + 1)
    .replace(/\.md$/, "")
    .toLowerCase();
}

/** Renders a file; `pictures` are the files that its `src="picture:0"` and so on stand for, relative to it. */
export function renderDocument(source: string, fileName: string): HelpDocument & { pictures: string[] } {
  // A licence is no Markdown: its lines are as they are.
  if (!fileName.endsWith(".md")) {
    const html = `<pre class="plain">${escaped(source)}</pre>`;
    const section = { id: "", title: "Licence", level: 1, text: source.replace(/\s+/g, " ").trim() };
    return { title: "Licence", html, sections: [section], pictures: [] };
  }
  const markdown = new MarkdownIt({ html: false });
  const pictures: string[] = [];
  // Marks for the programs that write parts of a document.
  const tokens = markdown.parse(source.replace(/^<!--.*?-->\n/gms, ""), {});
  const sections = nameHeadings(tokens);
  dropEmptyHeads(tokens);
  for (const token of tokens) leadLinks(token.children ?? [], documentName(fileName));
  const titleEnd = tokens.findIndex(({ type }) => type === "heading_close") + 1;

  const { rules } = markdown.renderer;
  rules.fence = (all, n) => {
    const { info, content } = all[n] as Token;
    if (info.trim() === "mermaid") return drawDiagram(content);
    return `<div class="code"><pre tabindex="0"><code>${escaped(content)}</code></pre><button type="button" data-copy>Copy</button></div>\n`;
  };
  rules.table_open = () => `<div class="table" role="group" aria-label="Table" tabindex="0"><table>\n`;
  rules.table_close = () => "</table></div>\n";
  rules.image = (all, n) => {
    const image = all[n] as Token;
    pictures.push(String(image.attrGet("src")));
    return `<img src="picture:${pictures.length - 1}" alt="${escaped(image.content)}" loading="lazy">`;
  };
  const html = markdown.renderer.render(tokens.slice(titleEnd), markdown.options, {});
  return { title: sections[0]?.title ?? fileName, html, sections, pictures };
}

/** Gives each heading the id that it has on GitHub, so that links between the files hold in both places. */
function nameHeadings(tokens: Token[]): Section[] {
  const slugger = new GithubSlugger();
  const sections: Section[] = [];
  tokens.forEach((token, n) => {
    if (token.type === "heading_open") {
      const title = plainText(tokens[n + 1]?.children ?? []);
      const id = slugger.slug(title);
      const level = Number(token.tag.slice(1));
      token.attrs = [
        ["id", id],
        ["tabindex", "-1"],
      ];
      // The beginning is where a document opens without more.
      sections.push({ id: level === 1 ? "" : id, title, level, text: "" });
      return;
    }
    const section = sections.at(-1);
    if (section === undefined || tokens[n - 1]?.type === "heading_open") return;
    if (token.type === "inline") section.text += `${plainText(token.children ?? [])} `;
    if (token.type === "fence") section.text += `${token.content.replace(/\s+/g, " ")} `;
  });
  return sections;
}

function plainText(tokens: Token[]): string {
  return tokens.map(({ type, content }) => (/break$/.test(type) ? " " : content)).join("");
}

/** A cell without words heads nothing: for who hears the table it is a cell like others. */
function dropEmptyHeads(tokens: Token[]): void {
  tokens.forEach((token, n) => {
    if (token.type !== "th_open" || tokens[n + 1]?.content !== "") return;
    for (const part of [token, tokens[n + 2]]) if (part) part.tag = "td";
  });
}

/** Leads links to other documents within the Help. What lies elsewhere is named with its address, to be copied. */
function leadLinks(tokens: Token[], own: string): void {
  let after = "";
  for (const token of tokens) {
    if (token.type === "link_open") {
      const target = String(token.attrGet("href"));
      after = "";
      const [file = "", hash] = target.split("#");
      if (/^[a-z]+:/.test(target)) {
        after = ` (<code>${escaped(target)}</code>)`;
        token.tag = "span";
        token.attrs = null;
      } else if (file === "" || file.endsWith(".md") || file === "LICENSE") {
        token.attrSet("href", helpPath(file === "" ? own : documentName(file), hash));
      } else {
        token.tag = "span";
        token.attrs = null;
      }
      if (token.tag === "span") {
        const close = tokens.slice(tokens.indexOf(token)).find(({ type }) => type === "link_close");
        if (close) {
          close.type = "html_inline";
          close.content = `</span>${after}`;
        }
      }
    }
  }
}

function helpPath(name: string, hash?: string): string {
  return `/help/${name}${hash ? `#${hash}` : ""}`;
}
