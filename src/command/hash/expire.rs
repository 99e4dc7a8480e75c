//! HEXPIRE and its kin set when fields expire, HPERSIST unsets it, HTTL and its kin tell; and what becomes of fields whose time is up.

use super::fields::{Unit, announced};
use super::{changed, log_expiry, log_removal, shrunk};
use crate::command::error::{FIELD_COUNT_INVALID, NUMFIELDS_NOT_POSITIVE};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::{Hash, Kind};

/// Fields that go in one visit, as in Redis.
const FIELDS_PER_VISIT: usize = 1000;

/// What is said of a field that is not there.
const NO_FIELD: i64 = -2;
/// What is said of a field that does not expire.
const NO_EXPIRY: i64 = -1;
/// The condition was not met.
const UNMET: i64 = 0;
/// The expiry was set, or ended.
const CHANGED: i64 = 1;
/// The time is up: the field is gone.
const GONE: i64 = 2;

/// Removes fields of the hash at `key` whose time is up, up to a bound; says how many.
pub fn expire_some(keys: &mut Keys<'_, '_>, key: &[u8]) -> usize {
    let now_ms = keys.now_ms;
    expire_by(keys, key, |hash| hash.take_due(now_ms, FIELDS_PER_VISIT))
}

/// Removes all fields of the hash at `key` whose time is up, and the hash if none is left.
#[cold]
pub fn expire_all(keys: &mut Keys<'_, '_>, key: &[u8]) {
    let now_ms = keys.now_ms;
    expire_by(keys, key, |hash| hash.take_due(now_ms, usize::MAX));
}

/// Removes those of `names` whose time is up, and as many other fields as go in a visit: all that a command has to wait for that looks at
/// no others.
#[cold]
pub fn expire_named<'a>(
    keys: &mut Keys<'_, '_>,
    key: &[u8],
    names: impl Iterator<Item = &'a [u8]>,
) {
    let now_ms = keys.now_ms;
    expire_by(keys, key, |hash| {
        let mut gone = hash.take_due(now_ms, FIELDS_PER_VISIT);
        for name in names {
            if hash.expiry_ms(name).is_some_and(|ms| ms <= now_ms) {
                hash.remove(name);
                gone.push(name.into());
            }
        }
        gone
    });
}

/// Lets `take` take fields whose time is up, and lets follow what follows from that.
fn expire_by(
    keys: &mut Keys<'_, '_>,
    key: &[u8],
    take: impl FnOnce(&mut Hash) -> Vec<Box<[u8]>>,
) -> usize {
    let hash = keys
        .find(key)
        .and_then(|entry| Hash::of_mut(&mut entry.value));
    let gone = hash.map_or_else(Vec::new, take);
    match gone.len() {
        0 => keys.note_fields(key),
        _ => keys.expired_fields(key, &gone),
    }
    gone.len()
}

/// `HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub fn hexpire(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set_expiry(ctx, args, Unit::EX)
}

/// `HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub fn hpexpire(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set_expiry(ctx, args, Unit::PX)
}

/// `HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub fn hexpireat(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set_expiry(ctx, args, Unit::EXAT)
}

/// `HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub fn hpexpireat(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set_expiry(ctx, args, Unit::PXAT)
}

/// When a new expiry may be set.
#[derive(Clone, Copy)]
enum Condition {
    Always,
    /// NX: there is none yet.
    Absent,
    /// XX: there is one already.
    Present,
    /// GT: it is later.
    Later,
    /// LT: it is earlier.
    Earlier,
}

impl Condition {
    fn parse(args: &mut Args<'_>) -> Self {
        let conditions = [
            ("NX", Condition::Absent),
            ("XX", Condition::Present),
            ("GT", Condition::Later),
            ("LT", Condition::Earlier),
        ];
        let found = conditions.into_iter().find(|(word, _)| args.keyword(word));
        found.map_or(Condition::Always, |(_, condition)| condition)
    }

    /// A field without an expiry counts as having the latest there is.
    fn allows(self, current_ms: Option<i64>, new_ms: i64) -> bool {
        match self {
            Condition::Always => true,
            Condition::Absent => current_ms.is_none(),
            Condition::Present => current_ms.is_some(),
            Condition::Later => current_ms.is_some_and(|current_ms| new_ms > current_ms),
            Condition::Earlier => current_ms.is_none_or(|current_ms| new_ms < current_ms),
        }
    }
}

