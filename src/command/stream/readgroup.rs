//! XREADGROUP.
//!
//! A plain group gives what is new to it. One with a policy, or a call with CLAIM, takes what is due first: that way is in `turn.rs`.

mod turn;

use super::budget::Budget;
use super::entries::{self, write_entry};
use super::logged::{Actor, Delivered, progress};
use super::make::{self, Beginning};
use super::streams::Streams;
use super::{attend, consumer_created, consumer_of, group_changed, ids};
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::config::Autogroup;
use crate::data::Stream;
use crate::data::stream::{Delivery, Group, Id, Log, Reading};
use crate::keyspace::waiters::Awaits;
use crate::resp::Reply;
use crate::resp::reply::Aggregate;

use turn::Served;

/// What a consumer asks a stream for.
#[derive(Clone, Copy)]
enum From {
    /// `>`: what no consumer of the group has been given.
    New,
    /// Its own pending entries after this id.
    Own(Id),
}

/// `XREADGROUP GROUP group consumer [COUNT n] [MAXCOUNT n] [MAXSIZE bytes] [BLOCK ms] [CLAIM ms] [NOACK] STREAMS key... id...`: delivers entries to a consumer.
pub fn xreadgroup(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let streams = Streams::parse(args, true, ctx.began())?;
    let mut from = smallvec::SmallVec::<[From; 4]>::new();
    let mut misses_group = false;
    for at in 0..streams.count {
        from.push(resolve(ctx, &streams, at, &mut misses_group)?);
    }
    if misses_group {
        make_groups(ctx, &streams);
    }
    // One stream's reply needs no count of those that answered.
    let opening = (streams.count > 1).then(|| ctx.reply.open(keys_aggregate(ctx.reply)));
    let mut budget = streams.budget(ctx.reply);
    let mut answered = 0;
    for (at, from) in from.into_iter().enumerate() {
        if answered > 0 && !budget.has_room(ctx.reply) {
            break;
        }
        answered += usize::from(serve(ctx, &streams, (at, from), &mut budget)?);
    }
    match opening {
        _ if answered == 0 => {
            let awaits = match streams.claim_ms {
                Some(_) => Awaits::StreamOrLease,
                None => Awaits::StreamOrLoss,
            };
            return streams.wait(ctx, awaits, |_| None);
        }
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

/// What is asked of key number `at`, whose group exists, or is to be made.
fn resolve(
    ctx: &mut Ctx<'_, '_>,
    streams: &Streams<'_>,
    at: usize,
    misses_group: &mut bool,
) -> Result<From, Error> {
    let (key, (group, _)) = (streams.key(at), group_and_consumer(streams));
    let stream = ctx.keys.read_as::<Stream>(key)?;
    if !stream.is_some_and(|stream| stream.groups.contains_key(group)) {
        if ctx.local.config.stream_autogroup == Autogroup::No {
            return Err(error::no_group_to_read(key, group));
        }
        *misses_group = true;
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

/// Makes the groups that are missing, once nothing else is wrong with what is asked.
#[cold]
fn make_groups(ctx: &mut Ctx<'_, '_>, streams: &Streams<'_>) {
    let (name, _) = group_and_consumer(streams);
    for key in (0..streams.count).map(|at| streams.key(at)) {
        let stream = ctx.keys.find_as::<Stream>(key).ok().flatten();
        if (stream.as_ref()).is_some_and(|stream| stream.groups.contains_key(name)) {
            continue;
        }
        let end = stream.map_or(Id::MIN, |stream| stream.log.last_id());
        let last_id = match ctx.local.config.stream_autogroup {
            Autogroup::End => end,
            Autogroup::No | Autogroup::Start => Id::MIN,
        };
        let id = last_id.text();
        let words = [b"XGROUP", &b"CREATE"[..], key, name, &id, b"MKSTREAM"];
        let beginning = Beginning {
            last_id,
            entries_read: None,
        };
        make::group(&mut ctx.keys, (key, name), beginning, words.into_iter());
    }
}

fn group_and_consumer<'a>(streams: &Streams<'a>) -> (&'a [u8], &'a [u8]) {
    streams.group.expect("parsed with GROUP")
}

/// Writes what key number `at` has for the consumer. False, with nothing written, if there is nothing.
fn serve(
    ctx: &mut Ctx<'_, '_>,
    streams: &Streams<'_>,
    (at, from): (usize, From),
    budget: &mut Budget,
) -> Result<bool, Error> {
    let (key, (name, consumer)) = (streams.key(at), group_and_consumer(streams));
    let now_ms = ctx.keys.steady();
    let logged = ctx.keys.is_logged();
    let Some(stream) = ctx.keys.read_as_mut::<Stream>(key)? else {
        return Ok(false);
    };
    let (log, group) = super::group_of(Some(stream), key, name)?;
    let actor = Actor {
        key,
        group: name,
        consumer,
        now_ms,
        again: matches!(from, From::Own(_)),
    };
    let (consumer, created) = consumer_of(group, consumer, now_ms);
    let reading = Reading {
        consumer,
        now_ms,
        limit: streams.limit.min(budget.entries()),
        pending: !streams.no_ack,
    };
    let mark = ctx.reply.mark();
    let served = match from {
        From::Own(after) => {
            open_stream(ctx.reply, streams, key);
            let delivered = write_own(ctx.reply, (log, group), (reading, after), budget);
            Served::own(delivered)
        }
        From::New
            if streams.claim_ms.is_none()
                && !budget.is_bounded()
                && turn::is_plain(group, now_ms) =>
        {
            match log.newest_id() > group.last_id {
                true => {
                    open_stream(ctx.reply, streams, key);
                    write_new(ctx.reply, (log, group), reading, logged)
                }
                false => Served::default(),
            }
        }
        From::New => {
            open_stream(ctx.reply, streams, key);
            turn::serve(ctx.reply, (log, group), (reading, streams.claim_ms), budget)
        }
    };
    let answers = served.entries > 0 || served.is_cut || matches!(from, From::Own(_));
    if !answers {
        ctx.reply.rollback(mark);
    }
    let progress = progress(log, group);
    let waits = group.next_due_ms().is_some() || streams.claim_ms.is_some();
    let claimable_ms = streams
        .claim_ms
        .and_then(|ms| group.next_idle_for(ms, now_ms));
    if created {
        consumer_created(&mut ctx.keys, key);
        if served.delivers_nothing() {
            actor.created(&mut ctx.keys);
        }
    }
    served.log(&mut ctx.keys, &actor);
    if served.read_new {
        actor.progressed(&mut ctx.keys, progress);
        group_changed(&mut ctx.keys, 1);
    }
    if served.entries > 0 {
        ctx.keys.leased(key);
    }
    if waits {
        attend::rearm(&mut ctx.keys, key);
        if let Some(at_ms) = claimable_ms.filter(|_| !answers) {
            ctx.keys.arm(key, at_ms);
        }
    }
    Ok(answers)
}

/// Writes what stands before a stream's entries.
fn open_stream(reply: &mut Reply, streams: &Streams<'_>, key: &[u8]) {
    // One stream's reply needs no count of those that answered.
    if streams.count == 1 {
        entries::write_key_count(reply, 1);
    }
    entries::write_key(reply, key);
}

/// Delivers what is new to the group, which is something.
fn write_new(
    reply: &mut Reply,
    (log, group): (&Log, &mut Group),
    reading: Reading,
    logged: bool,
) -> Served {
    let start = group.last_id.next().expect("less than the newest id");
    let mut served = Served {
        entries: log.count_from(start, reading.limit),
        read_new: true,
        ..Served::default()
    };
    reply.array(served.entries as usize);
    if reading.pending {
        group.consumer_mut(reading.consumer).active_time_ms = Some(reading.now_ms);
    }
    group.read(log, reading, |entry| {
        if reading.pending && logged {
            served.delivered.push((entry.id, 1));
        }
        write_entry(reply, entry);
    });
    served
}

/// Delivers a consumer's own pending entries again, `limit` of those after an id. One whose entry is gone is told by its id and nothing
/// else. Returns the others.
fn write_own(
    reply: &mut Reply,
    (log, group): (&Log, &mut Group),
    (reading, after): (Reading, Id),
    budget: &mut Budget,
) -> Vec<Delivered> {
    let Reading {
        consumer,
        now_ms,
        limit,
        ..
    } = reading;
    let start = after.next().expect("less than the greatest id");
    let pending = group.consumer_pending_from(consumer, start);
    let ids: Vec<Id> = pending
        .take(limit as usize)
        .map(|pending| pending.id)
        .collect();
    let opening = reply.open(Aggregate::Array);
    let mut told = 0;
    let mut delivered = Vec::with_capacity(ids.len());
    for id in ids {
        if !budget.has_room(reply) {
            break;
        }
        budget.told(1);
        told += 1;
        match (log.entry(id), group.pending(id)) {
            (Some(entry), Some(pending)) => {
                let count = pending.next_count();
                group.deliver(Delivery {
                    id,
                    time_ms: now_ms,
                    count,
                    consumer,
                });
                delivered.push((id, count));
                write_entry(reply, entry);
            }
            _ => {
                reply.array(2);
                reply.bulk(&id.text());
                reply.null_array();
            }
        }
    }
    reply.close(opening, told);
    delivered
}
