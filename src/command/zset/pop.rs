//! ZPOPMIN, ZPOPMAX, ZMPOP and the ones that wait, BZPOPMIN, BZPOPMAX, BZMPOP: members leave at one of the ends.

use super::{Scores, shrunk, write_pair};
use crate::command::error::{COUNT_NOT_POSITIVE, MUST_BE_POSITIVE, NUMKEYS_NOT_POSITIVE, SYNTAX};
use crate::command::list::pop::positive;
use crate::command::{Args, Block, Ctx, DONE, Error, Flow, Outcome};
use crate::data::ZSet;
use crate::data::zset::End;
use crate::keyspace::waiters::{Awaits, OnTimeout};
use smallvec::SmallVec;

/// `ZPOPMIN key [count]`
pub fn zpopmin(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    pop(ctx, args, End::Lowest)
}

/// `ZPOPMAX key [count]`
pub fn zpopmax(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    pop(ctx, args, End::Highest)
}

fn pop(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, from: End) -> Outcome {
    let key = args.bytes()?;
    let count = match args.len() {
        0 => None,
        1 => {
            let count = args.int().map_err(|_| MUST_BE_POSITIVE)?;
            Some(usize::try_from(count).map_err(|_| MUST_BE_POSITIVE)?)
        }
        _ => return Err(SYNTAX),
    };
    let len = ctx.keys.find_as::<ZSet>(key)?.map_or(0, |zset| zset.len());
    let popped = count.unwrap_or(1).min(len);
    match count {
        // One alone is a pair; so is each of several, in RESP3.
        None if popped == 1 => ctx.reply.array(2),
        _ => Scores::With.open(ctx.reply, popped),
    }
    if popped > 0 {
        let nests = count.is_some() && ctx.reply.is_resp3();
        write_popped(ctx, key, (from, popped), nests)?;
    }
    DONE
}

/// Pops `count` members of the set at `key`, which has so many, and writes them with their scores, each as an array or all in a row.
fn write_popped(
    ctx: &mut Ctx<'_, '_>,
    key: &[u8],
    (from, count): (End, usize),
    nests: bool,
) -> Result<(), Error> {
    if let Some(zset) = ctx.keys.find_as::<ZSet>(key)? {
        let len = zset.len();
        let ranks = match from {
            End::Lowest => 0..count,
            End::Highest => len - count..len,
        };
        for element in zset.range(ranks.clone(), from) {
            if nests {
                ctx.reply.array(2);
            }
            write_pair(ctx.reply, element);
        }
        let emptied = count == len;
        if !emptied {
            zset.remove_range(ranks);
        }
        let event = match from {
            End::Lowest => "zpopmin",
            End::Highest => "zpopmax",
        };
        shrunk(&mut ctx.keys, key, event, emptied);
        ctx.keys.changes.dirty += count as u64 - 1;
    }
    Ok(())
}

/// The command that pops at an end.
fn pop_name(from: End) -> &'static [u8] {
    match from {
        End::Lowest => b"ZPOPMIN",
        End::Highest => b"ZPOPMAX",
    }
}

/// `ZMPOP numkeys key [key ...] MIN|MAX [COUNT count]`
pub fn zmpop(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let request = Several::parse(&mut args)?;
    if !request.pop_first(ctx)? {
        ctx.reply.null_array();
    }
    DONE
}

/// `BZMPOP timeout numkeys key [key ...] MIN|MAX [COUNT count]`
pub fn bzmpop(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let timeout = args.bytes()?;
    let request = Several::parse(&mut args)?;
    let deadline_ms = Args::deadline_ms(timeout, ctx.began())?;
    if request.pop_first(ctx)? {
        return DONE;
    }
    wait(ctx, &request.keys, deadline_ms)
}

/// What ZMPOP and BZMPOP have in common.
struct Several<'a> {
    keys: SmallVec<[&'a [u8]; 4]>,
    from: End,
    count: usize,
}

impl<'a> Several<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let numkeys = positive(args, NUMKEYS_NOT_POSITIVE)?;
        // The word MIN or MAX has to follow the keys.
        if numkeys >= args.len() {
            return Err(SYNTAX);
        }
        let mut keys = SmallVec::new();
        for _ in 0..numkeys {
            keys.push(args.bytes()?);
        }
        let from = match () {
            () if args.keyword("MIN") => End::Lowest,
            () if args.keyword("MAX") => End::Highest,
            () => return Err(SYNTAX),
        };
        let mut count = None;
        while !args.is_empty() {
            if count.is_some() || args.len() < 2 || !args.keyword("COUNT") {
                return Err(SYNTAX);
            }
            count = Some(positive(args, COUNT_NOT_POSITIVE)?);
        }
        Ok(Self {
            keys,
            from,
            count: count.unwrap_or(1),
        })
    }

    /// Pops from the first of the keys that is there, and writes its name and the members; `false` if none is.
    fn pop_first(&self, ctx: &mut Ctx<'_, '_>) -> Result<bool, Error> {
        for key in &self.keys {
            let Some(zset) = ctx.keys.find_as::<ZSet>(key)? else {
                continue;
            };
            let count = self.count.min(zset.len());
            ctx.reply.array(2);
            ctx.reply.bulk(key);
            ctx.reply.array(count);
            write_popped(ctx, key, (self.from, count), true)?;
            if let Some(effect) = ctx.keys.logs(3) {
                let effect = effect.arg(pop_name(self.from)).arg(key);
                effect.uint(count as u64).end();
            }
            return Ok(true);
        }
        Ok(false)
    }
}

/// `BZPOPMIN key [key ...] timeout`
pub fn bzpopmin(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    pop_or_wait(ctx, args, End::Lowest)
}

/// `BZPOPMAX key [key ...] timeout`
pub fn bzpopmax(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    pop_or_wait(ctx, args, End::Highest)
}

fn pop_or_wait(ctx: &mut Ctx<'_, '_>, args: Args<'_>, from: End) -> Outcome {
    let mut keys: SmallVec<[&[u8]; 4]> = args.rest().collect();
    let timeout = keys.pop().ok_or(SYNTAX)?;
    let deadline_ms = Args::deadline_ms(timeout, ctx.began())?;
    for key in &keys {
        if ctx.keys.find_as::<ZSet>(key)?.is_some() {
            ctx.reply.array(3);
            ctx.reply.bulk(key);
            write_popped(ctx, key, (from, 1), false)?;
            if let Some(effect) = ctx.keys.logs(2) {
                effect.arg(pop_name(from)).arg(key).end();
            }
            return DONE;
        }
    }
    wait(ctx, &keys, deadline_ms)
}

fn wait(ctx: &mut Ctx<'_, '_>, keys: &[&[u8]], deadline_ms: i64) -> Outcome {
    if ctx.nested {
        ctx.reply.null_array();
        return DONE;
    }
    Ok(Flow::Block(Box::new(Block {
        keys: keys.iter().map(|key| (*key).into()).collect(),
        awaits: Awaits::SortedSet,
        on_timeout: OnTimeout::NullArray,
        deadline_ms,
        request: None,
    })))
}
