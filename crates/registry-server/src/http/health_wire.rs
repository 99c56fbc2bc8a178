//! How health looks on the wire.

use chrono::{DateTime, Utc};
use registry::health::{
    HealthOverview, HealthOverviewRow, HealthPoint, HealthRange, HealthReport, HealthSeries,
    HealthSeverity, HealthTotal,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::{ExtensionType, HealthState, wire_enum};

/// The same fields once more, as JSON has them and the document describes them.
macro_rules! wire_struct {
    ($(#[$attribute:meta])* $name:ident of $core:ident { $($(#[$of_field:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$attribute])*
        #[derive(Debug, Serialize, ToSchema)]
        #[schema(as = $core)]
        pub(crate) struct $name { $($(#[$of_field])* $field: $type),+ }

        impl From<$core> for $name {
            fn from(core: $core) -> Self {
                Self { $($field: core.$field.into()),+ }
            }
        }
    };
}

wire_enum! {
    /// What is to be said of an extension first.
    Severity of HealthSeverity {
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
}

wire_struct! {
    /// The counters of one extension and the score that follows from them.
    HealthReportBody of HealthReport {
        /// The extension.
        extension_id: String,
        /// Where in the router it runs.
        extension_type: ExtensionType,
        /// Whether the router uses it now.
        enabled: bool,
        /// Calls that were answered.
        success_count: i64,
        /// Calls that failed.
        failure_count: i64,
        /// The mean time to an answer in milliseconds; null without a call.
        avg_latency_ms: Option<f64>,
        /// When a call was last answered.
        last_success: Option<DateTime<Utc>>,
        /// When a call last failed.
        last_failure: Option<DateTime<Utc>>,
        /// Successes of all calls × 100; 100 without a call: see `has_data`.
        health_score_percent: f64,
        /// Whether there was any call.
        has_data: bool,
        /// What the score stands for.
        state: HealthState,
    }
}

wire_struct! {
    /// A range of time, in whole steps.
    HealthRangeBody of HealthRange {
        /// Its beginning.
        from: DateTime<Utc>,
        /// Its end.
        until: DateTime<Utc>,
    }
}

wire_struct! {
    /// What happened in one step.
    HealthPointBody of HealthPoint {
        /// When the step begins.
        started_at: DateTime<Utc>,
        /// Calls that were answered.
        success_count: i64,
        /// Calls that failed.
        failure_count: i64,
        /// Successes of all calls × 100; null without a call.
        score_percent: Option<f64>,
        /// The mean latency in milliseconds; null without a latency.
        mean_ms: Option<f64>,
        /// The latency that half of the calls don't exceed, in milliseconds; within 4 %.
        p50_ms: Option<f64>,
        /// The same of 95 % of the calls.
        p95_ms: Option<f64>,
        /// The same of 99 % of the calls.
        p99_ms: Option<f64>,
        /// The longest latency.
        max_ms: Option<f64>,
    }
}

wire_struct! {
    /// The calls of all extensions together.
    HealthTotalBody of HealthTotal {
        /// Calls that were answered.
        success_count: i64,
        /// Calls that failed.
        failure_count: i64,
        /// Successes of all calls × 100; null without a call.
        score_percent: Option<f64>,
        /// The latency that half of all calls don't exceed, in milliseconds; within 4 %. Null without a latency.
        p50_ms: Option<f64>,
        /// The same of 95 % of all calls.
        p95_ms: Option<f64>,
        /// The same of 99 % of all calls.
        p99_ms: Option<f64>,
        /// Extensions that are on and whose score is below their limit, or below 90.
        failing_count: u32,
    }
}

wire_struct! {
    /// How the calls of one extension went in a range.
    HealthOverviewRowBody of HealthOverviewRow {
        /// The extension.
        extension_id: String,
        /// Where in the router it runs.
        extension_type: ExtensionType,
        /// Whether the router uses it now.
        enabled: bool,
        /// Calls that were answered in the range.
        success_count: i64,
        /// Calls that failed in the range.
        failure_count: i64,
        /// Successes of all calls × 100; null without a call.
        score_percent: Option<f64>,
        /// What the score stands for.
        state: HealthState,
        /// What is to be said of it first.
        severity: Severity,
        /// How much the score of the range's second half is above that of its first, in percentage points; null where one
        /// of them has no call.
        trend_percent_points: Option<f64>,
        /// The latency that half of the calls don't exceed, in milliseconds; within 4 %. Null without a latency.
        p50_ms: Option<f64>,
        /// The same of 95 % of the calls.
        p95_ms: Option<f64>,
        /// The same of 99 % of the calls.
        p99_ms: Option<f64>,
        /// When a call last failed within the range.
        last_failure: Option<DateTime<Utc>>,
        /// When it was last called at all.
        last_call: Option<DateTime<Utc>>,
        /// Answered calls of each step of the range, the oldest first; empty without a call in it.
        success_counts: Vec<u32>,
        /// Failed calls of each step, as above.
        failure_counts: Vec<u32>,
    }
}

/// How all extensions fared in a range.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthOverview)]
pub(crate) struct HealthOverviewBody {
    /// The range.
    range: HealthRangeBody,
    /// How long a step is.
    step_minutes: u32,
    /// A row for each extension, by severity, then by score, then by id.
    rows: Vec<HealthOverviewRowBody>,
    /// All of them together.
    total: HealthTotalBody,
    /// Those of the range's first half, to see what became of them.
    earlier: HealthTotalBody,
    /// Those of its second half.
    later: HealthTotalBody,
    /// Whether the calls are made up.
    is_sample: bool,
}

impl From<HealthOverview> for HealthOverviewBody {
    fn from(overview: HealthOverview) -> Self {
        Self {
            range: overview.range.into(),
            step_minutes: overview.step_minutes,
            rows: overview
                .rows
                .into_iter()
                .map(HealthOverviewRowBody::from)
                .collect(),
            total: overview.total.into(),
            earlier: overview.earlier.into(),
            later: overview.later.into(),
            is_sample: overview.is_sample,
        }
    }
}

/// What happened to an extension over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthSeries)]
pub(crate) struct HealthSeriesBody {
    /// The extension.
    extension_id: String,
    /// The range.
    range: HealthRangeBody,
    /// How long a step is.
    step_minutes: u32,
    /// The steps in which there was a call, the oldest first; in those that are not here there was none.
    points: Vec<HealthPointBody>,
    /// All of them together.
    total: HealthPointBody,
    /// What the score of all of them stands for.
    state: HealthState,
    /// Whether calls among them are made up.
    is_sample: bool,
}

impl From<HealthSeries> for HealthSeriesBody {
    fn from(series: HealthSeries) -> Self {
        Self {
            extension_id: series.extension_id,
            range: series.range.into(),
            step_minutes: series.step_minutes,
            points: series
                .points
                .into_iter()
                .map(HealthPointBody::from)
                .collect(),
            total: series.total.into(),
            state: series.state.into(),
            is_sample: series.is_sample,
        }
    }
}
