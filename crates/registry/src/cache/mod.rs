//! A copy of the registry in memory that answers at once, follows the database by itself and knows how
//! old it is: what a router asks for each message.
//!
//! [`RegistryCache::connect`] reads all extensions and follows the changes in the background. Lookups are
//! no futures: they take no lock, wait for nobody and never see an empty or half-read registry. When the
//! database goes away they go on; [`RegistryCache::stats`] says that they are stale and how old they are.
//!
//! How it works and what was measured is in `ARCHITECTURE.md`, a complete program in `docs/library.md` and
//! in `examples/router.rs`.

/// The programs in the documentation compile.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/library.md")]
mod library_documentation {}

mod extension;
mod file;
mod follow;
mod found;
mod options;
mod ordered;
mod rows;
mod snapshot;
mod source;
mod stats;

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Cache};
use chrono::{DateTime, Utc};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

pub use extension::{CachedExtension, ExtensionParts};
pub use found::Found;
pub use options::{CacheOptions, Consumer};
pub use ordered::OrderedExtensions;
pub use snapshot::{Change, Head, Snapshot};
pub use source::CacheDatabase;
pub use stats::{CacheState, CacheStats, ChangeNotices, Divergence, PollingReason};

use crate::extensions::ExtensionType;
use crate::lock::lock;
use crate::{Error, Result};
use follow::Follower;
use stats::LookupCounters;

/// How long a start that has a snapshot from the disk waits for the database to have a newer one.
const START_PATIENCE: Duration = Duration::from_millis(500);

/// How many changes a [`Changes`] may be behind before it is told to look at everything.
const CHANGES_KEPT: usize = 1_024;

/// A copy of one registry in memory, kept up to date in the background: cheap to clone, safe to share.
///
/// Following stops when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct RegistryCache {
    shared: Arc<Shared>,
    following: Arc<Following>,
}

impl RegistryCache {
    /// Reads all extensions and follows their changes from then on.
    ///
    /// The login needs to read the tables only: a member of `registry_viewer`. It takes one connection for
    /// as long as the cache lives, and another one while it reads everything. With
    /// [`CacheOptions::snapshot_file`] it starts without the database as well, from what it last saved.
    ///
    /// # Errors
    /// Only if there is nothing to answer from, neither a database nor a saved snapshot:
    /// [`Error::DatabaseUnavailable`], [`Error::Forbidden`], [`Error::Internal`].
    pub async fn connect(
        database: impl Into<CacheDatabase>,
        options: CacheOptions,
    ) -> Result<Self> {
        let database = database.into();
        let shared = Arc::new(Shared::new(Snapshot::empty(), options.trust_duration()));
        let is_restored = restore(&shared, &options).await;
        let (reload_requests, reloads) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let (ready, is_ready) = oneshot::channel();
        let follower = Follower::new(Arc::clone(&shared), database, options, reloads, ready);
        let cache = Self {
            shared,
            following: Arc::new(Following {
                reloads: reload_requests,
                stop,
                task: Mutex::new(Some(tokio::spawn(follower.run(stopped)))),
            }),
        };
        let outcome = if is_restored {
            tokio::time::timeout(START_PATIENCE, is_ready).await
        } else {
            Ok(is_ready.await)
        };
        match outcome {
            Ok(Ok(Err(error))) if !is_restored => Err(error),
            Ok(Err(_)) if !is_restored => Err(following_ended()),
            _ => Ok(cache),
        }
    }

    /// A cache that answers from `snapshot` and follows no database: for tests of programs that use one.
    pub fn detached(snapshot: Snapshot) -> Self {
        let (reloads, _) = mpsc::unbounded_channel();
        Self {
            shared: Arc::new(Shared::new(snapshot, Duration::ZERO)),
            following: Arc::new(Following {
                reloads,
                stop: watch::channel(true).0,
                task: Mutex::new(None),
            }),
        }
    }

    /// The extension of this id, enabled or not: ask [`CachedExtension::enabled`].
    ///
    /// A cache that holds enabled extensions alone can't tell one that is switched off from one that does
    /// not exist; a router wants to answer those differently.
    pub fn lookup(&self, id: &str) -> Option<Found> {
        let snapshot = self.shared.snapshot.load();
        let found = Found::find(snapshot, |snapshot| snapshot.lookup(id));
        self.shared.counters.count(found.is_some());
        found
    }

