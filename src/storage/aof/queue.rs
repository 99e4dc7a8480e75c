//! What the writer has taken from the log and does not know to be durable: it is kept so that it can be written again.
//!
//! ```text
//!   | written, not known to be durable | unwritten ...    | turn | unwritten |
//!   front                              next, `partial` bytes of it are written
//! ```
//!
//! A *turn* is a place where the log leaves its file. Items are numbered from the first ever on; a [`Mark`] says up to which one a sync
//! reaches.

use crate::base::gauge::allocation_bytes;
use crate::keyspace::log::{Batch, Turn};
use std::collections::VecDeque;

/// Bytes kept beyond which the writer takes no more until a sync has ended.
pub const RETAINED_BYTES: usize = 64 * 1024 * 1024;
/// Bytes kept beyond which a sync is due before its time: what is kept should stay in the processor's caches.
pub const EARLY_SYNC_BYTES: usize = 4 * 1024 * 1024;
/// What is taken in small pieces is kept in items of up to so many bytes.
const JOINED_BYTES: usize = 64 * 1024;
/// Bytes of buffers kept to be used again.
const SPARE_BYTES: usize = 2 * EARLY_SYNC_BYTES;

#[derive(Debug)]
enum Item {
    Bytes { bytes: Vec<u8>, end: u64 },
    Turn { turn: Turn, offset: u64 },
}

/// How far the file had been written when a sync began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    items: u64,
    /// The offset of the log up to which it was written.
    pub offset: u64,
    /// The length of the file.
    pub len: u64,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Queue {
    items: VecDeque<Item>,
    /// Number of the front item.
    first: u64,
    /// Items from the front on that are wholly written.
    written: usize,
    /// Bytes of the next item that are written.
    partial: usize,
    bytes: usize,
    /// Bytes of the buffers of all items, which may be larger than what they hold.
    buffer_bytes: usize,
    /// The offset up to which all is written.
    offset: u64,
    /// The number of the first item that no mark has reached.
    unmarked: u64,
    spare: Vec<Vec<u8>>,
    spare_bytes: usize,
}

