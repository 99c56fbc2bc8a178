//! A list of extensions ordered by id that is changed without being copied.

use std::sync::Arc;

use super::extension::CachedExtension;

/// How many extensions a chunk of a fresh list has. A change copies one chunk and the list of chunks, so
/// the square root of a million would be the least work; half of that leaves room to grow.
const CHUNK_LENGTH: usize = 512;

/// A chunk that reaches this length is split in two.
const CHUNK_LENGTH_MAX: usize = 2 * CHUNK_LENGTH;

type Chunk = Vec<Arc<CachedExtension>>;

/// Extensions ordered by id (by its bytes), as they were when the list was got: later changes go to other
/// lists. Getting and cloning one is the copy of a pointer, at any length.
///
/// It is stored in chunks of at most 1,024, because one slice of a million pointers would have to be
/// copied for each change. Most programs want [`Self::iter`]; [`Self::slices`] gives the chunks.
#[derive(Clone, Debug, Default)]
pub struct OrderedExtensions {
    /// None is empty.
    chunks: Arc<Vec<Arc<Chunk>>>,
    length: usize,
}

impl OrderedExtensions {
    /// Makes a list of extensions that are in order already.
    pub(crate) fn from_ordered(extensions: &[Arc<CachedExtension>]) -> Self {
        Self {
            chunks: Arc::new(
                extensions
                    .chunks(CHUNK_LENGTH)
                    .map(|chunk| Arc::new(chunk.to_vec()))
                    .collect(),
            ),
            length: extensions.len(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The extensions in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<CachedExtension>> {
        self.slices().flatten()
    }

    /// The extensions in order, as slices of 1 to 1,024.
    pub fn slices(&self) -> impl DoubleEndedIterator<Item = &[Arc<CachedExtension>]> {
        self.chunks.iter().map(|chunk| chunk.as_slice())
    }

    /// The extensions behind this id, which need not be in the list, in order.
    pub fn after(&self, id: &str) -> impl Iterator<Item = &Arc<CachedExtension>> + use<'_> {
        let is_before = |other: &Arc<CachedExtension>| other.id() <= id;
        let chunk = self
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(is_before));
        let start = self
            .chunks
            .get(chunk)
            .map_or(0, |chunk| chunk.partition_point(is_before));
        self.chunks[chunk..]
            .iter()
            .flat_map(|chunk| chunk.iter())
            .skip(start)
    }

    /// Adds an extension whose id is not in the list.
    pub(crate) fn insert(&mut self, extension: Arc<CachedExtension>) {
        let place = self.chunk_of(extension.id());
        let chunks = Arc::make_mut(&mut self.chunks);
        self.length += 1;
        let Some(chunk) = chunks.get_mut(place) else {
            chunks.push(Arc::new(vec![extension]));
            return;
        };
        let chunk = Arc::make_mut(chunk);
        let at = chunk.partition_point(|other| other.id() < extension.id());
        chunk.insert(at, extension);
        if chunk.len() >= CHUNK_LENGTH_MAX {
            let second_half = chunk.split_off(chunk.len() / 2);
            chunks.insert(place + 1, Arc::new(second_half));
        }
    }

    /// Removes an extension if it is there.
    pub(crate) fn remove(&mut self, id: &str) {
        let place = self.chunk_of(id);
        let position = self
            .chunks
            .get(place)
            .and_then(|chunk| chunk.binary_search_by(|other| other.id().cmp(id)).ok());
        let Some(position) = position else {
            return;
        };
        let chunks = Arc::make_mut(&mut self.chunks);
        let chunk = Arc::make_mut(&mut chunks[place]);
        chunk.remove(position);
        self.length -= 1;
        if chunk.is_empty() {
            chunks.remove(place);
        }
    }

    /// The chunk that has the id or would get it: the last one that doesn't begin after it.
    fn chunk_of(&self, id: &str) -> usize {
        self.chunks
            .partition_point(|chunk| chunk.first().is_some_and(|first| first.id() <= id))
            .saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cache::extension::tests::extension;

    /// Numbers in an order that looks random and has no repetition below 100,003, a prime.
    fn scattered(count: usize) -> impl Iterator<Item = String> {
        (0..count).map(|number| format!("e{}", number * 7_919 % 100_003))
    }

    fn ids(list: &OrderedExtensions) -> Vec<&str> {
        list.iter().map(|extension| extension.id()).collect()
    }

    #[test]
    fn inserting_and_removing_keep_it_in_order() {
        let mut list = OrderedExtensions::default();
        let mut expected = BTreeSet::new();
        for (number, id) in scattered(5_000).enumerate() {
            list.insert(extension(&id, true));
            expected.insert(id);
            if number % 3 == 0 {
                let gone = expected.iter().nth(expected.len() / 2).cloned().unwrap();
                list.remove(&gone);
                expected.remove(&gone);
            }
        }
        assert_eq!(list.len(), expected.len());
        assert!(
            ids(&list)
                .into_iter()
                .eq(expected.iter().map(String::as_str))
        );
        assert!(
            list.slices()
                .all(|slice| (1..=1_024).contains(&slice.len()))
        );
        for id in &expected {
            list.remove(id);
        }
        assert!(list.is_empty() && list.slices().next().is_none());
    }

    #[test]
    fn removing_what_is_not_there_changes_nothing() {
        let mut list = OrderedExtensions::from_ordered(&[extension("b", true)]);
        list.remove("a");
        list.remove("c");
        assert_eq!(ids(&list), ["b"]);
    }

    #[test]
    fn a_list_that_was_got_stays_as_it_is() {
        let mut list = OrderedExtensions::from_ordered(&[extension("b", true)]);
        let got = list.clone();
        list.insert(extension("a", true));
        list.remove("b");
        assert_eq!((ids(&got), ids(&list)), (vec!["b"], vec!["a"]));
    }
}
