import { ActionIcon, type MantineColorScheme, SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { useZoom } from "../../api/zoom";
import { Fact, Facts } from "../../ui/Facts";
import { IconZoomIn, IconZoomOut } from "../../ui/icons";
import { Section } from "./Section";
import classes from "./Settings.module.css";

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
        <Fact name="Size">
          <Size />
        </Fact>
      </Facts>
    </Section>
  );
}

function Size() {
  const { percent, larger, smaller } = useZoom();
  const button = { variant: "default", size: 26 };
  return (
    <div className={classes.choice}>
      <ActionIcon {...button} aria-label="Smaller" disabled={smaller === null} onClick={() => smaller?.()}>
        <IconZoomOut size={15} aria-hidden />
      </ActionIcon>
      <output aria-label="Size of everything">{percent} %</output>
      <ActionIcon {...button} aria-label="Larger" disabled={larger === null} onClick={() => larger?.()}>
        <IconZoomIn size={15} aria-hidden />
      </ActionIcon>
    </div>
  );
}
