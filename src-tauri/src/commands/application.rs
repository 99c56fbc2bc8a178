//! The console itself: version, folders, log, start times.

use std::sync::Arc;

use registry::{Error, ErrorReport};
use registry_account::Folders;
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, State, WebviewWindow};
use tauri_plugin_opener::OpenerExt;
use tracing::info;

use super::report;
use crate::database::Database;
use crate::leaving::{Leaving, QuitAnswer};
use crate::links::PendingLink;
use crate::logging::{LogLevel, Logging};
use crate::phases::{Phases, StartPhase};
use crate::settings::Settings;

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

pub(super) fn not_kept(attempted: &'static str, source: std::io::Error) -> ErrorReport {
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

/// How large everything in the window is.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn zoom_percent(settings: State<'_, Settings>) -> i32 {
    settings.zoom_percent()
}

/// Changes how large everything in the window is, now and for later starts.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn set_zoom_percent(
    window: WebviewWindow,
    settings: State<'_, Settings>,
    percent: i32,
) -> Result<(), ErrorReport> {
    settings
        .set_zoom_percent(percent)
        .map_err(|source| not_kept("Keeping the size of the text", source))?;
    crate::zoom(&window, &settings);
    Ok(())
}

/// Tells whether something is typed in the page that is not saved: quitting asks then.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn report_unsaved(leaving: State<'_, Leaving>, unsaved: bool) {
    leaving.report_unsaved(unsaved);
}

/// Answers the event that somebody wants to quit while something is not saved.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn answer_quit(app: AppHandle, answer: QuitAnswer) {
    crate::leaving::answer(&app, answer);
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

/// The link that the application was told to open, once; none if there is none.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn take_link(pending: State<'_, PendingLink>) -> Option<String> {
    pending.take()
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
