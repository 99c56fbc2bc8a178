//! The task that keeps a cache at the database's newest revision.
//!
//! It is the only writer of the snapshot. One connection listens and asks what is new; all extensions are
//! read on another one, so that changes are applied meanwhile. What was read whole is brought up to the
//! newest revision before it is shown: readers never see the registry go back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until};
use tracing::{debug, error, info, warn};

use super::snapshot::{Change, Head, Snapshot};
use super::source::{CacheDatabase, Link, News, Whole, read_whole};
use super::stats::Divergence;
use super::{CacheChange, CacheOptions, ReloadReply, Shared, file};
use crate::{Error, Result};

/// Periodic work waits this many times as long as it last took.
const REST_FACTOR: u32 = 20;

/// How long the second connection is kept after everything was read.
const IDLE_DURATION: Duration = Duration::from_millis(100);

/// More changes than this are applied on a thread that may block.
const CHANGES_INLINE_MAX: usize = 8;

/// A snapshot that is quickly saved is saved this often although nothing changed, to keep its age true.
const SAVE_UNCHANGED_INTERVAL: Duration = Duration::from_mins(1);

pub(super) struct Follower {
    shared: Arc<Shared>,
    database: CacheDatabase,
    options: CacheOptions,
    host: String,
    reloads: mpsc::UnboundedReceiver<ReloadReply>,
    /// Who waits for a reload that has not begun.
    waiting: Vec<ReloadReply>,
    /// Told the outcome of the first attempt.
    ready: Option<oneshot::Sender<Result<()>>>,
    is_loaded: bool,
    /// Whether the loss of the connection has been logged.
    is_loss_logged: bool,
    can_report: bool,
    saver: Saver,
    /// Snapshots that were replaced. Whoever drops the last handle on one frees it, which takes long for
    /// a large one: it must not be a reader.
    retired: Vec<Arc<Snapshot>>,
}

/// One connection's life.
struct Session {
    link: Link,
    readings: JoinSet<Result<Whole>>,
    reading: Option<Reading>,
    next_reload_at: Option<Instant>,
    /// What was read on last, and until when it is kept: who reloads often need not log in each time.
    idle: Option<(PgConnection, Instant)>,
}

/// All extensions are being read.
struct Reading {
    started_at: Instant,
    /// Who wants to know when it is done.
    waiting: Vec<ReloadReply>,
    /// Whether the registry's history was found to be another one before it began.
    follows_divergence: bool,
    /// Whether one divergence or more were found since: what is read now is out of date.
    is_overtaken: bool,
}

/// How the database's head stands to a snapshot's.
#[derive(Debug, Eq, PartialEq)]
enum Comparison {
    Same,
    Newer,
    /// It is not a continuation of the history that the snapshot is part of.
    Diverged,
}

fn compare(ours: &Head, news: &News) -> Comparison {
    let theirs = &news.head;
    if theirs.registry_id != ours.registry_id || theirs.revision < ours.revision {
        Comparison::Diverged
    } else if theirs.revision == ours.revision {
        if theirs.hash == ours.hash {
            Comparison::Same
        } else {
            Comparison::Diverged
        }
    } else if ours.revision == 0 || news.hash_then.as_ref() == Some(&ours.hash) {
        Comparison::Newer
    } else {
        // An older database that has been written to past our revision.
        Comparison::Diverged
    }
}

impl Follower {
    pub(super) fn new(
        shared: Arc<Shared>,
        database: CacheDatabase,
        options: CacheOptions,
        reloads: mpsc::UnboundedReceiver<ReloadReply>,
        ready: oneshot::Sender<Result<()>>,
    ) -> Self {
        let is_loaded = shared.status().verified.is_some();
        Self {
            shared,
            database,
            options,
            host: whoami::hostname().unwrap_or_else(|_| "unknown".to_owned()),
            reloads,
            waiting: Vec::new(),
            ready: Some(ready),
            is_loaded,
            is_loss_logged: false,
            can_report: true,
            saver: Saver::default(),
            retired: Vec::new(),
        }
    }

