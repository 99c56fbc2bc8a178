import { Button, PasswordInput, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import type { SecretPlace } from "../../../bindings";
import fonts from "../../../ui/fonts.module.css";
import classes from "./ConnectionForm.module.css";
import type { RemoteDraft } from "./connectionDraft";
import { ServerRows } from "./ServerRows";

type RemoteFieldsProps = {
  remote: RemoteDraft;
  password: string;
  /** Where the password that was given before is kept; null if none is. */
  kept: SecretPlace | null;
  /** What becomes of that one: it is used, it is not because it is for other servers or another login, or given up. */
  keptUse: "used" | "for others" | "forgotten";
  onForget: () => void;
  errorOf: (field: string) => ReactNode;
  set: (more: Partial<RemoteDraft>, field: string) => void;
  onPassword: (password: string) => void;
};

const keptWords: Record<SecretPlace, string> = {
  keychain: "kept in the keychain",
  session: "kept until the console is closed",
};

/** Where the database is, and as whom to log in. */
export function RemoteFields(props: RemoteFieldsProps) {
  const { remote, password, kept, keptUse, errorOf, set, onPassword, onForget } = props;
  return (
    <>
      <ServerRows
        servers={remote.servers}
        error={errorOf("servers")}
        onChange={(servers) => set({ servers }, "servers")}
      />
      <div className={classes.pair}>
        <TextInput
          label="Database"
          size="xs"
          spellCheck={false}
          classNames={{ input: fonts.mono ?? "" }}
          value={remote.database}
          error={errorOf("database")}
          onChange={(event) => set({ database: event.currentTarget.value }, "database")}
        />
        <TextInput
          label="User"
          size="xs"
          spellCheck={false}
          classNames={{ input: fonts.mono ?? "" }}
          value={remote.user}
          error={errorOf("user")}
          onChange={(event) => set({ user: event.currentTarget.value }, "user")}
        />
      </div>
      <div>
        <PasswordInput
          label="Password"
          description={`It goes to the desktop's keychain; where there is none it is kept until the console is closed and then asked for again.${
            kept !== null && keptUse === "used" ? " Empty leaves the one that is kept." : ""
          }`}
          size="xs"
          placeholder={placeholderOf(kept, keptUse)}
          autoComplete="off"
          spellCheck={false}
          value={password}
          error={errorOf("password")}
          onChange={(event) => onPassword(event.currentTarget.value)}
        />
        {kept !== null && keptUse !== "for others" && (
          <Button className={classes.forget ?? ""} size="compact-xs" variant="subtle" onClick={onForget}>
            {keptUse === "forgotten" ? "Keep the one that is kept" : "Forget the one that is kept"}
          </Button>
        )}
      </div>
    </>
  );
}

function placeholderOf(kept: SecretPlace | null, use: RemoteFieldsProps["keptUse"]): string {
  if (kept === null) return "none is kept: it is asked for when it is needed";
  if (use === "forgotten") return "forgotten when it is saved";
  return use === "used" ? keptWords[kept] : "the one that is kept is for other servers or another login";
}
