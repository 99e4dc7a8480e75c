//! SETBIT, GETBIT: one bit.

use super::{change, offset};
use crate::command::error::BIT_OUT_OF_RANGE;
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::{StrValue, bits};
use crate::keyspace::notify;

/// `SETBIT key offset value`
pub fn setbit(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let offset = offset(ctx, &mut args, None)?;
    let on = match args.int() {
        Ok(0) => false,
        Ok(1) => true,
        _ => return Err(BIT_OUT_OF_RANGE),
    };
    let set = |text: &mut [u8]| bits::set_bit(text, offset, on);
    let (was, grew) = change(&mut ctx.keys, key, offset, set)?;
    if grew || was != on {
        ctx.keys.changed(key);
        ctx.keys.notify(notify::STRING, "setbit", key);
    }
    ctx.reply.int(was.into());
    DONE
}

/// `GETBIT key offset`
pub fn getbit(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let offset = offset(ctx, &mut args, None)?;
    let value = ctx.keys.read_as::<StrValue>(key)?;
    let on = value.is_some_and(|value| {
        let mut digits = itoa::Buffer::new();
        bits::bit_at(value.as_bytes(&mut digits), offset)
    });
    ctx.reply.int(on.into());
    DONE
}
