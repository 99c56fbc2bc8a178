//! What a cache can say about itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::snapshot::Head;

/// How far a cache's content can be trusted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CacheState {
    /// The database said not long ago that this is its newest revision.
    Fresh,
    /// The database can't be reached: this is what it last said, [`CacheStats::age`] ago.
    Stale,
    /// The registry's history is not the one that the cache has followed: a database was restored or
    /// exchanged. The cache follows what is there now; the state stays until somebody acknowledges it with
    /// [`acknowledge_divergence`](super::RegistryCache::acknowledge_divergence).
    Diverged,
}

/// How a cache hears of changes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ChangeNotices {
    /// The database tells of each commit.
    #[default]
    Told,
    /// It can't, so the cache looks.
    LookedFor {
        /// How often.
        interval: Duration,
        /// Why it can't.
        reason: PollingReason,
    },
}

/// Why a database can't tell of commits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PollingReason {
    /// A pooler hands out single transactions: there is no session to tell.
    TransactionPooling,
    /// The server is a standby, which tells nobody.
    Standby,
}

/// What two histories stand against each other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Divergence {
    /// When it was noticed.
    pub noticed_at: DateTime<Utc>,
    /// What the cache had followed.
    pub followed: Head,
    /// What the database had then.
    pub found: Head,
}

/// The figures of a cache at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheStats {
    /// How far the content can be trusted.
    pub state: CacheState,
    /// The registry's revision that lookups answer from.
    pub revision: i64,
    /// How long ago the database last said that this is its newest revision; over a restart too.
    pub age: Duration,
    /// Whether the database can be reached.
    pub is_connected: bool,
    /// When all extensions were last read from the database; none if they came from the disk.
    pub last_reload: Option<DateTime<Utc>>,
    /// How often all extensions were read, periodic reloads included.
    pub load_count: u64,
    /// How often reading failed or the connection was lost.
    pub error_count: u64,
    /// How often changes were applied without reading everything.
    pub apply_count: u64,
    /// How many extensions there are.
    pub total: usize,
    /// How many of them are enabled.
    pub enabled: usize,
    /// Lookups by id or subject that found an extension.
    pub hits: u64,
    /// Lookups by id or subject that found none.
    pub misses: u64,
    /// How changes are heard of.
    pub notices: ChangeNotices,
    /// The divergence that nobody has acknowledged yet.
    pub divergence: Option<Divergence>,
}

/// How many threads count without waiting for each other; a few more share one counter.
const STRIPE_COUNT: usize = 64;

/// Hits and misses. A thread's own counter needs no locked instruction, which would be a sixth of a lookup.
#[derive(Debug)]
pub(crate) struct LookupCounters {
    own: Box<[Stripe]>,
    shared: Stripe,
}

/// Two cache lines: processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Stripe {
    fn counter(&self, is_hit: bool) -> &AtomicU64 {
        if is_hit { &self.hits } else { &self.misses }
    }
}

impl Default for LookupCounters {
    fn default() -> Self {
        Self {
            own: (0..STRIPE_COUNT).map(|_| Stripe::default()).collect(),
            shared: Stripe::default(),
        }
    }
}

impl LookupCounters {
    pub(crate) fn count(&self, is_hit: bool) {
        // A thread that is ending has given its place back.
        let place = PLACE.try_with(|place| place.0).ok();
        match place.and_then(|place| self.own.get(place)) {
            Some(stripe) => {
                let counter = stripe.counter(is_hit);
                counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            }
            None => {
                self.shared.counter(is_hit).fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Hits and misses.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let stripes = self.own.iter().chain([&self.shared]);
        stripes.fold((0, 0), |(hits, misses), stripe| {
            (
                hits + stripe.hits.load(Ordering::Relaxed),
                misses + stripe.misses.load(Ordering::Relaxed),
            )
        })
    }
}

/// A place among the stripes that belongs to one living thread; [`STRIPE_COUNT`] is none.
struct Place(usize);

/// Which places are taken, by bit.
static TAKEN_PLACES: Mutex<u64> = Mutex::new(0);

thread_local! {
    static PLACE: Place = Place::take();
}

impl Place {
    fn take() -> Self {
        let mut taken = TAKEN_PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        let place = taken.trailing_ones();
        // Of 64 places the 65th is none.
        *taken |= 1_u64.checked_shl(place).unwrap_or_default();
        Self(place as usize)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let place = u32::try_from(self.0)
            .ok()
            .and_then(|place| 1_u64.checked_shl(place));
        // The lock orders this thread's counts before those of the next thread in its place.
        *TAKEN_PLACES.lock().unwrap_or_else(PoisonError::into_inner) &= !place.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lookup_of_every_thread_is_counted() {
        let counters = LookupCounters::default();
        let thread_count = 2 * STRIPE_COUNT as u64;
        let barrier = std::sync::Barrier::new(2 * STRIPE_COUNT);
        for _ in 0..2 {
            std::thread::scope(|scope| {
                for _ in 0..thread_count {
                    scope.spawn(|| {
                        counters.count(true);
                        barrier.wait();
                        (1..1_000).for_each(|number| counters.count(number % 10 != 0));
                    });
                }
            });
        }
        assert_eq!(
            counters.totals(),
            (2 * 901 * thread_count, 2 * 99 * thread_count)
        );
    }
}
