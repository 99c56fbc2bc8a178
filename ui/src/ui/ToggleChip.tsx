import { UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";
import { IconCheck } from "./icons";
import classes from "./ToggleChip.module.css";

type ToggleChipProps = { on: boolean; onToggle: () => void; children: ReactNode };

/** One of several conditions that can be on at the same time. */
export function ToggleChip({ on, onToggle, children }: ToggleChipProps) {
  return (
    <UnstyledButton className={classes.chip} aria-pressed={on} onClick={onToggle}>
      {on && <IconCheck size={12} stroke={2.2} aria-hidden />}
      {children}
    </UnstyledButton>
  );
}
