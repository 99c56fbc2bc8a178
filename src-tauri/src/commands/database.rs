//! The state of the database.

use tauri::State;

use crate::database::{Database, DatabaseStatus};

/// The database's state now; later states come as events.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn database_status(database: State<'_, Database>) -> DatabaseStatus {
    database.status()
}

/// Tries again to open the database after it failed.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn retry_database(database: State<'_, Database>) {
    database.retry();
}
