import { Button, Checkbox, PasswordInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { toErrorReport } from "../../../api/command";
import { useGivePassword } from "../../../api/connections";
import type { ConnectionFailureReport, ConnectionProfile } from "../../../bindings";
import { ErrorNote } from "../../../ui/ErrorNote";
import { IconKey } from "../../../ui/icons";
import { Screen, ScreenButtons, ScreenMessage } from "../../../ui/Screen";
import classes from "./Start.module.css";
import { AboutProfile } from "./Ways";

type PasswordScreenProps = {
  profile: ConnectionProfile;
  /** Why the one that was tried before was refused; null if none was. */
  refused: ConnectionFailureReport | null;
  ways: ReactNode;
};

/** Asks for the password of a database, which is not known or was wrong. */
export function PasswordScreen({ profile, refused, ways }: PasswordScreenProps) {
  const give = useGivePassword();
  const [password, setPassword] = useState("");
  const [isKept, setIsKept] = useState(true);
  const [isMissing, setIsMissing] = useState(false);
  const user = profile.database.kind === "remote" ? profile.database.value.user : "";
  const error = give.error ? toErrorReport(give.error) : refused;
  return (
    <Screen
      icon={IconKey}
      tone={refused ? "warn" : "quiet"}
      title={refused ? "The password was refused" : "The password is needed"}
      about={<AboutProfile profile={profile} />}
    >
      <ScreenMessage>
        {refused ? "Type the password of the login" : "The server asks for the password of the login"}{" "}
        <bdi>{user}</bdi>
        {refused ? " once more" : ""}.
      </ScreenMessage>
      <form
        className={classes.password}
        aria-label="Password"
        onSubmit={(event) => {
          event.preventDefault();
          if (password === "") setIsMissing(true);
          else give.mutate({ password, isKept });
        }}
      >
        {error && <ErrorNote error={error} />}
        <PasswordInput
          label="Password"
          size="sm"
          autoFocus
          autoComplete="off"
          value={password}
          error={isMissing && "Type the password."}
          onChange={(event) => {
            setPassword(event.currentTarget.value);
            setIsMissing(false);
          }}
        />
        <Checkbox
          size="xs"
          label="Keep it in the keychain of this desktop"
          description={
            isKept
              ? "It is asked for again only where the desktop has no keychain, or when it is refused."
              : "It is for this session alone: kept in memory, and asked for again at the next start."
          }
          checked={isKept}
          onChange={(event) => setIsKept(event.currentTarget.checked)}
        />
        <ScreenButtons>
          <Button size="xs" type="submit" loading={give.isPending}>
            Connect
          </Button>
          {ways}
        </ScreenButtons>
      </form>
    </Screen>
  );
}
