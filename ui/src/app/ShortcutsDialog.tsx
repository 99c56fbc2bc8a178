import { Modal } from "@mantine/core";
import { Fact, Facts } from "../ui/Facts";
import { Keys } from "../ui/Keys";
import { shortcutGroups } from "../ui/shortcutList";
import classes from "./ShortcutsDialog.module.css";

/** All keys, opened by `?`. */
export function ShortcutsDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size={840}>
      <div className={classes.groups}>
        {shortcutGroups.map(({ title, shortcuts }) => (
          <section key={title} className={classes.group}>
            <h3>{title}</h3>
            <Facts>
              {shortcuts.map(({ keys, does }) => (
                <Fact key={does} name={does}>
                  <Keys keys={keys} />
                </Fact>
              ))}
            </Facts>
          </section>
        ))}
      </div>
    </Modal>
  );
}
