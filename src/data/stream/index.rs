//! An ordered set of slots, told apart and ordered by a key that each slot's owner keeps.
//!
//! Pending entries live in a slab; a group and each of its consumers find theirs by id through an index of four bytes
//! an entry. Slots stand in the chunks of a [`Chunked`], so that adding or taking one moves at most a chunk's worth, and both
//! ends are fast: new deliveries come last, acknowledgements take from the front.
//!
//! The index does not know the keys: every call brings `key`, which looks one up by slot. No two slots of an index
//! have the same key.

use crate::data::chunked::{Chunked, Place};

/// Slots in a full chunk.
const CHUNK_SLOTS: usize = 1024;

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Index {
    slots: Chunked<u32, CHUNK_SLOTS>,
}

impl Index {
    /// A copy that later writes do not change.
    pub fn freeze(&mut self) -> Index {
        Index {
            slots: self.slots.freeze(),
        }
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The slot with the least key.
    pub fn first(&self) -> Option<u32> {
        self.slots.front().copied()
    }

    /// The slot with the greatest key.
    pub fn last(&self) -> Option<u32> {
        self.slots.back().copied()
    }

    /// Adds a slot whose key is greater than all in the index.
    #[inline]
    pub fn push_last(&mut self, slot: u32) {
        self.slots.push_back(slot);
    }

    /// Adds a slot whose key is not in the index.
    pub fn insert<K: Ord>(&mut self, slot: u32, key: impl Fn(u32) -> K) {
        let new = key(slot);
        if self.last().is_none_or(|last| key(last) < new) {
            return self.push_last(slot);
        }
        self.slots.insert(self.position(&new, &key), slot);
    }

    /// The slot with this key.
    pub fn find<K: Ord>(&self, wanted: &K, key: impl Fn(u32) -> K) -> Option<u32> {
        let slot = *self.slots.get(self.position(wanted, &key))?;
        (key(slot) == *wanted).then_some(slot)
    }

    /// Takes out and returns the slot with this key.
    pub fn remove<K: Ord>(&mut self, wanted: &K, key: impl Fn(u32) -> K) -> Option<u32> {
        if key(self.first()?) == *wanted {
            return self.slots.pop_front();
        }
        let place = self.position(wanted, &key);
        if key(*self.slots.get(place)?) != *wanted {
            return None;
        }
        self.slots.remove(place)
    }

    /// The slots in key order, from the first whose key is at least `start`.
    pub fn iter_from<K: Ord>(&self, start: K, key: impl Fn(u32) -> K) -> impl Iterator<Item = u32> {
        let place = self.position(&start, &key);
        self.slots.iter_from(place).copied()
    }

    /// The slots in key order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().copied()
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.slots.heap_bytes()
    }

    /// The place of the first slot whose key is at least `wanted`.
    fn position<K: Ord>(&self, wanted: &K, key: &impl Fn(u32) -> K) -> Place {
        self.slots.partition_point(|&slot| key(slot) < *wanted)
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
        fn behaves_like_a_sorted_set(ops in prop::collection::vec((0u32..4000, 0u8..4), 1..6000)) {
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
        assert!(index.len() == 0 && index.first().is_none());
    }
}
