//! Recording of calls: one at a time, or in batches at a router's rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::types::Uuid;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::warn;

use super::HealthSource;
use crate::access::{Attempt, Role};
use crate::{Error, Registry, Result, rules};

/// A call of an extension, as a router saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthSample {
    /// The extension.
    pub extension_id: String,
    /// Whether it was answered.
    pub ok: bool,
    /// How long the answer took in milliseconds, 0 to 86,400,000; none if none came.
    pub latency_ms: Option<f64>,
    /// When it was called. One that lies in the future counts as of now.
    pub at: DateTime<Utc>,
}

const RECORD: Attempt = Attempt::by(Role::RegistryRouter, "Recording health");

impl Registry {
    /// Records a call that has just been answered or has failed.
    ///
    /// # Errors
    /// [`Error::ExtensionNotFound`], [`Error::InvalidInput`] for the latency, [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`]. After an error nothing was recorded.
    pub async fn record_health(
        &self,
        extension_id: &str,
        ok: bool,
        latency_ms: Option<f64>,
    ) -> Result<()> {
        let sample = HealthSample {
            extension_id: extension_id.to_owned(),
            ok,
            latency_ms,
            at: Utc::now(),
        };
        let unknown = self
            .record_health_samples(&[sample], HealthSource::Traffic, None)
            .await?;
        match unknown.into_iter().next() {
            None => Ok(()),
            Some(id) => Err(Error::ExtensionNotFound { id }),
        }
    }

    /// Records calls in one transaction and returns the ids of those that there are no extensions of: their calls are
    /// left out, and the others recorded. A batch with a name is recorded once, however often it is sent within a day.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a latency or a time, [`Error::Forbidden`], [`Error::DatabaseUnavailable`]. After an
    /// error nothing was recorded.
    pub async fn record_health_samples(
        &self,
        samples: &[HealthSample],
        source: HealthSource,
        batch_id: Option<Uuid>,
    ) -> Result<Vec<String>> {
        let ids: Vec<&str> = samples
            .iter()
            .map(|sample| sample.extension_id.as_str())
            .collect();
        let oks: Vec<bool> = samples.iter().map(|sample| sample.ok).collect();
        let latencies: Vec<Option<f64>> = samples.iter().map(|sample| sample.latency_ms).collect();
        let times: Vec<DateTime<Utc>> = samples.iter().map(|sample| sample.at).collect();
        sqlx::query_scalar("SELECT public.registry_record_health($1, $2, $3, $4, $5, $6)")
            .bind(ids)
            .bind(oks)
            .bind(latencies)
            .bind(times)
            .bind(match source {
                HealthSource::Traffic => "traffic",
                HealthSource::Test => "test",
            })
            .bind(batch_id)
            .fetch_one(self.pool())
            .await
            .map_err(|source| rules::refused(RECORD, source))
    }
}

/// Records calls in the background: whoever calls [`Self::record`] never waits.
#[derive(Debug)]
pub struct HealthRecorder {
    samples: mpsc::Sender<HealthSample>,
    counts: Arc<Counts>,
    writer: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counts {
    recorded: AtomicU64,
    dropped: AtomicU64,
    unknown: AtomicU64,
}

/// What a recorder has done since it was started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RecorderCounts {
    /// Calls that are in the database.
    pub recorded: u64,
    /// Calls that were thrown away: too many waited, or the database refused them.
    pub dropped: u64,
    /// Calls of extensions that there are not.
    pub unknown: u64,
}

/// The longest latency, in milliseconds (`health_latency_range`).
const LATENCY_MAX_MS: f64 = 86_400_000.0;
/// So many calls may wait while the database is away.
const WAITING_MAX: usize = 65_536;
/// As many as are written in one transaction.
const BATCH_MAX: usize = 8_192;
/// How long a call waits for others at the most.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// How long until a batch that the database could not take is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

