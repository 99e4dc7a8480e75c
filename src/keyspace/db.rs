//! A stripe's share of one database: a hash index over a slab of entries (`entries`).
//!
//! ```text
//!   index: hash -> position      entries: [ key, value, expiry | free | key, value, expiry | ... ]
//!   deadlines: (expiry, position) in order, only for entries that have one
//!   fields:    (expiry, position) in order, only for hashes of which a field has one: that of the first
//!   alarms:    (time, position) in order, only for streams that something happens to by itself
//! ```
//!
//! A slab position is stable while its entry lives, so it serves as the cursor of SCAN: an entry present throughout a
//! sweep is met exactly once. Positions, not keys, stand in the index and the orders.
//!
//! An alarm tells when a stream is to be looked at, in steady time. It may be too early, never too late: who looks sets the next one. A stream
//! that comes to a table with anything to wait for is to be looked at once.
//!
//! A snapshot may be walking through the table (see `walk`): `entry_mut`, `remove` and `set_deadline_ms`, the only ways to change
//! what is there, preserve for it what it has yet to visit.

mod entries;
mod sample;

use super::usage::{Counting, NEW_FREQUENCY, Usage};
use super::walk::{Held, POSITIONS_PER_SLICE, Preserved, Walk};
use crate::data::{Kind, Stream, Value};
use ahash::RandomState;
use entries::Entries;
use hashbrown::HashTable;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::num::NonZero;

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
    usage: Usage,
    /// That of the table, if the entry was born, visited or preserved since the walk began.
    epoch: Epoch,
}

/// Numbers walks; it may begin again from 0, since every walk renews the epochs of what it visits.
type Epoch = [u8; 3];

const _: () = assert!(size_of::<Entry>() == 56);

impl Entry {
    /// When the entry expires, Unix milliseconds, or `NEVER`.
    pub fn deadline_ms(&self) -> i64 {
        self.deadline_ms
    }

