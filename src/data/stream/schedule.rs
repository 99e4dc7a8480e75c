//! Scheduled entries: they wait beside the stream for the time in their ids, which nobody can read before that.
//!
//! They stand in id order in chunks that a frozen copy shares, each packed as `count (name value)*`, numbers and lengths as varints.

use std::sync::Arc;

use super::Field;
use super::id::Id;
use super::varint;
use crate::data::chunked::{Chunked, Place};

/// Entries whose `Arc`s are frozen, and copied for a writer, together.
const CHUNK_ENTRIES: usize = 512;

/// An entry that waits.
#[derive(Clone, Debug)]
pub struct Scheduled {
    /// The id that it will have.
    pub id: Id,
    packed: Arc<[u8]>,
}

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Schedule {
    entries: Chunked<Scheduled, CHUNK_ENTRIES>,
    bytes: usize,
    payload_bytes: u64,
}

impl Scheduled {
    fn new(id: Id, fields: &[Field<'_>]) -> Scheduled {
        let mut packed = Vec::new();
        varint::put(&mut packed, fields.len() as u64);
        for (name, value) in fields {
            varint::put_bytes(&mut packed, name);
            varint::put_bytes(&mut packed, value);
        }
        Scheduled {
            id,
            packed: packed.into(),
        }
    }

    /// Bytes of its names and values.
    pub fn payload_bytes(&self) -> u64 {
        let fields = self.fields().map(|(name, value)| name.len() + value.len());
        fields.sum::<usize>() as u64
    }

    /// Its fields, in the order in which they were given.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = Field<'_>> {
        let mut at = 0;
        let count = varint::take(&self.packed, &mut at) as usize;
        (0..count).map(move |_| {
            let name = varint::take_bytes(&self.packed, &mut at);
            (name, varint::take_bytes(&self.packed, &mut at))
        })
    }
}

impl Schedule {
    /// A copy that later writes do not change.
    pub fn freeze(&mut self) -> Schedule {
        Schedule {
            entries: self.entries.freeze(),
            ..*self
        }
    }

    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if none waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The least id of this millisecond that is greater than those which wait; `None` if there is no further one.
    pub fn free_id(&self, ms: u64) -> Option<Id> {
        let place = self.place_of(Id::new(ms, u64::MAX));
        let before = self.entries.before(place);
        let last = before.and_then(|place| self.entries.get(place));
        let last = match self.entries.get(place) {
            Some(entry) if entry.id.ms == ms => Some(entry),
            _ => last.filter(|entry| entry.id.ms == ms),
        };
        match last {
            None => Some(Id::new(ms, 0)),
            Some(entry) => Some(Id::new(ms, entry.id.seq.checked_add(1)?)),
        }
    }

    /// Adds an entry. False, and nothing is added, if one with its id waits.
    pub fn add(&mut self, id: Id, fields: &[Field<'_>]) -> bool {
        let place = self.place_of(id);
        if self.entries.get(place).is_some_and(|entry| entry.id == id) {
            return false;
        }
        let entry = Scheduled::new(id, fields);
        self.bytes += entry.packed.len();
        self.payload_bytes += entry.payload_bytes();
        match place == self.entries.end() {
            true => self.entries.push_back(entry),
            false => self.entries.insert(place, entry),
        }
        true
    }

    /// Takes the entry with this id out, if it waits.
    pub fn remove(&mut self, id: Id) -> Option<Scheduled> {
        let place = self.place_of(id);
        self.entries.get(place).filter(|entry| entry.id == id)?;
        let entry = self.entries.remove(place)?;
        Some(self.taken(entry))
    }

    fn taken(&mut self, entry: Scheduled) -> Scheduled {
        self.bytes -= entry.packed.len();
        self.payload_bytes -= entry.payload_bytes();
        entry
    }

    /// Whether an entry with this id waits.
    pub fn has(&self, id: Id) -> bool {
        let entry = self.entries.get(self.place_of(id));
        entry.is_some_and(|entry| entry.id == id)
    }

    /// Bytes of the names and values of the entries that wait.
    pub fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }

