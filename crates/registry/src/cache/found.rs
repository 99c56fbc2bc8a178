//! What a lookup lends.
#![allow(unsafe_code, reason = "one pointer into what is held beside it")]

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use arc_swap::Guard;

use super::extension::CachedExtension;
use super::snapshot::Snapshot;

/// An extension that a lookup found, to be used as a [`CachedExtension`].
///
/// It holds the snapshot that it was found in and not the extension by itself: counting who holds an extension
/// would take longer than finding it. It may cross threads and `await`. What is kept for long is better
/// [taken along](Self::to_arc): a thread has room for eight of these before its next lookups get slower, and as long
/// as one is held, so is the memory of what was replaced since.
pub struct Found {
    _snapshot: Guard<Arc<Snapshot>>,
    /// Into the index of the snapshot.
    extension: NonNull<Arc<CachedExtension>>,
}

// SAFETY: The pointer is used as a shared reference to what `snapshot` owns, and both the one and the other may go to
// other threads (the tests have the compiler say so).
unsafe impl Send for Found {}
// SAFETY: As above.
unsafe impl Sync for Found {}

impl Found {
    /// Holds a snapshot together with what is found in it.
    pub(super) fn find(
        snapshot: Guard<Arc<Snapshot>>,
        find: impl FnOnce(&Snapshot) -> Option<&Arc<CachedExtension>>,
    ) -> Option<Self> {
        // `find` knows nothing of the lifetime that it is given: it can return only what lies in the snapshot,
        // or what lives for ever.
        let extension = NonNull::from(find(&snapshot)?);
        Some(Self {
            _snapshot: snapshot,
            extension,
        })
    }

    /// The extension by itself, to be kept for as long as one likes.
    #[inline]
    pub fn to_arc(&self) -> Arc<CachedExtension> {
        Arc::clone(self.extension())
    }

    #[inline]
    fn extension(&self) -> &Arc<CachedExtension> {
        // SAFETY: It was made from a reference that borrowed from `snapshot` ([`Self::find`]). The snapshot behind
        // that counted pointer never moves and never changes (`with_changes` makes another one), and it
        // lives at least as long as `self`, whose borrow the reference gets.
        unsafe { self.extension.as_ref() }
    }
}

impl Deref for Found {
    type Target = CachedExtension;

    #[inline]
    fn deref(&self) -> &CachedExtension {
        self.extension()
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.extension().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::cache::extension::tests::extension;
    use crate::cache::{Change, Head, RegistryCache};

    fn head(revision: i64) -> Head {
        Head {
            registry_id: "r".into(),
            revision,
            hash: Vec::new(),
        }
    }

    fn is_send_and_sync<T: Send + Sync>() {}

    #[test]
    fn what_it_is_made_of_may_go_to_other_threads() {
        is_send_and_sync::<Guard<Arc<Snapshot>>>();
        is_send_and_sync::<&Arc<CachedExtension>>();
    }

    #[test]
    fn what_was_found_stays_as_it_was_and_may_go_elsewhere() {
        let extensions = ["a", "b"].map(|id| extension(id, true)).to_vec();
        let before = Snapshot::new(head(1), DateTime::UNIX_EPOCH, extensions);
        let changes = vec![
            Change::Put(extension("a", false)),
            Change::Remove("b".into()),
        ];
        let after = before.with_changes(head(2), DateTime::UNIX_EPOCH, changes);
        let cache = RegistryCache::detached(before);

        // More than a thread has places for.
        let found: Vec<_> = (0..20)
            .map(|number| match number % 2 {
                0 => cache.lookup("a").unwrap(),
                _ => cache.lookup_by_subject("test.b").unwrap(),
            })
            .collect();
        let kept = found[1].to_arc();
        cache.shared.snapshot.store(after.into());
        assert!(!cache.lookup("a").unwrap().enabled());
        assert!(cache.lookup("b").is_none());
        std::thread::spawn(move || {
            for pair in found.chunks(2) {
                assert!(pair[0].enabled() && pair[0].id() == "a");
                assert_eq!(pair[1].id(), "b");
            }
        })
        .join()
        .unwrap();
        assert_eq!(kept, extension("b", true));
        // The snapshot is held by the cache alone, so that it can be freed.
        assert_eq!(Arc::strong_count(&cache.snapshot()), 2);
    }
}
