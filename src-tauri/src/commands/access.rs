//! Access: what the console's login may do.

use registry::ErrorReport;
use registry::access::Permissions;
use tauri::State;

use super::report;
use crate::database::Database;

/// What the console's login may do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn permissions(database: State<'_, Database>) -> Result<Permissions, ErrorReport> {
    database.registry()?.permissions().await.map_err(report)
}
