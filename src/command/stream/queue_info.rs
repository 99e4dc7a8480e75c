//! XINFO QUEUE: streams and groups as queues.
//!
//! Of each the policy in force comes first, every option under its XCFGSET name in lower case, then what there is and what happened. An entry
//! counts for a group as exactly one of: ready, leased, delayed, parked, blocked; scheduled ones are yet to be the stream's.

use crate::command::error;
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::{Group, Id, Log, Setting, Shown};
use crate::resp::Reply;

/// The moment of a look.
#[derive(Clone, Copy)]
struct Moment {
    /// As groups count time, milliseconds.
    steady_ms: u64,
    /// As ids do, Unix milliseconds.
    wall_ms: u64,
}

/// `XINFO QUEUE key [group]`: what waits in a stream and its groups, or in one group.
pub fn queue(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name) = (args.bytes()?, args.peek());
    if args.len() > 1 {
        return Err(error::bad_subcommand(ctx.command, args.request().arg(1)));
    }
    let moment = Moment {
        steady_ms: ctx.keys.steady(),
        wall_ms: ctx.keys.wall(),
    };
    let stream = ctx.keys.read_as::<Stream>(key)?.ok_or(error::NO_SUCH_KEY)?;
    match name {
        None => write_stream(ctx.reply, stream, moment),
        Some(name) => {
            let group = stream
                .groups
                .get(name)
                .ok_or_else(|| error::no_group_for_key(key, name))?;
            write_group(ctx.reply, stream, (name, group), moment);
        }
    }
    DONE
}

fn write_stream(reply: &mut Reply, stream: &Stream, moment: Moment) {
    const COUNTS: usize = 4;
    let settings = stream.policy.settings();
    reply.map(settings.len() + COUNTS + 1);
    write_policy(reply, &settings);
    write_counts(
        reply,
        [
            ("length", stream.log.len()),
            ("bytes", stream.log.bytes()),
            ("scheduled", stream.schedule.len() as u64),
            ("rejected", stream.rejected),
        ],
    );
    reply.bulk(b"groups");
    reply.array(stream.groups.len());
    for (name, group) in &stream.groups {
        write_group(reply, stream, (name, group), moment);
    }
}

fn write_group(reply: &mut Reply, stream: &Stream, (name, group): (&[u8], &Group), moment: Moment) {
    const NAME_AND_AGE: usize = 2;
    const COUNTS: usize = 14;
    let settings = group.policy().settings();
    reply.map(settings.len() + NAME_AND_AGE + COUNTS);
    reply.bulk(b"name");
    reply.bulk(name);
    write_policy(reply, &settings);
    let sorts = group.sorts(moment.steady_ms);
    let lag = unread(&stream.log, group);
    write_counts(
        reply,
        [
            ("ready", sorts.ready as u64 + lag),
            ("leased", sorts.leased as u64),
            ("delayed", sorts.delayed as u64),
            ("parked", sorts.parked as u64),
            ("blocked", sorts.blocked as u64),
            ("scheduled", stream.schedule.len() as u64),
        ],
    );
    reply.bulk(b"oldest-ready-age");
    match oldest_ready(&stream.log, group, moment.steady_ms) {
        Some(id) => reply.uint(moment.wall_ms.saturating_sub(id.ms)),
        None => reply.null(),
    }
    let totals = group.totals;
    write_counts(
        reply,
        [
            ("lag", lag),
            ("delivered", totals.delivered),
            ("acked", totals.acked),
            ("redelivered", totals.redelivered),
            ("nacked", totals.nacked),
            ("dead-lettered", totals.dead_lettered),
            ("dead-letter-failures", totals.dead_letter_failures),
            ("rejected", stream.rejected),
        ],
    );
}

/// How many entries the group has yet to read. A step for each block behind what it has read.
fn unread(log: &Log, group: &Group) -> u64 {
    let next = group.last_id.next();
    next.map_or(0, |next| log.count_from(next, u64::MAX))
}

/// The oldest entry that is to be served now. What is pending is older than what is yet to be read.
fn oldest_ready(log: &Log, group: &Group, now_ms: u64) -> Option<Id> {
    let pending = group.ready(now_ms).map(|pending| pending.id).min();
    let unread = || log.range(group.last_id.next()?, Id::MAX).next();
    pending.or_else(|| unread().map(|entry| entry.id))
}

fn write_counts<const N: usize>(reply: &mut Reply, counts: [(&str, u64); N]) {
    for (name, count) in counts {
        reply.bulk(name.as_bytes());
        reply.uint(count);
    }
}

fn write_policy<S: Setting>(reply: &mut Reply, settings: &[S]) {
    for setting in settings {
        reply.bulk(setting.name().to_ascii_lowercase().as_bytes());
        match setting.shown() {
            Shown::Number(number) => reply.uint(number),
            Shown::Pair(one, other) => {
                reply.array(2);
                reply.uint(one);
                reply.uint(other);
            }
            Shown::Text(text) => reply.bulk(text),
            Shown::Word(word) | Shown::WordAlone(word) => reply.bulk(word.as_bytes()),
        }
    }
}
