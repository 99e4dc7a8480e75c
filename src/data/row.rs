//! A row of short elements in one buffer, the common ground of small hashes, sets and sorted sets.
//!
//! ```text
//! bytes   head | text | head | text | ...       as in `list/entry.rs`, without the lengths for reading backwards
//! ```
//!
//! Such values are many, and a byte an element is a good part of them: so a row is read from its front only, and gets what a listpack has beyond
//! it when it is written to a file.

use super::list::entry::{self, Entry};
use super::list::{Item, Needle};
use crate::base::room::resize_gap;
use std::ops::Range;

/// See the file's head. Offsets are into `bytes`.
#[derive(Clone, Debug, Default)]
pub struct Row {
    bytes: Vec<u8>,
    count: u32,
}

impl Row {
    /// Of the entries of a sound listpack.
    pub(super) fn of_listpack(entries: &[u8]) -> Self {
        let mut row = Row {
            bytes: Vec::with_capacity(entries.len()),
            count: 0,
        };
        let mut at = 0;
        while at < entries.len() {
            let (_, end) = entry::read_body(entries, at);
            row.bytes.extend_from_slice(&entries[at..end]);
            row.count += 1;
            at = end + entry::back_len(end - at);
        }
        row.bytes.shrink_to_fit();
        row
    }

    /// Appends the elements as entries of a listpack.
    pub(crate) fn append_entries_to(&self, out: &mut Vec<u8>) {
        let mut at = 0;
        while at < self.bytes.len() {
            let (_, end) = entry::read_body(&self.bytes, at);
            out.extend_from_slice(&self.bytes[at..end]);
            entry::append_back(out, end - at);
            at = end;
        }
    }

    /// Number of elements.
    pub(crate) fn count(&self) -> usize {
        self.count as usize
    }

    /// The offset after the last element.
    #[inline]
    pub(super) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// The element at an offset, and the offset after it.
    #[inline]
    pub(super) fn read(&self, at: usize) -> (Item<'_>, usize) {
        entry::read_body(&self.bytes, at)
    }

    /// The offset `count` elements after another.
    pub(super) fn skip(&self, at: usize, count: usize) -> usize {
        (0..count).fold(at, |at, _| self.read(at).1)
    }

    /// Where the first element is that equals `text`.
    pub(super) fn find(&self, text: &[u8]) -> Option<Range<usize>> {
        let needle = Needle::new(text);
        let mut at = 0;
        while at < self.end() {
            let (item, next) = self.read(at);
            if needle.is(item) {
                return Some(at..next);
            }
            at = next;
        }
        None
    }

    /// All elements.
    pub(super) fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            if at == self.end() {
                return None;
            }
            let (item, next) = self.read(at);
            at = next;
            Some(item)
        })
    }

    /// Adds an element in the end.
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        self.insert(self.end(), std::slice::from_ref(entry));
    }

    /// Puts elements ahead of the one at offset `at`.
    pub(super) fn insert(&mut self, at: usize, entries: &[Entry<'_>]) {
        let bytes = entries.iter().map(Entry::body_len).sum();
        resize_gap(&mut self.bytes, at..at, bytes);
        let mut rest = &mut self.bytes[at..at + bytes];
        for entry in entries {
            let (body, behind) = rest.split_at_mut(entry.body_len());
            entry.write_body_to(body);
            rest = behind;
        }
        self.count += entries.len() as u32;
    }

    /// Puts an element in the place of the one at `range`.
    pub(super) fn replace(&mut self, range: Range<usize>, entry: &Entry<'_>) {
        let at = range.start;
        resize_gap(&mut self.bytes, range, entry.body_len());
        entry.write_body_to(&mut self.bytes[at..at + entry.body_len()]);
    }

    /// Takes out the `count` elements in a range.
    pub(super) fn remove(&mut self, range: Range<usize>, count: usize) {
        self.bytes.drain(range);
        self.count -= count as u32;
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(row: &Row) -> Vec<String> {
        let text = |item: Item<'_>| String::from_utf8(item.to_vec());
        row.iter()
            .map(|item| text(item).expect("is UTF-8"))
            .collect()
    }

    #[test]
    fn elements_are_put_in_replaced_and_taken_out() {
        let mut row = Row::default();
        row.push(&Entry::new(b"first"));
        row.push(&Entry::new(b"1234567"));
        row.insert(row.skip(0, 1), &[Entry::new(b"second"), Entry::integer(-3)]);
        assert_eq!(texts(&row), ["first", "second", "-3", "1234567"]);
        let second = row.find(b"second").expect("is there");
        row.replace(second, &Entry::new(&[b'x'; 100]));
        assert_eq!(row.find(b"second"), None);
        let number = row.find(b"-3").expect("is there");
        row.replace(number, &Entry::new(b"9"));
        let nine = row.find(b"9").expect("is there");
        row.remove(0..nine.end, 3);
        assert_eq!(texts(&row), ["1234567"]);
        assert_eq!(row.count(), 1);
        assert_eq!(row.heap_bytes(), 128);
    }

    #[test]
    fn a_listpack_has_a_byte_an_element_more() {
        let mut row = Row::default();
        let mut entries = Vec::new();
        for text in [&b"a"[..], b"127", b"-4096", &[b'y'; 200]] {
            Entry::new(text).append_to(&mut entries);
            row.push(&Entry::new(text));
        }
        let mut written = Vec::new();
        row.append_entries_to(&mut written);
        assert_eq!(written, entries);
        // Of the long one's length there are two bytes.
        assert_eq!(row.end() + 5, entries.len());
        let read = Row::of_listpack(&entries);
        assert_eq!((read.bytes, read.count), (row.bytes, 4));
    }
}
