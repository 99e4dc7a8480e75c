//! Sets on their way to files and back.

use super::ints::Ints;
use super::{Form, Limits, Set};
use crate::base::Blob;
use crate::data::list::Item;
use crate::data::table::Place;

impl Set {
    /// Of a set of integers, their width in bytes and, in ascending order, their bytes.
    pub fn ints(&self) -> Option<(usize, &[u8])> {
        match &self.0 {
            Form::Ints(ints) => Some(ints.as_bytes()),
            _ => None,
        }
    }

    /// A set of integers of so many bytes each, as a file has them; `None` if they are not sound.
    pub fn of_int_bytes(width: usize, bytes: &[u8], limits: Limits) -> Option<Set> {
        let mut set = Set(Form::Ints(Ints::of_bytes(width, bytes)?));
        set.expect(set.len(), limits);
        Some(set)
    }
}

/// Builds a set from members that come one after another. Where they are few their order is kept.
#[derive(Debug)]
pub struct Loader {
    set: Set,
    limits: Limits,
}

impl Loader {
    /// For a set of `count` members.
    pub fn new(count: usize, limits: Limits) -> Self {
        let set = if count <= limits.packed {
            Set::packed()
        } else if count <= limits.ints {
            Set::of_ints()
        } else {
            Set::table()
        };
        Loader { set, limits }
    }

    /// Adds a member; false if it is there already.
    pub fn push(&mut self, member: Blob<'_>) -> bool {
        self.set.add(member, self.limits)
    }

    /// The set; `None` if it has no members.
    pub fn finish(self) -> Option<Set> {
        (!self.set.is_empty()).then_some(self.set)
    }
}

/// Reads a frozen set in slices of the reader's choosing.
#[derive(Debug)]
pub struct Reader {
    set: Set,
    place: Place,
    /// Of a compact set, how many members have been read.
    read: usize,
}

impl Reader {
    /// From the beginning.
    pub fn new(set: Set) -> Self {
        Reader {
            set,
            place: Place::default(),
            read: 0,
        }
    }

    /// Gives the next members to `each` until it returns false or none is left; true in the latter case.
    pub fn read_while(&mut self, mut each: impl FnMut(Item<'_>) -> bool) -> bool {
        if let Form::Table(table) = &self.set.0 {
            return table.read_while(&mut self.place, |member, _| {
                each(match member {
                    Blob::Slice(text) => Item::Text(text),
                    Blob::Shared(bytes) => Item::Shared(bytes),
                })
            });
        }
        for member in self.set.iter().skip(self.read) {
            self.read += 1;
            if !each(member) {
                return false;
            }
        }
        true
    }
}
