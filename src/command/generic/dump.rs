//! DUMP, RESTORE: a value as bytes, and back.

use crate::base::num::parse_i64;
use crate::command::error::{
    BAD_DUMP, BAD_DUMP_FOOTER, BUSY_KEY, Error, FREQUENCY_OUT_OF_RANGE, NEGATIVE_IDLE_TIME,
    NEGATIVE_TTL, NO_PERMISSION_FOR_KEY, NOT_AN_INTEGER, SYNTAX,
};
use crate::command::{Args, Ctx, DONE, Keys, Outcome, acl, hash, set, zset};
use crate::config::Config;
use crate::data::Value;
use crate::data::list::Limit;
use crate::keyspace::usage::NEW_FREQUENCY;
use crate::keyspace::{LAST_DEADLINE_MS, NEVER, Usage, notify};
use crate::resp::Request;
use crate::storage::rdb::{Limits, Payload, dump as dumped};

/// `DUMP key`
pub fn dump(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    match ctx.keys.read(args.bytes()?) {
        Some(entry) => {
            let payload = dumped(&entry.value, true);
            ctx.reply.bulk_shared(&payload.into());
        }
        None => ctx.reply.null(),
    }
    DONE
}

/// What the configuration says of values that come from files and dumps.
pub fn limits(config: &Config) -> Limits {
    Limits {
        list: Limit::from_directive(config.list_max_listpack_size),
        set: set::limits(config),
        hash: hash::limits(config),
        zset: zset::limits(config),
    }
}

/// `RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
pub fn restore(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, ttl, payload) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let options = Options::parse(&mut args)?;
    if !options.replace && ctx.keys.contains(key) {
        return Err(BUSY_KEY);
    }
    let deadline_ms = options.deadline_ms(ttl, ctx.now.unix_ms)?;
    let limits = limits(&ctx.local.config);
    let sent = Payload::of(payload).map_err(|_| BAD_DUMP_FOOTER)?;
    let value = sent.value(&limits).ok().flatten().ok_or(BAD_DUMP)?;
    check_letters(ctx, args.request(), &value)?;
    ctx.reply.ok();
    if ctx.is_past(deadline_ms) {
        if ctx.keys.remove(key) {
            ctx.keys.log_removal(key);
            ctx.keys.changed(key);
            ctx.keys.notify(notify::GENERIC, "del", key);
        }
        return DONE;
    }
    // What a newer server dumped, an older one that loads the log could not read.
    let own = (sent.is_newer() && ctx.keys.is_logged()).then(|| dumped(&value, true));
    put(&mut ctx.keys, key, value, deadline_ms);
    if own.is_some() || deadline_ms != NEVER {
        log(ctx, key, deadline_ms, own.as_deref().unwrap_or(payload));
    }
    let used_ms = ctx.now.unix_ms.saturating_sub(options.idle_ms.unwrap_or(0));
    let frequency = options.frequency.unwrap_or(NEW_FREQUENCY);
    ctx.keys.set_usage(key, Usage::new(used_ms, frequency));
    DONE
}

fn log(ctx: &mut Ctx<'_, '_>, key: &[u8], deadline_ms: i64, payload: &[u8]) {
    let Some(effect) = ctx.keys.logs(6) else {
        return;
    };
    let effect = effect.arg(b"RESTORE").arg(key);
    let effect = match deadline_ms {
        NEVER => effect.int(0),
        at_ms => effect.int(at_ms),
    };
    effect.arg(payload).arg(b"REPLACE").arg(b"ABSTTL").end();
}

/// Refuses a stream, of which the client is to have one of its own, whose dead letters go where the client may not write.
pub fn check_letters(ctx: &Ctx<'_, '_>, request: Request<'_>, value: &Value) -> Result<(), Error> {
    let may_write = acl::writes_also(ctx.shared, ctx.session, ctx.command, request);
    match dead_letter_streams(value).all(may_write) {
        true => Ok(()),
        false => Err(NO_PERMISSION_FOR_KEY),
    }
}

/// Where the groups of a stream let dead letters go.
fn dead_letter_streams(value: &Value) -> impl Iterator<Item = &[u8]> {
    let groups = match value {
        Value::Stream(stream) => Some(&stream.groups),
        _ => None,
    };
    let groups = groups.into_iter().flat_map(|groups| groups.values());
    groups
        .map(|group| &*group.policy().dead_letter)
        .filter(|target| !target.is_empty())
}

/// Puts a value under `key`, which ceases to exist first if it does.
fn put(keys: &mut Keys<'_, '_>, key: &[u8], value: Value, deadline_ms: i64) {
    let replaced = keys.take(key);
    let type_name = value.type_name();
    keys.insert_new(key, value);
    if deadline_ms != NEVER {
        keys.set_deadline_ms(key, deadline_ms);
    }
    keys.changed(key);
    keys.notify(notify::GENERIC, "restore", key);
    if let Some(replaced) = replaced {
        keys.notify(notify::OVERWRITTEN, "overwritten", key);
        if replaced.value.type_name() != type_name {
            keys.notify(notify::TYPE_CHANGED, "type_changed", key);
        }
    }
}

/// What may follow the payload.
#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle_ms: Option<i64>,
    frequency: Option<u8>,
}

impl Options {
    fn parse(args: &mut Args<'_>) -> Result<Self, Error> {
        let mut options = Self::default();
        while !args.is_empty() {
            if args.keyword("REPLACE") {
                options.replace = true;
            } else if args.keyword("ABSTTL") {
                options.absolute = true;
            } else if args.len() > 1 && options.frequency.is_none() && args.keyword("IDLETIME") {
                let idle_s = Some(args.int()?).filter(|idle_s| *idle_s >= 0);
                options.idle_ms = Some(idle_s.ok_or(NEGATIVE_IDLE_TIME)?.saturating_mul(1000));
            } else if args.len() > 1 && options.idle_ms.is_none() && args.keyword("FREQ") {
                let frequency = u8::try_from(args.int()?).map_err(|_| FREQUENCY_OUT_OF_RANGE)?;
                options.frequency = Some(frequency);
            } else {
                return Err(SYNTAX);
            }
        }
        Ok(options)
    }

    /// When the key will expire. As in Redis, a moment that no number holds has passed.
    fn deadline_ms(&self, ttl: &[u8], now_ms: i64) -> Result<i64, Error> {
        match parse_i64(ttl).ok_or(NOT_AN_INTEGER)? {
            ..0 => Err(NEGATIVE_TTL),
            0 => Ok(NEVER),
            at_ms if self.absolute => Ok(at_ms.min(LAST_DEADLINE_MS)),
            ttl_ms => Ok(ttl_ms.wrapping_add(now_ms)),
        }
    }
}
