//! Tests whose results are recorded: one that somebody asks for, and those that are due.

use chrono::Utc;
use registry::health::{HealthSample, HealthSource, TestCall};
use registry::{ErrorReport, Registry, Result};
use serde::{Deserialize, Serialize};
use specta::Type;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::{NatsConnection, TestOutcome};

/// As many scheduled checks are under way at once.
const CHECKS_MAX: usize = 8;

/// What came of a test, and whether it is in the extension's history.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct TestReport {
    /// What came of it.
    pub outcome: TestOutcome,
    /// Whether it was recorded. What says nothing about the extension is not: a server that is away, a refused login.
    pub is_recorded: bool,
    /// Why it was not, though it should have been.
    pub not_recorded: Option<ErrorReport>,
}

/// Sends an extension a message and records what came of it as one call, marked as a test: answered with JSON or not,
/// with the latency of the answer. The counters of traffic stay as they are.
pub async fn test_extension(
    registry: &Registry,
    connection: &NatsConnection,
    call: &TestCall,
) -> TestReport {
    let at = Utc::now();
    let outcome = connection
        .send_test_message(&call.subject, &call.payload, call.timeout_ms, call.retry)
        .await;
    info!(
        extension_id = call.extension_id,
        failure = ?outcome.failure.as_ref().map(|failure| failure.code),
        attempt_count = outcome.attempts.len(),
        latency_ms = outcome.reply.as_ref().map(|reply| reply.latency_ms),
        "tried an extension"
    );
    if !outcome.is_of_extension() {
        return TestReport {
            outcome,
            is_recorded: false,
            not_recorded: None,
        };
    }
    let sample = HealthSample {
        extension_id: call.extension_id.clone(),
        ok: outcome.failure.is_none(),
        latency_ms: outcome.reply.as_ref().map(|reply| reply.latency_ms),
        at,
    };
    let recorded = registry
        .record_health_samples(&[sample], HealthSource::Test, None)
        .await;
    // An extension that was deleted meanwhile has no history to be in.
    let (is_recorded, not_recorded) = match recorded {
        Ok(unknown) => (unknown.is_empty(), None),
        Err(error) => (false, Some(error.report())),
    };
    TestReport {
        outcome,
        is_recorded,
        not_recorded,
    }
}

/// The scheduled checks that this program has under way; they end with it.
#[derive(Debug, Default)]
pub struct ScheduledChecks {
    running: JoinSet<()>,
}

impl ScheduledChecks {
    /// Takes on what is due, as far as there is room, and returns how many that are. Does not wait for them.
    ///
    /// # Errors
    /// [`registry::Error::Forbidden`], [`registry::Error::DatabaseUnavailable`].
    pub async fn take_on(
        &mut self,
        registry: &Registry,
        connection: &NatsConnection,
    ) -> Result<usize> {
        while self.running.try_join_next().is_some() {}
        let room = CHECKS_MAX.saturating_sub(self.running.len());
        if room == 0 {
            return Ok(0);
        }
        let due = registry
            .claim_test_checks(i32::try_from(room).unwrap_or(1))
            .await?;
        let count = due.len();
        for call in due {
            let (registry, connection) = (registry.clone(), connection.clone());
            self.running.spawn(async move {
                let report = test_extension(&registry, &connection, &call).await;
                if let Some(error) = report.not_recorded {
                    warn!(
                        extension_id = call.extension_id,
                        message = error.message,
                        "a check was not recorded"
                    );
                }
            });
        }
        Ok(count)
    }

    /// Waits for all that are under way.
    pub async fn finish(&mut self) {
        while self.running.join_next().await.is_some() {}
    }
}
