//! A run of neighbouring elements: many small ones packed into one buffer, or one large one by itself.
//!
//! ```text
//! packed:  | room | entry | entry | ... | entry | spare capacity |
//!                 head                          buf.len()
//! ```
//!
//! There is room to grow at both ends, so pushing and popping move no other element: a chunk that is fed at its front
//! keeps the room there, one that is fed at its back keeps spare capacity. When the room on one side has run out but
//! the other side has plenty (a queue that drifts), the entries slide over instead of the buffer growing.

use super::entry::{self, Entry};
use super::{End, Item, Needle};
use crate::base::room;
use bytes::Bytes;
use std::ops::Range;

/// What a listpack spends around its entries; counted so that sizes compare with the configured ones as in Redis.
pub(super) const LISTPACK_FRAME_BYTES: usize = 7;

/// See the file's head.
#[derive(Clone, Debug)]
pub(super) enum Chunk {
    Packed(Packed),
    /// Boxed to keep packed chunks, the many, small.
    Single(Box<Bytes>),
}

/// Entries in one buffer. Offsets are into `buf`, from `head` to its length.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed {
    buf: Vec<u8>,
    head: u32,
    count: u32,
}

impl Chunk {
    pub(super) fn count(&self) -> usize {
        match self {
            Chunk::Packed(packed) => packed.count(),
            Chunk::Single(_) => 1,
        }
    }

    /// Bytes of its packed entries.
    pub(super) fn packed_bytes(&self) -> usize {
        match self {
            Chunk::Packed(packed) => packed.used(),
            Chunk::Single(_) => 0,
        }
    }

    /// The offset of the first element.
    pub(super) fn start(&self) -> usize {
        match self {
            Chunk::Packed(packed) => packed.start(),
            Chunk::Single(_) => 0,
        }
    }

    /// The offset after the last element.
    pub(super) fn end(&self) -> usize {
        match self {
            Chunk::Packed(packed) => packed.end(),
            Chunk::Single(_) => 1,
        }
    }

    /// The element at an offset, and the offset after it.
    #[inline]
    pub(super) fn read(&self, at: usize) -> (Item<'_>, usize) {
        match self {
            Chunk::Packed(packed) => packed.read(at),
            Chunk::Single(bytes) => (Item::Shared(bytes), 1),
        }
    }

    /// The offset of the element that ends before `end`.
    #[inline]
    pub(super) fn start_before(&self, end: usize) -> usize {
        match self {
            Chunk::Packed(packed) => packed.start_before(end),
            Chunk::Single(_) => 0,
        }
    }

    /// The offset of element `index`, or the end; found from the nearer side.
    pub(super) fn offset_of(&self, index: usize) -> usize {
        let count = self.count();
        if index <= count / 2 {
            (0..index).fold(self.start(), |at, _| self.read(at).1)
        } else {
            (index..count).fold(self.end(), |at, _| self.start_before(at))
        }
    }

    /// Ranges of the first elements, from one end, that equal `needle`: at most `max`, in that order.
    pub(super) fn find(&self, needle: &Needle, from: End, max: usize) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let (mut start, mut end) = (self.start(), self.end());
        while start < end && found.len() < max {
            let range = match from {
                End::Front => start..self.read(start).1,
                End::Back => self.start_before(end)..end,
            };
            match from {
                End::Front => start = range.end,
                End::Back => end = range.start,
            }
            if needle.is(self.read(range.start).0) {
                found.push(range);
            }
        }
        found
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Chunk::Packed(packed) => packed.heap_bytes(),
            Chunk::Single(bytes) => size_of::<Bytes>() + bytes.len(),
        }
    }
}

impl Packed {
    pub(super) fn of(entry: &Entry) -> Self {
        Self::beginning(End::Back, entry, 0)
    }

    /// A chunk of one entry with room for so many bytes in all, towards the end that it is fed at.
    pub(super) fn beginning(end: End, entry: &Entry, capacity: usize) -> Self {
        let capacity = capacity.max(entry.len());
        let mut packed = match end {
            End::Front => Self {
                buf: vec![0; capacity],
                head: capacity as u32,
                count: 0,
            },
            End::Back => Self {
                buf: Vec::with_capacity(capacity),
                head: 0,
                count: 0,
            },
        };
        packed.push(end, entry);
        packed
    }

