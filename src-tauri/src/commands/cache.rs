//! The console's own cache, and the programs that use the registry.

use chrono::{DateTime, Utc};
use registry::ErrorReport;
use registry::cache::{CacheState, CacheStats};
use registry::consumers::ConsumerReport;
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::State;

use super::report;
use crate::database::Database;

/// How far the console's picture of the registry can be trusted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CacheFreshness {
    /// The database said not long ago that this is its newest revision.
    Fresh,
    /// The database can't be reached.
    Stale,
    /// The registry's history is not the one that was followed.
    Diverged,
}

/// The figures of the console's own cache at one moment.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct CacheReport {
    state: CacheFreshness,
    /// The revision that it is at.
    #[specta(type = u32)]
    revision: i64,
    /// How long ago the database last said that this is its newest revision, in milliseconds.
    #[specta(type = u32)]
    age_ms: f64,
    /// When all extensions were last read.
    last_reload: Option<DateTime<Utc>>,
    /// How often all extensions were read.
    #[specta(type = u32)]
    load_count: u64,
    /// How often changes were applied without reading everything.
    #[specta(type = u32)]
    apply_count: u64,
    /// How often reading failed or the connection was lost.
    #[specta(type = u32)]
    error_count: u64,
    #[specta(type = u32)]
    total: usize,
    #[specta(type = u32)]
    enabled: usize,
    #[specta(type = u32)]
    hits: u64,
    #[specta(type = u32)]
    misses: u64,
    divergence: Option<DivergenceReport>,
}

/// Two histories of the registry that don't fit together.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct DivergenceReport {
    noticed_at: DateTime<Utc>,
    /// The revision that the cache had followed.
    #[specta(type = u32)]
    followed_revision: i64,
    /// The revision that the database had then.
    #[specta(type = u32)]
    found_revision: i64,
}

impl From<CacheStats> for CacheReport {
    fn from(stats: CacheStats) -> Self {
        Self {
            state: match stats.state {
                CacheState::Fresh => CacheFreshness::Fresh,
                CacheState::Stale => CacheFreshness::Stale,
                CacheState::Diverged => CacheFreshness::Diverged,
            },
            revision: stats.revision,
            age_ms: stats.age.as_secs_f64() * 1e3,
            last_reload: stats.last_reload,
            load_count: stats.load_count,
            apply_count: stats.apply_count,
            error_count: stats.error_count,
            total: stats.total,
            enabled: stats.enabled,
            hits: stats.hits,
            misses: stats.misses,
            divergence: stats.divergence.map(|divergence| DivergenceReport {
                noticed_at: divergence.noticed_at,
                followed_revision: divergence.followed.revision,
                found_revision: divergence.found.revision,
            }),
        }
    }
}

/// The figures of the console's own cache.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn cache_stats(database: State<'_, Database>) -> Result<CacheReport, ErrorReport> {
    Ok(database.cache()?.stats().into())
}

/// Reads all extensions anew and returns the revision read.
#[tauri::command]
#[specta::specta]
pub(crate) async fn reload_cache(database: State<'_, Database>) -> Result<u32, ErrorReport> {
    let revision = database.cache()?.reload().await.map_err(report)?;
    Ok(u32::try_from(revision).unwrap_or(u32::MAX))
}

/// Says that somebody knows of the divergence: the database was restored or exchanged.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn acknowledge_divergence(database: State<'_, Database>) -> Result<(), ErrorReport> {
    database.cache()?.acknowledge_divergence();
    Ok(())
}

/// The programs that use the registry, the one furthest behind first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_consumers(
    database: State<'_, Database>,
) -> Result<Vec<ConsumerReport>, ErrorReport> {
    database.registry()?.list_consumers().await.map_err(report)
}
