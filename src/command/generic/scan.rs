//! KEYS, SCAN, RANDOMKEY: finding keys without knowing them.
//!
//! These take one stripe after another. SCAN's cursor is a place in that order, a position in a stripe's table:
//!
//! ```text
//! cursor = position * MAX_STRIPES + stripe
//! ```
//!
//! Positions are stable, so a key that is there during the whole walk is met exactly once.

use crate::base::glob;
use crate::base::num::parse_i64;
use crate::command::error::{Error, INVALID_CURSOR, NOVALUES_OUTSIDE_HSCAN, SYNTAX};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::keyspace::{Db, Entry, MAX_STRIPES};
use crate::resp::reply::Aggregate;
use std::hash::{BuildHasher, Hasher, RandomState};

/// `KEYS pattern`
pub fn keys(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let pattern = args.bytes()?;
    let filter = Filter {
        pattern: (pattern != b"*").then_some(pattern),
        type_name: None,
    };
    let (db, now_ms, reply) = (ctx.keys.db, ctx.now.unix_ms, &mut *ctx.reply);
    let opening = reply.open(Aggregate::Array);
    let mut found = 0;
    ctx.keys.each_stripe(|keys, stripe| {
        for entry in keys.locked.stripe(stripe).dbs[db].iter() {
            if filter.admits(entry, now_ms) {
                reply.bulk(&entry.key);
                found += 1;
            }
        }
    });
    reply.close(opening, found);
    DONE
}

/// Which keys a walk is about.
struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    type_name: Option<&'a [u8]>,
}

impl Filter<'_> {
    fn admits(&self, entry: &Entry, now_ms: i64) -> bool {
        entry.deadline_ms() > now_ms
            && self
                .pattern
                .is_none_or(|pattern| glob::matches(pattern, &entry.key))
            && self
                .type_name
                .is_none_or(|name| name.eq_ignore_ascii_case(entry.value.type_name().as_bytes()))
    }
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
pub fn scan(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let cursor = parse_cursor(args.bytes()?).ok_or(INVALID_CURSOR)?;
    let mut walk = Walk::parse(&mut args)?;
    let (db, now_ms) = (ctx.keys.db, ctx.now.unix_ms);
    let stripes = ctx.keys.keyspace().stripes();
    let mut stripe = (cursor % MAX_STRIPES as u64) as usize;
    let mut position = (cursor / MAX_STRIPES as u64) as usize;
    while stripe < stripes && !walk.has_enough() {
        let next = ctx.keys.with_stripe(stripe, |keys| {
            walk.visit(&keys.locked.stripe(stripe).dbs[db], position, now_ms)
        });
        (stripe, position) = next.map_or((stripe + 1, 0), |position| (stripe, position));
    }
    let cursor = match stripe < stripes {
        true => position * MAX_STRIPES + stripe,
        false => 0,
    };
    ctx.reply.array(2);
    ctx.reply.bulk_int(cursor as i64);
    ctx.reply.array(walk.found.len());
    walk.found.iter().for_each(|key| ctx.reply.bulk(key));
    DONE
}

/// How many places a call of SCAN looks at, at most, for every key it may return.
const VISITS_PER_KEY: usize = 10;
/// How many keys or members a call returns where it is not told.
pub const DEFAULT_COUNT: usize = 10;

/// One call's part of a walk.
struct Walk<'a> {
    filter: Filter<'a>,
    count: usize,
    /// Places it may still look at.
    visits: usize,
    found: Vec<Box<[u8]>>,
}

impl<'a> Walk<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut walk = Walk {
            filter: Filter {
                pattern: None,
                type_name: None,
            },
            count: DEFAULT_COUNT,
            visits: 0,
            found: Vec::new(),
        };
        while !args.is_empty() {
            walk.parse_option(args)?;
        }
        walk.visits = walk.count.saturating_mul(VISITS_PER_KEY);
        Ok(walk)
    }

    fn parse_option(&mut self, args: &mut Args<'a>) -> Result<(), Error> {
        if args.keyword("NOVALUES") {
            return Err(NOVALUES_OUTSIDE_HSCAN);
        }
        if args.len() < 2 {
            return Err(SYNTAX);
        }
        if args.keyword("COUNT") {
            let count = usize::try_from(args.int()?).unwrap_or(0);
            self.count = (count > 0).then_some(count).ok_or(SYNTAX)?;
        } else if args.keyword("MATCH") {
            let pattern = args.bytes()?;
            self.filter.pattern = (pattern != b"*").then_some(pattern);
        } else if args.keyword("TYPE") {
            self.filter.type_name = Some(args.bytes()?);
        } else {
            return Err(SYNTAX);
        }
        Ok(())
    }

    fn has_enough(&self) -> bool {
        self.found.len() >= self.count || self.visits == 0
    }

    /// Looks at a table from `position` on; gives the position to go on from, if the table has more.
    fn visit(&mut self, table: &Db, mut position: usize, now_ms: i64) -> Option<usize> {
        let end = table.positions();
        while position < end && !self.has_enough() {
            let entry = table.entry_at(position);
            if let Some(entry) = entry.filter(|entry| self.filter.admits(entry, now_ms)) {
                self.found.push(entry.key.clone());
            }
            position += 1;
            self.visits -= 1;
        }
        (position < end).then_some(position)
    }
}

