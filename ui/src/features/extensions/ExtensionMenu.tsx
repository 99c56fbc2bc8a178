import { Menu } from "@mantine/core";
import type { TablerIcon } from "@tabler/icons-react";
import type { ReactElement } from "react";
import type { Extension } from "../../bindings";
import { copyText } from "../../ui/clipboard";
import {
  IconBraces,
  IconCopy,
  IconHistory,
  IconLayout2,
  IconPencil,
  IconPlus,
  IconToggleRight,
  IconTrash,
} from "../../ui/icons";
import classes from "./ExtensionMenu.module.css";
import type { ExtensionActions } from "./extensionActions";

type ExtensionMenuProps = {
  extension: Extension;
  actions: ExtensionActions;
  /** Absent where the extension is open already. */
  onOpen?: (() => void) | undefined;
  onDelete: (extension: Extension) => void;
  opened: boolean;
  onOpenedChange: (opened: boolean) => void;
  /** What opens it. */
  button: ReactElement;
};

/** Everything that can be done with one extension; what the login may not do stays in sight, with the reason. */
export function ExtensionMenu({
  extension,
  actions,
  onOpen,
  onDelete,
  opened,
  onOpenedChange,
  button,
}: ExtensionMenuProps) {
  const { id, enabled } = extension;
  const { switching, editing } = actions.allowed;
  return (
    <Menu opened={opened} onChange={onOpenedChange} position="bottom-end" width={212} shadow="md">
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>
        {onOpen && (
          <Entry icon={IconLayout2} keys="Enter" onClick={onOpen}>
            Open
          </Entry>
        )}
        <Entry icon={IconPencil} keys="e" forbidden={editing} onClick={() => actions.edit(id)}>
          Edit…
        </Entry>
        <Entry icon={IconPlus} forbidden={editing} onClick={() => actions.duplicate(id)}>
          Duplicate…
        </Entry>
        <Entry
          icon={IconToggleRight}
          keys="Space"
          forbidden={switching}
          onClick={() => actions.setEnabled(id, !enabled)}
        >
          {enabled ? "Switch off" : "Switch on"}
        </Entry>
        <Entry icon={IconHistory} keys="h" onClick={() => actions.openHistory(id)}>
          History
        </Entry>
        <Entry icon={IconCopy} onClick={() => void copyText(id)}>
          Copy id
        </Entry>
        <Entry icon={IconBraces} onClick={() => actions.copyJson(id)}>
          Copy as JSON
        </Entry>
        <Menu.Divider />
        <Entry icon={IconTrash} forbidden={editing} isDangerous onClick={() => onDelete(extension)}>
          Delete…
        </Entry>
      </Menu.Dropdown>
    </Menu>
  );
}

type EntryProps = {
  icon: TablerIcon;
  keys?: string;
  /** Why the login may not do it; null if it may. */
  forbidden?: string | null;
  isDangerous?: boolean;
  onClick: () => void;
  children: string;
};

function Entry({ icon: Icon, keys, forbidden = null, isDangerous = false, onClick, children }: EntryProps) {
  const off = forbidden !== null;
  return (
    <Menu.Item
      leftSection={<Icon size={14} stroke={1.7} aria-hidden />}
      rightSection={keys && <span className={classes.keys}>{keys}</span>}
      {...(isDangerous && { color: "var(--bad)" })}
      {...(off && { "data-disabled": true })}
      aria-disabled={off || undefined}
      title={forbidden ?? undefined}
      closeMenuOnClick={!off}
      onClick={() => {
        if (!off) onClick();
      }}
    >
      {children}
    </Menu.Item>
  );
}
