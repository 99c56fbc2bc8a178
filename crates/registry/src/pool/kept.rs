//! A connection that is kept at hand between two statements of a program that asks one after the other.
//!
//! A connection that goes back to sqlx's pool is asked for a sign of life, twice, and the next statement gets another one
//! meanwhile: three take turns, each with its own plans in its own memory. The one that is at hand is the warm one.
//!
//! It is used for as long as it answers. A server that is lost or demoted breaks its connections, which ends that: what fails
//! is not kept.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use crate::registry::UNTESTED_IDLE_MAX;

/// The place for one connection.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Option<(PoolConnection<Postgres>, Instant)>>);

impl Kept {
    /// The connection, if it has just been used.
    pub(super) fn take(&self) -> Option<PoolConnection<Postgres>> {
        // One that is too old goes back to the pool, which asks it for a sign of life.
        self.place()
            .take()
            .filter(|(_, since)| since.elapsed() <= UNTESTED_IDLE_MAX)
            .map(|(connection, _)| connection)
    }

    /// Keeps a connection. If there is one already, this one goes back to the pool.
    pub(super) fn put(&self, connection: PoolConnection<Postgres>) {
        self.place()
            .get_or_insert_with(|| (connection, Instant::now()));
    }

    /// Gives the connection back to the pool.
    pub(super) fn clear(&self) {
        drop(self.place().take());
    }

    fn place(&self) -> std::sync::MutexGuard<'_, Option<(PoolConnection<Postgres>, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
