//! An ordered set of slots, told apart and ordered by a key that each slot's owner keeps.
//!
//! Pending entries live in a slab; a group and each of its consumers find theirs by id through an index of four bytes
//! an entry. Slots stand in chunks, so that adding or taking one moves at most a chunk's worth. Both ends are the fast
//! ways: new deliveries come last, acknowledgements take from the front.
//!
//! The index does not know the keys: every call brings `key`, which looks one up by slot. No two slots of an index
//! have the same key, and no chunk is empty.

use std::collections::VecDeque;

/// Slots in a full chunk.
const CHUNK_SLOTS: usize = 256;

/// See the head of this file.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    chunks: VecDeque<VecDeque<u32>>,
    len: usize,
}

impl Index {
    pub fn len(&self) -> usize {
        self.len
    }

    /// The slot with the least key.
    pub fn first(&self) -> Option<u32> {
        self.chunks.front()?.front().copied()
    }

    /// The slot with the greatest key.
    pub fn last(&self) -> Option<u32> {
        self.chunks.back()?.back().copied()
    }

    /// Adds a slot whose key is greater than all in the index.
    #[inline]
    pub fn push_last(&mut self, slot: u32) {
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < CHUNK_SLOTS => chunk.push_back(slot),
            _ => self.chunks.push_back(VecDeque::from([slot])),
        }
        self.len += 1;
    }

    /// Adds a slot whose key is not in the index.
    pub fn insert<K: Ord>(&mut self, slot: u32, key: impl Fn(u32) -> K) {
        let new = key(slot);
        if self.last().is_none_or(|last| key(last) < new) {
            return self.push_last(slot);
        }
        let (at, within) = self.position(&new, &key);
        let chunk = &mut self.chunks[at];
        if chunk.len() < CHUNK_SLOTS {
            chunk.insert(within, slot);
        } else {
            let mut upper = chunk.split_off(CHUNK_SLOTS / 2);
            match within.checked_sub(CHUNK_SLOTS / 2) {
                Some(within) => upper.insert(within, slot),
                None => chunk.insert(within, slot),
            }
            self.chunks.insert(at + 1, upper);
        }
        self.len += 1;
    }

    /// The slot with this key.
    pub fn find<K: Ord>(&self, wanted: &K, key: impl Fn(u32) -> K) -> Option<u32> {
        let (at, within) = self.position(wanted, &key);
        let slot = *self.chunks.get(at)?.get(within)?;
        (key(slot) == *wanted).then_some(slot)
    }

    /// Takes out and returns the slot with this key.
    pub fn remove<K: Ord>(&mut self, wanted: &K, key: impl Fn(u32) -> K) -> Option<u32> {
        let (at, within) = self.position(wanted, &key);
        let chunk = self.chunks.get_mut(at)?;
        let slot = *chunk.get(within)?;
        if key(slot) != *wanted {
            return None;
        }
        chunk.remove(within);
        self.len -= 1;
        if chunk.is_empty() {
            self.chunks.remove(at);
        } else if chunk.len() < CHUNK_SLOTS / 4 {
            self.merge(at);
        }
        Some(slot)
    }

    /// Joins a chunk that has become small to the one after it, if both fit in half a chunk.
    fn merge(&mut self, at: usize) {
        if at + 1 < self.chunks.len()
            && self.chunks[at].len() + self.chunks[at + 1].len() <= CHUNK_SLOTS / 2
        {
            let next = self.chunks.remove(at + 1).expect("just seen");
            self.chunks[at].extend(next);
        }
    }

    /// The slots in key order, from the first whose key is at least `start`.
    pub fn iter_from<K: Ord>(&self, start: K, key: impl Fn(u32) -> K) -> impl Iterator<Item = u32> {
        let (at, within) = self.position(&start, &key);
        let rest = self.chunks.range((at + 1).min(self.chunks.len())..);
        let first = self
            .chunks
            .get(at)
            .into_iter()
            .flat_map(move |chunk| chunk.range(within..));
        first.chain(rest.flatten()).copied()
    }

    /// The slots in key order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.chunks.iter().flatten().copied()
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        let slots: usize = self.chunks.iter().map(VecDeque::capacity).sum();
        slots * size_of::<u32>() + self.chunks.capacity() * size_of::<VecDeque<u32>>()
    }

    /// Chunk and place of the first slot whose key is at least `wanted`; the chunk is one past the last if there is none.
    fn position<K: Ord>(&self, wanted: &K, key: &impl Fn(u32) -> K) -> (usize, usize) {
        let Some(front) = self.chunks.front() else {
            return (0, 0);
        };
        if key(front[0]) >= *wanted {
            return (0, 0);
        }
        let at = self
            .chunks
            .partition_point(|chunk| key(chunk[0]) <= *wanted)
            - 1;
        let chunk = &self.chunks[at];
        match chunk.partition_point(|&slot| key(slot) < *wanted) {
            within if within == chunk.len() => (at + 1, 0),
            within => (at, within),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Spreads keys, so that slot order and key order differ.
    fn key(slot: u32) -> u32 {
        slot.reverse_bits()
    }

    proptest! {
        #[test]
        fn behaves_like_a_sorted_set(ops in prop::collection::vec((0u32..2000, 0u8..4), 1..3000)) {
            let mut index = Index::default();
            let mut model = BTreeSet::new();
            for (slot, op) in ops {
                if op == 0 {
                    prop_assert_eq!(index.remove(&key(slot), key), model.remove(&key(slot)).then_some(slot));
                } else if model.insert(key(slot)) {
                    index.insert(slot, key);
                }
                prop_assert_eq!(index.find(&key(slot), key).is_some(), model.contains(&key(slot)));
                prop_assert_eq!(index.first().map(key), model.first().copied());
                prop_assert_eq!(index.last().map(key), model.last().copied());
            }
            prop_assert_eq!(index.len(), model.len());
            prop_assert!(index.iter().map(key).eq(model.iter().copied()));
            let middle = 1 << 30;
            prop_assert!(index.iter_from(middle, key).map(key).eq(model.range(middle..).copied()));
        }
    }

    #[test]
    fn eats_from_the_front_what_was_pushed_at_the_end() {
        let mut index = Index::default();
        (0..10_000).for_each(|slot| index.push_last(slot));
        for slot in 0..10_000 {
            assert_eq!(index.remove(&slot, |slot| slot), Some(slot));
        }
        assert!(index.len() == 0 && index.chunks.is_empty());
    }
}
