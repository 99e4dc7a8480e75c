//! What happens to streams by itself: scheduled entries take their place, old ones go, leases run out.
//!
//! [`promote`] is what whoever looks at a stream has to see, and runs before any command does. The rest is in nobody's way and waits for the
//! stream's alarm, which tells the core that looks after its stripe to [`attend`] to it. An alarm may come too early, never too late: so it is set
//! by whoever makes something due earlier, and by `attend`, which alone puts it later.

use super::deadletter::{self, Reason};
use super::logged::{self, Actor};
use super::retention;
use super::trim::Dropped;
use crate::command::Keys;
use crate::command::dispatch::{self, Env};
use crate::command::times::Times;
use crate::data::stream::{Id, Scheduled};
use crate::data::{Kind, Stream};
use crate::keyspace::notify;

/// Dead letters that one look at a stream makes at most; the rest comes with the next look.
const BURIED_PER_LOOK: usize = 256;
/// Scheduled entries that take their place at one look at most, so that none takes longer than a millisecond or so. The others
/// come with the next look, within a millisecond: the alarm goes on as long as one is due.
const PROMOTED_PER_LOOK: usize = 1024;
/// Messages that are forgotten are dropped this often: nobody waits for it.
const FORGETTING_EVERY_MS: u64 = 1000;

/// Also holds the stripes that looking at a stream may need; false, and nothing is held, if a script holds one of them for long.
pub fn reach(env: &mut Env<'_, '_>, db: usize, key: &[u8]) -> bool {
    dispatch::reach_out(env, |env| deadletter::reach_of_all(&mut env.keys(db), key))
}

/// Looks at a stream whose alarm has sounded, and sets the next one.
pub fn attend(env: &mut Env<'_, '_>, db: usize, key: &[u8]) {
    let mut keys = env.keys(db);
    let mark = keys.locked.effects.begin();
    let now_ms = keys.steady();
    let wall_ms = keys.wall();
    let Ok(Some(stream)) = keys.find_as::<Stream>(key) else {
        return;
    };
    stream.idmp.expire(stream.policy.idmp.horizon_ms(wall_ms));
    begin_leases(&mut keys, key, now_ms);
    let is_behind = bury_spent(&mut keys, key, now_ms);
    retention::expire_entries(&mut keys, key);
    rearm(&mut keys, key);
    if is_behind {
        keys.arm(key, now_ms + 1);
    }
    // Whoever waits for what is due, or may be, looks for it.
    keys.ready(key);
    keys.locked.effects.end(mark);
}

/// Lets leases begin now that a clock which was put back has given in the future.
fn begin_leases(keys: &mut Keys<'_, '_>, key: &[u8], now_ms: u64) {
    let Ok(Some(Stream { log, groups, .. })) = keys.find_as::<Stream>(key) else {
        return;
    };
    let mut begun = Vec::new();
    for (name, group) in groups {
        let mut leases = group.begin_future_leases(now_ms);
        // A claim of what has no entry any more would end it.
        leases.retain(|lease| log.entry(lease.id).is_some());
        for lease in leases {
            let consumer = group.consumer(lease.consumer).name.clone();
            begun.push((name.clone(), consumer, (lease.id, lease.count)));
        }
    }
    for (group, consumer, lease) in begun {
        let actor = Actor {
            key,
            group: &group,
            consumer: &consumer,
            now_ms,
            again: true,
        };
        actor.delivered(keys, &[lease], now_ms);
    }
}

/// Puts an end to entries whose last attempt has ended. True if there may be more of them.
fn bury_spent(keys: &mut Keys<'_, '_>, key: &[u8], now_ms: u64) -> bool {
    let Ok(Some(stream)) = keys.find_as::<Stream>(key) else {
        return false;
    };
    let mut spent = Vec::new();
    for (name, group) in &mut stream.groups {
        let left = BURIED_PER_LOOK - spent.len();
        let ids = group.take_spent(now_ms, left);
        spent.extend(ids.into_iter().map(|id| (name.clone(), id)));
        if spent.len() == BURIED_PER_LOOK {
            break;
        }
    }
    for (name, id) in &spent {
        deadletter::bury_with_followers(keys, (key, name), *id, Reason::MaxDeliver);
    }
    spent.len() == BURIED_PER_LOOK
}

