//! Extensions: list and switch.

use registry::extensions::Extension;
use registry::{ChangeContext, ErrorReport};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::State;

use super::report;
use crate::database::Database;

/// A switch of one extension.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct SetEnabledRequest {
    id: String,
    enabled: bool,
    /// Why, for the audit log; at most 500 characters.
    reason: Option<String>,
}

/// All extensions, ordered by type and id.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_extensions(
    database: State<'_, Database>,
) -> Result<Vec<Extension>, ErrorReport> {
    database.registry()?.list_extensions().await.map_err(report)
}

/// Switches an extension on or off and returns it as it is now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_extension_enabled(
    database: State<'_, Database>,
    request: SetEnabledRequest,
) -> Result<Extension, ErrorReport> {
    let context = ChangeContext::with_reason(request.reason);
    database
        .registry()?
        .set_extension_enabled(&request.id, request.enabled, &context)
        .await
        .map_err(report)
}
