import { Button, NumberInput } from "@mantine/core";
import { useState } from "react";
import { useSetDailyBackups } from "../../api/backups";
import { toErrorReport } from "../../api/command";
import type { BackupOverview, DailyBackups } from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { Fact, Facts } from "../../ui/Facts";
import { notifyFailure } from "../../ui/notify";
import { Switch } from "../../ui/Switch";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./Backups.module.css";
import { FolderField } from "./FolderField";

type Draft = { folder: string; daily: number | ""; weekly: number | "" };

/** Whether, where to and how many backups are made by themselves. */
export function DailyBackupsForm({ overview }: { overview: BackupOverview }) {
  const { settings, folder, last_at, next_at } = overview;
  const [draft, setDraft] = useState<Draft | null>(null);
  const set = useSetDailyBackups();
  const kept: Draft = {
    folder: settings.folder ?? "",
    daily: settings.daily_kept,
    weekly: settings.weekly_kept,
  };
  const shown = draft ?? kept;
  const isChanged = draft !== null && JSON.stringify(draft) !== JSON.stringify(kept);
  const error = set.error ? toErrorReport(set.error) : null;
  const isTooMany = (count: number | "") => typeof count !== "number" || count > 1_000;
  const isRefused = isTooMany(shown.daily) || isTooMany(shown.weekly);

  function keep(changed: DailyBackups, whenDone: () => void = () => undefined) {
    set.mutate(changed, { onSuccess: whenDone });
  }
  function change(more: Partial<Draft>) {
    setDraft({ ...shown, ...more });
    set.reset();
  }

  return (
    <form
      aria-label="Daily backups"
      onSubmit={(event) => {
        event.preventDefault();
        if (isRefused || !isChanged) return;
        keep(
          {
            ...settings,
            folder: shown.folder.trim() || null,
            daily_kept: Number(shown.daily),
            weekly_kept: Number(shown.weekly),
          },
          () => setDraft(null),
        );
      }}
    >
      <Facts>
        <Fact name="Each day">
          <div className={classes.choice}>
            <Switch
              name="Daily backups"
              on={settings.is_enabled}
              onChange={(is_enabled) =>
                set.mutate(
                  { ...settings, is_enabled },
                  {
                    onError: (thrown) =>
                      notifyFailure("Could not change the daily backups", toErrorReport(thrown)),
                  },
                )
              }
            />
            <span>{settings.is_enabled ? "Made while the window is open" : "Off"}</span>
          </div>
        </Fact>
        <Fact name="Last">
          <Timestamp value={last_at} absent="none yet" />
        </Fact>
        <Fact name="Next">
          <Next at={next_at} />
        </Fact>
        <Fact name="Folder">
          <FolderField
            label="Folder for daily backups"
            placeholder={folder}
            value={shown.folder}
            error={error?.field === "folder" ? error.message : undefined}
            onChange={(value) => change({ folder: value })}
          />
        </Fact>
        <Fact name="Kept">
          <div className={classes.counts}>
            <NumberInput
              size="xs"
              hideControls
              aria-label="Days of which a backup is kept"
              suffix=" days"
              allowDecimal={false}
              allowNegative={false}
              clampBehavior="none"
              value={shown.daily}
              error={isTooMany(shown.daily)}
              onChange={(value) => change({ daily: value === "" ? "" : Number(value) })}
            />
            <NumberInput
              size="xs"
              hideControls
              aria-label="Weeks of which a backup is kept"
              suffix=" weeks"
              allowDecimal={false}
              allowNegative={false}
              clampBehavior="none"
              value={shown.weekly}
              error={isTooMany(shown.weekly)}
              onChange={(value) => change({ weekly: value === "" ? "" : Number(value) })}
            />
          </div>
        </Fact>
      </Facts>
      {error && error.field !== "folder" && <ErrorNote error={error} />}
      {isChanged ? (
        <div className={classes.answers}>
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            onClick={() => {
              setDraft(null);
              set.reset();
            }}
          >
            Cancel
          </Button>
          <Button type="submit" size="compact-xs" loading={set.isPending} disabled={isRefused}>
            Save
          </Button>
        </div>
      ) : (
        <p className={classes.hint}>
          The newest of each day and of each week is kept; older ones are deleted after a new one was made and
          verified. Another disk than the database's is the better place.
        </p>
      )}
    </form>
  );
}

function Next({ at }: { at: string | null }) {
  if (at === null) return <>none: they are off</>;
  return Date.parse(at) <= Date.now() ? <>within the hour</> : <Timestamp value={at} format="full" />;
}
