/*
 * Draws the diagram of docs/schema.md. Mermaid itself lays text out in a browser, so it would have to come along with
 * the program, which is three megabytes for one picture. What `make diagram` writes has one shape: tables, and lines
 * from one table to the others.
 */

type Column = { type: string; name: string; keys: string };
type Table = { name: string; columns: Column[] };
type Line = { from: string; to: string; isForeignKey: boolean; atFrom: string; atTo: string };
type Place = { x: number; y: number; height: number };

const width = 244;
const gap = 31;
const rowHeight = 19;
const headHeight = 27;
const below = 22;
const margin = 2;

/** The marks of Mermaid at a line's end, in words of numbers. */
const counts: Record<string, string> = { "||": "1", "|o": "0–1", "o|": "0–1", "o{": "0–n", "}o": "0–n" };

export function drawDiagram(source: string): string {
  const { tables, lines } = readDiagram(source);
  const hub = mostOften(lines.map(({ from }) => from));
  const isLinked = (name: string) => lines.some(({ to }) => to === name);
  const columns: [Table[], Table[], Table[]] = [[], tables.filter(({ name }) => name === hub), []];
  const put = (table: Table, among: Table[][]) =>
    among.reduce((one, other) => (columnHeight(other) < columnHeight(one) ? other : one)).push(table);
  // The longest first, each where there is less yet; what a line leads to, beside the table that it comes from.
  const others = tables.filter(({ name }) => name !== hub).sort(byHeight);
  for (const table of others.filter(({ name }) => isLinked(name))) put(table, [columns[0], columns[2]]);
  for (const table of others.filter(({ name }) => !isLinked(name))) put(table, columns);
  const height = Math.max(...columns.map(columnHeight)) + 2 * margin;
  const places = new Map<string, Place>();
  columns.forEach((column, n) => {
    let y = margin;
    for (const table of column) {
      places.set(table.name, { x: margin + n * (width + gap), y, height: tableHeight(table) });
      y += tableHeight(table) + below;
    }
  });
  const whole = 3 * width + 2 * gap + 2 * margin;
  const names = tables.map(({ name }) => name).join(", ");
  return `<div class="diagram" role="group" aria-label="Diagram of the tables" tabindex="0">
<svg viewBox="0 0 ${whole} ${Math.ceil(height)}" width="${whole}" height="${Math.ceil(height)}" role="img" aria-label="The tables ${escaped(names)}, each with its columns">
${lines.map((line, n) => drawLine(line, n, lines.length, places)).join("\n")}
${tables.map((table) => drawTable(table, places.get(table.name))).join("\n")}
</svg></div>\n`;
}

export function readDiagram(source: string): { tables: Table[]; lines: Line[] } {
  const tables: Table[] = [];
  const lines: Line[] = [];
  for (const text of source.split("\n").map((line) => line.trim())) {
    const line = /^(\w+) (\|[|o])(--|\.\.)(o[|{]) (\w+) : /.exec(text);
    if (line) {
      const [, from = "", atFrom = "", kind, atTo = "", to = ""] = line;
      lines.push({ from, to, isForeignKey: kind === "--", atFrom, atTo });
    } else if (text.endsWith("{")) tables.push({ name: text.slice(0, -1).trim(), columns: [] });
    else if (text !== "" && text !== "}" && text !== "erDiagram") {
      const [type = "", name = "", ...keys] = text.split(" ");
      tables.at(-1)?.columns.push({ type, name, keys: keys.join(" ") });
    }
  }
  return { tables, lines };
}

function mostOften(names: string[]): string | undefined {
  const count = (name: string) => names.filter((other) => other === name).length;
  return [...names].sort((one, other) => count(other) - count(one))[0];
}

const tableHeight = ({ columns }: Table) => headHeight + columns.length * rowHeight + 5;
const columnHeight = (tables: Table[]) =>
  tables.reduce((sum, table) => sum + tableHeight(table) + below, -below);
const byHeight = (one: Table, other: Table) => tableHeight(other) - tableHeight(one);

function drawTable({ name, columns }: Table, place: Place | undefined): string {
  if (!place) return "";
  const { x, y, height } = place;
  const rows = columns.map((column, n) => {
    const base = y + headHeight + n * rowHeight + 14;
    const keys =
      column.keys && `<text class="keys" x="${x + width - 10}" y="${base}">${escaped(column.keys)}</text>`;
    return `<text x="${x + 10}" y="${base}">${escaped(column.name)} <tspan class="type">${escaped(column.type)}</tspan></text>${keys}`;
  });
  return `<rect class="box" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>
<path class="rule" d="M${x} ${y + headHeight - 3}h${width}"/><text class="name" x="${x + 10}" y="${y + 17}">${escaped(name)}</text>
${rows.join("\n")}`;
}

/** From the side of one table to the facing side of the other, with one bend in the gap between them. */
function drawLine(line: Line, n: number, count: number, places: Map<string, Place>): string {
  const from = places.get(line.from);
  const to = places.get(line.to);
  if (!from || !to) return "";
  const isLeft = to.x < from.x;
  const start = {
    x: isLeft ? from.x : from.x + width,
    y: from.y + headHeight + ((n + 0.5) / count) * (from.height - headHeight),
  };
  const end = { x: isLeft ? to.x + width : to.x, y: to.y + headHeight / 2 };
  // Lines that bend at one place would look like one.
  const bend = start.x + (end.x - start.x) * (0.35 + (0.3 * (n + 0.5)) / count);
  const away = isLeft ? -5 : 5;
  const text = (x: number, y: number, words: string, isEnd: boolean) =>
    `<text class="count" x="${x}" y="${y - 4}" text-anchor="${isEnd ? "end" : "start"}">${words}</text>`;
  return `<path class="line"${line.isForeignKey ? "" : " data-loose"} d="M${start.x} ${start.y.toFixed(1)}H${bend.toFixed(1)}V${end.y}H${end.x}"/>
${text(end.x - away, end.y, counts[line.atTo] ?? "", !isLeft)}`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
