import { Button } from "@mantine/core";
import { usePermissions } from "../../api/access";
import { useRestoreExtension, useUndoChanges } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import type { AuditEntry, UndoTarget } from "../../bindings";
import { counted, groupedCount } from "../../ui/figures";
import { IconArrowBackUp, IconHistory } from "../../ui/icons";
import { notifyDone, notifyFailure } from "../../ui/notify";
import classes from "./AuditEntryActions.module.css";
import type { SearchChange } from "./auditSearch";

type AuditEntryActionsProps = {
  entry: AuditEntry;
  onNarrow?: ((more: SearchChange) => void) | undefined;
};

/** What can be done about a change: take it back, bring its version back, look at what belongs to it. */
export function AuditEntryActions({ entry, onNarrow }: AuditEntryActionsProps) {
  const permissions = usePermissions().data;
  const undo = useUndoChanges();
  const restore = useRestoreExtension();
  const isSwitch = entry.action === "enabled" || entry.action === "disabled";
  const mayUndo = isSwitch ? permissions?.can_switch : permissions?.can_edit;
  const refusal = (may: boolean | undefined) =>
    may === false ? `The login ${permissions?.login} may not do this` : undefined;
  // An older program's entry does not hold what the row was.
  const isWhole = entry.actor_source !== "legacy";

  function takeBack(target: UndoTarget, tried: string) {
    undo.mutate(target, {
      onSuccess: (ids) => notifyDone(`Took back the change of ${listed(ids)}`),
      onError: (error) => notifyFailure(tried, toErrorReport(error)),
    });
  }

  function bringBack() {
    restore.mutate(
      {
        request: { id: entry.extension_id, revision: entry.revision, fields: null, secrets: {} },
        reason: null,
      },
      {
        onSuccess: () =>
          notifyDone(
            <>
              <code>{entry.extension_id}</code> is again as #{groupedCount(entry.revision)} left it
            </>,
          ),
        onError: (error) => notifyFailure(`Could not bring back ${entry.extension_id}`, toErrorReport(error)),
      },
    );
  }

  const groupId = entry.group_id;
  return (
    <div className={classes.actions}>
      {isWhole && (
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconArrowBackUp size={13} aria-hidden />}
          disabled={mayUndo === false}
          title={refusal(mayUndo)}
          loading={undo.isPending}
          onClick={() =>
            takeBack(
              { kind: "revision", value: entry.revision },
              `Could not take back #${groupedCount(entry.revision)}`,
            )
          }
        >
          Undo this change
        </Button>
      )}
      {isWhole && groupId !== null && (
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconArrowBackUp size={13} aria-hidden />}
          disabled={mayUndo === false}
          title={refusal(mayUndo)}
          loading={undo.isPending}
          onClick={() => takeBack({ kind: "group", value: groupId }, "Could not take back the group")}
        >
          Undo the whole group
        </Button>
      )}
      {isWhole && entry.action !== "deleted" && (
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconHistory size={13} aria-hidden />}
          disabled={permissions?.can_edit === false}
          title={refusal(permissions?.can_edit)}
          loading={restore.isPending}
          onClick={bringBack}
        >
          Restore this version
        </Button>
      )}
      {onNarrow && (
        <span className={classes.narrow}>
          Only
          <Button
            size="compact-xs"
            variant="subtle"
            onClick={() => onNarrow({ extension: entry.extension_id })}
          >
            this extension
          </Button>
          {entry.changed_by !== null && (
            <Button
              size="compact-xs"
              variant="subtle"
              onClick={() => onNarrow({ actor: entry.changed_by ?? undefined })}
            >
              this actor
            </Button>
          )}
          {groupId !== null && (
            <Button size="compact-xs" variant="subtle" onClick={() => onNarrow({ group: groupId })}>
              this group
            </Button>
          )}
        </span>
      )}
    </div>
  );
}

function listed(ids: readonly string[]): string {
  return ids.length <= 2 ? ids.join(" and ") : counted(ids.length, "extension");
}
