import { ActionIcon, type MantineColorScheme, Tooltip, useMantineColorScheme } from "@mantine/core";
import type { TablerIcon } from "@tabler/icons-react";
import { IconDeviceDesktop, IconMoon, IconSun } from "../ui/icons";

const icons: Record<MantineColorScheme, TablerIcon> = {
  auto: IconDeviceDesktop,
  light: IconSun,
  dark: IconMoon,
};

const following: Record<MantineColorScheme, MantineColorScheme> = {
  auto: "light",
  light: "dark",
  dark: "auto",
};

export function ColorSchemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Icon = icons[colorScheme];
  const next = following[colorScheme];
  return (
    <Tooltip label={`Colours: ${colorScheme}. Switch to ${next}`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={28}
        aria-label={`Colours: ${colorScheme}. Switch to ${next}`}
        onClick={() => setColorScheme(next)}
      >
        <Icon size={16} stroke={1.7} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
