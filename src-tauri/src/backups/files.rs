//! Files with backups: those in a folder, and what one says of itself.

use std::io;
use std::path::Path;

use registry::backup::{self, BackupSummary, EXTENSION};
use registry::{Error, ErrorReport};
use serde::{Deserialize, Serialize};
use specta::Type;
use tokio::fs;

use super::{BackupVerification, Backups};

/// A file in a folder with backups.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct BackupFile {
    path: String,
    name: String,
    #[specta(type = u32)]
    size_bytes: u64,
    /// What it says of itself, which nobody has verified yet; none if it says nothing that can be read.
    summary: Option<BackupSummary>,
    /// Why it says nothing.
    problem: Option<ErrorReport>,
    /// What came of verifying it; none if it was not verified, or has changed since.
    verification: Option<BackupVerification>,
}

impl Backups {
    /// The backups in a folder, newest first. One that may be missing is as good as empty then.
    ///
    /// # Errors
    /// [`Error::FileUnreadable`] for the folder and for what is in it.
    pub(crate) async fn files_in(
        &self,
        folder: &Path,
        may_be_missing: bool,
    ) -> Result<Vec<BackupFile>, Error> {
        let mut entries = match fs::read_dir(folder).await {
            Ok(entries) => entries,
            Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => {
                return Ok(Vec::new());
            }
            Err(source) => return Err(unreadable(folder, source)),
        };
        let mut files = Vec::new();
        while let Some(entry) = entries
            .next_entry()
            .await
            .map_err(|source| unreadable(folder, source))?
        {
            if is_backup(&entry.path()) {
                files.push(self.describe(&entry.path()).await?);
            }
        }
        files.sort_by(|one, other| {
            let made_at = |file: &BackupFile| file.summary.as_ref().map(|summary| summary.made_at);
            (made_at(other), &other.name).cmp(&(made_at(one), &one.name))
        });
        Ok(files)
    }

    /// What a file says of itself, and what is known of it.
    ///
    /// # Errors
    /// [`Error::FileUnreadable`] if it is not there. That it is no backup is told of it.
    pub(crate) async fn describe(&self, path: &Path) -> Result<BackupFile, Error> {
        let metadata = fs::metadata(path)
            .await
            .map_err(|source| unreadable(path, source))?;
        let (summary, problem) = match backup::read_header(path).await {
            Ok(summary) => (Some(summary), None),
            Err(error) => (None, Some(error.report())),
        };
        Ok(BackupFile {
            path: path.display().to_string(),
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            size_bytes: metadata.len(),
            summary,
            problem,
            verification: self.verification_of(path, &metadata),
        })
    }
}

/// Whether its name ends as that of a backup.
pub(crate) fn is_backup(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == EXTENSION)
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::FileUnreadable {
        attempted: "Listing the backups",
        path: path.to_owned(),
        source,
    }
}
