//! XCLAIM.

use super::entries::write_entry;
use super::logged::{Actor, progress, released};
use super::{consumer_created, consumer_of, group_changed, group_of, ids, settle_time};
use crate::base::num;
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::{
    ConsumerSlot, Delivery, EntryRef, Group, Id, Log, MAX_DELIVERY_COUNT, Pending,
};
use crate::resp::Reply;
use crate::resp::reply::Aggregate;

/// `XCLAIM key group consumer min-idle-ms id... [options]`: hands pending entries to another consumer.
pub fn xclaim(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let now_ms = ctx.keys.steady();
    let (log, group) = group_of(ctx.keys.read_as_mut::<Stream>(key)?, key, name)?;
    let mut claim = Claim::parse(&mut args, now_ms)?;
    claim.is_activity = !ctx.local.redelivering;
    claim.replaying = ctx.local.replaying;
    let advances = claim.last_id > group.last_id;
    group.last_id = group.last_id.max(claim.last_id);
    let (slot, created) = consumer_of(group, consumer, now_ms);
    let opening = ctx.reply.open(Aggregate::Array);
    let (mut claimed, mut dropped, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    let mut entries = log.finder();
    for &id in &claim.ids {
        let Some(entry) = entries.find(id) else {
            dropped.extend(group.ack(id).then_some(id));
            continue;
        };
        if let Some(deliveries) = claim.take(group, entry, slot) {
            group.classify(&entry);
            if !claim.replaying {
                let others = |other: &Pending| other.consumer == Some(slot);
                lost.extend(group.release_followers(id, now_ms, others));
            }
            write_claimed(ctx.reply, log, id, claim.just_id);
            claimed.push((id, deliveries));
        }
    }
    ctx.reply.close(opening, claimed.len());
    let progress = progress(log, group);
    let actor = Actor {
        key,
        group: name,
        consumer,
        now_ms,
        again: false,
    };
    if created {
        consumer_created(&mut ctx.keys, key);
        if claimed.is_empty() {
            actor.created(&mut ctx.keys);
        }
    }
    actor.settled(&mut ctx.keys, &dropped);
    released(&mut ctx.keys, (key, name), &lost, 0);
    actor.delivered(&mut ctx.keys, &claimed, claim.delivery_time_ms);
    if advances {
        actor.progressed(&mut ctx.keys, progress);
    }
    group_changed(&mut ctx.keys, (claimed.len() + dropped.len()) as u64);
    settle_time(&mut ctx.keys, key, claimed.len() + dropped.len());
    DONE
}

/// A claimed entry, or only its id.
pub fn write_claimed(reply: &mut Reply, log: &Log, id: Id, just_id: bool) {
    match log.entry(id) {
        Some(entry) if !just_id => write_entry(reply, entry),
        _ => reply.bulk(&id.text()),
    }
}

/// A minimum idle time; below 0 is 0.
pub fn parse_min_idle_ms(text: &[u8], error: Error) -> Result<u64, Error> {
    let min_idle_ms = num::parse_i64(text).ok_or(error)?;
    Ok(u64::try_from(min_idle_ms).unwrap_or(0))
}

struct Claim {
    now_ms: u64,
    min_idle_ms: u64,
    ids: Vec<Id>,
    delivery_time_ms: u64,
    retry_count: Option<u64>,
    /// Entries that are not pending become so.
    force: bool,
    just_id: bool,
    last_id: Id,
    /// It counts as activity of the consumer.
    is_activity: bool,
    /// It was claimed before, and all that followed is told by itself.
    replaying: bool,
}

impl Claim {
    /// Ids stand first; what is no id begins the options.
    fn parse(args: &mut Args<'_>, now_ms: u64) -> Result<Claim, Error> {
        let min_idle_ms = parse_min_idle_ms(args.bytes()?, error::XCLAIM_IDLE_NOT_AN_INTEGER)?;
        let mut claim = Claim {
            now_ms,
            min_idle_ms,
            ids: Vec::with_capacity(args.len()),
            delivery_time_ms: now_ms,
            retry_count: None,
            force: false,
            just_id: false,
            last_id: Id::MIN,
            is_activity: true,
            replaying: false,
        };
        while let Some(id) = args.peek().and_then(|text| Id::parse(text, 0)) {
            claim.ids.push(id);
            args.skip(1);
        }
        while !args.is_empty() {
            claim.take_option(args)?;
        }
        Ok(claim)
    }

    fn take_option(&mut self, args: &mut Args<'_>) -> Result<(), Error> {
        let has_value = args.len() > 1;
        if args.keyword("FORCE") {
            self.force = true;
        } else if args.keyword("JUSTID") {
            self.just_id = true;
        } else if has_value && args.keyword("IDLE") {
            let idle_ms = num::parse_i64(args.bytes()?).ok_or(error::XCLAIM_BAD_IDLE)?;
            self.delivered_at(i128::from(self.now_ms) - i128::from(idle_ms));
        } else if has_value && args.keyword("TIME") {
            let time_ms = num::parse_i64(args.bytes()?).ok_or(error::XCLAIM_BAD_TIME)?;
            self.delivered_at(i128::from(time_ms));
        } else if has_value && args.keyword("RETRYCOUNT") {
            let count = num::parse_i64(args.bytes()?).ok_or(error::XCLAIM_BAD_RETRYCOUNT)?;
            self.retry_count = u64::try_from(count).ok();
        } else if has_value && args.keyword("LASTID") {
            self.last_id = ids::parse(args.bytes()?, 0)?;
        } else {
            return Err(error::unrecognized_xclaim_option(args.bytes()?));
        }
        Ok(())
    }

    /// A time before 1970 or ahead of now counts as now.
    fn delivered_at(&mut self, time_ms: i128) {
        let past = u64::try_from(time_ms)
            .ok()
            .filter(|&time_ms| time_ms <= self.now_ms);
        self.delivery_time_ms = past.unwrap_or(self.now_ms);
    }

    /// Makes an entry that exists pending for `consumer`, if it may be; returns how often it has been delivered.
    fn take(&self, group: &mut Group, entry: EntryRef<'_>, consumer: ConsumerSlot) -> Option<u64> {
        let id = entry.id;
        let deliveries = match group.pending(id) {
            // A log tells what was taken, be it idle or due or not.
            Some(pending)
                if self.replaying
                    || pending.is_idle_for(self.min_idle_ms, self.now_ms)
                        && group.may_take(pending, consumer) =>
            {
                pending.delivery_count
            }
            Some(_) => return None,
            // It counts as delivered once before.
            None if self.force && (self.replaying || group.may_take_on(&entry, consumer)) => 1,
            None => return None,
        };
        let counted = match self.just_id {
            true => deliveries,
            false => (deliveries + 1).min(MAX_DELIVERY_COUNT),
        };
        let delivery_count = self.retry_count.unwrap_or(counted);
        group.deliver(Delivery {
            id,
            time_ms: self.delivery_time_ms,
            count: delivery_count,
            consumer,
        });
        if self.is_activity {
            group.consumer_mut(consumer).active_time_ms = Some(self.now_ms);
        }
        Some(delivery_count)
    }
}
