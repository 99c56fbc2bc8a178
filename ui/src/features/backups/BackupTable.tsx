import { ActionIcon, Menu, VisuallyHidden } from "@mantine/core";
import { showBackup } from "../../api/backups";
import { toErrorReport } from "../../api/command";
import type { BackupFile } from "../../bindings";
import { asSentence } from "../../ui/failure";
import { byteSize, groupedCount } from "../../ui/figures";
import { GuardedButton } from "../../ui/GuardedButton";
import { Identifier } from "../../ui/Identifier";
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleX, IconDots } from "../../ui/icons";
import { notifyFailure } from "../../ui/notify";
import { StatusWord } from "../../ui/StatusWord";
import { Timestamp } from "../../ui/Timestamp";
import table from "../../ui/table.module.css";
import classes from "./Backups.module.css";
import { rowsOf, unusable } from "./backupWords";

type BackupTableProps = {
  files: readonly BackupFile[];
  /** Why nothing can be done with one now; null if it can. */
  busy: string | null;
  onVerify: (file: BackupFile) => void;
  onRestore: (file: BackupFile) => void;
};

export function BackupTable({ files, busy, onVerify, onRestore }: BackupTableProps) {
  return (
    <table className={`${table.table} ${classes.table}`} aria-label="Backups">
      <thead>
        <tr>
          <th scope="col" className={classes.time}>
            Made
          </th>
          <th scope="col" className={`${classes.figure} ${table.figure}`}>
            Revision
          </th>
          <th scope="col" className={`${classes.figure} ${table.figure}`}>
            Extensions
          </th>
          <th scope="col" className={`${classes.figure} ${table.figure}`}>
            Audit entries
          </th>
          <th scope="col" className={`${classes.size} ${table.figure}`}>
            Size
          </th>
          <th scope="col" className={classes.state}>
            State
          </th>
          <th scope="col">File</th>
          <th scope="col" className={classes.actions}>
            <VisuallyHidden>Actions</VisuallyHidden>
          </th>
        </tr>
      </thead>
      <tbody>
        {files.map((file) => (
          <Row key={file.path} file={file} busy={busy} onVerify={onVerify} onRestore={onRestore} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ file, busy, onVerify, onRestore }: Omit<BackupTableProps, "files"> & { file: BackupFile }) {
  const { summary, path, name, size_bytes } = file;
  return (
    <tr data-backup={name}>
      <td>
        <Timestamp value={summary?.made_at ?? null} absent="not known" />
      </td>
      <td className={table.figure}>{summary && `#${groupedCount(summary.revision)}`}</td>
      <td className={table.figure}>{summary && groupedCount(rowsOf(summary, "extensions"))}</td>
      <td className={table.figure}>{summary && groupedCount(rowsOf(summary, "extension_audit_log"))}</td>
      <td className={table.figure}>{byteSize(size_bytes)}</td>
      <td>
        <State file={file} />
      </td>
      <td className={table.name}>
        <Identifier label="file" value={name} />
      </td>
      <td className={classes.rowActions}>
        <GuardedButton size="compact-xs" variant="default" forbidden={busy} onClick={() => onVerify(file)}>
          Verify
        </GuardedButton>
        <GuardedButton
          size="compact-xs"
          variant="default"
          forbidden={unusable(file) ?? busy}
          onClick={() => onRestore(file)}
        >
          Restore…
        </GuardedButton>
        <RowMenu name={name} path={path} />
      </td>
    </tr>
  );
}

function RowMenu({ name, path }: { name: string; path: string }) {
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={24} aria-label={`More with ${name}`}>
          <IconDots size={15} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => showInFolder(path)}>Show in folder</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export function showInFolder(path: string) {
  showBackup(path).catch((thrown: unknown) =>
    notifyFailure("Could not show it in its folder", toErrorReport(thrown)),
  );
}

/** Whether it is known to be whole. */
export function State({ file: { problem, verification } }: { file: BackupFile }) {
  const found = verification?.problem ?? problem;
  if (found)
    return (
      <span title={`${asSentence(found.message)} ${found.action}`}>
        <StatusWord icon={IconCircleX} tone="bad">
          {verification?.problem ? "Damaged" : "Not readable"}
        </StatusWord>
      </span>
    );
  if (verification?.fault)
    return (
      <span title={verification.fault.explanation}>
        <StatusWord icon={IconAlertTriangle} tone="warn">
          Its audit log is not whole
        </StatusWord>
      </span>
    );
  if (verification)
    return (
      <StatusWord icon={IconCircleCheck} tone="good">
        Verified <Timestamp value={verification.verified_at} />
      </StatusWord>
    );
  return (
    <StatusWord icon={IconCircleDashed} tone="quiet">
      Not verified
    </StatusWord>
  );
}

/** What is wrong with those that nobody can restore, in words. */
export function BackupProblems({ files }: { files: readonly BackupFile[] }) {
  const wrong = files.flatMap((file) => {
    const reason = unusable(file);
    return reason === null ? [] : [{ name: file.name, reason }];
  });
  if (wrong.length === 0) return null;
  return (
    <ul className={classes.problems} aria-label="What is wrong with backups">
      {wrong.map(({ name, reason }) => (
        <li key={name}>
          <code>{name}</code>: {reason}
        </li>
      ))}
    </ul>
  );
}
