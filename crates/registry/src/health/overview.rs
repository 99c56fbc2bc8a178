//! The overview of health: how all extensions fared in a range of time, what is wrong first; and small charts of all.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use specta::Type;

use super::alarms::limits_of;
use super::history::{score, step_for, widened};
use super::latency::Latencies;
use super::{HealthLimits, HealthRange, HealthSource, HealthState};
use crate::binary_copy::{CopyDecoder, CopyError, Fields, number, text, time};
use crate::extensions::ExtensionType;
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

/// What is to be said of an extension first, the worst first.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Type,
)]
#[serde(rename_all = "snake_case")]
pub enum HealthSeverity {
    /// Its score is below its limit, or below 90.
    Failing,
    /// Its 95th percentile is above its limit.
    Slow,
    /// Its score is below 99.
    Degraded,
    /// It was called before, but not in the range, or not for as long as its limit says.
    Silent,
    /// None of the others.
    Healthy,
    /// It was never called.
    NoData,
    /// The router does not use it now.
    Off,
}

/// How the calls of one extension went in a range.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct HealthOverviewRow {
    /// The extension.
    pub extension_id: String,
    /// Where in the router it runs.
    pub extension_type: ExtensionType,
    /// Whether the router uses it now.
    pub enabled: bool,
    /// Calls that were answered in the range.
    #[specta(type = WireNumber)]
    pub success_count: i64,
    /// Calls that failed in the range.
    #[specta(type = WireNumber)]
    pub failure_count: i64,
    /// Successes of all calls × 100; none without a call.
    #[specta(type = Option<WireNumber>)]
    pub score_percent: Option<f64>,
    /// What the score stands for.
    pub state: HealthState,
    /// What is to be said of it first.
    pub severity: HealthSeverity,
    /// How much the score of the range's second half is above that of its first, in percentage points; none where one
    /// of them has no call.
    #[specta(type = Option<WireNumber>)]
    pub trend_percent_points: Option<f64>,
    /// The latency that half of the calls don't exceed, in milliseconds; within 4 %. None without a latency.
    #[specta(type = Option<WireNumber>)]
    pub p50_ms: Option<f64>,
    /// The same of 95 % of the calls.
    #[specta(type = Option<WireNumber>)]
    pub p95_ms: Option<f64>,
    /// The same of 99 % of the calls.
    #[specta(type = Option<WireNumber>)]
    pub p99_ms: Option<f64>,
    /// When a call last failed within the range.
    pub last_failure: Option<DateTime<Utc>>,
    /// When an extension was last called at all.
    pub last_call: Option<DateTime<Utc>>,
    /// Answered calls of each step of the range, the oldest first; empty without a call in it.
    pub success_counts: Vec<WireNumber>,
    /// Failed calls of each step, as above.
    pub failure_counts: Vec<WireNumber>,
}

/// How all extensions fared in a range.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct HealthOverview {
    /// The range, in whole steps.
    pub range: HealthRange,
    /// How long a step is.
    pub step_minutes: u32,
    /// A row for each extension, by severity, then by score, then by id.
    pub rows: Vec<HealthOverviewRow>,
    /// All of them together.
    pub total: HealthTotal,
    /// Those of the range's first half, to see what became of them.
    pub earlier: HealthTotal,
    /// Those of its second half.
    pub later: HealthTotal,
    /// Whether the calls are made up.
    pub is_sample: bool,
}

/// The calls of all extensions together.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, Type)]
pub struct HealthTotal {
    /// Calls that were answered.
    #[specta(type = WireNumber)]
    pub success_count: i64,
    /// Calls that failed.
    #[specta(type = WireNumber)]
    pub failure_count: i64,
    /// Successes of all calls × 100; none without a call.
    #[specta(type = Option<WireNumber>)]
    pub score_percent: Option<f64>,
    /// The latency that half of all calls don't exceed, in milliseconds; within 4 %. None without a latency.
    #[specta(type = Option<WireNumber>)]
    pub p50_ms: Option<f64>,
    /// The same of 95 % of all calls.
    #[specta(type = Option<WireNumber>)]
    pub p95_ms: Option<f64>,
    /// The same of 99 % of all calls.
    #[specta(type = Option<WireNumber>)]
    pub p99_ms: Option<f64>,
    /// Extensions that are on and whose score is below their limit, or below 90.
    pub failing_count: u32,
}