impl HealthRecorder {
    /// Starts it on the current Tokio runtime.
    pub fn start(registry: Registry) -> Self {
        let (samples, queue) = mpsc::channel(WAITING_MAX);
        let counts = Arc::new(Counts::default());
        let writer = tokio::spawn(write(registry, queue, Arc::clone(&counts)));
        Self {
            samples,
            counts,
            writer,
        }
    }

    /// Takes a call that has just ended; it is in the database half a second later. While the database is away
    /// 65,536 calls wait; those that come then are dropped and counted, and so is a call whose latency can't be.
    pub fn record(&self, extension_id: &str, ok: bool, latency_ms: Option<f64>) {
        let sample = HealthSample {
            extension_id: extension_id.to_owned(),
            ok,
            latency_ms,
            at: Utc::now(),
        };
        let can_be = latency_ms.is_none_or(|latency| (0.0..=LATENCY_MAX_MS).contains(&latency));
        if !can_be || self.samples.try_send(sample).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What it has done so far.
    pub fn counts(&self) -> RecorderCounts {
        RecorderCounts {
            recorded: self.counts.recorded.load(Ordering::Relaxed),
            dropped: self.counts.dropped.load(Ordering::Relaxed),
            unknown: self.counts.unknown.load(Ordering::Relaxed),
        }
    }

    /// Writes what waits and ends. Where the database stays away, it ends when the runtime does.
    pub async fn shut_down(self) -> RecorderCounts {
        let Self {
            samples,
            counts,
            writer,
        } = self;
        drop(samples);
        // It ends by itself and doesn't panic.
        drop(writer.await);
        RecorderCounts {
            recorded: counts.recorded.load(Ordering::Relaxed),
            dropped: counts.dropped.load(Ordering::Relaxed),
            unknown: counts.unknown.load(Ordering::Relaxed),
        }
    }
}

async fn write(registry: Registry, mut queue: mpsc::Receiver<HealthSample>, counts: Arc<Counts>) {
    let mut flush = interval(FLUSH_INTERVAL);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::new();
    loop {
        flush.tick().await;
        // What came meanwhile, and no more than a batch. Waits for the first, and ends with the recorder.
        if queue.recv_many(&mut batch, BATCH_MAX).await == 0 {
            return;
        }
        flush_batch(&registry, &batch, &counts).await;
        batch.clear();
        if queue.len() >= BATCH_MAX || queue.is_closed() {
            flush.reset_immediately();
        }
    }
}

async fn flush_batch(registry: &Registry, batch: &[HealthSample], counts: &Counts) {
    let length = |samples: usize| u64::try_from(samples).unwrap_or(u64::MAX);
    let mut is_told = false;
    // An answer that is lost leaves open whether it was recorded: the same name makes it once.
    let mut random = [0; 16];
    // Without random numbers it has no name, and such an answer may count it twice.
    let batch_id = getrandom::fill(&mut random)
        .is_ok()
        .then(|| Uuid::from_bytes(random));
    loop {
        match registry
            .record_health_samples(batch, HealthSource::Traffic, batch_id)
            .await
        {
            Ok(unknown) => {
                let left_out = batch
                    .iter()
                    .filter(|sample| unknown.contains(&sample.extension_id))
                    .count();
                counts
                    .unknown
                    .fetch_add(length(left_out), Ordering::Relaxed);
                counts
                    .recorded
                    .fetch_add(length(batch.len() - left_out), Ordering::Relaxed);
                return;
            }
            Err(error @ (Error::DatabaseUnavailable { .. } | Error::ReadOnly { .. })) => {
                if !is_told {
                    warn!(%error, "health could not be recorded; it is tried again");
                    is_told = true;
                }
                sleep(RETRY_INTERVAL).await;
            }
            Err(error) => {
                warn!(%error, count = batch.len(), "health was refused and is dropped");
                counts
                    .dropped
                    .fetch_add(length(batch.len()), Ordering::Relaxed);
                return;
            }
        }
    }
}
