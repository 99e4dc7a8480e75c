//! Streams and groups come to be, with the policies that the configuration has for them.
//!
//! A policy is logged behind the effect that made what it is for, in full, so that a replay needs no configuration; and a replay gives none.

use super::cfgset::log;
use super::{entries_changed, group_changed, retention};
use crate::command::Keys;
use crate::command::error::Error;
use crate::data::stream::{Group, GroupPolicy, Id, StreamPolicy};
use crate::data::{Kind, Stream, Value};
use crate::keyspace::notify;

/// Makes an empty stream at `key`, where nothing is. Whoever does logs that, and calls `log_stream` then.
pub fn stream<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8]) -> &'k mut Stream {
    let stream = with_policy(keys, key);
    insert(keys, key, stream)
}

/// The same for an entry of `bytes`, `scheduled` or not. Where the stream would not take it, there is none.
pub fn stream_for<'k>(
    keys: &'k mut Keys<'_, '_>,
    key: &[u8],
    bytes: usize,
    scheduled: bool,
) -> Result<&'k mut Stream, Error> {
    let mut stream = with_policy(keys, key);
    retention::admit(&mut stream, bytes, scheduled)?;
    Ok(insert(keys, key, stream))
}

fn with_policy(keys: &Keys<'_, '_>, key: &[u8]) -> Stream {
    let policy = match keys.replaying {
        true => StreamPolicy::default(),
        false => keys.keyspace().rules().stream_policy(key),
    };
    Stream {
        policy,
        ..Stream::new()
    }
}

fn insert<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8], stream: Stream) -> &'k mut Stream {
    let entry = keys.insert_new(key, Value::from(stream));
    Stream::of_mut(&mut entry.value).expect("just made as a stream")
}

/// Logs the policy that the stream at `key` was made with, if any.
pub fn log_stream(keys: &mut Keys<'_, '_>, key: &[u8]) {
    let policy = keys.peek_as::<Stream>(key).map(|stream| &stream.policy);
    if let Some(policy) = policy.filter(|policy| !policy.is_off()) {
        let settings = policy.settings();
        log(keys, &[key], &settings);
    }
}

/// Where a group begins.
#[derive(Clone, Copy)]
pub struct Beginning {
    /// It has read up to here.
    pub last_id: Id,
    /// How many entries those were, if that is said.
    pub entries_read: Option<u64>,
}

/// Makes a group that is not there, and the stream if need be. `request` is how that is logged: all words of an XGROUP CREATE.
pub fn group<'r>(
    keys: &mut Keys<'_, '_>,
    (key, name): (&[u8], &[u8]),
    beginning: Beginning,
    request: impl ExactSizeIterator<Item = &'r [u8]>,
) {
    let policy = match keys.replaying {
        true => GroupPolicy::default(),
        false => keys.keyspace().rules().group_policy(key, name),
    };
    let makes_stream = !keys.contains(key);
    if makes_stream {
        entries_changed(keys, key, 1);
        keys.changes.dirty -= 1;
        stream(keys, key);
    }
    let settings = (!policy.is_off()).then(|| policy.settings());
    let entry = keys.find(key).expect("it is there or was just made");
    let Stream {
        log: entries,
        groups,
        ..
    } = Stream::of_mut(&mut entry.value).expect("whoever makes a group has looked");
    let mut group = Group::new(beginning.last_id, beginning.entries_read);
    group.set_policy(policy, entries);
    groups.insert(name.into(), group);
    if let Some(effect) = keys.logs(request.len()) {
        effect.args(request).end();
    }
    if makes_stream {
        log_stream(keys, key);
    }
    if let Some(settings) = settings {
        log(keys, &[key, b"GROUP", name], &settings);
    }
    group_changed(keys, 1);
    keys.notify(notify::STREAM, "xgroup-create", key);
}
