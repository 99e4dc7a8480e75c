//! A hash: fields, each with a value, and perhaps a moment at which the field goes.
//!
//! ```text
//! small   one row, fields in the order in which they came             pairs.rs
//! large   a table, and the expiries of fields beside it               large.rs, expiries.rs
//! ```
//!
//! The two forms are Redis's, whose rules show in OBJECT ENCODING and in the order of replies: a hash starts as a `listpack`, is a
//! `listpackex` as soon as a field of it was to expire, with the fields in the order in which they do, and becomes a `hashtable` when
//! it has more fields, or a longer text, than its [`Limits`] say. It never goes back.
//!
//! Fields whose time is up are there until somebody [takes](Hash::take_due) them: this room knows no clock.
//!
//! To [freeze](Hash::freeze) a large hash is to share its tables' bundles; a small one is copied.

mod expiries;
mod large;
mod pairs;

use super::list::Item;
use super::list::entry;
use super::row::Row;
use super::table::{Place, Records};
use crate::base::{Blob, Rng};
use large::Large;
use pairs::Pairs;
use std::num::NonZero;

/// The latest moment at which a field may expire, Unix milliseconds.
pub const LAST_EXPIRY_MS: i64 = (1 << 46) - 1;

/// What a small hash may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fields.
    pub fields: usize,
    /// Bytes of a field or a value.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            fields: 512,
            text_bytes: 64,
        }
    }
}

/// What setting a value does to the expiry of a field that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Ends it.
    Value,
    /// Leaves it.
    Expiry,
}

/// A field with all it has.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its name.
    pub name: Item<'a>,
    /// Its value.
    pub value: Item<'a>,
    /// When it goes, Unix milliseconds.
    pub expires_ms: Option<i64>,
}

/// See the module's description.
#[derive(Debug)]
pub struct Hash {
    held: Held,
    /// When the keyspace is to look for fields that are due, as its table has it.
    pub noted_ms: Option<NonZero<i64>>,
}

const _: () = assert!(size_of::<Hash>() == 48, "small hashes are many");

#[derive(Debug)]
enum Held {
    Small(Pairs),
    Large(Box<Large>),
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

impl Hash {
    /// A hash without fields.
    pub fn new() -> Self {
        Self::of(Held::Small(Pairs::default()))
    }

    /// A hash without fields that will soon have so many.
    pub fn with_room(limits: Limits, fields: usize) -> Self {
        match fields > limits.fields {
            true => Self::of(Held::Large(Box::default())),
            false => Self::new(),
        }
    }

    fn of(held: Held) -> Self {
        Hash {
            held,
            noted_ms: None,
        }
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        match &self.held {
            Held::Small(pairs) => pairs.len(),
            Held::Large(large) => large.table.len(),
        }
    }

    /// True without fields.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a field.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<Item<'_>> {
        match &self.held {
            Held::Small(pairs) => pairs.find(name).map(|spot| pairs.value(spot)),
            Held::Large(large) => large.table.get_blob(name).map(Item::from),
        }
    }

