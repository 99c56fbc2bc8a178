import { Button, Menu, SegmentedControl } from "@mantine/core";
import { useState } from "react";
import {
  chooseFolder,
  useBackupOverview,
  useBackups,
  useBackupWork,
  useMakeBackup,
  useVerifyBackup,
} from "../../api/backups";
import { toErrorReport } from "../../api/command";
import { useDatabaseAway } from "../../api/database";
import type { BackupFile, BackupOverview } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { Fact, Facts } from "../../ui/Facts";
import { mebibyteSize } from "../../ui/figures";
import { GuardedButton } from "../../ui/GuardedButton";
import { Identifier } from "../../ui/Identifier";
import {
  IconAlertTriangle,
  IconChevronDown,
  IconCircleCheck,
  IconDatabase,
  IconFolderOpen,
} from "../../ui/icons";
import { notifyDone, notifyFailure } from "../../ui/notify";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StatusWord } from "../../ui/StatusWord";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./Backups.module.css";
import { BackupProblems, BackupTable, showInFolder } from "./BackupTable";
import { folderOf, troubleText, workWords } from "./backupWords";
import { DailyBackupsForm } from "./DailyBackupsForm";
import { FolderField } from "./FolderField";
import { KeptDatabases } from "./KeptDatabases";
import { MovedNote, MoveSection } from "./MoveSection";
import { RestoreDialog } from "./RestoreDialog";
import { UpgradeOffer } from "./UpgradeOffer";
import { useOpenedBackup } from "./useOpenedBackup";
import { WorkNote } from "./WorkNote";

/** The safety of the embedded registry: backups, what was replaced, room, and the way to another database. */
export function BackupsPage() {
  const overview = useBackupOverview();
  if (overview.data?.is_embedded) return <Backups overview={overview.data} />;
  return (
    <>
      <PageHeader title="Backups" />
      {overview.data ? (
        <Panel>
          <EmptyState icon={IconDatabase} title="This registry is on a server of your own">
            Back it up there, with everything else that the server holds. docs/operations.md says how, and
            docs/backup.md how a single registry is written to a file by a program.
          </EmptyState>
        </Panel>
      ) : overview.error ? (
        <ErrorState
          tried="The state of the backups could not be read"
          error={toErrorReport(overview.error)}
          onRetry={() => void overview.refetch()}
        />
      ) : (
        <Panel>
          <SkeletonRows label="Reading the state of the backups" />
        </Panel>
      )}
    </>
  );
}

type Place = "daily" | "downloads" | "other";