impl Queue {
    /// The log begins at `offset`.
    pub fn start_at(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// A buffer for the next batch.
    pub fn buffer(&mut self) -> Vec<u8> {
        let buffer = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= buffer.capacity();
        buffer
    }

    /// Gives back the buffers that nobody needs for now.
    pub fn shrink(&mut self) {
        self.spare = Vec::new();
        self.spare_bytes = 0;
    }

    /// Adds what was taken, behind `prefix`, which is no part of the log.
    pub fn push(&mut self, batch: &mut Batch, prefix: Option<String>) {
        if let Some(prefix) = prefix {
            self.push_bytes(prefix.into_bytes(), batch.start);
        }
        let mut bytes = std::mem::take(&mut batch.bytes);
        let mut start = batch.start;
        for (offset, turn) in batch.turns.drain(..) {
            let rest = bytes.split_off((offset - start) as usize);
            self.push_bytes(std::mem::replace(&mut bytes, rest), offset);
            self.items.push_back(Item::Turn { turn, offset });
            start = offset;
        }
        let end = start + bytes.len() as u64;
        self.push_bytes(bytes, end);
    }

    fn push_bytes(&mut self, bytes: Vec<u8>, end: u64) {
        if bytes.is_empty() || self.join(&bytes, end) {
            return self.recycle(bytes);
        }
        self.bytes += bytes.len();
        self.buffer_bytes += allocation_bytes(bytes.capacity());
        self.items.push_back(Item::Bytes { bytes, end });
    }

    /// Adds `added` to the last item, if both are small, and no sync has an eye on that.
    fn join(&mut self, added: &[u8], end: u64) -> bool {
        let is_unmarked = self.first + self.items.len() as u64 > self.unmarked;
        let is_written = self.is_written();
        let Some(Item::Bytes { bytes, end: last }) = self.items.back_mut() else {
            return false;
        };
        if !is_unmarked || bytes.len() + added.len() > JOINED_BYTES {
            return false;
        }
        if is_written {
            self.written -= 1;
            self.partial = bytes.len();
        }
        self.bytes += added.len();
        self.buffer_bytes -= allocation_bytes(bytes.capacity());
        bytes.extend_from_slice(added);
        self.buffer_bytes += allocation_bytes(bytes.capacity());
        *last = end;
        true
    }

    /// What is to be written next; None at a turn and at the end.
    pub fn unwritten(&self) -> Option<&[u8]> {
        match self.items.get(self.written) {
            Some(Item::Bytes { bytes, .. }) => Some(&bytes[self.partial..]),
            _ => None,
        }
    }

    /// All that is to be written before the next turn, in its parts.
    pub fn unwritten_parts(&self) -> impl Iterator<Item = &[u8]> {
        let items = self.items.iter().skip(self.written);
        let parts = items.map_while(|item| match item {
            Item::Bytes { bytes, .. } => Some(&bytes[..]),
            Item::Turn { .. } => None,
        });
        parts.enumerate().map(|(number, bytes)| match number {
            0 => &bytes[self.partial..],
            _ => bytes,
        })
    }

    /// All before the next turn is written.
    pub fn advance_to_turn(&mut self) {
        while let Some(rest) = self.unwritten().map(<[u8]>::len) {
            self.advance(rest);
        }
    }

    /// `n` more bytes are written.
    pub fn advance(&mut self, n: usize) {
        self.partial += n;
        if let Some(Item::Bytes { bytes, end }) = self.items.get(self.written)
            && self.partial == bytes.len()
        {
            self.offset = *end;
            self.written += 1;
            self.partial = 0;
        }
    }

    /// The turn that is reached, and its offset.
    pub fn turn(&self) -> Option<(Turn, u64)> {
        match self.items.get(self.written) {
            Some(Item::Turn { turn, offset }) => Some((*turn, *offset)),
            _ => None,
        }
    }

    /// True while there is a turn to be made at `offset` of the log or before it.
    pub fn has_turn(&self, offset: u64) -> bool {
        let mut items = self.items.iter();
        items.any(|item| matches!(item, Item::Turn { offset: turn, .. } if *turn <= offset))
    }

    /// The turn is made: everything before it and itself are done with.
    pub fn pass_turn(&mut self) {
        debug_assert!(self.turn().is_some());
        let (_, offset) = self.turn().expect("the caller has looked");
        self.drop_items(self.written + 1);
        self.offset = offset;
    }

    /// How far the file is written that is `len` bytes long.
    pub fn mark(&mut self, len: u64) -> Mark {
        self.part();
        self.unmarked = self.first + self.written as u64;
        Mark {
            items: self.unmarked,
            offset: self.offset,
            len,
        }
    }

    /// Makes what is written of an item an item of its own, which ends where a piece was joined to it.
    fn part(&mut self) {
        let Some(Item::Bytes { bytes, end }) = self.items.get_mut(self.written) else {
            return;
        };
        if self.partial == 0 {
            return;
        }
        let rest = Item::Bytes {
            bytes: bytes.split_off(std::mem::take(&mut self.partial)),
            end: std::mem::replace(end, self.offset),
        };
        if let Item::Bytes { bytes, .. } = &rest {
            self.buffer_bytes += allocation_bytes(bytes.capacity());
        }
        self.written += 1;
        self.items.insert(self.written, rest);
    }

    /// All up to `mark` need not be written again.
    pub fn forget(&mut self, mark: Mark) {
        self.drop_items(mark.items.saturating_sub(self.first) as usize);
    }

    /// Forgets all up to the next turn, or to the end, written or not.
    pub fn skip_to_turn(&mut self) {
        self.advance_to_turn();
        self.drop_items(self.written);
    }

    fn drop_items(&mut self, items: usize) {
        for item in self.items.drain(..items).collect::<Vec<_>>() {
            if let Item::Bytes { bytes, .. } = item {
                self.bytes -= bytes.len();
                self.buffer_bytes -= allocation_bytes(bytes.capacity());
                self.recycle(bytes);
            }
        }
        self.first += items as u64;
        self.written = self.written.saturating_sub(items);
    }

    /// Keeps a buffer to be used again.
    pub fn recycle(&mut self, mut bytes: Vec<u8>) {
        let capacity = bytes.capacity();
        if capacity > 0 && self.spare_bytes + capacity <= SPARE_BYTES {
            bytes.clear();
            self.spare_bytes += capacity;
            self.spare.push(bytes);
        }
    }

    /// All that is kept is to be written again; it begins at `offset`.
    pub fn rewind(&mut self, offset: u64) {
        self.written = 0;
        self.partial = 0;
        self.offset = offset;
    }

    /// The offset up to which everything is written.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// True when nothing waits to be written.
    pub fn is_written(&self) -> bool {
        self.written == self.items.len()
    }

    /// True when a sync has to end before more is taken.
    pub fn is_full(&self) -> bool {
        self.bytes >= RETAINED_BYTES
    }

    /// True when a sync should begin even if it is not time yet.
    pub fn is_long(&self) -> bool {
        self.bytes >= EARLY_SYNC_BYTES
    }

    /// Bytes of memory, the buffers that nobody needs for now included.
    pub fn memory_bytes(&self) -> usize {
        self.buffer_bytes + allocation_bytes(self.spare_bytes)
    }

    /// Bytes kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(start: u64, bytes: &[u8], turns: &[(u64, Turn)]) -> Batch {
        Batch {
            start,
            bytes: bytes.to_vec(),
            turns: turns.to_vec(),
            appends: 1,
            ..Batch::default()
        }
    }

