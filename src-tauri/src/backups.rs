//! Backups of the embedded registry: one piece of work at a time with how far it is, backups by themselves, and looks at
//! how much room the disk has.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use registry::backup::{BackupProgress, BackupStep};
use registry::embedded::{DailyOutcome, DiskSpace};
use registry::moving::{MoveProgress, MoveStep};
use registry::verification::Fault;
use registry::{Error, ErrorReport};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tracing::{info, warn};

use crate::database::Database;
use crate::desktop_notices::DesktopNotices;
use crate::folders::Folders;
use crate::settings::Settings;

/// How often it is looked at the disk.
const LOOK_INTERVAL: Duration = Duration::from_mins(1);

/// How long after the start it is first looked whether a backup is due: a start has other things to do.
const FIRST_BACKUP_AFTER: Duration = Duration::from_mins(3);

/// How often it is looked whether one is due.
const BACKUP_INTERVAL: Duration = Duration::from_hours(1);

/// The page draws no more often than this.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(150);

/// What is worked on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BackupWork {
    /// A backup that somebody asked for.
    BackUp,
    /// One that is made by itself.
    BackUpDaily,
    /// A look at a file.
    Verify,
    /// A file put in the place of the registry.
    Restore,
    /// A newer major version of PostgreSQL.
    Upgrade,
    /// A move to another database.
    Move,
}

/// What is being done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkStep {
    /// Waiting for whoever uses the registry, or for an answer.
    Preparing,
    /// Reading the database into the file.
    Writing,
    /// Reading the file and comparing it with itself.
    Verifying,
    /// Writing the database from the file.
    Restoring,
    /// Comparing what was written with what was read.
    Comparing,
    /// Copying to the other database while changes go on.
    Copying,
    /// Waiting until no change is under way. From here on changes wait.
    Locking,
    /// Copying what changed since.
    CatchingUp,
    /// Giving the registry over: this can't be stopped any more.
    GivingOver,
}

impl From<BackupStep> for WorkStep {
    fn from(step: BackupStep) -> Self {
        match step {
            BackupStep::Writing => Self::Writing,
            BackupStep::Verifying => Self::Verifying,
            BackupStep::Restoring => Self::Restoring,
            BackupStep::Comparing => Self::Comparing,
        }
    }
}

impl From<MoveStep> for WorkStep {
    fn from(step: MoveStep) -> Self {
        match step {
            MoveStep::Copying => Self::Copying,
            MoveStep::Locking => Self::Locking,
            MoveStep::CatchingUp => Self::CatchingUp,
            MoveStep::Comparing => Self::Comparing,
            MoveStep::GivingOver => Self::GivingOver,
        }
    }
}

/// How far the work is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub(crate) struct WorkProgress {
    work: BackupWork,
    /// The file, or where the registry moves to.
    subject: String,
    step: WorkStep,
    /// How many rows are done in this step; of verifying, bytes.
    #[specta(type = u32)]
    done: u64,
    /// How many there are; none where nobody knows.
    #[specta(type = Option<u32>)]
    total: Option<u64>,
}

/// Tells the page how far the work is; none when it has ended, in whatever way.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct BackupWorkProgressed(Option<WorkProgress>);

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

/// What came of verifying a file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub(crate) struct BackupVerification {
    pub(crate) verified_at: DateTime<Utc>,
    /// What is wrong with the audit log in it, as it was in the database; none if it is whole.
    pub(crate) fault: Option<Fault>,
    /// What is wrong with the file; none if nothing is.
    pub(crate) problem: Option<ErrorReport>,
}

/// A verification that is kept, and of which file.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct KeptVerification {
    size_bytes: u64,
    modified_at: DateTime<Utc>,
    verification: BackupVerification,
}

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

/// By what they are of.
#[derive(Default)]
struct Troubles {
    disk: Option<SafetyTrouble>,
    backup: Option<SafetyTrouble>,
}

