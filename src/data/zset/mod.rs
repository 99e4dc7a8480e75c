//! A sorted set: members, each once, in the order of their scores, and of their bytes where scores are equal.
//!
//! ```text
//! packed   | member | score | ...                      a small one: one run               (packed.rs)
//! large    order:  (score, member) in leaves           by rank, score and member          (order.rs)
//!          scores: member -> score                     by member                          (scores.rs)
//!          and long members once for both of them                                         (texts.rs)
//! ```
//!
//! It is packed as long as it has few and short members (see [`Limits`]), and never again after it was large.
//!
//! Every stretch, by score or by member, is found as a range of ranks, so there is one way to read and one to remove.
//! What must hold: no score is NaN; the two parts of a large one have the same pairs.

mod freeze;
mod order;
mod packed;
mod range;
mod scores;
mod texts;

pub use freeze::Frozen;
pub(crate) use packed::entry_score;
pub use range::{LexBound, LexRange, ScoreBound, ScoreRange};

use super::list::Item;
use super::row::Row;
use order::Order;
use packed::Run;
use scores::Scores;
use std::ops::Range;

/// How large a packed one may grow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most members.
    pub max_members: usize,
    /// The most bytes of a member.
    pub max_member_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_members: 128,
            max_member_bytes: 64,
        }
    }
}

/// One end of a sorted set, and the direction that starts there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// That of the lowest score.
    Lowest,
    /// That of the highest score.
    Highest,
}

/// A member and its score.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// The member.
    pub member: Item<'a>,
    /// Its score.
    pub score: f64,
}

/// What became of a member.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// It was not there and is.
    Added,
    /// It has another score.
    Moved,
    /// It has the score that it had.
    Same,
    /// Nothing was to be done.
    Refused,
}

/// See the module's description.
#[derive(Debug)]
pub struct ZSet {
    form: Form,
}

#[derive(Debug)]
enum Form {
    Packed(Run),
    /// Boxed to keep small sorted sets, the many, small.
    Large(Box<Large>),
}

#[derive(Debug, Default)]
struct Large {
    order: Order,
    scores: Scores,
}

impl Large {
    fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(self.order.texts(), member)
    }

    fn insert(&mut self, score: f64, member: &[u8]) {
        let number = self.order.insert(score, member);
        self.scores.insert(member, number, score);
    }

    /// Adds a member that comes behind all others.
    fn push_back(&mut self, score: f64, member: &[u8]) {
        let number = self.order.push_back(score, member);
        self.scores.insert(member, number, score);
    }

    fn update(&mut self, member: &[u8], choose: impl FnOnce(Option<f64>) -> Option<f64>) -> Change {
        let found = self.scores.find(self.order.texts(), member);
        let Some(new) = choose(found.map(|found| found.score)) else {
            return Change::Refused;
        };
        match found {
            None => {
                self.insert(new, member);
                Change::Added
            }
            Some(found) if found.score == new => Change::Same,
            Some(found) => {
                let number = self.order.rescore(member, found.score, new);
                self.scores.set(found, member, number, new);
                Change::Moved
            }
        }
    }

    fn remove(&mut self, score: f64, member: &[u8]) {
        let number = self.order.remove(score, member);
        self.scores.remove(member, number);
    }
}

/// Brings pairs into the order in which sorted sets have them.
pub fn sort(pairs: &mut [(f64, impl AsRef<[u8]>)]) {
    pairs.sort_unstable_by(|(score, member), (other, other_member)| {
        match score == other {
            // Zeros of either sign are equal, which a total order of numbers does not say.
            true => member.as_ref().cmp(other_member.as_ref()),
            false => score.total_cmp(other),
        }
    });
}

impl ZSet {
    /// An empty one that will get `members` members, the longest of `bytes` bytes.
    pub fn for_members(limits: Limits, members: usize, bytes: usize) -> Self {
        let packed = members <= limits.max_members && bytes <= limits.max_member_bytes;
        let form = match packed {
            true => Form::Packed(Run::default()),
            false => Form::Large(Box::default()),
        };
        ZSet { form }
    }

    /// One of these pairs, whose members are all different; packed if it may be.
    pub fn of_pairs(limits: Limits, mut pairs: Vec<(f64, impl AsRef<[u8]>)>) -> Self {
        sort(&mut pairs);
        let longest = pairs.iter().map(|(_, member)| member.as_ref().len()).max();
        let mut zset = ZSet::for_members(limits, pairs.len(), longest.unwrap_or(0));
        for (score, member) in &pairs {
            match &mut zset.form {
                Form::Packed(run) => run.insert(*score, member.as_ref()),
                Form::Large(large) => {
                    large.push_back(*score, member.as_ref());
                }
            }
        }
        zset
    }

