//! The history of health: an overview of all extensions for a range of time, and series for charts. Table
//! `extension_health_history`.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

use super::HealthState;
use super::latency::{Latencies, LatencyColumns};
use crate::extensions::ExtensionType;
use crate::rules::invalid;
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

/// A range of time, widened to whole buckets when it is read.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct HealthRange {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// Its end.
    pub until: DateTime<Utc>,
}

impl HealthRange {
    /// The shortest range.
    pub const MIN: TimeDelta = TimeDelta::minutes(1);
    /// The longest range.
    pub const MAX: TimeDelta = TimeDelta::days(3660);

    /// The range of this length that ends now.
    pub fn last(length: TimeDelta) -> Self {
        let until = Utc::now();
        Self {
            from: until - length,
            until,
        }
    }

    fn length(self) -> TimeDelta {
        self.until - self.from
    }

    fn check(self) -> Result<()> {
        if (Self::MIN..=Self::MAX).contains(&self.length()) {
            return Ok(());
        }
        Err(invalid(
            "range",
            "The range is shorter than a minute or longer than ten years.".into(),
            "Choose an end that is later than the beginning by a minute to ten years.",
        ))
    }
}

/// Whose calls are counted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum HealthSource {
    /// Those of routers; in a registry that was filled with sample traffic, its made-up ones.
    #[default]
    Traffic,
    /// Messages that somebody sent to try an extension.
    Test,
}

impl HealthSource {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Traffic => &["traffic", "sample"],
            Self::Test => &["test"],
        }
    }
}

/// The steps that are kept, in minutes.
const STEPS: [u32; 6] = [1, 5, 15, 60, 360, 1440];

/// The finest step that divides a range into no more than this many points, or a day.
fn step_for(range: HealthRange, points_max: u32) -> u32 {
    let minutes = range.length().num_minutes();
    STEPS
        .into_iter()
        .find(|step| minutes <= i64::from(*step) * i64::from(points_max))
        .unwrap_or(1440)
}

/// The range in whole buckets.
fn widened(range: HealthRange, step_minutes: u32) -> HealthRange {
    let step_seconds = i64::from(step_minutes) * 60;
    let at = |seconds: i64| DateTime::from_timestamp(seconds, 0);
    let from = at(range.from.timestamp().div_euclid(step_seconds) * step_seconds);
    let last = (range.until.timestamp() - 1).div_euclid(step_seconds) + 1;
    HealthRange {
        from: from.unwrap_or(range.from),
        until: at(last * step_seconds).unwrap_or(range.until),
    }
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
    /// Answered calls of each step of the range, the oldest first.
    pub success_counts: Vec<WireNumber>,
    /// Failed calls of each step.
    pub failure_counts: Vec<WireNumber>,
}

/// How all extensions fared in a range.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct HealthOverview {
    /// The range, in whole steps.
    pub range: HealthRange,
    /// How long a step is.
    pub step_minutes: u32,
    /// A row for each extension: what is on and failing first, then by score; what is off and what has no data last.
    pub rows: Vec<HealthOverviewRow>,
    /// Whether the calls are made up.
    pub is_sample: bool,
}

/// Which series are wanted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct HealthSeriesRequest {
    /// The extensions; 1 to 20.
    pub extension_ids: Vec<String>,
    /// The range.
    pub range: HealthRange,
    /// How many points there may be at the most; 10 to 2,000.
    pub points_max: u32,
    /// Whose calls.
    pub source: HealthSource,
}

/// What happened to an extension over time.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct HealthSeries {
    /// The extension.
    pub extension_id: String,
    /// The range, in whole steps.
    pub range: HealthRange,
    /// How long a step is.
    pub step_minutes: u32,
    /// The steps in which there was a call, the oldest first; in those that are not here there was none.
    pub points: Vec<HealthPoint>,
    /// All of them together.
    pub total: HealthPoint,
}

/// What happened in one step.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct HealthPoint {
    /// When the step begins.
    pub started_at: DateTime<Utc>,
    /// Calls that were answered.
    #[specta(type = WireNumber)]
    pub success_count: i64,
    /// Calls that failed.
    #[specta(type = WireNumber)]
    pub failure_count: i64,
    /// The mean latency in milliseconds; none without a latency.
    #[specta(type = Option<WireNumber>)]
    pub mean_ms: Option<f64>,
    /// The latency that half of the calls don't exceed, in milliseconds; within 4 %.
    #[specta(type = Option<WireNumber>)]
    pub p50_ms: Option<f64>,
    /// The same of 95 % of the calls.
    #[specta(type = Option<WireNumber>)]
    pub p95_ms: Option<f64>,
    /// The same of 99 % of the calls.
    #[specta(type = Option<WireNumber>)]
    pub p99_ms: Option<f64>,
    /// The longest latency.
    #[specta(type = Option<WireNumber>)]
    pub max_ms: Option<f64>,
}

/// As many points as the small charts of the overview have at the most.
const OVERVIEW_POINTS_MAX: u32 = 30;

