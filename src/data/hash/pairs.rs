//! A small hash: one packed run, in the entry format of Redis's listpacks (`data/list/entry.rs`), so that snapshots copy it as it is.
//!
//! ```text
//! plain   | field | value | field | value | ...                  in the order in which the fields came
//! timed   | field | value | expiry | field | value | expiry ...  in the order in which they expire; 0, at the end, for never
//! ```
//!
//! It is timed as soon as a field was to expire. Of two fields that expire at the same moment, the one that was told so later stands first.

use super::{Field, Keeps};
use crate::data::list::chunk::Packed;
use crate::data::list::entry::Entry;
use crate::data::list::{End, Item, Needle};
use std::ops::Range;

/// A run never takes more.
pub(super) const MAX_BYTES: usize = 1 << 30;

/// What stands for no expiry.
const NEVER: i64 = 0;

/// See the module's description.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    packed: Packed,
    timed: bool,
}

/// Where a field stands: the offsets of its parts.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    field: usize,
    value: usize,
    /// That of the expiry, or of what follows.
    expiry: usize,
    end: usize,
}

impl Spot {
    fn parts(&self, timed: bool) -> Vec<Range<usize>> {
        let mut parts = vec![self.field..self.value, self.value..self.expiry];
        if timed {
            parts.push(self.expiry..self.end);
        }
        parts
    }
}

impl Pairs {
    /// A run of `count` entries encoded before.
    pub fn of(entries: Vec<u8>, count: usize, timed: bool) -> Self {
        Pairs {
            packed: Packed::of_entries(entries, count),
            timed,
        }
    }

    pub fn len(&self) -> usize {
        self.packed.count() / self.parts_each()
    }

    /// Bytes of all entries.
    pub fn bytes(&self) -> usize {
        self.packed.listpack_bytes()
    }

    pub fn heap_bytes(&self) -> usize {
        self.packed.heap_bytes()
    }

    pub fn encoding_name(&self) -> &'static str {
        if self.timed { "listpackex" } else { "listpack" }
    }

    pub fn packed(&self) -> (&[u8], usize, bool) {
        (self.packed.entries(), self.packed.count(), self.timed)
    }

    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<Spot> {
        let needle = Needle::new(name);
        let mut at = self.packed.start();
        while at < self.packed.end() {
            let (item, value) = self.packed.read(at);
            let spot = self.spot(at, value);
            if needle.is(item) {
                return Some(spot);
            }
            at = spot.end;
        }
        None
    }

    #[inline]
    pub fn value(&self, spot: Spot) -> Item<'_> {
        self.packed.read(spot.value).0
    }

    pub fn expiry_ms(&self, spot: Spot) -> Option<i64> {
        if !self.timed {
            return None;
        }
        match self.packed.read(spot.expiry).0 {
            Item::Int(NEVER) => None,
            Item::Int(expires_ms) => Some(expires_ms),
            _ => unreachable!("an expiry is an integer"),
        }
    }

    pub fn set(&mut self, name: &[u8], value: &[u8], keeps: Keeps) -> bool {
        let Some(spot) = self.find(name) else {
            self.insert(self.packed.end(), name, value, NEVER);
            return true;
        };
        if keeps == Keeps::Value && self.expiry_ms(spot).is_some() {
            self.cut(spot);
            self.insert(self.packed.end(), name, value, NEVER);
        } else {
            self.packed
                .replace(spot.value..spot.expiry, &Entry::new(value));
        }
        false
    }

    pub fn remove(&mut self, name: &[u8]) -> bool {
        let spot = self.find(name);
        if let Some(spot) = spot {
            self.cut(spot);
        }
        spot.is_some()
    }

    /// Becomes timed, if it is not.
    pub fn expect_expiry(&mut self) {
        if self.timed {
            return;
        }
        let mut timed = Pairs {
            timed: true,
            ..Pairs::default()
        };
        for field in self.iter() {
            for item in [field.name, field.value, Item::Int(NEVER)] {
                let mut digits = itoa::Buffer::new();
                let entry = Entry::new(item.as_bytes(&mut digits));
                timed.packed.push(End::Back, &entry);
            }
        }
        *self = timed;
    }

    pub fn set_expiry_ms(&mut self, name: &[u8], expires_ms: Option<i64>) {
        if expires_ms.is_none() && !self.timed {
            return;
        }
        self.expect_expiry();
        let Some(spot) = self.find(name) else {
            return;
        };
        if expires_ms.is_none() && self.expiry_ms(spot).is_none() {
            return;
        }
        let value = self.value(spot).to_vec();
        self.cut(spot);
        let expires_ms = expires_ms.unwrap_or(NEVER);
        self.insert(self.place_for(expires_ms), name, &value, expires_ms);
    }

    pub fn next_expiry_ms(&self) -> Option<i64> {
        if !self.timed {
            return None;
        }
        self.iter().next()?.expires_ms
    }

    /// Removes the first field, which there is.
    pub fn take_first(&mut self) -> Box<[u8]> {
        let at = self.packed.start();
        let (item, value) = self.packed.read(at);
        let name = item.to_vec().into();
        self.cut(self.spot(at, value));
        name
    }

    pub fn iter(&self) -> Iter<'_> {
        Iter {
            pairs: self,
            at: self.packed.start(),
        }
    }

    fn parts_each(&self) -> usize {
        if self.timed { 3 } else { 2 }
    }

    #[inline]
    fn spot(&self, field: usize, value: usize) -> Spot {
        let expiry = self.packed.read(value).1;
        let end = match self.timed {
            true => self.packed.read(expiry).1,
            false => expiry,
        };
        Spot {
            field,
            value,
            expiry,
            end,
        }
    }

    /// Where a field with this expiry belongs: ahead of those that expire no earlier.
    fn place_for(&self, expires_ms: i64) -> usize {
        if expires_ms == NEVER {
            return self.packed.end();
        }
        let mut iter = self.iter();
        loop {
            let at = iter.at;
            let next = iter.next().and_then(|field| field.expires_ms);
            if next.is_none_or(|next_ms| next_ms >= expires_ms) {
                return at;
            }
        }
    }

    fn cut(&mut self, spot: Spot) {
        self.packed.remove(&spot.parts(self.timed));
    }

    fn insert(&mut self, at: usize, name: &[u8], value: &[u8], expires_ms: i64) {
        let mut entries = Vec::new();
        Entry::new(name).append_to(&mut entries);
        Entry::new(value).append_to(&mut entries);
        if self.timed {
            Entry::integer(expires_ms).append_to(&mut entries);
        }
        self.packed.insert_encoded(at, &entries, self.parts_each());
    }
}

/// The fields in order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    pairs: &'a Pairs,
    at: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        let pairs = self.pairs;
        if self.at == pairs.packed.end() {
            return None;
        }
        let (name, value) = pairs.packed.read(self.at);
        let spot = pairs.spot(self.at, value);
        self.at = spot.end;
        Some(Field {
            name,
            value: pairs.value(spot),
            expires_ms: pairs.expiry_ms(spot),
        })
    }
}
