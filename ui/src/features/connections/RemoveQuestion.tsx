import { toErrorReport } from "../../api/command";
import { useRemoveConnection } from "../../api/connections";
import type { ConnectionProfile } from "../../bindings";
import { isolated } from "../../ui/isolated";
import { notifyDone } from "../../ui/notify";
import { Question } from "../../ui/Question";

/** Asked before a connection is forgotten. */
export function RemoveQuestion({ profile, onClose }: { profile: ConnectionProfile; onClose: () => void }) {
  const remove = useRemoveConnection();
  const name = isolated(profile.label);
  return (
    <Question
      title={`Remove ${name}?`}
      refusal="Keep it"
      verb={`Remove ${name}`}
      isBusy={remove.isPending}
      error={remove.error && toErrorReport(remove.error)}
      onRefuse={onClose}
      onConfirm={() =>
        remove.mutate(profile.id, {
          onSuccess: () => {
            notifyDone(`Removed ${name}`);
            onClose();
          },
        })
      }
    >
      This window forgets the connection, its password, and the drafts and views that it kept for it. The
      database and its registry stay as they are.
    </Question>
  );
}