const OVERVIEW: &str = "Reading the health of all extensions";
const SERIES: &str = "Reading the history of health";

impl Registry {
    /// How the calls of all extensions went in a range.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for the range, [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn health_overview(&self, range: HealthRange) -> Result<HealthOverview> {
        range.check()?;
        let step_minutes = step_for(range, OVERVIEW_POINTS_MAX);
        let range = widened(range, step_minutes);
        let failed = |source| Error::from_query(OVERVIEW, source);
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        let extensions: Vec<OverviewExtension> = sqlx::query_as(
            "SELECT id, type, enabled, greatest(last_success, last_failure) AS last_call
             FROM public.extensions
             LEFT JOIN public.extension_health ON extension_health.extension_id = extensions.id
             ORDER BY id",
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
        let buckets: Vec<Bucket> = sqlx::query_as(READ_ALL)
            .bind(i16::try_from(step_minutes).unwrap_or(i16::MAX))
            .bind(range.from)
            .bind(range.until)
            .bind(HealthSource::Traffic.names())
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        let is_sample = buckets.iter().any(|bucket| bucket.is_sample);
        let mut of_extension = buckets.chunk_by(|one, next| one.extension_id == next.extension_id);
        let mut next = of_extension.next();
        let mut rows: Vec<HealthOverviewRow> = extensions
            .into_iter()
            .map(|extension| {
                // Both come by id, and of extensions that are gone there are buckets without a row.
                let id = extension.id.as_str();
                while next.is_some_and(|buckets| buckets[0].extension_id.as_str() < id) {
                    next = of_extension.next();
                }
                let buckets = next.filter(|buckets| buckets[0].extension_id == id);
                overview_row(extension, buckets.unwrap_or_default(), range, step_minutes)
            })
            .collect();
        rows.sort_by(|one, other| {
            let rank = |row: &HealthOverviewRow| (row.score_percent.is_none(), !row.enabled);
            let score = |row: &HealthOverviewRow| row.score_percent.unwrap_or(100.0);
            rank(one)
                .cmp(&rank(other))
                .then(score(one).total_cmp(&score(other)))
                .then_with(|| one.extension_id.cmp(&other.extension_id))
        });
        Ok(HealthOverview {
            range,
            step_minutes,
            rows,
            is_sample,
        })
    }

    /// What happened to extensions over time, in the order in which they were asked for. Of an extension that was
    /// deleted its history is told, of one that never was none.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for the range, the ids or the points, [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`].
    pub async fn health_series(&self, request: &HealthSeriesRequest) -> Result<Vec<HealthSeries>> {
        request.range.check()?;
        if !(1..=20).contains(&request.extension_ids.len()) {
            return Err(invalid(
                "extension_ids",
                "Series are read of 1 to 20 extensions.".into(),
                "Ask for fewer.",
            ));
        }
        if !(10..=2_000).contains(&request.points_max) {
            return Err(invalid(
                "points_max",
                "A series has 10 to 2000 points.".into(),
                "Choose a number between them.",
            ));
        }
        let step_minutes = step_for(request.range, request.points_max);
        let range = widened(request.range, step_minutes);
        let buckets: Vec<Bucket> = sqlx::query_as(READ_SOME)
            .bind(i16::try_from(step_minutes).unwrap_or(i16::MAX))
            .bind(range.from)
            .bind(range.until)
            .bind(request.source.names())
            .bind(&request.extension_ids)
            .fetch_all(self.pool())
            .await
            .map_err(|source| Error::from_query(SERIES, source))?;
        let mut by_extension: BTreeMap<&str, Vec<&Bucket>> = BTreeMap::new();
        for bucket in &buckets {
            by_extension
                .entry(&bucket.extension_id)
                .or_default()
                .push(bucket);
        }
        Ok(request
            .extension_ids
            .iter()
            .map(|id| {
                let buckets = by_extension.get(id.as_str()).cloned().unwrap_or_default();
                HealthSeries {
                    extension_id: id.clone(),
                    range,
                    step_minutes,
                    points: buckets
                        .chunk_by(|one, next| one.started_at == next.started_at)
                        .map(|same| point(same[0].started_at, same))
                        .collect(),
                    total: point(range.from, &buckets),
                }
            })
            .collect())
    }
}

macro_rules! select_buckets {
    ($from:literal) => {
        concat!(
            "SELECT bucket.extension_id, started_at, success_count, failure_count, last_failure, source = 'sample' AS is_sample,
                    latency_count, latency_sum_ms, latency_min_ms, latency_max_ms, latency_buckets, latency_bucket_counts
             FROM ",
            $from,
            " CROSS JOIN LATERAL (
                 SELECT * FROM public.extension_health_history AS history
                 WHERE history.extension_id = wanted.id AND step_minutes = $1 AND started_at >= $2 AND started_at < $3
                   AND source = ANY ($4)
                 -- By the primary key, whose pages are few, whatever the planner thinks of the ranges.
                 ORDER BY history.extension_id, step_minutes, started_at
             ) AS bucket
             ORDER BY bucket.extension_id, started_at"
        )
    };
}

