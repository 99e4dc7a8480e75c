//! Picking entries at random, for eviction to choose among.
//!
//! Positions are tried at random, each with those that follow it. Where entries that expire are so rare that this would seldom meet one, they are
//! taken from the deadlines, one stretch after another: so each has its turn.

use super::{Db, Entry, NEVER};
use crate::base::Rng;
use smallvec::SmallVec;
use std::ops::Bound::{Excluded, Unbounded};

/// Positions looked at from a random one on.
const STRETCH: usize = 64;
/// Random positions tried for each entry that is wanted.
const TRIES: usize = 4;
/// Of so many positions, one at least should be eligible for trying positions to be worth it.
const RARE: usize = 16;

impl Db {
    /// Gives `visit` about `count` entries; `expiring` ones alone if so wanted. None only if there is none.
    pub fn sample(
        &mut self,
        count: usize,
        expiring: bool,
        rng: &mut Rng,
        mut visit: impl FnMut(&Entry),
    ) {
        let eligible = match expiring {
            true => self.deadlines.len(),
            false => self.entries.len(),
        };
        if eligible == 0 {
            return;
        }
        if expiring && eligible * RARE < self.entries.end() {
            return self.sample_deadlines(count, visit);
        }
        let mut found = 0;
        for _ in 0..count * TRIES {
            if let Some(entry) = self.pick(expiring, rng) {
                visit(entry);
                found += 1;
            }
            if found == count {
                return;
            }
        }
        // Nearly all that this table has ever held is gone.
        let mut all = self.iter();
        if found == 0
            && let Some(entry) = all.find(|entry| entry.is_eligible(expiring))
        {
            visit(entry);
        }
    }

    fn pick(&self, expiring: bool, rng: &mut Rng) -> Option<&Entry> {
        let start = rng.below(self.entries.end());
        (start..start + STRETCH)
            .filter_map(|position| self.entries.get(position))
            .find(|entry| entry.is_eligible(expiring))
    }

    /// The next entries by deadline, behind those that were sampled last.
    fn sample_deadlines(&mut self, count: usize, visit: impl FnMut(&Entry)) {
        let behind = self.deadlines.range((Excluded(self.sampled), Unbounded));
        let found: SmallVec<[(i64, u32); 16]> = behind
            .chain(&self.deadlines)
            .take(count.min(self.deadlines.len()))
            .copied()
            .collect();
        self.sampled = found.last().copied().unwrap_or_default();
        found
            .iter()
            .map(|(_, position)| &self.entries[*position as usize])
            .for_each(visit);
    }
}

impl Entry {
    fn is_eligible(&self, expiring: bool) -> bool {
        !expiring || self.deadline_ms != NEVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{StrValue, Value};
    use std::collections::BTreeMap;

    fn filled(keys: u32, expiring_each: u32) -> Db {
        let mut db = Db::default();
        for key in 0..keys {
            let value = StrValue::new(crate::base::Blob::Slice(b"value"));
            let position = db.insert(&key.to_be_bytes(), Value::from(value), 0);
            if key % expiring_each == 0 {
                db.set_deadline_ms(position, i64::from(key) + 1);
            }
        }
        db
    }

    /// How often each key is met in `rounds` samples of five.
    fn met(db: &mut Db, expiring: bool, rounds: usize) -> BTreeMap<Box<[u8]>, u32> {
        let (mut met, mut rng) = (BTreeMap::new(), Rng::new(7));
        for _ in 0..rounds {
            let before: u32 = met.values().sum();
            db.sample(5, expiring, &mut rng, |entry| {
                assert!(!expiring || entry.expires_ms().is_some());
                *met.entry(entry.key.clone()).or_default() += 1;
            });
            assert!(met.values().sum::<u32>() > before, "there is something");
        }
        met
    }

    #[test]
    fn every_entry_is_met_about_as_often() {
        for (expiring_each, expiring, eligible) in
            [(1, false, 1000), (4, true, 250), (100, true, 10)]
        {
            let mut db = filled(1000, expiring_each);
            let met = met(&mut db, expiring, 20 * eligible);
            assert_eq!(met.len(), eligible);
            // About 100 times each; where most are not eligible, the first of them after a gap more often.
            assert!(
                met.values().all(|times| (25..250).contains(times)),
                "{met:?}"
            );
        }
    }

    #[test]
    fn what_is_left_of_many_is_found() {
        let mut db = filled(10_000, 10_000);
        (1..9_999).for_each(|position| drop(db.remove(position)));
        assert_eq!(met(&mut db, false, 10).len(), 2);
        assert_eq!(met(&mut db, true, 10).len(), 1);
        db.remove(0);
        db.remove(9_999);
        db.sample(5, false, &mut Rng::new(1), |_| panic!("there is none"));
    }
}
