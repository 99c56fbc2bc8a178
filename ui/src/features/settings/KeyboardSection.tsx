import { Fact, Facts } from "../../ui/Facts";
import { Keys } from "../../ui/Keys";
import { shortcutGroups } from "../../ui/shortcutList";
import { Section } from "./Section";

export function KeyboardSection() {
  return (
    <Section title="Keyboard" wideNames>
      {shortcutGroups.map(({ title, shortcuts }) => (
        <Facts key={title}>
          {shortcuts.map(({ keys, does }) => (
            <Fact key={does} name={title === "Everywhere" ? does : `${title}: ${does.toLowerCase()}`}>
              <Keys keys={keys} />
            </Fact>
          ))}
        </Facts>
      ))}
    </Section>
  );
}