    /// Whether the field is there.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.get(name).is_some()
    }

    /// Makes ready for fields that are about to be set: names and values in turn. A hash that is to be large is so from the start.
    pub fn expect<'a>(&mut self, limits: Limits, texts: impl ExactSizeIterator<Item = &'a [u8]>) {
        let Held::Small(pairs) = &self.held else {
            return;
        };
        let mut bytes = pairs.bytes();
        if texts.len() / 2 <= limits.fields {
            let fits = texts.into_iter().all(|text| {
                bytes += text.len();
                text.len() <= limits.text_bytes
            });
            if fits && bytes <= pairs::MAX_BYTES {
                return;
            }
        }
        self.enlarge();
    }

    /// Sets the value of a field; true if the field is new.
    pub fn set(&mut self, limits: Limits, name: Blob, value: Blob, keeps: Keeps) -> bool {
        let longest = name.as_slice().len().max(value.as_slice().len());
        if longest > limits.text_bytes {
            self.enlarge();
        }
        let is_new = match &mut self.held {
            Held::Small(pairs) => pairs.set(name.as_slice(), value.as_slice(), keeps),
            Held::Large(large) => large.set(name, value, keeps),
        };
        if let Held::Small(pairs) = &self.held
            && (pairs.len() > limits.fields || pairs.bytes() > pairs::MAX_BYTES)
        {
            self.enlarge();
        }
        is_new
    }

    /// Removes a field; true if it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        match &mut self.held {
            Held::Small(pairs) => pairs.remove(name),
            Held::Large(large) => large.remove(name),
        }
    }

    /// When a field expires, Unix milliseconds.
    pub fn expiry_ms(&self, name: &[u8]) -> Option<i64> {
        match &self.held {
            Held::Small(pairs) => pairs.find(name).and_then(|spot| pairs.expiry_ms(spot)),
            Held::Large(large) => large.expiry_ms(name),
        }
    }

    /// Fields of it are about to be given an expiry, or might have been.
    pub fn expect_expiry(&mut self) {
        if let Held::Small(pairs) = &mut self.held {
            pairs.expect_expiry();
        }
    }

    /// Sets when a field that is there expires, no later than [`LAST_EXPIRY_MS`].
    pub fn set_expiry_ms(&mut self, name: &[u8], expires_ms: Option<i64>) {
        match &mut self.held {
            Held::Small(pairs) => pairs.set_expiry_ms(name, expires_ms),
            Held::Large(large) => large.set_expiry_ms(name, expires_ms),
        }
    }

    /// When the first field expires.
    pub fn next_expiry_ms(&self) -> Option<i64> {
        match &self.held {
            Held::Small(pairs) => pairs.next_expiry_ms(),
            Held::Large(large) => large.next_expiry_ms(),
        }
    }

    /// Removes fields whose time is up, the first ones first, `max` at most, and gives their names.
    pub fn take_due(&mut self, now_ms: i64, max: usize) -> Vec<Box<[u8]>> {
        let mut due = Vec::new();
        while due.len() < max && self.next_expiry_ms().is_some_and(|ms| ms <= now_ms) {
            due.push(match &mut self.held {
                Held::Small(pairs) => pairs.take_first(),
                Held::Large(large) => large.take_first(),
            });
        }
        due
    }

    /// Number of fields that expire.
    pub fn expiring_len(&self) -> usize {
        match &self.held {
            Held::Small(pairs) => {
                let expiring = pairs.iter().filter(|field| field.expires_ms.is_some());
                expiring.count()
            }
            Held::Large(large) => large.expiring_len(),
        }
    }

    /// All fields.
    pub fn iter(&self) -> Iter<'_> {
        match &self.held {
            Held::Small(pairs) => Iter::Small(pairs.iter()),
            Held::Large(large) => Iter::Large(large, large.table.records()),
        }
    }

    /// Gives fields to `each`, from `place` on and in the order of `iter`, until it returns false or none is left; moves `place` behind them. True in
    /// the latter case. For a hash that does not change meanwhile; a small one is given as a whole.
    pub fn read_while(
        &self,
        place: &mut Place,
        mut each: impl FnMut(Item<'_>, Item<'_>) -> bool,
    ) -> bool {
        match &self.held {
            Held::Small(pairs) => {
                for field in pairs.iter() {
                    each(field.name, field.value);
                }
                true
            }
            Held::Large(large) => large
                .table
                .read_while(place, |name, value| each(name.into(), value.into())),
        }
    }

    /// Gives some of the fields to `each`, about `count` if it is large, and the cursor to go on from, 0 in the end. What is there all the
    /// time is given once.
    pub fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut each: impl FnMut(Item<'a>, Item<'a>),
    ) -> u64 {
        match &self.held {
            Held::Small(pairs) => {
                pairs.iter().for_each(|field| each(field.name, field.value));
                0
            }
            Held::Large(large) => large.table.scan(cursor, count, |name, value| {
                each(Item::Text(name), Item::Text(value));
            }),
        }
    }

    /// A field, each as likely as any other, and its value.
    pub fn random(&self, rng: &mut Rng) -> Option<(Item<'_>, Item<'_>)> {
        match &self.held {
            Held::Small(pairs) if pairs.len() == 0 => None,
            Held::Small(pairs) => {
                let field = pairs.iter().nth(rng.below(pairs.len()))?;
                Some((field.name, field.value))
            }
            Held::Large(large) => {
                let (name, value) = large.table.random(rng)?;
                Some((Item::Text(name), Item::Text(value)))
            }
        }
    }

    /// The elements of a small hash, and whether each third is an expiry.
    pub fn row(&self) -> Option<(&Row, bool)> {
        match &self.held {
            Held::Small(pairs) => Some(pairs.row()),
            Held::Large(_) => None,
        }
    }

    /// A hash of the entries of a sound listpack, without two of the same name, each third of them an expiry in ascending order if it is
    /// `timed`, 0 for none.
    pub fn of_listpack(limits: Limits, entries: &[u8], timed: bool) -> Self {
        let pairs = Pairs::of(Row::of_listpack(entries), timed);
        let is_large = pairs.len() > limits.fields;
        let mut hash = Self::of(Held::Small(pairs));
        if is_large {
            hash.enlarge();
        }
        hash
    }

    /// What Redis calls the way the hash is kept.
    pub fn encoding_name(&self) -> &'static str {
        match &self.held {
            Held::Small(pairs) => pairs.encoding_name(),
            Held::Large(_) => "hashtable",
        }
    }

    /// A copy that later writes to either do not change.
    pub fn freeze(&mut self) -> Self {
        Self::of(match &mut self.held {
            Held::Small(pairs) => Held::Small(pairs.clone()),
            Held::Large(large) => Held::Large(Box::new(large.freeze())),
        })
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match &self.held {
            Held::Small(pairs) => pairs.heap_bytes(),
            Held::Large(large) => size_of::<Large>() + large.heap_bytes(),
        }
    }

    /// Whether it takes no more than `bytes`.
    pub fn is_quick_to_encode(&self, bytes: usize) -> bool {
        self.heap_bytes() <= bytes
    }

    /// True when freeing it would stall the event loop.
    pub fn is_costly_to_free(&self) -> bool {
        match &self.held {
            Held::Small(_) => false,
            Held::Large(large) => large.table.is_costly_to_free(),
        }
    }

    #[cold]
    fn enlarge(&mut self) {
        let Held::Small(pairs) = &self.held else {
            return;
        };
        let mut large = Large::default();
        for field in pairs.iter() {
            let (mut name, mut value) = (itoa::Buffer::new(), itoa::Buffer::new());
            let name = field.name.as_bytes(&mut name);
            large.table.insert(name, field.value.as_bytes(&mut value));
            large.set_expiry_ms(name, field.expires_ms);
        }
        self.held = Held::Large(Box::new(large));
    }
}

/// The fields of a hash in its order.
#[derive(Clone, Debug)]
pub enum Iter<'a> {
    /// Of a small one.
    Small(pairs::Iter<'a>),
    /// Of a large one.
    Large(&'a Large, Records<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        match self {
            Iter::Small(pairs) => pairs.next(),
            Iter::Large(large, records) => records.next().map(|(name, value)| Field {
                name: name.into(),
                value: value.into(),
                expires_ms: large.expiry_ms(name.as_slice()),
            }),
        }
    }
}

/// The integer that a text is, if it is one as it would be printed.
pub(crate) fn integer_of(item: Item<'_>) -> Option<i64> {
    match item {
        Item::Int(value) => Some(value),
        Item::Text(text) => entry::integer(text),
        Item::Shared(_) => None,
    }
}

#[cfg(test)]
mod tests;
