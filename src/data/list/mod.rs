//! A list: a deque of chunks, both ends O(1).
//!
//! ```text
//! chunks   Arc<Chunk> | Arc<Chunk> | ... | Arc<Chunk>     in bundles of some hundreds
//!            packed       single            packed
//! len      elements in all of them
//! compact  the list is one small chunk, and says so to whoever asks for its encoding
//! ```
//!
//! A packed chunk takes elements until the configured limit (see [`Limit`]); an element that alone exceeds the limit is a
//! chunk of its own and keeps sharing the buffer it arrived in. No chunk is empty.
//!
//! Chunks sit behind `Arc` so that a long read can [freeze](List::freeze_range) the ones it needs under the lock and encode its
//! reply after releasing it. A writer copies a chunk only if somebody still reads it.
//! The `Arc`s themselves stand in bundles, so that to [freeze the whole list](List::freeze) is to share its bundles.
//!
//! `compact` follows Redis's two encodings, whose rules show in OBJECT ENCODING: a list starts as one `listpack`, becomes
//! a `quicklist` when a write would take it past the limit, and a listpack again when a removal leaves one chunk of at
//! most half the limit. Only the quicklist heeds the limit element by element.
//!
//! Elements are read as [`Item`]s, borrowed from their chunk: nothing is allocated to look at a list.

mod chunk;
mod edit;
pub(crate) mod entry;
mod freeze;
mod iter;
mod limit;
mod load;

pub use edit::Side;
pub use freeze::Frozen;
pub use iter::Iter;
pub use limit::Limit;
pub use load::{Loader, Node};

use crate::base::Blob;
use crate::data::chunked::Chunked;
use bytes::Bytes;
use chunk::{Chunk, Packed};
use entry::Entry;
use std::sync::Arc;

/// Freeing more chunks than this stalls the event loop noticeably.
const COSTLY_CHUNKS: usize = 64;

/// A list of more chunks is not small.
const QUICK_CHUNKS: usize = 16;

/// Capacities are multiples of this, as are the sizes that allocators and configured limits like best.
const CAPACITY_STEP_BYTES: usize = 1024;

/// Chunks whose `Arc`s are frozen, and copied for a writer, together.
const BUNDLE_CHUNKS: usize = 512;

/// A list's chunks in order.
type Chunks = Chunked<Arc<Chunk>, BUNDLE_CHUNKS>;

/// See the module's head.
#[derive(Debug)]
pub struct List {
    chunks: Chunks,
    len: usize,
    compact: bool,
}

/// One end of a list, and the direction that starts there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The end of index 0.
    Front,
    /// The end of index -1.
    Back,
}

/// An element as stored.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A text that is a canonical integer.
    Int(i64),
    /// Any other text.
    Text(&'a [u8]),
    /// A large text, which can be kept by reference.
    Shared(&'a Bytes),
}

impl<'a> Item<'a> {
    /// The element's bytes; integers are printed into `digits`.
    pub fn as_bytes<'b>(&self, digits: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Item::Int(value) => digits.format(value).as_bytes(),
            Item::Text(text) => text,
            Item::Shared(bytes) => bytes,
        }
    }

    /// A copy of the element's bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.as_bytes(&mut itoa::Buffer::new()).to_vec()
    }

    /// The element's bytes, shared if they are already.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Item::Shared(bytes) => (*bytes).clone(),
            item => Bytes::from(item.to_vec()),
        }
    }
}

impl<'a> From<Blob<'a>> for Item<'a> {
    #[inline]
    fn from(text: Blob<'a>) -> Self {
        match text {
            Blob::Slice(text) => Item::Text(text),
            Blob::Shared(bytes) => Item::Shared(bytes),
        }
    }
}

/// A text to look for, parsed once.
pub(in crate::data) struct Needle<'a> {
    text: &'a [u8],
    integer: Option<i64>,
}

