import { Button } from "@mantine/core";
import type { ConnectionProfile } from "../../../bindings";
import { placeText } from "../../../ui/connectionWords";
import { IconAlertTriangle, IconPencil, IconSwitchHorizontal } from "../../../ui/icons";
import { ProfileMark } from "../../../ui/ProfileMark";
import { StatusWord } from "../../../ui/StatusWord";

type WaysProps = {
  profile: ConnectionProfile;
  onChoose: () => void;
  onEdit: () => void;
};

/** The ways on from a connection that can't be used: another one, or this one changed. */
export function Ways({ profile, onChoose, onEdit }: WaysProps) {
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconSwitchHorizontal size={14} aria-hidden />}
        onClick={onChoose}
      >
        Use another connection
      </Button>
      {profile.database.kind === "remote" && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPencil size={14} aria-hidden />}
          onClick={onEdit}
        >
          Edit this connection
        </Button>
      )}
    </>
  );
}

/** Which connection a view is about. */
export function AboutProfile({ profile, server }: { profile: ConnectionProfile; server?: string }) {
  return (
    <>
      <ProfileMark colour={profile.colour} />
      <bdi>{profile.label}</bdi>
      {profile.is_production && (
        <StatusWord icon={IconAlertTriangle} tone="bad">
          production
        </StatusWord>
      )}
      <span>
        {placeText(profile)}
        {server !== undefined && profile.database.kind === "remote" && `, on ${server}`}
      </span>
    </>
  );
}