/// Sets the stream's alarm to the next moment at which something happens to it.
pub fn rearm(keys: &mut Keys<'_, '_>, key: &[u8]) {
    let (now_ms, times) = (keys.steady(), keys.times());
    let Some(stream) = keys.peek_as::<Stream>(key) else {
        return;
    };
    let groups = stream.groups.values();
    // At the end of all ids nothing takes its place any more.
    let takes_entries = stream.log.last_id() != Id::MAX;
    let scheduled_ms = stream.schedule.next_ms().filter(|_| takes_entries);
    let next_ms = [
        scheduled_ms.map(|ms| times.steady_at(ms)),
        retention::next_expiry_ms(stream, times.earliest_ms())
            .map(|ms| times.steady_when_outlived(ms)),
        stream.idmp.oldest_ms().map(|ms| {
            let forgotten_ms = times.steady_at(stream.policy.idmp.expiry_ms(ms));
            forgotten_ms.max(now_ms + FORGETTING_EVERY_MS)
        }),
        groups
            .filter_map(|group| group.next_due_after(now_ms))
            .min(),
    ];
    if let Some(at_ms) = next_ms.into_iter().flatten().min() {
        keys.arm(key, at_ms.max(now_ms + 1));
    }
}

/// Sees to it that a message is dropped when it is forgotten, at `forgotten_ms` of wall time.
pub fn await_forgetting(keys: &mut Keys<'_, '_>, key: &[u8], forgotten_ms: u64) {
    let earliest_ms = keys.steady() + FORGETTING_EVERY_MS;
    let at_ms = keys.times().steady_at(forgotten_ms);
    keys.arm(key, at_ms.max(earliest_ms));
}

/// Lets the scheduled entries of a stream that are due take their place.
#[cold]
pub fn promote(keys: &mut Keys<'_, '_>, key: &[u8]) {
    let times = keys.times();
    for _ in 0..PROMOTED_PER_LOOK {
        let Some((scheduled, id, dropped)) = promote_one(keys, key, times) else {
            return;
        };
        log_promotion(keys, key, &scheduled, id);
        keys.notify(notify::STREAM, "xadd", key);
        keys.changed_aside(key, 1);
        keys.ready(key);
        retention::trimmed(keys, key, dropped);
    }
}

fn promote_one(
    keys: &mut Keys<'_, '_>,
    key: &[u8],
    times: Times,
) -> Option<(Scheduled, Id, Option<Dropped>)> {
    let limits = keys.limits;
    let entry = keys.find(key)?;
    let stream = Stream::of_mut(&mut entry.value)?;
    // At the end of all ids it has to wait for ever.
    let next_id = stream.next_id()?;
    let scheduled = stream.schedule.take_due(times.latest_ms())?;
    // An id that was given out of turn may have overtaken it.
    let id = match scheduled.id > stream.log.last_id() {
        true => scheduled.id,
        false => next_id,
    };
    let fields: Vec<_> = scheduled.fields().collect();
    stream.log.append(id, &fields, limits);
    drop(fields);
    let governed = stream.policy.retains();
    let after = governed.then(|| retention::after_add(stream, times));
    Some((scheduled, id, after.and_then(|after| after.dropped)))
}

/// Logs the entry as one that is added. A replay takes what is scheduled with its id for it.
fn log_promotion(keys: &mut Keys<'_, '_>, key: &[u8], scheduled: &Scheduled, id: Id) {
    if id != scheduled.id
        && let Some(effect) = keys.logs_hidden_aside(3)
    {
        effect.arg(b"XDEL").arg(key).arg(&scheduled.id.text()).end();
    }
    let fields = scheduled.fields();
    if let Some(effect) = keys.logs_aside(3 + 2 * fields.len()) {
        logged::added(effect, key, id, fields);
    }
}
