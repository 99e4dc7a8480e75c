//! A snapshot's way through a database while commands go on: what it saves is the state at the moment it began.
//!
//! A walk begins in all databases of all stripes at one instant, with every stripe held, and then visits each in slices, holding one
//! stripe at a time:
//!
//! ```text
//!   positions of a Db:   0 ........ cursor ............... end
//!                        visited    to be visited          not there when the walk began
//! ```
//!
//! Whoever is about to change or remove an entry that the walk has yet to visit preserves it first: a frozen copy, with key and
//! expiry, goes to `preserved`, which the walk takes along on its next visit, and the entry's epoch becomes that of the database,
//! so that the walk passes it by. What is inserted meanwhile is born in that epoch. So every entry that was there when the walk
//! began is met once, as it was then: by the cursor or among the preserved ones.
//!
//! A walk belongs to its `Db` and knows the number to save it under: a database that is swapped or emptied meanwhile takes its walk
//! along, and what FLUSHALL detaches waits in its stripe until the snapshot is done with it.
//!
//! Bound: `preserved` grows by what is changed between two visits of a stripe, each entry once.

use super::{Db, Keyspace, Locked, StripeSet, Usage};
use crate::data::Value;
use std::sync::atomic::{AtomicU64, Ordering};

/// Positions of a table that one call of `Db::walk_on` looks at, at most.
pub const POSITIONS_PER_SLICE: usize = 1024;

/// An entry as it was when the walk began.
#[derive(Debug)]
pub struct Preserved {
    /// The key.
    pub key: Box<[u8]>,
    /// When it expires, Unix milliseconds, or `NEVER`.
    pub deadline_ms: i64,
    /// How it was used.
    pub usage: Usage,
    /// What it held, frozen.
    pub value: Value,
    /// The memory that is needed for as long as this is kept.
    pub held: Held,
}

static HELD_BYTES: AtomicU64 = AtomicU64::new(0);

/// Memory that is in use for the snapshot under way alone: that of what was changed or removed and has yet to be written.
#[derive(Debug, Default)]
pub struct Held(u64);

impl Held {
    /// So many bytes, until this is dropped.
    pub fn new(bytes: usize) -> Self {
        HELD_BYTES.fetch_add(bytes as u64, Ordering::AcqRel);
        Held(bytes as u64)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD_BYTES.fetch_sub(self.0, Ordering::AcqRel);
    }
}

