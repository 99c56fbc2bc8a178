//! The audit log: read, verify, export, and the registry of earlier moments.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use registry::audit::{AuditFilter, AuditListRequest, AuditPage};
use registry::audit_activity::AuditActivity;
use registry::audit_groups::AuditGroup;
use registry::time_travel::{ExtensionComparison, ExtensionDifference, Moment, PastRegistry};
use registry::verification::VerificationProgress;
use registry::{Error, ErrorReport, ExportFormat, Registry};
use registry_account::Folders;
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, State};
use tauri_plugin_opener::OpenerExt;
use tauri_specta::Event;
use tokio::fs;
use tokio::io::BufWriter;
use tokio::sync::Notify;
use tracing::warn;

use super::report;
use crate::database::Database;
use crate::verifications::{LastVerification, VerificationScope, Verifications};

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

/// The newest revision whose change had taken effect at a time; 0 if none had.
#[tauri::command]
#[specta::specta]
pub(crate) async fn revision_at(
    database: State<'_, Database>,
    time: DateTime<Utc>,
) -> Result<WireRevision, ErrorReport> {
    database
        .registry()?
        .revision_at(time)
        .await
        .map(WireRevision)
        .map_err(report)
}

/// A revision, on its own.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, Type)]
pub(crate) struct WireRevision(#[specta(type = u32)] i64);

/// The actors of the audit log, by name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_audit_actors(
    database: State<'_, Database>,
) -> Result<Vec<String>, ErrorReport> {
    database
        .registry()?
        .list_audit_actors()
        .await
        .map_err(report)
}

/// How many entries a group of the audit log has, and of which kinds.
#[tauri::command]
#[specta::specta]
pub(crate) async fn audit_group(
    database: State<'_, Database>,
    group_id: String,
) -> Result<AuditGroup, ErrorReport> {
    database
        .registry()?
        .audit_group(&group_id)
        .await
        .map_err(report)
}

/// How many of the entries that the filter lets through took effect when, in that many buckets at the most, which
/// begin when those of a clock or a calendar in the time zone do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn audit_activity(
    database: State<'_, Database>,
    filter: AuditFilter,
    buckets: u16,
    time_zone: String,
) -> Result<AuditActivity, ErrorReport> {
    database
        .registry()?
        .audit_activity(&filter, buckets, &time_zone)
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

/// Verifies the audit log against itself and against what was noted outside the database: all of it, or what
/// was sealed since it was last found whole. Answers none if it was stopped.
#[tauri::command]
#[specta::specta]
pub(crate) async fn verify_audit_log(
    app: AppHandle,
    database: State<'_, Database>,
    verifications: State<'_, Verifications>,
    stop: State<'_, StopVerification>,
    scope: VerificationScope,
) -> Result<Option<LastVerification>, ErrorReport> {
    let registry = database.registry()?;
    let registry_id = registry.anchor().await.map_err(report)?.registry_id;
    let last = match scope {
        VerificationScope::Whole => None,
        VerificationScope::New => verifications.last(&registry_id),
    };
    let noted = last.as_ref().and_then(LastVerification::anchor);
    let mut told_at = Instant::now();
    let tell = |progress| {
        if told_at.elapsed() < PROGRESS_INTERVAL {
            return;
        }
        told_at = Instant::now();
        if let Err(error) = VerificationProgressed(progress).emit(&app) {
            warn!(%error, "the window couldn't be told how far the verification is");
        }
    };
    let verifying = async {
        match &noted {
            Some(noted) => registry.verify_audit_log_since(noted, tell).await,
            None => registry.verify_audit_log_telling(tell).await,
        }
    };
    let found = tokio::select! {
        found = verifying => found.map_err(report)?,
        () = stop.0.notified() => return Ok(None),
    };
    let found = LastVerification::now(found, last.filter(|_| noted.is_some()));
    verifications.keep(&found);
    Ok(Some(found))
}

/// What the last verification of this registry found, also one of an earlier start; none if there was none.
#[tauri::command]
#[specta::specta]
pub(crate) async fn last_verification(
    database: State<'_, Database>,
    verifications: State<'_, Verifications>,
) -> Result<Option<LastVerification>, ErrorReport> {
    let anchor = database.registry()?.anchor().await.map_err(report)?;
    Ok(verifications.last(&anchor.registry_id))
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

/// Tells the page how far the export is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct ExportProgressed {
    /// How many entries are written.
    #[specta(type = u32)]
    written: u64,
    /// How many there are to write, where that is known without a look at them.
    #[specta(type = Option<u32>)]
    total: Option<i64>,
}

/// Stops the export that is under way.
#[derive(Default)]
pub(crate) struct StopExport(Notify);

/// Writes the entries that the filter lets through to a new file in the folder for downloads. Answers none if it was
/// stopped; then there is no file.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_audit_log(
    app: AppHandle,
    database: State<'_, Database>,
    folders: State<'_, Folders>,
    stop: State<'_, StopExport>,
    filter: AuditFilter,
    format: ExportFormat,
) -> Result<Option<ExportedFile>, ErrorReport> {
    let registry = database.registry()?;
    let extension = match format {
        ExportFormat::Csv => "csv",
        ExportFormat::Ndjson => "ndjson",
    };
    let path = folders.new_download("audit-log", extension);
    let total = registry
        .count_audit_entries(&filter)
        .await
        .map_err(report)?;
    let mut told_at = Instant::now();
    let tell = |written| {
        if told_at.elapsed() < PROGRESS_INTERVAL {
            return;
        }
        told_at = Instant::now();
        if let Err(error) = (ExportProgressed { written, total }).emit(&app) {
            warn!(%error, "the window couldn't be told how far the export is");
        }
    };
    export(&registry, &filter, format, path, tell, &stop.0)
        .await
        .map_err(report)
}

