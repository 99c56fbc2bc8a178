//! The audit log: read, verify, export, and the registry of earlier moments.

use std::path::PathBuf;

use registry::audit::{AuditFilter, AuditListRequest, AuditPage};
use registry::audit_activity::AuditActivity;
use registry::time_travel::{ExtensionDifference, Moment, PastRegistry};
use registry::verification::Verification;
use registry::{Error, ErrorReport, ExportFormat, Registry};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::State;
use tokio::fs;
use tokio::io::BufWriter;

use super::report;
use crate::database::Database;
use crate::folders::Folders;

/// A file that was written.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct ExportedFile {
    path: String,
    /// How many entries it holds.
    #[specta(type = u32)]
    count: u64,
}

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

/// How many of the entries that the filter lets through took effect when, in that many buckets at the most.
#[tauri::command]
#[specta::specta]
pub(crate) async fn audit_activity(
    database: State<'_, Database>,
    filter: AuditFilter,
    buckets: u16,
) -> Result<AuditActivity, ErrorReport> {
    database
        .registry()?
        .audit_activity(&filter, buckets)
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

/// Writes the entries that the filter lets through to a new file in the folder for downloads.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_audit_log(
    database: State<'_, Database>,
    folders: State<'_, Folders>,
    filter: AuditFilter,
    format: ExportFormat,
) -> Result<ExportedFile, ErrorReport> {
    let registry = database.registry()?;
    let extension = match format {
        ExportFormat::Csv => "csv",
        ExportFormat::Ndjson => "ndjson",
    };
    let path = folders.new_download("audit-log", extension);
    export(&registry, &filter, format, path)
        .await
        .map_err(report)
}

/// A file that is complete or not there: it gets its name when all of it is written.
async fn export(
    registry: &Registry,
    filter: &AuditFilter,
    format: ExportFormat,
    path: PathBuf,
) -> Result<ExportedFile, Error> {
    let unwritable = |source| Error::OutputUnwritable {
        attempted: "Exporting the audit log",
        source,
    };
    let unfinished = path.with_added_extension("unfinished");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).await.map_err(unwritable)?;
    }
    let file = fs::File::create(&unfinished).await.map_err(unwritable)?;
    let outcome = registry
        .export_audit_log(filter, format, &mut BufWriter::new(file))
        .await;
    match outcome {
        Ok(count) => {
            fs::rename(&unfinished, &path).await.map_err(unwritable)?;
            Ok(ExportedFile {
                path: path.display().to_string(),
                count,
            })
        }
        Err(error) => {
            // What is left would only look like an export; that it can't be removed changes nothing.
            let _ = fs::remove_file(&unfinished).await;
            Err(error)
        }
    }
}

/// The registry as it was at a moment.
#[tauri::command]
#[specta::specta]
pub(crate) async fn registry_as_of(
    database: State<'_, Database>,
    moment: Moment,
) -> Result<PastRegistry, ErrorReport> {
    database
        .registry()?
        .registry_as_of(moment)
        .await
        .map_err(report)
}

/// What differs between two moments of the registry.
#[tauri::command]
#[specta::specta]
pub(crate) async fn registry_difference(
    database: State<'_, Database>,
    from: Moment,
    to: Moment,
) -> Result<Vec<ExtensionDifference>, ErrorReport> {
    database
        .registry()?
        .registry_difference(from, to)
        .await
        .map_err(report)
}