    /// How recently and how often it was used.
    pub fn usage(&self) -> Usage {
        self.usage
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
    entries: Entries,
    deadlines: BTreeSet<(i64, u32)>,
    fields: BTreeSet<(i64, u32)>,
    alarms: BTreeSet<(u64, u32)>,
    hasher: RandomState,
    /// Where `position` found the last key. The next is mostly the same; what stands there by then is compared with it.
    last: Cell<usize>,
    /// Where sampling the deadlines goes on.
    sampled: (i64, u32),
    /// Goes up with every walk.
    epoch: Epoch,
    walk: Option<Box<Walk>>,
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

    /// Number of hashes of which a field has an expiry.
    pub fn field_volatile_len(&self) -> usize {
        self.fields.len()
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
    #[inline]
    pub fn position(&self, key: &[u8]) -> Option<usize> {
        let last = self.last.get();
        match self.entries.get(last) {
            Some(entry) if *entry.key == *key => Some(last),
            _ => self.look_up(key),
        }
    }

    #[inline(never)]
    fn look_up(&self, key: &[u8]) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        let found = self.index.find(hash, |&position| {
            *self.entries[position as usize].key == *key
        });
        let position = *found? as usize;
        self.last.set(position);
        Some(position)
    }

    /// The entry at a position that `position` returned.
    #[inline]
    pub fn entry(&self, position: usize) -> &Entry {
        &self.entries[position]
    }

    /// The entry at a position that `position` returned, to be changed.
    #[inline]
    pub fn entry_mut(&mut self, position: usize) -> &mut Entry {
        if self.walk.is_some() {
            self.preserve(position);
        }
        &mut self.entries[position]
    }

    /// Notes that the entry at `position` is used now, and counts that if so wanted.
    #[inline]
    pub fn touch(&mut self, position: usize, now_ms: i64, counting: Option<Counting>) {
        self.entries[position].usage.touch(now_ms, counting);
    }

    /// Asks of the entry at `position` whether it may be used as it is; if so, and `touch` is true, notes that it is.
    #[inline(always)]
    pub fn use_if(
        &mut self,
        position: usize,
        (now_ms, touch, counting): (i64, bool, Option<Counting>),
        may: impl FnOnce(&Entry) -> bool,
    ) -> bool {
        let entry = &mut self.entries[position];
        let is_used = may(entry);
        if is_used && touch {
            entry.usage.touch(now_ms, counting);
        }
        is_used
    }

    /// Says how the entry at `position` was used, whatever it was before.
    pub fn set_usage(&mut self, position: usize, usage: Usage) {
        self.entries[position].usage = usage;
    }

    /// The entry at `position`, if there is one: for sweeps.
    pub fn entry_at(&self, position: usize) -> Option<&Entry> {
        self.entries.get(position)
    }

    /// One past the highest position in use: where a sweep ends.
    pub fn positions(&self) -> usize {
        let last = self.entries.iter().next_back();
        last.map_or(0, |(position, _)| position + 1)
    }

    /// Adds an entry for a key that has none; returns its position.
    pub fn insert(&mut self, key: &[u8], value: Value, now_ms: i64) -> usize {
        debug_assert!(self.position(key).is_none());
        let mut entry = Entry {
            key: key.into(),
            value,
            deadline_ms: NEVER,
            usage: Usage::new(now_ms, NEW_FREQUENCY),
            epoch: self.epoch,
        };
        entry.settle();
        let position = self.entries.insert(entry);
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.index
            .insert_unique(hasher.hash_one(key), position as u32, |&other| {
                hasher.hash_one(&*entries[other as usize].key)
            });
        self.await_first_look(position);
        position
    }

    /// Puts another value in the place of the one that the entry at `position` has.
    pub fn replace(&mut self, position: usize, value: Value) -> Value {
        let old = self.entry_mut(position).replace(value);
        if let Value::Hash(hash) = &old {
            self.forget_fields(position, hash.noted_ms);
        }
        self.await_first_look(position);
        old
    }

    /// The entry at `position` has another value: a stream is to be looked at, and so is a hash when its first field expires.
    fn await_first_look(&mut self, position: usize) {
        if let Value::Hash(hash) = &mut self.entries[position].value {
            hash.noted_ms = None;
            self.note_fields(position);
        }
        if let Some(stream) = self.stream_at(position) {
            stream.alarm_ms = None;
            if stream.waits_for_time() {
                self.set_alarm(position, 0);
            }
        }
    }

    /// Notes when the first field expires of what may be a hash, at `position`. True if it was not known before.
    #[inline]
    pub fn note_fields(&mut self, position: usize) -> bool {
        let Value::Hash(hash) = &mut self.entries[position].value else {
            return false;
        };
        let next_ms = hash.next_expiry_ms().and_then(NonZero::new);
        let noted_ms = std::mem::replace(&mut hash.noted_ms, next_ms);
        if noted_ms == next_ms {
            return false;
        }
        self.forget_fields(position, noted_ms);
        self.fields
            .extend(next_ms.map(|ms| (ms.get(), position as u32)));
        true
    }

    fn forget_fields(&mut self, position: usize, noted_ms: Option<NonZero<i64>>) {
        if let Some(noted_ms) = noted_ms {
            self.fields.remove(&(noted_ms.get(), position as u32));
        }
    }

    /// When the first field of a hash expires.
    #[inline]
    pub fn next_field_ms(&self) -> Option<i64> {
        self.fields.first().map(|(expires_ms, _)| *expires_ms)
    }

    /// The position of a hash of which a field's time is up.
    pub fn first_due_fields(&self, now_ms: i64) -> Option<usize> {
        self.fields
            .first()
            .filter(|(expires_ms, _)| *expires_ms <= now_ms)
            .map(|(_, position)| *position as usize)
    }

    /// Sees to it that the stream at `position` is looked at no later than `at_ms`, steady time. True if it would have been later.
    pub fn set_alarm(&mut self, position: usize, at_ms: u64) -> bool {
        let Some(stream) = self.stream_at(position) else {
            return false;
        };
        let before = stream.alarm_ms;
        if before.is_some_and(|before_ms| before_ms <= at_ms) {
            return false;
        }
        stream.alarm_ms = Some(at_ms);
        if let Some(before_ms) = before {
            self.alarms.remove(&(before_ms, position as u32));
        }
        self.alarms.insert((at_ms, position as u32));
        true
    }

    /// A stream that is to be looked at by `now_ms`: who looks silences its alarm first, and then sets the next one.
    pub fn due_alarm(&mut self, now_ms: u64) -> Option<usize> {
        while let Some(&(at_ms, position)) = self.alarms.first() {
            if at_ms > now_ms {
                return None;
            }
            let stream = self.stream_at(position as usize);
            if stream.is_some_and(|stream| stream.alarm_ms == Some(at_ms)) {
                return Some(position as usize);
            }
            // A stream that went away has left its alarm behind.
            self.alarms.pop_first();
        }
        None
    }

    /// Takes the first alarm, which is due.
    pub fn silence_alarm(&mut self) {
        if let Some((_, position)) = self.alarms.pop_first()
            && let Some(stream) = self.stream_at(position as usize)
        {
            stream.alarm_ms = None;
        }
    }

    /// When the first stream is to be looked at, steady milliseconds.
    pub fn next_alarm_ms(&self) -> Option<u64> {
        self.alarms.first().map(|(at_ms, _)| *at_ms)
    }

    /// Every stream that has an alarm is to be looked at.
    pub fn sound_alarms(&mut self) {
        for (at_ms, position) in std::mem::take(&mut self.alarms) {
            let stream = self.stream_at(position as usize);
            if let Some(stream) = stream.filter(|stream| stream.alarm_ms == Some(at_ms)) {
                stream.alarm_ms = None;
                self.set_alarm(position as usize, 0);
            }
        }
    }

    /// All that streams count of what happened to them is 0.
    pub fn count_anew(&mut self) {
        for entry in self.entries.iter_mut() {
            if let Value::Stream(stream) = &mut entry.value {
                stream.count_anew();
            }
        }
    }

    /// The stream at `position`, for its alarm only, which is no part of what a snapshot saves.
    fn stream_at(&mut self, position: usize) -> Option<&mut Stream> {
        Stream::of_mut(&mut self.entries.get_mut(position)?.value)
    }

    /// Removes the entry at `position`.
    pub fn remove(&mut self, position: usize) -> Entry {
        if self.walk.is_some() {
            self.preserve(position);
        }
        let entry = self.entries.remove(position);
        if entry.deadline_ms != NEVER {
            self.deadlines.remove(&(entry.deadline_ms, position as u32));
        }
        if let Value::Hash(hash) = &entry.value {
            self.forget_fields(position, hash.noted_ms);
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
        let entry = self.entry_mut(position);
        let old_ms = entry.deadline_ms;
        entry.deadline_ms = deadline_ms;
        entry.settle();
        if old_ms != NEVER {
            self.deadlines.remove(&(old_ms, position as u32));
        }
        if deadline_ms != NEVER {
            self.deadlines.insert((deadline_ms, position as u32));
        }
    }

    /// The earliest deadline, of an entry or of a field.
    pub fn next_deadline_ms(&self) -> i64 {
        let firsts = [self.deadlines.first(), self.fields.first()];
        let times = firsts.into_iter().flatten().map(|(time_ms, _)| *time_ms);
        times.min().unwrap_or(NEVER)
    }

    /// When the first key expires, fields aside; `NEVER` for none.
    pub fn next_key_deadline_ms(&self) -> i64 {
        self.deadlines
            .first()
            .map_or(NEVER, |(time_ms, _)| *time_ms)
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

    /// A snapshot begins here, which will save the entries as those of database `number`.
    pub(super) fn begin_walk(&mut self, number: usize) {
        assert!(self.walk.is_none(), "one walk at a time");
        let [low, middle, high] = self.epoch;
        let next = u32::from_le_bytes([low, middle, high, 0]).wrapping_add(1);
        self.epoch = [next as u8, (next >> 8) as u8, (next >> 16) as u8];
        if !self.is_empty() {
            self.walk = Some(Box::new(Walk {
                db: number,
                cursor: 0,
                end: self.entries.end(),
                preserved: Vec::new(),
            }));
        }
    }

    /// The walk that is under way.
    pub fn walk(&self) -> Option<&Walk> {
        self.walk.as_deref()
    }

    /// Ends the walk; gives what is left of it.
    pub fn end_walk(&mut self) -> Option<Box<Walk>> {
        self.walk.take()
    }

    /// Gives what was preserved since the last visit.
    pub fn take_preserved(&mut self) -> Vec<Preserved> {
        self.walk
            .as_deref_mut()
            .map_or_else(Vec::new, |walk| std::mem::take(&mut walk.preserved))
    }

    /// Goes on with the walk: the next entries go to `visit` until it returns false, `POSITIONS_PER_SLICE` have been looked at, or
    /// none is left. True in the last case.
    pub fn walk_on(&mut self, mut visit: impl FnMut(&mut Entry) -> bool) -> bool {
        let Some(walk) = self.walk.as_deref_mut() else {
            return true;
        };
        let slice_end = walk.end.min(walk.cursor + POSITIONS_PER_SLICE);
        while walk.cursor < slice_end {
            let entry = self.entries.get_mut(walk.cursor);
            walk.cursor += 1;
            let Some(old) = entry.filter(|entry| entry.epoch != self.epoch) else {
                continue;
            };
            old.epoch = self.epoch;
            if !visit(old) {
                break;
            }
        }
        walk.cursor == walk.end
    }

    /// Keeps the entry at `position` for the walk as it is now, unless it has it or the entry was not there when it began.
    #[cold]
    fn preserve(&mut self, position: usize) {
        let entry = &mut self.entries[position];
        let Some(walk) = self.walk.as_deref_mut() else {
            return;
        };
        if position < walk.cursor || entry.epoch == self.epoch {
            return;
        }
        entry.epoch = self.epoch;
        // What is shared with a value that goes on changing counts as held too: it may be removed yet.
        let held = Held::new(entry.value.heap_bytes() + entry.key.len());
        walk.preserved.push(Preserved {
            held,
            key: entry.key.clone(),
            deadline_ms: entry.deadline_ms,
            usage: entry.usage,
            value: entry.value.freeze(),
        });
    }

    /// Bytes of the tables, without keys and values.
    pub fn table_bytes(&self) -> usize {
        self.entries.bytes()
            + self.index.allocation_size()
            + (self.deadlines.len() + self.fields.len()) * 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Blob;
    use crate::data::StrValue;

    #[test]
    fn a_key_is_found_where_it_is_whoever_was_there_before() {
        let mut db = Db::default();
        let value = || Value::Str(StrValue::text(Blob::from(&b"value"[..])));
        let place = db.insert(b"a", value(), 0);
        assert_eq!(db.position(b"a"), Some(place));
        db.remove(place);
        assert_eq!(db.position(b"a"), None);
        assert_eq!(db.insert(b"b", value(), 0), place);
        assert_eq!(db.position(b"a"), None);
        assert_eq!(db.position(b"b"), Some(place));
        let other = db.insert(b"a", value(), 0);
        assert_eq!(
            (db.position(b"a"), db.position(b"b")),
            (Some(other), Some(place))
        );
    }
}
