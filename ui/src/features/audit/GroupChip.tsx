import { UnstyledButton } from "@mantine/core";
import { useAuditGroup } from "../../api/audit";
import type { AuditEntry } from "../../bindings";
import { IconStack2 } from "../../ui/icons";
import classes from "./AuditTimelineEntry.module.css";
import { groupWords } from "./auditSentence";

type GroupChipProps = { entry: AuditEntry; groupId: string; onChoose: () => void };

/** What the change was a part of; a click shows all of that. */
export function GroupChip({ entry, groupId, onChoose }: GroupChipProps) {
  const group = useAuditGroup(groupId);
  return (
    <UnstyledButton
      className={classes.groupChip}
      title="Only the changes that were made together with this one"
      onClick={onChoose}
    >
      <IconStack2 size={12} aria-hidden />
      {group.data ? groupWords(group.data, entry) : "group"}
    </UnstyledButton>
  );
}