fn set_expiry(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, unit: Unit) -> Outcome {
    let (key, time) = (args.bytes()?, args.bytes()?);
    ctx.keys.find_as::<Hash>(key)?;
    let expires_ms = unit.moment_ms(ctx, time)?;
    let condition = Condition::parse(&mut args);
    announced(&mut args, NUMFIELDS_NOT_POSITIVE)?;
    let is_past = ctx.is_past(expires_ms);
    ctx.reply.array(args.len());
    let Some(hash) = ctx.keys.find_as::<Hash>(key)? else {
        args.rest().for_each(|_| ctx.reply.int(NO_FIELD));
        return DONE;
    };
    hash.expect_expiry();
    let mut done = Vec::new();
    for name in args.rest() {
        let said = match hash.contains(name) {
            false => NO_FIELD,
            true if !condition.allows(hash.expiry_ms(name), expires_ms) => UNMET,
            true if is_past => {
                hash.remove(name);
                GONE
            }
            true => {
                hash.set_expiry_ms(name, Some(expires_ms));
                CHANGED
            }
        };
        if said > UNMET {
            done.push(name);
        }
        ctx.reply.int(said);
    }
    settle(&mut ctx.keys, key, (expires_ms, is_past), &done);
    DONE
}

/// Lets follow what follows from `names` having been given an expiry, or removed because it is past.
pub(super) fn settle(
    keys: &mut Keys<'_, '_>,
    key: &[u8],
    (expires_ms, is_past): (i64, bool),
    names: &[&[u8]],
) {
    let names = names.iter().copied();
    match (names.len(), is_past) {
        (0, _) => {}
        (_, true) => {
            log_removal(keys, key, names);
            shrunk(keys, key);
        }
        (_, false) => {
            log_expiry(keys, key, expires_ms, names);
            changed(keys, key, "hexpire");
        }
    }
}

/// `HPERSIST key FIELDS numfields field [field ...]`
pub fn hpersist(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    ctx.keys.find_as::<Hash>(key)?;
    announced(&mut args, FIELD_COUNT_INVALID)?;
    ctx.reply.array(args.len());
    let mut hash = ctx.keys.find_as::<Hash>(key)?;
    let mut persisted = false;
    for name in args.rest() {
        let said = match &mut hash {
            Some(hash) if hash.expiry_ms(name).is_some() => {
                hash.set_expiry_ms(name, None);
                persisted = true;
                CHANGED
            }
            Some(hash) if hash.contains(name) => NO_EXPIRY,
            _ => NO_FIELD,
        };
        ctx.reply.int(said);
    }
    if persisted {
        changed(&mut ctx.keys, key, "hpersist");
    }
    DONE
}

/// `HTTL key FIELDS numfields field [field ...]`
pub fn httl(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let now_ms = ctx.now.unix_ms;
    tell(ctx, args, |expires_ms| seconds(expires_ms - now_ms))
}

/// `HPTTL key FIELDS numfields field [field ...]`
pub fn hpttl(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let now_ms = ctx.now.unix_ms;
    tell(ctx, args, |expires_ms| expires_ms - now_ms)
}

/// `HEXPIRETIME key FIELDS numfields field [field ...]`
pub fn hexpiretime(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    tell(ctx, args, seconds)
}

/// `HPEXPIRETIME key FIELDS numfields field [field ...]`
pub fn hpexpiretime(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    tell(ctx, args, |expires_ms| expires_ms)
}

/// Whole seconds, rounded up.
fn seconds(ms: i64) -> i64 {
    (ms + 999) / 1000
}

/// Writes something about when each field expires.
fn tell(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, say: impl Fn(i64) -> i64) -> Outcome {
    let hash = ctx.keys.read_as::<Hash>(args.bytes()?)?;
    announced(&mut args, FIELD_COUNT_INVALID)?;
    ctx.reply.array(args.len());
    for name in args.rest() {
        let there = hash.filter(|hash| hash.contains(name));
        let said = there.map_or(NO_FIELD, |hash| {
            hash.expiry_ms(name).map_or(NO_EXPIRY, &say)
        });
        ctx.reply.int(said);
    }
    DONE
}
