import { CloseButton, Kbd, TextInput, type TextInputProps } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { IconSearch } from "./icons";
import { useShortcuts } from "./useShortcuts";

type SearchFieldProps = Pick<TextInputProps, "w" | "className"> & {
  label: string;
  placeholder: string;
  /** What the button that empties the field is called. */
  clearLabel: string;
  text: string;
  onChange: (text: string) => void;
};

/** A text to search for: `/` leads to it, `Escape` empties it and then leaves it. */
export function SearchField({ label, placeholder, clearLabel, text, onChange, ...size }: SearchFieldProps) {
  const input = useRef<HTMLInputElement>(null);
  useShortcuts({ "/": () => input.current?.focus() });
  return (
    <TextInput
      {...size}
      ref={input}
      type="search"
      size="xs"
      aria-label={label}
      aria-keyshortcuts="/"
      placeholder={placeholder}
      spellCheck={false}
      autoComplete="off"
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={
        text ? (
          <CloseButton size="xs" aria-label={clearLabel} onClick={() => onChange("")} />
        ) : (
          <Kbd size="xs">/</Kbd>
        )
      }
      value={text}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        if (text) onChange("");
        else event.currentTarget.blur();
      }}
    />
  );
}

type PausingSearchFieldProps = SearchFieldProps & {
  /** Between the last key and `onChange`, in milliseconds. */
  pauseMs: number;
};

/** A field whose text is searched for after a pause, so that not each letter is a search. */
export function PausingSearchField({ text, pauseMs, onChange, ...field }: PausingSearchFieldProps) {
  const [typed, setTyped] = useState(text);
  const [known, setKnown] = useState(text);
  // The text changed by another way, such as "clear": what stands there counts.
  if (text !== known) {
    setKnown(text);
    setTyped(text);
  }
  const apply = useRef(onChange);
  useEffect(() => {
    apply.current = onChange;
  });
  useEffect(() => {
    if (typed === known) return;
    const timer = setTimeout(() => {
      setKnown(typed);
      apply.current(typed);
    }, pauseMs);
    return () => clearTimeout(timer);
  }, [typed, known, pauseMs]);
  return <SearchField {...field} text={typed} onChange={setTyped} />;
}
