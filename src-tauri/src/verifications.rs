//! What the last verification of each registry's audit log found, kept over restarts: one small file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use registry::anchors::Anchor;
use registry::verification::Verification;
use registry_account::Folders;
use serde::{Deserialize, Serialize};
use specta::Type;
use tracing::warn;

/// How much of the audit log is verified.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerificationScope {
    /// From the first entry on.
    Whole,
    /// What was sealed since it was last found whole; all of it where it never was.
    New,
}

/// What the last verification found.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub(crate) struct LastVerification {
    /// What it found.
    pub(crate) found: Verification,
    /// When.
    pub(crate) verified_at: DateTime<Utc>,
    /// Up to which revision it was last verified from the first entry on. Who edited an entry before that one since
    /// is found by the next verification of the whole log.
    #[specta(type = u32)]
    pub(crate) whole_revision: i64,
    /// When that was.
    pub(crate) whole_verified_at: DateTime<Utc>,
}

impl LastVerification {
    /// What was found just now: of the whole log, or of what came after `before`.
    pub(crate) fn now(found: Verification, before: Option<Self>) -> Self {
        let verified_at = Utc::now();
        let (whole_revision, whole_verified_at) = match before {
            Some(before) => (before.whole_revision, before.whole_verified_at),
            None => (found.revision, verified_at),
        };
        Self {
            found,
            verified_at,
            whole_revision,
            whole_verified_at,
        }
    }

    /// From where a verification can go on; none where a fault was found.
    pub(crate) fn anchor(&self) -> Option<Anchor> {
        self.found.fault.is_none().then(|| Anchor {
            registry_id: self.found.registry_id.clone(),
            revision: self.found.revision,
            hash: self.found.hash.clone(),
            noted_at: self.verified_at,
        })
    }
}

/// The last verification of each registry, by its id.
pub(crate) struct Verifications {
    path: PathBuf,
    last: Mutex<BTreeMap<String, LastVerification>>,
}

impl Verifications {
    /// Reads what was kept; nothing where that can't be read: then the log is verified anew.
    pub(crate) fn load(folders: &Folders) -> Self {
        Self::read(folders.state.join("verifications.json"))
    }

    fn read(path: PathBuf) -> Self {
        let last = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                warn!(%error, file = %path.display(), "the last verifications can't be read");
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        Self {
            path,
            last: last.into(),
        }
    }

    /// What the last verification of this registry found.
    pub(crate) fn last(&self, registry_id: &str) -> Option<LastVerification> {
        self.all().get(registry_id).cloned()
    }

    /// Keeps what was found. A failure is logged and no more: it holds until the end of this start.
    pub(crate) fn keep(&self, found: &LastVerification) {
        let mut all = self.all();
        all.insert(found.found.registry_id.clone(), found.clone());
        if let Err(error) = write(&self.path, &all) {
            warn!(%error, file = %self.path.display(), "the last verification can't be kept");
        }
    }

    /// Forgets what was found of a registry: another state of it was restored, in which that may never have been.
    pub(crate) fn forget(&self, registry_id: &str) {
        let mut all = self.all();
        if all.remove(registry_id).is_some()
            && let Err(error) = write(&self.path, &all)
        {
            warn!(%error, file = %self.path.display(), "the last verification can't be forgotten");
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, LastVerification>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(path: &Path, all: &BTreeMap<String, LastVerification>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_vec_pretty(all).map_err(io::Error::other)?;
    // All or nothing: a start that is cut short must not leave half a file.
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, path)
}

#[cfg(test)]
mod tests {
    use registry::verification::{Fault, FaultKind};

    use super::*;

    fn found(registry_id: &str, revision: i64) -> Verification {
        Verification {
            registry_id: registry_id.into(),
            hash: "ab".repeat(32),
            revision,
            entry_count: revision,
            anchor_count: 0,
            fault: None,
        }
    }

    #[test]
    fn the_last_verification_is_kept_and_of_one_registry() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("verifications.json");
        let whole = LastVerification::now(found("one", 12), None);
        Verifications::read(path.clone()).keep(&whole);
        let again = Verifications::read(path);
        assert_eq!(again.last("one"), Some(whole));
        assert_eq!(
            again.last("another"),
            None,
            "another registry's is not shown"
        );
    }

    #[test]
    fn what_goes_on_tells_when_the_whole_was_verified() {
        let whole = LastVerification::now(found("one", 12), None);
        assert_eq!(whole.anchor().unwrap().revision, 12);
        let since = LastVerification::now(found("one", 20), Some(whole.clone()));
        assert_eq!(
            (since.whole_revision, since.whole_verified_at),
            (12, whole.verified_at)
        );
        assert_eq!(since.anchor().unwrap().revision, 20);
    }

    #[test]
    fn nothing_goes_on_from_a_fault() {
        let fault = Some(Fault {
            kind: FaultKind::ContentChanged,
            revision: 3,
            explanation: "The content of entry #3 is not what was sealed.".into(),
        });
        let faulty = Verification {
            fault,
            ..found("one", 12)
        };
        assert_eq!(LastVerification::now(faulty, None).anchor(), None);
    }

    #[test]
    fn what_can_not_be_read_is_no_verification() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("verifications.json");
        fs::write(&path, "{").unwrap();
        assert_eq!(Verifications::read(path).last("one"), None);
    }
}
