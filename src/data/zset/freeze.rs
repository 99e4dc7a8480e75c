//! A sorted set, or a stretch of one, taken out from under the lock.

use super::scores::Scores;
use super::{Element, End, Form, Large, ZSet};
use std::ops::Range;

/// An immutable copy of a stretch of a sorted set. It is read in slices of the reader's choosing.
#[derive(Debug)]
pub struct Frozen {
    /// Without the scores by member, which nobody asks for.
    zset: ZSet,
    /// The ranks that have not been read yet.
    ranks: Range<usize>,
    from: End,
}

impl ZSet {
    /// A copy that later writes do not change. Costs a step for some thousands of members.
    pub fn freeze(&mut self) -> ZSet {
        let form = match &mut self.form {
            Form::Packed(run) => Form::Packed(run.clone()),
            Form::Large(large) => Form::Large(Box::new(Large {
                order: large.order.freeze(),
                scores: large.scores.freeze(),
            })),
        };
        ZSet { form }
    }

    /// Shares the members of these ranks, which there are, to be read from the `from` end on.
    pub fn freeze_range(&mut self, ranks: Range<usize>, from: End) -> Frozen {
        let form = match &mut self.form {
            Form::Packed(run) => Form::Packed(run.clone()),
            Form::Large(large) => Form::Large(Box::new(Large {
                order: large.order.freeze(),
                scores: Scores::default(),
            })),
        };
        Frozen {
            zset: ZSet { form },
            ranks,
            from,
        }
    }
}

impl Frozen {
    /// How many elements have not been read yet.
    pub fn remaining(&self) -> usize {
        self.ranks.len()
    }

    /// Gives the next elements to `each`, in order, until it returns false or none is left.
    pub fn read_while(&mut self, mut each: impl FnMut(Element<'_>) -> bool) {
        for element in self.zset.range(self.ranks.clone(), self.from) {
            match self.from {
                End::Lowest => self.ranks.start += 1,
                End::Highest => self.ranks.end -= 1,
            }
            if !each(element) {
                return;
            }
        }
    }
}