    #[test]
    fn what_is_kept_is_written_again_up_to_the_turn() {
        let mut queue = Queue::default();
        queue.start_at(10);
        queue.push(
            &mut batch(10, b"abcdef", &[(14, Turn::Next)]),
            Some("#".into()),
        );
        assert_eq!(queue.unwritten(), Some(&b"#abcd"[..]));
        queue.advance(4);
        assert_eq!((queue.unwritten(), queue.offset()), (Some(&b"d"[..]), 10));
        queue.rewind(10);
        queue.advance(5);
        assert_eq!((queue.turn(), queue.offset()), (Some((Turn::Next, 14)), 14));
        queue.pass_turn();
        assert_eq!((queue.unwritten(), queue.bytes()), (Some(&b"ef"[..]), 2));
        let before = queue.mark(0);
        queue.advance(2);
        queue.forget(before);
        assert_eq!(queue.bytes(), 2);
        let all = queue.mark(2);
        queue.forget(all);
        assert_eq!(
            (queue.bytes(), queue.offset(), queue.is_written()),
            (0, 16, true)
        );
    }

    #[test]
    fn small_pieces_are_joined_unless_a_sync_has_begun() {
        let mut queue = Queue::default();
        queue.push(&mut batch(0, b"ab", &[]), None);
        queue.push(&mut batch(2, b"cd", &[]), None);
        assert_eq!(
            (queue.unwritten(), queue.items.len()),
            (Some(&b"abcd"[..]), 1)
        );
        queue.advance(4);
        queue.push(&mut batch(4, b"ef", &[]), None);
        assert_eq!(
            (queue.unwritten(), queue.items.len()),
            (Some(&b"ef"[..]), 1)
        );
        queue.advance(2);
        assert_eq!((queue.offset(), queue.is_written()), (6, true));
        let mark = queue.mark(6);
        queue.push(&mut batch(6, b"gh", &[]), None);
        assert_eq!(
            (queue.unwritten(), queue.items.len()),
            (Some(&b"gh"[..]), 2)
        );
        queue.forget(mark);
        queue.rewind(6);
        assert_eq!((queue.unwritten(), queue.bytes()), (Some(&b"gh"[..]), 2));
        // A sync begins between two pieces: the second is not what it makes durable.
        queue.advance(2);
        queue.push(&mut batch(8, b"ij", &[]), None);
        let between = queue.mark(8);
        queue.forget(between);
        queue.rewind(8);
        assert_eq!((queue.unwritten(), queue.bytes()), (Some(&b"ij"[..]), 2));
        assert_eq!(between.offset, 8);
    }

    #[test]
    fn a_log_that_cannot_be_saved_is_skipped_to_its_next_file() {
        let mut queue = Queue::default();
        queue.push(&mut batch(0, b"abcd", &[(3, Turn::Next)]), None);
        queue.advance(1);
        queue.skip_to_turn();
        assert_eq!((queue.turn(), queue.offset()), (Some((Turn::Next, 3)), 3));
        queue.pass_turn();
        assert_eq!(queue.unwritten(), Some(&b"d"[..]));
    }
}
