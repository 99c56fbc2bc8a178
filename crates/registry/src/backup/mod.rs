//! A whole registry in one file: written of one moment, verified by itself, restored all or nothing.
//!
//! A backup holds every table of the registry (`tables`): extensions with their secrets, the audit log with its chain
//! and the key of its fingerprints, health and its history, settings. Whoever has the file can read all of it, so it is
//! made readable for its owner alone. What it is made of and how it is checked is described in `docs/backup.md`.
//!
//! Writing and restoring take a login that owns the tables, or a superuser; the console's own editor may do neither.

mod check;
mod copy_text;
mod format;
pub(crate) mod pipe;
mod problem;
mod restore;
pub(crate) mod tables;
pub(crate) mod target;
mod verify;
mod write;

use std::ops::ControlFlow;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::postgres::PgConnectOptions;

pub(crate) use format::sync_folder_of;
pub use problem::BackupProblem;
pub(crate) use restore::read_back;

use crate::Result;
use crate::verification::Fault;
use crate::wire::WireNumber;

/// How the name of a backup's file ends.
pub const EXTENSION: &str = "beamline-backup";

/// What is being done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum BackupStep {
    /// Reading the database into the file.
    Writing,
    /// Reading the file and comparing it with itself.
    Verifying,
    /// Writing the database from the file.
    Restoring,
    /// Comparing the database with the file.
    Comparing,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct BackupProgress {
    /// What is being done.
    pub step: BackupStep,
    /// How many rows are done in this step; of [`BackupStep::Verifying`], bytes.
    #[specta(type = WireNumber)]
    pub done: u64,
    /// How many there are.
    #[specta(type = WireNumber)]
    pub total: u64,
}

/// What a backup says of itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct BackupSummary {
    /// The version of the program that wrote it.
    pub product_version: String,
    /// The newest migration that the database had.
    #[specta(type = WireNumber)]
    pub schema_version: i64,
    /// Of which moment it is.
    pub made_at: DateTime<Utc>,
    /// Which cluster it was read from: PostgreSQL's system identifier.
    pub system_identifier: String,
    /// The version of the server it was read from.
    pub server_version: String,
    /// Which registry it holds.
    pub registry_id: String,
    /// The registry's revision.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// The hash of its newest audit entry, in hexadecimal.
    pub hash: String,
    /// The file's length.
    #[specta(type = WireNumber)]
    pub size_bytes: u64,
    /// Its tables.
    pub tables: Vec<TableSummary>,
    /// What is wrong with the audit log in it, as it was in the database; none if it is whole. A backup with a fault is
    /// kept and can be looked at, but is restored only where that is asked for.
    pub fault: Option<Fault>,
}

/// A table in a backup.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct TableSummary {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    #[specta(type = WireNumber)]
    pub row_count: u64,
    /// SHA-256 of the rows as they lie in the file, in hexadecimal.
    pub hash: String,
}

/// How a backup is restored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RestoreOptions {
    /// Whether a backup is restored whose audit log has a fault; it has the same fault then.
    pub is_fault_accepted: bool,
}

/// Writes everything that the registry behind `owner` holds at this moment into the file `path`, verifies what was
/// written, and tells what it is. Changes may go on meanwhile; they are not part of it. Memory use does not grow with the
/// registry.
///
/// The file appears when it is complete and on the disk; one that is there is replaced then. `tell` is called from time
/// to time and can stop it; nothing is left then.
///
/// # Errors
/// [`crate::Error::OwnerRequired`], [`crate::Error::OutputUnwritable`], [`crate::Error::DiskFull`],
/// [`crate::Error::Stopped`], [`crate::Error::DatabaseUnavailable`], and those of [`verify`].
pub async fn write(
    owner: &PgConnectOptions,
    path: &Path,
    tell: impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static,
) -> Result<BackupSummary> {
    let teller = pipe::Teller::new(tell);
    write::write(owner, path, &teller).await?;
    verify::verify(path, &teller).await.map(Into::into)
}

/// Verifies a backup by itself: its checksums, its structure, its numbers of rows and the chain of its audit log.
///
/// # Errors
/// [`crate::Error::BackupInvalid`] with what is wrong, [`crate::Error::FileUnreadable`], [`crate::Error::Stopped`]. A
/// fault that the audit log had already is no error but [`BackupSummary::fault`].
pub async fn verify(
    path: &Path,
    tell: impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static,
) -> Result<BackupSummary> {
    verify::verify(path, &pipe::Teller::new(tell))
        .await
        .map(Into::into)
}

/// Restores a backup into the database behind `owner`, which must be empty or hold a registry that nothing was ever
/// changed in. The schema is brought up to date.
///
/// All of it is one transaction: the backup is verified first; afterwards each table is read back and compared with the
/// file, and the audit log is verified. If anything doesn't fit, nothing is changed. No audit entry is written for it: the
/// registry goes on from where it was.
///
/// # Errors
/// [`crate::Error::TargetNotEmpty`], [`crate::Error::CopyDiffers`], [`crate::Error::OwnerRequired`],
/// [`crate::Error::BackupInvalid`], [`crate::Error::Stopped`], and those of [`verify`] and [`crate::migrations::migrate`].
pub async fn restore(
    path: &Path,
    owner: &PgConnectOptions,
    options: RestoreOptions,
    tell: impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static,
) -> Result<BackupSummary> {
    restore::restore(path, owner, options, &pipe::Teller::new(tell))
        .await
        .map(Into::into)
}

/// Reads what a file says of itself, without verifying it: for lists of files.
///
/// # Errors
/// As [`verify`].
pub async fn read_header(path: &Path) -> Result<BackupSummary> {
    verify::read_header(path).await
}
