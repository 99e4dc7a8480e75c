//! XINFO.

use super::entries::write_entry;
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::{
    Consumer, ConsumerSlot, EntryRef, Group, Id, IdmpCounts, IdmpLimits, Log,
};
use crate::resp::Reply;

/// Entries and pending entries that FULL shows of each kind, where COUNT does not say otherwise.
const FULL_COUNT: usize = 10;

/// `XINFO STREAM key [FULL [COUNT n]]`: what a stream knows.
pub fn stream(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let now_ms = ctx.keys.wall();
    let stream = ctx.keys.read_as::<Stream>(key)?.ok_or(error::NO_SUCH_KEY)?;
    match full_count(&mut args)
        .ok_or_else(|| error::bad_subcommand(ctx.command, args.request().arg(1)))??
    {
        None => write_stream(ctx.reply, stream, now_ms),
        Some(count) => write_full(ctx.reply, stream, count, now_ms),
    }
    DONE
}

/// The COUNT of FULL if it is given. `None` if the arguments are something else.
fn full_count(args: &mut Args<'_>) -> Option<Result<Option<usize>, Error>> {
    if args.is_empty() {
        return Some(Ok(None));
    }
    let well_formed = matches!(args.len(), 1 | 3) && args.keyword("FULL");
    if !well_formed || (!args.is_empty() && !args.keyword("COUNT")) {
        return None;
    }
    if args.is_empty() {
        return Some(Ok(Some(FULL_COUNT)));
    }
    Some(args.int().map(|count| match usize::try_from(count) {
        Ok(0) => Some(usize::MAX),
        Ok(count) => Some(count),
        Err(_) => Some(FULL_COUNT),
    }))
}

fn write_stream(reply: &mut Reply, stream: &Stream, now_ms: u64) {
    let producers = idmp_pairs(stream, now_ms);
    reply.map(10 + producers.len());
    write_log(reply, &stream.log);
    write_counts(reply, &producers);
    reply.bulk(b"groups");
    reply.int(stream.groups.len() as i64);
    reply.bulk(b"first-entry");
    write_entry_or_null(reply, stream.log.entry(stream.log.first_id()));
    reply.bulk(b"last-entry");
    write_entry_or_null(reply, stream.log.entry(stream.log.newest_id()));
}

fn write_entry_or_null(reply: &mut Reply, entry: Option<EntryRef<'_>>) {
    match entry {
        Some(entry) => write_entry(reply, entry),
        None => reply.null(),
    }
}

/// The seven pairs that both forms begin with.
fn write_log(reply: &mut Reply, log: &Log) {
    let counts = [
        ("length", log.len()),
        ("radix-tree-keys", log.node_count() as u64),
        ("radix-tree-nodes", log.radix_tree_nodes() as u64),
    ];
    write_counts(reply, &counts);
    write_id(reply, "last-generated-id", log.last_id());
    write_id(reply, "max-deleted-entry-id", log.max_deleted_id());
    reply.bulk(b"entries-added");
    reply.uint(log.entries_added());
    write_id(reply, "recorded-first-entry-id", log.first_id());
}

/// The six pairs that follow in both forms, where the stream has had messages of producers or limits of its own for them. They came with Redis
/// 8.6, and clients made for an earlier one may take no fields but those they know.
fn idmp_pairs(stream: &Stream, now_ms: u64) -> Vec<(&'static str, u64)> {
    let limits = stream.policy.idmp;
    let counts = stream.idmp.counts(limits.horizon_ms(now_ms));
    if counts == IdmpCounts::default() && limits == IdmpLimits::default() {
        return Vec::new();
    }
    vec![
        ("idmp-duration", limits.duration_s),
        ("idmp-maxsize", limits.max_size),
        ("pids-tracked", counts.producers),
        ("iids-tracked", counts.messages),
        ("iids-added", counts.added),
        ("iids-duplicates", counts.duplicates),
    ]
}

fn write_counts(reply: &mut Reply, pairs: &[(&str, u64)]) {
    for (name, count) in pairs {
        reply.bulk(name.as_bytes());
        reply.uint(*count);
    }
}

fn write_id(reply: &mut Reply, name: &str, id: Id) {
    reply.bulk(name.as_bytes());
    reply.bulk(&id.text());
}

