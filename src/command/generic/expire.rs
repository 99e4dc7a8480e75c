//! EXPIRE and its kin set when a key expires, PERSIST unsets it, TTL and its kin tell.

use crate::base::num::parse_i64;
use crate::command::error::{
    EXPIRE_GT_AND_LT, EXPIRE_NX_AND_OTHERS, Error, NOT_AN_INTEGER, invalid_expire,
    unsupported_option,
};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::keyspace::{LAST_DEADLINE_MS, NEVER, notify};

/// `EXPIRE key seconds [NX | XX | GT | LT]`
pub fn expire(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set_deadline(ctx, args, 1000, Since::Now)
}

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
pub fn pexpire(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set_deadline(ctx, args, 1, Since::Now)
}

/// `EXPIREAT key unix-time-seconds [NX | XX | GT | LT]`
pub fn expireat(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set_deadline(ctx, args, 1000, Since::Epoch)
}

/// `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]`
pub fn pexpireat(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set_deadline(ctx, args, 1, Since::Epoch)
}

/// What a time is counted from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    Now,
    Epoch,
}

fn set_deadline(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, unit_ms: i64, since: Since) -> Outcome {
    let (key, time) = (args.bytes()?, args.bytes()?);
    let conditions = Conditions::parse(&mut args)?;
    let time = parse_i64(time).ok_or(NOT_AN_INTEGER)?;
    let from_ms = if since == Since::Now {
        ctx.now.unix_ms
    } else {
        0
    };
    let deadline_ms = time
        .checked_mul(unit_ms)
        .and_then(|ms| ms.checked_add(from_ms))
        .ok_or_else(|| invalid_expire(&ctx.command.full_name))?;
    let allowed = ctx
        .keys
        .find(key)
        .is_some_and(|entry| conditions.allow(entry.expires_ms(), deadline_ms));
    ctx.reply.int(allowed.into());
    if !allowed {
        return DONE;
    }
    let event = if ctx.is_past(deadline_ms) {
        ctx.keys.remove(key);
        ctx.keys.log_removal(key);
        "del"
    } else {
        let deadline_ms = deadline_ms.min(LAST_DEADLINE_MS);
        ctx.keys.set_deadline_ms(key, deadline_ms);
        ctx.keys.log_deadline(key, deadline_ms);
        "expire"
    };
    ctx.keys.changed(key);
    ctx.keys.notify(notify::GENERIC, event, key);
    DONE
}

/// When a new deadline may be set.
#[derive(Default)]
struct Conditions {
    /// NX: there is none yet.
    absent: bool,
    /// XX: there is one already.
    present: bool,
    /// GT: it is later.
    later: bool,
    /// LT: it is earlier.
    earlier: bool,
}

impl Conditions {
    fn parse(args: &mut Args<'_>) -> Result<Self, Error> {
        let mut conditions = Self::default();
        while let Some(word) = args.peek() {
            let condition = match word.to_ascii_uppercase().as_slice() {
                b"NX" => &mut conditions.absent,
                b"XX" => &mut conditions.present,
                b"GT" => &mut conditions.later,
                b"LT" => &mut conditions.earlier,
                _ => return Err(unsupported_option(word)),
            };
            *condition = true;
            args.skip(1);
        }
        if conditions.absent && (conditions.present || conditions.later || conditions.earlier) {
            return Err(EXPIRE_NX_AND_OTHERS);
        }
        if conditions.later && conditions.earlier {
            return Err(EXPIRE_GT_AND_LT);
        }
        Ok(conditions)
    }

    /// A key without a deadline counts as having the latest there is.
    fn allow(&self, current_ms: Option<i64>, new_ms: i64) -> bool {
        !(self.absent && current_ms.is_some()
            || self.present && current_ms.is_none()
            || self.later && current_ms.is_none_or(|current_ms| new_ms <= current_ms)
            || self.earlier && current_ms.is_some_and(|current_ms| new_ms >= current_ms))
    }
}

/// `PERSIST key`
pub fn persist(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let had_one = ctx
        .keys
        .find(key)
        .is_some_and(|entry| entry.expires_ms().is_some());
    if had_one {
        ctx.keys.set_deadline_ms(key, NEVER);
        ctx.keys.changed(key);
        ctx.keys.notify(notify::GENERIC, "persist", key);
    }
    ctx.reply.int(had_one.into());
    DONE
}

/// `TTL key`
pub fn ttl(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let now_ms = ctx.now.unix_ms;
    tell(ctx, args, |deadline_ms| {
        rounded_s((deadline_ms - now_ms).max(0))
    })
}

/// `PTTL key`
pub fn pttl(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let now_ms = ctx.now.unix_ms;
    tell(ctx, args, |deadline_ms| (deadline_ms - now_ms).max(0))
}

/// `EXPIRETIME key`
pub fn expiretime(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    tell(ctx, args, rounded_s)
}

/// `PEXPIRETIME key`
pub fn pexpiretime(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    tell(ctx, args, |deadline_ms| deadline_ms)
}

fn rounded_s(ms: i64) -> i64 {
    ms.saturating_add(500) / 1000
}

/// Writes something about a key's deadline: -1 for none, -2 for no key.
fn tell(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, say: impl Fn(i64) -> i64) -> Outcome {
    ctx.keys.touch = false;
    let entry = ctx.keys.read(args.bytes()?);
    ctx.reply
        .int(entry.map_or(-2, |entry| entry.expires_ms().map_or(-1, say)));
    DONE
}
