//! DBSIZE, FLUSHDB, FLUSHALL, SWAPDB: whole databases.

use crate::command::error::{DB_OUT_OF_RANGE, Error, FIRST_DB_INVALID, SECOND_DB_INVALID};
use crate::command::server::save;
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::keyspace::{Db, Stripe};
use std::ops::Range;

/// From so many keys on, a database is freed on a thread of its own.
const COSTLY_KEYS: usize = 1000;

/// `DBSIZE`
pub fn dbsize(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let db = ctx.keys.db;
    let mut keys_count = 0;
    ctx.keys
        .each_stripe(|keys, stripe| keys_count += keys.locked.stripe(stripe).dbs[db].len());
    ctx.reply.int(keys_count as i64);
    DONE
}

/// `FLUSHDB [ASYNC | SYNC]`
pub fn flushdb(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    parse_mode(&mut args)?;
    let db = ctx.keys.db;
    flush(ctx, db..db + 1);
    DONE
}

/// `FLUSHALL [ASYNC | SYNC]`
pub fn flushall(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    parse_mode(&mut args)?;
    let all = 0..ctx.keys.keyspace().databases();
    flush(ctx, all);
    save::flushed(ctx.shared);
    DONE
}

/// Both modes are the same here: what is costly to free is freed elsewhere anyway.
fn parse_mode(args: &mut Args<'_>) -> Result<(), Error> {
    let _either = args.keyword("ASYNC") || args.keyword("SYNC");
    args.end()
}

fn flush(ctx: &mut Ctx<'_, '_>, dbs: Range<usize>) {
    let mut emptied: Vec<Db> = Vec::new();
    let mut keys = 0;
    for (_, stripe) in ctx.keys.locked.iter_mut() {
        for db in dbs.clone() {
            announce(stripe, db, None);
            keys += stripe.dbs[db].len();
            emptied.extend(stripe.empty(db));
        }
    }
    ctx.keys.changes.dirty += keys as u64;
    if keys >= COSTLY_KEYS {
        // Without a thread to be had, it is freed here: the closure is dropped.
        let _ = std::thread::Builder::new()
            .name("free".into())
            .spawn(move || drop(emptied));
    }
    ctx.reply.ok();
}

/// Tells those who watch or wait for keys of `db` that each such key of it, or of `other` that takes its place, is not what it was.
pub fn announce(stripe: &mut Stripe, db: usize, other: Option<usize>) {
    let holds = |db: usize, key: &[u8]| stripe.dbs[db].position(key).is_some();
    let affected = |key: &[u8]| holds(db, key) || other.is_some_and(|other| holds(other, key));
    if !stripe.watched.is_empty() {
        stripe.watched.touch_where(db, affected);
    }
    if !stripe.waiting.is_empty() {
        let ready: Vec<_> = stripe
            .waiting
            .keys_in(db)
            .into_iter()
            .filter(|key| affected(key))
            .collect();
        ready.iter().for_each(|key| stripe.signal_ready(db, key));
    }
}

/// `SWAPDB index1 index2`
pub fn swapdb(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let first = index(&mut args, FIRST_DB_INVALID)?;
    let second = index(&mut args, SECOND_DB_INVALID)?;
    let databases = ctx.keys.keyspace().databases();
    let in_range = |db: i32| {
        usize::try_from(db)
            .ok()
            .filter(|db| *db < databases)
            .ok_or(DB_OUT_OF_RANGE)
    };
    let (first, second) = (in_range(first)?, in_range(second)?);
    if first != second {
        for (_, stripe) in ctx.keys.locked.iter_mut() {
            announce(stripe, first, Some(second));
            announce(stripe, second, Some(first));
            stripe.dbs.swap(first, second);
        }
    }
    ctx.keys.changes.dirty += 1;
    ctx.reply.ok();
    DONE
}

fn index(args: &mut Args<'_>, otherwise: Error) -> Result<i32, Error> {
    args.int()
        .ok()
        .and_then(|number| i32::try_from(number).ok())
        .ok_or(otherwise)
}
