//! DEBUG: what tests do to a server. Only for those whom `enable-debug-command` allows.
//!
//! Switches of machinery that does not exist here are accepted without effect, since test suites written for Redis set them
//! first thing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{digest, reload};
use crate::base::{Blob, float, num};
use crate::command::clients::flag;
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::error::{self, Error};
use crate::command::{Args, help as table_help};
use crate::config::DebugAccess;
use crate::data::Value;
use crate::data::string::StrValue;

/// A subcommand: its name, how many arguments it takes, and what it does with them.
type Subcommand = (
    &'static str,
    std::ops::RangeInclusive<usize>,
    crate::command::Handler,
);

const SUBCOMMANDS: &[Subcommand] = &[
    ("change-repl-id", 0..=0, accept),
    ("clock", 2..=2, clock),
    ("dict-resizing", 1..=1, accept),
    ("digest", 0..=0, digest::digest),
    ("digest-value", 1..=usize::MAX, digest::digest_value),
    ("error", 1..=1, fail),
    ("help", 0..=0, help),
    ("keysizes-hist-assert", 1..=1, accept),
    ("loadaof", 0..=usize::MAX, reload::load_aof),
    ("log", 1..=1, log),
    ("object", 1..=1, object),
    ("pause-cron", 1..=1, accept),
    ("populate", 1..=3, populate),
    ("protocol", 1..=1, protocol),
    ("quicklist-packed-threshold", 1..=1, packed_threshold),
    ("reload", 0..=usize::MAX, reload::reload),
    ("replybuffer", 2..=2, accept),
    ("set-active-expire", 1..=1, set_active_expire),
    ("set-disable-deny-scripts", 1..=1, accept),
    ("set-skip-checksum-validation", 1..=1, accept),
    ("sleep", 1..=1, sleep),
];

/// `DEBUG subcommand [argument ...]`
pub fn run(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if !is_allowed(ctx) {
        return Err(error::DEBUG_NOT_ALLOWED);
    }
    let name = args.bytes()?;
    let subcommand = SUBCOMMANDS
        .iter()
        .find(|(known, ..)| name.eq_ignore_ascii_case(known.as_bytes()))
        .filter(|(_, arguments, _)| arguments.contains(&args.len()));
    match subcommand {
        Some((.., handler)) => handler(ctx, args),
        None => Err(error::unknown_subcommand_or_arity("debug", name)),
    }
}

fn is_allowed(ctx: &Ctx<'_, '_>) -> bool {
    let record = &ctx.session.record;
    match ctx.local.config.enable_debug_command {
        DebugAccess::No => false,
        DebugAccess::Yes => true,
        DebugAccess::Local => {
            record.has_flag(flag::UNIX)
                || record.addr.starts_with("127.")
                || record.addr.starts_with("[::1]")
        }
    }
}

fn accept(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.reply.ok();
    DONE
}

fn help(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    table_help::write_names(
        ctx.reply,
        "DEBUG",
        SUBCOMMANDS.iter().map(|(name, ..)| *name),
    );
    DONE
}

/// `DEBUG CLOCK <STEP | PASS> ms`: the wall clock is stepped, or time passes.
fn clock(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let steps = args.keyword("STEP");
    if !steps && !args.keyword("PASS") {
        return Err(error::SYNTAX);
    }
    let ms = args.int()?;
    match steps {
        true => ctx.shared.clock.step_ms(ms),
        false => ctx.shared.clock.pass_ms(ms),
    };
    ctx.shared.nudge_all();
    ctx.reply.ok();
    DONE
}

/// `DEBUG SLEEP seconds`: this core does nothing else meanwhile.
fn sleep(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let seconds = float::parse_f64(args.bytes()?).unwrap_or(0.0);
    std::thread::sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    ctx.reply.ok();
    DONE
}

