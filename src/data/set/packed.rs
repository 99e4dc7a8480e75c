//! A few short texts in one buffer, in the order in which they were added, as entries of Redis's listpacks (`list/entry.rs`).
//!
//! ```text
//! bytes   entry | entry | entry
//! ```
//!
//! What must hold: no two entries are equal.

use super::Limits;
use crate::base::room::make_room;
use crate::data::list::{Item, Needle, entry};
use crate::data::shareable::Shareable;
use entry::Entry;
use std::ops::Range;

/// See the file's head.
#[derive(Debug, Default)]
pub(super) struct Packed {
    bytes: Shareable<Vec<u8>>,
    count: u32,
}

impl Packed {
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Where the entry is that equals `text`.
    pub fn find(&self, text: &[u8]) -> Option<Range<usize>> {
        let needle = Needle::new(text);
        let mut at = 0;
        while at < self.bytes.len() {
            let (item, next) = entry::read(&self.bytes, at);
            if needle.is(item) {
                return Some(at..next);
            }
            at = next;
        }
        None
    }

    /// Whether one more text is within the limits.
    pub fn admits(&self, text: &[u8], limits: Limits) -> bool {
        self.len() < limits.packed && text.len() <= limits.member_bytes
    }

    /// Adds a text that is not there.
    pub fn push(&mut self, text: &[u8]) {
        self.push_entry(&Entry::new(text));
    }

    /// Adds an integer that is not there.
    pub fn push_int(&mut self, value: i64) {
        self.push_entry(&Entry::integer(value));
    }

    fn push_entry(&mut self, entry: &Entry<'_>) {
        let bytes = self.bytes.to_mut();
        make_room(bytes, entry.len());
        entry.append_to(bytes);
        self.count += 1;
    }

    /// Removes the entry in a range that was found.
    pub fn remove(&mut self, range: Range<usize>) {
        self.bytes.to_mut().drain(range);
        self.count -= 1;
    }

    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            if at == self.bytes.len() {
                return None;
            }
            let (item, next) = entry::read(&self.bytes, at);
            at = next;
            Some(item)
        })
    }

    pub fn freeze(&mut self) -> Self {
        Packed {
            bytes: self.bytes.freeze(),
            count: self.count,
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}
