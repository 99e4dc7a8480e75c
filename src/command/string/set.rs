//! SET and what came before its options: SETNX, SETEX, PSETEX, GETSET.

use super::get::reply_value;
use super::options::{Condition, Options, Unit};
use crate::base::Blob;
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::StrValue;
use crate::keyspace::notify;

/// `SET key value [NX | XX | IFEQ value | IFNE value | IFDEQ digest | IFDNE digest] [GET] [EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds | KEEPTTL]`
pub fn set(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, value) = (args.bytes()?, args.blob()?);
    if args.is_empty() {
        put(ctx, key, value, Lifetime::Forever);
        ctx.reply.ok();
        return DONE;
    }
    let options = Options::parse_set(&mut args)?;
    let lifetime = options.expiry.lifetime(ctx)?;
    let allowed = match options.condition {
        Condition::None => true,
        Condition::Missing => !ctx.keys.contains(key),
        Condition::Present => ctx.keys.contains(key),
        Condition::Of(comparison) => {
            comparison.holds(ctx.keys.find_as::<StrValue>(key)?.as_deref())?
        }
    };
    if options.wants_old {
        reply_value(ctx, key)?;
    }
    if allowed {
        put(ctx, key, value, lifetime);
        if let Condition::Of(_) = options.condition {
            log_plainly(ctx, key, value, lifetime);
        }
    }
    match allowed {
        _ if options.wants_old => {}
        true => ctx.reply.ok(),
        false => ctx.reply.null(),
    }
    DONE
}

/// `SETNX key value`
pub fn setnx(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, value) = (args.bytes()?, args.blob()?);
    let missing = !ctx.keys.contains(key);
    if missing {
        put(ctx, key, value, Lifetime::Forever);
    }
    ctx.reply.int(missing.into());
    DONE
}

/// `SETEX key seconds value`
pub fn setex(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set_for(ctx, args, Unit::Ex)
}

/// `PSETEX key milliseconds value`
pub fn psetex(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set_for(ctx, args, Unit::Px)
}

fn set_for(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, unit: Unit) -> Outcome {
    let (key, time, value) = (args.bytes()?, args.bytes()?, args.blob()?);
    let deadline_ms = unit.deadline_ms(time, ctx)?;
    put(ctx, key, value, Lifetime::Until(deadline_ms));
    ctx.reply.ok();
    DONE
}

/// `GETSET key value`
pub fn getset(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, value) = (args.bytes()?, args.blob()?);
    reply_value(ctx, key)?;
    put(ctx, key, value, Lifetime::Forever);
    DONE
}

/// How long a value that is set shall live.
#[derive(Clone, Copy)]
pub(super) enum Lifetime {
    Forever,
    /// As long as the one before it would have.
    AsBefore,
    /// Until then, Unix milliseconds.
    Until(i64),
}

/// Gives `key` a string value, whatever it held.
pub(super) fn put(ctx: &mut Ctx<'_, '_>, key: &[u8], value: Blob<'_>, lifetime: Lifetime) {
    store(ctx, key, value, lifetime);
    ctx.keys.notify(notify::STRING, "set", key);
    if let Lifetime::Until(_) = lifetime {
        ctx.keys.notify(notify::GENERIC, "expire", key);
    }
}

fn store(ctx: &mut Ctx<'_, '_>, key: &[u8], value: Blob<'_>, lifetime: Lifetime) {
    let stored = StrValue::new(value).into();
    match lifetime {
        Lifetime::Forever => ctx.keys.insert(key, stored),
        Lifetime::AsBefore | Lifetime::Until(_) => ctx.keys.insert_keeping_expiry(key, stored),
    }
    // Behind the removal of a key there whose time was up.
    if let Lifetime::Until(deadline_ms) = lifetime
        && let Some(effect) = ctx.keys.logs(5)
    {
        let effect = effect.arg(b"SET").arg(key).arg(value.as_slice());
        effect.arg(b"PXAT").int(deadline_ms).end();
    }
    ctx.keys.changed(key);
    if let Lifetime::Until(deadline_ms) = lifetime {
        ctx.keys.set_deadline_ms(key, deadline_ms);
    }
}

/// One of several, told of in the order in which MSETEX does.
pub(super) fn put_one(ctx: &mut Ctx<'_, '_>, key: &[u8], value: Blob<'_>, lifetime: Lifetime) {
    store(ctx, key, value, lifetime);
    log_plainly(ctx, key, value, lifetime);
    if let Lifetime::Until(_) = lifetime {
        ctx.keys.notify(notify::GENERIC, "expire", key);
    }
    ctx.keys.notify(notify::STRING, "set", key);
}

/// Logs what was stored in words that every Redis knows, unless that has been done for the sake of its deadline.
fn log_plainly(ctx: &mut Ctx<'_, '_>, key: &[u8], value: Blob<'_>, lifetime: Lifetime) {
    let keeps = match lifetime {
        Lifetime::Until(_) => return,
        Lifetime::AsBefore => true,
        Lifetime::Forever => false,
    };
    if let Some(effect) = ctx.keys.logs(3 + usize::from(keeps)) {
        let effect = effect.arg(b"SET").arg(key).arg(value.as_slice());
        match keeps {
            true => effect.arg(b"KEEPTTL").end(),
            false => effect.end(),
        }
    }
}
