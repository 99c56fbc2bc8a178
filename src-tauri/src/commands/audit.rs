//! The audit log: read.

use registry::ErrorReport;
use registry::audit::{AuditListRequest, AuditPage};
use tauri::State;

use super::report;
use crate::database::Database;

/// A page of the audit log, newest entry first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_audit_entries(
    database: State<'_, Database>,
    request: AuditListRequest,
) -> Result<AuditPage, ErrorReport> {
    database
        .registry()?
        .list_audit_entries(&request)
        .await
        .map_err(report)
}
