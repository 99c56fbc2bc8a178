//! Changes whose answer is lost: they are asked for again under the same name until it is known whether they were made.
//!
//! When a connection breaks while a change is committed, the change may have been made or not. Each change carries a
//! request id into its audit entries; the next attempt, on another connection and maybe on another server, looks for it
//! first. It waits for an earlier attempt that is still under way, by a lock of that name.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::types::Uuid;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{ChangeContext, Error, Registry, Result};

/// How long it is tried to learn what became of a change: a failover takes some ten seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a change is made anew that was not made. After that it is only looked for.
const ATTEMPTS_MAX: u32 = 4;

const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// One change, over all its attempts.
pub(crate) struct Settling<'a> {
    registry: &'a Registry,
    pub(crate) context: ChangeContext,
    /// Whether nobody else can have used the request id.
    is_own_id: bool,
    attempt_count: u32,
    /// Since when it is in doubt whether it was made.
    in_doubt_since: Option<Instant>,
    /// Whether the present attempt got as far as the database.
    has_begun: AtomicBool,
    pause: Duration,
}

impl<'a> Settling<'a> {
    pub(crate) fn new(registry: &'a Registry, context: &ChangeContext) -> Self {
        let mut context = context.clone();
        let is_own_id = context.request_id.is_none();
        if is_own_id {
            let mut bytes = [0; 16];
            // Without random numbers there is no name to look for, and the change is made once.
            context.request_id = getrandom::fill(&mut bytes)
                .ok()
                .map(|()| sqlx::types::uuid::Builder::from_random_bytes(bytes).into_uuid());
        }
        Self {
            registry,
            context,
            is_own_id,
            attempt_count: 1,
            in_doubt_since: None,
            has_begun: AtomicBool::new(false),
            pause: PAUSE_FIRST,
        }
    }

    /// The name to look for; none if there can be nothing under it.
    pub(crate) fn looked_for(&self) -> Option<Uuid> {
        self.context
            .request_id
            .filter(|_| !self.is_own_id || self.attempt_count > 1)
    }

    /// Whether the change must not be made any more if it is not found.
    pub(crate) fn only_looks(&self) -> bool {
        self.attempt_count > ATTEMPTS_MAX
    }

    /// Notes that the present attempt reached the database.
    pub(crate) fn begun(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// Waits for an attempt. One that has reached a server which is lost since is broken off: a dead link would never
    /// answer.
    pub(crate) async fn attempt<T>(&self, attempt: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(link) = self.registry.link() else {
            return attempt.await;
        };
        let mut attempt = std::pin::pin!(attempt);
        loop {
            tokio::select! {
                biased;
                outcome = &mut attempt => return outcome,
                () = link.lost() => {
                    if self.has_begun.load(Ordering::Relaxed) {
                        return Err(Error::DatabaseUnavailable {
                            attempted: "Waiting for the server's answer",
                            source: io::Error::from(io::ErrorKind::ConnectionAborted).into(),
                        });
                    }
                }
            }
        }
    }

    /// What comes after an attempt: its answer, or another attempt.
    pub(crate) async fn next<T>(&mut self, outcome: Result<T>) -> ControlFlow<Result<T>> {
        let error = match outcome {
            Ok(answer) => {
                if self.in_doubt_since.is_some() {
                    info!(
                        request_id = ?self.context.request_id,
                        attempt_count = self.attempt_count,
                        "a change whose answer was lost is made, once"
                    );
                }
                return ControlFlow::Break(Ok(answer));
            }
            Err(error) => error,
        };
        let has_begun = self.has_begun.swap(false, Ordering::Relaxed);
        let is_broken = error.is_broken_connection();
        if is_broken {
            self.registry.look_at_server();
        }
        if self.context.request_id.is_none() || self.only_looks() && !is_broken {
            return ControlFlow::Break(Err(error));
        }
        if is_broken && has_begun {
            self.in_doubt_since.get_or_insert_with(Instant::now);
        }
        let Some(since) = self.in_doubt_since else {
            return ControlFlow::Break(Err(error));
        };
        let is_passing = is_broken
            || matches!(
                error,
                Error::DatabaseUnavailable { .. }
                    | Error::ReadOnly { .. }
                    | Error::Unreachable { .. }
            );
        // Any other error is an answer: the change was not found, and could not be made.
        if !is_passing {
            return ControlFlow::Break(Err(error));
        }
        if since.elapsed() >= PATIENCE {
            warn!(request_id = ?self.context.request_id, %error, "it can't be learned whether a change was made");
            return ControlFlow::Break(Err(match error {
                Error::DatabaseUnavailable { attempted, source } => {
                    Error::OutcomeUnknown { attempted, source }
                }
                other => other,
            }));
        }
        if has_begun {
            self.attempt_count += 1;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        ControlFlow::Continue(())
    }
}
