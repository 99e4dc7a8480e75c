//! OBJECT: how a value is held.

use crate::command::error::NO_LFU;
use crate::command::{Args, Ctx, DONE, Outcome};

/// `OBJECT ENCODING key`
pub fn encoding(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    match ctx.keys.inspect(args.bytes()?) {
        Some(entry) => ctx.reply.bulk(entry.value.encoding_name().as_bytes()),
        None => ctx.reply.null(),
    }
    DONE
}

/// `OBJECT REFCOUNT key`: a value belongs to its key alone.
pub fn refcount(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    match ctx.keys.inspect(args.bytes()?) {
        Some(_) => ctx.reply.int(1),
        None => ctx.reply.null(),
    }
    DONE
}

/// `OBJECT IDLETIME key`
pub fn idletime(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    match ctx.keys.inspect(args.bytes()?) {
        Some(entry) => ctx
            .reply
            .int((ctx.now.unix_ms / 1000 - entry.used_s()).max(0)),
        None => ctx.reply.null(),
    }
    DONE
}

/// `OBJECT FREQ key`: how often a key is used is not counted.
pub fn freq(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if ctx.keys.inspect(args.bytes()?).is_some() {
        return Err(NO_LFU);
    }
    ctx.reply.null();
    DONE
}