    /// A chunk of `count` entries encoded before.
    pub(super) fn of_entries(entries: Vec<u8>, count: usize) -> Self {
        Self {
            buf: entries,
            head: 0,
            count: count as u32,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// The size of a listpack with these entries.
    pub(super) fn listpack_bytes(&self) -> usize {
        self.used() + LISTPACK_FRAME_BYTES
    }

    /// The entries as a listpack has them, without its frame.
    pub(super) fn entries(&self) -> &[u8] {
        &self.buf[self.head as usize..]
    }

    pub(super) fn push(&mut self, end: End, entry: &Entry) {
        match end {
            End::Front => {
                self.make_front_room(entry.len());
                let at = self.head as usize;
                let start = at - entry.len();
                entry.write_to(&mut self.buf[start..at]);
                self.head = start as u32;
            }
            End::Back => {
                self.make_back_room(entry.len());
                entry.append_to(&mut self.buf);
            }
        }
        self.count += 1;
    }

    /// Drops `count` elements, fewer than there are, from one end.
    pub(super) fn discard(&mut self, end: End, count: usize) {
        debug_assert!(count < self.count());
        match end {
            End::Front => {
                let at = (0..count).fold(self.head as usize, |at, _| entry::read(&self.buf, at).1);
                self.head = at as u32;
            }
            End::Back => {
                let at =
                    (0..count).fold(self.buf.len(), |at, _| entry::start_before(&self.buf, at));
                self.buf.truncate(at);
            }
        }
        self.count -= count as u32;
    }

    /// Puts an entry in place of the one at `range`.
    pub(super) fn replace(&mut self, range: Range<usize>, entry: &Entry) {
        room::resize_gap(&mut self.buf, range.clone(), entry.len());
        entry.write_to(&mut self.buf[range.start..range.start + entry.len()]);
    }

    /// Puts an entry before the one at offset `at`.
    pub(super) fn insert(&mut self, at: usize, entry: &Entry) {
        self.replace(at..at, entry);
        self.count += 1;
    }

    /// The offset of the entry that ends before `end`.
    #[inline]
    pub(super) fn start_before(&self, end: usize) -> usize {
        entry::start_before(&self.buf, end)
    }

    /// The offset of the first element.
    #[inline]
    pub(super) fn start(&self) -> usize {
        self.head as usize
    }

    /// The offset after the last element.
    #[inline]
    pub(super) fn end(&self) -> usize {
        self.buf.len()
    }

    /// The element at an offset, and the offset after it.
    #[inline]
    pub(super) fn read(&self, at: usize) -> (Item<'_>, usize) {
        entry::read(&self.buf, at)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.buf.capacity()
    }

    /// Removes the elements at `ranges`, given in ascending order, in one pass.
    pub(super) fn remove(&mut self, ranges: &[Range<usize>]) {
        let Some(first) = ranges.first() else { return };
        let mut kept = first.start;
        for (index, range) in ranges.iter().enumerate() {
            let next = ranges
                .get(index + 1)
                .map_or(self.buf.len(), |next| next.start);
            self.buf.copy_within(range.end..next, kept);
            kept += next - range.end;
        }
        self.buf.truncate(kept);
        self.count -= ranges.len() as u32;
    }

    /// Takes off the elements from number `index`, which is at offset `at`.
    pub(super) fn split_off(&mut self, at: usize, index: usize) -> Self {
        let tail = Self {
            buf: self.buf[at..].to_vec(),
            head: 0,
            count: self.count - index as u32,
        };
        self.buf.truncate(at);
        self.count = index as u32;
        tail
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.make_back_room(other.used());
        self.buf.extend_from_slice(other.entries());
        self.count += other.count;
    }

    /// Gives back room that a chunk no longer growing does not need, if it is worth a copy.
    pub(super) fn seal(&mut self) {
        let used = self.used();
        if self.buf.capacity() - used > used / 8 {
            self.buf = self.entries().to_vec();
            self.head = 0;
        }
    }

    fn used(&self) -> usize {
        self.buf.len() - self.head as usize
    }

    fn make_back_room(&mut self, room: usize) {
        if self.buf.capacity() - self.buf.len() >= room {
            return;
        }
        let used = self.used();
        if self.head as usize >= room.max(used / 2) {
            self.buf.drain(..self.head as usize);
            self.head = 0;
        } else {
            let mut buf = Vec::with_capacity(self.grown_capacity(room));
            buf.extend_from_slice(self.entries());
            self.buf = buf;
            self.head = 0;
        }
    }

    fn make_front_room(&mut self, room: usize) {
        if self.head as usize >= room {
            return;
        }
        let used = self.used();
        let slack = self.buf.capacity() - used;
        let capacity = if slack >= room.max(used / 2) {
            self.buf.capacity()
        } else {
            self.grown_capacity(room)
        };
        let start = capacity - used;
        if capacity == self.buf.capacity() {
            let old = self.head as usize;
            self.buf.resize(capacity, 0);
            self.buf.copy_within(old..old + used, start);
        } else {
            let mut buf = vec![0; capacity];
            buf[start..].copy_from_slice(self.entries());
            self.buf = buf;
        }
        self.head = start as u32;
    }

    /// To the next of the sizes that allocators have.
    fn grown_capacity(&self, room: usize) -> usize {
        room::rounded_up(self.used() + room)
    }
}
