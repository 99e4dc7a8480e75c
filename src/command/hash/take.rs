//! HGETDEL, HGETEX: reading fields and removing them, or changing when they expire.

use super::expire::settle;
use super::fields::{Unit, announced};
use super::{changed, log_removal, shrunk};
use crate::command::error::{FIELD_COUNT_INVALID, wrong_arity_of};
use crate::command::item::write_option;
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::Hash;

/// `HGETDEL key FIELDS numfields field [field ...]`
pub fn hgetdel(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    ctx.keys.find_as::<Hash>(key)?;
    announced(&mut args, FIELD_COUNT_INVALID)?;
    ctx.reply.array(args.len());
    let mut hash = ctx.keys.find_as::<Hash>(key)?;
    let mut taken = Vec::new();
    for name in args.rest() {
        write_option(ctx.reply, hash.as_ref().and_then(|hash| hash.get(name)));
        if hash.as_mut().is_some_and(|hash| hash.remove(name)) {
            taken.push(name);
        }
    }
    if !taken.is_empty() {
        log_removal(&mut ctx.keys, key, taken.into_iter());
        shrunk(&mut ctx.keys, key);
    }
    DONE
}

/// What HGETEX does to the expiries of the fields it reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    Persist,
    Expire(i64),
}

impl Then {
    fn parse(ctx: &Ctx<'_, '_>, args: &mut Args<'_>) -> Result<Self, Error> {
        if args.keyword("PERSIST") {
            return Ok(Then::Persist);
        }
        match Unit::parse(args) {
            Some(unit) => {
                let expires_ms = unit.moment_ms(ctx, args.bytes()?)?;
                match args.len() {
                    0 | 1 => Err(wrong_arity_of(ctx.command)),
                    _ => Ok(Then::Expire(expires_ms)),
                }
            }
            None => Ok(Then::Nothing),
        }
    }
}

/// `HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]`
pub fn hgetex(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    ctx.keys.find_as::<Hash>(key)?;
    let then = Then::parse(ctx, &mut args)?;
    announced(&mut args, FIELD_COUNT_INVALID)?;
    let expiry = match then {
        Then::Expire(expires_ms) => Some((expires_ms, ctx.is_past(expires_ms))),
        _ => None,
    };
    ctx.reply.array(args.len());
    let Some(hash) = ctx.keys.find_as::<Hash>(key)? else {
        args.rest().for_each(|_| ctx.reply.null());
        return DONE;
    };
    if then != Then::Nothing {
        hash.expect_expiry();
    }
    let mut done = Vec::new();
    for name in args.rest() {
        let value = hash.get(name);
        write_option(ctx.reply, value);
        let is_done = match expiry {
            _ if value.is_none() => false,
            Some((_, true)) => hash.remove(name),
            Some((expires_ms, false)) => {
                hash.set_expiry_ms(name, Some(expires_ms));
                true
            }
            None if then == Then::Persist && hash.expiry_ms(name).is_some() => {
                hash.set_expiry_ms(name, None);
                true
            }
            None => false,
        };
        if is_done {
            done.push(name);
        }
    }
    match expiry {
        Some(expiry) => settle(&mut ctx.keys, key, expiry, &done),
        None => persisted(ctx, key, &done),
    }
    DONE
}

fn persisted(ctx: &mut Ctx<'_, '_>, key: &[u8], names: &[&[u8]]) {
    if names.is_empty() {
        return;
    }
    if let Some(effect) = ctx.keys.logs(4 + names.len()) {
        let effect = effect.arg(b"HPERSIST").arg(key).arg(b"FIELDS");
        let effect = effect.int(names.len() as i64);
        effect.args(names.iter().copied()).end();
    }
    changed(&mut ctx.keys, key, "hpersist");
}