    /// One of the entries of a listpack, which are sound and in order; large if it is too large to be packed.
    pub fn of_listpack(limits: Limits, entries: &[u8]) -> Self {
        let mut zset = ZSet {
            form: Form::Packed(Run::of(Row::of_listpack(entries))),
        };
        if zset.len() > limits.max_members {
            zset.unpack();
        }
        zset
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Packed(run) => run.len(),
            Form::Large(large) => large.order.len(),
        }
    }

    /// Whether there are none; such a set is no value of any key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A member's score.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.form {
            Form::Packed(run) => run.find(member).map(|spot| spot.score),
            Form::Large(large) => large.score(member),
        }
    }

    /// How many members stand before this one, and its score.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match &self.form {
            Form::Packed(run) => run.find(member).map(|spot| (spot.rank, spot.score)),
            Form::Large(large) => {
                let score = large.score(member)?;
                Some((large.order.rank(score, member), score))
            }
        }
    }

    /// Stops being packed if so many members are too many, before they come.
    pub fn expect(&mut self, limits: Limits, members: usize) {
        if members > limits.max_members {
            self.unpack();
        }
    }

    /// Gives a member the score that `choose` makes of the one it has; nothing happens if that makes none.
    pub fn update(
        &mut self,
        limits: Limits,
        member: &[u8],
        choose: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Change {
        let run = match &mut self.form {
            Form::Packed(run) => run,
            Form::Large(large) => return large.update(member, choose),
        };
        let spot = run.find(member);
        let Some(new) = choose(spot.map(|spot| spot.score)) else {
            return Change::Refused;
        };
        match spot {
            None => {
                self.insert(limits, new, member);
                Change::Added
            }
            Some(spot) if spot.score == new => Change::Same,
            Some(spot) => {
                run.remove(spot);
                run.insert(new, member);
                Change::Moved
            }
        }
    }

    /// Adds a member that is not there.
    fn insert(&mut self, limits: Limits, score: f64, member: &[u8]) {
        if let Form::Packed(run) = &self.form {
            let fits = run.len() < limits.max_members
                && member.len() <= limits.max_member_bytes
                && run.bytes() + member.len() <= packed::MAX_BYTES;
            if !fits {
                self.unpack();
            }
        }
        match &mut self.form {
            Form::Packed(run) => run.insert(score, member),
            Form::Large(large) => large.insert(score, member),
        }
    }

    /// Removes a member; true if it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.form {
            Form::Packed(run) => {
                let spot = run.find(member);
                if let Some(spot) = spot {
                    run.remove(spot);
                }
                spot.is_some()
            }
            Form::Large(large) => {
                let score = large.score(member);
                if let Some(score) = score {
                    large.remove(score, member);
                }
                score.is_some()
            }
        }
    }

    /// Removes the members of these ranks, which there are.
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        match &mut self.form {
            Form::Packed(run) => run.remove_range(ranks.start, ranks.len()),
            Form::Large(large) if ranks.len() == large.order.len() => **large = Large::default(),
            Form::Large(large) => {
                for pair in large.order.range(ranks.start, ranks.len(), End::Lowest) {
                    large.scores.remove(pair.member(), pair.number());
                }
                large.order.remove_range(ranks.start, ranks.len());
            }
        }
    }

    /// The members of these ranks, which there are, beginning at the `from` end.
    pub fn range(&self, ranks: Range<usize>, from: End) -> Iter<'_> {
        Iter(match &self.form {
            Form::Packed(run) => Walk::Packed(run.range(ranks.start, ranks.len(), from)),
            Form::Large(large) => Walk::Large(large.order.range(ranks.start, ranks.len(), from)),
        })
    }

    /// All members, beginning at the `from` end.
    pub fn iter(&self, from: End) -> Iter<'_> {
        self.range(0..self.len(), from)
    }

    /// The ranks of the members with such scores.
    pub fn score_ranks(&self, range: &ScoreRange) -> Range<usize> {
        let (start, end) = match &self.form {
            Form::Packed(run) => (
                run.rank_of(|element| range.is_below(element.score)),
                run.rank_of(|element| range.reaches(element.score)),
            ),
            Form::Large(large) => (
                large.order.rank_of(|pair| range.is_below(pair.score)),
                large.order.rank_of(|pair| range.reaches(pair.score)),
            ),
        };
        start..end.max(start)
    }

    /// The ranks of the members in a range, which is searched from an end. Where not all scores are the same, that means little: a
    /// packed set is looked through from there to the first stretch that lies in the range.
    pub fn lex_ranks(&self, range: &LexRange<'_>, from: End) -> Range<usize> {
        let Form::Large(large) = &self.form else {
            return self.lex_ranks_by_looking(range, from);
        };
        let start = large.order.rank_of(|pair| range.is_below(pair.member()));
        let end = large.order.rank_of(|pair| range.reaches(pair.member()));
        start..end.max(start)
    }

    fn lex_ranks_by_looking(&self, range: &LexRange<'_>, from: End) -> Range<usize> {
        let len = self.len();
        let at = |rank| self.range(rank..len.min(rank + 1), End::Lowest).next();
        if at(0).is_none_or(|first| !range.reaches_element(first))
            || at(len.saturating_sub(1)).is_none_or(|last| range.is_below_element(last))
        {
            return 0..0;
        }
        let too_early = |element: &Element<'_>| range.is_below_element(*element);
        let too_late = |element: &Element<'_>| !range.reaches_element(*element);
        let all = self.iter(from);
        match from {
            End::Lowest => {
                let start = all.take_while(too_early).count();
                let rest = self.range(start..len, from);
                start..start + rest.take_while(|element| !too_late(element)).count()
            }
            End::Highest => {
                let end = len - all.take_while(too_late).count();
                let rest = self.range(0..end, from);
                end - rest.take_while(|element| !too_early(element)).count()..end
            }
        }
    }

    /// Gives members and scores to `each` until there were `count` or none is left; gives the cursor to go on from, 0 in the end. A member that is
    /// there from the first call to the last is seen; a packed set is given at once.
    pub fn scan(&self, cursor: u64, count: usize, mut each: impl FnMut(Element<'_>)) -> u64 {
        match &self.form {
            Form::Packed(_) => {
                self.iter(End::Lowest).for_each(each);
                0
            }
            Form::Large(large) => {
                let texts = large.order.texts();
                large.scores.scan(texts, cursor, count, |member, score| {
                    let member = Item::Text(member);
                    each(Element { member, score });
                })
            }
        }
    }

    /// Members and scores of a packed one, in turn.
    pub fn row(&self) -> Option<&Row> {
        match &self.form {
            Form::Packed(run) => Some(run.row()),
            Form::Large(_) => None,
        }
    }

    /// What Redis calls the way the set is kept.
    pub fn encoding_name(&self) -> &'static str {
        match &self.form {
            Form::Packed(_) => "listpack",
            Form::Large(_) => "skiplist",
        }
    }

    /// Whether it takes no more than `max_bytes`, which a large set is not asked leaf by leaf.
    pub fn is_quick_to_encode(&self, max_bytes: usize) -> bool {
        match &self.form {
            Form::Packed(run) => run.bytes() <= max_bytes,
            Form::Large(large) => large.order.is_quick_to_encode(max_bytes),
        }
    }

    /// Whether freeing it would take long.
    pub fn is_costly_to_free(&self) -> bool {
        match &self.form {
            Form::Packed(_) => false,
            Form::Large(large) => large.order.is_costly_to_free(),
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Packed(run) => run.heap_bytes(),
            Form::Large(large) => {
                size_of::<Large>() + large.order.heap_bytes() + large.scores.heap_bytes()
            }
        }
    }

    fn unpack(&mut self) {
        let Form::Packed(run) = &self.form else {
            return;
        };
        let mut large = Large::default();
        let mut digits = itoa::Buffer::new();
        for element in run.range(0, run.len(), End::Lowest) {
            let member = element.member.as_bytes(&mut digits);
            large.push_back(element.score, member);
        }
        self.form = Form::Large(Box::new(large));
    }
}

/// Elements in a row.
#[derive(Clone, Debug)]
pub struct Iter<'a>(Walk<'a>);

#[derive(Clone, Debug)]
enum Walk<'a> {
    Packed(packed::Elements<'a>),
    Large(order::Pairs<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match &mut self.0 {
            Walk::Packed(elements) => elements.next(),
            Walk::Large(pairs) => pairs.next().map(|pair| Element {
                member: Item::Text(pair.member()),
                score: pair.score,
            }),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Walk::Packed(elements) => elements.size_hint(),
            Walk::Large(pairs) => pairs.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests;
