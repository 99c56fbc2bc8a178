//! Locks of which nothing that holds them can leave behind something half changed.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes the lock, also after somebody who held it has panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