    /// Follows until `stop` says so or is gone, then saves the snapshot.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            _ = stop.changed() => {}
            () = self.follow() => {}
        }
        self.shared.status().is_connected = false;
        self.save_last().await;
    }

    async fn follow(&mut self) {
        let mut failure_count = 0;
        loop {
            let verified_before = self.shared.status().verified;
            let Err(error) = self.session().await;
            if self.shared.status().verified != verified_before {
                failure_count = 0;
            }
            self.lost(error);
            tokio::select! {
                () = sleep(self.reconnect_delay(failure_count)) => {}
                // Somebody wants to know at once whether it works again.
                Some(reply) = self.reloads.recv() => self.waiting.push(reply),
            }
            failure_count += 1;
        }
    }

    /// Notes that the connection is lost and tells all who wait.
    fn lost(&mut self, error: Error) {
        let (revision, age) = {
            let mut status = self.shared.status();
            status.is_connected = false;
            status.error_count += 1;
            (self.shared.snapshot.load().head().revision, status.age())
        };
        let cause = error.detail();
        if self.is_loss_logged {
            debug!(%error, cause, "the database is still away");
        } else {
            warn!(%error, cause, revision, age_s = age.as_secs(), "the database is away, answering from what was read");
            self.is_loss_logged = true;
        }
        while let Ok(reply) = self.reloads.try_recv() {
            self.waiting.push(reply);
        }
        for reply in self.waiting.drain(..) {
            let _ = reply.send(Err(again(&error)));
        }
        if let Some(ready) = self.ready.take() {
            let _ = ready.send(Err(error));
        }
    }

    fn reconnect_delay(&self, failure_count: u32) -> Duration {
        let longest = self.options.reconnect_interval_max;
        let delay = (longest / 50 * 2_u32.saturating_pow(failure_count)).min(longest);
        delay.mul_f64(1.0 - random_fraction() / 2.0)
    }

    /// Connects, catches up and follows; returns when the connection fails.
    async fn session(&mut self) -> Result<Infallible> {
        let mut session = Session {
            // Listening comes before the first reading, so that no change falls in between.
            link: Link::open(
                &self.database,
                self.options.connect_timeout,
                self.options.heartbeat_timeout,
                self.options.poll_interval,
            )
            .await?,
            readings: JoinSet::new(),
            reading: None,
            next_reload_at: None,
            idle: None,
        };
        self.can_report = true;
        let notices = session.link.notices();
        if std::mem::replace(&mut self.shared.status().notices, notices) != notices {
            info!(?notices, "how the cache hears of changes");
        }
        if self.is_loaded {
            self.check(&mut session).await?;
            self.plan_reload(&mut session, Duration::ZERO);
        } else {
            self.begin_reading(&mut session, false);
        }
        if !self.waiting.is_empty() {
            self.begin_reading(&mut session, false);
        }
        let outcome = self.follow_link(&mut session).await;
        if let Some(reading) = session.reading.take() {
            self.waiting.extend(reading.waiting);
        }
        outcome
    }

    async fn follow_link(&mut self, session: &mut Session) -> Result<Infallible> {
        let mut heartbeat = interval(self.options.heartbeat_interval);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let reload_at = session.next_reload_at;
            let idle_until = session.idle.as_ref().map(|(_, until)| *until);
            tokio::select! {
                revision = session.link.next_revision() => {
                    let revision = revision?;
                    self.notified(session, revision).await?;
                }
                Some(whole) = session.readings.join_next() => self.read(session, whole).await?,
                Some(reply) = self.reloads.recv() => {
                    self.waiting.push(reply);
                    self.begin_reading(session, false);
                }
                _ = heartbeat.tick() => {
                    self.check(session).await?;
                    self.report(session).await?;
                    self.free_retired();
                    self.save(false).await;
                }
                () = at(idle_until), if idle_until.is_some() => {
                    if let Some((connection, _)) = session.idle.take() {
                        tokio::spawn(connection.close());
                    }
                }
                () = at(reload_at), if reload_at.is_some() => {
                    session.next_reload_at = None;
                    self.begin_reading(session, false);
                }
            }
        }
    }

    /// A commit was told. Those that come at once after it are applied with it, also where one follows the other: what it costs
    /// to follow does not grow with how much is written, and nothing else waits for as long as others change something.
    async fn notified(&mut self, session: &mut Session, revision: i64) -> Result<()> {
        let newest = session.link.newest_waiting_revision().max(Some(revision));
        // Notifications of what an earlier answer held already. If they are of a registry that has
        // gone back, the next heartbeat finds out.
        if newest <= Some(self.shared.snapshot.load().head().revision) {
            return Ok(());
        }
        if !self.options.coalesce_duration.is_zero() {
            sleep(self.options.coalesce_duration).await;
        }
        if !self.is_loaded {
            // The first reading is under way, and is newer than that or is followed by what it doesn't have.
            return Ok(());
        }
        self.check(session).await
    }

    /// Asks for the head and applies what is new.
    async fn check(&mut self, session: &mut Session) -> Result<()> {
        let asked_at = Instant::now();
        let ours = self.shared.snapshot.load_full();
        // Before the first reading is done it is a sign of life alone: all that ever changed would take its time.
        let changes_at_most = if self.is_loaded {
            self.options.changes_at_most
        } else {
            0
        };
        let news = session
            .link
            .news_since(ours.head().revision, changes_at_most)
            .await?;
        if !self.is_loaded {
            return Ok(());
        }
        match compare(ours.head(), &news) {
            Comparison::Same => self.verified(asked_at),
            Comparison::Diverged => self.diverged(session, ours.head(), &news.head),
            Comparison::Newer => match news.changes {
                None => self.begin_reading(session, false),
                Some(changes) => {
                    let ids = changes.iter().map(|change| change.id().into()).collect();
                    let next = apply(ours, news.head, changes).await?;
                    self.shared.status().apply_count += 1;
                    self.publish(next, Some(ids));
                    self.verified(asked_at);
                }
            },
        }
        Ok(())
    }

    fn begin_reading(&mut self, session: &mut Session, follows_divergence: bool) {
        if let Some(reading) = &mut session.reading {
            // Who waits gets the next one, which begins when this one ends.
            reading.is_overtaken |= follows_divergence;
            return;
        }
        session.reading = Some(Reading {
            started_at: Instant::now(),
            waiting: std::mem::take(&mut self.waiting),
            follows_divergence,
            is_overtaken: false,
        });
        session.next_reload_at = None;
        session.readings.spawn(read_whole(
            session.link.options(),
            self.options.connect_timeout,
            session.idle.take().map(|(connection, _)| connection),
            self.shared.snapshot.load_full(),
        ));
    }

    /// All extensions have been read, or could not be.
    async fn read(
        &mut self,
        session: &mut Session,
        whole: Result<Result<Whole>, JoinError>,
    ) -> Result<()> {
        let Some(reading) = session.reading.take() else {
            return Ok(());
        };
        let duration = reading.started_at.elapsed();
        let whole = whole.unwrap_or_else(|error| {
            Err(Error::Internal {
                attempted: "Reading all extensions",
                source: error.into(),
            })
        });
        let outcome = match whole {
            Ok(_) if reading.is_overtaken => {
                self.waiting.extend(reading.waiting);
                self.begin_reading(session, true);
                return Ok(());
            }
            Ok(whole) => self.show(session, whole, &reading).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                let total = self.shared.snapshot.load().len();
                let revision = self.shared.snapshot.load().head().revision;
                debug!(
                    revision,
                    total,
                    duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
                    "read all extensions"
                );
                for reply in reading.waiting {
                    let _ = reply.send(Ok(revision));
                }
            }
            Err(error) if self.is_loaded => {
                self.shared.status().error_count += 1;
                warn!(%error, cause = error.detail(), "reading all extensions failed, keeping those that were read");
                for reply in reading.waiting {
                    let _ = reply.send(Err(again(&error)));
                }
            }
            Err(error) => {
                self.waiting.extend(reading.waiting);
                return Err(error);
            }
        }
        self.plan_reload(session, duration);
        if !self.waiting.is_empty() {
            self.begin_reading(session, false);
        }
        Ok(())
    }

    /// Brings what was read whole up to the newest revision and shows it.
    async fn show(&mut self, session: &mut Session, whole: Whole, reading: &Reading) -> Result<()> {
        let asked_at = Instant::now();
        session.idle = Some((whole.connection, Instant::now() + IDLE_DURATION));
        let base = Arc::new(whole.snapshot);
        let news = session
            .link
            .news_since(base.head().revision, self.options.changes_at_most)
            .await?;
        let mut differing = whole.differing;
        let mut is_newest = true;
        let next = match (compare(base.head(), &news), news.changes) {
            (Comparison::Same, _) => base,
            (Comparison::Newer, Some(changes)) => {
                if let Some(ids) = &mut differing {
                    ids.extend(changes.iter().map(|change| change.id().into()));
                }
                apply(base, news.head, changes).await?
            }
            (Comparison::Newer, None) => {
                is_newest = false;
                base
            }
            (Comparison::Diverged, _) => {
                self.diverged(session, base.head(), &news.head);
                return Ok(());
            }
        };
        let ours = self.shared.snapshot.load_full();
        let goes_back = next.head().registry_id != ours.head().registry_id
            || next.head().revision < ours.head().revision
            || (next.head().revision == ours.head().revision
                && next.head().hash != ours.head().hash);
        if self.is_loaded && goes_back && !reading.follows_divergence {
            if !is_newest {
                // It is not known whether the registry went back or this was overtaken.
                self.begin_reading(session, false);
                return Ok(());
            }
            self.alarm(ours.head(), next.head());
        }
        let is_first = !std::mem::replace(&mut self.is_loaded, true);
        {
            let mut status = self.shared.status();
            status.load_count += 1;
            status.last_reload = Some(Utc::now());
        }
        if is_first {
            info!(
                revision = next.head().revision,
                total = next.len(),
                "the cache is loaded"
            );
        }
        self.publish(next, differing);
        if is_newest {
            self.verified(asked_at);
        } else {
            self.begin_reading(session, false);
        }
        Ok(())
    }

    fn diverged(&mut self, session: &mut Session, ours: &Head, theirs: &Head) {
        let is_known = session
            .reading
            .as_ref()
            .is_some_and(|reading| reading.follows_divergence);
        if !is_known {
            self.alarm(ours, theirs);
        }
        if session.reading.is_none() || !is_known {
            self.begin_reading(session, true);
        }
    }

    fn alarm(&self, ours: &Head, theirs: &Head) {
        error!(
            followed_registry = ours.registry_id,
            followed_revision = ours.revision,
            found_registry = theirs.registry_id,
            found_revision = theirs.revision,
            "the registry's history is not the one that was followed: was an older database restored?"
        );
        self.shared.status().divergence = Some(Divergence {
            noticed_at: Utc::now(),
            followed: ours.clone(),
            found: theirs.clone(),
        });
    }

    fn publish(&mut self, next: Arc<Snapshot>, ids: Option<Vec<Box<str>>>) {
        let head = next.head().clone();
        let replaced = self.shared.snapshot.swap(next);
        let is_changed = *replaced.head() != head || ids.as_ref().is_none_or(|ids| !ids.is_empty());
        self.retired.push(replaced);
        self.free_retired();
        self.saver.is_changed |= is_changed;
        if is_changed {
            // Nobody may be watching.
            let _ = self.shared.changes.send(CacheChange {
                revision: head.revision,
                ids: ids.map(Arc::from),
            });
        }
    }

    /// Frees replaced snapshots that no reader holds any more.
    fn free_retired(&mut self) {
        let free: Vec<_> = self
            .retired
            .extract_if(.., |snapshot| Arc::strong_count(snapshot) == 1)
            .collect();
        if !free.is_empty() {
            tokio::task::spawn_blocking(move || drop(free));
        }
    }

    /// The database said that the snapshot is its newest when it was asked.
    fn verified(&mut self, asked_at: Instant) {
        {
            let mut status = self.shared.status();
            status.is_connected = true;
            status.verified = Some((asked_at, Duration::ZERO));
        }
        if std::mem::take(&mut self.is_loss_logged) {
            let revision = self.shared.snapshot.load().head().revision;
            info!(revision, "the database is back");
        }
        if let Some(ready) = self.ready.take() {
            let _ = ready.send(Ok(()));
        }
    }

    fn plan_reload(&self, session: &mut Session, last_duration: Duration) {
        session.next_reload_at = self.options.reload_interval.map(|interval| {
            let wait = interval.max(last_duration * REST_FACTOR);
            Instant::now() + wait.mul_f64(0.9 + random_fraction() / 5.0)
        });
    }

    /// Tells the database what is applied here. That it can't be told is no reason not to follow.
    async fn report(&mut self, session: &mut Session) -> Result<()> {
        let Some(consumer) = &self.options.consumer else {
            return Ok(());
        };
        if !self.can_report || !self.is_loaded {
            return Ok(());
        }
        let revision = self.shared.snapshot.load().head().revision;
        match session
            .link
            .report_applied(consumer, &self.host, revision)
            .await
        {
            Err(
                error @ (Error::Forbidden { .. } | Error::ReadOnly { .. } | Error::Internal { .. }),
            ) => {
                warn!(%error, cause = error.detail(), "the console will not show this program");
                self.can_report = false;
                Ok(())
            }
            other => other,
        }
    }

    /// Saves the snapshot if it is time to.
    async fn save(&mut self, is_last: bool) {
        let Some(path) = self.options.snapshot_file.clone() else {
            return;
        };
        self.saver.note_duration().await;
        if !self.is_loaded || !self.saver.is_due(self.options.save_interval, is_last) {
            return;
        }
        let snapshot = self.shared.snapshot.load_full();
        let verified_at = Utc::now() - self.shared.status().age();
        self.saver.is_changed = false;
        self.saver.started_at = Some(Instant::now());
        self.saver.task = Some(tokio::task::spawn_blocking(move || {
            let started_at = Instant::now();
            if let Err(error) = file::write(&path, &snapshot, verified_at) {
                warn!(%error, file = %path.display(), "the snapshot could not be saved");
            }
            started_at.elapsed()
        }));
    }

    async fn save_last(&mut self) {
        self.saver.wait().await;
        self.save(true).await;
        self.saver.wait().await;
    }
}

