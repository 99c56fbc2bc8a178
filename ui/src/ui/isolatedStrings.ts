import { syntaxTree } from "@codemirror/language";
import { type Extension, Prec, type Range } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  Direction,
  EditorView,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";

const isolated = Decoration.mark({
  attributes: { style: "direction: ltr; unicode-bidi: isolate" },
  bidiIsolate: Direction.LTR,
});

/** Letters that are written from right to left turn nothing outside the string that holds them. */
export function isolatedStrings(): Extension {
  const plugin = ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;

      constructor(view: EditorView) {
        this.decorations = stringsIn(view);
      }

      update({ view, docChanged, viewportChanged, state, startState }: ViewUpdate) {
        if (docChanged || viewportChanged || syntaxTree(state) !== syntaxTree(startState))
          this.decorations = stringsIn(view);
      }
    },
    {
      provide: (plugin) => {
        const ranges = (view: EditorView) => view.plugin(plugin)?.decorations ?? Decoration.none;
        // Innermost: what colours a string must not tear its isolation apart.
        return Prec.lowest([EditorView.decorations.of(ranges), EditorView.bidiIsolatedRanges.of(ranges)]);
      },
    },
  );
  return plugin;
}

function stringsIn(view: EditorView): DecorationSet {
  const found: Range<Decoration>[] = [];
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(view.state).iterate({
      from,
      to,
      enter: ({ name, from, to }) => {
        if (name === "String" || name === "PropertyName") found.push(isolated.range(from, to));
      },
    });
  }
  return Decoration.set(found, true);
}
