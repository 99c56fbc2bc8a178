import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  completionStatus,
  pickedCompletion,
} from "@codemirror/autocomplete";
import type { Extension } from "@codemirror/state";
import { EditorView, hoverTooltip } from "@codemirror/view";
import { describeAt, type parseSchema, suggestAt } from "./jsonSchema";

type Schema = ReturnType<typeof parseSchema>;

/**
 * Completes keys and values from a JSON Schema, and says on hover what it has to say about them. The schema is
 * asked for each time, because it may come after the editor.
 */
export function schemaAssist(schema: () => Schema): Extension {
  return [
    autocompletion({
      override: [(context) => complete(schema(), context)],
      icons: false,
      aboveCursor: false,
      activateOnTypingDelay: 60,
      // After a key its values come next.
      activateOnCompletion: ({ type }) => type === "key",
    }),
    hoverTooltip((view, position) => hover(schema(), view, position)),
    // The dialog around the editor listens for Escape before the editor does: while there is a list, it is the list's.
    EditorView.contentAttributes.of(
      (view): Record<string, string> =>
        completionStatus(view.state) === null ? {} : { "data-mantine-stop-propagation": "true" },
    ),
  ];
}

function complete(schema: Schema, context: CompletionContext): CompletionResult | null {
  if (!schema) return null;
  const found = suggestAt(schema, context.state.doc.toString(), context.pos, context.explicit);
  if (!found) return null;
  const quote = context.state.sliceDoc(found.from, found.from + 1) === '"';
  return {
    from: found.from,
    to: found.to,
    filter: true,
    options: found.suggestions.map(
      ({ label, insert, cursor, kind, detail, description }, place): Completion => ({
        // What is typed begins with a quote where the text in the document does.
        label: quote && !label.startsWith('"') ? `"${label}"` : label,
        displayLabel: label,
        detail,
        type: kind,
        boost: -place,
        ...(description !== null && { info: description }),
        apply: (view, completion, from, to) => {
          view.dispatch({
            changes: { from, to, insert },
            selection: { anchor: from + cursor },
            userEvent: "input.complete",
            annotations: pickedCompletion.of(completion),
            scrollIntoView: true,
          });
        },
      }),
    ),
  };
}

function hover(schema: Schema, view: EditorView, position: number) {
  const found = schema && describeAt(schema, view.state.doc.toString(), position);
  if (!found) return null;
  const { from, to, title, type, description, values } = found;
  return {
    pos: from,
    end: to,
    above: true,
    create: () => {
      // Texts as texts: a schema is anybody's words.
      const dom = document.createElement("div");
      dom.className = "cm-schema-hover";
      const lines: [string, string][] = [
        ["title", title],
        ["type", type],
        ["description", description ?? ""],
        ["values", values.length > 0 ? values.slice(0, 12).join("  ") : ""],
      ];
      for (const [kind, text] of lines) {
        if (text === "") continue;
        const line = document.createElement("div");
        line.dataset.part = kind;
        line.textContent = text;
        dom.append(line);
      }
      return { dom };
    },
  };
}
