import { NativeSelect, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import type { Pooling } from "../../../bindings";
import { pollingWords, poolingWords } from "../../../ui/connectionWords";
import fonts from "../../../ui/fonts.module.css";
import { Switch } from "../../../ui/Switch";
import classes from "./ConnectionForm.module.css";
import type { RemoteDraft } from "./connectionDraft";

type UseFieldsProps = {
  remote: RemoteDraft;
  errorOf: (field: string) => ReactNode;
  set: (more: Partial<RemoteDraft>, field: string) => void;
};

const poolings: readonly Pooling[] = ["direct", "session", "transaction"];

/** What the connection may do, what stands before the servers, and what it is seen as. */
export function UseFields({ remote, errorOf, set }: UseFieldsProps) {
  return (
    <>
      <div className={classes.choice}>
        <Switch
          name="Read-only"
          on={remote.isReadOnly}
          onChange={(isReadOnly) => set({ isReadOnly }, "is_read_only")}
        />
        <span>
          <strong>Read-only.</strong> Nothing can be changed through it.
        </span>
      </div>
      <div className={classes.choice}>
        <Switch
          name="Prefers a standby"
          on={remote.prefersStandby}
          onChange={(prefersStandby) => set({ prefersStandby }, "prefers_standby")}
        />
        <span>
          <strong>Prefers a standby.</strong>{" "}
          {remote.isReadOnly
            ? "All is read from a standby where there is one."
            : "Where reading is enough a standby is asked, so that the primary has less to do."}
        </span>
      </div>
      <NativeSelect
        label="Pooler before the servers"
        size="xs"
        value={remote.pooling}
        description={remote.pooling === "transaction" ? pollingWords : undefined}
        data={poolings.map((pooling) => ({ value: pooling, label: poolingWords[pooling] }))}
        onChange={(event) => set({ pooling: event.currentTarget.value as Pooling }, "pooling")}
      />
      <TextInput
        label="Application name"
        description="What the server and the audit log see the connection as"
        size="xs"
        placeholder="the program's own name"
        spellCheck={false}
        classNames={{ input: fonts.mono ?? "" }}
        value={remote.applicationName}
        error={errorOf("application_name")}
        onChange={(event) => set({ applicationName: event.currentTarget.value }, "application_name")}
      />
    </>
  );
}
