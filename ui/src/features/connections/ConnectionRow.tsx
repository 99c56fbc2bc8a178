import { ActionIcon, Button, Menu } from "@mantine/core";
import { toErrorReport } from "../../api/command";
import { connectionUrl } from "../../api/connections";
import type { ConnectionProfile, KeptProfile, SecretPlace } from "../../bindings";
import { copyText } from "../../ui/clipboard";
import { areOnThisMachine, defaultTlsMode, placeText, tlsWeakness } from "../../ui/connectionWords";
import { GuardedButton } from "../../ui/GuardedButton";
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCopy,
  IconDots,
  IconEye,
  IconLink,
  IconLock,
  IconLockOpen,
  IconPencil,
  IconTrash,
} from "../../ui/icons";
import { isolated } from "../../ui/isolated";
import { notifyDone, notifyFailure } from "../../ui/notify";
import { ProfileMark } from "../../ui/ProfileMark";
import { StatusWord } from "../../ui/StatusWord";
import classes from "./Connections.module.css";

type ConnectionRowProps = {
  kept: KeptProfile;
  isActive: boolean;
  isSwitching: boolean;
  onSwitch: () => void;
  onEdit: () => void;
  onDuplicate: () => void;
  onRemove: () => void;
};

/** One connection: what it is known by, where it leads and how, and what can be done with it. */
export function ConnectionRow(props: ConnectionRowProps) {
  const { kept, isActive, isSwitching, onSwitch, onEdit } = props;
  const { profile } = kept;
  return (
    <li className={classes.row} aria-label={profile.label}>
      <div className={classes.known}>
        <div className={classes.label}>
          <ProfileMark colour={profile.colour} />
          <bdi>{profile.label}</bdi>
        </div>
        <div className={classes.words}>
          {isActive && (
            <StatusWord icon={IconCircleCheck} tone="good">
              in use
            </StatusWord>
          )}
          {profile.is_production && (
            <StatusWord icon={IconAlertTriangle} tone="bad">
              production
            </StatusWord>
          )}
          {profile.is_reason_required && <span>asks for a reason</span>}
        </div>
      </div>
      <div className={classes.way}>
        <div className={classes.place} data-kind={profile.database.kind} title={placeText(profile)}>
          {placeText(profile)}
        </div>
        <Way kept={kept} />
      </div>
      <div className={classes.actions}>
        <GuardedButton
          variant="default"
          forbidden={isActive ? "It is in use." : null}
          loading={isSwitching}
          onClick={onSwitch}
        >
          Switch
        </GuardedButton>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPencil size={14} aria-hidden />}
          aria-label={`Edit ${profile.label}`}
          onClick={onEdit}
        >
          Edit
        </Button>
        {profile.database.kind === "remote" && <More {...props} />}
      </div>
    </li>
  );
}

const passwordWords: Record<SecretPlace, string> = {
  keychain: "password in the keychain",
  session: "password until the console is closed",
};

/** How a database elsewhere is reached. */
function Way({ kept: { profile, password } }: { kept: KeptProfile }) {
  if (profile.database.kind === "embedded") return null;
  const { servers, tls, is_read_only, pooling } = profile.database.value;
  const mode = tls.mode ?? defaultTlsMode(servers);
  const weakness = tlsWeakness(tls, servers);
  return (
    <div className={classes.words}>
      <span title={weakness ?? undefined}>
        <StatusWord
          icon={weakness === null ? IconLock : IconLockOpen}
          tone={weakness === null ? "good" : "warn"}
        >
          {mode}
          {weakness !== null && ", weak"}
          {areOnThisMachine(servers) && ", on this machine"}
        </StatusWord>
      </span>
      {is_read_only && (
        <StatusWord icon={IconEye} tone="quiet">
          read-only
        </StatusWord>
      )}
      {pooling !== "direct" && <span>through a pooler</span>}
      <span>{password === null ? "no password kept" : passwordWords[password]}</span>
    </div>
  );
}

function More({ kept: { profile }, isActive, onDuplicate, onRemove }: ConnectionRowProps) {
  return (
    <Menu position="bottom-end" width={228} shadow="md">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={30} aria-label={`More for ${profile.label}`}>
          <IconDots size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconCopy size={14} stroke={1.7} aria-hidden />} onClick={onDuplicate}>
          Duplicate…
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLink size={14} stroke={1.7} aria-hidden />}
          onClick={() => copyUrl(profile)}
        >
          Copy URL, without the password
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconTrash size={14} stroke={1.7} aria-hidden />}
          color="var(--bad)"
          {...(isActive && { "data-disabled": true })}
          aria-disabled={isActive || undefined}
          title={isActive ? "It is in use: switch to another connection first." : undefined}
          closeMenuOnClick={!isActive}
          onClick={() => {
            if (!isActive) onRemove();
          }}
        >
          Remove…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function copyUrl({ label, database }: ConnectionProfile) {
  if (database.kind === "embedded") return;
  connectionUrl(database.value)
    .then(copyText)
    .then(
      () => notifyDone(`Copied the URL of ${isolated(label)}`),
      (thrown: unknown) =>
        notifyFailure(`Could not copy the URL of ${isolated(label)}`, toErrorReport(thrown)),
    );
}
