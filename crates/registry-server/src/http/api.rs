//! What all handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use registry::Registry;
use registry::cache::RegistryCache;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::authentication::Gate;
use super::metrics::Metrics;

/// How long a read from memory waits for what was written through this server. Commits are told within milliseconds; if
/// the database can't tell any more, what is there is answered, with its revision.
const CATCH_UP_MAX: Duration = Duration::from_secs(1);

/// The registry as the server's login has it, its copy in memory, and who is let in.
#[derive(Clone)]
pub(crate) struct Api(Arc<Shared>);

struct Shared {
    registry: Registry,
    cache: RegistryCache,
    gate: Gate,
    metrics: Metrics,
    /// The newest revision that somebody was told of by a change through this server.
    told_revision: AtomicI64,
    ending: CancellationToken,
}

impl Api {
    pub(crate) fn new(
        registry: Registry,
        cache: RegistryCache,
        gate: Gate,
        metrics: Metrics,
    ) -> Self {
        Self(Arc::new(Shared {
            registry,
            cache,
            gate,
            metrics,
            told_revision: AtomicI64::new(0),
            ending: CancellationToken::new(),
        }))
    }

    /// The registry as the server's own login may use it: it checks tokens and does nothing for anybody.
    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn cache(&self) -> &RegistryCache {
        &self.0.cache
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Fires when the server ends: answers that go on for ever end then.
    pub(crate) fn ending(&self) -> CancellationToken {
        self.0.ending.clone()
    }

    /// Notes what a caller was told, so that what they read from memory afterwards has it.
    pub(crate) fn told(&self, revision: i64) {
        self.0.told_revision.fetch_max(revision, Ordering::Relaxed);
    }

    /// Waits until the copy in memory has what was told.
    pub(crate) async fn catch_up(&self) {
        let told = self.0.told_revision.load(Ordering::Relaxed);
        let is_behind = || self.cache().snapshot().head().revision < told;
        if !is_behind() {
            return;
        }
        let mut changes = self.cache().watch();
        let caught_up = async { while is_behind() && changes.next().await.is_some() {} };
        // Late is better than never: the answer says its revision.
        let _ = timeout(CATCH_UP_MAX, caught_up).await;
    }
}
