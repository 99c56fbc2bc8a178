import { Menu } from "@mantine/core";
import type { TablerIcon } from "@tabler/icons-react";
import type { ReactElement } from "react";
import type { Extension } from "../../bindings";
import { copyText } from "../../ui/clipboard";
import {
  IconArrowsMaximize,
  IconBraces,
  IconCopy,
  IconHistory,
  IconLayout2,
  IconLink,
  IconPencil,
  IconPlus,
  IconSend,
  IconToggleRight,
  IconTrash,
} from "../../ui/icons";
import { linkToExtension } from "../../ui/link";
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
    <Menu opened={opened} onChange={onOpenedChange} position="bottom-end" width={228} shadow="md">
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>
        {onOpen && (
          <Entry icon={IconLayout2} keys="Enter" onClick={onOpen}>
            Open
          </Entry>
        )}
        <Entry icon={IconArrowsMaximize} onClick={() => actions.openPage(id)}>
          Open as a page
        </Entry>
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
        <Entry icon={IconSend} keys="m" onClick={() => actions.openTest(id)}>
          Send a test message
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
        <Entry icon={IconLink} onClick={() => void copyText(linkToExtension(id))}>
          Copy link
        </Entry>
        <Menu.Divider />
        <Entry
          icon={IconTrash}
          keys="Del"
          forbidden={editing}
          isDangerous
          onClick={() => onDelete(extension)}
        >
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
      rightSection={
        keys && (
          <span className={classes.keys} aria-hidden>
            {keys}
          </span>
        )
      }
      aria-keyshortcuts={keys}
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
