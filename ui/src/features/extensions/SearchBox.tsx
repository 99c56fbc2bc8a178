import { CloseButton, Kbd, TextInput, Tooltip } from "@mantine/core";
import { type KeyboardEvent, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { ExtensionRow } from "../../api/extensions";
import { groupedCount } from "../../ui/figures";
import { IconSearch } from "../../ui/icons";
import { useShortcuts } from "../../ui/useShortcuts";
import { focusFirstRow } from "./ExtensionTable";
import classes from "./SearchBox.module.css";
import { completed, completionsAt } from "./searchCompletion";

type SearchBoxProps = {
  value: string;
  /** All extensions, of which completions say how many they find. */
  rows: readonly ExtensionRow[];
  onChange: (value: string) => void;
};

/** The filter's text, with what can follow in it offered while one types. */
export function SearchBox({ value, rows, onChange }: SearchBoxProps) {
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  /** Where the caret is; null while nothing is offered. */
  const [caret, setCaret] = useState<number | null>(null);
  const [marked, setMarked] = useState(-1);
  /** Where the caret goes once the text is there. */
  const nextCaret = useRef<number | null>(null);
  useShortcuts({ "/": () => input.current?.focus() });

  const offered = useMemo(
    () => (caret === null ? null : completionsAt(value, caret, rows)),
    [caret, value, rows],
  );
  const options = offered?.options ?? [];
  const isOpen = options.length > 0;

  useLayoutEffect(() => {
    if (nextCaret.current === null) return;
    input.current?.setSelectionRange(nextCaret.current, nextCaret.current);
    nextCaret.current = null;
  });

  function change(text: string, at: number | null) {
    setCaret(at);
    setMarked(-1);
    onChange(text);
  }

  function take(index: number) {
    const option = options[index];
    if (!offered || !option) return;
    const next = completed(value, offered, option);
    nextCaret.current = next.caret;
    change(next.text, next.caret);
    input.current?.focus();
  }

  /** Whether the key was one for what is offered. */
  function handleOffer(key: string): boolean {
    if (!isOpen) return false;
    if (key === "ArrowDown") setMarked((marked + 1) % options.length);
    else if (key === "ArrowUp") setMarked((Math.max(marked, 0) + options.length - 1) % options.length);
    else if (key === "Tab") take(Math.max(marked, 0));
    else if (key === "Enter" && marked >= 0) take(marked);
    else if (key === "Escape") setCaret(null);
    else return false;
    return true;
  }

  function handleKey(event: KeyboardEvent<HTMLInputElement>) {
    if (!event.shiftKey && handleOffer(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === "ArrowDown" || event.key === "Enter") {
      if (focusFirstRow()) event.preventDefault();
      return;
    }
    if (event.key !== "Escape") return;
    event.stopPropagation();
    if (value) change("", null);
    else event.currentTarget.blur();
  }

  return (
    <div className={classes.box}>
      <Tooltip
        multiline
        w={330}
        openDelay={700}
        disabled={isOpen}
        events={{ hover: true, focus: false, touch: false }}
        label="Words are looked for in the id, the type and the subject. type:provider,post · is:off · health:failing · subject:pii · id:gpt · by:anna narrow it down."
      >
        <TextInput
          ref={input}
          type="search"
          size="xs"
          w={320}
          aria-label="Filter extensions"
          aria-keyshortcuts="/"
          aria-autocomplete="list"
          aria-controls={isOpen ? listId : undefined}
          aria-activedescendant={isOpen && marked >= 0 ? `${listId}-${marked}` : undefined}
          placeholder="type:provider is:off subject:pii"
          spellCheck={false}
          autoComplete="off"
          leftSection={<IconSearch size={14} aria-hidden />}
          rightSection={
            value ? (
              <CloseButton size="xs" aria-label="Clear the filter" onClick={() => change("", null)} />
            ) : (
              <Kbd size="xs">/</Kbd>
            )
          }
          value={value}
          onChange={(event) => change(event.currentTarget.value, event.currentTarget.selectionStart)}
          onBlur={() => setCaret(null)}
          onKeyDown={handleKey}
        />
      </Tooltip>
      {isOpen && (
        <div id={listId} role="listbox" className={classes.options} aria-label="What can follow">
          {options.map(({ insert, detail }, index) => (
            // The keys are those of the box, which keeps the focus.
            // biome-ignore lint/a11y/useKeyWithClickEvents: Tab and Enter take it
            <div
              key={insert}
              id={`${listId}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === marked}
              className={classes.option}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(index)}
            >
              <bdi className={classes.insert}>{insert}</bdi>
              <span className={classes.detail}>
                {typeof detail === "number" ? groupedCount(detail) : detail}
              </span>
              {index === Math.max(marked, 0) && <Kbd size="xs">Tab</Kbd>}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
