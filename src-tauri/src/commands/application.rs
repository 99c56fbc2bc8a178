//! The console itself: version, folders, log, start times.

use std::sync::Arc;

use registry::{Error, ErrorReport};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, State};
use tauri_plugin_opener::OpenerExt;
use tracing::info;

use super::report;
use crate::database::Database;
use crate::folders::Folders;
use crate::logging::{LogLevel, Logging};
use crate::phases::{Phases, StartPhase};
use crate::settings::{ConnectionProfile, Settings};

/// Facts about this console.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct ApplicationInfo {
    version: String,
    /// Where the embedded database lies.
    data_directory: String,
    /// Where the log files lie.
    log_directory: String,
    log_level: LogLevel,
    /// The folder with PostgreSQL's programs, where this console started the server.
    server_binaries: Option<String>,
    /// What the start reached so far.
    start_phases: Vec<StartPhase>,
}

/// Facts about this console.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn application_info(
    folders: State<'_, Folders>,
    logging: State<'_, Logging>,
    database: State<'_, Database>,
    phases: State<'_, Arc<Phases>>,
) -> ApplicationInfo {
    ApplicationInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_directory: folders.data.display().to_string(),
        log_directory: folders.log.display().to_string(),
        log_level: logging.level(),
        server_binaries: database
            .server_binaries()
            .map(|folder| folder.display().to_string()),
        start_phases: phases.reached(),
    }
}

/// Changes how much is logged, now and for later starts.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn set_log_level(
    logging: State<'_, Logging>,
    settings: State<'_, Settings>,
    level: LogLevel,
) -> Result<(), ErrorReport> {
    logging
        .set_level(level)
        .and_then(|()| settings.set_log_level(level))
        .map_err(|source| not_kept("Keeping the log level", source))
}

/// What the registry asks of those who change it from here.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn connection_profile(settings: State<'_, Settings>) -> ConnectionProfile {
    settings.profile()
}

/// Changes what the registry asks of those who change it from here.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn set_connection_profile(
    settings: State<'_, Settings>,
    profile: ConnectionProfile,
) -> Result<(), ErrorReport> {
    settings
        .set_profile(profile)
        .map_err(|source| not_kept("Keeping the connection's profile", source))?;
    info!(?profile, "connection profile changed");
    Ok(())
}

fn not_kept(attempted: &'static str, source: std::io::Error) -> ErrorReport {
    report(Error::Internal {
        attempted,
        source: source.into(),
    })
}

/// Whether notices that nobody has to act on are held back.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn notices_paused(settings: State<'_, Settings>) -> bool {
    settings.are_notices_paused()
}

/// Holds notices back or lets them through again; an event tells what holds then.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn pause_notices(app: AppHandle, paused: bool) {
    crate::menu::set_notices_paused(&app, paused);
}

/// Opens the folder with the log files in the desktop's file manager.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn open_log_directory(
    app: AppHandle,
    folders: State<'_, Folders>,
) -> Result<(), ErrorReport> {
    app.opener()
        .open_path(folders.log.display().to_string(), None::<&str>)
        .map_err(|source| {
            report(Error::Internal {
                attempted: "Opening the log folder",
                source: source.into(),
            })
        })
}

/// Tells that the page has painted its first table: the end of the start.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn report_table_shown(phases: State<'_, Arc<Phases>>) {
    phases.mark("table shown");
    info!("extensions table shown");
}
