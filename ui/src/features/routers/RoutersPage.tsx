import { useConsumers, watchedConsumersIntervalMs } from "../../api/cache";
import { toErrorReport } from "../../api/command";
import { CopyButton } from "../../ui/CopyButton";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { IconRouter } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { CachePanel } from "./CachePanel";
import { ConsumerTable } from "./ConsumerTable";
import { consumersSummary } from "./consumerState";
import classes from "./RoutersPage.module.css";

/** The lines by which a router written in Rust is in the list; docs/library.md has them in full. */
const firstConsumer = `let options = CacheOptions {
    consumer: Some(Consumer::new("router", env!("CARGO_PKG_VERSION"))),
    ..CacheOptions::default()
};
let cache = RegistryCache::connect(connect_options, options).await?;
`;

/** Who has applied what, and what this window itself holds. */
export function RoutersPage() {
  const consumers = useConsumers(watchedConsumersIntervalMs);
  const { data, error, dataUpdatedAt } = consumers;
  const refetch = () => void consumers.refetch();
  return (
    <>
      <PageHeader title="Routers" summary={data && data.length > 0 ? consumersSummary(data) : undefined} />
      {data && error && (
        <StaleNotice error={toErrorReport(error)} shownSince={dataUpdatedAt} onRetry={refetch} />
      )}
      <Panel>
        {data ? (
          data.length > 0 ? (
            <ConsumerTable consumers={data} />
          ) : (
            <EmptyState
              icon={IconRouter}
              title="No program has reported yet"
              action={<CopyButton text={firstConsumer}>Copy what a router adds</CopyButton>}
            >
              A router that uses the cache of the core library has a line here while it runs, with the
              revision that it works by.
            </EmptyState>
          )
        ) : error ? (
          <ErrorState
            tried="The programs that use the registry could not be read"
            error={toErrorReport(error)}
            onRetry={refetch}
          />
        ) : (
          <SkeletonRows label="Reading which programs use the registry" />
        )}
      </Panel>
      <div className={classes.own}>
        <CachePanel />
      </div>
    </>
  );
}
