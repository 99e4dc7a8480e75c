//! The scores of a large set by member.
//!
//! ```text
//! short   member -> score                              (data/table.rs)
//! long    hash of the member -> (number, score)*       the number of its text, which says whether it is that member
//! ```

use super::texts::{MAX_SHORT_BYTES, Texts};
use crate::data::table::{Spot, Table};
use ahash::RandomState;
use std::sync::LazyLock;

static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Bits of a hash that tell members apart. Tests leave few, so that members meet.
const HASH_BITS: u64 = if cfg!(test) { 0xf } else { u64::MAX };

/// Bytes of a number and a score.
const HELD_BYTES: usize = 12;

/// See the module's description.
#[derive(Debug, Default)]
pub struct Scores {
    short: Table,
    long: Table,
}

/// A member's score.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub score: f64,
    /// Where it stands, of a short member.
    spot: Option<Spot>,
}

impl Scores {
    #[inline]
    pub fn get(&self, texts: &Texts, member: &[u8]) -> Option<f64> {
        self.find(texts, member).map(|found| found.score)
    }

    #[inline]
    pub fn find(&self, texts: &Texts, member: &[u8]) -> Option<Found> {
        if member.len() <= MAX_SHORT_BYTES {
            let (spot, score) = self.short.spot(member)?;
            return Some(Found {
                score: score_of(score),
                spot: Some(spot),
            });
        }
        let held = self.long.get(&hash(member))?;
        let (_, score) = held.chunks(HELD_BYTES).map(parts).find(is(texts, member))?;
        Some(Found { score, spot: None })
    }

    /// Sets the score of a member that was found and has this number if it is long; nothing else has changed since.
    pub fn set(&mut self, found: Found, member: &[u8], number: Option<u32>, score: f64) {
        match found.spot {
            Some(spot) => self.short.overwrite(spot, &score.to_le_bytes()),
            None => self.insert(member, number, score),
        }
    }

    /// Sets the score of a member, which has this number if it is long.
    pub fn insert(&mut self, member: &[u8], number: Option<u32>, score: f64) {
        let Some(number) = number else {
            self.short.insert(member, &score.to_le_bytes()[..]);
            return;
        };
        let mut held = self.others(member, number);
        held.extend_from_slice(&number.to_le_bytes());
        held.extend_from_slice(&score.to_le_bytes());
        self.long.insert(&hash(member)[..], &held[..]);
    }

    pub fn remove(&mut self, member: &[u8], number: Option<u32>) {
        let Some(number) = number else {
            self.short.remove(member);
            return;
        };
        let held = self.others(member, number);
        if held.is_empty() {
            self.long.remove(&hash(member));
        } else {
            self.long.insert(&hash(member)[..], &held[..]);
        }
    }

    /// Gives members and scores to `each`: the short ones first, whose cursors are even, then the long ones, whose are odd.
    pub fn scan(
        &self,
        texts: &Texts,
        cursor: u64,
        count: usize,
        mut each: impl FnMut(&[u8], f64),
    ) -> u64 {
        if cursor & 1 == 0 {
            let short = |member: &[u8], score: &[u8]| each(member, score_of(score));
            let next = self.short.scan(cursor >> 1, count, short);
            let begins_long = u64::from(!self.long.is_empty());
            return if next == 0 { begins_long } else { next << 1 };
        }
        let next = self.long.scan(cursor >> 1, count, |_, held| {
            for (number, score) in held.chunks(HELD_BYTES).map(parts) {
                each(texts.get(number), score);
            }
        });
        if next == 0 { 0 } else { next << 1 | 1 }
    }

    pub fn freeze(&mut self) -> Self {
        Scores {
            short: self.short.freeze(),
            long: self.long.freeze(),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.short.heap_bytes() + self.long.heap_bytes()
    }

    /// What is held under a long member's hash, but for that of this number.
    fn others(&self, member: &[u8], number: u32) -> Vec<u8> {
        let held = self.long.get(&hash(member)).unwrap_or_default();
        let others = held
            .chunks(HELD_BYTES)
            .filter(|held| parts(held).0 != number);
        others.flatten().copied().collect()
    }
}

/// Whether it is this member that is held.
fn is(texts: &Texts, member: &[u8]) -> impl Fn(&(u32, f64)) -> bool {
    move |(number, _)| texts.get(*number) == member
}

fn hash(member: &[u8]) -> [u8; 8] {
    (HASHER.hash_one(member) & HASH_BITS).to_le_bytes()
}

fn parts(held: &[u8]) -> (u32, f64) {
    let (number, score) = held.split_first_chunk().expect("a number and a score");
    (u32::from_le_bytes(*number), score_of(score))
}

fn score_of(bytes: &[u8]) -> f64 {
    f64::from_le_bytes(bytes.try_into().expect("a score has eight bytes"))
}
