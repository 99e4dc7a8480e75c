//! A small hash: one row of elements (`data/row.rs`).
//!
//! ```text
//! plain   | field | value | field | value | ...                  in the order in which the fields came
//! timed   | field | value | expiry | field | value | expiry ...  in the order in which they expire; 0, at the end, for never
//! ```
//!
//! It is timed as soon as a field was to expire. Of two fields that expire at the same moment, the one that was told so later stands first.

use super::{Field, Keeps};
use crate::data::Row;
use crate::data::list::entry::Entry;
use crate::data::list::{Item, Needle};

/// A row never takes more.
pub(super) const MAX_BYTES: usize = 1 << 30;

/// What stands for no expiry.
const NEVER: i64 = 0;

/// See the module's description.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    row: Row,
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

impl Pairs {
    /// Of a row, each third element of which is an expiry if it is `timed`.
    pub fn of(row: Row, timed: bool) -> Self {
        Pairs { row, timed }
    }

    pub fn len(&self) -> usize {
        self.row.count() / self.parts_each()
    }

    /// Bytes of all entries.
    pub fn bytes(&self) -> usize {
        self.row.end()
    }

    pub fn heap_bytes(&self) -> usize {
        self.row.heap_bytes()
    }

    pub fn encoding_name(&self) -> &'static str {
        if self.timed { "listpackex" } else { "listpack" }
    }

    pub fn row(&self) -> (&Row, bool) {
        (&self.row, self.timed)
    }

    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<Spot> {
        let needle = Needle::new(name);
        let mut at = 0;
        while at < self.row.end() {
            let (item, value) = self.row.read(at);
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
        self.row.read(spot.value).0
    }

    pub fn expiry_ms(&self, spot: Spot) -> Option<i64> {
        if !self.timed {
            return None;
        }
        match self.row.read(spot.expiry).0 {
            Item::Int(NEVER) => None,
            Item::Int(expires_ms) => Some(expires_ms),
            _ => unreachable!("an expiry is an integer"),
        }
    }

    pub fn set(&mut self, name: &[u8], value: &[u8], keeps: Keeps) -> bool {
        let Some(spot) = self.find(name) else {
            self.insert(self.row.end(), name, value, NEVER);
            return true;
        };
        if keeps == Keeps::Value && self.expiry_ms(spot).is_some() {
            self.cut(spot);
            self.insert(self.row.end(), name, value, NEVER);
        } else {
            self.row
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
                timed.row.push(&entry);
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
        let (item, value) = self.row.read(0);
        let name = item.to_vec().into();
        self.cut(self.spot(0, value));
        name
    }

    pub fn iter(&self) -> Iter<'_> {
        Iter { pairs: self, at: 0 }
    }

    fn parts_each(&self) -> usize {
        if self.timed { 3 } else { 2 }
    }

    #[inline]
    fn spot(&self, field: usize, value: usize) -> Spot {
        let expiry = self.row.read(value).1;
        let end = match self.timed {
            true => self.row.read(expiry).1,
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
            return self.row.end();
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
        self.row.remove(spot.field..spot.end, self.parts_each());
    }

    fn insert(&mut self, at: usize, name: &[u8], value: &[u8], expires_ms: i64) {
        let entries = [
            Entry::new(name),
            Entry::new(value),
            Entry::integer(expires_ms),
        ];
        self.row.insert(at, &entries[..self.parts_each()]);
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
        if self.at == pairs.row.end() {
            return None;
        }
        let (name, value) = pairs.row.read(self.at);
        let spot = pairs.spot(self.at, value);
        self.at = spot.end;
        Some(Field {
            name,
            value: pairs.value(spot),
            expires_ms: pairs.expiry_ms(spot),
        })
    }
}