/// Stops the export of the audit log, if one is under way.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn stop_export(stop: State<'_, StopExport>) {
    stop.0.notify_waiters();
}

/// A file that is complete or not there: it gets its name when all of it is written.
async fn export(
    registry: &Registry,
    filter: &AuditFilter,
    format: ExportFormat,
    path: PathBuf,
    tell: impl FnMut(u64) + Send,
    stop: &Notify,
) -> Result<Option<ExportedFile>, Error> {
    let unwritable = |source| Error::OutputUnwritable {
        attempted: "Exporting the audit log",
        source,
    };
    let unfinished = path.with_added_extension("unfinished");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).await.map_err(unwritable)?;
    }
    let file = fs::File::create(&unfinished).await.map_err(unwritable)?;
    let mut output = BufWriter::new(file);
    let outcome = tokio::select! {
        outcome = registry.export_audit_log_telling(filter, format, &mut output, tell) => outcome.map(Some),
        () = stop.notified() => Ok(None),
    };
    drop(output);
    if let Ok(Some(count)) = outcome {
        fs::rename(&unfinished, &path).await.map_err(unwritable)?;
        return Ok(Some(ExportedFile {
            path: path.display().to_string(),
            count,
        }));
    }
    // What is left would only look like an export; that it can't be removed changes nothing.
    let _ = fs::remove_file(&unfinished).await;
    outcome.map(|_| None)
}

/// Shows a file that was exported in the desktop's file manager.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn show_in_folder(
    app: AppHandle,
    folders: State<'_, Folders>,
    path: PathBuf,
) -> Result<(), ErrorReport> {
    if !folders.is_download(&path) {
        return Err(report(Error::InvalidInput {
            field: "path",
            message: format!("{} is not in the folder for downloads.", path.display()),
            action: "Open its folder yourself.",
        }));
    }
    app.opener().reveal_item_in_dir(&path).map_err(|source| {
        report(Error::Internal {
            attempted: "Showing the file in its folder",
            source: source.into(),
        })
    })
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

/// One extension at two moments of the registry, and what differs.
#[tauri::command]
#[specta::specta]
pub(crate) async fn compare_extension(
    database: State<'_, Database>,
    id: String,
    from: Moment,
    to: Moment,
) -> Result<ExtensionComparison, ErrorReport> {
    database
        .registry()?
        .compare_extension(&id, from, to)
        .await
        .map_err(report)
}
