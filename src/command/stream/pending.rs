//! XPENDING.

use super::ids;
use crate::command::error::{self, Error, SYNTAX};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::{Group, Id, Pending};
use crate::resp::Reply;

/// `XPENDING key group [[IDLE min-idle-ms] start end count [consumer]]`: what is delivered and not acknowledged.
pub fn xpending(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let filter = if args.is_empty() {
        None
    } else {
        Some(Filter::parse(&mut args)?)
    };
    let now_ms = ctx.keys.steady();
    let stream = ctx.keys.read_as::<Stream>(key)?;
    let group = stream
        .and_then(|stream| stream.groups.get(name))
        .ok_or_else(|| error::no_group_or_key(key, name))?;
    match filter {
        None => write_summary(ctx.reply, group),
        Some(filter) => filter.write(ctx.reply, group, now_ms),
    }
    DONE
}

fn write_summary(reply: &mut Reply, group: &Group) {
    reply.array(4);
    reply.int(group.pending_len() as i64);
    let Some((first, last)) = group.pending_bounds() else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    reply.bulk(&first.text());
    reply.bulk(&last.text());
    let holders = || {
        group
            .consumers()
            .filter(|(_, consumer)| consumer.pending_len() > 0)
    };
    reply.array(holders().count());
    for (_, consumer) in holders() {
        reply.array(2);
        reply.bulk(&consumer.name);
        reply.bulk_int(consumer.pending_len() as i64);
    }
}

/// Which pending entries are asked for.
struct Filter<'a> {
    min_idle_ms: u64,
    start: Id,
    end: Id,
    count: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// Arguments behind the consumer, of which there may be few, mean nothing.
    fn parse(args: &mut Args<'a>) -> Result<Filter<'a>, Error> {
        if !(3..=6).contains(&args.len()) {
            return Err(SYNTAX);
        }
        let mut min_idle_ms = 0;
        if args.keyword("IDLE") {
            min_idle_ms = u64::try_from(args.int()?).unwrap_or(0);
            if args.len() < 3 {
                return Err(SYNTAX);
            }
        }
        let (start, end) = (args.bytes()?, args.bytes()?);
        let count = usize::try_from(args.int()?).unwrap_or(0);
        let (start, end) = (ids::parse_start(start)?, ids::parse_end(end)?);
        Ok(Filter {
            min_idle_ms,
            start,
            end,
            count,
            consumer: args.peek(),
        })
    }

    fn write(&self, reply: &mut Reply, group: &Group, now_ms: u64) {
        let Some(name) = self.consumer else {
            return self.write_those_of(reply, group, now_ms, group.pending_from(self.start));
        };
        match group.find_consumer(name) {
            Some(slot) => {
                let pending = group.consumer_pending_from(slot, self.start);
                self.write_those_of(reply, group, now_ms, pending);
            }
            None => reply.array(0),
        }
    }

    fn write_those_of<'g>(
        &self,
        reply: &mut Reply,
        group: &Group,
        now_ms: u64,
        pending: impl Iterator<Item = &'g Pending>,
    ) {
        let wanted: Vec<&Pending> = pending
            .take_while(|pending| pending.id <= self.end)
            .filter(|pending| {
                self.min_idle_ms == 0 || pending.is_idle_for(self.min_idle_ms, now_ms)
            })
            .take(self.count)
            .collect();
        reply.array(wanted.len());
        for pending in wanted {
            reply.array(4);
            reply.bulk(&pending.id.text());
            reply.bulk(group.owner_name(pending));
            reply.int(pending.idle_ms(now_ms));
            reply.uint(pending.delivery_count);
        }
    }
}
