//! ZCARD, ZCOUNT, ZLEXCOUNT, ZSCORE, ZMSCORE, ZRANK, ZREVRANK: looking at a sorted set.

use super::{bounds, write_score};
use crate::command::error::{SYNTAX, wrong_arity_of};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::ZSet;
use crate::data::zset::End;

/// `ZCARD key`
pub fn zcard(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let len = ctx.keys.read_as::<ZSet>(key)?.map_or(0, ZSet::len);
    ctx.reply.int(len as i64);
    DONE
}

/// `ZCOUNT key min max`
pub fn zcount(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let range = bounds::scores(args.bytes()?, args.bytes()?)?;
    let zset = ctx.keys.read_as::<ZSet>(key)?;
    let count = zset.map_or(0, |zset| zset.score_ranks(&range).len());
    ctx.reply.int(count as i64);
    DONE
}

/// `ZLEXCOUNT key min max`
pub fn zlexcount(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let range = bounds::members(args.bytes()?, args.bytes()?)?;
    let zset = ctx.keys.read_as::<ZSet>(key)?;
    let count = zset.map_or(0, |zset| zset.lex_ranks(&range, End::Lowest).len());
    ctx.reply.int(count as i64);
    DONE
}

/// `ZSCORE key member`
pub fn zscore(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, member) = (args.bytes()?, args.bytes()?);
    let zset = ctx.keys.read_as::<ZSet>(key)?;
    match zset.and_then(|zset| zset.score(member)) {
        Some(score) => write_score(ctx.reply, score),
        None => ctx.reply.null(),
    }
    DONE
}

/// `ZMSCORE key member [member ...]`
pub fn zmscore(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let zset = ctx.keys.read_as::<ZSet>(key)?;
    ctx.reply.array(args.len());
    for member in args.rest() {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => write_score(ctx.reply, score),
            None => ctx.reply.null(),
        }
    }
    DONE
}

/// `ZRANK key member [WITHSCORE]`
pub fn zrank(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    rank(ctx, args, End::Lowest)
}

/// `ZREVRANK key member [WITHSCORE]`
pub fn zrevrank(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    rank(ctx, args, End::Highest)
}

fn rank(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, from: End) -> Outcome {
    let (key, member) = (args.bytes()?, args.bytes()?);
    if args.len() > 1 {
        return Err(wrong_arity_of(ctx.command));
    }
    let with_score = !args.is_empty();
    if with_score && !args.keyword("WITHSCORE") {
        return Err(SYNTAX);
    }
    let zset = ctx.keys.read_as::<ZSet>(key)?;
    let found = zset.and_then(|zset| {
        let (rank, score) = zset.rank(member)?;
        Some(match from {
            End::Lowest => (rank, score),
            End::Highest => (zset.len() - 1 - rank, score),
        })
    });
    match found {
        Some((rank, score)) if with_score => {
            ctx.reply.array(2);
            ctx.reply.int(rank as i64);
            write_score(ctx.reply, score);
        }
        Some((rank, _)) => ctx.reply.int(rank as i64),
        None if with_score => ctx.reply.null_array(),
        None => ctx.reply.null(),
    }
    DONE
}
