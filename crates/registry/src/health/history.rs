//! The history of health: ranges of time, the steps that divide them, and series for charts. Table
//! `extension_health_history`.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

use super::latency::Latencies;
use super::{HealthRetention, HealthState};
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

    pub(super) fn length(self) -> TimeDelta {
        self.until - self.from
    }

    pub(super) fn check(self) -> Result<()> {
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
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Traffic => &["traffic", "sample"],
            Self::Test => &["test"],
        }
    }
}

/// The steps that are kept, in minutes.
const STEPS: [u32; 6] = [1, 5, 15, 60, 360, 1440];

/// History is deleted some time after it may be: a range that begins about where it ends to be kept has it all.
const PRUNING_LAG: TimeDelta = TimeDelta::hours(1);

/// The finest step that divides a range into no more than this many points and is kept for as long as the range
/// reaches back, or a day.
pub(super) fn step_for(
    range: HealthRange,
    points_max: u32,
    retention: HealthRetention,
    now: DateTime<Utc>,
) -> u32 {
    let minutes = range.length().num_minutes();
    let age = now - range.from - PRUNING_LAG;
    let is_kept = |days: i32| age <= TimeDelta::days(i64::from(days));
    STEPS
        .into_iter()
        .filter(|step| match step {
            1 | 5 | 15 => is_kept(retention.minutes_kept_days),
            60 | 360 => is_kept(retention.hours_kept_days),
            _ => true,
        })
        .find(|step| minutes <= i64::from(*step) * i64::from(points_max))
        .unwrap_or(1440)
}

/// The range in whole buckets.
pub(super) fn widened(range: HealthRange, step_minutes: u32) -> HealthRange {
    let step_seconds = i64::from(step_minutes) * 60;
    let at = |seconds: i64| DateTime::from_timestamp(seconds, 0);
    let from = at(range.from.timestamp().div_euclid(step_seconds) * step_seconds);
    // A bucket that began within this very second is in the range.
    let until_seconds =
        range.until.timestamp() + i64::from(range.until.timestamp_subsec_nanos() > 0);
    let last = (until_seconds - 1).div_euclid(step_seconds) + 1;
    HealthRange {
        from: from.unwrap_or(range.from),
        until: at(last * step_seconds).unwrap_or(range.until),
    }
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
    /// What the score of all of them stands for.
    pub state: HealthState,
    /// Whether calls among them are made up.
    pub is_sample: bool,
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
    /// Successes of all calls × 100; none without a call.
    #[specta(type = Option<WireNumber>)]
    pub score_percent: Option<f64>,
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

const SERIES: &str = "Reading the history of health";

impl Registry {
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
        let retention = self.health_retention().await?;
        let step_minutes = step_for(request.range, request.points_max, retention, Utc::now());
        let range = widened(request.range, step_minutes);
        let mut buckets: Vec<Bucket> = sqlx::query_as(READ_SOME)
            .bind(i16::try_from(step_minutes).unwrap_or(i16::MAX))
            .bind(range.from)
            .bind(range.until)
            .bind(request.source.names())
            .bind(&request.extension_ids)
            .fetch_all(self.pool())
            .await
            .map_err(|source| Error::from_query(SERIES, source))?;
        buckets.sort_by_key(|bucket| bucket.started_at);
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
                let total = point(range.from, &buckets);
                HealthSeries {
                    extension_id: id.clone(),
                    range,
                    step_minutes,
                    points: buckets
                        .chunk_by(|one, next| one.started_at == next.started_at)
                        .map(|same| point(same[0].started_at, same))
                        .collect(),
                    state: HealthState::of_score(total.score_percent),
                    is_sample: buckets.iter().any(|bucket| bucket.is_sample),
                    total,
                }
            })
            .collect())
    }
}

/// The buckets of some extensions, by time. By the primary key, extension by extension, whatever the planner thinks of the
/// ranges.
const READ_SOME: &str = "SELECT bucket.* FROM unnest($5::text[]) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT extension_id, started_at, success_count, failure_count, source = 'sample' AS is_sample,
               latency_count, latency_sum_ms, latency_min_ms, latency_max_ms, latency_histogram
        FROM public.extension_health_history AS history
        WHERE history.extension_id = wanted.id AND step_minutes = $1 AND started_at >= $2 AND started_at < $3
          AND source = ANY ($4)
        ORDER BY history.extension_id, step_minutes, started_at
    ) AS bucket";

#[derive(Debug, sqlx::FromRow)]
struct Bucket {
    extension_id: String,
    started_at: DateTime<Utc>,
    success_count: i64,
    failure_count: i64,
    is_sample: bool,
    latency_count: i64,
    latency_sum_ms: f64,
    latency_min_ms: Option<f64>,
    latency_max_ms: Option<f64>,
    latency_histogram: String,
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn point(started_at: DateTime<Utc>, buckets: &[&Bucket]) -> HealthPoint {
    let mut latencies = Latencies::default();
    for bucket in buckets {
        latencies.add_histogram(&bucket.latency_histogram);
        latencies.add_bounds(bucket.latency_min_ms, bucket.latency_max_ms);
    }
    let latency_count: i64 = buckets.iter().map(|bucket| bucket.latency_count).sum();
    let latency_sum_ms: f64 = buckets.iter().map(|bucket| bucket.latency_sum_ms).sum();
    let success_count = buckets.iter().map(|bucket| bucket.success_count).sum();
    let failure_count = buckets.iter().map(|bucket| bucket.failure_count).sum();
    HealthPoint {
        started_at,
        success_count,
        failure_count,
        score_percent: score(success_count, failure_count),
        mean_ms: (latency_count > 0).then(|| latency_sum_ms / latency_count as f64),
        p50_ms: latencies.percentile_ms(0.5),
        p95_ms: latencies.percentile_ms(0.95),
        p99_ms: latencies.percentile_ms(0.99),
        max_ms: latencies.max_ms(),
    }
}

/// Successes of all calls × 100.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(super) fn score(success_count: i64, failure_count: i64) -> Option<f64> {
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

    const RETENTION: HealthRetention = HealthRetention {
        minutes_kept_days: 7,
        hours_kept_days: 90,
        days_kept_days: None,
    };

    #[test]
    fn the_bucket_that_has_just_begun_is_in_the_range() {
        let begun = range(60);
        let after = |milliseconds| HealthRange {
            until: begun.until + TimeDelta::milliseconds(milliseconds),
            ..begun
        };
        for (milliseconds, more_minutes) in [(0, 0), (1, 1), (999, 1), (60_000, 1), (60_001, 2)] {
            let until = begun.until + TimeDelta::minutes(more_minutes);
            assert_eq!(widened(after(milliseconds), 1).until, until);
        }
    }

    #[test]
    fn the_step_is_the_finest_that_fits() {
        let step = |minutes, points_max| {
            let range = range(minutes);
            step_for(range, points_max, RETENTION, range.until)
        };
        let steps =
            [15, 30, 60, 360, 1_440, 10_080, 43_200, 129_600].map(|minutes| step(minutes, 30));
        assert_eq!(steps, [1, 1, 5, 15, 60, 360, 1440, 1440]);
        assert_eq!(step(10_080, 700), 15);
    }

    #[test]
    fn of_a_time_long_ago_the_step_is_one_that_is_still_kept() {
        let hour = range(60);
        let ago = |days| step_for(hour, 300, RETENTION, hour.until + TimeDelta::days(days));
        assert_eq!([0, 6, 8, 89, 91].map(ago), [1, 1, 60, 60, 1440]);
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
