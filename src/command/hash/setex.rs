//! HSETEX: setting fields together with their expiry.
//!
//! In the log it is what came of it, in words that older servers know: HSET, and HPEXPIREAT or HDEL.

use super::fields::Unit;
use super::write::set_pairs;
use super::{changed, limits_of, log_expiry, log_removal, open, shrunk};
use crate::base::num::parse_i64;
use crate::command::error::{
    FIELD_CONDITION_TWICE, FIELD_EXPIRY_TWICE, NUMFIELDS_INVALID, unknown_argument, wrong_arity_of,
};
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::Hash;
use crate::data::hash::Keeps;
use crate::keyspace::notify;

/// The least that follows FIELDS.
const COUNT_AND_PAIR_ARGS: usize = 3;

/// What stands before the fields.
#[derive(Default)]
struct Options {
    /// FNX: none of the fields may be there; FXX: all have to be.
    all_there: Option<bool>,
    expiry: Option<Expiry>,
}

/// What becomes of the fields' expiries, unless they end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expiry {
    Keep,
    At(i64),
}

impl Options {
    /// Takes all up to the first field.
    fn parse(ctx: &Ctx<'_, '_>, args: &mut Args<'_>) -> Result<Self, Error> {
        let mut options = Options::default();
        loop {
            if args.keyword("FIELDS") {
                if args.len() < COUNT_AND_PAIR_ARGS {
                    return Err(wrong_arity_of(ctx.command));
                }
                let count = parse_i64(args.bytes()?);
                let pairs = count.and_then(|count| i32::try_from(count).ok());
                let pairs = pairs.filter(|pairs| *pairs > 0).ok_or(NUMFIELDS_INVALID)?;
                return match args.len() == 2 * pairs as usize {
                    true => Ok(options),
                    false => Err(wrong_arity_of(ctx.command)),
                };
            }
            options.parse_one(ctx, args)?;
        }
    }

    fn parse_one(&mut self, ctx: &Ctx<'_, '_>, args: &mut Args<'_>) -> Result<(), Error> {
        let conditions = [("FNX", false), ("FXX", true)];
        if let Some((_, all_there)) = conditions.into_iter().find(|(word, _)| args.keyword(word)) {
            if self.all_there.replace(all_there).is_some() {
                return Err(FIELD_CONDITION_TWICE);
            }
            return Ok(());
        }
        let keeps = args.keyword("KEEPTTL");
        let unit = if keeps { None } else { Unit::parse(args) };
        if !keeps && unit.is_none() {
            let word = args.bytes().map_err(|_| wrong_arity_of(ctx.command))?;
            return Err(unknown_argument(word));
        }
        if self.expiry.is_some() {
            return Err(FIELD_EXPIRY_TWICE);
        }
        self.expiry = Some(match unit {
            None => Expiry::Keep,
            Some(unit) => {
                let time = args.bytes().map_err(|_| wrong_arity_of(ctx.command))?;
                Expiry::At(unit.moment_ms(ctx, time)?)
            }
        });
        Ok(())
    }
}

/// `HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]`
pub fn hsetex(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let options = Options::parse(ctx, &mut args)?;
    let hash = ctx.keys.find_as::<Hash>(key)?;
    let is_there = |name| hash.as_ref().is_some_and(|hash| hash.contains(name));
    if let Some(all_there) = options.all_there
        && args
            .rest()
            .step_by(2)
            .any(|name| is_there(name) != all_there)
    {
        ctx.reply.int(0);
        return DONE;
    }
    ctx.reply.int(1);
    set(ctx, key, &args, options.expiry)?;
    log(ctx, key, &args, options.expiry);
    changed(&mut ctx.keys, key, "hset");
    match options.expiry {
        Some(Expiry::At(expires_ms)) if ctx.is_past(expires_ms) => shrunk(&mut ctx.keys, key),
        Some(Expiry::At(_)) => ctx.keys.notify(notify::HASH, "hexpire", key),
        _ => {}
    }
    DONE
}

fn set(
    ctx: &mut Ctx<'_, '_>,
    key: &[u8],
    args: &Args<'_>,
    expiry: Option<Expiry>,
) -> Result<(), Error> {
    let limits = limits_of(ctx);
    let is_past = matches!(expiry, Some(Expiry::At(expires_ms)) if ctx.is_past(expires_ms));
    let hash = open(&mut ctx.keys, key)?;
    hash.expect(limits, args.rest());
    let keeps = match expiry {
        Some(Expiry::Keep) => Keeps::Expiry,
        _ => Keeps::Value,
    };
    if let Some(Expiry::At(_)) = expiry {
        hash.expect_expiry();
    }
    set_pairs(hash, limits, args.blobs(), keeps);
    if let Some(Expiry::At(expires_ms)) = expiry {
        for name in args.rest().step_by(2) {
            match is_past {
                true => _ = hash.remove(name),
                false => hash.set_expiry_ms(name, Some(expires_ms)),
            }
        }
    }
    Ok(())
}

fn log(ctx: &mut Ctx<'_, '_>, key: &[u8], args: &Args<'_>, expiry: Option<Expiry>) {
    if expiry == Some(Expiry::Keep) {
        return log_kept(ctx, key, args);
    }
    let names = args.rest().step_by(2);
    if let Some(Expiry::At(expires_ms)) = expiry
        && ctx.is_past(expires_ms)
    {
        return log_removal(&mut ctx.keys, key, names);
    }
    if let Some(effect) = ctx.keys.logs(2 + args.len()) {
        effect.arg(b"HSET").arg(key).args(args.rest()).end();
    }
    if let Some(Expiry::At(expires_ms)) = expiry {
        log_expiry(&mut ctx.keys, key, expires_ms, names);
    }
}

/// HSET ends the expiries that were kept, so they are set again.
fn log_kept(ctx: &mut Ctx<'_, '_>, key: &[u8], args: &Args<'_>) {
    if let Some(effect) = ctx.keys.logs(2 + args.len()) {
        effect.arg(b"HSET").arg(key).args(args.rest()).end();
    }
    for name in args.rest().step_by(2) {
        let hash = ctx.keys.peek_as::<Hash>(key);
        if let Some(expires_ms) = hash.and_then(|hash| hash.expiry_ms(name)) {
            log_expiry(&mut ctx.keys, key, expires_ms, std::iter::once(name));
        }
    }
}
