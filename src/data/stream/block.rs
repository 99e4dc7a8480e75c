//! A packed run of entries.
//!
//! ```text
//! bytes:  name*              the field names its entries share, each behind its length
//!         entry*             from `entries_at` on, in id order
//!
//! entry:  flags u8           DELETED, OWN_NAMES, two bits that say how the id follows
//!         [id delta]         against the entry before it, by those two bits:
//!                              NEXT        nothing: same ms, seq + 1
//!                              SAME_MS     seq - seq before - 1
//!                              NEW_MS      ms - ms before, seq
//!                              NEW_MS_SEQ0 ms - ms before
//!         [count]            of fields, with OWN_NAMES only
//!         ([name] value)*    each behind its length; names with OWN_NAMES only
//! ```
//! Numbers and lengths are varints. `base` stands for the entry before the first, so an entry made for a fresh
//! block costs no delta. Deleting an entry sets its flag and leaves its bytes; a block with no live entry is dropped by the
//! stream. Dropping entries from the front moves `entries_at` and `base`. A block of large entries is written anew when a third of it was deleted.
//!
//! Small entries share a block that is small enough to be searched and copied in no time. Large ones share one with room for several of them,
//! the more the more there are ([`Before`]): in an allocation of its own each would take up to a page more, and pages are what they cost.

use super::Field;
use super::id::Id;
use super::varint;

const DELETED: u8 = 1;
const OWN_NAMES: u8 = 1 << 1;
const ID_BITS: u8 = 3 << 2;
const NEXT: u8 = 0;
const SAME_MS: u8 = 1 << 2;
const NEW_MS: u8 = 2 << 2;
const NEW_MS_SEQ0: u8 = 3 << 2;

/// Bytes at which a block is full, but for large entries. An allocator's size class, so that a full block wastes nothing.
const MAX_BLOCK_BYTES: usize = 4096;
/// An entry whose fields take more is large.
const LARGE_ENTRY_BYTES: usize = MAX_BLOCK_BYTES / 4;
/// How many large entries live in one block at most, so that it is searched in no time either.
const MAX_LARGE_ENTRIES: usize = 16;
/// Bytes at which their block is full in any case.
const MAX_LARGE_BLOCK_BYTES: usize = 128 * 1024;
/// An entry whose fields take more has a block to itself: it would save little, and keep much when others are deleted.
const MAX_SHARING_BYTES: usize = 20 * 1024;
/// What a stream's first block starts with.
const FIRST_BLOCK_BYTES: usize = 128;
/// The most that an entry's flags and id delta take.
pub(super) const MAX_HEAD_BYTES: usize = 21;

/// See the head of this file.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// What the first entry's id is told against.
    base: Id,
    /// The id of the first entry, deleted or not.
    first: Id,
    /// The id of the last entry, deleted or not.
    last: Id,
    /// Entries that are not deleted.
    live: u32,
    /// How many names the entries share.
    names: u32,
    /// Bytes of the names and values of the live entries, each entry's names counted. No more than large entries that share a block have, or
    /// one too large for that, or than so many small ones as fit in a block have with all its names.
    payload_bytes: u32,
    /// Bytes of entries that were deleted or dropped.
    dead_bytes: u32,
    entries_at: usize,
    bytes: Vec<u8>,
}

/// What a new block comes after. It gets as much room for large entries as that shows will be used: a stream that is kept short leaves room
/// unused, as does one whose newest block somebody reads whenever something is appended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// Bytes of the live entries of the newest block, 0 if it is shared.
    pub block_bytes: usize,
    /// Room that may come to be unused.
    pub spare_bytes: u64,
}

/// A decoded entry: where its fields stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub id: Id,
    pub deleted: bool,
    own_names: bool,
    /// Where the flags stand.
    at: usize,
    /// Where what follows the id delta stands.
    body: usize,
}

impl Head {
    /// Whether it has names of its own.
    #[inline]
    pub fn own_names(&self) -> bool {
        self.own_names
    }
}

fn shares_large_block(fields_bytes: usize) -> bool {
    (LARGE_ENTRY_BYTES + 1..=MAX_SHARING_BYTES).contains(&fields_bytes)
}

impl Before {
    /// How long a block may become that begins with an entry for which it needs `need` bytes, `fields_bytes` of them for its fields.
    fn room(&self, need: usize, fields_bytes: usize) -> usize {
        if !shares_large_block(fields_bytes) {
            return MAX_BLOCK_BYTES.max(need);
        }
        // A power of two is a size class of allocators, and whole pages.
        let most = 1 << (MAX_LARGE_ENTRIES * need).ilog2();
        let twice = 2 * (self.block_bytes + MAX_HEAD_BYTES);
        let most = MAX_LARGE_BLOCK_BYTES.min(most);
        let most = most.min(need.saturating_add(self.spare_bytes as usize));
        twice.min(most).max(MAX_BLOCK_BYTES).max(need)
    }
}

