import { openSearchPanel, search, searchKeymap, searchPanelOpen } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";

export { openSearchPanel };

const look = EditorView.theme({
  ".cm-panels": { backgroundColor: "var(--canvas)", color: "var(--text)" },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "5px 6px",
    padding: "6px 30px 6px 8px",
    fontFamily: "var(--mantine-font-family)",
    fontSize: "12px",
  },
  ".cm-panel.cm-search br": { flexBasis: "100%", height: "0", content: '""' },
  ".cm-panel.cm-search input, .cm-panel.cm-search button, .cm-panel.cm-search label": { margin: "0" },
  ".cm-panel.cm-search label": {
    display: "inline-flex",
    alignItems: "center",
    gap: "4px",
    color: "var(--text-quiet)",
    fontSize: "12px",
  },
  ".cm-panel.cm-search input[type=checkbox]": { accentColor: "var(--accent)" },
  ".cm-panel .cm-textfield": {
    width: "150px",
    height: "24px",
    padding: "0 7px",
    border: "1px solid var(--line-strong)",
    borderRadius: "4px",
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    fontFamily: "var(--mantine-font-family-monospace)",
    fontSize: "var(--mono-size)",
  },
  ".cm-panel .cm-textfield:focus": { borderColor: "var(--accent)", outline: "none" },
  ".cm-panel .cm-button": {
    height: "24px",
    padding: "0 8px",
    border: "1px solid var(--line-strong)",
    borderRadius: "4px",
    backgroundColor: "var(--surface)",
    backgroundImage: "none",
    color: "var(--text)",
    fontSize: "12px",
  },
  ".cm-panel .cm-button:hover": { backgroundColor: "var(--hover)" },
  ".cm-panel .cm-button:active": { backgroundImage: "none" },
  ".cm-panel.cm-search [name=close]": {
    top: "6px",
    right: "8px",
    color: "var(--text-quiet)",
    fontSize: "16px",
  },
  ".cm-searchMatch": { backgroundColor: "var(--warn-soft)", outline: "1px solid var(--warn-line)" },
  ".cm-searchMatch.cm-searchMatch-selected": {
    backgroundColor: "var(--accent-soft)",
    outline: "1px solid var(--accent)",
  },
});

/** The panel's words, as the rest of the window has them. */
const words = EditorState.phrases.of({
  next: "Next",
  previous: "Previous",
  all: "Select all",
  "match case": "Match case",
  regexp: "Pattern",
  "by word": "Whole words",
  replace: "Replace",
  "replace all": "Replace all",
  close: "Close the search",
});

/** The mark by which a dialog leaves Escape to what has the focus. */
const ownEscape = { "data-mantine-stop-propagation": "true" };

/** Finding and replacing within an editor: Ctrl+F, F3, and Escape, which closes the panel and not the dialog. */
export function editorSearch(): Extension {
  return [
    search({ top: true }),
    keymap.of(searchKeymap),
    words,
    look,
    EditorView.contentAttributes.of(
      (view): Record<string, string> => (searchPanelOpen(view.state) ? ownEscape : {}),
    ),
    EditorView.updateListener.of(({ view, state, startState }) => {
      if (!searchPanelOpen(state) || searchPanelOpen(startState)) return;
      for (const field of view.dom.querySelectorAll(".cm-search input, .cm-search button"))
        for (const [name, value] of Object.entries(ownEscape)) field.setAttribute(name, value);
    }),
  ];
}