/// A small chart of an extension that was called in the range.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct HealthSparkline {
    /// The extension.
    pub extension_id: String,
    /// Answered calls of each step of the range, the oldest first.
    pub success_counts: Vec<WireNumber>,
    /// Failed calls of each step.
    pub failure_counts: Vec<WireNumber>,
}

/// Small charts of all extensions.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct HealthSparklines {
    /// The range, in whole steps.
    pub range: HealthRange,
    /// How long a step is.
    pub step_minutes: u32,
    /// Of the extensions that were called in the range, by id; those that are gone among them.
    pub sparklines: Vec<HealthSparkline>,
}

/// As many points as the small charts have at the most.
const POINTS_MAX: u32 = 30;

const OVERVIEW: &str = "Reading the health of all extensions";

impl Registry {
    /// How the calls of all extensions went in a range.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for the range, [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn health_overview(&self, range: HealthRange) -> Result<HealthOverview> {
        range.check()?;
        let now = Utc::now();
        let retention = self.health_retention().await?;
        let step_minutes = step_for(range, POINTS_MAX, retention, now);
        let range = widened(range, step_minutes);
        let steps = Steps::of(range, step_minutes);
        let middle = range.from + range.length() / 2;
        // The halves are as much work as all the rest, and each takes a connection and a processor of its own.
        let (limits_held, extensions, mut earlier, mut later) = tokio::try_join!(
            self.list_health_thresholds(),
            self.overview_extensions(),
            self.calls_by_id(
                steps,
                HealthRange {
                    until: middle,
                    ..range
                }
            ),
            self.calls_by_id(
                steps,
                HealthRange {
                    from: middle,
                    ..range
                }
            ),
        )?;
        let mut is_sample = false;
        let mut whole = Halves::default();
        let mut failing_counts = [0; 3];
        let mut rows: Vec<HealthOverviewRow> = extensions
            .into_iter()
            .map(|extension| {
                let halves = Halves {
                    earlier: earlier.remove(&extension.id).unwrap_or_default(),
                    later: later.remove(&extension.id).unwrap_or_default(),
                };
                let limits = limits_of(&extension.id, extension.extension_type, &limits_held);
                let row = overview_row(extension, &halves, &limits, now, steps);
                let scores = [
                    row.score_percent,
                    halves.earlier.score_percent(),
                    halves.later.score_percent(),
                ];
                for (count, score_percent) in failing_counts.iter_mut().zip(scores) {
                    *count += u32::from(row.enabled && is_failing(score_percent, &limits));
                }
                is_sample |= halves.earlier.is_sample || halves.later.is_sample;
                whole.add(&halves);
                row
            })
            .collect();
        rows.sort_by(|one, other| {
            let score = |row: &HealthOverviewRow| row.score_percent.unwrap_or(100.0);
            one.severity
                .cmp(&other.severity)
                .then(score(one).total_cmp(&score(other)))
                .then_with(|| one.extension_id.cmp(&other.extension_id))
        });
        let [failing, earlier_failing, later_failing] = failing_counts;
        Ok(HealthOverview {
            range,
            step_minutes,
            rows,
            total: whole.all().total(failing),
            earlier: whole.earlier.total(earlier_failing),
            later: whole.later.total(later_failing),
            is_sample,
        })
    }

    /// Small charts of all extensions that were called in a range: what [`Self::health_overview`] says of calls alone,
    /// for tables with many rows.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for the range, [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn health_sparklines(&self, range: HealthRange) -> Result<HealthSparklines> {
        range.check()?;
        let retention = self.health_retention().await?;
        let step_minutes = step_for(range, POINTS_MAX, retention, Utc::now());
        let range = widened(range, step_minutes);
        let steps = Steps::of(range, step_minutes);
        let mut by_id: HashMap<String, Vec<Point>> = HashMap::new();
        self.read_buckets("", steps, range, |fields: Fields<'_, 4>| {
            let (id, point) = steps.point(&fields)?;
            // Not by entry, which would take an id of its own for each bucket.
            let points = match by_id.get_mut(id) {
                Some(points) => points,
                None => by_id.entry(id.to_owned()).or_default(),
            };
            points.push(point);
            Some(())
        })
        .await?;
        let mut sparklines: Vec<HealthSparkline> = by_id
            .into_iter()
            .map(|(extension_id, points)| {
                let (success_counts, failure_counts) = steps.spread(&points);
                HealthSparkline {
                    extension_id,
                    success_counts,
                    failure_counts,
                }
            })
            .collect();
        sparklines.sort_unstable_by(|one, next| one.extension_id.cmp(&next.extension_id));
        Ok(HealthSparklines {
            range,
            step_minutes,
            sparklines,
        })
    }

    /// All extensions and when they were last called.
    async fn overview_extensions(&self) -> Result<Vec<OverviewExtension>> {
        sqlx::query_as(
            "SELECT id, type, enabled,
                    coalesce(greatest(last_success, last_failure), CASE WHEN EXISTS (
                        -- Made-up calls are in no counter. Days are few; the minutes of a week are ten thousand.
                        SELECT FROM public.extension_health_history AS history
                        WHERE history.extension_id = extensions.id AND step_minutes = 1440 AND source = 'sample'
                    ) THEN (
                        SELECT max(started_at) FROM public.extension_health_history AS history
                        WHERE history.extension_id = extensions.id AND step_minutes = 1 AND source = 'sample'
                    ) END) AS last_call
             FROM public.extensions
             LEFT JOIN public.extension_health ON extension_health.extension_id = extensions.id",
        )
        .fetch_all(self.pool())
        .await
        .map_err(failed)
    }

    /// The calls of a part of a range, by extension.
    async fn calls_by_id(&self, steps: Steps, part: HealthRange) -> Result<HashMap<String, Calls>> {
        let mut by_id: HashMap<String, Calls> = HashMap::new();
        let more =
            ", last_failure, source = 'sample', latency_min_ms, latency_max_ms, latency_histogram";
        self.read_buckets(more, steps, part, |fields: Fields<'_, 9>| {
            let [id, started_at, success, failure, more @ ..] = fields;
            let (id, point) = steps.point(&[id, started_at, success, failure])?;
            let calls = match by_id.get_mut(id) {
                Some(calls) => calls,
                None => by_id.entry(id.to_owned()).or_default(),
            };
            calls.add_bucket(point, more)
        })
        .await?;
        Ok(by_id)
    }

    /// Hands on the buckets of a part of a range, in no order: id, beginning, successes and failures, and these columns.
    ///
    /// By the index of times, in whose order they lie on their pages. There are tens of thousands, hence the format.
    async fn read_buckets<const COLUMNS: usize>(
        &self,
        more: &str,
        steps: Steps,
        part: HealthRange,
        mut take: impl FnMut(Fields<'_, COLUMNS>) -> Option<()>,
    ) -> Result<()> {
        let sources = HealthSource::Traffic.names().join("', '");
        // Numbers, times and names of our own: COPY takes no parameters.
        let statement = format!(
            "COPY (SELECT extension_id, started_at, success_count, failure_count{more}
                   FROM public.extension_health_history
                   WHERE step_minutes = {} AND started_at >= '{}' AND started_at < '{}' AND source IN ('{sources}'))
             TO STDOUT (FORMAT binary)",
            steps.step.num_minutes(),
            part.from.to_rfc3339(),
            part.until.to_rfc3339(),
        );
        let unexpected = |source: CopyError| Error::Internal {
            attempted: OVERVIEW,
            source: source.into(),
        };
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        let mut pieces = connection.copy_out_raw(&statement).await.map_err(failed)?;
        let mut rows = CopyDecoder::default();
        while let Some(piece) = pieces.try_next().await.map_err(failed)? {
            rows.push(&piece, |number, fields| {
                let what = "value";
                take(fields).ok_or(CopyError::Row { number, what })
            })
            .map_err(unexpected)?;
        }
        rows.finish().map_err(unexpected)
    }
}

