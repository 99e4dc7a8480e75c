//! Hashes: records, counters, jobs.
//!
//! | file | commands |
//! |---|---|
//! | `write` | HSET HMSET HSETNX HDEL |
//! | `setex` | HSETEX |
//! | `take` | HGETDEL HGETEX |
//! | `read` | HGET HMGET HGETALL HKEYS HVALS HLEN HSTRLEN HEXISTS |
//! | `incr` | HINCRBY HINCRBYFLOAT |
//! | `random` | HRANDFIELD |
//! | `scan` | HSCAN |
//! | `expire` | HEXPIRE HPEXPIRE HEXPIREAT HPEXPIREAT HPERSIST HTTL HPTTL HEXPIRETIME HPEXPIRETIME; fields whose time is up |
//! | `fields` | what the younger ones of these have in common: `FIELDS numfields field ...`, and times |
//!
//! No command sees a field whose time is up: whoever looks at a hash has such fields removed first (`Keys::find_as` and its kin; where only some are
//! looked at by name, those and a bounded number of others, `Keys::read_fields` and its kin), and those nobody looks at go by themselves (`command/expire.rs`). What is logged says at which time a field expires, and which fields went.

pub mod expire;
mod fields;
pub mod incr;
pub mod random;
pub mod read;
pub mod scan;
pub mod setex;
pub mod take;
pub mod write;

use super::{Ctx, Error, Keys};
use crate::config::Config;
use crate::data::Hash;
use crate::data::hash::Limits;
use crate::keyspace::notify;

/// What a small hash may hold.
pub fn limits(config: &Config) -> Limits {
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Limits {
        fields: size(config.hash_max_listpack_entries),
        text_bytes: size(config.hash_max_listpack_value),
    }
}

/// The hash at `key`, made if need be.
fn open<'a>(keys: &'a mut Keys<'_, '_>, key: &[u8]) -> Result<&'a mut Hash, Error> {
    keys.find_or_make(key, || Hash::new().into())
}

/// Lets follow what follows from fields of `key` having been set, or their expiries.
fn changed(keys: &mut Keys<'_, '_>, key: &[u8], event: &'static str) {
    keys.note_fields(key);
    keys.changed(key);
    keys.notify(notify::HASH, event, key);
}

/// Lets follow what follows from fields of `key` having been removed, and perhaps all of them.
fn shrunk(keys: &mut Keys<'_, '_>, key: &[u8]) {
    changed(keys, key, "hdel");
    if keys.peek_as::<Hash>(key).is_some_and(Hash::is_empty) {
        keys.remove(key);
        keys.notify(notify::GENERIC, "del", key);
    }
}

/// Logs the request as the removal of fields of `key`.
fn log_removal<'a>(
    keys: &mut Keys<'_, '_>,
    key: &[u8],
    names: impl ExactSizeIterator<Item = &'a [u8]>,
) {
    if let Some(effect) = keys.logs(2 + names.len()) {
        effect.arg(b"HDEL").arg(key).args(names).end();
    }
}

/// Logs the request as setting when fields of `key` expire, Unix milliseconds.
fn log_expiry<'a>(
    keys: &mut Keys<'_, '_>,
    key: &[u8],
    expires_ms: i64,
    names: impl ExactSizeIterator<Item = &'a [u8]>,
) {
    if let Some(effect) = keys.logs(5 + names.len()) {
        let effect = effect.arg(b"HPEXPIREAT").arg(key).int(expires_ms);
        let effect = effect.arg(b"FIELDS").int(names.len() as i64);
        effect.args(names).end();
    }
}

/// The limits in force on this core.
fn limits_of(ctx: &Ctx<'_, '_>) -> Limits {
    limits(&ctx.local.config)
}
