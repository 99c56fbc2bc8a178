import { Button, Modal, TextInput } from "@mantine/core";
import { useState } from "react";
import { toErrorReport } from "../../api/command";
import { useDeleteExtensions } from "../../api/extensions";
import type { ErrorReport, Extension } from "../../bindings";
import { notifyDone } from "../../ui/notify";
import classes from "./DeleteDialog.module.css";

/** Asks before an extension is removed, because routers stop using it at once. */
export function DeleteDialog({
  extension,
  onClose,
}: {
  extension: Extension;
  onClose: (done: boolean) => void;
}) {
  const remove = useDeleteExtensions();
  const [reason, setReason] = useState("");
  const [failure, setFailure] = useState<ErrorReport | null>(null);

  function confirm() {
    setFailure(null);
    remove.mutate(
      { seen: [{ id: extension.id, revision: extension.revision }], reason },
      {
        onSuccess: () => {
          notifyDone(
            <>
              Deleted <code>{extension.id}</code>; the Audit page can bring it back
            </>,
          );
          onClose(true);
        },
        onError: (error) => setFailure(toErrorReport(error)),
      },
    );
  }

  return (
    <Modal
      opened
      onClose={() => onClose(false)}
      title={`Delete ${extension.id}?`}
      size={460}
      transitionProps={{ duration: 0 }}
    >
      <p className={classes.text}>
        {extension.enabled ? "It is on: routers stop using it at once." : "It is off: no router uses it now."}{" "}
        Its history stays, and any version of it can be brought back from there.
      </p>
      <TextInput
        label="Reason (optional)"
        data-autofocus
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      {failure && (
        <p className={classes.failure} role="alert">
          {failure.message} {failure.action}
        </p>
      )}
      <footer className={classes.footer}>
        <Button size="xs" variant="default" onClick={() => onClose(false)}>
          Keep it
        </Button>
        <Button size="xs" color="red" loading={remove.isPending} onClick={confirm}>
          Delete
        </Button>
      </footer>
    </Modal>
  );
}
