import { CloseButton, Kbd, TextInput, Tooltip } from "@mantine/core";
import { useRef } from "react";
import { IconSearch } from "../../ui/icons";
import { useShortcuts } from "../../ui/useShortcuts";
import { focusFirstRow } from "./ExtensionTable";

export function SearchBox({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useShortcuts({ "/": () => input.current?.focus() });

  return (
    <Tooltip
      multiline
      w={330}
      openDelay={700}
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
        placeholder="type:provider is:off subject:pii"
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
          if (event.key === "ArrowDown" || event.key === "Enter") {
            if (focusFirstRow()) event.preventDefault();
            return;
          }
          if (event.key !== "Escape") return;
          event.stopPropagation();
          if (value) onChange("");
          else event.currentTarget.blur();
        }}
      />
    </Tooltip>
  );
}
