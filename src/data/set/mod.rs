//! A set: distinct texts in no order, but that a small one shows the order in which it keeps them.
//!
//! | form | when | order |
//! |---|---|---|
//! | `Ints` (`ints.rs`) | all members are integers, and few | ascending |
//! | `Packed`, a row (`data/row.rs`) | few and short | as they were added |
//! | `Table` (`data/table.rs`) | otherwise | none |
//!
//! Which form a set has shows in OBJECT ENCODING and in the order of replies, so the rules are Redis's: a set leaves a form when an addition
//! exceeds its [`Limits`], and does not come back to one by removals, unless nearly all members are taken at once ([`Set::repack`]). What is computed
//! from other sets may [settle](Set::settle_as_ints) among integers again.

mod ints;
mod load;

pub use load::{Loader, Reader};

use super::list::{Item, entry};
use super::row::Row;
use super::table::Table;
use crate::base::{Blob, Rng};
use entry::Entry;
use ints::Ints;
use std::collections::HashSet;

/// Of a set beyond this many times the wanted number of members, members are drawn until they are enough; of a smaller one, a walk picks them.
const SPARSE_SAMPLE: usize = 3;

/// Up to which size the compact forms are kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Members of a set of integers.
    pub ints: usize,
    /// Members of a packed set.
    pub packed: usize,
    /// Bytes of a member of a packed set.
    pub member_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            ints: 512,
            packed: 128,
            member_bytes: 64,
        }
    }
}

/// See the module's description.
#[derive(Debug)]
pub struct Set(Form);

#[derive(Debug)]
enum Form {
    Ints(Ints),
    Packed(Row),
    /// Boxed to keep small sets, the many, small.
    Table(Box<Table>),
}

impl Default for Set {
    fn default() -> Self {
        Set::of_ints()
    }
}

impl Set {
    /// An empty set that expects integers.
    pub fn of_ints() -> Self {
        Set(Form::Ints(Ints::default()))
    }

    /// An empty set that expects a few texts.
    pub fn packed() -> Self {
        Set(Form::Packed(Row::default()))
    }

    /// An empty set that expects many texts.
    pub fn table() -> Self {
        Set(Form::Table(Box::default()))
    }

    /// An empty set that expects `count` members, of which one is `first`.
    pub fn expecting(first: &[u8], count: usize, limits: Limits) -> Self {
        if count <= limits.ints && entry::integer(first).is_some() {
            Set::of_ints()
        } else if count <= limits.packed {
            Set::packed()
        } else {
            Set::table()
        }
    }