impl Block {
    /// An empty block whose entries share `names`, with room for an entry of `fields_bytes`.
    pub fn new<'a>(
        id: Id,
        names: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        fields_bytes: usize,
        before: Option<Before>,
    ) -> Block {
        let count = names.len() as u32;
        let name_bytes = names
            .clone()
            .map(|name| varint::size(name.len()) + name.len());
        let need = name_bytes.sum::<usize>() + MAX_HEAD_BYTES + fields_bytes;
        let room = match before {
            None => FIRST_BLOCK_BYTES.max(need),
            Some(before) => before.room(need, fields_bytes),
        };
        let mut bytes = Vec::with_capacity(room);
        names.for_each(|name| varint::put_bytes(&mut bytes, name));
        Block::beginning(id, count, bytes)
    }

    /// An empty block like `new`'s, whose `count` shared names are encoded already.
    pub fn of_encoded_names(
        id: Id,
        (count, names): (u32, &[u8]),
        fields_bytes: usize,
        before: Option<Before>,
    ) -> Block {
        let need = names.len() + MAX_HEAD_BYTES + fields_bytes;
        // The first block grows as it needs to: most streams are small.
        let room = before.map_or(need, |before| before.room(need, fields_bytes));
        let mut bytes = Vec::with_capacity(room);
        bytes.extend_from_slice(names);
        Block::beginning(id, count, bytes)
    }

    fn beginning(id: Id, names: u32, bytes: Vec<u8>) -> Block {
        let mut block = Block {
            base: id,
            first: id,
            last: id,
            live: 0,
            names,
            payload_bytes: 0,
            dead_bytes: 0,
            entries_at: bytes.len(),
            bytes,
        };
        block.begin_with(id);
        block
    }

    /// The first entry is to have this id.
    fn begin_with(&mut self, id: Id) {
        self.base = Id::new(id.ms, id.seq.wrapping_sub(1));
        (self.first, self.last) = (id, self.base);
    }

    pub fn first(&self) -> Id {
        self.first
    }

    pub fn last(&self) -> Id {
        self.last
    }

    pub fn live(&self) -> u32 {
        self.live
    }

    /// Bytes of the names and values of the live entries.
    pub fn payload_bytes(&self) -> u64 {
        self.payload_bytes.into()
    }

    fn payload_bytes_of(&self, head: &Head) -> u32 {
        let bytes = self
            .fields(head)
            .map(|(name, value)| name.len() + value.len());
        bytes.sum::<usize>() as u32
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Bytes of its names and its live entries.
    pub fn live_bytes(&self) -> usize {
        self.bytes.len() - self.dead_bytes as usize
    }

    /// Whether it is longer than one of small entries: to copy it takes time, and to keep it space.
    pub fn is_large(&self) -> bool {
        self.bytes.capacity() > MAX_BLOCK_BYTES
    }

    /// The shared names.
    pub fn names(&self) -> Names<'_> {
        Names {
            bytes: &self.bytes,
            at: 0,
            left: self.names as usize,
        }
    }

    /// Whether an entry with these names, in this order, needs no names of its own here.
    #[inline]
    pub fn shares_names(&self, fields: &[Field<'_>]) -> bool {
        let mut at = 0;
        fields.len() == self.names as usize
            && fields
                .iter()
                .all(|(name, _)| varint::take_bytes(&self.bytes, &mut at) == *name)
    }

    /// Whether it shares exactly these names, `count` of them as it has them encoded.
    pub fn begins_with_names(&self, count: u32, names: &[u8]) -> bool {
        self.names == count && self.bytes.starts_with(names)
    }

    /// Makes room for an entry whose fields take `fields_bytes`. False if it must go to another block.
    #[inline]
    pub fn make_room(&mut self, fields_bytes: usize) -> bool {
        let need = self.bytes.len() + MAX_HEAD_BYTES + fields_bytes;
        if need > MAX_BLOCK_BYTES {
            // Many behind large ones would take long to be searched.
            let is_one_more =
                shares_large_block(fields_bytes) && (self.live as usize) < MAX_LARGE_ENTRIES;
            return is_one_more && need <= self.bytes.capacity();
        }
        if need > self.bytes.capacity() {
            // A first block starts small, and a copy made for a writer has no room beyond its entries.
            let grown = (self.bytes.capacity() * 2).clamp(need, MAX_BLOCK_BYTES);
            self.bytes.reserve_exact(grown - self.bytes.len());
        }
        true
    }

    /// Appends an entry for which room was made. `own_names` says whether to store its names.
    #[inline(always)]
    pub fn push(&mut self, id: Id, fields: &[Field<'_>], own_names: bool) {
        self.begin(id, own_names);
        if own_names {
            varint::put(&mut self.bytes, fields.len() as u64);
        }
        for (name, value) in fields {
            if own_names {
                varint::put_bytes(&mut self.bytes, name);
            }
            varint::put_bytes(&mut self.bytes, value);
            self.payload_bytes += (name.len() + value.len()) as u32;
        }
    }

    /// Counts the payload of an entry that `begin` began.
    pub fn count_payload(&mut self, bytes: usize) {
        self.payload_bytes += bytes as u32;
    }

    /// Begins an entry for which room was made. What it has behind its id is to be written to what this gives, and its payload counted.
    #[inline]
    pub fn begin(&mut self, id: Id, own_names: bool) -> &mut Vec<u8> {
        let last = self.last;
        let names_flag = if own_names { OWN_NAMES } else { 0 };
        if id.ms == last.ms && id.seq == last.seq.wrapping_add(1) {
            self.bytes.push(names_flag | NEXT);
        } else {
            self.push_delta(id, names_flag);
        }
        self.last = id;
        self.live += 1;
        &mut self.bytes
    }

    fn push_delta(&mut self, id: Id, names_flag: u8) {
        let last = self.last;
        if id.ms == last.ms {
            self.bytes.push(names_flag | SAME_MS);
            // What stands before `ms-0` is told as the greatest of that millisecond.
            let delta = id.seq.wrapping_sub(last.seq).wrapping_sub(1);
            varint::put(&mut self.bytes, delta);
            return;
        }
        self.bytes
            .push(names_flag | if id.seq == 0 { NEW_MS_SEQ0 } else { NEW_MS });
        varint::put(&mut self.bytes, id.ms - last.ms);
        if id.seq != 0 {
            varint::put(&mut self.bytes, id.seq);
        }
    }

    /// Gives back what the block will not use, now that it takes no further entry.
    pub fn seal(&mut self) {
        let spare = self.bytes.capacity() - self.bytes.len();
        if spare > self.bytes.len() / 16 {
            self.bytes.shrink_to_fit();
        }
    }

    /// Where reading starts.
    pub fn start(&self) -> Cursor {
        Cursor {
            at: self.entries_at,
            previous: self.base,
        }
    }

    /// Decodes the entry at the cursor and moves the cursor behind its id.
    #[inline]
    fn head(&self, cursor: Cursor) -> Head {
        let Cursor { at, previous } = cursor;
        let flags = self.bytes[at];
        let mut body = at + 1;
        let id = match flags & ID_BITS {
            NEXT => Id::new(previous.ms, previous.seq.wrapping_add(1)),
            SAME_MS => {
                let delta = varint::take(&self.bytes, &mut body).wrapping_add(1);
                Id::new(previous.ms, previous.seq.wrapping_add(delta))
            }
            NEW_MS => {
                let ms = previous.ms + varint::take(&self.bytes, &mut body);
                Id::new(ms, varint::take(&self.bytes, &mut body))
            }
            _ => Id::new(previous.ms + varint::take(&self.bytes, &mut body), 0),
        };
        Head {
            id,
            deleted: flags & DELETED != 0,
            own_names: flags & OWN_NAMES != 0,
            at,
            body,
        }
    }

    /// Decodes the entry at the cursor and moves the cursor to the next one.
    #[inline]
    pub fn take(&self, cursor: &mut Cursor) -> Option<Head> {
        if cursor.at >= self.bytes.len() {
            return None;
        }
        let head = self.head(*cursor);
        let mut at = head.body;
        let strings = if head.own_names {
            2 * varint::take(&self.bytes, &mut at)
        } else {
            u64::from(self.names)
        };
        for _ in 0..strings {
            at += varint::take(&self.bytes, &mut at) as usize;
        }
        *cursor = Cursor {
            at,
            previous: head.id,
        };
        Some(head)
    }

    /// The fields of a decoded entry.
    #[inline]
    pub fn fields(&self, head: &Head) -> Fields<'_> {
        let mut at = head.body;
        let (names_at, left) = if head.own_names {
            (None, varint::take(&self.bytes, &mut at) as usize)
        } else {
            (Some(0), self.names as usize)
        };
        Fields {
            bytes: &self.bytes,
            names_at,
            at,
            left,
        }
    }

    /// The entry with this id, deleted or not.
    pub fn find(&self, id: Id) -> Option<Head> {
        let mut cursor = self.start();
        while let Some(head) = self.take(&mut cursor) {
            if head.id >= id {
                return (head.id == id).then_some(head);
            }
        }
        None
    }

    /// Live entries with ids in `start..=end`.
    pub fn count(&self, start: Id, end: Id) -> u64 {
        if start <= self.first && self.last <= end {
            return u64::from(self.live);
        }
        let mut cursor = self.start();
        let mut count = 0;
        while let Some(head) = self.take(&mut cursor).filter(|head| head.id <= end) {
            count += u64::from(!head.deleted && head.id >= start);
        }
        count
    }

    /// Marks a live entry, as `find` gave it, deleted.
    pub fn delete(&mut self, head: &Head) {
        assert!(!head.deleted);
        self.bytes[head.at] |= DELETED;
        self.bury(head);
        self.compact_if_sparse();
    }

    /// Counts a live entry no more.
    fn bury(&mut self, head: &Head) {
        self.live -= 1;
        self.payload_bytes -= self.payload_bytes_of(head);
        self.dead_bytes += (self.end_of(head) - head.at) as u32;
    }

    /// Where the entry ends.
    fn end_of(&self, head: &Head) -> usize {
        let mut fields = self.fields(head);
        fields.by_ref().for_each(drop);
        fields.at
    }

    /// Gives back what deleted entries take in a block of large ones, once that is more than a third of it.
    fn compact_if_sparse(&mut self) {
        if self.is_large() && self.dead_bytes as usize > self.bytes.len() / 3 {
            self.compact();
        }
    }

    /// Gives back what a block of large entries has no use for, if that is more than half of it.
    pub fn tighten(&mut self) {
        if self.is_large() && self.live_bytes() < self.bytes.capacity() / 2 {
            self.compact();
        }
    }

    /// Writes the names and the live entries anew.
    fn compact(&mut self) {
        let names = self.names_bytes();
        // An entry behind one that goes may need some bytes more to tell its id.
        let room = self.live_bytes() + MAX_HEAD_BYTES + 2 * self.live as usize;
        let mut bytes = Vec::with_capacity(room);
        bytes.extend_from_slice(&self.bytes[..names]);
        let mut compact = Block {
            payload_bytes: self.payload_bytes,
            ..Block::beginning(self.first, self.names, bytes)
        };
        let mut cursor = self.start();
        while let Some(head) = self.take(&mut cursor) {
            if head.deleted {
                continue;
            }
            if compact.live == 0 {
                compact.begin_with(head.id);
            }
            let body = &self.bytes[head.body..cursor.at];
            compact
                .begin(head.id, head.own_names)
                .extend_from_slice(body);
        }
        compact.seal();
        *self = compact;
    }

    /// Bytes of the shared names.
    fn names_bytes(&self) -> usize {
        let mut names = self.names();
        names.by_ref().for_each(drop);
        names.at
    }

    /// Forgets the deleted entries behind the last live one.
    pub fn forget_dead_end(&mut self) {
        let mut cursor = self.start();
        let mut end = cursor;
        while let Some(head) = self.take(&mut cursor) {
            if !head.deleted {
                end = cursor;
            }
        }
        self.dead_bytes -= (self.bytes.len() - end.at) as u32;
        self.bytes.truncate(end.at);
        self.last = end.previous;
    }

    /// Drops the entries with ids below `id`, which the last entry is not.
    pub fn drop_below(&mut self, id: Id) {
        assert!(id <= self.last);
        let mut cursor = self.start();
        loop {
            let before = cursor;
            let head = self.take(&mut cursor).expect("the last entry is not below");
            if head.id >= id {
                self.entries_at = before.at;
                self.base = before.previous;
                self.first = head.id;
                return;
            }
            if !head.deleted {
                self.bury(&head);
            }
        }
    }
}

/// A place between two entries of a block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    at: usize,
    previous: Id,
}

/// The names that a block's entries share.
#[derive(Clone, Debug)]
pub struct Names<'a> {
    bytes: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Iterator for Names<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        Some(varint::take_bytes(self.bytes, &mut self.at))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Names<'_> {}

/// The fields of an entry, in the order in which they were added.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    /// Where the next shared name stands; `None` when names stand before their values.
    names_at: Option<usize>,
    at: usize,
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let names_at = self.names_at.as_mut().unwrap_or(&mut self.at);
        let name = varint::take_bytes(self.bytes, names_at);
        Some((name, varint::take_bytes(self.bytes, &mut self.at)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}
