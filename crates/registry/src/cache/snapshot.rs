//! All extensions at one revision, indexed.

use std::hash::BuildHasher;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use smol_str::SmolStr;

use super::extension::CachedExtension;
use super::ordered::OrderedExtensions;
use crate::extensions::ExtensionType;

/// How many extensions a shard of a fresh index has: 1,024 places, of which a table fills seven eighths
/// before it doubles, less four standard deviations.
const SHARD_LENGTH: usize = 780;

/// Which state of which registry a snapshot shows: the end of its audit chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
    /// Which registry: `registry_head.registry_id`.
    pub registry_id: String,
    /// Its revision.
    pub revision: i64,
    /// The hash of the entry with that revision.
    pub hash: Vec<u8>,
}

/// All extensions of a registry at one revision: immutable, to be shared.
///
/// [`Self::with_changes`] makes the next one and copies what changes alone: per changed extension one shard
/// of each index and one chunk of the list of its type, some thousand pointers at a million extensions.
#[derive(Clone, Debug)]
pub struct Snapshot {
    head: Head,
    read_at: DateTime<Utc>,
    hasher: RandomState,
    by_id: Index<IdEntry>,
    by_subject: Index<Arc<CachedExtension>>,
    by_type: [OrderedExtensions; TYPES.len()],
}

/// What became of one extension.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is there now and looks like this.
    Put(Arc<CachedExtension>),
    /// It is not there any more.
    Remove(Box<str>),
}

impl Change {
    /// The extension that changed.
    pub fn id(&self) -> &str {
        match self {
            Self::Put(extension) => extension.id(),
            Self::Remove(id) => id,
        }
    }
}

impl Snapshot {
    /// Indexes extensions, each id and each subject once, in any order.
    pub fn new(
        head: Head,
        read_at: DateTime<Utc>,
        mut extensions: Vec<Arc<CachedExtension>>,
    ) -> Self {
        let hasher = RandomState::default();
        let by_id = Index::build(extensions.iter().map(IdEntry::new), |entry| {
            hasher.hash_one(entry.id.as_str())
        });
        let by_subject = Index::build(extensions.iter().cloned(), |extension| {
            hasher.hash_one(extension.subject())
        });
        extensions.retain(|extension| extension.enabled());
        sort_by_id(&mut extensions);
        let by_type = TYPES.map(|extension_type| {
            let of_type: Vec<_> = extensions
                .iter()
                .filter(|extension| extension.extension_type() == extension_type)
                .cloned()
                .collect();
            OrderedExtensions::from_ordered(&of_type)
        });
        Self {
            head,
            read_at,
            hasher,
            by_id,
            by_subject,
            by_type,
        }
    }

    /// A snapshot of nothing, before anything was read.
    pub(crate) fn empty() -> Self {
        let nothing = Head {
            registry_id: String::new(),
            revision: 0,
            hash: Vec::new(),
        };
        Self::new(nothing, DateTime::UNIX_EPOCH, Vec::new())
    }

    /// The state of the registry that this shows.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// When it was read from the database.
    pub fn read_at(&self) -> DateTime<Utc> {
        self.read_at
    }

    /// The extension of this id, enabled or not: ask [`CachedExtension::enabled`].
    pub fn lookup(&self, id: &str) -> Option<&Arc<CachedExtension>> {
        self.by_id
            .find(self.hasher.hash_one(id), |entry| entry.id == id)
            .map(|entry| &entry.extension)
    }

    /// The extension that answers on this subject, enabled or not: ask [`CachedExtension::enabled`].
    pub fn lookup_by_subject(&self, subject: &str) -> Option<&Arc<CachedExtension>> {
        self.by_subject
            .find(self.hasher.hash_one(subject), |extension| {
                extension.subject() == subject
            })
    }

    /// The enabled extensions of this type, ordered by id.
    pub fn lookup_by_type(&self, extension_type: ExtensionType) -> &OrderedExtensions {
        &self.by_type[place_of(extension_type)]
    }

    /// The first `at_most` enabled extensions of these types, of all if none is named, whose ids come after `id`, ordered
    /// by id (by its bytes).
    pub fn enabled_after(
        &self,
        types: &[ExtensionType],
        id: &str,
        at_most: usize,
    ) -> Vec<Arc<CachedExtension>> {
        let mut lists: Vec<_> = TYPES
            .into_iter()
            .filter(|of_type| types.is_empty() || types.contains(of_type))
            .map(|of_type| self.lookup_by_type(of_type).after(id).peekable())
            .collect();
        let mut found = Vec::new();
        while found.len() < at_most {
            // There are four lists at the most: looking at each costs less than keeping them in order.
            let nearest = lists
                .iter_mut()
                .filter_map(|list| {
                    let next = list.peek().copied()?;
                    Some((next.id(), list))
                })
                .min_by_key(|(id, _)| *id);
            match nearest.and_then(|(_, list)| list.next()) {
                Some(next) => found.push(Arc::clone(next)),
                None => break,
            }
        }
        found
    }

