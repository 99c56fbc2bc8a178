//! Backups of the embedded registry: one piece of work at a time with how far it is, what is wrong with the safety of the
//! data, files with what came of verifying them; backups by themselves, and looks at how much room the disk has.

mod files;
mod troubles;
mod verified;
mod watch;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use registry_account::Folders;
use tauri::AppHandle;

use self::troubles::Troubles;
use self::verified::KeptVerification;

pub(crate) use self::files::{BackupFile, is_backup};
pub(crate) use self::troubles::{SafetyTrouble, SafetyTroublesChanged};
pub(crate) use self::verified::BackupVerification;
pub(crate) use self::work::{BackupWork, BackupWorkProgressed, WorkProgress};

/// The state; shared by the commands and the task that looks.
pub(crate) struct Backups {
    /// Held by whoever works: two pieces of work would get into each other's way.
    turn: tokio::sync::Mutex<()>,
    is_stopped: Arc<AtomicBool>,
    progress: Arc<Mutex<Option<WorkProgress>>>,
    troubles: Mutex<Troubles>,
    /// The file with what was verified, and what is in it.
    verified_path: PathBuf,
    verified: Mutex<BTreeMap<PathBuf, KeptVerification>>,
}

impl Backups {
    /// With what is known of files from earlier starts.
    pub(crate) fn load(folders: &Folders) -> Self {
        Self::read(folders.state.join("verified-backups.json"))
    }

    fn read(verified_path: PathBuf) -> Self {
        let verified = verified::read(&verified_path);
        Self {
            turn: tokio::sync::Mutex::default(),
            is_stopped: Arc::default(),
            progress: Arc::default(),
            troubles: Mutex::default(),
            verified_path,
            verified: verified.into(),
        }
    }

    /// Begins to look at the disk, and whether a backup is due.
    pub(crate) fn start(app: &AppHandle) {
        tauri::async_runtime::spawn(watch::keep_looking(app.clone()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
