//! ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX: members go.

use super::{bounds, shrunk};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::ZSet;
use crate::data::zset::End;
use std::ops::Range;

/// `ZREM key member [member ...]`
pub fn zrem(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let (mut removed, mut emptied) = (0, false);
    if let Some(zset) = ctx.keys.find_as::<ZSet>(key)? {
        for member in args.rest() {
            removed += usize::from(zset.remove(member));
        }
        emptied = zset.is_empty();
    }
    finish(ctx, key, ("zrem", removed), emptied)
}

/// `ZREMRANGEBYRANK key start stop`
pub fn zremrangebyrank(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let (start, stop) = (args.int()?, args.int()?);
    remove_range(ctx, key, "zremrangebyrank", |zset| {
        bounds::ranks(zset.len(), start, stop)
    })
}

/// `ZREMRANGEBYSCORE key min max`
pub fn zremrangebyscore(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let range = bounds::scores(args.bytes()?, args.bytes()?)?;
    remove_range(ctx, key, "zremrangebyscore", |zset| {
        zset.score_ranks(&range)
    })
}

/// `ZREMRANGEBYLEX key min max`. Where scores differ, what lies in the range depends on how the set is kept; ranks do not, so the log has those.
pub fn zremrangebylex(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let range = bounds::members(args.bytes()?, args.bytes()?)?;
    let mut removed = 0..0;
    let outcome = remove_range(ctx, key, "zremrangebylex", |zset| {
        removed = zset.lex_ranks(&range, End::Lowest);
        removed.clone()
    });
    if !removed.is_empty()
        && let Some(effect) = ctx.keys.logs(4)
    {
        let (start, stop) = (removed.start as u64, removed.end as u64 - 1);
        let effect = effect.arg(b"ZREMRANGEBYRANK").arg(key);
        effect.uint(start).uint(stop).end();
    }
    outcome
}

fn remove_range(
    ctx: &mut Ctx<'_, '_>,
    key: &[u8],
    event: &'static str,
    ranks: impl FnOnce(&ZSet) -> Range<usize>,
) -> Outcome {
    let (mut removed, mut emptied) = (0, false);
    if let Some(zset) = ctx.keys.find_as::<ZSet>(key)? {
        let ranks = ranks(zset);
        removed = ranks.len();
        emptied = removed == zset.len();
        if !emptied {
            zset.remove_range(ranks);
        }
    }
    finish(ctx, key, (event, removed), emptied)
}

/// Lets follow what follows from so many members having been removed, and answers how many.
fn finish(
    ctx: &mut Ctx<'_, '_>,
    key: &[u8],
    (event, removed): (&'static str, usize),
    emptied: bool,
) -> Outcome {
    ctx.reply.int(removed as i64);
    if removed > 0 {
        shrunk(&mut ctx.keys, key, event, emptied);
        ctx.keys.changes.dirty += removed as u64 - 1;
    }
    DONE
}