    /// How many extensions there are, enabled or not.
    pub fn len(&self) -> usize {
        self.by_id.length
    }

    /// Whether there is no extension.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many extensions are enabled.
    pub fn enabled_count(&self) -> usize {
        self.by_type.iter().map(OrderedExtensions::len).sum()
    }

    /// All extensions in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<CachedExtension>> {
        let shards = self.by_id.shards.iter();
        shards.flat_map(|shard| shard.iter().map(|entry| &entry.extension))
    }

    /// The snapshot after these changes, at most one for each id.
    #[must_use]
    pub fn with_changes(&self, head: Head, read_at: DateTime<Utc>, changes: Vec<Change>) -> Self {
        let mut next = Self {
            head,
            read_at,
            ..self.clone()
        };
        // All that goes before all that comes: two extensions may have swapped their subjects.
        for change in &changes {
            next.remove(change.id());
        }
        for change in changes {
            if let Change::Put(extension) = change {
                next.insert(extension);
            }
        }
        next
    }

    fn remove(&mut self, id: &str) {
        let hash = self.hasher.hash_one(id);
        let Some(IdEntry { extension, .. }) = self.by_id.remove(hash, |entry| entry.id == id)
        else {
            return;
        };
        self.by_subject
            .remove(self.hasher.hash_one(extension.subject()), |other| {
                other.id() == id
            });
        if extension.enabled() {
            self.by_type[place_of(extension.extension_type())].remove(id);
        }
    }

    fn insert(&mut self, extension: Arc<CachedExtension>) {
        let hasher = &self.hasher;
        self.by_id.insert(IdEntry::new(&extension), |entry| {
            hasher.hash_one(entry.id.as_str())
        });
        self.by_subject.insert(Arc::clone(&extension), |extension| {
            hasher.hash_one(extension.subject())
        });
        if extension.enabled() {
            self.by_type[place_of(extension.extension_type())].insert(extension);
        }
    }

    /// The ids of the extensions that differ between `older` and this; none if there are more than `at_most`.
    pub(crate) fn ids_that_differ_from(
        &self,
        older: &Self,
        at_most: usize,
    ) -> Option<Vec<Box<str>>> {
        if self.len().abs_diff(older.len()) > at_most {
            return None;
        }
        let mut ids = Vec::new();
        let mut common_count = 0;
        for extension in self.iter() {
            let other = older.lookup(extension.id());
            common_count += usize::from(other.is_some());
            if other.is_none_or(|other| !Arc::ptr_eq(other, extension) && other != extension) {
                ids.push(extension.id().into());
                if ids.len() > at_most {
                    return None;
                }
            }
        }
        if common_count < older.len() {
            let removed = older
                .iter()
                .filter(|extension| self.lookup(extension.id()).is_none());
            ids.extend(removed.map(|extension| Box::from(extension.id())));
        }
        (ids.len() <= at_most).then_some(ids)
    }
}

/// The types in the order of the lists in [`Snapshot::by_type`].
const TYPES: [ExtensionType; 4] = [
    ExtensionType::Pre,
    ExtensionType::Validator,
    ExtensionType::Post,
    ExtensionType::Provider,
];

fn place_of(extension_type: ExtensionType) -> usize {
    match extension_type {
        ExtensionType::Pre => 0,
        ExtensionType::Validator => 1,
        ExtensionType::Post => 2,
        ExtensionType::Provider => 3,
    }
}

/// Orders by id. Ids are scattered in memory: most comparisons are decided by 16 bytes that are not.
fn sort_by_id(extensions: &mut Vec<Arc<CachedExtension>>) {
    if extensions.is_sorted_by(|one, other| one.id() <= other.id()) {
        return;
    }
    let prefix_length = common_prefix_length(extensions);
    let mut keyed: Vec<(u128, Arc<CachedExtension>)> = extensions
        .drain(..)
        .map(|extension| {
            let mut key = [0; 16];
            for (byte, from) in key
                .iter_mut()
                .zip(&extension.id().as_bytes()[prefix_length..])
            {
                *byte = *from;
            }
            (u128::from_be_bytes(key), extension)
        })
        .collect();
    keyed.sort_unstable_by(|(one_key, one), (other_key, other)| {
        one_key
            .cmp(other_key)
            .then_with(|| one.id().cmp(other.id()))
    });
    extensions.extend(keyed.into_iter().map(|(_, extension)| extension));
}

