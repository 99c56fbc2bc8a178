//! What is wrong with the safety of the data, told once when it begins and once when it is over.

use registry::ErrorReport;
use registry::embedded::DiskSpace;
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tracing::warn;

use super::{Backups, lock};
use crate::desktop_notices::DesktopNotices;

/// What is wrong with the safety of the data, until it is put right.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub(crate) enum SafetyTrouble {
    /// The disk of the embedded database is filling up.
    LowDisk(DiskSpace),
    /// The daily backup was not made, because there is too little room for it.
    BackupSkipped {
        /// What is free, in MiB.
        #[specta(type = u32)]
        available_mib: u64,
        /// What would have to be, in MiB.
        #[specta(type = u32)]
        needed_mib: u64,
    },
    /// The daily backup failed.
    BackupFailed(ErrorReport),
}

impl SafetyTrouble {
    /// What a notice of the desktop says of it.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::LowDisk(space) => (
                "The disk is filling up",
                format!(
                    "{} MiB are left for the registry's database. Below {} MiB it is low.",
                    space.available_mib, space.low_below_mib
                ),
            ),
            Self::BackupSkipped {
                available_mib,
                needed_mib,
            } => (
                "No daily backup was made",
                format!("It needs {needed_mib} MiB, and {available_mib} MiB are free."),
            ),
            Self::BackupFailed(error) => ("The daily backup failed", format!("{}.", error.message)),
        }
    }

    /// Whether it is the same trouble, with other figures maybe.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::BackupFailed(one), Self::BackupFailed(other)) => one.code == other.code,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// Tells the page that there is a trouble, or one less.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct SafetyTroublesChanged {
    troubles: Vec<SafetyTrouble>,
    /// The one that has just begun; none if one is over.
    began: Option<SafetyTrouble>,
}

/// By what they are of.
#[derive(Default)]
pub(super) struct Troubles {
    disk: Option<SafetyTrouble>,
    backup: Option<SafetyTrouble>,
}

impl Troubles {
    fn all(&self) -> Vec<SafetyTrouble> {
        self.disk.iter().chain(&self.backup).cloned().collect()
    }
}

impl Backups {
    /// What is wrong.
    pub(crate) fn troubles(&self) -> Vec<SafetyTrouble> {
        lock(&self.troubles).all()
    }

    /// Takes note of how much room there is.
    pub(super) fn note_disk(&self, app: &AppHandle, space: DiskSpace) {
        let trouble = {
            let troubles = lock(&self.troubles);
            disk_trouble(troubles.disk.as_ref(), space)
        };
        self.note(app, |troubles| &mut troubles.disk, trouble);
    }

    /// Takes note of what came of the daily backup.
    pub(crate) fn note_backup(&self, app: &AppHandle, trouble: Option<SafetyTrouble>) {
        self.note(app, |troubles| &mut troubles.backup, trouble);
    }

    fn note(
        &self,
        app: &AppHandle,
        of: impl FnOnce(&mut Troubles) -> &mut Option<SafetyTrouble>,
        now: Option<SafetyTrouble>,
    ) {
        let (told, began) = {
            let mut troubles = lock(&self.troubles);
            let place = of(&mut troubles);
            let is_new = match (&*place, &now) {
                (Some(before), Some(now)) => !now.is_same(before),
                (None, Some(_)) => true,
                _ => false,
            };
            let is_over = place.is_some() && now.is_none();
            place.clone_from(&now);
            let began = now.filter(|_| is_new);
            if began.is_none() && !is_over {
                return;
            }
            (troubles.all(), began)
        };
        if let Some(trouble) = &began {
            let (title, text) = trouble.words();
            warn!(title, text, "the data is less safe than it should be");
            app.state::<DesktopNotices>()
                .tell_of_backups(app, title, text);
        }
        let changed = SafetyTroublesChanged {
            troubles: told,
            began,
        };
        if let Err(error) = changed.emit(app) {
            warn!(%error, "the window couldn't be told of a trouble");
        }
    }
}

/// Whether it is told that the disk is low: what hovers about the limit is told once.
fn disk_trouble(before: Option<&SafetyTrouble>, space: DiskSpace) -> Option<SafetyTrouble> {
    let is_over = space.available_mib > space.low_below_mib + space.low_below_mib / 8;
    (space.is_low || before.is_some() && !is_over).then_some(SafetyTrouble::LowDisk(space))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(available_mib: u64) -> DiskSpace {
        DiskSpace {
            available_mib,
            low_below_mib: 512,
            is_low: available_mib < 512,
            is_reserve_held: true,
        }
    }

    #[test]
    fn a_disk_that_hovers_about_the_limit_is_told_of_once() {
        assert_eq!(disk_trouble(None, space(512)), None);
        let low = disk_trouble(None, space(511));
        assert!(low.is_some());
        let still = disk_trouble(low.as_ref(), space(560)).unwrap();
        assert!(still.is_same(&low.clone().unwrap()), "{still:?}");
        assert_eq!(disk_trouble(low.as_ref(), space(577)), None);
    }

    #[test]
    fn a_failure_of_another_kind_is_told_of_anew() {
        let failed = |code| {
            SafetyTrouble::BackupFailed(ErrorReport {
                code,
                message: "It failed".into(),
                action: String::new(),
                detail: None,
                field: None,
                facts: None,
            })
        };
        let (full, away) = (
            failed(registry::ErrorCode::DiskFull),
            failed(registry::ErrorCode::DatabaseUnavailable),
        );
        assert!(full.is_same(&full) && !full.is_same(&away));
        assert!(!full.is_same(&SafetyTrouble::LowDisk(space(1))));
    }
}