fn failed(source: sqlx::Error) -> Error {
    Error::from_query(OVERVIEW, source)
}

#[derive(Debug, sqlx::FromRow)]
struct OverviewExtension {
    id: String,
    #[sqlx(rename = "type", try_from = "String")]
    extension_type: ExtensionType,
    enabled: bool,
    last_call: Option<DateTime<Utc>>,
}

/// A range in steps.
#[derive(Clone, Copy, Debug)]
struct Steps {
    range: HealthRange,
    step: TimeDelta,
}

impl Steps {
    fn of(range: HealthRange, step_minutes: u32) -> Self {
        Self {
            range,
            step: TimeDelta::minutes(i64::from(step_minutes)),
        }
    }

    fn place(self, at: DateTime<Utc>) -> usize {
        usize::try_from((at - self.range.from).num_seconds() / self.step.num_seconds()).unwrap_or(0)
    }

    /// How many steps there are.
    fn count(self) -> usize {
        self.place(self.range.until)
    }

    /// No call in any step.
    fn none(self) -> Vec<u32> {
        vec![0; self.count()]
    }

    /// Of which extension a bucket is, and its calls; none if that is no bucket.
    fn point<'row>(self, fields: &Fields<'row, 4>) -> Option<(&'row str, Point)> {
        let [id, started_at, success_count, failure_count] = *fields;
        let point = Point {
            place: self.place(time(started_at)?),
            success_count: number(success_count).map(i64::from_be_bytes)?,
            failure_count: number(failure_count).map(i64::from_be_bytes)?,
        };
        Some((text(id)?, point))
    }

    /// The answered and the failed calls of each step.
    fn spread<'points>(
        self,
        points: impl IntoIterator<Item = &'points Point>,
    ) -> (Vec<u32>, Vec<u32>) {
        let (mut successes, mut failures) = (self.none(), self.none());
        for point in points {
            for (counts, more) in [
                (&mut successes, point.success_count),
                (&mut failures, point.failure_count),
            ] {
                if let Some(held) = counts.get_mut(point.place) {
                    *held = held.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
                }
            }
        }
        (successes, failures)
    }
}