/// How many bytes all ids begin with: `extension-` tells nothing.
fn common_prefix_length(extensions: &[Arc<CachedExtension>]) -> usize {
    let Some((first, others)) = extensions.split_first() else {
        return 0;
    };
    others.iter().fold(first.id().len(), |length, extension| {
        first
            .id()
            .bytes()
            .zip(extension.id().bytes())
            .take(length)
            .take_while(|(one, other)| one == other)
            .count()
    })
}

/// An extension and its id in place: up to 23 bytes are compared without following a pointer. Each place
/// far apart that a lookup reads costs about 100 ns at a million extensions.
#[derive(Clone, Debug)]
struct IdEntry {
    id: SmolStr,
    extension: Arc<CachedExtension>,
}

impl IdEntry {
    fn new(extension: &Arc<CachedExtension>) -> Self {
        Self {
            id: SmolStr::new(extension.id()),
            extension: Arc::clone(extension),
        }
    }
}

/// A hash table in shards, so that a change copies one shard.
#[derive(Clone, Debug)]
struct Index<E> {
    /// One or more.
    shards: Vec<Arc<HashTable<E>>>,
    length: usize,
}

impl<E: Clone> Index<E> {
    fn build(entries: impl ExactSizeIterator<Item = E>, hash_of: impl Fn(&E) -> u64) -> Self {
        let length = entries.len();
        let shard_count = length.div_ceil(SHARD_LENGTH).max(1);
        let mut shards: Vec<_> = (0..shard_count)
            .map(|_| HashTable::with_capacity(length / shard_count))
            .collect();
        for entry in entries {
            let hash = hash_of(&entry);
            shards[place_of_hash(hash, shard_count)].insert_unique(hash, entry, &hash_of);
        }
        Self {
            shards: shards.into_iter().map(Arc::new).collect(),
            length,
        }
    }

    fn find(&self, hash: u64, is_it: impl Fn(&E) -> bool) -> Option<&E> {
        self.shards
            .get(place_of_hash(hash, self.shards.len()))?
            .find(hash, is_it)
    }

    fn insert(&mut self, entry: E, hash_of: impl Fn(&E) -> u64) {
        let hash = hash_of(&entry);
        let place = place_of_hash(hash, self.shards.len());
        Arc::make_mut(&mut self.shards[place]).insert_unique(hash, entry, hash_of);
        self.length += 1;
    }

    fn remove(&mut self, hash: u64, is_it: impl Fn(&E) -> bool) -> Option<E> {
        let place = place_of_hash(hash, self.shards.len());
        let shard = Arc::make_mut(&mut self.shards[place]);
        let (entry, _) = shard.find_entry(hash, is_it).ok()?.remove();
        self.length -= 1;
        Some(entry)
    }
}

