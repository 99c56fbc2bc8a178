import type { ReactNode } from "react";
import type { AffectedType, ExtensionType, FollowingConsumer, TrafficEffects } from "../bindings";
import { counted, groupedCount } from "./figures";
import { IconAlertTriangle, IconCircleOff, IconRouter } from "./icons";
import classes from "./TrafficEffects.module.css";

/** What does not happen any more without an extension of the type. */
const consequences: Record<ExtensionType, string> = {
  pre: "no message is normalised before routing",
  validator: "no message is validated",
  post: "no answer is post-processed",
  provider: "no message is answered",
};

/** The types that would have no enabled extension left. */
export function emptiedTypes(effects: TrafficEffects): ExtensionType[] {
  return effects.types.filter((affected) => affected.remaining_count === 0).map(({ type }) => type);
}

type TrafficEffectsNoteProps = { effects: TrafficEffects; way: "off" | "deleted" };

/** What it does to traffic if extensions are switched off or deleted, in words and figures. */
export function TrafficEffectsNote({ effects, way }: TrafficEffectsNoteProps) {
  if (effects.extension_ids.length === 0) return null;
  const isBad = effects.types.some(({ remaining_count }) => remaining_count === 0);
  return (
    <div className={classes.note} data-bad={isBad || undefined} data-testid="traffic-effects">
      <ul className={classes.list}>
        {effects.types.map((affected) => (
          <li key={affected.type} data-bad={affected.remaining_count === 0 || undefined}>
            {affected.remaining_count === 0 ? (
              <IconAlertTriangle size={15} aria-hidden />
            ) : (
              <IconCircleOff size={15} aria-hidden />
            )}
            <span>{effectOf(affected, effects, way)}</span>
          </li>
        ))}
        <li>
          <IconRouter size={15} aria-hidden />
          <span>{followers(effects.consumers, effects.revision)}</span>
        </li>
      </ul>
    </div>
  );
}

function effectOf(affected: AffectedType, effects: TrafficEffects, way: "off" | "deleted"): ReactNode {
  const { type, leaving_count, remaining_count } = affected;
  const [onlyId] = effects.extension_ids;
  const isOnly = effects.extension_ids.length === 1 && onlyId !== undefined;
  if (remaining_count > 0) {
    const stay = `${counted(remaining_count, `other ${type}`)} ${remaining_count === 1 ? "stays" : "stay"} on.`;
    if (isOnly)
      return (
        <>
          <bdi className={classes.id}>{onlyId}</bdi> stops at once; {stay}
        </>
      );
    return `${counted(leaving_count, type)} ${leaving_count === 1 ? "stops" : "stop"} at once; ${stay}`;
  }
  if (isOnly)
    return (
      <>
        <bdi className={classes.id}>{onlyId}</bdi> is the only enabled {type}: with it {way}{" "}
        {consequences[type]}.
      </>
    );
  const subject =
    leaving_count === 1
      ? `The only enabled ${type} is`
      : `All ${groupedCount(leaving_count)} enabled ${type}s are`;
  return `${subject} among them: with ${leaving_count === 1 ? "it" : "them"} ${way} ${consequences[type]}.`;
}

/** "3 routers follow, all at #1,204." */
function followers(consumers: readonly FollowingConsumer[], revision: number): string {
  if (consumers.length === 0) return "No router has reported lately that it follows this registry.";
  const follow = `${counted(consumers.length, "router")} ${consumers.length === 1 ? "follows" : "follow"}`;
  const revisions = new Set(consumers.map(({ applied_revision }) => applied_revision));
  const [applied] = revisions;
  if (revisions.size === 1 && applied !== undefined)
    return `${follow}, ${consumers.length === 1 ? "" : "all "}at #${groupedCount(applied)}.`;
  const current = consumers.filter(({ applied_revision }) => applied_revision === revision).length;
  const last = Math.min(...revisions);
  return `${follow}: ${groupedCount(current)} at #${groupedCount(revision)}, the last at #${groupedCount(last)}.`;
}
