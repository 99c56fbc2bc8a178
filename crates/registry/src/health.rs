//! Health: how the calls of each extension went. Table `extension_health`, written by routers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::extensions::ExtensionType;
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

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
    pub success_count: i32,
    /// Calls that failed.
    pub failure_count: i32,
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
}

const LIST: &str = "\
    SELECT extension_id, extension_type, enabled, success_count, failure_count,
           CASE WHEN calls > 0 THEN avg_latency_ms END AS avg_latency_ms,
           last_success, last_failure,
           CASE WHEN calls > 0 THEN success_count * 100.0::float8 / calls ELSE 100 END AS health_score_percent,
           calls > 0 AS has_data
    FROM (
        SELECT extensions.id AS extension_id, extensions.type AS extension_type, enabled,
               coalesce(success_count, 0) AS success_count,
               coalesce(failure_count, 0) AS failure_count,
               coalesce(success_count, 0)::bigint + coalesce(failure_count, 0) AS calls,
               avg_latency_ms, last_success, last_failure
        FROM public.extensions
        LEFT JOIN public.extension_health ON extension_health.extension_id = extensions.id
    ) AS counters
    ORDER BY has_data DESC, health_score_percent, extension_id";