/// The calls of one step.
#[derive(Clone, Copy, Debug)]
struct Point {
    place: usize,
    success_count: i64,
    failure_count: i64,
}

/// Calls and their latencies.
#[derive(Clone, Debug, Default)]
struct Calls {
    success_count: i64,
    failure_count: i64,
    last_failure: Option<DateTime<Utc>>,
    is_sample: bool,
    latencies: Latencies,
    points: Vec<Point>,
}

impl Calls {
    fn score_percent(&self) -> Option<f64> {
        score(self.success_count, self.failure_count)
    }

    /// Adds a bucket; none if that is none.
    fn add_bucket(&mut self, point: Point, fields: Fields<'_, 5>) -> Option<()> {
        let [last_failure, is_sample, min_ms, max_ms, histogram] = fields;
        self.success_count += point.success_count;
        self.failure_count += point.failure_count;
        self.points.push(point);
        self.last_failure = self.last_failure.max(time(last_failure));
        self.is_sample |= number(is_sample)? != [0];
        self.latencies.add_bounds(
            number(min_ms).map(f64::from_be_bytes),
            number(max_ms).map(f64::from_be_bytes),
        );
        self.latencies.add_histogram(text(histogram)?);
        Some(())
    }

    fn add(&mut self, other: &Self) {
        self.success_count += other.success_count;
        self.failure_count += other.failure_count;
        self.last_failure = self.last_failure.max(other.last_failure);
        self.is_sample |= other.is_sample;
        self.latencies.merge(&other.latencies);
    }

    fn total(&self, failing_count: u32) -> HealthTotal {
        HealthTotal {
            success_count: self.success_count,
            failure_count: self.failure_count,
            score_percent: self.score_percent(),
            p50_ms: self.latencies.percentile_ms(0.5),
            p95_ms: self.latencies.percentile_ms(0.95),
            p99_ms: self.latencies.percentile_ms(0.99),
            failing_count,
        }
    }
}

/// The calls of a range's first and second half.
#[derive(Clone, Debug, Default)]
struct Halves {
    earlier: Calls,
    later: Calls,
}

impl Halves {
    fn add(&mut self, other: &Self) {
        self.earlier.add(&other.earlier);
        self.later.add(&other.later);
    }

    fn all(&self) -> Calls {
        let mut all = self.earlier.clone();
        all.add(&self.later);
        all
    }
}

fn is_failing(score_percent: Option<f64>, limits: &HealthLimits) -> bool {
    let least = limits.score_below_percent.unwrap_or(0.0).max(90.0);
    score_percent.is_some_and(|score| score < least)
}