impl Troubles {
    fn all(&self) -> Vec<SafetyTrouble> {
        self.disk.iter().chain(&self.backup).cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backups {
    /// With what is known of files from earlier starts.
    pub(crate) fn load(folders: &Folders) -> Self {
        Self::read(folders.state.join("verified-backups.json"))
    }

    fn read(verified_path: PathBuf) -> Self {
        let verified = match fs::read(&verified_path) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                warn!(%error, file = %verified_path.display(), "what was verified can't be read");
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
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
        tauri::async_runtime::spawn(keep_looking(app.clone()));
    }

    /// How far the work is that is under way; none if there is none.
    pub(crate) fn progress(&self) -> Option<WorkProgress> {
        lock(&self.progress).clone()
    }

    /// Stops the work that is under way, where that is still possible.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// What is wrong.
    pub(crate) fn troubles(&self) -> Vec<SafetyTrouble> {
        lock(&self.troubles).all()
    }

    /// Does a piece of work, unless another one is under way. It tells of its progress by the [`Teller`]. Answers none if
    /// it was stopped.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] while there is other work, and those of the work.
    pub(crate) async fn run<T, F>(
        &self,
        app: &AppHandle,
        work: BackupWork,
        subject: String,
        run: impl FnOnce(Teller) -> F,
    ) -> Result<Option<T>, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let Ok(_turn) = self.turn.try_lock() else {
            return Err(Error::InvalidInput {
                field: "work",
                message: "Something else is being done with the database or a backup.".to_owned(),
                action: "Wait until it is over, or cancel it.",
            });
        };
        self.is_stopped.store(false, Ordering::Relaxed);
        let teller = Teller {
            app: app.clone(),
            is_stopped: Arc::clone(&self.is_stopped),
            progress: Arc::clone(&self.progress),
            work,
            subject: subject.into(),
            told_at: None,
        };
        teller.tell(WorkStep::Preparing, 0, None);
        let outcome = run(teller).await;
        *lock(&self.progress) = None;
        if let Err(error) = BackupWorkProgressed(None).emit(app) {
            warn!(%error, "the window couldn't be told that the work is over");
        }
        match outcome {
            Err(Error::Stopped { .. }) => Ok(None),
            outcome => outcome.map(Some),
        }
    }

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

    /// Takes note of how much room there is.
    fn note_disk(&self, app: &AppHandle, space: DiskSpace) {
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

/// Tells how far a piece of work is, and whether it is stopped.
#[derive(Clone)]
pub(crate) struct Teller {
    app: AppHandle,
    is_stopped: Arc<AtomicBool>,
    progress: Arc<Mutex<Option<WorkProgress>>>,
    work: BackupWork,
    subject: Arc<str>,
    told_at: Option<(Instant, WorkStep)>,
}

impl Teller {
    /// For backups.
    pub(crate) fn backup(
        mut self,
    ) -> impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static {
        move |progress| self.step(progress.step.into(), progress.done, Some(progress.total))
    }

    /// For moves.
    pub(crate) fn moving(mut self) -> impl FnMut(MoveProgress) -> ControlFlow<()> + Send + 'static {
        move |progress| self.step(progress.step.into(), progress.done, None)
    }

    fn step(&mut self, step: WorkStep, done: u64, total: Option<u64>) -> ControlFlow<()> {
        if self.is_stopped.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        let is_told = self
            .told_at
            .is_some_and(|(at, told)| told == step && at.elapsed() < PROGRESS_INTERVAL);
        if !is_told {
            self.told_at = Some((Instant::now(), step));
            self.tell(step, done, total);
        }
        ControlFlow::Continue(())
    }

    fn tell(&self, step: WorkStep, done: u64, total: Option<u64>) {
        let progress = WorkProgress {
            work: self.work,
            subject: self.subject.to_string(),
            step,
            done,
            total,
        };
        *lock(&self.progress) = Some(progress.clone());
        if let Err(error) = BackupWorkProgressed(Some(progress)).emit(&self.app) {
            warn!(%error, "the window couldn't be told how far the work is");
        }
    }
}

async fn keep_looking(app: AppHandle) {
    let started_at = Instant::now();
    let mut last_backup_look: Option<Instant> = None;
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let space = app
            .state::<Database>()
            .embedded_server()
            .map(|server| server.disk_space());
        let Some(space) = space else { continue };
        app.state::<Backups>().note_disk(&app, space);
        let is_due = match last_backup_look {
            None => started_at.elapsed() >= FIRST_BACKUP_AFTER,
            Some(at) => at.elapsed() >= BACKUP_INTERVAL,
        };
        if is_due && back_up_if_due(&app).await {
            last_backup_look = Some(Instant::now());
        }
    }
}

/// Makes the daily backup if one is due; tells whether it was looked: it is not while there is other work.
async fn back_up_if_due(app: &AppHandle) -> bool {
    let settings = app.state::<Settings>().daily_backups();
    let backups = app.state::<Backups>();
    let database = app.state::<Database>();
    // A look that finds nothing to do is no work that the page tells of.
    let folder = settings.folder_in(&database.embedded_options().data_directory);
    let last_at = settings.last_in(&database.embedded_options().data_directory);
    let is_due = settings.is_enabled
        && !matches!(last_at, Ok(Some(last_at)) if last_at <= Utc::now() && Utc::now() < settings.next_after(last_at));
    if !is_due {
        if !settings.is_enabled {
            backups.note_backup(app, None);
        }
        return true;
    }
    let made = backups
        .run(
            app,
            BackupWork::BackUpDaily,
            folder.display().to_string(),
            |teller| {
                let making = database
                    .embedded_server()
                    .map(|server| server.make_daily_backup(&settings, Utc::now(), teller.backup()));
                async move {
                    match making {
                        Some(making) => making.await.map(Some),
                        None => Ok(None),
                    }
                }
            },
        )
        .await;
    let trouble = match made {
        Ok(Some(Some(DailyOutcome::Made { path, summary, .. }))) => {
            info!(path = %path.display(), revision = summary.revision, "backed up by itself");
            backups.keep_verification(
                &path,
                BackupVerification {
                    verified_at: Utc::now(),
                    fault: summary.fault,
                    problem: None,
                },
            );
            None
        }
        Ok(Some(Some(DailyOutcome::SkippedForSpace {
            available_mib,
            needed_mib,
        }))) => Some(SafetyTrouble::BackupSkipped {
            available_mib,
            needed_mib,
        }),
        Ok(Some(Some(DailyOutcome::Off | DailyOutcome::NotDue { .. }))) => None,
        // It was closed meanwhile, or somebody has stopped it: it is tried again in an hour.
        Ok(Some(None) | None) => return true,
        Err(Error::InvalidInput { field: "work", .. }) => return false,
        Err(error) => Some(SafetyTrouble::BackupFailed(error.report())),
    };
    backups.note_backup(app, trouble);
    true
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
