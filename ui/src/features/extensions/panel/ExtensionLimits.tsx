import { useState } from "react";
import { toErrorReport } from "../../../api/command";
import { useHealthLimits, useSetHealthLimits } from "../../../api/health";
import type { ExtensionType, HealthLimits } from "../../../bindings";
import { GuardedButton } from "../../../ui/GuardedButton";
import { HealthLimitsForm } from "../../../ui/HealthLimitsForm";
import { limitsText } from "../../../ui/healthLimits";
import { notifyFailure } from "../../../ui/notify";
import classes from "./ExtensionLimits.module.css";

const noLimits: HealthLimits = {
  score_below_percent: null,
  p95_above_ms: null,
  silent_for_seconds: null,
};

type ExtensionLimitsProps = { id: string; type: ExtensionType; forbidden: string | null };

/** From when on one extension is in trouble, and whether that is said of it or of its type. */
export function ExtensionLimits({ id, type, forbidden }: ExtensionLimitsProps) {
  const read = useHealthLimits();
  const set = useSetHealthLimits();
  const [isEdited, setEdited] = useState(false);
  if (!read.data) return <span className={classes.quiet}>{read.error ? "not known" : "…"}</span>;

  const own = read.data.find(({ scope }) => scope.kind === "extension" && scope.value === id);
  const ofType = read.data.find(({ scope }) => scope.kind === "type" && scope.value === type);
  const limits = (own ?? ofType)?.limits ?? noLimits;
  const scope = { kind: "extension", value: id } as const;

  if (isEdited) {
    return (
      <HealthLimitsForm
        name={id}
        limits={limits}
        named
        disabled={forbidden !== null}
        isNew
        isSaving={set.isPending}
        error={set.error ? toErrorReport(set.error) : null}
        onSave={(limits) => set.mutate({ scope, limits }, { onSuccess: () => setEdited(false) })}
        onCancel={() => {
          set.reset();
          setEdited(false);
        }}
      />
    );
  }
  return (
    <div className={classes.limits}>
      <span className={classes.words}>
        {limitsText(limits)}
        <span className={classes.quiet}> · {own ? "its own" : `of type ${type}`}</span>
      </span>
      <GuardedButton
        size="compact-xs"
        variant="default"
        forbidden={forbidden}
        onClick={() => setEdited(true)}
      >
        {own ? "Change limits" : "Set its own limits"}
      </GuardedButton>
      {own && (
        <GuardedButton
          size="compact-xs"
          variant="default"
          forbidden={forbidden}
          loading={set.isPending}
          onClick={() =>
            set.mutate(
              { scope, limits: null },
              {
                onError: (thrown) =>
                  notifyFailure("Could not take the limits of its type", toErrorReport(thrown)),
              },
            )
          }
        >
          Take those of its type
        </GuardedButton>
      )}
    </div>
  );
}
