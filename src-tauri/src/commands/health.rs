//! Health: read; its limits and how long it is kept; and the made-up calls of an empty registry.

use registry::ErrorReport;
use registry::health::{
    HealthLimits, HealthOverview, HealthRange, HealthReport, HealthRetention, HealthSeries,
    HealthSeriesRequest, HealthSparklines, HealthThreshold,
};
use registry::schemas::SchemaScope;
use tauri::State;

use super::report;
use crate::database::Database;
use crate::health_watch::{HealthAlarms, HealthWatcher};

/// The health of every extension, the worst score first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_health(
    database: State<'_, Database>,
) -> Result<Vec<HealthReport>, ErrorReport> {
    database.registry()?.list_health().await.map_err(report)
}

/// How the calls of all extensions went in a range of time.
#[tauri::command]
#[specta::specta]
pub(crate) async fn health_overview(
    database: State<'_, Database>,
    range: HealthRange,
) -> Result<HealthOverview, ErrorReport> {
    database
        .registry()?
        .health_overview(range)
        .await
        .map_err(report)
}

/// What happened to some extensions over time, in the order in which they are asked for.
#[tauri::command]
#[specta::specta]
pub(crate) async fn health_series(
    database: State<'_, Database>,
    request: HealthSeriesRequest,
) -> Result<Vec<HealthSeries>, ErrorReport> {
    database
        .registry()?
        .health_series(&request)
        .await
        .map_err(report)
}

/// Small charts of all extensions that were called in a range of time.
#[tauri::command]
#[specta::specta]
pub(crate) async fn health_sparklines(
    database: State<'_, Database>,
    range: HealthRange,
) -> Result<HealthSparklines, ErrorReport> {
    database
        .registry()?
        .health_sparklines(range)
        .await
        .map_err(report)
}

/// Fills an empty embedded registry with made-up calls, to have something to look at.
#[tauri::command]
#[specta::specta]
pub(crate) async fn fill_with_sample_traffic(
    database: State<'_, Database>,
    watcher: State<'_, HealthWatcher>,
) -> Result<(), ErrorReport> {
    let filled = database.registry()?.fill_with_sample_traffic().await;
    watcher.look_now();
    filled.map(drop).map_err(report)
}

/// Takes the made-up calls away.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_sample_traffic(
    database: State<'_, Database>,
    watcher: State<'_, HealthWatcher>,
) -> Result<(), ErrorReport> {
    let removed = database.registry()?.remove_sample_traffic().await;
    watcher.look_now();
    removed.map_err(report)
}

/// What is wrong now, as the last look found it.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn health_alarms(watcher: State<'_, HealthWatcher>) -> HealthAlarms {
    watcher.alarms()
}

/// All limits: those of types first, then by id.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_health_thresholds(
    database: State<'_, Database>,
) -> Result<Vec<HealthThreshold>, ErrorReport> {
    database
        .registry()?
        .list_health_thresholds()
        .await
        .map_err(report)
}

/// Sets the limits of a type or of an extension; none gives an extension those of its type. They are held against what
/// there is at once.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_health_threshold(
    database: State<'_, Database>,
    watcher: State<'_, HealthWatcher>,
    scope: SchemaScope,
    limits: Option<HealthLimits>,
) -> Result<(), ErrorReport> {
    let set = database
        .registry()?
        .set_health_threshold(&scope, limits)
        .await;
    watcher.look_now();
    set.map_err(report)
}

/// For how long history is kept.
#[tauri::command]
#[specta::specta]
pub(crate) async fn health_retention(
    database: State<'_, Database>,
) -> Result<HealthRetention, ErrorReport> {
    database
        .registry()?
        .health_retention()
        .await
        .map_err(report)
}

/// Sets for how long history is kept.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_health_retention(
    database: State<'_, Database>,
    retention: HealthRetention,
) -> Result<(), ErrorReport> {
    database
        .registry()?
        .set_health_retention(retention)
        .await
        .map_err(report)
}
