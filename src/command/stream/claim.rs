//! XCLAIM.

use super::entries::write_entry;
use super::{consumer_created, consumer_of, group_changed, group_of, ids};
use crate::base::num;
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::{ConsumerSlot, Group, Id, Log, Pending};
use crate::resp::Reply;
use crate::resp::reply::Aggregate;

/// `XCLAIM key group consumer min-idle-ms id... [options]`: hands pending entries to another consumer.
pub fn xclaim(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let now_ms = super::now_ms(ctx);
    let (log, group) = group_of(ctx.keys.read_as::<Stream>(key)?, key, name)?;
    let claim = Claim::parse(&mut args, now_ms)?;
    group.last_id = group.last_id.max(claim.last_id);
    let (consumer, created) = consumer_of(group, consumer, now_ms);
    let opening = ctx.reply.open(Aggregate::Array);
    let (mut claimed, mut dropped) = (0, 0);
    for &id in &claim.ids {
        if log.entry(id).is_none() {
            dropped += u64::from(group.ack(id));
        } else if claim.take(group, id, consumer) {
            write_claimed(ctx.reply, log, id, claim.just_id);
            claimed += 1;
        }
    }
    ctx.reply.close(opening, claimed);
    if created {
        consumer_created(&mut ctx.keys, key);
    }
    group_changed(&mut ctx.keys, claimed as u64 + dropped);
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

    /// Makes an entry that exists pending for `consumer`, if it may be.
    fn take(&self, group: &mut Group, id: Id, consumer: ConsumerSlot) -> bool {
        let deliveries = match group.pending(id) {
            Some(pending)
                if self.now_ms.saturating_sub(pending.delivery_time_ms) < self.min_idle_ms =>
            {
                return false;
            }
            Some(pending) => pending.delivery_count,
            // It counts as delivered once before.
            None if self.force => 1,
            None => return false,
        };
        let counted = deliveries + u64::from(!self.just_id);
        group.deliver(Pending {
            id,
            delivery_time_ms: self.delivery_time_ms,
            delivery_count: self.retry_count.unwrap_or(counted),
            consumer,
        });
        group.consumer_mut(consumer).active_time_ms = Some(self.now_ms);
        true
    }
}
