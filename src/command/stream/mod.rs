//! The stream commands.
//!
//! | file | commands |
//! |---|---|
//! | `add.rs` | XADD |
//! | `trim.rs` | XTRIM, and the trimming options that XADD shares |
//! | `schedule.rs` | XADD of entries whose time comes later, XSCHEDULED |
//! | `range.rs` | XLEN, XRANGE, XREVRANGE |
//! | `read.rs`, `readgroup.rs` | XREAD, XREADGROUP; what they share is in `streams.rs`, how much they may tell in `budget.rs` |
//! | `delete.rs` | XDEL, XDELEX, XACKDEL |
//! | `ack.rs` | XACK |
//! | `pending.rs` | XPENDING |
//! | `claim.rs`, `autoclaim.rs` | XCLAIM, XAUTOCLAIM |
//! | `nack.rs`, `touch.rs` | XNACK, XTOUCH |
//! | `redrive.rs` | XREDRIVE; dead letters come to be in `deadletter.rs` |
//! | `group.rs` | XGROUP |
//! | `info.rs`, `queue_info.rs` | XINFO; its QUEUE |
//! | `setid.rs` | XSETID |
//! | `cfgset.rs` | XCFGSET |
//! | `idmp.rs` | XIDMPRECORD, and the options of XADD that it is about |
//!
//! Streams and groups come to be in `make.rs`. What happens to streams by itself is in `attend.rs`, what they keep in `retention.rs`. How what groups note is logged is in `logged.rs`. Ids are parsed in `ids.rs`, entries written in `entries.rs`. A change of entries counts as a change of the key, which
//! transactions that watch it see; what a group notes does not, as in Redis.

pub mod ack;
pub mod add;
pub mod attend;
pub mod autoclaim;
mod budget;
pub mod cfgset;
pub mod claim;
pub mod deadletter;
pub mod delete;
mod entries;
pub mod group;
pub mod id_writer;
pub mod idmp;
mod ids;
pub mod info;
mod logged;
mod make;
pub mod nack;
pub mod pending;
pub mod queue_info;
pub mod range;
pub mod read;
pub mod readgroup;
pub mod redrive;
mod retention;
pub mod schedule;
pub mod setid;
mod streams;
pub mod touch;
pub mod trim;

use super::Keys;
use super::error::{self, Error};
use crate::data::stream::{ConsumerSlot, Group, Log, Stream};
use crate::keyspace::notify;

/// The log and the group that a command names, or the error for either missing.
fn group_of<'s>(
    stream: Option<&'s mut Stream>,
    key: &[u8],
    name: &[u8],
) -> Result<(&'s Log, &'s mut Group), Error> {
    let found = stream.and_then(|Stream { log, groups, .. }| Some((&*log, groups.get_mut(name)?)));
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

/// What follows from `count` leases that began or ended: the stream's alarm, and whom that may serve. Without a policy it is only who claims what is idle.
fn settle_time(keys: &mut Keys<'_, '_>, key: &[u8], count: usize) {
    if count == 0 {
        return;
    }
    attend::rearm(keys, key);
    let stream = keys.peek_as::<Stream>(key);
    let has_policy = |stream: &Stream| stream.groups.values().any(|group| !group.policy().is_off());
    match stream.is_some_and(has_policy) {
        true => keys.ready(key),
        false => keys.leased(key),
    }
}

/// Notes that a consumer came to be by being used.
fn consumer_created(keys: &mut Keys<'_, '_>, key: &[u8]) {
    group_changed(keys, 1);
    keys.notify(notify::STREAM, "xgroup-createconsumer", key);
}
