import { ActionIcon, Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useAllowed } from "../../api/access";
import { toErrorReport } from "../../api/command";
import { useHealthLimits, useSetHealthLimits } from "../../api/health";
import type { ExtensionType, HealthThreshold } from "../../bindings";
import { ErrorState } from "../../ui/ErrorState";
import { HealthLimitsForm } from "../../ui/HealthLimitsForm";
import { IconX } from "../../ui/icons";
import { isolated } from "../../ui/isolated";
import { notifyFailure } from "../../ui/notify";
import { SkeletonRows } from "../../ui/SkeletonRows";
import classes from "./HealthSections.module.css";
import { Section } from "./Section";

/** As messages pass them. */
const typesInOrder: readonly ExtensionType[] = ["pre", "validator", "post", "provider"];

/** From when on an extension is in trouble: by type, and what single extensions have instead. */
export function HealthLimitsSection() {
  const read = useHealthLimits();
  const { limits: forbidden } = useAllowed();
  const limits = read.data ?? [];
  const ofTypes = typesInOrder.flatMap((type) =>
    limits.filter(({ scope }) => scope.kind === "type" && scope.value === type),
  );
  const own = limits.filter(({ scope }) => scope.kind === "extension");
  return (
    <Section title="Health limits">
      <p className={classes.hint}>
        What is beyond a limit at two looks, 30 s apart, is told on the Health page, in the notices and on the
        desktop. It is judged by the last 15 minutes, from 3 failed calls or 10 calls on. An empty field is no
        limit.
      </p>
      {forbidden !== null && <p className={classes.forbidden}>{forbidden}</p>}
      {read.data ? (
        <div className={classes.limits}>
          <div className={classes.head} aria-hidden>
            <span>Type</span>
            <span>Score below</span>
            <span>p95 above</span>
            <span>Silent for</span>
          </div>
          {ofTypes.map((held) => (
            <Row key={held.scope.value} held={held} forbidden={forbidden} />
          ))}
          {own.length > 0 && <h3 className={classes.heading}>Extensions with limits of their own</h3>}
          {own.map((held) => (
            <Row key={held.scope.value} held={held} forbidden={forbidden} />
          ))}
        </div>
      ) : read.error ? (
        <ErrorState
          tried="The limits could not be read"
          error={toErrorReport(read.error)}
          onRetry={() => void read.refetch()}
        />
      ) : (
        <SkeletonRows label="Reading the limits" />
      )}
      <p className={classes.hint}>An extension gets limits of its own in its panel.</p>
    </Section>
  );
}

type RowProps = { held: HealthThreshold; forbidden: string | null };

function Row({ held: { scope, limits, changed_by }, forbidden }: RowProps) {
  const set = useSetHealthLimits();
  const remove = useSetHealthLimits();
  const isOwn = scope.kind === "extension";
  const label = forbidden ?? `Take the limits of its type for ${isolated(scope.value)}`;
  return (
    <div className={classes.row}>
      <span className={classes.name} title={`Last changed by ${changed_by}`}>
        {isOwn ? (
          <Link to="/extensions" search={{ open: scope.value }} className={classes.link} draggable={false}>
            <bdi>{scope.value}</bdi>
          </Link>
        ) : (
          scope.value
        )}
      </span>
      <HealthLimitsForm
        name={scope.value}
        limits={limits}
        named={false}
        disabled={forbidden !== null}
        isSaving={set.isPending}
        error={set.error ? toErrorReport(set.error) : null}
        onSave={(limits) => set.mutate({ scope, limits })}
        onCancel={set.reset}
      />
      {isOwn && (
        <Tooltip label={label}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={26}
            aria-label={label}
            {...(forbidden !== null && { "aria-disabled": true, "data-disabled": true })}
            loading={remove.isPending}
            onClick={() => {
              if (forbidden !== null) return;
              remove.mutate(
                { scope, limits: null },
                {
                  onError: (thrown) =>
                    notifyFailure(
                      `Could not take the limits of its type for ${isolated(scope.value)}`,
                      toErrorReport(thrown),
                    ),
                },
              );
            }}
          >
            <IconX size={14} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
    </div>
  );
}
