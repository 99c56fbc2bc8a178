//! The copy in memory over HTTP: its figures, and reading everything anew.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use registry::access::Role;
use registry::cache::{self, CacheStats};
use serde::Serialize;
use utoipa::ToSchema;

use super::api::Api;
use super::authentication::Caller;
use super::problem::Problem;
use super::problems::ReadProblems;
use super::wire::wire_enum;

wire_enum! {
    /// How far what is in memory can be trusted.
    CacheState of cache::CacheState {
        /// The database said not long ago that this is its newest revision.
        Fresh,
        /// The database can't be reached: this is what it last said.
        Stale,
        /// The registry's history is not the one that was followed: a database was restored or exchanged. What is there now
        /// is followed.
        Diverged,
    }
}

/// The figures of the copy in memory.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    /// How far it can be trusted.
    state: CacheState,
    /// The registry's revision that it has.
    revision: i64,
    /// How long ago the database last said that this is its newest revision, in milliseconds.
    age_ms: u64,
    /// Whether the database can be reached.
    is_connected: bool,
    /// When all extensions were last read from the database.
    last_reload: Option<DateTime<Utc>>,
    /// How often all extensions were read, periodic reloads included.
    load_count: u64,
    /// How often reading failed or the connection was lost.
    error_count: u64,
    /// How often changes were applied without reading everything.
    apply_count: u64,
    /// How many extensions there are.
    total: usize,
    /// How many of them are on.
    enabled: usize,
    /// Lookups that found an extension.
    hits: u64,
    /// Lookups that found none.
    misses: u64,
}

impl From<CacheStats> for Stats {
    fn from(stats: CacheStats) -> Self {
        Self {
            state: stats.state.into(),
            revision: stats.revision,
            age_ms: u64::try_from(stats.age.as_millis()).unwrap_or(u64::MAX),
            is_connected: stats.is_connected,
            last_reload: stats.last_reload,
            load_count: stats.load_count,
            error_count: stats.error_count,
            apply_count: stats.apply_count,
            total: stats.total,
            enabled: stats.enabled,
            hits: stats.hits,
            misses: stats.misses,
        }
    }
}

/// Tells how current the copy in memory is, and how it is used.
#[utoipa::path(
    get, path = "/api/v1/stats", tag = "server",
    responses((status = 200, description = "Its figures", body = Stats), ReadProblems),
    security(("token" = []))
)]
pub(crate) async fn read_stats(
    caller: Caller,
    State(api): State<Api>,
) -> Result<Json<Stats>, Problem> {
    caller.require("Reading the figures", Role::RegistryViewer)?;
    Ok(Json(api.cache().stats().into()))
}

/// What was read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reloaded {
    /// The registry's revision that memory has now.
    revision: i64,
}

/// Reads everything anew into memory, whatever its revision.
#[utoipa::path(
    post, path = "/api/v1/reload", tag = "server",
    responses((status = 200, description = "It is read", body = Reloaded), ReadProblems),
    security(("token" = []))
)]
pub(crate) async fn reload(
    caller: Caller,
    State(api): State<Api>,
) -> Result<Json<Reloaded>, Problem> {
    caller.require("Reading everything anew", Role::RegistryOperator)?;
    let revision = api.cache().reload().await?;
    Ok(Json(Reloaded { revision }))
}
