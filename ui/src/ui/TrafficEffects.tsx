import { Fragment, type ReactNode } from "react";
import type { AffectedType, ExtensionType, FollowingConsumer, TrafficEffects } from "../bindings";
import { counted, groupedCount } from "./figures";
import { IconActivity, IconAlertTriangle, IconCircleOff, IconRouter } from "./icons";
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
          <IconActivity size={15} aria-hidden />
          <span>{callsOf(effects)}</span>
        </li>
        <li>
          <IconRouter size={15} aria-hidden />
          <span>{followers(effects.consumers)}</span>
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

/** Extensions, or programs, that are called by name; the rest is a number. */
const namedAtMost = 3;

/** "In the last 24 hours it was called 1 204 times." */
function callsOf({ extension_ids, known_calls }: TrafficEffects): ReactNode {
  if (known_calls.length === 0) return "No call is known of the last 24 hours.";
  const called = (count: number) => `called ${count === 1 ? "once" : `${groupedCount(count)} times`}`;
  const [first] = known_calls;
  if (first && extension_ids.length === 1) return `In the last 24 hours it was ${called(first.call_count)}.`;
  const named = known_calls.slice(0, namedAtMost);
  const more = known_calls.slice(namedAtMost);
  const moreCalls = more.reduce((sum, { call_count }) => sum + call_count, 0);
  const unknown = extension_ids.length - known_calls.length;
  return (
    <>
      In the last 24 hours{" "}
      {named.map(({ extension_id, call_count }, place) => (
        <Fragment key={extension_id}>
          {place > 0 && (place === named.length - 1 && more.length === 0 ? " and " : ", ")}
          <bdi className={classes.id}>{extension_id}</bdi> was {called(call_count)}
        </Fragment>
      ))}
      {more.length > 0 &&
        ` and ${groupedCount(more.length)} more ${more.length === 1 ? "was" : "were"} ${called(moreCalls)}`}
      .{unknown > 0 && ` Of ${groupedCount(unknown)} no call is known.`}
    </>
  );
}

/** "router-eu-1 and 2 more have applied revision 1 204; router-us-1 has applied revision 1 201." */
function followers(consumers: readonly FollowingConsumer[]): ReactNode {
  if (consumers.length === 0) return "No router has reported lately that it follows this registry.";
  const hostsOf = new Map<string, number>();
  for (const { name } of consumers) hostsOf.set(name, (hostsOf.get(name) ?? 0) + 1);
  const called = ({ name, host }: FollowingConsumer) =>
    hostsOf.get(name) === 1 ? name : `${name} on ${host}`;
  const byRevision = new Map<number, string[]>();
  for (const consumer of consumers) {
    const { applied_revision } = consumer;
    byRevision.set(applied_revision, [...(byRevision.get(applied_revision) ?? []), called(consumer)]);
  }
  const newestFirst = [...byRevision].sort(([one], [other]) => other - one);
  const named = newestFirst.slice(0, namedAtMost);
  const older = newestFirst.slice(namedAtMost).reduce((sum, [, names]) => sum + names.length, 0);
  return (
    <>
      {named.map(([revision, [first, ...others]], place) => (
        <Fragment key={revision}>
          {place > 0 && "; "}
          <bdi>{first}</bdi>
          {others.length > 0 && ` and ${groupedCount(others.length)} more`}{" "}
          {others.length > 0 ? "have" : "has"} applied revision {groupedCount(revision)}
        </Fragment>
      ))}
      {older > 0 && `; ${groupedCount(older)} more are further behind`}.
    </>
  );
}
