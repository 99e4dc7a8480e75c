//! XREADGROUP.

use super::entries::{self, write_entry};
use super::streams::Streams;
use super::{consumer_created, consumer_of, group_changed, ids};
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::{ConsumerSlot, Group, Id, Log, Reading};
use crate::keyspace::waiters::Awaits;
use crate::resp::Reply;
use crate::resp::reply::Aggregate;

/// What a consumer asks a stream for.
#[derive(Clone, Copy)]
enum From {
    /// `>`: what no consumer of the group has been given.
    New,
    /// Its own pending entries after this id.
    Own(Id),
}

/// `XREADGROUP GROUP group consumer [COUNT n] [BLOCK ms] [NOACK] STREAMS key... id...`: delivers entries to a consumer.
pub fn xreadgroup(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let streams = Streams::parse(args, true, ctx.now.unix_ms)?;
    let mut from = smallvec::SmallVec::<[From; 4]>::new();
    for at in 0..streams.count {
        from.push(resolve(ctx, &streams, at)?);
    }
    // One stream's reply needs no count of those that answered.
    let opening = (streams.count > 1).then(|| ctx.reply.open(keys_aggregate(ctx.reply)));
    let mut answered = 0;
    for (at, from) in from.into_iter().enumerate() {
        answered += usize::from(serve(ctx, &streams, at, from)?);
    }
    match opening {
        _ if answered == 0 => return streams.wait(ctx, Awaits::StreamOrLoss, |_| None),
        Some(opening) => ctx.reply.close(opening, answered),
        None => {}
    }
    DONE
}

fn keys_aggregate(reply: &Reply) -> Aggregate {
    if reply.is_resp3() {
        Aggregate::Map
    } else {
        Aggregate::Array
    }
}

/// What is asked of key number `at`, whose group exists.
fn resolve(ctx: &mut Ctx<'_, '_>, streams: &Streams<'_>, at: usize) -> Result<From, Error> {
    let (key, (group, _)) = (streams.key(at), group_and_consumer(streams));
    let stream = ctx.keys.read_as::<Stream>(key)?;
    if !stream.is_some_and(|stream| stream.groups.contains_key(group)) {
        return Err(error::no_group_to_read(key, group));
    }
    match streams.id(at) {
        b"$" => Err(error::LAST_ID_IN_GROUP_READ),
        b"+" => Err(error::NEWEST_IN_GROUP_READ),
        b">" => Ok(From::New),
        id => match ids::parse(id, 0)? {
            Id::MAX => Ok(From::New),
            id => Ok(From::Own(id)),
        },
    }
}

fn group_and_consumer<'a>(streams: &Streams<'a>) -> (&'a [u8], &'a [u8]) {
    streams.group.expect("parsed with GROUP")
}

/// Writes what key number `at` has for the consumer. False, with nothing written, if there is nothing.
fn serve(
    ctx: &mut Ctx<'_, '_>,
    streams: &Streams<'_>,
    at: usize,
    from: From,
) -> Result<bool, Error> {
    let (key, (name, consumer)) = (streams.key(at), group_and_consumer(streams));
    let now_ms = super::now_ms(ctx);
    let Some(stream) = ctx.keys.read_as::<Stream>(key)? else {
        return Ok(false);
    };
    let (log, group) = super::group_of(Some(stream), key, name)?;
    let (consumer, created) = consumer_of(group, consumer, now_ms);
    let has_new = log.newest_id() > group.last_id;
    let answers = matches!(from, From::Own(_)) || has_new;
    if answers {
        if streams.count == 1 {
            entries::write_key_count(ctx.reply, 1);
        }
        entries::write_key(ctx.reply, key);
        match from {
            From::Own(after) => write_own(
                ctx.reply,
                (log, group),
                consumer,
                after,
                streams.limit,
                now_ms,
            ),
            From::New => {
                let pending = !streams.no_ack;
                write_new(
                    ctx.reply,
                    (log, group),
                    Reading {
                        consumer,
                        now_ms,
                        limit: streams.limit,
                        pending,
                    },
                );
            }
        }
    }
    if created {
        consumer_created(&mut ctx.keys, key);
    }
    if answers && matches!(from, From::New) {
        group_changed(&mut ctx.keys, 1);
    }
    Ok(answers)
}

/// Delivers what is new to the group.
fn write_new(reply: &mut Reply, (log, group): (&Log, &mut Group), reading: Reading) {
    let start = group.last_id.next().expect("less than the newest id");
    reply.array(log.count_from(start, reading.limit) as usize);
    if reading.pending {
        group.consumer_mut(reading.consumer).active_time_ms = Some(reading.now_ms);
    }
    group.read(log, reading, |entry| write_entry(reply, entry));
}

/// Delivers a consumer's own pending entries again. One whose entry is gone is told by its id and nothing else.
fn write_own(
    reply: &mut Reply,
    (log, group): (&Log, &mut Group),
    consumer: ConsumerSlot,
    after: Id,
    limit: u64,
    now_ms: u64,
) {
    let start = after.next().expect("less than the greatest id");
    let pending = group.consumer_pending_from(consumer, start);
    let ids: Vec<Id> = pending
        .take(limit as usize)
        .map(|pending| pending.id)
        .collect();
    reply.array(ids.len());
    for id in ids {
        match (log.entry(id), group.pending_mut(id)) {
            (Some(entry), Some(pending)) => {
                pending.delivery_time_ms = now_ms;
                pending.delivery_count += 1;
                write_entry(reply, entry);
            }
            _ => {
                reply.array(2);
                reply.bulk(&id.text());
                reply.null_array();
            }
        }
    }
}
