import { Kbd } from "@mantine/core";
import { Fact, Facts } from "../../ui/Facts";
import { Section } from "./Section";
import classes from "./Settings.module.css";

const shortcuts: readonly { keys: readonly string[]; does: string }[] = [
  { keys: ["g", "e"], does: "Extensions" },
  { keys: ["g", "a"], does: "Audit" },
  { keys: ["g", "h"], does: "Health" },
  { keys: ["g", "r"], does: "Routers" },
  { keys: ["g", "s"], does: "Settings" },
  { keys: ["g", "t"], does: "Registry as of another time" },
  { keys: ["/"], does: "Search the page" },
  { keys: ["n"], does: "New extension" },
  { keys: ["Enter"], does: "Open the extension of the focused switch" },
  { keys: ["h"], does: "History of the open extension" },
  { keys: ["Esc"], does: "Close what is open" },
  { keys: ["Ctrl", "Enter"], does: "Review, then save" },
  { keys: ["j", "k"], does: "Next and previous switch" },
  { keys: ["Space"], does: "Switch on or off" },
  { keys: ["j", "k"], does: "Audit: next and previous change" },
  { keys: ["u"], does: "Audit: undo the change or the group" },
  { keys: ["z"], does: "Undo the last switch, while it is on offer" },
];

export function KeyboardSection() {
  return (
    <Section title="Keyboard" wideNames>
      <Facts>
        {shortcuts.map(({ keys, does }) => (
          <Fact key={does} name={does}>
            <span className={classes.keys}>
              {keys.map((key) => (
                <Kbd key={key} size="xs">
                  {key}
                </Kbd>
              ))}
            </span>
          </Fact>
        ))}
      </Facts>
    </Section>
  );
}
