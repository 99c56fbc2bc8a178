//! Health: how the calls of each extension went. Table `extension_health`, written by routers, and its history.

mod alarms;
mod history;
mod latency;
mod overview;
mod recording;
mod settings;
mod test_messages;

pub use alarms::{HealthAlarm, HealthCrossing, HealthLook, HealthTrouble, HealthWatch};
pub use history::{HealthPoint, HealthRange, HealthSeries, HealthSeriesRequest, HealthSource};
pub use overview::{
    HealthOverview, HealthOverviewRow, HealthSeverity, HealthSparkline, HealthSparklines,
    HealthTotal,
};
pub use recording::{HealthRecorder, HealthSample, RecorderCounts};
pub use settings::{HealthLimits, HealthRetention, HealthThreshold};
pub use test_messages::{TestCall, TestMessage};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::extensions::{ExtensionType, UnknownName};
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

/// How well the calls of an extension went, by its score.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// Below 90.
    Failing,
    /// Below 99.
    Degraded,
    /// 99 and more.
    Healthy,
    /// Not one call.
    NoData,
}

impl HealthState {
    /// What a score in percent stands for.
    pub(crate) fn of_score(score_percent: Option<f64>) -> Self {
        match score_percent {
            None => Self::NoData,
            Some(score) if score < 90.0 => Self::Failing,
            Some(score) if score < 99.0 => Self::Degraded,
            Some(_) => Self::Healthy,
        }
    }

    /// Its name in queries, as `health_columns!` gives it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Degraded => "degraded",
            Self::Healthy => "healthy",
            Self::NoData => "no_data",
        }
    }
}

impl TryFrom<String> for HealthState {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        [Self::Failing, Self::Degraded, Self::Healthy, Self::NoData]
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or(UnknownName(name))
    }
}

/// SQL: the calls, the score in percent (NULL without a call) and the state by name, of the columns of
/// `extension_health`, which are NULL where a router has written nothing.
macro_rules! health_columns {
    () => {
        "coalesce(success_count, 0) + coalesce(failure_count, 0) AS calls,
         coalesce(success_count, 0) * 100.0::float8
             / nullif(coalesce(success_count, 0) + coalesce(failure_count, 0), 0) AS score,
         CASE
             WHEN coalesce(success_count, 0) + coalesce(failure_count, 0) = 0 THEN 'no_data'
             WHEN success_count IS NULL
                  OR success_count * 100.0::float8 < 90.0 * (success_count + coalesce(failure_count, 0)) THEN 'failing'
             WHEN success_count * 100.0::float8 < 99.0 * (success_count + coalesce(failure_count, 0)) THEN 'degraded'
             ELSE 'healthy'
         END AS state"
    };
}
pub(crate) use health_columns;

/// The counters of one extension and the score that follows from them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct HealthReport {
    /// The extension.
    pub extension_id: String,
    /// Where in the router it runs.
    #[sqlx(try_from = "String")]
    pub extension_type: ExtensionType,
    /// Whether the router uses it now.
    pub enabled: bool,
    /// Calls that were answered.
    #[specta(type = WireNumber)]
    pub success_count: i64,
    /// Calls that failed.
    #[specta(type = WireNumber)]
    pub failure_count: i64,
    /// The mean time to an answer in milliseconds; none without a call.
    pub avg_latency_ms: Option<f64>,
    /// When a call was last answered.
    pub last_success: Option<DateTime<Utc>>,
    /// When a call last failed.
    pub last_failure: Option<DateTime<Utc>>,
    /// Successes of all calls × 100; 100 without a call, so ask [`Self::has_data`] first.
    #[specta(type = WireNumber)]
    pub health_score_percent: f64,
    /// Whether there was any call.
    pub has_data: bool,
    /// What the score stands for.
    #[sqlx(try_from = "String")]
    pub state: HealthState,
}

impl Registry {
    /// The health of every extension, the worst score first, those without data last.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn list_health(&self) -> Result<Vec<HealthReport>> {
        sqlx::query_as(LIST)
            .fetch_all(self.pool())
            .await
            .map_err(|source| Error::from_query("Reading the health of the extensions", source))
    }

    /// The health of one extension.
    ///
    /// # Errors
    /// [`Error::ExtensionNotFound`], [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn get_health(&self, id: &str) -> Result<HealthReport> {
        sqlx::query_as(GET)
            .bind(id)
            .fetch_optional(self.pool())
            .await
            .map_err(|source| Error::from_query("Reading the health of the extension", source))?
            .ok_or_else(|| Error::ExtensionNotFound { id: id.to_owned() })
    }
}

macro_rules! select_health {
    ($where:literal) => {
        concat!(
            "SELECT extension_id, extension_type, enabled, success_count, failure_count,
                    CASE WHEN calls > 0 THEN avg_latency_ms END AS avg_latency_ms,
                    last_success, last_failure, coalesce(score, 100) AS health_score_percent,
                    calls > 0 AS has_data, state
             FROM (
                 SELECT extensions.id AS extension_id, extensions.type AS extension_type, enabled,
                        coalesce(success_count, 0) AS success_count,
                        coalesce(failure_count, 0) AS failure_count,
                        avg_latency_ms, last_success, last_failure, ",
            health_columns!(),
            " FROM public.extensions
              LEFT JOIN public.extension_health ON extension_health.extension_id = extensions.id ",
            $where,
            ") AS reports
             ORDER BY has_data DESC, health_score_percent, extension_id"
        )
    };
}

const LIST: &str = select_health!("");
const GET: &str = select_health!("WHERE extensions.id = $1");
