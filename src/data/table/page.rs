//! A page of a table: some records packed into one buffer, to be told apart by one byte of their keys' hashes.
//!
//! ```text
//! bytes   | record | record | ... | record | room | tag | ... | tag | tag |
//! number      0        1             n-1            n-1          1     0
//!         0                              used
//!
//! record  | key's word | value's word | key | value |
//! word    length * 2, or 1 for a text that stands aside; a varint
//! ```
//!
//! A lookup goes through the tags first, and on a hit through the words up to the record. A text of more than [`INLINE_BYTES`]
//! stands aside, in a buffer of its own which is shared with whoever reads it, so that a neighbour's change does not move it;
//! those texts follow the order of the records.
//!
//! The buffer is shared with frozen copies, and copied by whoever writes to it while one is there. To know that takes one atomic operation, on
//! memory that is being written to anyway.

use crate::base::Blob;
use crate::data::varint;
use bytes::Bytes;
use std::sync::Arc;

/// The longest text that stands among the others.
const INLINE_BYTES: usize = 512;
/// The word of a text that stands aside.
const ASIDE: u64 = 1;
/// What no word has that is a length and takes one byte.
const NOT_SHORT: u8 = 0x80 | ASIDE as u8;
/// The longest head of a record: two words for inline lengths.
const MAX_HEAD_BYTES: usize = 4;
/// What an `Arc` puts before its bytes.
const ARC_BYTES: usize = 16;

/// See the file's head.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    bytes: Arc<[u8]>,
    used: u32,
    count: u32,
    aside: Option<Arc<Vec<Bytes>>>,
}

const _: () = assert!(size_of::<Page>() == 32);

/// A record, and where it stands.
pub(super) struct Record<'a> {
    pub key: Blob<'a>,
    pub value: Blob<'a>,
    number: usize,
    start: usize,
    end: usize,
    /// The number of the first text that stands aside at or behind it.
    aside: usize,
}

impl<'a> Record<'a> {
    #[inline]
    pub fn slices(&self) -> (&'a [u8], &'a [u8]) {
        (self.key.as_slice(), self.value.as_slice())
    }

    /// Where it ends, and with it a value that stands inline.
    pub fn end(&self) -> usize {
        self.end
    }
}

impl Page {
    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn heap_bytes(&self) -> usize {
        let own = match self.bytes.len() {
            0 => 0,
            len => ARC_BYTES + len,
        };
        own + self.aside.as_ref().map_or(0, |texts| {
            let held = texts.iter().map(Bytes::len).sum::<usize>();
            held + texts.capacity() * size_of::<Bytes>() + ARC_BYTES + size_of::<Vec<Bytes>>()
        })
    }

