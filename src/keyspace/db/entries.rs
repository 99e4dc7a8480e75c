//! The entries of a table, each at a position that is its own while it lives: a slab in chunks.
//!
//! ```text
//!   chunks   | slots, CHUNK_SLOTS of them | ... | slots, so far |
//!   free     the position that was freed last -> the one before -> ...
//! ```
//!
//! Growing moves no entry but those of a first chunk, so it takes no longer in a large table, and what is allocated beyond what is needed is
//! less than a chunk.

use super::Entry;
use std::ops::{Index, IndexMut};

const CHUNK_BITS: u32 = 8;
const CHUNK_SLOTS: usize = 1 << CHUNK_BITS;
/// Where a list of free positions ends.
const NONE: u32 = u32::MAX;

/// See the module's description.
#[derive(Debug)]
pub struct Entries {
    chunks: Vec<Vec<Slot>>,
    len: usize,
    free: u32,
}

#[derive(Debug)]
enum Slot {
    /// And the next free position.
    Free(u32),
    Taken(Entry),
}

const _: () = assert!(size_of::<Slot>() == size_of::<Entry>());

impl Default for Entries {
    fn default() -> Self {
        Entries {
            chunks: Vec::new(),
            len: 0,
            free: NONE,
        }
    }
}

impl Entries {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One past the highest position there ever was.
    pub fn end(&self) -> usize {
        let last = self.chunks.last().map_or(0, Vec::len);
        self.chunks.len().saturating_sub(1) * CHUNK_SLOTS + last
    }

    /// Bytes of the slots.
    pub fn bytes(&self) -> usize {
        let slots: usize = match &self.chunks[..] {
            [only] => only.capacity(),
            chunks => chunks.len() * CHUNK_SLOTS,
        };
        slots * size_of::<Slot>()
    }

    /// The entry at a position, if there is one.
    #[inline]
    pub fn get(&self, position: usize) -> Option<&Entry> {
        let chunk = self.chunks.get(position >> CHUNK_BITS)?;
        match chunk.get(position % CHUNK_SLOTS) {
            Some(Slot::Taken(entry)) => Some(entry),
            _ => None,
        }
    }

    /// The entry at a position, if there is one, to be changed.
    #[inline]
    pub fn get_mut(&mut self, position: usize) -> Option<&mut Entry> {
        let chunk = self.chunks.get_mut(position >> CHUNK_BITS)?;
        match chunk.get_mut(position % CHUNK_SLOTS) {
            Some(Slot::Taken(entry)) => Some(entry),
            _ => None,
        }
    }

    /// Adds an entry; returns its position. Positions are 32 bits wide.
    pub fn insert(&mut self, entry: Entry) -> usize {
        self.len += 1;
        if self.free == NONE {
            return self.push(entry);
        }
        let position = self.free as usize;
        let slot = &mut self.chunks[position >> CHUNK_BITS][position % CHUNK_SLOTS];
        let Slot::Free(next) = std::mem::replace(slot, Slot::Taken(entry)) else {
            unreachable!("it is on the list of free ones")
        };
        self.free = next;
        position
    }

    fn push(&mut self, entry: Entry) -> usize {
        let position = self.end();
        assert!(position < NONE as usize, "a table has fewer entries");
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_SLOTS => {
                if chunk.len() == chunk.capacity() {
                    // A first chunk, as of most tables: by a quarter.
                    let room = (chunk.len() / 4).max(2);
                    chunk.reserve_exact(room.min(CHUNK_SLOTS - chunk.len()));
                }
                chunk.push(Slot::Taken(entry));
            }
            last => {
                let room = if last.is_some() { CHUNK_SLOTS } else { 1 };
                let mut chunk = Vec::with_capacity(room);
                chunk.push(Slot::Taken(entry));
                self.chunks.push(chunk);
            }
        }
        position
    }

    /// Takes out the entry at a position at which there is one.
    pub fn remove(&mut self, position: usize) -> Entry {
        let slot = &mut self.chunks[position >> CHUNK_BITS][position % CHUNK_SLOTS];
        let Slot::Taken(entry) = std::mem::replace(slot, Slot::Free(self.free)) else {
            unreachable!("there is an entry at the position")
        };
        self.free = position as u32;
        self.len -= 1;
        entry
    }

    /// All entries, by position.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &Entry)> {
        let slots = self.chunks.iter().enumerate().flat_map(|(at, chunk)| {
            let start = at * CHUNK_SLOTS;
            chunk
                .iter()
                .enumerate()
                .map(move |(n, slot)| (start + n, slot))
        });
        slots.filter_map(|(position, slot)| match slot {
            Slot::Taken(entry) => Some((position, entry)),
            Slot::Free(_) => None,
        })
    }

    /// All entries, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.chunks
            .iter_mut()
            .flatten()
            .filter_map(|slot| match slot {
                Slot::Taken(entry) => Some(entry),
                Slot::Free(_) => None,
            })
    }
}

impl Index<usize> for Entries {
    type Output = Entry;

    #[inline]
    fn index(&self, position: usize) -> &Entry {
        self.get(position)
            .expect("there is an entry at the position")
    }
}

impl IndexMut<usize> for Entries {
    #[inline]
    fn index_mut(&mut self, position: usize) -> &mut Entry {
        self.get_mut(position)
            .expect("there is an entry at the position")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{StrValue, Value};
    use crate::keyspace::Usage;

    fn entry(number: i64) -> Entry {
        Entry {
            key: Box::default(),
            value: Value::Str(StrValue::from(number)),
            deadline_ms: number,
            usage: Usage::new(0, 0),
            epoch: [0; 3],
        }
    }

    #[test]
    fn positions_hold_and_are_used_again() {
        let mut entries = Entries::default();
        assert_eq!((entries.end(), entries.bytes()), (0, 0));
        assert!(entries.get(0).is_none());
        for number in 0..1000 {
            assert_eq!(entries.insert(entry(number)), number as usize);
        }
        assert_eq!((entries.len(), entries.end()), (1000, 1000));
        for position in [7, 256, 999] {
            assert_eq!(entries.remove(position).deadline_ms, position as i64);
            assert!(entries.get(position).is_none());
        }
        assert_eq!(entries.iter().count(), 997);
        assert_eq!(entries.iter().next_back().map(|(at, _)| at), Some(998));
        assert_eq!(entries.end(), 1000);
        for (number, position) in [(2000, 999), (2001, 256), (2002, 7), (2003, 1000)] {
            assert_eq!(entries.insert(entry(number)), position);
            assert_eq!(entries[position].deadline_ms, number);
        }
        assert_eq!(entries.iter_mut().count(), 1001);
        assert_eq!(entries.bytes(), 4 * CHUNK_SLOTS * size_of::<Entry>());
    }
}
