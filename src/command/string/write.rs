//! MSET, MSETNX, MSETEX: many strings at once; APPEND, SETRANGE: strings changed in place.

use super::options::{Condition, Options};
use super::set::{Lifetime, put, put_one};
use super::{check_len, max_len};
use crate::base::Blob;
use crate::base::num::parse_i64;
use crate::command::error::{NUMKEYS_INVALID, OFFSET_OUT_OF_RANGE, PAIRS_MISSING, wrong_arity};
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::StrValue;
use crate::keyspace::notify;

/// `MSET key value [key value ...]`
pub fn mset(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    check_pairs(ctx, &args)?;
    put_all(ctx, &mut args)?;
    ctx.reply.ok();
    DONE
}

/// `MSETNX key value [key value ...]`
pub fn msetnx(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    check_pairs(ctx, &args)?;
    let none_is_there = args.rest().step_by(2).all(|key| !ctx.keys.contains(key));
    if none_is_there {
        put_all(ctx, &mut args)?;
    }
    ctx.reply.int(none_is_there.into());
    DONE
}

/// `MSETEX numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds | KEEPTTL]`
pub fn msetex(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let count = parse_i64(args.bytes()?).and_then(|count| i32::try_from(count).ok());
    let count = count.filter(|count| *count > 0).ok_or(NUMKEYS_INVALID)?;
    let pairs = args.clone();
    let arguments = 2 * count as usize;
    if arguments > args.len() {
        return Err(PAIRS_MISSING);
    }
    args.skip(arguments);
    let options = Options::parse_msetex(&mut args)?;
    let lifetime = options.expiry.lifetime(ctx)?;
    let mut keys = pairs.rest().take(arguments).step_by(2);
    let allowed = match options.condition {
        Condition::Missing => keys.all(|key| !ctx.keys.contains(key)),
        Condition::Present => keys.all(|key| ctx.keys.contains(key)),
        Condition::None | Condition::Of(_) => true,
    };
    let mut pairs = pairs;
    for _ in 0..if allowed { count } else { 0 } {
        let (key, value) = (pairs.bytes()?, pairs.blob()?);
        put_one(ctx, key, value, lifetime);
    }
    ctx.reply.int(allowed.into());
    DONE
}

fn check_pairs(ctx: &Ctx<'_, '_>, args: &Args<'_>) -> Result<(), Error> {
    if args.len().is_multiple_of(2) {
        Ok(())
    } else {
        Err(wrong_arity(&ctx.command.full_name))
    }
}

fn put_all(ctx: &mut Ctx<'_, '_>, args: &mut Args<'_>) -> Result<(), Error> {
    while !args.is_empty() {
        let (key, value) = (args.bytes()?, args.blob()?);
        put(ctx, key, value, Lifetime::Forever);
    }
    Ok(())
}

/// `APPEND key value`
pub fn append(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, tail) = (args.bytes()?, args.blob()?);
    let max_len = max_len(ctx);
    let len = match ctx.keys.find_as::<StrValue>(key)? {
        Some(value) => {
            check_len(max_len, value.len(), tail.as_slice().len())?;
            value.append(tail.as_slice())
        }
        None => {
            ctx.keys.insert_new(key, StrValue::new(tail).into());
            tail.as_slice().len()
        }
    };
    ctx.keys.changed(key);
    ctx.keys.notify(notify::STRING, "append", key);
    ctx.reply.int(len as i64);
    DONE
}

/// `SETRANGE key offset value`
pub fn setrange(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, offset, patch) = (args.bytes()?, args.int()?, args.bytes()?);
    let offset = usize::try_from(offset).map_err(|_| OFFSET_OUT_OF_RANGE)?;
    let max_len = max_len(ctx);
    let value = ctx.keys.find_as::<StrValue>(key)?;
    if patch.is_empty() {
        ctx.reply.int(value.map_or(0, |value| value.len()) as i64);
        return DONE;
    }
    check_len(max_len, offset, patch.len())?;
    let len = match value {
        Some(value) => value.set_range(offset, patch),
        None => {
            let mut value = StrValue::text(Blob::Slice(b""));
            let len = value.set_range(offset, patch);
            ctx.keys.insert_new(key, value.into());
            len
        }
    };
    ctx.keys.changed(key);
    ctx.keys.notify(notify::STRING, "setrange", key);
    ctx.reply.int(len as i64);
    DONE
}
