//! Backups of the embedded registry: what there is, files made, verified and shown, and daily ones.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use registry::backup::{self, EXTENSION};
use registry::embedded::{self, DailyBackups, DiskSpace, KeptCluster, Options, PendingUpgrade};
use registry::extensions::ExtensionFilter;
use registry::moving::MoveMark;
use registry::{Error, ErrorReport, Registry};
use registry_account::Folders;
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::{DialogExt, FilePath};
use tauri_plugin_opener::OpenerExt;
use tokio::sync::oneshot;
use tracing::{debug, info};

use super::application::not_kept;
use super::report;
use crate::backups::{
    BackupFile, BackupVerification, BackupWork, Backups, SafetyTrouble, WorkProgress, is_backup,
};
use crate::database::Database;
use crate::settings::Settings;

/// How safe the data of the embedded registry is.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct BackupOverview {
    /// Whether the registry in use is the embedded one; nothing else is known then.
    is_embedded: bool,
    settings: DailyBackups,
    /// Where daily backups are put.
    folder: String,
    /// Where a backup goes that somebody asks for.
    downloads: String,
    /// When the last daily backup was made.
    last_at: Option<DateTime<Utc>>,
    /// When the next one is due; none where they are off.
    next_at: Option<DateTime<Utc>>,
    troubles: Vec<SafetyTrouble>,
    /// How much room there is; none while the registry is not open.
    disk: Option<DiskSpace>,
    /// What is in the registry now; none while it is not open.
    current: Option<CurrentRegistry>,
    /// Databases that were replaced and are kept.
    kept: Vec<KeptCluster>,
    upgrade: Option<PendingUpgrade>,
    /// Where the registry was moved to, or where it is still to arrive from.
    moved: Option<MoveMark>,
    /// What is being done now.
    work: Option<WorkProgress>,
}

/// What is in the registry.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct CurrentRegistry {
    registry_id: String,
    /// Its revision: how many entries its audit log has.
    #[specta(type = u32)]
    revision: i64,
    #[specta(type = u32)]
    extension_count: i64,
}

/// How safe the data of the embedded registry is.
#[tauri::command]
#[specta::specta]
pub(crate) async fn backup_overview(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    backups: State<'_, Backups>,
    folders: State<'_, Folders>,
) -> Result<BackupOverview, ErrorReport> {
    let options = database.embedded_options();
    if database.is_embedded() {
        database.check_role("Looking at backups")?;
    }
    let daily = settings.daily_backups();
    let last_at = daily.last_in(&options.data_directory).map_err(report)?;
    let (kept, upgrade) = blocking(options, |options| {
        let kept = embedded::kept_clusters(&options.data_directory)?;
        // What can't be known is not offered.
        let upgrade = embedded::pending_upgrade(&options).unwrap_or_else(|error| {
            debug!(%error, "it isn't known whether there is an upgrade");
            None
        });
        Ok((kept, upgrade))
    })
    .await?;
    let (current, moved) = match database.registry() {
        Ok(registry) if database.is_embedded() => (
            Some(current(&registry).await.map_err(report)?),
            registry.move_mark().await.map_err(report)?,
        ),
        _ => (None, None),
    };
    Ok(BackupOverview {
        is_embedded: database.is_embedded(),
        folder: daily
            .folder_in(&options.data_directory)
            .display()
            .to_string(),
        downloads: folders.downloads.display().to_string(),
        last_at,
        next_at: daily
            .is_enabled
            .then(|| last_at.map_or_else(Utc::now, |last_at| daily.next_after(last_at))),
        troubles: backups.troubles(),
        disk: database.embedded_server().map(|server| server.disk_space()),
        current,
        kept,
        upgrade,
        moved,
        work: backups.progress(),
        settings: daily,
    })
}

async fn current(registry: &Registry) -> Result<CurrentRegistry, Error> {
    let anchor = registry.anchor().await?;
    let counts = registry
        .count_extensions(&ExtensionFilter::default())
        .await?;
    Ok(CurrentRegistry {
        registry_id: anchor.registry_id,
        revision: anchor.revision,
        extension_count: counts.total,
    })
}

/// What is wrong with the safety of the data now.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn safety_troubles(backups: State<'_, Backups>) -> Vec<SafetyTrouble> {
    backups.troubles()
}

/// The backups in a folder, newest first; in that of the daily backups where none is named.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_backups(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    backups: State<'_, Backups>,
    folders: State<'_, Folders>,
    folder: Option<PathBuf>,
) -> Result<Vec<BackupFile>, ErrorReport> {
    let options = database.embedded_options();
    database.check_role("Listing backups")?;
    // These are made with the first file in them.
    let may_be_missing = folder
        .as_ref()
        .is_none_or(|folder| *folder == folders.downloads);
    let folder =
        folder.unwrap_or_else(|| settings.daily_backups().folder_in(&options.data_directory));
    backups
        .files_in(&folder, may_be_missing)
        .await
        .map_err(report)
}