/// When the snapshot file is written.
#[derive(Default)]
struct Saver {
    task: Option<JoinHandle<Duration>>,
    started_at: Option<Instant>,
    last_duration: Duration,
    is_changed: bool,
}

impl Saver {
    fn is_due(&self, save_interval: Duration, is_last: bool) -> bool {
        if self.task.is_some() {
            return false;
        }
        let Some(started_at) = self.started_at else {
            return true;
        };
        let rest = self.last_duration * REST_FACTOR;
        let wait = if self.is_changed {
            save_interval.max(rest)
        } else {
            SAVE_UNCHANGED_INTERVAL.max(rest * REST_FACTOR)
        };
        is_last || started_at.elapsed() >= wait
    }

    /// Takes note of how long writing took, if it is done.
    async fn note_duration(&mut self) {
        if self.task.as_ref().is_some_and(JoinHandle::is_finished) {
            self.wait().await;
        }
    }

    async fn wait(&mut self) {
        if let Some(task) = self.task.take() {
            self.last_duration = task.await.unwrap_or_default();
        }
    }
}

/// The snapshot after these changes. Many changes take their time on a thread that may block.
async fn apply(ours: Arc<Snapshot>, head: Head, changes: Vec<Change>) -> Result<Arc<Snapshot>> {
    let now = Utc::now();
    if changes.len() <= CHANGES_INLINE_MAX {
        return Ok(Arc::new(ours.with_changes(head, now, changes)));
    }
    tokio::task::spawn_blocking(move || Arc::new(ours.with_changes(head, now, changes)))
        .await
        .map_err(|error| Error::Internal {
            attempted: "Applying changes",
            source: error.into(),
        })
}