function Backups({ overview }: { overview: BackupOverview }) {
  const work = useBackupWork();
  const away = useDatabaseAway();
  const [place, setPlace] = useState<Place>("daily");
  const [otherFolder, setOtherFolder] = useState("");
  const [restoring, setRestoring] = useState<BackupFile | null>(null);
  useOpenedBackup(setRestoring);
  const make = useMakeBackup();
  const verify = useVerifyBackup();
  const folder = place === "daily" ? null : place === "downloads" ? overview.downloads : otherFolder;
  const busy = work ? `${workWords[work.work]}: wait until it is over, or cancel it.` : null;

  function backUp(into: string | null) {
    make.mutate(into, {
      onSuccess: (file) => {
        if (file === null) return notifyDone("Stopped the backup. No file was left.");
        const made = folderOf(file.path);
        setPlace(made === overview.folder ? "daily" : made === overview.downloads ? "downloads" : "other");
        if (made !== overview.folder && made !== overview.downloads) setOtherFolder(made);
        notifyDone(
          <>
            Backed up to <Identifier label="path" value={file.path} />
            <Button
              size="compact-xs"
              variant="default"
              mt={6}
              leftSection={<IconFolderOpen size={13} aria-hidden />}
              onClick={() => showInFolder(file.path)}
            >
              Show in folder
            </Button>
          </>,
          { stays: true },
        );
      },
      onError: (thrown) => notifyFailure("Could not make a backup", toErrorReport(thrown)),
    });
  }

  return (
    <>
      <PageHeader title="Backups" summary={<Summary overview={overview} />}>
        <Button.Group>
          <GuardedButton forbidden={away ?? busy} onClick={() => backUp(null)}>
            Back up now
          </GuardedButton>
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <Button size="xs" px={8} aria-label="Back up now to…" disabled={away !== null || busy !== null}>
                <IconChevronDown size={14} aria-hidden />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => backUp(null)}>To the folder for downloads</Menu.Item>
              <Menu.Item
                onClick={() =>
                  void chooseFolder("Folder for the backup")
                    .then((chosen) => {
                      if (chosen !== null) backUp(chosen);
                    })
                    .catch(() => undefined)
                }
              >
                To another folder…
              </Menu.Item>
              {place === "other" && otherFolder.startsWith("/") && (
                <Menu.Item onClick={() => backUp(otherFolder)}>To {otherFolder}</Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        </Button.Group>
      </PageHeader>

      {overview.moved && <MovedNote mark={overview.moved} />}
      {overview.upgrade && <UpgradeOffer upgrade={overview.upgrade} />}
      {overview.troubles.map((trouble) => {
        const { title, text } = troubleText(trouble);
        return (
          <div key={trouble.kind} className={classes.trouble} role="alert">
            <IconAlertTriangle size={16} aria-hidden />
            <p>
              <strong>{title}.</strong> {text}
            </p>
          </div>
        );
      })}
      {work && restoring === null && <WorkNote work={work} />}

      <div className={classes.place}>
        <SegmentedControl
          aria-label="Which backups"
          size="xs"
          data={[
            { value: "daily", label: "Daily" },
            { value: "downloads", label: "Downloads" },
            { value: "other", label: "Another folder" },
          ]}
          value={place}
          onChange={(chosen) => setPlace(chosen as Place)}
        />
        {place === "other" ? (
          <FolderField
            label="Folder with backups"
            placeholder="/path/of/a/folder"
            value={otherFolder}
            onChange={setOtherFolder}
          />
        ) : (
          <Identifier label="folder" value={folder ?? overview.folder} />
        )}
      </div>
      {place === "other" && !otherFolder.startsWith("/") ? (
        <Panel>
          <EmptyState icon={IconFolderOpen} title="Which folder?">
            Type its path, from / on, or choose it.
          </EmptyState>
        </Panel>
      ) : (
        <Files
          folder={folder}
          overview={overview}
          busy={busy}
          onVerify={({ path, name }) =>
            verify.mutate(path, {
              onSuccess: (file) => {
                if (file === null) notifyDone(`Stopped verifying ${name}`);
                else if (!file.verification?.problem) notifyDone(`${name} is whole`);
              },
              onError: (thrown) => notifyFailure(`Could not verify ${name}`, toErrorReport(thrown)),
            })
          }
          onRestore={setRestoring}
        />
      )}
      <p className={classes.hint}>
        A backup holds everything, secrets too, and is not encrypted: keep it where nobody else can read it.
      </p>

      <div className={classes.sections}>
        <Section title="Daily backups">
          <DailyBackupsForm overview={overview} />
        </Section>
        <div className={classes.column}>
          <Section title="Databases that are kept">
            <KeptDatabases kept={overview.kept} />
          </Section>
          <Section title="Room on the disk">
            <Disk overview={overview} />
          </Section>
          <Section title="Move this registry">
            <MoveSection overview={overview} busy={away ?? busy} />
          </Section>
        </div>
      </div>
      {restoring && <RestoreDialog file={restoring} onClose={() => setRestoring(null)} />}
    </>
  );
}

function Summary({ overview: { settings, last_at, disk } }: { overview: BackupOverview }) {
  return (
    <>
      {settings.is_enabled ? "Daily backups are on" : "Daily backups are off"}, the last one:{" "}
      <Timestamp value={last_at} absent="none yet" />
      {disk && ` · ${mebibyteSize(disk.available_mib)} free`}
    </>
  );
}

type FilesProps = {
  folder: string | null;
  overview: BackupOverview;
  busy: string | null;
  onVerify: (file: BackupFile) => void;
  onRestore: (file: BackupFile) => void;
};

function Files({ folder, overview, busy, onVerify, onRestore }: FilesProps) {
  const files = useBackups(folder);
  if (files.data && files.data.length > 0)
    return (
      <>
        <Panel>
          <BackupTable files={files.data} busy={busy} onVerify={onVerify} onRestore={onRestore} />
        </Panel>
        <BackupProblems files={files.data} />
      </>
    );
  if (files.data)
    return (
      <Panel>
        <EmptyState icon={IconDatabase} title="No backups here">
          {folder !== null
            ? "Backups are files that end in .beamline-backup."
            : overview.settings.is_enabled
              ? "The first daily one is made some minutes after the window was opened."
              : "Daily backups are off."}
        </EmptyState>
      </Panel>
    );
  if (files.error)
    return (
      <Panel>
        <ErrorState
          tried="The backups could not be listed"
          error={toErrorReport(files.error)}
          onRetry={() => void files.refetch()}
        />
      </Panel>
    );
  return (
    <Panel>
      <SkeletonRows label="Reading the backups" count={3} />
    </Panel>
  );
}

function Disk({ overview: { disk } }: { overview: BackupOverview }) {
  if (!disk) return <p className={classes.hint}>Not known while the registry is not open.</p>;
  return (
    <Facts>
      <Fact name="Free">
        <StatusWord
          icon={disk.is_low ? IconAlertTriangle : IconCircleCheck}
          tone={disk.is_low ? "warn" : "good"}
        >
          {mebibyteSize(disk.available_mib)}
        </StatusWord>
        <span className={classes.aside}>low below {mebibyteSize(disk.low_below_mib)}</span>
      </Fact>
      <Fact name="Set aside">
        {disk.is_reserve_held
          ? "48 MiB, so that a full disk keeps no database from starting"
          : "Nothing: there is too little room for it"}
      </Fact>
    </Facts>
  );
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className={classes.section} aria-label={title}>
      <h2 className={classes.title}>{title}</h2>
      {children}
    </section>
  );
}
