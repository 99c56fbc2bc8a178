//! The audit log: read and verify.

use registry::ErrorReport;
use registry::audit::{AuditListRequest, AuditPage};
use registry::verification::Verification;
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

/// Verifies that the audit log is whole: against itself, and against what was noted outside the database.
#[tauri::command]
#[specta::specta]
pub(crate) async fn verify_audit_log(
    database: State<'_, Database>,
) -> Result<Verification, ErrorReport> {
    database
        .registry()?
        .verify_audit_log()
        .await
        .map_err(report)
}
