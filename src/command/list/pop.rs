//! LPOP, RPOP, LMPOP and the ones that wait, BLPOP, BRPOP, BLMPOP: elements leave a list at one of its ends.

use super::{end_word, limit, popped};
use crate::command::error::{
    COUNT_NOT_POSITIVE, MUST_BE_POSITIVE, NUMKEYS_NOT_POSITIVE, SYNTAX, wrong_arity,
};
use crate::command::item::write_item;
use crate::command::{Args, Block, Ctx, DONE, Error, Flow, Outcome};
use crate::data::List;
use crate::data::list::End;
use crate::keyspace::waiters::{Awaits, OnTimeout};
use smallvec::SmallVec;

/// `LPOP key [count]`
pub fn lpop(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    pop(ctx, args, End::Front)
}

/// `RPOP key [count]`
pub fn rpop(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    pop(ctx, args, End::Back)
}

fn pop(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, end: End) -> Outcome {
    let key = args.bytes()?;
    let count = match args.len() {
        0 => None,
        1 => {
            let count = args.int().map_err(|_| MUST_BE_POSITIVE)?;
            Some(usize::try_from(count).map_err(|_| MUST_BE_POSITIVE)?)
        }
        _ => return Err(wrong_arity(&ctx.command.full_name)),
    };
    let limit = limit(ctx);
    let Some(list) = ctx.keys.find_as::<List>(key)? else {
        match count {
            Some(_) => ctx.reply.null_array(),
            None => ctx.reply.null(),
        }
        return DONE;
    };
    match count {
        Some(0) => ctx.reply.array(0),
        Some(count) => write_popped(ctx, key, end, count)?,
        None => {
            let item = list.peek(end).expect("no key holds an empty list");
            write_item(ctx.reply, item);
            list.discard(end, limit, 1);
            let emptied = list.is_empty();
            popped(&mut ctx.keys, key, end, emptied);
        }
    }
    DONE
}

/// Pops up to `count` elements of the list at `key`, which exists, and writes them as an array.
fn write_popped(ctx: &mut Ctx<'_, '_>, key: &[u8], end: End, count: usize) -> Result<(), Error> {
    let limit = limit(ctx);
    if let Some(list) = ctx.keys.find_as::<List>(key)? {
        let count = count.min(list.len());
        ctx.reply.array(count);
        list.iter(end)
            .take(count)
            .for_each(|item| write_item(ctx.reply, item));
        list.discard(end, limit, count);
        let emptied = list.is_empty();
        popped(&mut ctx.keys, key, end, emptied);
    }
    Ok(())
}

/// The command that pops at `end`.
pub fn pop_name(end: End) -> &'static [u8] {
    match end {
        End::Front => b"LPOP",
        End::Back => b"RPOP",
    }
}

/// `LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]`
pub fn lmpop(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let request = Several::parse(&mut args)?;
    if !request.pop_first(ctx)? {
        ctx.reply.null_array();
    }
    DONE
}

/// `BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]`
pub fn blmpop(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let timeout = args.bytes()?;
    let request = Several::parse(&mut args)?;
    let deadline_ms = Args::deadline_ms(timeout, ctx.began())?;
    if request.pop_first(ctx)? {
        return DONE;
    }
    wait(ctx, &request.keys, deadline_ms)
}

/// What LMPOP and BLMPOP have in common.
struct Several<'a> {
    keys: SmallVec<[&'a [u8]; 4]>,
    end: End,
    count: usize,
}

impl<'a> Several<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let numkeys = positive(args, NUMKEYS_NOT_POSITIVE)?;
        // The word LEFT or RIGHT has to follow the keys.
        if numkeys >= args.len() {
            return Err(SYNTAX);
        }
        let mut keys = SmallVec::new();
        for _ in 0..numkeys {
            keys.push(args.bytes()?);
        }
        let end = end_word(args)?;
        let mut count = None;
        while !args.is_empty() {
            if count.is_some() || args.len() < 2 || !args.keyword("COUNT") {
                return Err(SYNTAX);
            }
            count = Some(positive(args, COUNT_NOT_POSITIVE)?);
        }
        Ok(Self {
            keys,
            end,
            count: count.unwrap_or(1),
        })
    }

    /// Pops from the first of the keys that is there, and writes its name and the elements; `false` if none is.
    fn pop_first(&self, ctx: &mut Ctx<'_, '_>) -> Result<bool, Error> {
        for key in &self.keys {
            if ctx.keys.find_as::<List>(key)?.is_some() {
                ctx.reply.array(2);
                ctx.reply.bulk(key);
                write_popped(ctx, key, self.end, self.count)?;
                if let Some(effect) = ctx.keys.logs(3) {
                    let effect = effect.arg(pop_name(self.end)).arg(key);
                    effect.uint(self.count as u64).end();
                }
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The next argument as a number above zero.
pub fn positive(args: &mut Args<'_>, otherwise: Error) -> Result<usize, Error> {
    let number = args.int().ok().filter(|number| *number > 0);
    number.map(|number| number as usize).ok_or(otherwise)
}

/// `BLPOP key [key ...] timeout`
pub fn blpop(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    pop_or_wait(ctx, args, End::Front)
}

/// `BRPOP key [key ...] timeout`
pub fn brpop(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    pop_or_wait(ctx, args, End::Back)
}

fn pop_or_wait(ctx: &mut Ctx<'_, '_>, args: Args<'_>, end: End) -> Outcome {
    let mut keys: SmallVec<[&[u8]; 4]> = args.rest().collect();
    let timeout = keys.pop().ok_or(SYNTAX)?;
    let deadline_ms = Args::deadline_ms(timeout, ctx.began())?;
    let limit = limit(ctx);
    for key in &keys {
        if let Some(list) = ctx.keys.find_as::<List>(key)? {
            ctx.reply.array(2);
            ctx.reply.bulk(key);
            let item = list.peek(end).expect("no key holds an empty list");
            write_item(ctx.reply, item);
            list.discard(end, limit, 1);
            let emptied = list.is_empty();
            popped(&mut ctx.keys, key, end, emptied);
            if let Some(effect) = ctx.keys.logs(2) {
                effect.arg(pop_name(end)).arg(key).end();
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
        awaits: Awaits::List,
        on_timeout: OnTimeout::NullArray,
        deadline_ms,
        request: None,
    })))
}
