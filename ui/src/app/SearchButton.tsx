import { Kbd, UnstyledButton } from "@mantine/core";
import { spotlight } from "@mantine/spotlight";
import { IconSearch } from "../ui/icons";
import classes from "./Shell.module.css";

/** The way to the palette for those who don't know its key. */
export function SearchButton() {
  return (
    <UnstyledButton className={classes.search} aria-keyshortcuts="Control+K" onClick={spotlight.open}>
      <IconSearch size={14} aria-hidden />
      <span>Find anything</span>
      <Kbd size="xs" aria-hidden>
        Ctrl K
      </Kbd>
    </UnstyledButton>
  );
}
