//! A stripe's share of one database: a hash index over a slab of entries.
//!
//! ```text
//!   index: hash -> position      entries: [ key, value, expiry | free | key, value, expiry | ... ]
//!   deadlines: (expiry, position) in order, only for entries that have one
//! ```
//!
//! A slab position is stable while its entry lives, so it serves as the cursor of SCAN: an entry present throughout a
//! sweep is met exactly once. Positions, not keys, stand in the index and in `deadlines`.

use crate::data::Value;
use ahash::RandomState;
use hashbrown::HashTable;
use slab::Slab;
use std::collections::BTreeSet;

/// The deadline of an entry that does not expire.
pub const NEVER: i64 = i64::MAX;
/// The latest deadline there is: what would be later is put at that.
pub const LAST_DEADLINE_MS: i64 = NEVER - 1;

/// A key and what it holds.
#[derive(Debug)]
pub struct Entry {
    /// The key.
    pub key: Box<[u8]>,
    /// The value.
    pub value: Value,
    deadline_ms: i64,
    /// When it was last read or written, Unix milliseconds; for OBJECT IDLETIME.
    pub used_ms: i64,
}

impl Entry {
    /// When the entry expires, Unix milliseconds, or `NEVER`.
    pub fn deadline_ms(&self) -> i64 {
        self.deadline_ms
    }

    /// Puts another value in the place of the one it has.
    pub fn replace(&mut self, value: Value) -> Value {
        let old = std::mem::replace(&mut self.value, value);
        self.settle();
        old
    }

    /// A string's encoding depends on what stands beside it; see `StrValue::settle_beside`.
    fn settle(&mut self) {
        if let Value::Str(string) = &mut self.value {
            string.settle_beside(self.key.len(), self.deadline_ms != NEVER);
        }
    }

    /// When the entry expires, Unix milliseconds.
    pub fn expires_ms(&self) -> Option<i64> {
        (self.deadline_ms != NEVER).then_some(self.deadline_ms)
    }
}

/// See the module's description.
#[derive(Default)]
pub struct Db {
    index: HashTable<u32>,
    entries: Slab<Entry>,
    deadlines: BTreeSet<(i64, u32)>,
    hasher: RandomState,
}

impl Db {
    /// Number of entries, expired ones that have not been removed yet included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of entries that have an expiry.
    pub fn volatile_len(&self) -> usize {
        self.deadlines.len()
    }

    /// Mean time to live of the entries that have an expiry, milliseconds, from at most `sample` of them.
    pub fn mean_ttl_ms(&self, now_ms: i64, sample: usize) -> i64 {
        let (sum, count) = self.deadlines.iter().take(sample).fold(
            (0i64, 0i64),
            |(sum, count), (deadline_ms, _)| {
                (sum.saturating_add((deadline_ms - now_ms).max(0)), count + 1)
            },
        );
        if count == 0 { 0 } else { sum / count }
    }

    /// The position of `key`'s entry.
    #[inline(always)]
    pub fn position(&self, key: &[u8]) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        self.index
            .find(hash, |&position| {
                *self.entries[position as usize].key == *key
            })
            .map(|&position| position as usize)
    }

    /// The entry at a position that `position` returned.
    #[inline]
    pub fn entry(&self, position: usize) -> &Entry {
        &self.entries[position]
    }

    /// The entry at a position that `position` returned.
    #[inline]
    pub fn entry_mut(&mut self, position: usize) -> &mut Entry {
        &mut self.entries[position]
    }

    /// The entry at `position`, if there is one: for sweeps.
    pub fn entry_at(&self, position: usize) -> Option<&Entry> {
        self.entries.get(position)
    }

    /// One past the highest position in use: where a sweep ends.
    pub fn positions(&self) -> usize {
        self.entries.capacity().min(
            self.entries
                .iter()
                .next_back()
                .map_or(0, |(position, _)| position + 1),
        )
    }

    /// Adds an entry for a key that has none; returns its position.
    pub fn insert(&mut self, key: &[u8], value: Value, now_ms: i64) -> usize {
        debug_assert!(self.position(key).is_none());
        let mut entry = Entry {
            key: key.into(),
            value,
            deadline_ms: NEVER,
            used_ms: now_ms,
        };
        entry.settle();
        let position = self.entries.insert(entry);
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.index
            .insert_unique(hasher.hash_one(key), position as u32, |&other| {
                hasher.hash_one(&*entries[other as usize].key)
            });
        position
    }

    /// Removes the entry at `position`.
    pub fn remove(&mut self, position: usize) -> Entry {
        let entry = self.entries.remove(position);
        if entry.deadline_ms != NEVER {
            self.deadlines.remove(&(entry.deadline_ms, position as u32));
        }
        let hash = self.hasher.hash_one(&*entry.key);
        self.index
            .find_entry(hash, |&other| other as usize == position)
            .expect("every entry is in the index")
            .remove();
        entry
    }

    /// Sets when the entry at `position` expires; `NEVER` for not at all.
    pub fn set_deadline_ms(&mut self, position: usize, deadline_ms: i64) {
        let entry = &mut self.entries[position];
        if entry.deadline_ms != NEVER {
            self.deadlines.remove(&(entry.deadline_ms, position as u32));
        }
        entry.deadline_ms = deadline_ms;
        entry.settle();
        if deadline_ms != NEVER {
            self.deadlines.insert((deadline_ms, position as u32));
        }
    }

    /// The earliest deadline.
    pub fn next_deadline_ms(&self) -> i64 {
        self.deadlines
            .first()
            .map_or(NEVER, |(deadline_ms, _)| *deadline_ms)
    }

    /// The position of an entry whose deadline has come.
    pub fn first_due(&self, now_ms: i64) -> Option<usize> {
        self.deadlines
            .first()
            .filter(|(deadline_ms, _)| *deadline_ms <= now_ms)
            .map(|(_, position)| *position as usize)
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    /// Bytes of the tables, without keys and values.
    pub fn table_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.index.allocation_size()
            + self.deadlines.len() * 32
    }
}
