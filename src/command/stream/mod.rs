//! The stream commands.
//!
//! | file | commands |
//! |---|---|
//! | `add.rs` | XADD |
//! | `trim.rs` | XTRIM, and the trimming options that XADD shares |
//! | `range.rs` | XLEN, XRANGE, XREVRANGE |
//! | `read.rs`, `readgroup.rs` | XREAD, XREADGROUP; what they share is in `streams.rs` |
//! | `delete.rs` | XDEL, XDELEX, XACKDEL |
//! | `ack.rs` | XACK |
//! | `pending.rs` | XPENDING |
//! | `claim.rs`, `autoclaim.rs` | XCLAIM, XAUTOCLAIM |
//! | `group.rs` | XGROUP |
//! | `info.rs` | XINFO |
//! | `setid.rs` | XSETID |
//!
//! Ids are parsed in `ids.rs`, entries written in `entries.rs`. A change of entries counts as a change of the key, which
//! transactions that watch it see; what a group notes does not, as in Redis.

pub mod ack;
pub mod add;
pub mod autoclaim;
pub mod claim;
pub mod delete;
mod entries;
pub mod group;
mod ids;
pub mod info;
pub mod pending;
pub mod range;
pub mod read;
pub mod readgroup;
pub mod setid;
mod streams;
pub mod trim;

use super::error::{self, Error};
use super::{Ctx, Keys};
use crate::data::stream::{ConsumerSlot, Group, Log, Stream};
use crate::keyspace::notify;

/// The time as streams keep it.
fn now_ms(ctx: &Ctx<'_, '_>) -> u64 {
    u64::try_from(ctx.now.unix_ms).expect("the clock stands after 1970")
}

/// The log and the group that a command names, or the error for either missing.
fn group_of<'s>(
    stream: Option<&'s mut Stream>,
    key: &[u8],
    name: &[u8],
) -> Result<(&'s Log, &'s mut Group), Error> {
    let found = stream.and_then(|Stream { log, groups }| Some((&*log, groups.get_mut(name)?)));
    found.ok_or_else(|| error::no_group_or_key(key, name))
}

/// The consumer of this name, which begins to exist with its first use, and whether it just did. It counts as seen.
fn consumer_of(group: &mut Group, name: &[u8], now_ms: u64) -> (ConsumerSlot, bool) {
    match group.find_consumer(name) {
        Some(slot) => {
            group.consumer_mut(slot).seen_time_ms = now_ms;
            (slot, false)
        }
        None => (group.add_consumer(name, now_ms), true),
    }
}

/// Notes that `count` entries, at least one, of the stream at `key` changed.
fn entries_changed(keys: &mut Keys<'_, '_>, key: &[u8], count: u64) {
    keys.changed(key);
    keys.changes.dirty += count - 1;
}

/// Notes that `count` things changed that only groups know of.
fn group_changed(keys: &mut Keys<'_, '_>, count: u64) {
    keys.changes.dirty += count;
}

/// Notes that a consumer came to be by being used.
fn consumer_created(keys: &mut Keys<'_, '_>, key: &[u8]) {
    group_changed(keys, 1);
    keys.notify(notify::STREAM, "xgroup-createconsumer", key);
}
