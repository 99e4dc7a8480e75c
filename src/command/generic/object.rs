//! OBJECT: how a value is held.

use crate::command::error::{NO_IDLE_TIME, NO_LFU};
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
    let counts_uses = ctx.local.config.maxmemory_policy.counts_uses();
    match ctx.keys.inspect(args.bytes()?) {
        Some(_) if counts_uses => return Err(NO_IDLE_TIME),
        Some(entry) => ctx.reply.uint(entry.usage().idle_s(ctx.now.unix_ms)),
        None => ctx.reply.null(),
    }
    DONE
}

/// `OBJECT FREQ key`
pub fn freq(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let decay_minutes = ctx.local.config.lfu_decay_time_minutes;
    let counts_uses = ctx.local.config.maxmemory_policy.counts_uses();
    match ctx.keys.inspect(args.bytes()?) {
        Some(_) if !counts_uses => return Err(NO_LFU),
        Some(entry) => {
            let frequency = entry.usage().frequency(ctx.now.unix_ms, decay_minutes);
            ctx.reply.uint(frequency.into());
        }
        None => ctx.reply.null(),
    }
    DONE
}
