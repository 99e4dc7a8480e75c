//! XAUTOCLAIM.

use super::claim::{parse_min_idle_ms, write_claimed};
use super::logged::{Actor, Delivered, released};
use super::{consumer_created, consumer_of, group_changed, group_of, ids, settle_time};
use crate::base::num;
use crate::command::error::{self, Error, SYNTAX};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::{ConsumerSlot, Delivery, Group, Id, Log};

/// Pending entries looked at for each one that may be claimed.
const SCANNED_PER_COUNT: usize = 10;
/// The greatest COUNT.
const MAX_COUNT: i64 = i64::MAX / 16;
/// Ids for which no machine has memory: Redis sets memory for all of COUNT aside, and refuses what it cannot get.
const TOO_MANY_IDS: usize = 1 << 43;
/// COUNT, where it is not given.
const DEFAULT_COUNT: usize = 100;

/// `XAUTOCLAIM key group consumer min-idle-ms start [COUNT n] [JUSTID]`: hands the idle ones among the pending entries
/// from `start` on to a consumer, and says where to go on.
pub fn xautoclaim(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let scan = Scan::parse(&mut args)?;
    let now_ms = ctx.keys.steady();
    let (log, group) = group_of(ctx.keys.read_as_mut::<Stream>(key)?, key, name)?;
    if scan.count >= TOO_MANY_IDS {
        return Err(error::XAUTOCLAIM_COUNT_TOO_HIGH);
    }
    let (slot, created) = consumer_of(group, consumer, now_ms);
    let found = scan.run(log, group, slot, now_ms);
    for &id in &found.gone {
        group.ack(id);
    }
    let claimed = scan.claim(group, &found.idle, slot, now_ms);
    let lost: Vec<Delivered> = found
        .idle
        .iter()
        .flat_map(|&id| group.release_followers(id, now_ms, |other| other.consumer == Some(slot)))
        .collect();
    ctx.reply.array(3);
    ctx.reply.bulk(&found.next.unwrap_or(Id::MIN).text());
    ctx.reply.array(found.idle.len());
    for &id in &found.idle {
        write_claimed(ctx.reply, log, id, scan.just_id);
    }
    ctx.reply.array(found.gone.len());
    for id in &found.gone {
        ctx.reply.bulk(&id.text());
    }
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
    actor.settled(&mut ctx.keys, &found.gone);
    released(&mut ctx.keys, (key, name), &lost, 0);
    actor.delivered(&mut ctx.keys, &claimed, now_ms);
    let touched = found.idle.len() + found.gone.len();
    group_changed(&mut ctx.keys, touched as u64);
    settle_time(&mut ctx.keys, key, touched);
    DONE
}

struct Scan {
    min_idle_ms: u64,
    start: Id,
    count: usize,
    just_id: bool,
}

/// What a scan came upon.
struct Found {
    /// Pending entries that have been idle long enough.
    idle: Vec<Id>,
    /// Pending entries that the stream has no more.
    gone: Vec<Id>,
    /// The first one not looked at.
    next: Option<Id>,
}

impl Scan {
    fn parse(args: &mut Args<'_>) -> Result<Scan, Error> {
        let min_idle_ms = parse_min_idle_ms(args.bytes()?, error::XAUTOCLAIM_IDLE_NOT_AN_INTEGER)?;
        let start = ids::parse_start(args.bytes()?)?;
        let mut scan = Scan {
            min_idle_ms,
            start,
            count: DEFAULT_COUNT,
            just_id: false,
        };
        while !args.is_empty() {
            if args.len() > 1 && args.keyword("COUNT") {
                let count =
                    num::parse_i64(args.bytes()?).filter(|count| (1..=MAX_COUNT).contains(count));
                scan.count = count.ok_or(error::XAUTOCLAIM_COUNT_NOT_POSITIVE)? as usize;
            } else if args.keyword("JUSTID") {
                scan.just_id = true;
            } else {
                return Err(SYNTAX);
            }
        }
        Ok(scan)
    }

    fn run(&self, log: &Log, group: &Group, slot: ConsumerSlot, now_ms: u64) -> Found {
        let mut found = Found {
            idle: Vec::new(),
            gone: Vec::new(),
            next: None,
        };
        let mut pending = group.pending_from(self.start);
        let mut entries = log.finder();
        for _ in 0..self.count.saturating_mul(SCANNED_PER_COUNT) {
            if found.idle.len() + found.gone.len() == self.count {
                break;
            }
            let Some(pending) = pending.next() else { break };
            if entries.find(pending.id).is_none() {
                found.gone.push(pending.id);
            } else if pending.is_idle_for(self.min_idle_ms, now_ms) && group.may_take(pending, slot)
            {
                found.idle.push(pending.id);
            }
        }
        found.next = pending.next().map(|pending| pending.id);
        found
    }

    /// Hands the entries on; returns how often each has been delivered.
    fn claim(
        &self,
        group: &mut Group,
        ids: &[Id],
        consumer: ConsumerSlot,
        now_ms: u64,
    ) -> Vec<Delivered> {
        let mut claimed = Vec::with_capacity(ids.len());
        for &id in ids {
            let deliveries = group.pending(id).map_or(0, |pending| match self.just_id {
                true => pending.delivery_count,
                false => pending.next_count(),
            });
            claimed.push((id, deliveries));
            group.deliver(Delivery {
                id,
                time_ms: now_ms,
                count: deliveries,
                consumer,
            });
            group.consumer_mut(consumer).active_time_ms = Some(now_ms);
        }
        claimed
    }
}
