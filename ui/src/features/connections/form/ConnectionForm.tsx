import { Button, Modal } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { type ReactNode, useMemo, useState } from "react";
import { toErrorReport } from "../../../api/command";
import { useConnectionTest, useProfileProblems, useSaveConnection } from "../../../api/connections";
import type { ConnectionProfile, KeptProfile } from "../../../bindings";
import { serverText, tlsWeakness } from "../../../ui/connectionWords";
import { ErrorNote } from "../../../ui/ErrorNote";
import { GuardedButton } from "../../../ui/GuardedButton";
import { IconPlugConnected } from "../../../ui/icons";
import classes from "./ConnectionForm.module.css";
import {
  asksTheSame,
  type ConnectionDraft,
  draftOf,
  isElsewhere,
  newDraft,
  newId,
  profileOf,
  type RemoteDraft,
  remoteDraft,
  serversOf,
} from "./connectionDraft";
import { DiscardQuestion } from "./DiscardQuestion";
import { ProfileFields } from "./ProfileFields";
import { RemoteFields } from "./RemoteFields";
import { TestResult } from "./TestResult";
import { TlsFields } from "./TlsFields";
import { UrlField } from "./UrlField";
import { UseFields } from "./UseFields";
import { type PageGuard, useFormLeaving } from "./useFormLeaving";

/** What the form is for: a new connection, perhaps begun from another, or one that is there. */
export type ConnectionTarget =
  | { kind: "new"; from: ConnectionProfile | null }
  | { kind: "edit"; kept: KeptProfile };

type ConnectionFormProps = {
  target: ConnectionTarget;
  /** The ids that are taken. */
  taken: readonly string[];
  /** Whether it is the one in use, and open. */
  isOpen: boolean;
  guard: PageGuard | null;
  onClose: () => void;
  onSaved: (saved: KeptProfile) => void;
};

/** How long typing pauses before what was typed is checked. */
const pauseMs = 200;

