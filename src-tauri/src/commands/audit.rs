//! The audit log: read, verify, export, and the registry of earlier moments.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use registry::audit::{AuditFilter, AuditListRequest, AuditPage};
use registry::audit_activity::AuditActivity;
use registry::time_travel::{ExtensionDifference, Moment, PastRegistry};
use registry::verification::{Verification, VerificationProgress};
use registry::{Error, ErrorReport, ExportFormat, Registry};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, State};
use tauri_specta::Event;
use tokio::fs;
use tokio::io::BufWriter;
use tokio::sync::Notify;
use tracing::warn;

use super::report;
use crate::database::Database;
use crate::folders::Folders;

/// A file that was written.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct ExportedFile {
    pub(super) path: String,
    /// How many entries or extensions it holds.
    #[specta(type = u32)]
    pub(super) count: u64,
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

/// Tells the page how far the verification of the audit log is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct VerificationProgressed(VerificationProgress);

/// Stops the verification that is under way.
#[derive(Default)]
pub(crate) struct StopVerification(Notify);

/// The page draws no more often than this.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Verifies that the audit log is whole: against itself, and against what was noted outside the database.
/// Answers none if it was stopped.
#[tauri::command]
#[specta::specta]
pub(crate) async fn verify_audit_log(
    app: AppHandle,
    database: State<'_, Database>,
    stop: State<'_, StopVerification>,
) -> Result<Option<Verification>, ErrorReport> {
    let registry = database.registry()?;
    let mut told_at = Instant::now();
    let verification = registry.verify_audit_log_telling(|progress| {
        if told_at.elapsed() < PROGRESS_INTERVAL {
            return;
        }
        told_at = Instant::now();
        if let Err(error) = VerificationProgressed(progress).emit(&app) {
            warn!(%error, "the window couldn't be told how far the verification is");
        }
    });
    tokio::select! {
        verification = verification => verification.map(Some).map_err(report),
        () = stop.0.notified() => Ok(None),
    }
}

/// Stops the verification of the audit log, if one is under way.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn stop_verification(stop: State<'_, StopVerification>) {
    stop.0.notify_waiters();
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
