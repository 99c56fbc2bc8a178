import { keepPreviousData, type QueryClient, useMutation, useQuery } from "@tanstack/react-query";
import {
  commands,
  events,
  type HealthCrossing,
  type HealthLimits,
  type HealthRange,
  type HealthRetention,
  type HealthSource,
  type HealthSparkline,
  type HealthSparklines,
  type SchemaScope,
} from "../bindings";
import { everyEntry } from "./audit";
import { refetchIntervalMs } from "./client";
import { unwrap } from "./command";
import { keys } from "./keys";
import { keepTold } from "./told";

/** The counters of every extension, over all time. */
export function useHealth() {
  return useQuery({
    queryKey: keys.health.list(),
    queryFn: () => unwrap(commands.listHealth()),
    refetchInterval: refetchIntervalMs,
  });
}

/** A range of time: the last so many minutes, or one with ends of its own (RFC 3339). */
export type RangeOfTime = { minutes: number } | { from: string; until: string };

function rangeNow(range: RangeOfTime): HealthRange {
  if ("from" in range) return range;
  const until = Date.now();
  return {
    from: new Date(until - range.minutes * 60_000).toISOString(),
    until: new Date(until).toISOString(),
  };
}

/** What is over changes no more, but for late calls. */
function refetchIntervalOf(range: RangeOfTime): number {
  const isOver = "until" in range && Date.parse(range.until) < Date.now() - 60_000;
  return isOver ? 12 * refetchIntervalMs : 2 * refetchIntervalMs;
}

/** How the calls of all extensions went in a range. */
export function useHealthOverview(range: RangeOfTime) {
  return useQuery({
    queryKey: keys.health.overview(range),
    queryFn: () => unwrap(commands.healthOverview(rangeNow(range))),
    refetchInterval: refetchIntervalOf(range),
    placeholderData: keepPreviousData,
  });
}

type SeriesOptions = {
  ids: readonly string[];
  range: RangeOfTime;
  /** As many points as there is room for; 0 while that is not known. */
  pointsMax: number;
  source: HealthSource;
};

/** What happened to some extensions over time. */
export function useHealthSeries({ ids, range, pointsMax, source }: SeriesOptions) {
  return useQuery({
    queryKey: keys.health.series(ids, range, pointsMax, source),
    queryFn: () =>
      unwrap(
        commands.healthSeries({
          extension_ids: [...ids],
          range: rangeNow(range),
          points_max: pointsMax,
          source,
        }),
      ),
    refetchInterval: refetchIntervalOf(range),
    placeholderData: keepPreviousData,
    enabled: pointsMax > 0,
  });
}

/** As many changes are marked at the most. */
const marksMax = 200;

/** What was done to an extension in a range, newest first, and whether there was more. */
export function useHealthMarks(id: string, range: RangeOfTime) {
  return useQuery({
    queryKey: keys.audit.marks(id, range),
    queryFn: async () => {
      const { from, until } = rangeNow(range);
      const filter = { ...everyEntry, extension_id: id, since: from, until };
      const page = await unwrap(
        commands.listAuditEntries({ filter, before_revision: null, after_revision: null, limit: marksMax }),
      );
      return { entries: page.entries, hasMore: page.next_before_revision !== null };
    },
    placeholderData: keepPreviousData,
  });
}

const sparklineMinutes = 1_440;
const sparklineIntervalMs = 60_000;

/** Small charts of the last 24 hours of all extensions that were called in them, by id. */
export function useHealthSparklines(enabled: boolean) {
  return useQuery({
    queryKey: keys.health.sparklines(),
    queryFn: () => unwrap(commands.healthSparklines(rangeNow({ minutes: sparklineMinutes }))),
    select: bySparklineId,
    refetchInterval: sparklineIntervalMs,
    enabled,
  });
}

function bySparklineId({ sparklines }: HealthSparklines): ReadonlyMap<string, HealthSparkline> {
  return new Map(sparklines.map((sparkline) => [sparkline.extension_id, sparkline]));
}

const afterSample = { invalidates: [keys.health.all, keys.health.sparklines()] };

/** Fills an empty embedded registry with made-up calls. */
export function useFillWithSampleTraffic() {
  return useMutation({ mutationFn: () => unwrap(commands.fillWithSampleTraffic()), meta: afterSample });
}

/** Takes the made-up calls away. */
export function useRemoveSampleTraffic() {
  return useMutation({ mutationFn: () => unwrap(commands.removeSampleTraffic()), meta: afterSample });
}

/** What is wrong now, as the last look found it. */
export function useHealthAlarms() {
  return useQuery({
    queryKey: keys.health.alarms(),
    queryFn: () => commands.healthAlarms(),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Keeps what is wrong up to date with each look. */
export function followHealthAlarms(client: QueryClient): void {
  events.healthLooked
    .listen(({ payload }) => keepTold(client, keys.health.alarms(), payload.now))
    // What was wrong at first stays in sight.
    .catch(() => undefined);
}

/** Calls `onCrossing` with each trouble that begins or is over, until the answer is called. */
export function followCrossings(onCrossing: (crossing: HealthCrossing) => void): () => void {
  const listening = events.healthLooked.listen(({ payload }) => {
    for (const crossing of payload.crossings) onCrossing(crossing);
  });
  return () => {
    listening.then((stop) => stop()).catch(() => undefined);
  };
}

/** Calls `open` when a notice of the desktop is clicked: with an extension, or null where it was of several. */
export function followOpenedNotices(open: (extensionId: string | null) => void): () => void {
  const listening = events.healthNoticeOpened.listen(({ payload }) => open(payload.extension_id));
  return () => {
    listening.then((stop) => stop()).catch(() => undefined);
  };
}

/** The limits of types, then those that extensions have instead. */
export function useHealthLimits() {
  return useQuery({
    queryKey: keys.health.limits(),
    queryFn: () => unwrap(commands.listHealthThresholds()),
  });
}

/** Sets limits; none gives an extension those of its type. */
export function useSetHealthLimits() {
  return useMutation({
    mutationFn: ({ scope, limits }: { scope: SchemaScope; limits: HealthLimits | null }) =>
      unwrap(commands.setHealthThreshold(scope, limits)),
    meta: { invalidates: [keys.health.limits()] },
  });
}

/** For how long history is kept. */
export function useHealthRetention() {
  return useQuery({
    queryKey: keys.health.retention(),
    queryFn: () => unwrap(commands.healthRetention()),
  });
}

export function useSetHealthRetention() {
  return useMutation({
    mutationFn: (retention: HealthRetention) => unwrap(commands.setHealthRetention(retention)),
    meta: { invalidates: [keys.health.retention()] },
  });
}