    /// The extension that answers on this NATS subject, enabled or not: ask [`CachedExtension::enabled`].
    pub fn lookup_by_subject(&self, subject: &str) -> Option<Found> {
        let snapshot = self.shared.snapshot.load();
        let found = Found::find(snapshot, |snapshot| snapshot.lookup_by_subject(subject));
        self.shared.counters.count(found.is_some());
        found
    }

    /// The enabled extensions of this type, ordered by id (by its bytes). No copy is made, at any length.
    pub fn lookup_by_type(&self, extension_type: ExtensionType) -> OrderedExtensions {
        self.shared
            .snapshot
            .load()
            .lookup_by_type(extension_type)
            .clone()
    }

    /// A reader for one thread that looks up all the time: it writes nothing that another thread reads but its
    /// counts, so a lookup takes some nanoseconds less.
    pub fn reader(&self) -> CacheReader {
        CacheReader {
            shared: Arc::clone(&self.shared),
            snapshot: Cache::new(SnapshotOf(Arc::clone(&self.shared))),
        }
    }

    /// Everything at one revision, for several lookups that must fit together. Lookups in it are not
    /// counted; holding it for long keeps the memory of what has changed since.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// Reads everything anew, whatever the revision, and returns the revision read. Lookups go on meanwhile.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`], [`Error::Forbidden`], [`Error::Internal`]; what was there stays.
    pub async fn reload(&self) -> Result<i64> {
        let (reply, answer) = oneshot::channel();
        self.following
            .reloads
            .send(reply)
            .map_err(|_| following_ended())?;
        answer.await.map_err(|_| following_ended())?
    }

    /// The figures of this moment.
    pub fn stats(&self) -> CacheStats {
        self.shared.stats()
    }

    /// How far the content can be trusted now.
    pub fn state(&self) -> CacheState {
        self.shared.status().state(self.shared.trust_duration)
    }

    /// Tells of every change that is applied from now on.
    pub fn watch(&self) -> Changes {
        Changes {
            receiver: self.shared.changes.subscribe(),
            shared: Arc::downgrade(&self.shared),
        }
    }

    /// Ends the state [`CacheState::Diverged`]: somebody knows that the database was restored or exchanged.
    pub fn acknowledge_divergence(&self) {
        if let Some(divergence) = self.shared.status().divergence.take() {
            info!(
                revision = divergence.found.revision,
                "the divergence was acknowledged"
            );
        }
    }

    /// Stops following and saves the last snapshot, if there is a file for it. Lookups of other clones still
    /// answer, ever staler. Dropping the last clone does the same without waiting for it.
    pub async fn close(self) {
        let _ = self.following.stop.send(true);
        let task = lock(&self.following.task).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

/// Looks up for one thread, from [`RegistryCache::reader`].
///
/// It holds the snapshot of its last lookup until the next one: it suits threads that look up all the time,
/// and keeps memory from being freed in those that don't.
#[derive(Clone, Debug)]
pub struct CacheReader {
    shared: Arc<Shared>,
    snapshot: Cache<SnapshotOf, Arc<Snapshot>>,
}

impl CacheReader {
    /// As [`RegistryCache::lookup`].
    pub fn lookup(&mut self, id: &str) -> Option<&Arc<CachedExtension>> {
        let found = self.snapshot.load().lookup(id);
        self.shared.counters.count(found.is_some());
        found
    }

    /// As [`RegistryCache::lookup_by_subject`].
    pub fn lookup_by_subject(&mut self, subject: &str) -> Option<&Arc<CachedExtension>> {
        let found = self.snapshot.load().lookup_by_subject(subject);
        self.shared.counters.count(found.is_some());
        found
    }

    /// As [`RegistryCache::lookup_by_type`].
    pub fn lookup_by_type(&mut self, extension_type: ExtensionType) -> &OrderedExtensions {
        self.snapshot.load().lookup_by_type(extension_type)
    }
}

/// Where a [`CacheReader`] looks for a newer snapshot.
#[derive(Clone, Debug)]
struct SnapshotOf(Arc<Shared>);

impl Deref for SnapshotOf {
    type Target = ArcSwap<Snapshot>;

    fn deref(&self) -> &Self::Target {
        &self.0.snapshot
    }
}

/// One change that a cache has applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CacheChange {
    /// The revision that the cache is at.
    pub revision: i64,
    /// The extensions that were created, changed or deleted; none if it may be any of them.
    pub ids: Option<Arc<[Box<str>]>>,
}

/// The changes that a cache applies, from [`RegistryCache::watch`].
#[derive(Debug)]
pub struct Changes {
    receiver: broadcast::Receiver<CacheChange>,
    shared: std::sync::Weak<Shared>,
}

impl Changes {
    /// Waits for the next change; none when the cache is gone. Who was away for more than 1,024 changes gets
    /// one that names no extensions in their place. May be dropped at any time without loss.
    pub async fn next(&mut self) -> Option<CacheChange> {
        match self.receiver.recv().await {
            Ok(change) => Some(change),
            Err(broadcast::error::RecvError::Closed) => None,
            Err(broadcast::error::RecvError::Lagged(_)) => {
                self.receiver = self.receiver.resubscribe();
                let shared = self.shared.upgrade()?;
                let revision = shared.snapshot.load().head().revision;
                Some(CacheChange {
                    revision,
                    ids: None,
                })
            }
        }
    }
}

/// The background task, stopped with the last handle on it.
#[derive(Debug)]
struct Following {
    reloads: mpsc::UnboundedSender<ReloadReply>,
    /// Dropping it stops the task.
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

type ReloadReply = oneshot::Sender<Result<i64>>;

/// What lookups, which must not wait, share with the task that follows the database.
#[derive(Debug)]
struct Shared {
    snapshot: ArcSwap<Snapshot>,
    counters: LookupCounters,
    /// No lookup touches it.
    status: Mutex<Status>,
    changes: broadcast::Sender<CacheChange>,
    /// How old a connected cache may be and still be called fresh.
    trust_duration: Duration,
}

#[derive(Debug, Default)]
struct Status {
    is_connected: bool,
    /// When the database last said that this is its newest revision, and how old it was then.
    verified: Option<(Instant, Duration)>,
    last_reload: Option<DateTime<Utc>>,
    load_count: u64,
    error_count: u64,
    apply_count: u64,
    notices: ChangeNotices,
    divergence: Option<Divergence>,
}

impl Status {
    fn age(&self) -> Duration {
        self.verified
            .map_or(Duration::ZERO, |(at, age)| age + at.elapsed())
    }

