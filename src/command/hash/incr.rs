//! HINCRBY, HINCRBYFLOAT: fields that are numbers.

use super::{changed, limits_of, log_expiry};
use crate::base::longdouble::LongDouble;
use crate::command::error::{
    HASH_NOT_A_FLOAT, HASH_NOT_AN_INTEGER, INCREMENT_NOT_FINITE, INCREMENT_OVERFLOW,
    NAN_OR_INFINITY, NOT_A_FLOAT,
};
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::Hash;
use crate::data::hash::{Keeps, integer_of};

/// `HINCRBY key field increment`
pub fn hincrby(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, increment) = (args.bytes()?, args.bytes()?, args.int()?);
    let old = match ctx
        .keys
        .find_fields(key, std::iter::once(name))?
        .and_then(|hash| hash.get(name))
    {
        Some(value) => integer_of(value).ok_or(HASH_NOT_AN_INTEGER)?,
        None => 0,
    };
    let sum = old.checked_add(increment).ok_or(INCREMENT_OVERFLOW)?;
    set(ctx, key, name, itoa::Buffer::new().format(sum).as_bytes())?;
    changed(&mut ctx.keys, key, "hincrby");
    ctx.reply.int(sum);
    DONE
}

/// `HINCRBYFLOAT key field increment`
pub fn hincrbyfloat(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, increment) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let zero = LongDouble::parse(b"0").expect("a number");
    let increment = LongDouble::parse(increment).ok_or(NOT_A_FLOAT)?;
    let from_zero = zero.checked_add(increment).ok_or(NAN_OR_INFINITY)?;
    let sum = match ctx
        .keys
        .find_fields(key, std::iter::once(name))?
        .and_then(|hash| hash.get(name))
    {
        Some(value) => LongDouble::parse(value.as_bytes(&mut itoa::Buffer::new()))
            .ok_or(HASH_NOT_A_FLOAT)?
            .checked_add(increment)
            .ok_or(INCREMENT_NOT_FINITE)?,
        None => from_zero,
    };
    let text = sum.to_text();
    set(ctx, key, name, text.as_bytes())?;
    log_value(ctx, key, name, text.as_bytes());
    changed(&mut ctx.keys, key, "hincrbyfloat");
    ctx.reply.bulk(text.as_bytes());
    DONE
}

/// Sets a field and leaves its expiry.
fn set(ctx: &mut Ctx<'_, '_>, key: &[u8], name: &[u8], value: &[u8]) -> Result<(), Error> {
    let limits = limits_of(ctx);
    let hash = ctx.keys.open_fields(key, std::iter::once(name))?;
    hash.set(limits, name.into(), value.into(), Keeps::Expiry);
    Ok(())
}

/// Logs the request as the value that came of it, with the expiry that setting it ends.
fn log_value(ctx: &mut Ctx<'_, '_>, key: &[u8], name: &[u8], value: &[u8]) {
    if let Some(effect) = ctx.keys.logs(4) {
        effect.arg(b"HSET").arg(key).arg(name).arg(value).end();
    }
    let hash = ctx.keys.peek_as::<Hash>(key);
    if let Some(expires_ms) = hash.and_then(|hash| hash.expiry_ms(name)) {
        log_expiry(&mut ctx.keys, key, expires_ms, std::iter::once(name));
    }
}