/// Backs the registry up into a new file in a folder, or in the one for downloads. Answers none if it was stopped; then
/// there is no file.
#[tauri::command]
#[specta::specta]
pub(crate) async fn make_backup(
    app: AppHandle,
    database: State<'_, Database>,
    folders: State<'_, Folders>,
    backups: State<'_, Backups>,
    folder: Option<PathBuf>,
) -> Result<Option<BackupFile>, ErrorReport> {
    database.check_role("Making a backup")?;
    let download = folders.new_download("registry", EXTENSION);
    let path = if let (Some(folder), Some(name)) = (folder, download.file_name()) {
        existing_folder(&folder)?.join(name)
    } else {
        tokio::fs::create_dir_all(&folders.downloads)
            .await
            .map_err(|source| Error::OutputUnwritable {
                attempted: "Making the folder for downloads",
                source,
            })
            .map_err(report)?;
        download
    };
    let Some(server) = database.embedded_server() else {
        // The registry says why it is not open.
        database.registry()?;
        return Err(not_embedded());
    };
    let owner = server.owner_options().map_err(report)?;
    drop(server);
    let summary = backups
        .run(
            &app,
            BackupWork::BackUp,
            path.display().to_string(),
            |teller| backup::write(&owner, &path, teller.backup()),
        )
        .await
        .map_err(report)?;
    let Some(summary) = summary else {
        return Ok(None);
    };
    info!(revision = summary.revision, path = %path.display(), "backed up");
    backups.keep_verification(&path, BackupVerification::whole(&summary));
    let file = backups.describe(&path).await.map_err(report)?;
    Ok(Some(file))
}

fn existing_folder(folder: &Path) -> Result<PathBuf, ErrorReport> {
    if folder.is_absolute() && folder.is_dir() {
        return Ok(folder.to_owned());
    }
    Err(report(Error::InvalidInput {
        field: "folder",
        message: format!("There is no folder {}.", folder.display()),
        action: "Choose one that is there.",
    }))
}

/// Verifies a file by itself, without a database. Answers none if it was stopped.
#[tauri::command]
#[specta::specta]
pub(crate) async fn verify_backup(
    app: AppHandle,
    database: State<'_, Database>,
    backups: State<'_, Backups>,
    path: PathBuf,
) -> Result<Option<BackupFile>, ErrorReport> {
    database.check_role("Verifying a backup")?;
    let verified = backups
        .run(
            &app,
            BackupWork::Verify,
            path.display().to_string(),
            |teller| backup::verify(&path, teller.backup()),
        )
        .await;
    let verification = match verified {
        Ok(None) => return Ok(None),
        Ok(Some(summary)) => BackupVerification::whole(&summary),
        Err(error @ Error::BackupInvalid { .. }) => BackupVerification {
            verified_at: Utc::now(),
            fault: None,
            problem: Some(report(error)),
        },
        Err(error) => return Err(report(error)),
    };
    backups.keep_verification(&path, verification);
    let file = backups.describe(&path).await.map_err(report)?;
    Ok(Some(file))
}

/// Stops what is being done with the database or a backup, where that is still possible.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn stop_backup_work(backups: State<'_, Backups>) {
    backups.stop();
}

/// Changes how the embedded database is backed up by itself.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn set_daily_backups(
    app: AppHandle,
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    backups: State<'_, Backups>,
    daily_backups: DailyBackups,
) -> Result<(), ErrorReport> {
    database.check_role("Changing the daily backups")?;
    if let Some(folder) = &daily_backups.folder {
        existing_folder(folder)?;
    }
    info!(?daily_backups, "daily backups changed");
    settings
        .set_daily_backups(daily_backups)
        .map_err(|source| not_kept("Keeping how the registry is backed up", source))?;
    // It is looked anew in an hour at the latest.
    backups.note_backup(&app, None);
    Ok(())
}

/// Lets somebody choose a folder; none if they don't.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_folder(app: AppHandle, title: String) -> Option<String> {
    let (answer, answered) = oneshot::channel();
    app.dialog()
        .file()
        .set_title(title)
        .pick_folder(move |folder| {
            // Who asked may have gone.
            let _ = answer.send(folder);
        });
    path_of(answered.await.ok().flatten())
}

/// Lets somebody choose a backup; none if they don't.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_backup(app: AppHandle) -> Option<String> {
    let (answer, answered) = oneshot::channel();
    app.dialog()
        .file()
        .set_title("Choose a backup")
        .add_filter("Backups of a registry", &[EXTENSION])
        .pick_file(move |file| {
            let _ = answer.send(file);
        });
    path_of(answered.await.ok().flatten())
}

fn path_of(chosen: Option<FilePath>) -> Option<String> {
    let path = chosen?.into_path().ok()?;
    Some(path.display().to_string())
}

/// What a backup that somebody chose says of itself.
#[tauri::command]
#[specta::specta]
pub(crate) async fn describe_backup(
    database: State<'_, Database>,
    backups: State<'_, Backups>,
    path: PathBuf,
) -> Result<BackupFile, ErrorReport> {
    database.check_role("Reading a backup")?;
    backups.describe(&path).await.map_err(report)
}

/// Shows a backup, or a database that is kept, in the desktop's file manager.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn show_backup(
    app: AppHandle,
    database: State<'_, Database>,
    path: PathBuf,
) -> Result<(), ErrorReport> {
    let is_kept = path.starts_with(&database.embedded_options().data_directory);
    if !is_backup(&path) && !is_kept {
        return Err(report(Error::InvalidInput {
            field: "path",
            message: format!("{} is no backup.", path.display()),
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

pub(super) fn not_embedded() -> ErrorReport {
    report(Error::InvalidInput {
        field: "connection",
        message: "The registry in use is on a server of your own.".to_owned(),
        action: "Back it up there; docs/operations.md says how.",
    })
}

/// Does something with files that may take a while.
pub(super) async fn blocking<T: Send + 'static>(
    options: &Options,
    work: impl FnOnce(Options) -> Result<T, Error> + Send + 'static,
) -> Result<T, ErrorReport> {
    let options = options.clone();
    tokio::task::spawn_blocking(move || work(options))
        .await
        .map_err(|source| Error::Internal {
            attempted: "Working on the database's files",
            source: source.into(),
        })
        .and_then(std::convert::identity)
        .map_err(report)
}