    fn state(&self, trust_duration: Duration) -> CacheState {
        if self.divergence.is_some() {
            CacheState::Diverged
        } else if self.is_connected && self.age() <= trust_duration {
            CacheState::Fresh
        } else {
            CacheState::Stale
        }
    }
}

impl Shared {
    fn new(snapshot: Snapshot, trust_duration: Duration) -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            counters: LookupCounters::default(),
            status: Mutex::default(),
            changes: broadcast::channel(CHANGES_KEPT).0,
            trust_duration,
        }
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        lock(&self.status)
    }

    fn stats(&self) -> CacheStats {
        let (hits, misses) = self.counters.totals();
        let snapshot = self.snapshot.load_full();
        let status = self.status();
        CacheStats {
            state: status.state(self.trust_duration),
            revision: snapshot.head().revision,
            age: status.age(),
            is_connected: status.is_connected,
            last_reload: status.last_reload,
            load_count: status.load_count,
            error_count: status.error_count,
            apply_count: status.apply_count,
            total: snapshot.len(),
            enabled: snapshot.enabled_count(),
            hits,
            misses,
            notices: status.notices,
            divergence: status.divergence.clone(),
        }
    }
}

/// Takes the snapshot from the disk, if there is a good one.
async fn restore(shared: &Shared, options: &CacheOptions) -> bool {
    let Some(path) = options.snapshot_file.clone() else {
        return false;
    };
    let shown = path.display().to_string();
    let saved = tokio::task::spawn_blocking(move || file::read(&path)).await;
    match saved {
        Ok(Ok(Some(saved))) => {
            let age = (Utc::now() - saved.verified_at)
                .to_std()
                .unwrap_or_default();
            info!(
                revision = saved.snapshot.head().revision,
                age_s = age.as_secs(),
                file = shown,
                "starting from the saved snapshot"
            );
            shared.status().verified = Some((Instant::now(), age));
            shared.snapshot.store(Arc::new(saved.snapshot));
            true
        }
        Ok(Ok(None)) => false,
        Ok(Err(error)) => {
            warn!(%error, file = shown, "the saved snapshot is not used");
            false
        }
        Err(error) => {
            warn!(%error, file = shown, "the saved snapshot is not used");
            false
        }
    }
}

fn following_ended() -> Error {
    Error::Internal {
        attempted: "Reading all extensions",
        source: "the cache doesn't follow a database any more".into(),
    }
}
