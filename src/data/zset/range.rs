//! Stretches of a sorted set by score or by member.

use super::Element;

/// One end of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreBound {
    /// The score.
    pub score: f64,
    /// Whether the score itself is left out.
    pub exclusive: bool,
}

/// Scores from one to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// The lowest.
    pub min: ScoreBound,
    /// The highest.
    pub max: ScoreBound,
}

impl ScoreRange {
    /// Whether a score is too low.
    #[inline]
    pub(super) fn is_below(&self, score: f64) -> bool {
        score < self.min.score || (self.min.exclusive && score == self.min.score)
    }

    /// Whether a score is not too high.
    #[inline]
    pub(super) fn reaches(&self, score: f64) -> bool {
        score < self.max.score || (!self.max.exclusive && score == self.max.score)
    }
}

/// One end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// Before every member.
    Lowest,
    /// At this member.
    Including(&'a [u8]),
    /// At this member, which is left out.
    Excluding(&'a [u8]),
    /// Behind every member.
    Highest,
}

/// Members from one to another, as their bytes sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The first.
    pub min: LexBound<'a>,
    /// The last.
    pub max: LexBound<'a>,
}

impl LexRange<'_> {
    /// Whether a member comes too early.
    #[inline]
    pub(super) fn is_below(&self, member: &[u8]) -> bool {
        match self.min {
            LexBound::Lowest => false,
            LexBound::Including(min) => member < min,
            LexBound::Excluding(min) => member <= min,
            LexBound::Highest => true,
        }
    }

    /// Whether a member does not come too late.
    #[inline]
    pub(super) fn reaches(&self, member: &[u8]) -> bool {
        match self.max {
            LexBound::Lowest => false,
            LexBound::Including(max) => member <= max,
            LexBound::Excluding(max) => member < max,
            LexBound::Highest => true,
        }
    }

    /// The same of an element.
    pub(super) fn is_below_element(&self, element: Element<'_>) -> bool {
        self.is_below(element.member.as_bytes(&mut itoa::Buffer::new()))
    }

    /// The same of an element.
    pub(super) fn reaches_element(&self, element: Element<'_>) -> bool {
        self.reaches(element.member.as_bytes(&mut itoa::Buffer::new()))
    }
}
