//! Health: read.

use registry::ErrorReport;
use registry::health::HealthReport;
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