    /// Prepares for `count` members to be added at once.
    pub fn expect(&mut self, count: usize, limits: Limits) {
        let is_exceeded = match &self.0 {
            Form::Ints(_) => count > limits.ints,
            Form::Packed(_) => count > limits.packed,
            Form::Table(_) => false,
        };
        if is_exceeded {
            self.spread();
        }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Ints(ints) => ints.len(),
            Form::Packed(row) => row.count(),
            Form::Table(table) => table.len(),
        }
    }

    /// Whether there are none; such a set is no value of any key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What Redis calls the way the set is kept.
    pub fn encoding_name(&self) -> &'static str {
        match &self.0 {
            Form::Ints(_) => "intset",
            Form::Packed(_) => "listpack",
            Form::Table(_) => "hashtable",
        }
    }

    /// Whether the members come in an order, from the least integer up.
    pub fn is_of_ints(&self) -> bool {
        matches!(self.0, Form::Ints(_))
    }

    /// Whether the members come in the order in which they were added.
    pub fn is_packed(&self) -> bool {
        matches!(self.0, Form::Packed(_))
    }

    /// Whether `text` is a member.
    pub fn contains(&self, text: &[u8]) -> bool {
        match &self.0 {
            Form::Ints(ints) => entry::integer(text).is_some_and(|value| ints.contains(value)),
            Form::Packed(row) => row.find(text).is_some(),
            Form::Table(table) => table.contains(text),
        }
    }

    /// Adds a member; true if it is new.
    pub fn add(&mut self, member: Blob<'_>, limits: Limits) -> bool {
        let text = member.as_slice();
        match &mut self.0 {
            Form::Table(table) => return table.insert(member, &b""[..]),
            Form::Packed(row) => {
                if row.find(text).is_some() {
                    return false;
                }
                if row.count() < limits.packed && text.len() <= limits.member_bytes {
                    row.push(&Entry::new(text));
                    return true;
                }
            }
            Form::Ints(ints) => {
                if let Some(value) = entry::integer(text) {
                    let is_new = ints.insert(value);
                    if ints.len() > limits.ints {
                        self.spread();
                    }
                    return is_new;
                }
                if let Some(mut row) = ints.row_beside(text, limits) {
                    row.push(&Entry::new(text));
                    self.0 = Form::Packed(row);
                    return true;
                }
            }
        }
        self.spread().insert(member, &b""[..])
    }

    /// Removes a member; true if it was there.
    pub fn remove(&mut self, text: &[u8]) -> bool {
        match &mut self.0 {
            Form::Ints(ints) => entry::integer(text).is_some_and(|value| ints.remove(value)),
            Form::Packed(row) => match row.find(text) {
                Some(range) => {
                    row.remove(range, 1);
                    true
                }
                None => false,
            },
            Form::Table(table) => table.remove(text),
        }
    }

    /// All members.
    pub fn iter(&self) -> Box<dyn Iterator<Item = Item<'_>> + '_> {
        match &self.0 {
            Form::Ints(ints) => Box::new(ints.iter().map(Item::Int)),
            Form::Packed(row) => Box::new(row.iter()),
            Form::Table(table) => Box::new(table.iter().map(|(text, _)| Item::Text(text))),
        }
    }

    /// Gives members to `each` until there were `count`, or all where the form is compact; gives the cursor to go on from, 0 in the end. Who is a
    /// member during all calls is given at least once.
    pub fn scan(&self, cursor: u64, count: usize, mut each: impl FnMut(Item<'_>)) -> u64 {
        match &self.0 {
            Form::Table(table) => table.scan(cursor, count, |text, _| each(Item::Text(text))),
            _ => {
                self.iter().for_each(each);
                0
            }
        }
    }

    /// A member, each as likely as any other.
    pub fn random(&self, rng: &mut Rng) -> Option<Item<'_>> {
        match &self.0 {
            _ if self.is_empty() => None,
            Form::Table(table) => table.random(rng).map(|(text, _)| Item::Text(text)),
            _ => self.iter().nth(rng.below(self.len())),
        }
    }

    /// So many different members, or all, each set of them as likely as any other.
    pub fn sample(&self, rng: &mut Rng, count: usize) -> Vec<Item<'_>> {
        let mut sample = Vec::with_capacity(count.min(self.len()));
        if let Form::Table(table) = &self.0
            && table.len() / SPARSE_SAMPLE > count
        {
            let mut drawn = HashSet::with_capacity(count);
            while drawn.len() < count {
                let (text, _) = table.random(rng).expect("it has members");
                if drawn.insert(text) {
                    sample.push(Item::Text(text));
                }
            }
            return sample;
        }
        // Each is taken with the chance that those still wanted are among those still to come.
        let (mut wanted, mut to_come) = (count, self.len());
        for item in self.iter() {
            if wanted == 0 {
                break;
            }
            if rng.below(to_come) < wanted {
                sample.push(item);
                wanted -= 1;
            }
            to_come -= 1;
        }
        sample
    }

    /// Keeps the members of a table packed if they are few and short enough.
    pub fn repack(&mut self, limits: Limits) {
        let Form::Table(table) = &self.0 else { return };
        let mut set = Set::packed();
        for (member, _) in table.iter() {
            set.add(Blob::Slice(member), limits);
        }
        *self = set;
    }

    /// Keeps a set that was computed as integers if all members are, and few.
    pub fn settle_as_ints(&mut self, limits: Limits) {
        if self.is_of_ints() || self.len() > limits.ints {
            return;
        }
        let values = self.iter().map(|item| match item {
            Item::Int(value) => Some(value),
            Item::Text(text) => entry::integer(text),
            Item::Shared(_) => None,
        });
        let values: Option<Vec<i64>> = values.collect();
        let Some(mut values) = values else { return };
        values.sort_unstable();
        let mut ints = Ints::default();
        for value in values {
            ints.insert(value);
        }
        self.0 = Form::Ints(ints);
    }

    /// A copy that later writes to either do not change. Costs microseconds, whatever the size.
    pub fn freeze(&mut self) -> Set {
        Set(match &mut self.0 {
            Form::Ints(ints) => Form::Ints(ints.freeze()),
            Form::Packed(row) => Form::Packed(row.clone()),
            Form::Table(table) => Form::Table(Box::new(table.freeze())),
        })
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Ints(ints) => ints.heap_bytes(),
            Form::Packed(row) => row.heap_bytes(),
            Form::Table(table) => size_of::<Table>() + table.heap_bytes(),
        }
    }

    /// Whether it takes no more than `max_bytes`.
    pub fn is_quick_to_encode(&self, max_bytes: usize) -> bool {
        self.heap_bytes() <= max_bytes
    }

    /// Whether freeing it would take long.
    pub fn is_costly_to_free(&self) -> bool {
        match &self.0 {
            Form::Table(table) => table.is_costly_to_free(),
            _ => false,
        }
    }

    /// Puts the members into a table, whatever they were kept in.
    fn spread(&mut self) -> &mut Table {
        if !matches!(self.0, Form::Table(_)) {
            let mut table = Table::new();
            let mut digits = itoa::Buffer::new();
            for item in self.iter() {
                table.insert(item.as_bytes(&mut digits), &b""[..]);
            }
            self.0 = Form::Table(Box::new(table));
        }
        match &mut self.0 {
            Form::Table(table) => table,
            _ => unreachable!("it is one by now"),
        }
    }
}

#[cfg(test)]
mod tests;
