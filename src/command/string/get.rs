//! GET, MGET, STRLEN, GETRANGE, SUBSTR, and the two that change what they read: GETDEL and GETEX.

use super::options::{Expiry, Options};
use super::write_string;
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::StrValue;
use crate::keyspace::{NEVER, notify};

/// `GET key`
pub fn get(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    reply_value(ctx, args.bytes()?)?;
    DONE
}

/// Writes the value of `key`, or null if it is not there; says which.
pub(super) fn reply_value(ctx: &mut Ctx<'_, '_>, key: &[u8]) -> Result<bool, Error> {
    let value = ctx.keys.read_as::<StrValue>(key)?;
    match &value {
        Some(value) => write_string(ctx.reply, value),
        None => ctx.reply.null(),
    }
    Ok(value.is_some())
}

/// `MGET key [key ...]`
pub fn mget(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.reply.array(args.len());
    for key in args.rest() {
        match ctx.keys.read_as::<StrValue>(key) {
            Ok(Some(value)) => write_string(ctx.reply, value),
            Ok(None) | Err(_) => ctx.reply.null(),
        }
    }
    DONE
}

/// `STRLEN key`
pub fn strlen(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let len = ctx
        .keys
        .read_as::<StrValue>(args.bytes()?)?
        .map_or(0, |value| value.len());
    ctx.reply.int(len as i64);
    DONE
}

/// `SUBSTR key start end`
pub fn substr(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    getrange(ctx, args)
}

/// `GETRANGE key start end`
pub fn getrange(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let (start, end) = (args.int()?, args.int()?);
    let Some(value) = ctx.keys.read_as::<StrValue>(key)? else {
        ctx.reply.bulk(b"");
        return DONE;
    };
    let range = resolve_range(value.len(), start, end);
    match value.as_shared() {
        Some(bytes) => ctx.reply.bulk_shared(&bytes.slice(range)),
        None => ctx
            .reply
            .bulk(&value.as_bytes(&mut itoa::Buffer::new())[range]),
    }
    DONE
}

/// The bytes between two offsets, both included, that count from the back if negative. One that lies before the
/// beginning then means the first byte, for the end as well.
fn resolve_range(len: usize, start: i64, end: i64) -> std::ops::Range<usize> {
    let len = len as i64;
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let from_front = |offset: i64| {
        if offset < 0 {
            len.saturating_add(offset).max(0)
        } else {
            offset
        }
    };
    let start = from_front(start);
    let end = from_front(end).min(len - 1);
    if start > end {
        0..0
    } else {
        start as usize..end as usize + 1
    }
}

/// `GETDEL key`
pub fn getdel(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    if reply_value(ctx, key)? {
        ctx.keys.remove(key);
        ctx.keys.log_removal(key);
        ctx.keys.notify(notify::GENERIC, "del", key);
        ctx.keys.changed(key);
    }
    DONE
}

/// `GETEX key [EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds | PERSIST]`
pub fn getex(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let options = Options::parse_getex(&mut args)?;
    if !reply_value(ctx, key)? {
        return DONE;
    }
    let event = match options.expiry {
        Expiry::None | Expiry::Keep => return DONE,
        Expiry::Persist => {
            if ctx
                .keys
                .peek(key)
                .and_then(|entry| entry.expires_ms())
                .is_none()
            {
                return DONE;
            }
            ctx.keys.set_deadline_ms(key, NEVER);
            ctx.keys.log_deadline(key, NEVER);
            "persist"
        }
        Expiry::Given { unit, value } => {
            let deadline_ms = unit.deadline_ms(value, ctx)?;
            if ctx.is_past(deadline_ms) {
                ctx.keys.remove(key);
                ctx.keys.log_removal(key);
                "del"
            } else {
                ctx.keys.set_deadline_ms(key, deadline_ms);
                ctx.keys.log_deadline(key, deadline_ms);
                "expire"
            }
        }
    };
    ctx.keys.changed(key);
    ctx.keys.notify(notify::GENERIC, event, key);
    DONE
}

#[cfg(test)]
mod tests {
    use super::resolve_range;

    #[test]
    fn ranges_are_cut_as_the_real_server_cuts_them() {
        let cases = [
            (0, -100, "a"),
            (-100, -50, "a"),
            (-1, -3, ""),
            (2, 1, ""),
            (0, 100, "abc"),
            (5, 10, ""),
            (-100, 1, "ab"),
            (-2, -1, "bc"),
            (i64::MIN, i64::MAX, "abc"),
        ];
        for (start, end, expected) in cases {
            assert_eq!(
                &"abc"[resolve_range(3, start, end)],
                expected,
                "{start} {end}"
            );
        }
        assert_eq!(resolve_range(0, 0, -1), 0..0);
    }
}