export function ConnectionForm({ target, taken, isOpen, guard, onClose, onSaved }: ConnectionFormProps) {
  const [begin] = useState(() => draftFor(target));
  const [draft, setDraft] = useState(begin);
  const [password, setPassword] = useState("");
  /** Whether the password that is kept is given up. */
  const [isForgotten, setIsForgotten] = useState(false);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [showsAll, setShowsAll] = useState(false);
  const save = useSaveConnection();
  const { test, told } = useConnectionTest();

  const before = target.kind === "edit" ? target.kept.profile : null;
  const profile = useMemo(
    () => profileOf(draft, before?.id ?? newId(draft.label, taken)),
    [draft, before, taken],
  );
  const [settled] = useDebouncedValue(profile, pauseMs);
  const check = useProfileProblems(settled);
  const problems = check.data ?? [];
  const passwordToSave = password !== "" ? password : isForgotten ? "" : null;
  const isDirty = !isSame(draft, begin) || passwordToSave !== null;
  const isOtherWay = before !== null && (isElsewhere(before, profile) || passwordToSave !== null);
  const { leaving, close } = useFormLeaving(isDirty, guard, onClose);

  const refused = save.error ?? test.error;
  const failure = refused ? toErrorReport(refused) : null;
  const errorOf = (field: string): ReactNode => {
    const problem =
      showsAll || touched.has(field) ? problems.find((each) => each.field === field) : undefined;
    const found = problem ?? (failure?.field === field ? failure : null);
    return found ? `${found.message} ${found.action}` : undefined;
  };
  const isShownAtField = failure !== null && fieldsShown.has(failure.field ?? "");

  function touch(fields: readonly string[]) {
    setTouched((current) => new Set([...current, ...fields]));
    save.reset();
    if (!test.isPending) test.reset();
  }
  function set(more: Partial<ConnectionDraft>, field: string) {
    setDraft((current) => ({ ...current, ...more }));
    touch([field]);
  }
  function setRemote(more: Partial<RemoteDraft>, field: string) {
    setDraft((current) => ({ ...current, remote: current.remote && { ...current.remote, ...more } }));
    touch([field]);
  }
  /** Tells whether something is wrong, and shows where. */
  function isWrong(): boolean {
    setShowsAll(true);
    // What was judged before the last keys were typed is no reason to hold it back.
    return problems.length > 0 && isSame(settled, profile) && !check.isPlaceholderData;
  }
  function submit() {
    if (isWrong()) return;
    test.reset();
    save.mutate(
      { profile, password: passwordToSave, opensAnew: isOpen && isOtherWay },
      {
        onSuccess: ({ profiles }) => {
          const saved = profiles.find((each) => each.profile.id === profile.id);
          onSaved(saved ?? { profile, password: null });
        },
      },
    );
  }
  function tryIt() {
    if (isWrong()) return;
    save.reset();
    test.mutate({ profile, password: password === "" ? null : password });
  }

  const { remote } = draft;
  const kept = target.kind === "edit" ? target.kept.password : null;
  const isForOthers = before !== null && !asksTheSame(before, profile);
  // A result is of what was tried, and not of what was typed meanwhile.
  const isOfThis = test.variables !== undefined && !isElsewhere(test.variables.profile, profile);
  const isTested = remote !== null && (test.isPending || (test.data !== undefined && isOfThis));
  return (
    <Modal
      opened
      onClose={close}
      title={titleOf(target)}
      size={remote ? 920 : 480}
      closeOnClickOutside={false}
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (leaving === null && !save.isPending) submit();
        }}
      >
        <div className={classes.body} inert={leaving !== null}>
          {remote && (
            <UrlField
              onParsed={(parsed) => {
                setDraft((current) => ({
                  ...current,
                  label: current.label || parsed.database.database,
                  remote: remoteDraft(parsed.database),
                }));
                if (parsed.password !== null) setPassword(parsed.password);
                touch(["servers", "database", "user"]);
              }}
            />
          )}
          <div className={remote ? classes.columns : classes.fields}>
            <div className={classes.fields}>
              <ProfileFields
                draft={draft}
                isProtected={before?.is_production ?? false}
                errorOf={errorOf}
                set={set}
              />
              {remote && <UseFields remote={remote} errorOf={errorOf} set={setRemote} />}
            </div>
            {remote && (
              <div className={classes.fields}>
                <RemoteFields
                  remote={remote}
                  password={password}
                  kept={kept}
                  keptUse={isForgotten ? "forgotten" : isForOthers ? "for others" : "used"}
                  onForget={() => {
                    setIsForgotten(!isForgotten);
                    touch(["password"]);
                  }}
                  errorOf={errorOf}
                  set={setRemote}
                  onPassword={(typed) => {
                    setPassword(typed);
                    touch(["password"]);
                  }}
                />
                <TlsFields remote={remote} errorOf={errorOf} set={setRemote} />
              </div>
            )}
          </div>
          <div className={classes.outcome}>
            {isTested && (
              <TestResult
                servers={serversOf(remote).map(serverText)}
                told={told}
                report={test.data ?? null}
                weakness={tlsWeakness({ mode: remote.tlsMode }, serversOf(remote))}
              />
            )}
            {failure && !isShownAtField && <ErrorNote error={failure} />}
          </div>
        </div>
        {leaving ? (
          <DiscardQuestion leaving={leaving} />
        ) : (
          <footer className={classes.footer}>
            {isOpen && isOtherWay && (
              <span className={classes.note}>It is in use: the window connects anew when it is saved.</span>
            )}
            <Button size="xs" variant="default" onClick={close}>
              Cancel
            </Button>
            {remote && (
              <GuardedButton
                variant="default"
                forbidden={save.isPending ? "It is being saved." : null}
                loading={test.isPending}
                leftSection={<IconPlugConnected size={14} aria-hidden />}
                onClick={tryIt}
              >
                Test connection
              </GuardedButton>
            )}
            <Button size="xs" type="submit" loading={save.isPending} disabled={test.isPending}>
              Save
            </Button>
          </footer>
        )}
      </form>
    </Modal>
  );
}

/** The fields that show what is wrong with them. */
const fieldsShown: ReadonlySet<string> = new Set([
  "label",
  "servers",
  "database",
  "user",
  "password",
  "application_name",
  "ca_file",
  "client_certificate_file",
  "client_key_file",
]);

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function draftFor(target: ConnectionTarget): ConnectionDraft {
  if (target.kind === "edit") return draftOf(target.kept.profile);
  if (target.from === null) return newDraft();
  const draft = draftOf(target.from);
  return { ...draft, label: `${draft.label} copy` };
}

function titleOf(target: ConnectionTarget): string {
  if (target.kind === "edit") return `Edit ${target.kept.profile.label}`;
  return target.from === null ? "New connection" : `Duplicate ${target.from.label}`;
}