/// The same error for one more who waits.
fn again(error: &Error) -> Error {
    let cause = error.detail().unwrap_or_default();
    match error {
        Error::DatabaseUnavailable { attempted, .. } => Error::DatabaseUnavailable {
            attempted,
            source: sqlx::Error::Io(std::io::Error::other(cause)),
        },
        Error::Forbidden {
            attempted,
            required_role,
            ..
        } => Error::Forbidden {
            attempted,
            required_role: *required_role,
            source: sqlx::Error::Protocol(cause),
        },
        other => Error::Internal {
            attempted: "Reading all extensions",
            source: format!("{other}: {cause}").into(),
        },
    }
}

async fn at(time: Option<Instant>) {
    if let Some(time) = time {
        sleep_until(time.into()).await;
    }
}

/// 0 to 1, so that a thousand programs don't all do the same at once.
fn random_fraction() -> f64 {
    // Without random numbers they do.
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(registry_id: &str, revision: i64, hash: u8) -> Head {
        Head {
            registry_id: registry_id.into(),
            revision,
            hash: vec![hash],
        }
    }

    fn compared(ours: &Head, theirs: Head, hash_then: Option<u8>) -> Comparison {
        let news = News {
            is_standby: false,
            head: theirs,
            hash_then: hash_then.map(|hash| vec![hash]),
            changes: None,
        };
        compare(ours, &news)
    }

    #[test]
    fn only_a_continuation_of_the_same_history_is_newer() {
        let ours = head("r", 5, 50);
        assert_eq!(
            compared(&ours, head("r", 5, 50), Some(50)),
            Comparison::Same
        );
        assert_eq!(
            compared(&ours, head("r", 6, 60), Some(50)),
            Comparison::Newer
        );
        assert_eq!(
            compared(&head("r", 0, 1), head("r", 6, 60), None),
            Comparison::Newer
        );
        for (theirs, hash_then, why) in [
            (head("r", 5, 51), Some(51), "another hash"),
            (head("r", 4, 40), None, "a lower revision"),
            (head("s", 5, 50), Some(50), "another registry"),
            (
                head("r", 6, 61),
                Some(51),
                "written past our revision after a restore",
            ),
            (head("r", 6, 61), None, "our entry is gone"),
        ] {
            assert_eq!(
                compared(&ours, theirs, hash_then),
                Comparison::Diverged,
                "{why}"
            );
        }
    }
}
