//! ZRANGE and its kin: stretches of a sorted set by rank, by score or by member, forwards or backwards; ZRANGESTORE keeps one.

use super::{Scores, bounds, limits, store};
use crate::base::num;
use crate::command::error::{Error, LIMIT_OF_RANKS, NOT_AN_INTEGER, SCORES_BY_LEX, SYNTAX};
use crate::command::{Args, Ctx, DONE, Flow, LongReply, Outcome};
use crate::data::ZSet;
use crate::data::zset::{End, Frozen, LexRange, ScoreRange};
use crate::resp::Reply;
use std::ops::Range;

/// A range of more elements than this is frozen, and written without the set's stripe.
const LONG_RANGE_ELEMENTS: usize = 1000;
/// How much of a long range is written before others get their turn.
const SLICE_BYTES: usize = 64 * 1024;

/// `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
pub fn zrange(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    read(ctx, args, Words::ALL)
}

/// `ZREVRANGE key start stop [WITHSCORES]`
pub fn zrevrange(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    read(ctx, args, Words::fixed(By::Rank, End::Highest))
}

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
pub fn zrangebyscore(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    read(ctx, args, Words::fixed(By::Score, End::Lowest))
}

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`
pub fn zrevrangebyscore(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    read(ctx, args, Words::fixed(By::Score, End::Highest))
}

/// `ZRANGEBYLEX key min max [LIMIT offset count]`
pub fn zrangebylex(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    read(ctx, args, Words::fixed(By::Lex, End::Lowest))
}

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`
pub fn zrevrangebylex(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    read(ctx, args, Words::fixed(By::Lex, End::Highest))
}

/// `ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]`
pub fn zrangestore(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (destination, key) = (args.bytes()?, args.bytes()?);
    let stretch = Stretch::parse(&mut args, Words::STORE)?;
    let limits = limits(&ctx.local.config);
    let mut taken = ZSet::for_members(limits, 0, 0);
    let mut taken_ranks = 0..0;
    if let Some(zset) = ctx.keys.read_as::<ZSet>(key)? {
        let ranks = stretch.ranks(zset);
        if let Which::Ranks(..) = stretch.which {
            taken = ZSet::for_members(limits, ranks.len(), 0);
        }
        taken_ranks = ranks.clone();
        let mut digits = itoa::Buffer::new();
        for element in zset.range(ranks, stretch.from) {
            let member = element.member.as_bytes(&mut digits);
            taken.update(limits, member, |_| Some(element.score));
        }
    }
    let is_empty = taken.is_empty();
    store(ctx, destination, taken, "zrangestore");
    // Where scores differ, what lies in a range of members depends on how the set is kept; ranks do not.
    if let (false, Which::Members(_)) = (is_empty, &stretch.which)
        && let Some(effect) = ctx.keys.logs(5)
    {
        let (start, stop) = (taken_ranks.start as u64, taken_ranks.end as u64 - 1);
        let effect = effect.arg(b"ZRANGESTORE").arg(destination).arg(key);
        effect.uint(start).uint(stop).end();
    }
    DONE
}

fn read(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, words: Words) -> Outcome {
    let key = args.bytes()?;
    let stretch = Stretch::parse(&mut args, words)?;
    let (scores, from) = (stretch.scores, stretch.from);
    let Some(zset) = ctx.keys.read_as::<ZSet>(key)? else {
        ctx.reply.array(0);
        return DONE;
    };
    let ranks = stretch.ranks(zset);
    if ranks.len() > LONG_RANGE_ELEMENTS {
        return write_long(ctx, key, (ranks, from), scores);
    }
    scores.open(ctx.reply, ranks.len());
    for element in zset.range(ranks, from) {
        scores.write(ctx.reply, element);
    }
    DONE
}

/// Writes the members of these ranks, which the set at `key` has, from an end on, without its stripe.
pub(super) fn write_long(
    ctx: &mut Ctx<'_, '_>,
    key: &[u8],
    (ranks, from): (Range<usize>, End),
    scores: Scores,
) -> Outcome {
    let zset = ctx.keys.find_as::<ZSet>(key)?.expect("it was just read");
    scores.open(ctx.reply, ranks.len());
    let rest = zset.freeze_range(ranks, from);
    Ok(Flow::Long(Box::new(LongRange { rest, scores })))
}

/// The rest of a range.
struct LongRange {
    rest: Frozen,
    scores: Scores,
}

