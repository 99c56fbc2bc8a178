//! Between the database, which is asked from tasks, and the disk and the compressor, which block: a thread for those, and
//! a short queue, so that memory stays bounded.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

use super::BackupProgress;
use crate::{Error, Result};

/// How many pieces wait between the two.
pub(super) const QUEUE_LENGTH: usize = 8;

/// About how many bytes are one piece.
pub(crate) const PIECE_LENGTH: usize = 256 << 10;

/// After so many rows the caller is told.
pub(crate) const TOLD_ROWS: u64 = 2_000;

/// Who is told how far it is, and asked whether to go on; from tasks and threads.
#[derive(Clone)]
pub(super) struct Teller(Arc<Mutex<Tell>>);

type Tell = Box<dyn FnMut(BackupProgress) -> ControlFlow<()> + Send>;

impl Teller {
    pub(super) fn new(
        tell: impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Self(Arc::new(Mutex::new(Box::new(tell))))
    }

    /// # Errors
    /// [`Error::Stopped`] if the caller wants that.
    pub(super) fn tell(&self, attempted: &'static str, progress: BackupProgress) -> Result<()> {
        let mut tell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tell(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Stopped { attempted }),
        }
    }
}

/// What a thread came to.
pub(super) async fn join<T>(attempted: &'static str, thread: JoinHandle<Result<T>>) -> Result<T> {
    thread.await.map_err(|source| Error::Internal {
        attempted,
        source: source.into(),
    })?
}
