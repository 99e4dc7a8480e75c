//! A small sorted set: one packed run, in the entry format of Redis's listpacks (`data/list/entry.rs`), so that snapshots copy it as it is.
//!
//! ```text
//! | member | score | member | score | ...      by score, and by member where scores are equal
//! ```
//!
//! A score is an integer entry where it is a whole number, else its text as replies print it. So `-0` becomes `0` here.

use super::{Element, End};
use crate::base::float;
use crate::data::list::chunk::Packed;
use crate::data::list::entry::Entry;
use crate::data::list::{Item, Needle};

/// A run never takes more.
pub(super) const MAX_BYTES: usize = 1 << 30;

/// See the module's description.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    packed: Packed,
}

/// Where an element stands.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub rank: usize,
    pub score: f64,
    member: usize,
    score_at: usize,
    end: usize,
}

impl Run {
    /// A run of `count` entries, two for each element, encoded before.
    pub fn of(entries: Vec<u8>, count: usize) -> Self {
        Run {
            packed: Packed::of_entries(entries, count),
        }
    }

    pub fn len(&self) -> usize {
        self.packed.count() / 2
    }

    /// Bytes of all entries.
    pub fn bytes(&self) -> usize {
        self.packed.listpack_bytes()
    }

    pub fn heap_bytes(&self) -> usize {
        self.packed.heap_bytes()
    }

    /// The entries, and how many there are.
    pub fn entries(&self) -> (&[u8], usize) {
        (self.packed.entries(), self.packed.count())
    }

    pub fn find(&self, member: &[u8]) -> Option<Spot> {
        let needle = Needle::new(member);
        let mut at = self.packed.start();
        for rank in 0..self.len() {
            let (item, score_at) = self.packed.read(at);
            let (score, end) = self.packed.read(score_at);
            if needle.is(item) {
                return Some(Spot {
                    rank,
                    score: score_of(score),
                    member: at,
                    score_at,
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
        let mut entries = Vec::new();
        Entry::new(member).append_to(&mut entries);
        append_score(&mut entries, score);
        self.packed.insert_encoded(at, &entries, 2);
    }

    pub fn remove(&mut self, spot: Spot) {
        let parts = [spot.member..spot.score_at, spot.score_at..spot.end];
        self.packed.remove(&parts);
    }

    /// Removes the `count` elements from rank `start` on, which there are.
    pub fn remove_range(&mut self, start: usize, count: usize) {
        let from = self.offset_of(start);
        let ends = (0..2 * count).scan(from, |at, _| {
            let begin = std::mem::replace(at, self.packed.read(*at).1);
            Some(begin..*at)
        });
        let parts: Vec<_> = ends.collect();
        self.packed.remove(&parts);
    }

    /// The number of elements in the front for which `is_before` is true.
    pub fn rank_of(&self, is_before: impl Fn(Element<'_>) -> bool) -> usize {
        let all = self.range(0, self.len(), End::Lowest);
        all.take_while(|element| is_before(*element)).count()
    }

    /// The `count` elements from rank `start` on, which there are, beginning with the one at the `from` end.
    pub fn range(&self, start: usize, count: usize, from: End) -> Elements<'_> {
        let at = match from {
            End::Lowest => self.offset_of(start),
            End::Highest => self.offset_of(start + count),
        };
        Elements {
            run: self,
            at,
            left: count,
            from,
        }
    }

    /// The offset of the element of this rank, or the end.
    fn offset_of(&self, rank: usize) -> usize {
        if rank == self.len() {
            return self.packed.end();
        }
        let entries = 0..2 * rank;
        entries.fold(self.packed.start(), |at, _| self.packed.read(at).1)
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

fn append_score(out: &mut Vec<u8>, score: f64) {
    match float::whole(score) {
        Some(whole) => Entry::integer(whole).append_to(out),
        None => {
            let mut text = Vec::new();
            float::write_f64(&mut text, score);
            Entry::new(&text).append_to(out);
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

/// Elements in a row, in either direction.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    run: &'a Run,
    /// Where the next element begins, or ends if the walk goes backwards.
    at: usize,
    left: usize,
    from: End,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        self.left = self.left.checked_sub(1)?;
        let packed = &self.run.packed;
        let begin = match self.from {
            End::Lowest => self.at,
            End::Highest => packed.start_before(packed.start_before(self.at)),
        };
        let (member, score_at) = packed.read(begin);
        let (score, end) = packed.read(score_at);
        self.at = match self.from {
            End::Lowest => end,
            End::Highest => begin,
        };
        Some(Element {
            member,
            score: score_of(score),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
