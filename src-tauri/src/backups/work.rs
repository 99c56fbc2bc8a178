//! One piece of work at a time: what it is, how far it is, and whether somebody stops it.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use registry::Error;
use registry::backup::{BackupProgress, BackupStep};
use registry::moving::{MoveProgress, MoveStep};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::AppHandle;
use tauri_specta::Event;
use tracing::warn;

use super::{Backups, lock};

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

impl Backups {
    /// How far the work is that is under way; none if there is none.
    pub(crate) fn progress(&self) -> Option<WorkProgress> {
        lock(&self.progress).clone()
    }

    /// Stops the work that is under way, where that is still possible.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
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
