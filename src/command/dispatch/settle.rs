//! What follows from what a command changed, once it is done: statistics, values to be freed, earlier wake-ups, keyspace events.

use super::Env;
use crate::command::pubsub;
use crate::keyspace::notify;
use crate::pubsub::{Message, Subject};

/// Lets everything follow that follows from the changes made: statistics, events, freed values, earlier wake-ups.
#[inline]
pub fn settle(env: &mut Env<'_, '_>) {
    let (changes, stats) = (&mut *env.changes, env.meter.stats());
    if changes.dirty + changes.dirty_aside > 0 {
        let dirty = std::mem::take(&mut changes.dirty) + std::mem::take(&mut changes.dirty_aside);
        stats.dirty.add(dirty);
    }
    let removed = changes.expired + changes.expired_fields + changes.evicted;
    if changes.hits + changes.misses + removed > 0 {
        stats.hits.add(std::mem::take(&mut changes.hits));
        stats.misses.add(std::mem::take(&mut changes.misses));
        stats.expired.add(std::mem::take(&mut changes.expired));
        let expired_fields = std::mem::take(&mut changes.expired_fields);
        stats.expired_fields.add(expired_fields);
        stats.evicted.add(std::mem::take(&mut changes.evicted));
    }
    let quiet =
        changes.events.is_empty() && changes.discarded.is_empty() && changes.deadlines.is_empty();
    if !quiet {
        settle_rest(env);
    }
}

#[cold]
fn settle_rest(env: &mut Env<'_, '_>) {
    for value in env.changes.discarded.drain(..) {
        env.shared.reaper.free(value);
    }
    let cores = env.shared.cores();
    for (stripe, at_ms) in env.changes.deadlines.drain(..) {
        let caretaker = env.shared.keyspace.caretaker(stripe, cores);
        env.shared.inboxes[caretaker].wake_by(at_ms);
    }
    let events = std::mem::take(&mut env.changes.events);
    for event in events {
        if env.changes.classes & notify::KEYSPACE != 0 {
            let mut channel = format!("__keyspace@{}__:", event.db).into_bytes();
            channel.extend_from_slice(&event.key);
            tell(env, &channel, event.name.as_bytes());
        }
        if env.changes.classes & notify::KEYEVENT != 0 {
            let channel = format!("__keyevent@{}__:{}", event.db, event.name);
            tell(env, channel.as_bytes(), &event.key);
        }
    }
}

fn tell(env: &mut Env<'_, '_>, channel: &[u8], payload: &[u8]) {
    let message = Message {
        subject: Subject::Channel,
        channel,
        payload,
    };
    pubsub::publish(env.shared, env.local, message);
}
