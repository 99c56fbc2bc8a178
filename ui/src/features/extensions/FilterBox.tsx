import { CloseButton, Kbd, TextInput } from "@mantine/core";
import { useRef } from "react";
import { IconSearch } from "../../ui/icons";
import { useShortcuts } from "../../ui/useShortcuts";

export function FilterBox({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useShortcuts({ "/": () => input.current?.focus() });

  return (
    <TextInput
      ref={input}
      type="search"
      size="xs"
      w={280}
      aria-label="Filter extensions"
      aria-keyshortcuts="/"
      placeholder="Filter by id, type or subject"
      spellCheck={false}
      autoComplete="off"
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={
        value ? (
          <CloseButton size="xs" aria-label="Clear the filter" onClick={() => onChange("")} />
        ) : (
          <Kbd size="xs">/</Kbd>
        )
      }
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        if (value) onChange("");
        else event.currentTarget.blur();
      }}
    />
  );
}