/// Cursors are read with less rigour than other numbers, as C reads unsigned ones: after white space and a sign, with
/// zeros in front; below zero they wrap around. Only a plain negative number is refused.
pub(in crate::command) fn parse_cursor(text: &[u8]) -> Option<u64> {
    if parse_i64(text).is_some_and(|number| number < 0) {
        return None;
    }
    let (negative, digits) = match text.trim_ascii_start() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let magnitude = digits.iter().try_fold(0u64, |value, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })?;
    Some(if negative {
        magnitude.wrapping_neg()
    } else {
        magnitude
    })
}

/// `RANDOMKEY`
pub fn randomkey(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    /// Keys found expired before the search is given up.
    const TRIES: usize = 100;
    for _ in 0..TRIES {
        let Some(key) = random_key(ctx) else { break };
        let live = ctx
            .keys
            .with_stripe(ctx.keys.keyspace().stripe_of(&key), |keys| {
                keys.contains(&key)
            });
        if live {
            ctx.reply.bulk(&key);
            return DONE;
        }
    }
    ctx.reply.null();
    DONE
}

/// Some key, which may have expired; each is as likely as any other as far as tables are filled evenly.
fn random_key(ctx: &mut Ctx<'_, '_>) -> Option<Box<[u8]>> {
    let db = ctx.keys.db;
    let mut lens = Vec::new();
    ctx.keys
        .each_stripe(|keys, stripe| lens.push(keys.locked.stripe(stripe).dbs[db].len()));
    let total: usize = lens.iter().sum();
    let mut nth = random().checked_rem(total as u64)? as usize;
    let stripe = lens.iter().position(|len| {
        let here = nth < *len;
        nth -= if here { 0 } else { *len };
        here
    })?;
    ctx.keys.with_stripe(stripe, |keys| {
        let table = &keys.locked.stripe(stripe).dbs[db];
        let end = table.positions();
        let start = random().checked_rem(end as u64)? as usize;
        (start..end)
            .chain(0..start)
            .find_map(|position| table.entry_at(position))
            .map(|entry| entry.key.clone())
    })
}

/// A number nobody can foresee: what a fresh hasher starts from.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// What SSCAN and ZSCAN take: `[MATCH pattern] [COUNT count]`.
pub(in crate::command) struct ScanOptions<'a> {
    pattern: Option<&'a [u8]>,
    /// How many elements to look at, about.
    pub count: usize,
}

impl<'a> ScanOptions<'a> {
    /// Takes all that is left.
    pub fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut options = ScanOptions {
            pattern: None,
            count: DEFAULT_COUNT,
        };
        while !args.is_empty() {
            if args.keyword("NOVALUES") {
                return Err(NOVALUES_OUTSIDE_HSCAN);
            }
            if args.len() < 2 {
                return Err(SYNTAX);
            }
            if args.keyword("COUNT") {
                let count = usize::try_from(args.int()?).unwrap_or(0);
                options.count = (count > 0).then_some(count).ok_or(SYNTAX)?;
            } else if args.keyword("MATCH") {
                let pattern = args.bytes()?;
                options.pattern = (pattern != b"*").then_some(pattern);
            } else {
                return Err(SYNTAX);
            }
        }
        Ok(options)
    }

    /// Whether an element is to be told.
    pub fn admits(&self, member: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| glob::matches(pattern, member))
    }
}

#[cfg(test)]
mod tests {
    use super::parse_cursor;

    #[test]
    fn cursors_are_read_leniently() {
        for (text, expected) in [
            ("0", Some(0)),
            ("+1", Some(1)),
            (" 1", Some(1)),
            ("01", Some(1)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("-01", Some(u64::MAX)),
            ("-9223372036854775809", Some(9223372036854775807)),
            ("-", None),
            ("x", None),
            ("", None),
            ("1 ", None),
        ] {
            assert_eq!(parse_cursor(text.as_bytes()), expected, "{text:?}");
        }
    }
}