/// `DEBUG SET-ACTIVE-EXPIRE 0 | 1`
fn set_active_expire(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let is_on = num::parse_i64(args.bytes()?).unwrap_or(0) != 0;
    ctx.shared.active_expire.store(is_on, Ordering::Relaxed);
    ctx.shared.nudge_all();
    ctx.reply.ok();
    DONE
}

/// `DEBUG QUICKLIST-PACKED-THRESHOLD size`: checked; lists here decide by themselves.
fn packed_threshold(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let size = num::parse_size_bytes(args.bytes()?);
    if size.is_none_or(|size| size >= u32::MAX.into()) {
        return Err(error::PACKED_THRESHOLD);
    }
    ctx.reply.ok();
    DONE
}

/// `DEBUG ERROR text`
fn fail(_ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    Err(Error::from_text(args.bytes()?))
}

/// `DEBUG LOG text`
fn log(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let text = String::from_utf8_lossy(args.bytes()?);
    tracing::warn!("DEBUG LOG: {text}");
    ctx.reply.ok();
    DONE
}

/// `DEBUG OBJECT key`
fn object(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let now_ms = ctx.now.unix_ms;
    let stripe = ctx.keys.keyspace().stripe_of(key);
    let text = ctx.keys.with_stripe(stripe, |keys| {
        let entry = keys.peek(key)?;
        let usage = entry.usage();
        Some(format!(
            "Value at:{:p} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
            &raw const entry.value,
            entry.value.encoding_name(),
            entry.value.heap_bytes(),
            usage.used_s(),
            usage.idle_s(now_ms),
        ))
    });
    ctx.reply.simple(&text.ok_or(error::NO_SUCH_KEY)?);
    DONE
}

/// `DEBUG POPULATE count [prefix] [size]`: keys `prefix:0` and on, those that exist left alone.
fn populate(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let count = num::parse_u64(args.bytes()?).ok_or(error::MUST_BE_POSITIVE)?;
    let prefix = if args.is_empty() {
        b"key"
    } else {
        args.bytes()?
    };
    let size = match args.is_empty() {
        true => None,
        false => Some(num::parse_u64(args.bytes()?).ok_or(error::MUST_BE_POSITIVE)? as usize),
    };
    // It writes, though it is not declared to.
    ctx.keys.keeps_expired = false;
    for number in 0..count {
        let key = [prefix, format!(":{number}").as_bytes()].concat();
        let mut value = format!("value:{number}").into_bytes();
        value.resize(size.unwrap_or(value.len()), 0);
        let stripe = ctx.keys.keyspace().stripe_of(&key);
        ctx.keys.with_stripe(stripe, |keys| {
            if !keys.contains(&key) {
                keys.insert(
                    &key,
                    Value::Str(StrValue::new(Blob::from(value.as_slice()))),
                );
                if let Some(effect) = keys.logs(3) {
                    effect.arg(b"SET").arg(&key).arg(&value).end();
                }
            }
        });
    }
    ctx.reply.ok();
    DONE
}

/// `DEBUG PROTOCOL type`: a reply of that type.
fn protocol(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let reply = &mut *ctx.reply;
    match args.bytes()?.to_ascii_lowercase().as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.int(12345),
        b"double" => reply.double(b"3.141"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.int(number);
                reply.bool(number == 1);
            }
        }
        b"attrib" => {
            if reply.is_resp3() {
                reply.raw(b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n");
            }
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" if !reply.is_resp3() => return Err(error::RESP2_NOT_SUPPORTED),
        b"push" => {
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.int(42);
        }
        b"verbatim" => reply.verbatim(b"This is a verbatim\nstring"),
        b"true" => reply.bool(true),
        b"false" => reply.bool(false),
        b"bignum" if reply.is_resp3() => reply.raw(b"(1234567999999999999999999999999999999\r\n"),
        b"bignum" => reply.bulk(b"1234567999999999999999999999999999999"),
        _ => return Err(error::WRONG_PROTOCOL_TYPE),
    }
    DONE
}
