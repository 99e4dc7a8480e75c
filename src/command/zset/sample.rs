//! ZRANDMEMBER and ZSCAN: some members, and all of them little by little.

use super::Scores;
use super::range::write_long;
use crate::base::{Rng, float};
use crate::command::draws::LEAST_DRAW_BYTES;
use crate::command::error::{
    Error, INVALID_CURSOR, RANK_OUT_OF_RANGE, SAMPLE_OUT_OF_RANGE, SYNTAX,
};
use crate::command::generic::scan::{ScanOptions, parse_cursor};
use crate::command::item::write_item;
use crate::command::{Args, Ctx, DONE, Flow, LongReply, Outcome};
use crate::data::ZSet;
use crate::data::zset::End;
use crate::resp::Reply;
use crate::resp::reply::Aggregate;
use ahash::AHashSet;

/// A sample of more members than this is written without the set's stripe.
const LONG_SAMPLE_MEMBERS: usize = 1000;
/// How much of a long sample is written before others get their turn.
const SLICE_BYTES: usize = 64 * 1024;

/// `ZRANDMEMBER key [count [WITHSCORES]]`
pub fn zrandmember(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    if args.is_empty() {
        let zset = ctx.keys.read_as::<ZSet>(key)?;
        let Some(zset) = zset else {
            ctx.reply.null();
            return DONE;
        };
        let rank = Rng::unforeseen().below(zset.len());
        for element in zset.range(rank..rank + 1, End::Lowest) {
            write_item(ctx.reply, element.member);
        }
        return DONE;
    }
    let (count, scores) = parse_sample(&mut args)?;
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let len = ctx.keys.read_as::<ZSet>(key)?.map_or(0, ZSet::len);
    if len == 0 || count == 0 {
        ctx.reply.array(0);
        return DONE;
    }
    if count > 0 && wanted >= len {
        return write_long(ctx, key, (0..len, End::Highest), scores);
    }
    let mut rng = Rng::unforeseen();
    let picks = match count > 0 {
        true => Picks::These(some_of(len, wanted, &mut rng)),
        false => Picks::Any {
            left: wanted,
            of: len,
            rng,
        },
    };
    scores.open(ctx.reply, wanted);
    write_sample(ctx, key, picks, scores)
}

fn parse_sample(args: &mut Args<'_>) -> Result<(i64, Scores), Error> {
    let count = args.int()?;
    if count == i64::MIN {
        return Err(RANK_OUT_OF_RANGE);
    }
    if args.is_empty() {
        return Ok((count, Scores::Without));
    }
    if args.len() > 1 || !args.keyword("WITHSCORES") {
        return Err(SYNTAX);
    }
    if count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
        return Err(SAMPLE_OUT_OF_RANGE);
    }
    Ok((count, Scores::With))
}

/// `count` different ranks below `len`, which is more.
fn some_of(len: usize, count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut ranks = AHashSet::with_capacity(count);
    for top in len - count..len {
        let rank = rng.below(top + 1);
        if !ranks.insert(rank) {
            ranks.insert(top);
        }
    }
    ranks.into_iter().collect()
}

/// Which members a sample has, by their ranks.
enum Picks {
    These(Vec<usize>),
    Any { left: usize, of: usize, rng: Rng },
}

impl Iterator for Picks {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match self {
            Picks::These(ranks) => ranks.pop(),
            Picks::Any { left, of, rng } => {
                *left = left.checked_sub(1)?;
                Some(rng.below(*of))
            }
        }
    }
}

fn write_sample(ctx: &mut Ctx<'_, '_>, key: &[u8], mut picks: Picks, scores: Scores) -> Outcome {
    let zset = ctx.keys.find_as::<ZSet>(key)?.expect("it was just read");
    for rank in picks.by_ref().take(LONG_SAMPLE_MEMBERS) {
        for element in zset.range(rank..rank + 1, End::Lowest) {
            scores.write(ctx.reply, element);
        }
    }
    let is_over = match &picks {
        Picks::These(ranks) => ranks.is_empty(),
        Picks::Any { left, .. } => *left == 0,
    };
    if is_over {
        return DONE;
    }
    Ok(Flow::Long(Box::new(Sample {
        zset: zset.freeze(),
        picks,
        scores,
    })))
}

/// The rest of a sample.
struct Sample {
    zset: ZSet,
    picks: Picks,
    scores: Scores,
}

impl LongReply for Sample {
    fn write_some(&mut self, reply: &mut Reply) -> bool {
        let enough = reply.len() + SLICE_BYTES;
        while reply.len() < enough {
            let Some(rank) = self.picks.next() else {
                return true;
            };
            for element in self.zset.range(rank..rank + 1, End::Lowest) {
                self.scores.write(reply, element);
            }
        }
        false
    }

    fn least_bytes(&self) -> usize {
        match &self.picks {
            Picks::These(ranks) => ranks.len().saturating_mul(LEAST_DRAW_BYTES),
            Picks::Any { left, .. } => left.saturating_mul(LEAST_DRAW_BYTES),
        }
    }
}

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`
pub fn zscan(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let cursor = parse_cursor(args.bytes()?).ok_or(INVALID_CURSOR)?;
    let Some(zset) = ctx.keys.read_as::<ZSet>(key)? else {
        ctx.reply.array(2);
        ctx.reply.bulk_int(0);
        ctx.reply.array(0);
        return DONE;
    };
    let options = ScanOptions::parse(&mut args)?;
    let mut found = Reply::new(ctx.reply.version);
    let (opening, mut count) = (found.open(Aggregate::Array), 0);
    let cursor = zset.scan(cursor, options.count, |element| {
        if options.admits(element.member.as_bytes(&mut itoa::Buffer::new())) {
            let mut score = Vec::new();
            float::write_f64(&mut score, element.score);
            write_item(&mut found, element.member);
            found.bulk(&score);
            count += 2;
        }
    });
    found.close(opening, count);
    ctx.reply.array(2);
    ctx.reply
        .bulk(itoa::Buffer::new().format(cursor).as_bytes());
    ctx.reply.append(found);
    DONE
}