fn severity(
    extension: &OverviewExtension,
    calls: &Calls,
    limits: &HealthLimits,
    now: DateTime<Utc>,
) -> HealthSeverity {
    let score_percent = calls.score_percent();
    let silent_for = extension.last_call.map(|at| now - at);
    let is_slow = calls
        .latencies
        .percentile_ms(0.95)
        .zip(limits.p95_above_ms)
        .is_some_and(|(p95_ms, limit_ms)| p95_ms > limit_ms);
    let is_silent = silent_for
        .zip(limits.silent_for_seconds)
        .is_some_and(|(silent_for, limit)| silent_for.num_seconds() > i64::from(limit));
    match HealthState::of_score(score_percent) {
        _ if !extension.enabled => HealthSeverity::Off,
        HealthState::NoData if extension.last_call.is_none() => HealthSeverity::NoData,
        _ if is_failing(score_percent, limits) => HealthSeverity::Failing,
        _ if is_slow => HealthSeverity::Slow,
        HealthState::Degraded => HealthSeverity::Degraded,
        HealthState::NoData => HealthSeverity::Silent,
        _ if is_silent => HealthSeverity::Silent,
        _ => HealthSeverity::Healthy,
    }
}

fn overview_row(
    extension: OverviewExtension,
    halves: &Halves,
    limits: &HealthLimits,
    now: DateTime<Utc>,
    steps: Steps,
) -> HealthOverviewRow {
    let calls = halves.all();
    let score_percent = calls.score_percent();
    let points = || halves.earlier.points.iter().chain(&halves.later.points);
    let (success_counts, failure_counts) = if points().next().is_some() {
        steps.spread(points())
    } else {
        Default::default()
    };
    HealthOverviewRow {
        severity: severity(&extension, &calls, limits, now),
        extension_id: extension.id,
        extension_type: extension.extension_type,
        enabled: extension.enabled,
        success_count: calls.success_count,
        failure_count: calls.failure_count,
        score_percent,
        state: HealthState::of_score(score_percent),
        trend_percent_points: halves
            .earlier
            .score_percent()
            .zip(halves.later.score_percent())
            .map(|(earlier, later)| later - earlier),
        p50_ms: calls.latencies.percentile_ms(0.5),
        p95_ms: calls.latencies.percentile_ms(0.95),
        p99_ms: calls.latencies.percentile_ms(0.99),
        last_failure: calls.last_failure,
        last_call: extension.last_call,
        success_counts,
        failure_counts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(success_count: i64, failure_count: i64) -> Calls {
        Calls {
            success_count,
            failure_count,
            ..Calls::default()
        }
    }

    fn judged(
        calls: &Calls,
        last_call_minutes: Option<i64>,
        limits: &HealthLimits,
    ) -> HealthSeverity {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let extension = OverviewExtension {
            id: "guard".into(),
            extension_type: ExtensionType::Validator,
            enabled: true,
            last_call: last_call_minutes.map(|minutes| now - TimeDelta::minutes(minutes)),
        };
        severity(&extension, calls, limits, now)
    }

    #[test]
    fn what_fails_is_told_before_its_silence_and_silence_is_not_health() {
        let limits = HealthLimits {
            score_below_percent: Some(95.0),
            p95_above_ms: None,
            silent_for_seconds: Some(600),
        };
        let none = HealthLimits::default();
        for (calls, last_call, limits, expected) in [
            (calls(89, 11), Some(1), &none, HealthSeverity::Failing),
            (calls(94, 6), Some(60), &limits, HealthSeverity::Failing),
            (calls(94, 6), Some(1), &none, HealthSeverity::Degraded),
            (calls(100, 0), Some(60), &limits, HealthSeverity::Silent),
            (calls(100, 0), Some(60), &none, HealthSeverity::Healthy),
            (calls(0, 0), Some(6_000), &none, HealthSeverity::Silent),
            (calls(0, 0), None, &limits, HealthSeverity::NoData),
        ] {
            assert_eq!(judged(&calls, last_call, limits), expected, "{calls:?}");
        }
    }

    #[test]
    fn a_limit_below_ninety_does_not_make_what_fails_healthy() {
        let limits = HealthLimits {
            score_below_percent: Some(50.0),
            ..HealthLimits::default()
        };
        assert!(is_failing(Some(89.9), &limits));
        assert!(!is_failing(Some(90.0), &limits));
        assert!(!is_failing(None, &limits));
    }
}
