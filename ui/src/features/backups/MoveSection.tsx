import { Button, Modal, PasswordInput, Select, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { isWorkOf, useBackupWork, useMoveRegistry } from "../../api/backups";
import { toErrorReport } from "../../api/command";
import { useConnectionProfiles, useSwitchConnection } from "../../api/connections";
import type { BackupOverview, ConnectionProfile, Moved, MoveMark } from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { counted, groupedCount } from "../../ui/figures";
import { GuardedButton } from "../../ui/GuardedButton";
import { IconDatabaseOff } from "../../ui/icons";
import classes from "./Backups.module.css";
import { stepWords } from "./backupWords";
import { CancelWork, Figures, WorkBar } from "./WorkNote";

/** Says where the registry is now, which takes no changes here. */
export function MovedNote({ mark }: { mark: MoveMark }) {
  return (
    <div className={classes.trouble} role="alert">
      <IconDatabaseOff size={16} aria-hidden />
      <p>
        {mark.state === "moved" ? (
          <>
            <strong>This registry was moved to {mark.place}</strong> at revision #
            {groupedCount(mark.revision)}. It takes no changes here any more: switch to the connection that
            leads there.
          </>
        ) : (
          <>
            <strong>This registry has not arrived from {mark.place}.</strong> It takes no changes until the
            move is asked for once more there.
          </>
        )}
      </p>
    </div>
  );
}

/** The way from the embedded database to a server of one's own. */
export function MoveSection({ overview, busy }: { overview: BackupOverview; busy: string | null }) {
  const [isOpen, setIsOpen] = useState(false);
  const forbidden = busy ?? (overview.current ? null : "The registry is not open.");
  return (
    <>
      <p className={classes.hint}>
        To a PostgreSQL of your own, with its audit log and its history of health. The programs that use it
        are pointed there afterwards.
      </p>
      <div className={classes.answers}>
        <GuardedButton variant="default" forbidden={forbidden} onClick={() => setIsOpen(true)}>
          Move this registry to…
        </GuardedButton>
      </div>
      {isOpen && <MoveDialog overview={overview} onClose={() => setIsOpen(false)} />}
    </>
  );
}

function MoveDialog({ overview, onClose }: { overview: BackupOverview; onClose: () => void }) {
  const move = useMoveRegistry();
  const work = useBackupWork();
  const profiles = useConnectionProfiles()
    .data?.profiles.map(({ profile }) => profile)
    .filter(({ database }) => database.kind === "remote");
  const [id, setId] = useState<string | null>(null);
  const [hasOwnLogin, setHasOwnLogin] = useState(false);
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const chosen = profiles?.find((profile) => profile.id === id) ?? profiles?.[0] ?? null;
  const moved = move.data ?? null;
  const isMoving = isWorkOf(work, "move");

  function begin(profile: ConnectionProfile) {
    move.mutate(
      { profileId: profile.id, login: hasOwnLogin ? { user: user.trim(), password } : null },
      // A secret does not stay in memory longer than it takes to hand it over.
      { onSettled: () => setPassword("") },
    );
  }

  return (
    <Modal
      opened
      onClose={() => {
        if (!move.isPending) onClose();
      }}
      withCloseButton={!move.isPending}
      title={moved ? "The registry has moved" : "Move this registry"}
      size={540}
    >
      {moved && chosen ? (
        <MovedTo profile={chosen} moved={moved} onClose={onClose} />
      ) : profiles && profiles.length === 0 ? (
        <div className={classes.stack}>
          <p className={classes.text}>
            No connection leads to a server of your own yet. Make one first, to the empty database that the
            registry is to move to.
          </p>
          <div className={classes.answers}>
            <Button size="xs" onClick={onClose}>
              Close
            </Button>
          </div>
        </div>
      ) : (
        <form
          className={classes.stack}
          onSubmit={(event) => {
            event.preventDefault();
            if (chosen && !move.isPending) begin(chosen);
          }}
        >
          <Select
            label="To"
            size="xs"
            aria-label="Connection to move to"
            allowDeselect={false}
            disabled={move.isPending}
            data={(profiles ?? []).map((profile) => ({ value: profile.id, label: named(profile) }))}
            value={chosen?.id ?? null}
            onChange={setId}
          />
          <p className={classes.text}>
            The database there must be empty. Everything is copied while changes go on; then changes wait
            until both sides were compared. From that moment on this database refuses every change and says
            where the registry is. It stays here to be read.
          </p>
          <Switch
            size="xs"
            label="Make the tables there with another login than the connection's"
            checked={hasOwnLogin}
            disabled={move.isPending}
            onChange={(event) => {
              setHasOwnLogin(event.currentTarget.checked);
              move.reset();
            }}
          />
          {hasOwnLogin && (
            <div className={classes.login}>
              <TextInput
                size="xs"
                label="Login"
                description="May make tables and roles"
                spellCheck={false}
                value={user}
                disabled={move.isPending}
                onChange={(event) => setUser(event.currentTarget.value)}
              />
              <PasswordInput
                size="xs"
                label="Password"
                description="Used for this and not kept"
                autoComplete="off"
                value={password}
                disabled={move.isPending}
                onChange={(event) => setPassword(event.currentTarget.value)}
              />
            </div>
          )}
          {move.isPending && work && isMoving && (
            <div role="status">
              <p className={classes.text}>
                Moving: {stepWords[work.step]} <Figures work={work} />
              </p>
              <div className={classes.workLine}>
                <WorkBar work={work} />
                <CancelWork work={work} />
              </div>
            </div>
          )}
          {move.error && <ErrorNote error={toErrorReport(move.error)} />}
          {move.error && !hasOwnLogin && (
            <p className={classes.text}>
              Where the connection&apos;s login may not make tables, use another one for this alone.
            </p>
          )}
          {move.isSuccess && moved === null && (
            <p className={classes.text} role="status">
              Stopped. Nothing was changed: the registry is here as before.
            </p>
          )}
          {!move.isPending && (
            <div className={classes.answers}>
              <Button size="xs" variant="default" onClick={onClose}>
                Leave it here
              </Button>
              <Button
                size="xs"
                type="submit"
                disabled={chosen === null || (hasOwnLogin && user.trim() === "")}
              >
                Move {overview.current ? counted(overview.current.extension_count, "extension") : "it"}
              </Button>
            </div>
          )}
        </form>
      )}
    </Modal>
  );
}

type MovedToProps = { profile: ConnectionProfile; moved: Moved; onClose: () => void };

function MovedTo({ profile, moved, onClose }: MovedToProps) {
  const switching = useSwitchConnection();
  return (
    <div className={classes.stack}>
      <p className={classes.text} role="status">
        {moved.was_completed
          ? "An earlier move was cut short after everything was there; it is completed now."
          : `${groupedCount(moved.row_count)} rows were copied and compared.`}{" "}
        The registry is at revision #{groupedCount(moved.revision)} in {profile.label}. Here it takes no
        changes any more. Point the programs that use it there.
      </p>
      {switching.error && <ErrorNote error={toErrorReport(switching.error)} />}
      <div className={classes.answers}>
        <Button size="xs" variant="default" onClick={onClose}>
          Stay here
        </Button>
        <Button
          size="xs"
          data-autofocus
          loading={switching.isPending || switching.isSuccess}
          onClick={() => switching.mutate(profile)}
        >
          Switch to {profile.label}
        </Button>
      </div>
    </div>
  );
}

function named({ label, database }: ConnectionProfile): string {
  if (database.kind === "embedded") return label;
  const { servers, database: name } = database.value;
  return `${label} (${name} on ${servers.map(({ host, port }) => `${host}:${port}`).join(", ")})`;
}
