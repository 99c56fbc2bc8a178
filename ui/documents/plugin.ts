import type { Plugin } from "vite";
import { renderDocument } from "./markdown.ts";

/** Makes `import("…/docs/api.md?document")` a page of the Help: rendered while the frontend is built, from the file itself. */
export function documents(): Plugin {
  return {
    name: "documents",
    enforce: "pre",
    transform(source, id) {
      const [path = "", query] = id.split("?");
      if (query !== "document") return null;
      const { pictures, ...document } = renderDocument(source, path.slice(path.lastIndexOf("/") + 1));
      const imports = pictures.map((picture, n) => `import p${n} from ${JSON.stringify(`./${picture}`)};\n`);
      const code = `${imports.join("")}
const pictures = [${pictures.map((_, n) => `p${n}`).join(", ")}];
const document = ${JSON.stringify(document)};
document.html = document.html.replace(/src="picture:(\\d+)"/g, (_, n) => \`src="\${pictures[n]}"\`);
export default document;`;
      return { code, map: null, moduleType: "js" };
    },
  };
}
