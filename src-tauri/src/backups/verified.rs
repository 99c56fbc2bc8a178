//! What came of verifying files, kept over starts until a file changes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use registry::ErrorReport;
use registry::backup::BackupSummary;
use registry::verification::Fault;
use serde::{Deserialize, Serialize};
use specta::Type;
use tracing::warn;

use super::{Backups, lock};

/// What came of verifying a file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub(crate) struct BackupVerification {
    pub(crate) verified_at: DateTime<Utc>,
    /// What is wrong with the audit log in it, as it was in the database; none if it is whole.
    pub(crate) fault: Option<Fault>,
    /// What is wrong with the file; none if nothing is.
    pub(crate) problem: Option<ErrorReport>,
}

impl BackupVerification {
    /// Nothing is wrong with the file, as it was read just now.
    pub(crate) fn whole(summary: &BackupSummary) -> Self {
        Self {
            verified_at: Utc::now(),
            fault: summary.fault.clone(),
            problem: None,
        }
    }
}

/// A verification that is kept, and of which file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct KeptVerification {
    size_bytes: u64,
    modified_at: DateTime<Utc>,
    verification: BackupVerification,
}

impl Backups {
    /// What is known of a file that has not changed since.
    pub(crate) fn verification_of(
        &self,
        path: &Path,
        metadata: &fs::Metadata,
    ) -> Option<BackupVerification> {
        let verified = lock(&self.verified);
        let kept = verified.get(path)?;
        let is_same = kept.size_bytes == metadata.len()
            && metadata
                .modified()
                .is_ok_and(|modified| kept.modified_at == moment(modified));
        is_same.then(|| kept.verification.clone())
    }

    /// Keeps what came of verifying a file. A failure is logged and no more: it holds until the end of this start.
    pub(crate) fn keep_verification(&self, path: &Path, verification: BackupVerification) {
        let Some((size_bytes, modified_at)) = path
            .metadata()
            .ok()
            .and_then(|metadata| Some((metadata.len(), metadata.modified().ok()?)))
        else {
            return;
        };
        let mut verified = lock(&self.verified);
        // Files that are gone are forgotten.
        verified.retain(|path, _| path.exists());
        verified.insert(
            path.to_owned(),
            KeptVerification {
                size_bytes,
                modified_at: moment(modified_at),
                verification,
            },
        );
        if let Err(error) = write(&self.verified_path, &verified) {
            warn!(%error, file = %self.verified_path.display(), "what was verified can't be kept");
        }
    }
}

/// What was kept; nothing if that can't be read.
pub(super) fn read(path: &Path) -> BTreeMap<PathBuf, KeptVerification> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
            warn!(%error, file = %path.display(), "what was verified can't be read");
            BTreeMap::new()
        }),
        Err(_) => BTreeMap::new(),
    }
}

/// As JSON keeps it.
fn moment(time: SystemTime) -> DateTime<Utc> {
    time.into()
}

fn write(path: &Path, verified: &BTreeMap<PathBuf, KeptVerification>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_vec_pretty(verified).map_err(io::Error::other)?;
    // All or nothing: a start that is cut short must not leave half a file.
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_verified_is_kept_over_starts_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, file) = (
            folder.path().join("state/verified.json"),
            folder.path().join("a.beamline-backup"),
        );
        fs::write(&file, "one").unwrap();
        let verification = BackupVerification {
            verified_at: DateTime::UNIX_EPOCH,
            fault: None,
            problem: None,
        };
        Backups::read(kept.clone()).keep_verification(&file, verification.clone());
        let next = Backups::read(kept);
        assert_eq!(
            next.verification_of(&file, &file.metadata().unwrap()),
            Some(verification)
        );
        fs::write(&file, "other").unwrap();
        assert_eq!(next.verification_of(&file, &file.metadata().unwrap()), None);
    }
}