const READ_ALL: &str = select_buckets!("public.extensions AS wanted");
const READ_SOME: &str = select_buckets!("unnest($5::text[]) AS wanted (id)");

#[derive(Debug, sqlx::FromRow)]
struct OverviewExtension {
    id: String,
    #[sqlx(rename = "type", try_from = "String")]
    extension_type: ExtensionType,
    enabled: bool,
    last_call: Option<DateTime<Utc>>,
}

#[derive(Debug, sqlx::FromRow)]
struct Bucket {
    extension_id: String,
    started_at: DateTime<Utc>,
    success_count: i64,
    failure_count: i64,
    last_failure: Option<DateTime<Utc>>,
    is_sample: bool,
    #[sqlx(flatten)]
    latencies: LatencyColumns,
}

fn point(started_at: DateTime<Utc>, buckets: &[&Bucket]) -> HealthPoint {
    let mut latencies = Latencies::default();
    for bucket in buckets {
        latencies.add(&bucket.latencies);
    }
    HealthPoint {
        started_at,
        success_count: buckets.iter().map(|bucket| bucket.success_count).sum(),
        failure_count: buckets.iter().map(|bucket| bucket.failure_count).sum(),
        mean_ms: latencies.mean_ms(),
        p50_ms: latencies.percentile_ms(0.5),
        p95_ms: latencies.percentile_ms(0.95),
        p99_ms: latencies.percentile_ms(0.99),
        max_ms: latencies.max_ms(),
    }
}

fn overview_row(
    extension: OverviewExtension,
    buckets: &[Bucket],
    range: HealthRange,
    step_minutes: u32,
) -> HealthOverviewRow {
    let step = TimeDelta::minutes(i64::from(step_minutes));
    let place = |at: DateTime<Utc>| {
        usize::try_from((at - range.from).num_seconds() / step.num_seconds()).unwrap_or(0)
    };
    let places = place(range.until);
    let mut success_counts = vec![0; places];
    let mut failure_counts = vec![0; places];
    let mut latencies = Latencies::default();
    for bucket in buckets {
        latencies.add(&bucket.latencies);
        let add = |counts: &mut [u32], count: i64| {
            if let Some(held) = counts.get_mut(place(bucket.started_at)) {
                *held = held.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            }
        };
        add(&mut success_counts, bucket.success_count);
        add(&mut failure_counts, bucket.failure_count);
    }
    let sum = |is_wanted: &dyn Fn(&Bucket) -> bool| {
        let wanted = buckets.iter().filter(|bucket| is_wanted(bucket));
        wanted.fold((0, 0), |(success, failure), bucket| {
            (
                success + bucket.success_count,
                failure + bucket.failure_count,
            )
        })
    };
    let half = range.from + range.length() / 2;
    let (success_count, failure_count) = sum(&|_| true);
    let score_percent = score(success_count, failure_count);
    let of = |(success, failure)| score(success, failure);
    let earlier = of(sum(&|bucket| bucket.started_at < half));
    let later = of(sum(&|bucket| bucket.started_at >= half));
    HealthOverviewRow {
        extension_id: extension.id,
        extension_type: extension.extension_type,
        enabled: extension.enabled,
        success_count,
        failure_count,
        score_percent,
        state: HealthState::of_score(score_percent),
        trend_percent_points: earlier.zip(later).map(|(earlier, later)| later - earlier),
        p50_ms: latencies.percentile_ms(0.5),
        p95_ms: latencies.percentile_ms(0.95),
        p99_ms: latencies.percentile_ms(0.99),
        last_failure: buckets
            .iter()
            .filter_map(|bucket| bucket.last_failure)
            .max(),
        last_call: extension.last_call,
        success_counts,
        failure_counts,
    }
}

/// Successes of all calls × 100.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn score(success_count: i64, failure_count: i64) -> Option<f64> {
    let calls = success_count + failure_count;
    (calls > 0).then(|| success_count as f64 * 100.0 / calls as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(minutes: i64) -> HealthRange {
        let from = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        HealthRange {
            from,
            until: from + TimeDelta::minutes(minutes),
        }
    }

    #[test]
    fn the_step_is_the_finest_that_fits() {
        let steps = [15, 30, 60, 360, 1_440, 10_080, 43_200, 129_600]
            .map(|minutes| step_for(range(minutes), 30));
        assert_eq!(steps, [1, 1, 5, 15, 60, 360, 1440, 1440]);
        assert_eq!(step_for(range(10_080), 700), 15);
    }

    #[test]
    fn a_range_is_widened_to_whole_steps() {
        let odd = HealthRange {
            from: DateTime::from_timestamp(59, 0).unwrap(),
            until: DateTime::from_timestamp(301, 0).unwrap(),
        };
        let wide = widened(odd, 5);
        assert_eq!((wide.from.timestamp(), wide.until.timestamp()), (0, 600));
        let exact = HealthRange {
            from: wide.from,
            until: wide.until,
        };
        assert_eq!(widened(exact, 5), exact);
    }
}
