import { EditorView } from "@codemirror/view";
import { act, screen } from "@testing-library/react";

function editor(label: string): EditorView {
  const view = EditorView.findFromDOM(screen.getByRole("textbox", { name: label }));
  if (!view) throw new Error(`no editor is called ${label}`);
  return view;
}

/** Puts text in the place of all that is in an editor, as somebody who pastes it does. */
export function writeJson(label: string, text: string): void {
  const view = editor(label);
  act(() => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }));
}

export function jsonIn(label: string): string {
  return editor(label).state.doc.toString();
}
