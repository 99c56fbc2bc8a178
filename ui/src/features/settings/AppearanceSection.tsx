import { type MantineColorScheme, SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { Fact, Facts } from "../../ui/Facts";
import { Section } from "./Section";

const schemes: { value: MantineColorScheme; label: string }[] = [
  { value: "auto", label: "Auto" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];

export function AppearanceSection() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Section title="Appearance">
      <Facts>
        <Fact name="Colours">
          <SegmentedControl
            aria-label="Colours"
            data={schemes}
            value={colorScheme}
            onChange={(scheme) => setColorScheme(scheme as MantineColorScheme)}
          />
        </Fact>
      </Facts>
    </Section>
  );
}