/// The table inside a shard uses a hash's lowest bits and its highest seven; these are those in between.
fn place_of_hash(hash: u64, shard_count: usize) -> usize {
    let bits = hash >> 25 & 0xFFFF_FFFF;
    // A multiplication instead of a division: any number of shards, not powers of two alone.
    ((bits * shard_count as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::cache::extension::ExtensionParts;
    use crate::cache::extension::tests::extension;

    fn head(revision: i64) -> Head {
        Head {
            registry_id: "r".into(),
            revision,
            hash: vec![0; 32],
        }
    }

    fn snapshot(count: usize) -> Snapshot {
        let extensions = (0..count)
            .rev()
            .map(|number| extension(&format!("e{number}"), number % 2 == 0));
        Snapshot::new(head(1), DateTime::UNIX_EPOCH, extensions.collect())
    }

    /// Every answer of a snapshot follows from the extensions in it.
    fn check(snapshot: &Snapshot, expected: &HashMap<String, Arc<CachedExtension>>) {
        assert_eq!(snapshot.len(), expected.len());
        for (id, extension) in expected {
            assert_eq!(snapshot.lookup(id), Some(extension));
            assert_eq!(
                snapshot.lookup_by_subject(extension.subject()),
                Some(extension)
            );
        }
        let mut enabled: Vec<_> = expected
            .values()
            .filter(|extension| extension.enabled())
            .collect();
        enabled.sort_by_key(|extension| extension.id().to_owned());
        let of_type: Vec<_> = snapshot.lookup_by_type(ExtensionType::Pre).iter().collect();
        assert_eq!(of_type, enabled);
        assert_eq!(snapshot.enabled_count(), enabled.len());
    }

    #[test]
    fn pages_of_all_types_together_are_in_order_and_whole() {
        let types = [
            ExtensionType::Pre,
            ExtensionType::Post,
            ExtensionType::Provider,
        ];
        let all: Vec<_> = (0..3_000)
            .map(|number| {
                let base = extension(&format!("e{}", number * 7_919 % 100_003), number % 5 > 0);
                let parts = ExtensionParts {
                    extension_type: types[number % types.len()],
                    ..base.parts()
                };
                Arc::new(CachedExtension::new(&parts).unwrap())
            })
            .collect();
        let snapshot = Snapshot::new(head(1), DateTime::UNIX_EPOCH, all.clone());
        for wanted in [&[][..], &[ExtensionType::Post], &types[1..]] {
            let mut expected: Vec<_> = all
                .iter()
                .filter(|each| each.enabled())
                .filter(|each| wanted.is_empty() || wanted.contains(&each.extension_type()))
                .cloned()
                .collect();
            expected.sort_by_key(|each| each.id().to_owned());
            let mut found: Vec<Arc<CachedExtension>> = Vec::new();
            loop {
                let after = found.last().map(|last| last.id().to_owned());
                let page = snapshot.enabled_after(wanted, &after.unwrap_or_default(), 97);
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            assert_eq!(found, expected);
        }
        let none = snapshot.enabled_after(&[ExtensionType::Validator], "", 10);
        assert!(none.is_empty());
    }

    #[test]
    fn what_is_put_is_found_and_what_is_removed_is_not() {
        let mut current = snapshot(3_000);
        let mut expected: HashMap<_, _> = current
            .iter()
            .map(|extension| (extension.id().to_owned(), extension.clone()))
            .collect();
        check(&current, &expected);
        for step in 0..300_usize {
            let (switched, added, gone) = (
                format!("e{}", step * 5),
                format!("n{step}"),
                format!("e{}", step * 7),
            );
            let switched = extension(&switched, step % 3 == 0);
            let added = extension(&added, true);
            let mut changes = vec![Change::Put(switched.clone()), Change::Put(added.clone())];
            expected.insert(switched.id().to_owned(), switched.clone());
            expected.insert(added.id().to_owned(), added);
            if switched.id() != gone {
                changes.push(Change::Remove(gone.clone().into()));
                expected.remove(&gone);
            }
            current = current.with_changes(head(2), DateTime::UNIX_EPOCH, changes);
        }
        check(&current, &expected);
    }

    #[test]
    fn a_snapshot_that_is_held_does_not_change() {
        let held = snapshot(100);
        let next = held.with_changes(
            head(2),
            DateTime::UNIX_EPOCH,
            vec![Change::Remove("e4".into())],
        );
        assert!(held.lookup("e4").is_some() && next.lookup("e4").is_none());
        assert_eq!((held.len(), next.len()), (100, 99));
        assert_eq!(next.ids_that_differ_from(&held, 1), Some(vec!["e4".into()]));
        assert_eq!(held.ids_that_differ_from(&next, 1), Some(vec!["e4".into()]));
        assert_eq!(
            held.ids_that_differ_from(&next, 0),
            None,
            "too many are not listed"
        );
    }

    #[test]
    fn two_extensions_may_swap_their_subjects() {
        let [a, b] = ["a", "b"].map(|id| extension(id, true));
        let before = Snapshot::new(head(1), DateTime::UNIX_EPOCH, vec![a.clone(), b.clone()]);
        let swapped = [(&a, &b), (&b, &a)].map(|(one, other)| {
            let mut parts = one.parts();
            parts.subject = other.subject();
            Change::Put(Arc::new(CachedExtension::new(&parts).unwrap()))
        });
        let after = before.with_changes(head(2), DateTime::UNIX_EPOCH, swapped.to_vec());
        assert_eq!(after.lookup_by_subject("test.a").unwrap().id(), "b");
        assert_eq!(after.lookup_by_subject("test.b").unwrap().id(), "a");
    }

    #[test]
    fn ids_are_ordered_whatever_they_have_in_common() {
        let ids = [
            "extension-with-a-long-name-2",
            "extension-with-a-long-name-10",
            "extension-with",
            "x",
            "extension-with-a-long-name-1",
            "b\0",
            "b",
        ];
        let extensions = ids.map(|id| extension(id, true)).to_vec();
        let snapshot = Snapshot::new(head(1), DateTime::UNIX_EPOCH, extensions);
        let mut expected = ids;
        expected.sort_unstable();
        let found: Vec<_> = snapshot
            .lookup_by_type(ExtensionType::Pre)
            .iter()
            .map(|extension| extension.id().to_owned())
            .collect();
        assert_eq!(found, expected);
    }
}
