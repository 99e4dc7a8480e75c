//! A small sorted set: one row of elements (`data/row.rs`).
//!
//! ```text
//! | member | score | member | score | ...      by score, and by member where scores are equal
//! ```
//!
//! A score is an integer entry where it is a whole number, else its text as replies print it. So `-0` becomes `0` here.

use super::{Element, End};
use crate::base::float;
use crate::data::Row;
use crate::data::list::entry::Entry;
use crate::data::list::{Item, Needle};

/// A run never takes more.
pub(super) const MAX_BYTES: usize = 1 << 30;

/// See the module's description.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    row: Row,
}

/// Where an element stands.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub rank: usize,
    pub score: f64,
    member: usize,
    end: usize,
}

impl Run {
    /// Of a row of members and scores.
    pub fn of(row: Row) -> Self {
        Run { row }
    }

    pub fn len(&self) -> usize {
        self.row.count() / 2
    }

    /// Bytes of all entries.
    pub fn bytes(&self) -> usize {
        self.row.end()
    }

    pub fn heap_bytes(&self) -> usize {
        self.row.heap_bytes()
    }

    /// Members and scores in turn.
    pub fn row(&self) -> &Row {
        &self.row
    }

    pub fn find(&self, member: &[u8]) -> Option<Spot> {
        let needle = Needle::new(member);
        let mut at = 0;
        for rank in 0..self.len() {
            let (item, score_at) = self.row.read(at);
            let (score, end) = self.row.read(score_at);
            if needle.is(item) {
                return Some(Spot {
                    rank,
                    score: score_of(score),
                    member: at,
                    end,
                });
            }
            at = end;
        }
        None
    }

    /// Adds an element that is not there.
    pub fn insert(&mut self, score: f64, member: &[u8]) {
        let at = self.place_of(score, member);
        let mut text = Vec::new();
        let score = score_entry(&mut text, score);
        self.row.insert(at, &[Entry::new(member), score]);
    }

    pub fn remove(&mut self, spot: Spot) {
        self.row.remove(spot.member..spot.end, 2);
    }

    /// Removes the `count` elements from rank `start` on, which there are.
    pub fn remove_range(&mut self, start: usize, count: usize) {
        let from = self.row.skip(0, 2 * start);
        let to = self.row.skip(from, 2 * count);
        self.row.remove(from..to, 2 * count);
    }

    /// The number of elements in the front for which `is_before` is true.
    pub fn rank_of(&self, is_before: impl Fn(Element<'_>) -> bool) -> usize {
        let all = self.range(0, self.len(), End::Lowest);
        all.take_while(|element| is_before(*element)).count()
    }

    /// The `count` elements from rank `start` on, which there are, beginning with the one at the `from` end.
    pub fn range(&self, start: usize, count: usize, from: End) -> Elements<'_> {
        let at = self.row.skip(0, 2 * start);
        let behind = match from {
            End::Lowest => Vec::new(),
            End::Highest => self.offsets(at).take(count).collect(),
        };
        Elements {
            row: &self.row,
            at,
            behind,
            left: count,
        }
    }

    /// The offsets of the elements from offset `at` on.
    fn offsets(&self, at: usize) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(at), |at| Some(self.row.skip(*at, 2))).map(|at| at as u32)
    }

    /// The offset before which an element belongs.
    fn place_of(&self, score: f64, member: &[u8]) -> usize {
        let mut all = self.range(0, self.len(), End::Lowest);
        let mut digits = itoa::Buffer::new();
        loop {
            let at = all.at;
            let is_before = all.next().is_some_and(|next| {
                next.score < score
                    || (next.score == score && next.member.as_bytes(&mut digits) < member)
            });
            if !is_before {
                return at;
            }
        }
    }
}

/// The entry for a score, whose text is kept in `text` if it needs one.
fn score_entry(text: &mut Vec<u8>, score: f64) -> Entry<'_> {
    match float::whole(score) {
        Some(whole) => Entry::integer(whole),
        None => {
            float::write_f64(text, score);
            Entry::new(text)
        }
    }
}

/// The score that an entry says.
fn score_of(item: Item<'_>) -> f64 {
    entry_score(item).expect("what came in was a score")
}

/// The score that an entry says, if it says one.
pub(crate) fn entry_score(item: Item<'_>) -> Option<f64> {
    match item {
        Item::Int(whole) => Some(whole as f64),
        item => float::parse_f64(item.as_bytes(&mut itoa::Buffer::new())),
    }
}

/// Elements one after another, in either direction.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    row: &'a Row,
    /// Where the next element begins, if the walk goes forwards.
    at: usize,
    /// Where the elements still to come begin, if it goes backwards.
    behind: Vec<u32>,
    left: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        self.left = self.left.checked_sub(1)?;
        let begin = self.behind.pop().map_or(self.at, |begin| begin as usize);
        let (member, score_at) = self.row.read(begin);
        let (score, end) = self.row.read(score_at);
        self.at = end;
        Some(Element {
            member,
            score: score_of(score),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
