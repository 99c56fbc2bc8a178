//! Health: read; and the made-up calls of an empty registry.

use registry::ErrorReport;
use registry::health::{HealthOverview, HealthRange, HealthReport};
use tauri::State;

use super::report;
use crate::database::Database;

/// The health of every extension, the worst score first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_health(
    database: State<'_, Database>,
) -> Result<Vec<HealthReport>, ErrorReport> {
    database.registry()?.list_health().await.map_err(report)
}

/// The health of one extension.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_health(
    database: State<'_, Database>,
    id: String,
) -> Result<HealthReport, ErrorReport> {
    database.registry()?.get_health(&id).await.map_err(report)
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

/// Fills an empty embedded registry with made-up calls, to have something to look at.
#[tauri::command]
#[specta::specta]
pub(crate) async fn fill_with_sample_traffic(
    database: State<'_, Database>,
) -> Result<(), ErrorReport> {
    database
        .registry()?
        .fill_with_sample_traffic()
        .await
        .map(drop)
        .map_err(report)
}

/// Takes the made-up calls away.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_sample_traffic(
    database: State<'_, Database>,
) -> Result<(), ErrorReport> {
    database
        .registry()?
        .remove_sample_traffic()
        .await
        .map_err(report)
}
