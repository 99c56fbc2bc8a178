import { Button } from "@mantine/core";
import { useAcknowledgeDivergence, useCacheStats, useReloadCache } from "../../api/cache";
import { toErrorReport } from "../../api/command";
import type { CacheFreshness, CacheReport } from "../../bindings";
import { ErrorState } from "../../ui/ErrorState";
import { Fact, Facts } from "../../ui/Facts";
import { age, counted, groupedCount } from "../../ui/figures";
import { IconAlertTriangle, IconRefresh } from "../../ui/icons";
import { notifyFailure } from "../../ui/notify";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./RoutersPage.module.css";

const words: Record<CacheFreshness, string> = {
  fresh: "fresh: the database confirmed it not long ago",
  stale: "stale: the database does not answer",
  diverged: "diverged: the registry's history is another one",
};

/** What the window itself holds of the registry: the same cache that routers use. */
export function CachePanel() {
  const { data: stats, error, refetch } = useCacheStats();
  const reload = useReloadCache();
  const acknowledge = useAcknowledgeDivergence();
  return (
    <section aria-labelledby="cache-heading">
      {stats?.divergence && (
        <div className={classes.alarm} role="alert">
          <IconAlertTriangle size={18} aria-hidden />
          <p>
            The registry has gone another way: this window had followed it to revision{" "}
            {groupedCount(stats.divergence.followed_revision)}, and{" "}
            <Timestamp value={stats.divergence.noticed_at} /> the database was at{" "}
            {groupedCount(stats.divergence.found_revision)} with another history. It was restored or
            exchanged; what is shown is what it holds now.
          </p>
          <Button
            size="compact-sm"
            variant="default"
            loading={acknowledge.isPending}
            onClick={() =>
              acknowledge.mutate(undefined, {
                onError: (error) => notifyFailure("Could not be noted", toErrorReport(error)),
              })
            }
          >
            I know of it
          </Button>
        </div>
      )}
      <div className={classes.heading}>
        <h2 id="cache-heading">This window's cache</h2>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconRefresh size={14} aria-hidden />}
          loading={reload.isPending}
          onClick={() =>
            reload.mutate(undefined, {
              onError: (error) => notifyFailure("Could not reload", toErrorReport(error)),
            })
          }
        >
          Reload
        </Button>
      </div>
      {stats ? (
        <CacheFacts stats={stats} />
      ) : (
        <Panel>
          {error ? (
            <ErrorState
              tried="The state of the cache could not be read"
              error={toErrorReport(error)}
              onRetry={() => void refetch()}
            />
          ) : (
            <SkeletonRows label="Reading the state of the cache" count={4} />
          )}
        </Panel>
      )}
    </section>
  );
}

function CacheFacts({ stats }: { stats: CacheReport }) {
  return (
    <div className={classes.panel}>
      <Facts>
        <Fact name="State">{words[stats.state]}</Fact>
        <Fact name="Revision">#{groupedCount(stats.revision)}</Fact>
        <Fact name="Confirmed">{age(stats.age_ms)} ago</Fact>
        <Fact name="Extensions">
          {groupedCount(stats.total)}, {groupedCount(stats.enabled)} switched on
        </Fact>
      </Facts>
      <Facts>
        <Fact name="Last full read">
          <Timestamp value={stats.last_reload} absent="never" />
        </Fact>
        <Fact name="Full reads">{groupedCount(stats.load_count)}</Fact>
        <Fact name="Changes applied">{counted(stats.apply_count, "time")}</Fact>
        <Fact name="Errors">{groupedCount(stats.error_count)}</Fact>
      </Facts>
    </div>
  );
}