fn write_full(reply: &mut Reply, stream: &Stream, count: usize, now_ms: u64) {
    let producers = idmp_pairs(stream, now_ms);
    reply.map(9 + producers.len());
    write_log(reply, &stream.log);
    write_counts(reply, &producers);
    reply.bulk(b"entries");
    let entries = || stream.log.range(Id::MIN, Id::MAX).take(count);
    reply.array(count.min(stream.log.len() as usize));
    entries().for_each(|entry| write_entry(reply, entry));
    reply.bulk(b"groups");
    reply.array(stream.groups.len());
    for (name, group) in &stream.groups {
        write_full_group(reply, &stream.log, (name, group), count);
    }
}

fn write_full_group(reply: &mut Reply, log: &Log, (name, group): (&[u8], &Group), count: usize) {
    // Redis 8.8 brought it; as with messages of producers.
    let unowned = group.unowned_len();
    let nacked = (unowned > 0).then_some(("nacked-count", unowned as u64));
    reply.map(7 + usize::from(nacked.is_some()));
    reply.bulk(b"name");
    reply.bulk(name);
    write_progress(reply, log, group);
    write_counts(reply, &[("pel-count", group.pending_len() as u64)]);
    write_counts(reply, nacked.as_slice());
    reply.bulk(b"pending");
    reply.array(count.min(group.pending_len()));
    for pending in group.pending_from(Id::MIN).take(count) {
        reply.array(4);
        reply.bulk(&pending.id.text());
        reply.bulk(group.owner_name(pending));
        reply.uint(pending.time_ms);
        reply.uint(pending.delivery_count);
    }
    reply.bulk(b"consumers");
    reply.array(group.consumers().len());
    for consumer in group.consumers() {
        write_full_consumer(reply, group, consumer, count);
    }
}

fn write_full_consumer(
    reply: &mut Reply,
    group: &Group,
    (slot, consumer): (ConsumerSlot, &Consumer),
    count: usize,
) {
    reply.map(5);
    reply.bulk(b"name");
    reply.bulk(&consumer.name);
    reply.bulk(b"seen-time");
    reply.uint(consumer.seen_time_ms);
    reply.bulk(b"active-time");
    reply.int(consumer.active_time_ms.map_or(-1, |time_ms| time_ms as i64));
    reply.bulk(b"pel-count");
    reply.int(consumer.pending_len() as i64);
    reply.bulk(b"pending");
    reply.array(count.min(consumer.pending_len()));
    for pending in group.consumer_pending_from(slot, Id::MIN).take(count) {
        reply.array(3);
        reply.bulk(&pending.id.text());
        reply.uint(pending.time_ms);
        reply.uint(pending.delivery_count);
    }
}

/// How far a group has come.
fn write_progress(reply: &mut Reply, log: &Log, group: &Group) {
    write_id(reply, "last-delivered-id", group.last_id);
    for (name, count) in [
        ("entries-read", group.entries_read),
        ("lag", log.lag(group)),
    ] {
        reply.bulk(name.as_bytes());
        match count {
            Some(count) => reply.int(count as i64),
            None => reply.null(),
        }
    }
}

/// `XINFO GROUPS key`: the groups of a stream.
pub fn groups(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let stream = ctx.keys.read_as::<Stream>(key)?.ok_or(error::NO_SUCH_KEY)?;
    ctx.reply.array(stream.groups.len());
    for (name, group) in &stream.groups {
        ctx.reply.map(6);
        ctx.reply.bulk(b"name");
        ctx.reply.bulk(name);
        ctx.reply.bulk(b"consumers");
        ctx.reply.int(group.consumers().len() as i64);
        ctx.reply.bulk(b"pending");
        ctx.reply.int(group.pending_len() as i64);
        write_progress(ctx.reply, &stream.log, group);
    }
    DONE
}

/// `XINFO CONSUMERS key group`: the consumers of a group.
pub fn consumers(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let now_ms = ctx.keys.steady();
    let stream = ctx.keys.read_as::<Stream>(key)?.ok_or(error::NO_SUCH_KEY)?;
    let group = stream
        .groups
        .get(name)
        .ok_or_else(|| error::no_group_for_key(key, name))?;
    ctx.reply.array(group.consumers().len());
    for (_, consumer) in group.consumers() {
        ctx.reply.map(4);
        ctx.reply.bulk(b"name");
        ctx.reply.bulk(&consumer.name);
        ctx.reply.bulk(b"pending");
        ctx.reply.int(consumer.pending_len() as i64);
        ctx.reply.bulk(b"idle");
        ctx.reply.uint(now_ms.saturating_sub(consumer.seen_time_ms));
        ctx.reply.bulk(b"inactive");
        let inactive_ms = consumer
            .active_time_ms
            .map(|time_ms| now_ms.saturating_sub(time_ms));
        ctx.reply.int(inactive_ms.map_or(-1, |ms| ms as i64));
    }
    DONE
}
