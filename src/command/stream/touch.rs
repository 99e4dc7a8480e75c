//! XTOUCH.

use super::logged::Actor;
use super::{attend, delete, group_changed, group_of};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::Delivery;

/// `XTOUCH key group consumer IDS n id...`: the leases of a consumer begin anew; says of each entry whether the consumer still holds it.
pub fn xtouch(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let now_ms = ctx.keys.steady();
    group_of(ctx.keys.read_as_mut::<Stream>(key)?, key, name)?;
    let ids = delete::parse_ids(&mut args)?;
    let (log, group) = group_of(ctx.keys.find_as::<Stream>(key)?, key, name)?;
    let slot = group.find_consumer(consumer);
    if let Some(slot) = slot {
        group.consumer_mut(slot).seen_time_ms = now_ms;
    }
    let mut touched = Vec::new();
    ctx.reply.array(ids.len());
    for id in ids {
        let held = group
            .pending(id)
            .filter(|pending| slot.is_some() && pending.consumer == slot)
            .filter(|pending| !group.has_run_out(pending, now_ms))
            // Of an entry that is gone there is nothing to hold.
            .filter(|_| log.entry(id).is_some());
        let (Some(slot), Some(count)) = (slot, held.map(|pending| pending.delivery_count)) else {
            ctx.reply.int(0);
            continue;
        };
        group.deliver(Delivery {
            id,
            time_ms: now_ms,
            count,
            consumer: slot,
        });
        touched.push((id, count));
        ctx.reply.int(1);
    }
    let actor = Actor {
        key,
        group: name,
        consumer,
        now_ms,
        again: true,
    };
    actor.delivered(&mut ctx.keys, &touched, now_ms);
    group_changed(&mut ctx.keys, touched.len() as u64);
    if !touched.is_empty() {
        attend::rearm(&mut ctx.keys, key);
    }
    DONE
}
