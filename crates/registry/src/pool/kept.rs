//! A connection that is kept at hand between two statements of a program that asks one after the other.
//!
//! A connection that goes back to sqlx's pool is asked for a sign of life, twice, and the next statement gets another one
//! meanwhile: three take turns, each with its own plans in its own memory. The one that is at hand is the warm one.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;

use crate::registry::UNTESTED_IDLE_MAX;

/// The place for one connection.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Option<(ForOne, Instant)>>);

/// A connection for one statement that is a whole transaction.
#[derive(Debug)]
pub(crate) struct ForOne {
    pub(super) connection: PoolConnection<Postgres>,
    /// How often the server had changed when it was taken from the pool.
    pub(super) reconnect_count: u64,
}

impl Deref for ForOne {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for ForOne {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Kept {
    /// The connection, if it has just been used and leads to the server that is used now.
    pub(super) fn take(&self, reconnect_count: u64) -> Option<ForOne> {
        // One that is too old goes back to the pool, which asks it for a sign of life.
        self.place()
            .take()
            .filter(|(kept, since)| {
                since.elapsed() <= UNTESTED_IDLE_MAX && kept.reconnect_count == reconnect_count
            })
            .map(|(kept, _)| kept)
    }

    /// Keeps a connection. If there is one already, this one goes back to the pool.
    pub(super) fn put(&self, connection: ForOne) {
        self.place()
            .get_or_insert_with(|| (connection, Instant::now()));
    }

    /// Gives the connection back to the pool.
    pub(super) fn clear(&self) {
        drop(self.place().take());
    }

    fn place(&self) -> std::sync::MutexGuard<'_, Option<(ForOne, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
