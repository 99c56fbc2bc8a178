import { Kbd } from "@mantine/core";
import type { SpotlightActionData } from "@mantine/spotlight";
import type { TablerIcon } from "@tabler/icons-react";
import palette from "./CommandPalette.module.css";

/** A line of the palette; what is chosen is done and the palette closes. */
export function entry(
  label: string,
  Icon: TablerIcon,
  keys: string | null,
  onClick: () => void,
): SpotlightActionData {
  return {
    id: label,
    label,
    onClick,
    leftSection: <Icon size={16} stroke={1.7} aria-hidden />,
    ...(keys !== null && { rightSection: <Kbd size="xs">{keys}</Kbd> }),
  };
}

/** The same, in sight and off with the reason where the login may not do it. */
export function guarded(forbidden: string | null, action: SpotlightActionData): SpotlightActionData {
  if (forbidden === null) return action;
  const { onClick: _unused, ...rest } = action;
  return {
    ...rest,
    description: forbidden,
    closeSpotlightOnTrigger: false,
    "aria-disabled": true,
    className: palette.forbidden,
  } as SpotlightActionData;
}
