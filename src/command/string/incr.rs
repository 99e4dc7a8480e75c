//! INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT: strings that are numbers.

use crate::base::Blob;
use crate::base::longdouble::LongDouble;
use crate::command::error::{
    DECREMENT_OVERFLOW, INCREMENT_NOT_FINITE, INCREMENT_OVERFLOW, NOT_A_FLOAT, NOT_AN_INTEGER,
};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::StrValue;
use crate::keyspace::notify;

/// `INCR key`
pub fn incr(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    add(ctx, args.bytes()?, 1)
}

/// `DECR key`
pub fn decr(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    add(ctx, args.bytes()?, -1)
}

/// `INCRBY key increment`
pub fn incrby(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, increment) = (args.bytes()?, args.int()?);
    add(ctx, key, increment)
}

/// `DECRBY key decrement`
pub fn decrby(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, decrement) = (args.bytes()?, args.int()?);
    add(ctx, key, decrement.checked_neg().ok_or(DECREMENT_OVERFLOW)?)
}

fn add(ctx: &mut Ctx<'_, '_>, key: &[u8], increment: i64) -> Outcome {
    let sum = match ctx.keys.find_as::<StrValue>(key)? {
        Some(value) => {
            let old = value.as_i64().ok_or(NOT_AN_INTEGER)?;
            let sum = old.checked_add(increment).ok_or(INCREMENT_OVERFLOW)?;
            *value = StrValue::from(sum);
            sum
        }
        None => {
            ctx.keys.insert_new(key, StrValue::from(increment).into());
            increment
        }
    };
    ctx.keys.changed(key);
    ctx.keys.notify(notify::STRING, "incrby", key);
    ctx.reply.int(sum);
    DONE
}

/// `INCRBYFLOAT key increment`
pub fn incrbyfloat(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, increment) = (args.bytes()?, args.bytes()?);
    let old = match ctx.keys.find_as::<StrValue>(key)? {
        Some(value) => LongDouble::parse(value.as_bytes(&mut itoa::Buffer::new())),
        None => LongDouble::parse(b"0"),
    };
    let (old, increment) = (
        old.ok_or(NOT_A_FLOAT)?,
        LongDouble::parse(increment).ok_or(NOT_A_FLOAT)?,
    );
    let text = old
        .checked_add(increment)
        .ok_or(INCREMENT_NOT_FINITE)?
        .to_text();
    let value = StrValue::text(Blob::Slice(text.as_bytes()));
    match ctx.keys.find(key) {
        Some(entry) => drop(entry.replace(value.into())),
        None => {
            ctx.keys.insert_new(key, value.into());
        }
    }
    if let Some(effect) = ctx.keys.logs(4) {
        let effect = effect.arg(b"SET").arg(key).arg(text.as_bytes());
        effect.arg(b"KEEPTTL").end();
    }
    ctx.keys.changed(key);
    ctx.keys.notify(notify::STRING, "incrbyfloat", key);
    ctx.reply.bulk(text.as_bytes());
    DONE
}