    /// When the first entry is due, Unix milliseconds.
    #[inline]
    pub fn next_ms(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.id.ms)
    }

    /// Takes the first entry out if it is due.
    pub fn take_due(&mut self, now_ms: u64) -> Option<Scheduled> {
        self.next_ms().filter(|&ms| ms <= now_ms)?;
        let entry = self.entries.pop_front()?;
        Some(self.taken(entry))
    }

    /// The entries from `start` on, in the order in which they are due.
    pub fn iter_from(&self, start: Id) -> impl Iterator<Item = &Scheduled> {
        self.entries.iter_from(self.place_of(start))
    }

    /// How many entries wait with ids in `start..=end`. Costs a step for each chunk, not for each entry.
    pub fn count(&self, start: Id, end: Id) -> usize {
        let behind = end
            .next()
            .map_or(self.entries.end(), |id| self.place_of(id));
        let [from, to] = [self.place_of(start), behind].map(|place| self.entries.number_of(place));
        to.saturating_sub(from)
    }

    fn place_of(&self, id: Id) -> Place {
        // Delays are mostly alike, so that the next entry is mostly the last.
        match self.entries.back() {
            Some(last) if last.id < id => self.entries.end(),
            _ => self.entries.partition_point(|entry| entry.id < id),
        }
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        const ARC_COUNTS_BYTES: usize = 2 * size_of::<usize>();
        self.entries.heap_bytes() + self.bytes + self.entries.len() * ARC_COUNTS_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(schedule: &Schedule) -> Vec<(u64, u64)> {
        let entries = schedule.iter_from(Id::MIN);
        entries.map(|entry| (entry.id.ms, entry.id.seq)).collect()
    }

    #[test]
    fn entries_wait_in_the_order_of_their_ids_and_leave_when_due() {
        let mut schedule = Schedule::default();
        for (ms, value) in [(30, "c"), (10, "a"), (20, "b"), (10, "d")] {
            let id = schedule.free_id(ms).unwrap();
            assert!(schedule.add(id, &[(b"f", value.as_bytes()), (b"", b"")]));
        }
        assert!(!schedule.add(Id::new(20, 0), &[]));
        assert_eq!(ids(&schedule), [(10, 0), (10, 1), (20, 0), (30, 0)]);
        assert_eq!(schedule.payload_bytes(), 8);
        assert!(schedule.has(Id::new(20, 0)) && !schedule.has(Id::new(20, 1)));
        let count = |start, end| schedule.count(Id::new(start, 0), Id::new(end, 0));
        assert_eq!(
            [count(0, 99), count(10, 10), count(11, 20), count(20, 10)],
            [4, 1, 1, 0]
        );
        assert_eq!(schedule.count(Id::MIN, Id::MAX), 4);
        assert_eq!(schedule.free_id(10), Some(Id::new(10, 2)));
        assert_eq!(schedule.free_id(15), Some(Id::new(15, 0)));
        let frozen = schedule.freeze();
        assert!(schedule.remove(Id::new(10, 0)).is_some());
        assert!(schedule.remove(Id::new(10, 0)).is_none());
        assert!(schedule.take_due(9).is_none());
        let due = schedule.take_due(10).unwrap();
        assert_eq!(due.id, Id::new(10, 1));
        assert!(due.fields().eq([(&b"f"[..], &b"d"[..]), (b"", b"")]));
        assert_eq!(schedule.take_due(100).unwrap().id, Id::new(20, 0));
        assert_eq!(ids(&schedule), [(30, 0)]);
        assert_eq!(ids(&frozen).len(), 4);
        assert!(schedule.add(Id::new(40, u64::MAX), &[]));
        assert_eq!(schedule.free_id(40), None);
    }

    #[test]
    fn many_wait_as_well_as_few() {
        let mut schedule = Schedule::default();
        let mut state = 1u64;
        for _ in 0..20_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let id = schedule.free_id(state >> 54).unwrap();
            assert!(schedule.add(id, &[(b"f", b"v")]));
        }
        let all = ids(&schedule);
        assert!(all.is_sorted());
        let within = all
            .iter()
            .filter(|(ms, _)| (100..=900).contains(ms))
            .count();
        assert_eq!(
            schedule.count(Id::new(100, 0), Id::new(900, u64::MAX)),
            within
        );
        let mut taken = 0;
        while schedule.take_due(1 << 10).is_some() {
            taken += 1;
        }
        assert_eq!((taken, schedule.len()), (20_000, 0));
        assert_eq!((schedule.bytes, schedule.payload_bytes()), (0, 0));
    }
}