impl<'a> Needle<'a> {
    pub(in crate::data) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            integer: entry::integer(text),
        }
    }

    #[inline]
    pub(in crate::data) fn is(&self, item: Item) -> bool {
        match item {
            Item::Int(value) => self.integer == Some(value),
            Item::Text(text) => self.text == text,
            Item::Shared(bytes) => self.text == bytes,
        }
    }
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl List {
    /// An empty list.
    pub fn new() -> Self {
        Self {
            chunks: Chunks::default(),
            len: 0,
            compact: true,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none; such a list is no value of any key.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What Redis calls the way the list is kept.
    pub fn encoding_name(&self) -> &'static str {
        if self.compact {
            "listpack"
        } else {
            "quicklist"
        }
    }

    /// Whether it takes no more than `max_bytes`, which a long list is not asked chunk by chunk.
    pub fn is_quick_to_encode(&self, max_bytes: usize) -> bool {
        self.chunks.len() <= QUICK_CHUNKS && self.heap_bytes() <= max_bytes
    }

    /// Whether freeing it would take long.
    pub fn is_costly_to_free(&self) -> bool {
        self.chunks.len() > COSTLY_CHUNKS
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        /// The strong and the weak count in front of what an `Arc` holds.
        const ARC_BYTES: usize = 2 * size_of::<usize>();
        let each = ARC_BYTES + size_of::<Chunk>();
        let chunks: usize = self
            .chunks
            .iter()
            .map(|chunk| each + chunk.heap_bytes())
            .sum();
        chunks + self.chunks.heap_bytes()
    }

    /// Adds `values` one after another at one end, so that at the front the last of them comes to be first.
    pub fn extend<'a>(
        &mut self,
        end: End,
        limit: Limit,
        values: impl Iterator<Item = Blob<'a>> + Clone,
    ) {
        if self.compact {
            let (bytes, count) = values.clone().fold((0, 0), |(bytes, count), value| {
                (bytes + value.as_slice().len(), count + 1)
            });
            self.expect_growth(limit, bytes, count);
        }
        for value in values {
            self.push_one(end, limit, value);
        }
    }

    /// Adds `value` at one end.
    pub fn push(&mut self, end: End, limit: Limit, value: Blob) {
        self.expect_growth(limit, value.as_slice().len(), 1);
        self.push_one(end, limit, value);
    }

    /// The element at one end.
    pub fn peek(&self, end: End) -> Option<Item<'_>> {
        match end {
            End::Front => self.chunks.front().map(|chunk| chunk.read(chunk.start()).0),
            End::Back => self
                .chunks
                .back()
                .map(|chunk| chunk.read(chunk.start_before(chunk.end())).0),
        }
    }

    /// Drops `count` elements from one end, or all.
    pub fn discard(&mut self, end: End, limit: Limit, count: usize) {
        self.drop_from(end, count);
        self.settle(limit);
    }

    /// Moves the element at one end of a list that is not empty to the same or the other end.
    pub fn rotate(&mut self, from: End, to: End, limit: Limit) {
        let element = self
            .peek(from)
            .expect("asked of lists with elements")
            .to_bytes();
        self.drop_from(from, 1);
        self.push(to, limit, Blob::Shared(&element));
        self.settle(limit);
    }

    fn drop_from(&mut self, end: End, count: usize) {
        let mut left = count.min(self.len);
        self.len -= left;
        while left > 0 {
            let chunk = self.chunk_at_mut(end).expect("elements are left");
            let held = chunk.count();
            if held > left {
                return packed_mut(chunk).discard(end, left);
            }
            match end {
                End::Front => self.chunks.pop_front(),
                End::Back => self.chunks.pop_back(),
            };
            left -= held;
        }
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<Item<'_>> {
        let (chunk, inside) = self.locate(index)?;
        let chunk = &self.chunks[chunk];
        Some(chunk.read(chunk.offset_of(inside)).0)
    }

    /// All elements, from one end to the other.
    pub fn iter(&self, from: End) -> Iter<'_> {
        self.range(0, self.len, from)
    }

    /// The `count` elements from `index` on, which must exist, starting with the one at the `from` end.
    pub fn range(&self, index: usize, count: usize, from: End) -> Iter<'_> {
        assert!(index + count <= self.len, "a range lies within its list");
        Iter::new(self, index, count, from)
    }

    /// The indices of the elements equal to `text`, counted from the front whichever end the search begins at, among the
    /// first `max_len` elements from there.
    pub fn positions<'a>(
        &'a self,
        text: &'a [u8],
        from: End,
        max_len: usize,
    ) -> impl Iterator<Item = usize> + 'a {
        let needle = Needle::new(text);
        let last = self.len.wrapping_sub(1);
        self.iter(from)
            .take(max_len)
            .enumerate()
            .filter(move |(_, item)| needle.is(*item))
            .map(move |(steps, _)| match from {
                End::Front => steps,
                End::Back => last - steps,
            })
    }

    fn push_one(&mut self, end: End, limit: Limit, value: Blob) {
        let text = value.as_slice();
        self.len += 1;
        if !self.compact && limit.is_large(text.len()) {
            return self.push_chunk(end, Chunk::Single(Box::new(value.to_bytes())));
        }
        let entry = Entry::new(text);
        let mut capacity = 0;
        let compact = self.compact;
        if let Some(chunk) = self.chunk_at_mut(end) {
            if compact || limit.admits(chunk, text.len()) {
                return packed_mut(chunk).push(end, &entry);
            }
            // A list that has filled one chunk will likely fill another: no need to grow it step by step.
            capacity = chunk.packed_bytes().next_multiple_of(CAPACITY_STEP_BYTES);
            seal(chunk);
        }
        let packed = Packed::beginning(end, &entry, capacity);
        self.push_chunk(end, Chunk::Packed(packed));
    }

    fn push_chunk(&mut self, end: End, chunk: Chunk) {
        match end {
            End::Front => self.chunks.push_front(Arc::new(chunk)),
            End::Back => self.chunks.push_back(Arc::new(chunk)),
        }
    }

    /// Leaves the compact encoding if writing `count` more elements of `bytes` in all would exceed the limit.
    fn expect_growth(&mut self, limit: Limit, bytes: usize, count: usize) {
        if self.compact {
            let held = self
                .chunks
                .front()
                .map_or(chunk::LISTPACK_FRAME_BYTES, |chunk| match &**chunk {
                    Chunk::Packed(packed) => packed.listpack_bytes(),
                    Chunk::Single(_) => unreachable!("a compact list has no large element"),
                });
            self.compact = !limit.is_exceeded_by(held + bytes, self.len + count);
        }
    }

    /// Goes back to the compact encoding if a removal has left little enough.
    fn settle(&mut self, limit: Limit) {
        if self.compact || self.chunks.len() > 1 {
            return;
        }
        self.compact = match self.chunks.front().map(|chunk| &**chunk) {
            Some(Chunk::Packed(packed)) => {
                limit.is_half_empty(packed.listpack_bytes(), packed.count())
            }
            Some(Chunk::Single(_)) => false,
            None => true,
        };
    }

    /// The chunk that holds element `index`, and its number in there; found from the nearer side.
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        if index >= self.len {
            return None;
        }
        if index < self.len / 2 {
            let mut left = index;
            for (number, chunk) in self.chunks.iter().enumerate() {
                match left.checked_sub(chunk.count()) {
                    Some(rest) => left = rest,
                    None => return Some((number, left)),
                }
            }
        } else {
            let mut start = self.len;
            for (number, chunk) in self.chunks.iter().enumerate().rev() {
                start -= chunk.count();
                if let Some(inside) = index.checked_sub(start) {
                    return Some((number, inside));
                }
            }
        }
        unreachable!("the chunks hold `len` elements")
    }

    /// The chunk at one end, to be written to.
    #[inline]
    fn chunk_at_mut(&mut self, end: End) -> Option<&mut Arc<Chunk>> {
        match end {
            End::Front => self.chunks.front_mut(),
            End::Back => self.chunks.back_mut(),
        }
    }
}

/// A packed chunk, to be written to.
#[inline]
fn packed_mut(chunk: &mut Arc<Chunk>) -> &mut Packed {
    match Arc::make_mut(chunk) {
        Chunk::Packed(packed) => packed,
        Chunk::Single(_) => unreachable!("asked of packed chunks only"),
    }
}

/// Trims the room of a packed chunk that will not grow soon, unless somebody is reading it.
fn seal(chunk: &mut Arc<Chunk>) {
    if let Some(Chunk::Packed(packed)) = Arc::get_mut(chunk) {
        packed.seal();
    }
}

#[cfg(test)]
mod tests;
