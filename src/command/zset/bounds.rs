//! The bounds of ranges as clients write them: ranks, scores such as `(1.5` and `-inf`, members such as `[a`, `(b`, `-` and `+`.

use crate::base::float;
use crate::command::error::{Error, LEX_BOUND, SCORE_BOUND};
use crate::data::zset::{LexBound, LexRange, ScoreBound, ScoreRange};
use std::ops::Range;

/// The scores between two bounds.
pub fn scores(min: &[u8], max: &[u8]) -> Result<ScoreRange, Error> {
    let bound = |text: &[u8]| {
        let (exclusive, number) = match text.strip_prefix(b"(") {
            Some(number) => (true, number),
            None => (false, text),
        };
        let score = float::parse_bound(number).ok_or(SCORE_BOUND)?;
        Ok(ScoreBound { score, exclusive })
    };
    Ok(ScoreRange {
        min: bound(min)?,
        max: bound(max)?,
    })
}

/// The members between two bounds.
pub fn members<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, Error> {
    let bound = |text: &'a [u8]| match text {
        b"-" => Ok(LexBound::Lowest),
        b"+" => Ok(LexBound::Highest),
        [b'[', member @ ..] => Ok(LexBound::Including(member)),
        [b'(', member @ ..] => Ok(LexBound::Excluding(member)),
        _ => Err(LEX_BOUND),
    };
    Ok(LexRange {
        min: bound(min)?,
        max: bound(max)?,
    })
}

/// The ranks from `start` to `stop` among `len`, both included, negative ones counted from the end.
pub fn ranks(len: usize, start: i64, stop: i64) -> Range<usize> {
    let len = len as i64;
    let from_front = |rank: i64| match rank {
        ..0 => len.saturating_add(rank),
        _ => rank,
    };
    let start = from_front(start).max(0);
    let stop = from_front(stop).min(len - 1);
    if start > stop {
        return 0..0;
    }
    start as usize..stop as usize + 1
}
