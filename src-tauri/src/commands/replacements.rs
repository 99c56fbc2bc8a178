//! Another database in the place of the embedded one, from a backup or with a newer PostgreSQL; those that were replaced.

use std::path::PathBuf;

use registry::embedded::{self, Replaced};
use registry::{Error, ErrorReport};
use tauri::{AppHandle, State};
use tracing::info;

use super::backups::{blocking, not_embedded};
use super::report;
use crate::backups::{BackupVerification, BackupWork, Backups};
use crate::database::Database;
use crate::verifications::Verifications;

/// Puts the registry of a backup in the place of the embedded one, which is kept, and opens it. Answers none if it was
/// stopped. If it fails or is stopped, the old one is opened again.
#[tauri::command]
#[specta::specta]
pub(crate) async fn restore_backup(
    app: AppHandle,
    database: State<'_, Database>,
    backups: State<'_, Backups>,
    verifications: State<'_, Verifications>,
    path: PathBuf,
) -> Result<Option<Replaced>, ErrorReport> {
    let options = database.embedded_options();
    database.check_role("Restoring a backup")?;
    in_use(&database)?;
    let restored = backups
        .run(
            &app,
            BackupWork::Restore,
            path.display().to_string(),
            async |teller| {
                let restoring = embedded::restore(options, &path, teller.backup());
                Ok(database.while_closed(restoring).await)
            },
        )
        .await
        .map_err(report)?;
    let replaced = outcome(restored)?;
    if let Some(replaced) = &replaced {
        // What was verified may be of entries that this state has never had.
        verifications.forget(&replaced.backup.registry_id);
        backups.keep_verification(&path, BackupVerification::whole(&replaced.backup));
        info!(revision = replaced.backup.revision, path = %path.display(), "restored");
    }
    Ok(replaced)
}

/// Moves the embedded database to the major version of PostgreSQL that this program brings, and opens it. Answers none if
/// it was stopped, or there is nothing to do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn upgrade_database(
    app: AppHandle,
    database: State<'_, Database>,
    backups: State<'_, Backups>,
) -> Result<Option<Replaced>, ErrorReport> {
    let options = database.embedded_options();
    database.check_role("Upgrading the database")?;
    in_use(&database)?;
    let upgraded = backups
        .run(
            &app,
            BackupWork::Upgrade,
            options.data_directory.display().to_string(),
            async |teller| {
                let upgrading = embedded::upgrade(options, teller.backup());
                Ok(database.while_closed(upgrading).await)
            },
        )
        .await
        .map_err(report)?;
    Ok(outcome(upgraded)?.flatten())
}

/// Deletes a database that was replaced and kept.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_kept_database(
    database: State<'_, Database>,
    path: PathBuf,
) -> Result<(), ErrorReport> {
    let options = database.embedded_options();
    database.check_role("Deleting a database")?;
    let deleted = path.clone();
    blocking(options, move |options| {
        embedded::delete_kept_cluster(&options.data_directory, &deleted)
    })
    .await?;
    info!(path = %path.display(), "deleted a database that was kept");
    Ok(())
}

/// What came of work while the registry was closed: the work's answer, none if somebody stopped it.
fn outcome<T>(
    worked: Option<Result<Result<T, Error>, ErrorReport>>,
) -> Result<Option<T>, ErrorReport> {
    match worked.transpose()? {
        None | Some(Err(Error::Stopped { .. })) => Ok(None),
        Some(outcome) => outcome.map(Some).map_err(report),
    }
}

/// A registry elsewhere would be closed for work that is none of its.
fn in_use(database: &Database) -> Result<(), ErrorReport> {
    if database.is_embedded() {
        Ok(())
    } else {
        Err(not_embedded())
    }
}
