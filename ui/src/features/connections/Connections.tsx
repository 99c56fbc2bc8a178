import { Button } from "@mantine/core";
import { useState } from "react";
import { toErrorReport } from "../../api/command";
import { useConnectionProfiles } from "../../api/connections";
import type { ConnectionProfile, ConnectionProfiles, KeptProfile } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { counted } from "../../ui/figures";
import { IconArrowLeft, IconServer } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { ConnectionRow } from "./ConnectionRow";
import classes from "./Connections.module.css";
import { ConnectionTools } from "./ConnectionTools";
import type { ConnectionTarget } from "./form/ConnectionForm";
import { OpenForm } from "./form/OpenForm";
import type { PageGuard } from "./form/useFormLeaving";
import { RemoveQuestion } from "./RemoveQuestion";
import { useSwitch } from "./useSwitch";

type ConnectionsProps = {
  /** Asks before the page is left; null where there are no pages yet. */
  guard: PageGuard | null;
  /** Leads back to where it was opened from; absent where that is a page like others. */
  onBack?: () => void;
};

/** The connections: which registry this window shows, and all others that it knows the way to. */
export function Connections({ guard, onBack }: ConnectionsProps) {
  const read = useConnectionProfiles();
  const [target, setTarget] = useState<ConnectionTarget | null>(null);
  return (
    <>
      <PageHeader
        title="Connections"
        summary={read.data && `${counted(read.data.profiles.length, "connection")} on this computer`}
      >
        {onBack && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconArrowLeft size={14} aria-hidden />}
            onClick={onBack}
          >
            Back
          </Button>
        )}
        {read.data && (
          <ConnectionTools
            count={read.data.profiles.length}
            onNew={() => setTarget({ kind: "new", from: null })}
          />
        )}
      </PageHeader>
      <Panel>
        {read.data ? (
          <ConnectionList
            {...read.data}
            onEdit={(kept) => setTarget({ kind: "edit", kept })}
            onDuplicate={(from) => setTarget({ kind: "new", from })}
          />
        ) : read.error ? (
          <ErrorState
            tried="The connections could not be read"
            error={toErrorReport(read.error)}
            onRetry={() => void read.refetch()}
          />
        ) : (
          <SkeletonRows label="Reading the connections" count={3} />
        )}
      </Panel>
      {read.data?.profiles.length === 1 && (
        <Panel>
          <EmptyState
            icon={IconServer}
            title="No registry elsewhere yet"
            action={
              <Button size="xs" onClick={() => setTarget({ kind: "new", from: null })}>
                Connect to a PostgreSQL server
              </Button>
            }
          >
            With a connection to a PostgreSQL server this window shows and changes the registry that is there.
          </EmptyState>
        </Panel>
      )}
      {target && read.data && (
        <OpenForm target={target} known={read.data} guard={guard} onClose={() => setTarget(null)} />
      )}
    </>
  );
}

type ConnectionListProps = ConnectionProfiles & {
  onEdit: (kept: KeptProfile) => void;
  onDuplicate: (from: ConnectionProfile) => void;
};

function ConnectionList({ profiles, active, onEdit, onDuplicate }: ConnectionListProps) {
  const { pendingId, switchTo } = useSwitch();
  const [removed, setRemoved] = useState<ConnectionProfile | null>(null);
  return (
    <>
      <ul className={classes.list} aria-label="Connections">
        {profiles.map((kept) => (
          <ConnectionRow
            key={kept.profile.id}
            kept={kept}
            isActive={kept.profile.id === active}
            isSwitching={kept.profile.id === pendingId}
            onSwitch={() => switchTo(kept.profile)}
            onEdit={() => onEdit(kept)}
            onDuplicate={() => onDuplicate(kept.profile)}
            onRemove={() => setRemoved(kept.profile)}
          />
        ))}
      </ul>
      {removed && <RemoveQuestion profile={removed} onClose={() => setRemoved(null)} />}
    </>
  );
}
