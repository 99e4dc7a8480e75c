//! XAUTOCLAIM.

use super::claim::{parse_min_idle_ms, write_claimed};
use super::{consumer_created, consumer_of, group_changed, group_of, ids};
use crate::base::num;
use crate::command::error::{self, Error, SYNTAX};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::{ConsumerSlot, Group, Id, Log, Pending};

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
    let now_ms = super::now_ms(ctx);
    let (log, group) = group_of(ctx.keys.read_as::<Stream>(key)?, key, name)?;
    if scan.count >= TOO_MANY_IDS {
        return Err(error::XAUTOCLAIM_COUNT_TOO_HIGH);
    }
    let (consumer, created) = consumer_of(group, consumer, now_ms);
    let found = scan.run(log, group, now_ms);
    for &id in &found.gone {
        group.ack(id);
    }
    scan.claim(group, &found.idle, consumer, now_ms);
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
    if created {
        consumer_created(&mut ctx.keys, key);
    }
    group_changed(&mut ctx.keys, (found.idle.len() + found.gone.len()) as u64);
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

    fn run(&self, log: &Log, group: &Group, now_ms: u64) -> Found {
        let mut found = Found {
            idle: Vec::new(),
            gone: Vec::new(),
            next: None,
        };
        let mut pending = group.pending_from(self.start);
        for _ in 0..self.count.saturating_mul(SCANNED_PER_COUNT) {
            if found.idle.len() + found.gone.len() == self.count {
                break;
            }
            let Some(pending) = pending.next() else { break };
            if log.entry(pending.id).is_none() {
                found.gone.push(pending.id);
            } else if now_ms.saturating_sub(pending.delivery_time_ms) >= self.min_idle_ms {
                found.idle.push(pending.id);
            }
        }
        found.next = pending.next().map(|pending| pending.id);
        found
    }

    fn claim(&self, group: &mut Group, ids: &[Id], consumer: ConsumerSlot, now_ms: u64) {
        for &id in ids {
            let deliveries = group
                .pending(id)
                .map_or(0, |pending| pending.delivery_count);
            group.deliver(Pending {
                id,
                delivery_time_ms: now_ms,
                delivery_count: deliveries + u64::from(!self.just_id),
                consumer,
            });
            group.consumer_mut(consumer).active_time_ms = Some(now_ms);
        }
    }
}