/// Bytes of memory that are in use for the snapshot under way alone, near enough.
pub fn held_bytes() -> u64 {
    HELD_BYTES.load(Ordering::Acquire)
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Walk {
    /// The number of the database when the walk began.
    pub db: usize,
    pub(super) cursor: usize,
    pub(super) end: usize,
    pub(super) preserved: Vec<Preserved>,
}

/// Begins a walk everywhere, at this moment. Every stripe is held, and no other walk is under way.
pub fn begin(locked: &mut Locked<'_>) {
    assert_eq!(locked.held(), StripeSet::All, "a snapshot is of one moment");
    for (_, stripe) in locked.iter_mut() {
        for (number, db) in stripe.dbs.iter_mut().enumerate() {
            db.begin_walk(number);
        }
    }
}

/// Ends a walk that nobody will finish; no stripe may be held.
pub fn abandon(keyspace: &Keyspace) {
    let mut locked = Locked::new(keyspace);
    for index in 0..keyspace.stripes() {
        locked.acquire_one(index);
        let stripe = locked.stripe(index);
        let detached = std::mem::take(&mut stripe.detached);
        let ended: Vec<_> = stripe.dbs.iter_mut().map(Db::end_walk).collect();
        locked.release();
        drop((detached, ended));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Blob;
    use crate::data::StrValue;
    use crate::keyspace::{NEVER, Stripe};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const DATABASES: usize = 3;

    /// What a walk met, or what was there: database and key, value and deadline.
    type State = BTreeMap<(usize, Vec<u8>), (String, i64)>;

    #[derive(Clone, Debug)]
    enum Step {
        Append(usize, u8),
        Replace(usize, u8),
        Remove(usize, u8),
        Expire(usize, u8, i64),
        Swap(usize, usize),
        Empty(usize),
        Visit,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let db = || 0..DATABASES;
        let step = prop_oneof![
            8 => (db(), 0..40u8).prop_map(|(db, key)| Step::Append(db, key)),
            2 => (db(), 0..40u8).prop_map(|(db, key)| Step::Replace(db, key)),
            2 => (db(), 0..40u8).prop_map(|(db, key)| Step::Remove(db, key)),
            2 => (db(), 0..40u8, 0..9i64).prop_map(|(db, key, at)| Step::Expire(db, key, at)),
            1 => (db(), db()).prop_map(|(first, second)| Step::Swap(first, second)),
            1 => db().prop_map(Step::Empty),
            4 => Just(Step::Visit),
        ];
        proptest::collection::vec(step, 0..120)
    }

    fn text(value: &Value) -> String {
        match value {
            Value::Str(text) => {
                String::from_utf8_lossy(text.as_bytes(&mut itoa::Buffer::new())).into_owned()
            }
            _ => unreachable!("the steps make strings"),
        }
    }

    fn string(text: &str) -> Value {
        Value::Str(StrValue::text(Blob::from(text.as_bytes())))
    }

    fn change(stripe: &mut Stripe, step: &Step) {
        let db = &mut stripe.dbs;
        match *step {
            Step::Append(number, key) => match db[number].position(&[key]) {
                Some(position) => match &mut db[number].entry_mut(position).value {
                    Value::Str(text) => drop(text.append(b"+")),
                    _ => unreachable!("the steps make strings"),
                },
                None => drop(db[number].insert(&[key], string("new"), 0)),
            },
            Step::Replace(number, key) => {
                if let Some(position) = db[number].position(&[key]) {
                    db[number].entry_mut(position).replace(string("other"));
                }
            }
            Step::Remove(number, key) => {
                if let Some(position) = db[number].position(&[key]) {
                    db[number].remove(position);
                }
            }
            Step::Expire(number, key, at) => {
                if let Some(position) = db[number].position(&[key]) {
                    db[number].set_deadline_ms(position, if at == 0 { NEVER } else { at });
                }
            }
            Step::Swap(first, second) => db.swap(first, second),
            Step::Empty(number) => drop(stripe.empty(number)),
            Step::Visit => {}
        }
    }

    fn state(stripe: &Stripe) -> State {
        let mut state = State::new();
        for (number, db) in stripe.dbs.iter().enumerate() {
            for entry in db.iter() {
                let place = (number, entry.key.to_vec());
                state.insert(place, (text(&entry.value), entry.deadline_ms()));
            }
        }
        state
    }

    /// Notes what a walk meets; each entry once.
    fn meet(met: &mut State, db: usize, key: &[u8], value: &Value, deadline_ms: i64) {
        let before = met.insert((db, key.to_vec()), (text(value), deadline_ms));
        assert!(before.is_none(), "{key:?} was met twice");
    }

    /// Visits one entry of each database, and what was preserved; true when nothing is left.
    fn visit(stripe: &mut Stripe, met: &mut State) -> bool {
        let mut over = true;
        for db in stripe.dbs.iter_mut().chain(&mut stripe.detached) {
            let Some(walk) = db.walk() else { continue };
            let number = walk.db;
            for kept in db.take_preserved() {
                meet(met, number, &kept.key, &kept.value, kept.deadline_ms);
            }
            let is_over = db.walk_on(|entry| {
                meet(met, number, &entry.key, &entry.value, entry.deadline_ms());
                false
            });
            if is_over {
                db.end_walk();
            }
            over &= is_over;
        }
        over
    }

    proptest! {
        #[test]
        fn a_walk_meets_each_entry_once_as_it_was(before in steps(), during in steps()) {
            let keyspace = Keyspace::new(DATABASES, 1);
            let mut locked = Locked::new(&keyspace);
            locked.acquire(&StripeSet::All);
            for step in &before {
                change(locked.stripe(0), step);
            }
            begin(&mut locked);
            let stripe = locked.stripe(0);
            let (expected, mut met) = (state(stripe), State::new());
            for step in &during {
                match step {
                    Step::Visit => drop(visit(stripe, &mut met)),
                    step => change(stripe, step),
                }
            }
            while !visit(stripe, &mut met) {}
            prop_assert_eq!(met, expected);
            prop_assert!(stripe.dbs.iter().all(|db| db.walk().is_none()));
        }
    }

    #[test]
    fn an_abandoned_walk_leaves_nothing_behind() {
        let keyspace = Keyspace::new(DATABASES, 1);
        let mut locked = Locked::new(&keyspace);
        for round in 0..2 {
            locked.acquire(&StripeSet::All);
            change(locked.stripe(0), &Step::Append(0, 1));
            change(locked.stripe(0), &Step::Append(1, 1));
            begin(&mut locked);
            change(locked.stripe(0), &Step::Append(0, 1));
            change(locked.stripe(0), &Step::Empty(1));
            assert_eq!(locked.stripe(0).detached.len(), 1, "round {round}");
            locked.release();
            abandon(&keyspace);
        }
        locked.acquire(&StripeSet::All);
        let stripe = locked.stripe(0);
        assert!(stripe.detached.is_empty() && stripe.dbs.iter().all(|db| db.walk().is_none()));
    }
}
