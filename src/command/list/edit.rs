//! LSET, LINSERT, LREM, LTRIM: changes inside a list.

use super::{limit, resolve_index, resolve_range, shrunk};
use crate::command::error::{INDEX_OUT_OF_RANGE, NO_SUCH_KEY, RANK_OUT_OF_RANGE, SYNTAX};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::List;
use crate::data::list::{End, Side};
use crate::keyspace::notify;

/// `LSET key index element`
pub fn lset(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let limit = limit(ctx);
    let list = ctx.keys.find_as::<List>(key)?.ok_or(NO_SUCH_KEY)?;
    // Redis looks at the low 32 bits alone.
    let index = i64::from(args.int()? as i32);
    // An index that is not there is for the list to refuse.
    let index = resolve_index(list.len(), index).unwrap_or(list.len());
    if !list.set(index, limit, args.blob()?) {
        return Err(INDEX_OUT_OF_RANGE);
    }
    ctx.keys.changed(key);
    ctx.keys.notify(notify::LIST, "lset", key);
    ctx.reply.ok();
    DONE
}

/// `LINSERT key BEFORE|AFTER pivot element`
pub fn linsert(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let side = if args.keyword("AFTER") {
        Side::After
    } else if args.keyword("BEFORE") {
        Side::Before
    } else {
        return Err(SYNTAX);
    };
    let pivot = args.bytes()?;
    let limit = limit(ctx);
    let Some(list) = ctx.keys.find_as::<List>(key)? else {
        ctx.reply.int(0);
        return DONE;
    };
    if !list.insert(side, pivot, limit, args.blob()?) {
        ctx.reply.int(-1);
        return DONE;
    }
    ctx.reply.int(list.len() as i64);
    ctx.keys.fed(key);
    ctx.keys.notify(notify::LIST, "linsert", key);
    DONE
}

/// `LREM key count element`
pub fn lrem(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let count = args.int()?;
    if count == i64::MIN {
        return Err(RANK_OUT_OF_RANGE);
    }
    let element = args.bytes()?;
    let (from, max) = match count {
        0 => (End::Front, usize::MAX),
        1.. => (End::Front, count as usize),
        _ => (End::Back, count.unsigned_abs() as usize),
    };
    let limit = limit(ctx);
    let Some(list) = ctx.keys.find_as::<List>(key)? else {
        ctx.reply.int(0);
        return DONE;
    };
    let removed = list.remove(element, from, limit, max);
    ctx.reply.int(removed as i64);
    if removed > 0 {
        let emptied = list.is_empty();
        shrunk(&mut ctx.keys, key, "lrem", emptied);
    }
    DONE
}

/// `LTRIM key start stop`
pub fn ltrim(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let (start, stop) = (args.int()?, args.int()?);
    let limit = limit(ctx);
    ctx.reply.ok();
    let Some(list) = ctx.keys.find_as::<List>(key)? else {
        return DONE;
    };
    let (index, count) = resolve_range(list.len(), start, stop);
    list.trim(index..index + count, limit);
    let emptied = list.is_empty();
    shrunk(&mut ctx.keys, key, "ltrim", emptied);
    DONE
}
