import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  tooltips,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { Button, Input } from "@mantine/core";
import { type ReactNode, useEffect, useId, useMemo, useRef } from "react";
import { editorSearch, openSearchPanel } from "./editorSearch";
import { parseExact, printExact } from "./exactJson";
import { isolatedStrings } from "./isolatedStrings";
import classes from "./JsonEditor.module.css";
import { parseSchema } from "./jsonSchema";
import { syntaxProblem, type TextProblem } from "./jsonText";
import { schemaAssist } from "./schemaAssist";

const noProblems: readonly TextProblem[] = [];

type JsonEditorProps = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** The JSON Schema whose keys and values are offered while somebody types, as text. */
  schema?: string | null;
  error?: ReactNode;
  /** What is wrong with it while it is valid JSON; marked at its place. */
  problems?: readonly TextProblem[];
  /** The same as lines to read. */
  remarks?: readonly string[];
  /** In lines: what an empty text takes. */
  minLines?: number;
  /** What else stands at the right edge of its head. */
  tools?: ReactNode;
};

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--text-quiet)" },
  { tag: tags.string, color: "var(--text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--accent)" },
  { tag: [tags.brace, tags.squareBracket, tags.separator], color: "var(--text-faint)" },
]);

const look = EditorView.theme({
  "&": { fontSize: "var(--mono-size)", backgroundColor: "var(--surface)", color: "var(--text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "20px" },
  ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
  ".cm-gutters": { backgroundColor: "transparent", border: "none", color: "var(--text-faint)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--accent-soft)",
  },
  ".cm-matchingBracket": { backgroundColor: "var(--fill)", outline: "1px solid var(--line-strong)" },
  ".cm-tooltip": {
    zIndex: 400,
    backgroundColor: "var(--surface)",
    border: "1px solid var(--line-strong)",
    color: "var(--text)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--mantine-font-family-monospace)",
    fontSize: "var(--mono-size)",
    maxHeight: "220px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 10px", lineHeight: "18px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--accent-soft)",
    color: "var(--text)",
  },
  ".cm-completionMatchedText": { color: "var(--accent)", textDecoration: "none" },
  ".cm-completionDetail": { color: "var(--text-faint)", fontStyle: "normal", marginLeft: "14px" },
  ".cm-tooltip.cm-completionInfo": { maxWidth: "280px", padding: "6px 10px", fontSize: "12px" },
  ".cm-schema-hover": { maxWidth: "360px", padding: "6px 10px", fontSize: "12px" },
  ".cm-schema-hover [data-part=title]": { fontWeight: 600 },
  ".cm-schema-hover [data-part=type]": { color: "var(--text-faint)" },
  ".cm-schema-hover [data-part=values]": {
    marginTop: "4px",
    color: "var(--text-quiet)",
    fontFamily: "var(--mantine-font-family-monospace)",
  },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-foldPlaceholder": {
    backgroundColor: "var(--fill)",
    border: "none",
    color: "var(--text-quiet)",
    padding: "0 6px",
  },
});

/** Hints lie in the dialog and not in the editor, whose edges would cut them off, and find room there. */
function tooltipsWithin(parent: HTMLElement) {
  return tooltips({
    parent,
    tooltipSpace: () => {
      const { left, right, top, bottom } = parent.getBoundingClientRect();
      return { left: left + 8, right: right - 8, top, bottom: Math.max(bottom, window.innerHeight) };
    },
  });
}

/** JSON as text, highlighted and folded: what is typed stays as it is typed, every digit of it. */
export function JsonEditor({
  label,
  value,
  onChange,
  schema = null,
  error,
  problems = noProblems,
  remarks = [],
  minLines = 5,
  tools,
}: JsonEditorProps) {
  const container = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const errorId = useId();
  const parsedSchema = useMemo(() => parseSchema(schema), [schema]);
  const latest = useRef({ value, onChange, label, errorId, parsedSchema });
  useEffect(() => {
    latest.current = { value, onChange, label, errorId, parsedSchema };
  });

  useEffect(() => {
    if (!container.current) return;
    const editor = new EditorView({
      parent: container.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          lineNumbers(),
          foldGutter(),
          lintGutter(),
          history(),
          // Marks that turn the direction are shown as marks and turn nothing.
          highlightSpecialChars(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          highlightActiveLine(),
          EditorView.lineWrapping,
          isolatedStrings(),
          json(),
          editorSearch(),
          schemaAssist(() => latest.current.parsedSchema),
          syntaxHighlighting(colours),
          look,
          tooltipsWithin(container.current.closest<HTMLElement>("[role=dialog]") ?? document.body),
          // Ctrl+Enter is the form's: the editor must not make a line of it.
          Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => true }])),
          keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap]),
          EditorView.contentAttributes.of({
            "aria-label": latest.current.label,
            "aria-describedby": latest.current.errorId,
          }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  // What changed outside, such as by the form beside it, comes in; what was typed here is there already.
  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);

  const marked = useMemo(() => {
    const syntax = syntaxProblem(value);
    return syntax ? [syntax] : problems;
  }, [value, problems]);
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const length = editor.state.doc.length;
    const diagnostics: Diagnostic[] = marked.map(({ from, to, message }) => ({
      from: Math.min(from, length),
      to: Math.min(Math.max(to, from), length),
      severity: "error",
      message,
    }));
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
  }, [marked]);

  const parsed = parseExact(value);
  const isWrong = Boolean(error) || marked.length > 0;
  return (
    <div className={classes.field}>
      <div className={classes.head}>
        <span className={classes.label}>{label}</span>
        <span className={classes.space} />
        <Button
          size="compact-xs"
          variant="subtle"
          title="Ctrl F in the editor"
          aria-label={`Find in ${label}`}
          onClick={() => view.current && openSearchPanel(view.current)}
        >
          Find
        </Button>
        <Button
          size="compact-xs"
          variant="subtle"
          disabled={parsed === undefined}
          onClick={() => parsed !== undefined && onChange(printExact(parsed))}
        >
          Format
        </Button>
        {tools}
      </div>
      <div
        ref={container}
        className={classes.editor}
        data-wrong={isWrong || undefined}
        data-json-editor={label}
        style={{ "--min-lines": minLines } as React.CSSProperties}
      />
      <div id={errorId}>
        {error && <Input.Error>{error}</Input.Error>}
        {remarks.length > 0 && (
          <ul className={classes.remarks} aria-label={`What does not fit in ${label}`}>
            {remarks.map((remark) => (
              <li key={remark}>{remark}</li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