    #[inline]
    pub fn records(&self) -> Records<'_> {
        Records {
            page: self,
            number: 0,
            at: 0,
            aside: 0,
        }
    }

    /// The record of a key.
    #[inline]
    pub fn find(&self, tag: u8, key: &[u8]) -> Option<Record<'_>> {
        let tags = self.bytes[self.bytes.len() - self.len()..].iter().rev();
        let mut records = self.records();
        for (number, found) in tags.enumerate() {
            if *found != tag {
                continue;
            }
            let record = records.nth(number - records.number)?;
            if record.key.as_slice() == key {
                return Some(record);
            }
        }
        None
    }

    /// Writes over the value of the record that ends there, which stands inline and is as long.
    #[inline]
    pub fn overwrite(&mut self, end: usize, text: &[u8]) {
        Arc::make_mut(&mut self.bytes)[end - text.len()..end].copy_from_slice(text);
    }

    /// Sets the value of a key; true if the key is new.
    pub fn insert(&mut self, tag: u8, key: Blob, value: Blob) -> bool {
        let Some(record) = self.find(tag, key.as_slice()) else {
            self.push(tag, key, value);
            return true;
        };
        let new = value.as_slice();
        let old = record.value.as_slice();
        if old.len() == new.len() && new.len() <= INLINE_BYTES {
            if new.is_empty() {
                return false;
            }
            let end = record.end;
            self.overwrite(end, new);
        } else {
            self.remove(tag, key.as_slice());
            self.push(tag, key, value);
        }
        false
    }

    /// Removes the record of a key, which is there.
    pub fn remove(&mut self, tag: u8, key: &[u8]) {
        let record = self.find(tag, key).expect("the caller has looked");
        let (number, range, aside) = (record.number, record.start..record.end, record.aside);
        let apart = usize::from(is_aside(record.key)) + usize::from(is_aside(record.value));
        if apart > 0 {
            self.remove_aside(aside, apart);
        }
        let used = self.used as usize;
        let count = self.count as usize;
        let bytes = Arc::make_mut(&mut self.bytes);
        let end = bytes.len();
        self.used -= range.len() as u32;
        self.count -= 1;
        bytes.copy_within(range.end..used, range.start);
        // Tags are in the opposite order: those of later records stand before.
        bytes.copy_within(end - count..end - 1 - number, end - count + 1);
        if self.needed() < end / 2 {
            self.move_to(self.needed());
        }
    }

    /// Takes out the records whose keys are `to_move`, as a page of their own.
    pub fn split_off(&mut self, to_move: impl Fn(&[u8]) -> bool) -> Page {
        let moved: Vec<bool> = self
            .records()
            .map(|record| to_move(record.key.as_slice()))
            .collect();
        let part = |wanted: bool| {
            let chosen = || {
                self.tagged()
                    .zip(&moved)
                    .filter(move |(_, moved)| **moved == wanted)
            };
            let needed = chosen()
                .map(|((_, record), _)| record.end - record.start + 1)
                .sum();
            let mut page = Page::default();
            page.move_to(needed);
            chosen().for_each(|((tag, record), _)| page.push(tag, record.key, record.value));
            page
        };
        let (kept, moved) = (part(false), part(true));
        *self = kept;
        moved
    }

    /// Adds the records of another page, whose keys are not here.
    pub fn append(&mut self, other: &Page) {
        self.reserve(other.needed());
        for (tag, record) in other.tagged() {
            self.push(tag, record.key, record.value);
        }
    }

    /// The records with their tags.
    fn tagged(&self) -> impl Iterator<Item = (u8, Record<'_>)> {
        self.bytes.iter().rev().copied().zip(self.records())
    }

    /// Adds the record of a key that is not there.
    fn push(&mut self, tag: u8, key: Blob, value: Blob) {
        let mut head = smallvec::SmallVec::<[u8; MAX_HEAD_BYTES]>::new();
        let texts = [self.place(key, &mut head), self.place(value, &mut head)];
        let len = head.len() + texts[0].len() + texts[1].len();
        self.reserve(len + 1);
        let mut at = self.used as usize;
        self.used += len as u32;
        self.count += 1;
        let count = self.count as usize;
        let bytes = Arc::make_mut(&mut self.bytes);
        for part in [&head, texts[0], texts[1]] {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        let end = bytes.len();
        bytes[end - count] = tag;
    }

    /// Writes a text's word, and gives what of it stands inline; puts it aside if it is large.
    fn place<'a>(
        &mut self,
        text: Blob<'a>,
        head: &mut smallvec::SmallVec<[u8; MAX_HEAD_BYTES]>,
    ) -> &'a [u8] {
        let slice = text.as_slice();
        let word = if is_aside(text) {
            let texts = self.aside.get_or_insert_default();
            Arc::make_mut(texts).push(text.to_bytes());
            ASIDE
        } else {
            slice.len() as u64 * 2
        };
        varint::each_byte(word, |byte| head.push(byte));
        if word == ASIDE { &[] } else { slice }
    }

    fn remove_aside(&mut self, first: usize, count: usize) {
        let texts = Arc::make_mut(self.aside.as_mut().expect("a word says so"));
        texts.drain(first..first + count);
        if texts.is_empty() {
            self.aside = None;
        }
    }

    /// Bytes of records and tags.
    fn needed(&self) -> usize {
        (self.used + self.count) as usize
    }

    /// Makes room for so many bytes more, and some to grow.
    fn reserve(&mut self, more: usize) {
        let needed = self.needed() + more;
        if needed > self.bytes.len() {
            self.move_to(needed + needed / 16);
        }
    }

    /// Moves to a buffer for so many bytes, or the few more that an allocator gives with them.
    #[inline(never)]
    fn move_to(&mut self, needed: usize) {
        let len = class_bytes(ARC_BYTES + needed) - ARC_BYTES;
        let (used, count) = (self.used as usize, self.count as usize);
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, len).collect();
        let new = Arc::get_mut(&mut bytes).expect("nobody else has it yet");
        new[..used].copy_from_slice(&self.bytes[..used]);
        new[len - count..].copy_from_slice(&self.bytes[self.bytes.len() - count..]);
        self.bytes = bytes;
    }
}

fn is_aside(text: Blob) -> bool {
    text.as_slice().len() > INLINE_BYTES
}

/// The size class of jemalloc that holds so many bytes.
fn class_bytes(bytes: usize) -> usize {
    bytes.next_multiple_of((bytes.next_power_of_two() / 8).max(16))
}

/// The records of a page in order.
#[derive(Clone)]
pub(super) struct Records<'a> {
    page: &'a Page,
    number: usize,
    at: usize,
    aside: usize,
}

impl<'a> Records<'a> {
    /// Reads the words of the next record; gives where its texts begin, and their words.
    #[inline]
    fn words(&mut self) -> Option<(usize, [u64; 2])> {
        if self.number == self.page.len() {
            return None;
        }
        let (bytes, mut at) = (&self.page.bytes, self.at);
        let key = varint::take(bytes, &mut at);
        let value = varint::take(bytes, &mut at);
        self.number += 1;
        self.at = at + inline_len(key) + inline_len(value);
        Some((at, [key, value]))
    }

    /// Passes over a record whose words are of one byte, as most are, if it is such a one.
    #[inline]
    fn pass(&mut self) -> bool {
        match self.page.bytes.get(self.at..self.at + 2) {
            Some([key, value]) if (key | value) & NOT_SHORT == 0 => {
                self.at += 2 + usize::from(key / 2) + usize::from(value / 2);
                self.number += 1;
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn text(&mut self, at: &mut usize, word: u64) -> Blob<'a> {
        let page = self.page;
        if word == ASIDE {
            let texts = page.aside.as_ref().expect("a word says so");
            self.aside += 1;
            return Blob::Shared(&texts[self.aside - 1]);
        }
        let start = *at;
        *at += inline_len(word);
        Blob::Slice(&page.bytes[start..*at])
    }
}

/// Bytes that a text with this word takes inline.
#[inline]
fn inline_len(word: u64) -> usize {
    (word / 2) as usize
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        let (number, start, aside) = (self.number, self.at, self.aside);
        let (mut at, [key, value]) = self.words()?;
        Some(Record {
            key: self.text(&mut at, key),
            value: self.text(&mut at, value),
            number,
            start,
            end: at,
            aside,
        })
    }

    /// Passes over records without a look at their texts.
    #[inline]
    fn nth(&mut self, count: usize) -> Option<Record<'a>> {
        for _ in 0..count {
            if self.number < self.page.len() && self.pass() {
                continue;
            }
            let (_, words) = self.words()?;
            self.aside += words.iter().filter(|word| **word == ASIDE).count();
        }
        self.next()
    }
}