impl LongReply for LongRange {
    fn write_some(&mut self, reply: &mut Reply) -> bool {
        let enough = reply.len() + SLICE_BYTES;
        self.rest.read_while(|element| {
            self.scores.write(reply, element);
            reply.len() < enough
        });
        self.rest.remaining() == 0
    }
}

/// By what a stretch is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// What a command takes for granted, so that no word may say it.
#[derive(Clone, Copy)]
struct Words {
    by: Option<By>,
    from: Option<End>,
    /// Whether WITHSCORES may stand there.
    scores: bool,
}

impl Words {
    const ALL: Words = Words {
        by: None,
        from: None,
        scores: true,
    };
    const STORE: Words = Words {
        scores: false,
        ..Words::ALL
    };

    const fn fixed(by: By, from: End) -> Words {
        Words {
            by: Some(by),
            from: Some(from),
            scores: true,
        }
    }
}

/// A stretch of a sorted set as a client tells it.
struct Stretch<'a> {
    which: Which<'a>,
    from: End,
    /// How many elements to pass over, and to take; negative for none and all.
    limit: (i64, i64),
    scores: Scores,
}

enum Which<'a> {
    Ranks(i64, i64),
    Scores(ScoreRange),
    Members(LexRange<'a>),
}

impl<'a> Stretch<'a> {
    fn parse(args: &mut Args<'a>, words: Words) -> Result<Self, Error> {
        let (first, second) = (args.bytes()?, args.bytes()?);
        let Words {
            mut by, mut from, ..
        } = words;
        let (mut limit, mut scores) = ((0, -1), Scores::Without);
        while !args.is_empty() {
            if words.scores && args.keyword("WITHSCORES") {
                scores = Scores::With;
            } else if args.len() >= 3 && args.keyword("LIMIT") {
                limit = (args.int()?, args.int()?);
            } else if from.is_none() && args.keyword("REV") {
                from = Some(End::Highest);
            } else if by.is_none() && args.keyword("BYSCORE") {
                by = Some(By::Score);
            } else if by.is_none() && args.keyword("BYLEX") {
                by = Some(By::Lex);
            } else {
                return Err(SYNTAX);
            }
        }
        let (by, from) = (by.unwrap_or(By::Rank), from.unwrap_or(End::Lowest));
        if by == By::Rank && limit.1 != -1 {
            return Err(LIMIT_OF_RANKS);
        }
        if by == By::Lex && scores == Scores::With {
            return Err(SCORES_BY_LEX);
        }
        Ok(Stretch {
            which: Which::parse(by, from, first, second)?,
            from,
            limit,
            scores,
        })
    }

    /// The ranks of what it is in a set.
    fn ranks(&self, zset: &ZSet) -> Range<usize> {
        let ranks = match &self.which {
            Which::Ranks(start, stop) => {
                let ranks = bounds::ranks(zset.len(), *start, *stop);
                return match self.from {
                    End::Lowest => ranks,
                    End::Highest => zset.len() - ranks.end..zset.len() - ranks.start,
                };
            }
            Which::Scores(range) => zset.score_ranks(range),
            Which::Members(range) => zset.lex_ranks(range, self.from),
        };
        self.limited(ranks)
    }

    fn limited(&self, ranks: Range<usize>) -> Range<usize> {
        let (offset, count) = self.limit;
        let len = ranks.len();
        let skipped = usize::try_from(offset).map_or(len, |offset| offset.min(len));
        let count = usize::try_from(count).map_or(len, |count| count.min(len));
        let count = count.min(len - skipped);
        match self.from {
            End::Lowest => ranks.start + skipped..ranks.start + skipped + count,
            End::Highest => ranks.end - skipped - count..ranks.end - skipped,
        }
    }
}

impl<'a> Which<'a> {
    fn parse(by: By, from: End, first: &'a [u8], second: &'a [u8]) -> Result<Self, Error> {
        let (min, max) = match from {
            End::Lowest => (first, second),
            End::Highest => (second, first),
        };
        Ok(match by {
            By::Rank => Which::Ranks(rank(first)?, rank(second)?),
            By::Score => Which::Scores(bounds::scores(min, max)?),
            By::Lex => Which::Members(bounds::members(min, max)?),
        })
    }
}

fn rank(text: &[u8]) -> Result<i64, Error> {
    num::parse_i64(text).ok_or(NOT_AN_INTEGER)
}
