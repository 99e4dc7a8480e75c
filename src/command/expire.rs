//! Keys whose time is up go by themselves: each core looks after its share of the stripes, waking when the first deadline
//! there comes, or a pause of the clients is over. (Whoever looks at such a key before that removes it too; see `keys`.) So do fields of
//! hashes. Streams that something happens to by itself are looked at the same way, when their alarms sound. What a core that is busy leaves
//! undone others do a little later. In a pause nothing happens.

use super::dispatch::{self, Env};
use super::shared::gate;
use super::{block, hash, stream};
use crate::keyspace::NEVER;
use std::sync::atomic::Ordering;

/// Keys and fields removed under one acquisition of a stripe; the rest waits for the next turn.
const KEYS_PER_VISIT: usize = 128;
/// What is so late is no longer left to the core that should look after it.
const LATE_MS: i64 = 20;
/// When to look again at a stripe that somebody else held.
const AGAIN_MS: i64 = 2;

/// Lets happen what is due in the stripes this core looks after; returns when to look again, steady milliseconds.
pub fn expire_due(env: &mut Env<'_, '_>) -> i64 {
    if env.shared.gate(gate::LOADING) {
        return NEVER;
    }
    let pause = env.shared.pause_in_force(env.now);
    let expires = pause.is_none() && env.shared.active_expire.load(Ordering::Relaxed);
    let (stripes, cores) = (env.shared.keyspace.stripes(), env.shared.cores());
    let wall_leapt = env.local.wall_has_leapt(env.now);
    let mut all_heard = true;
    let mut next_ms = pause.map_or(NEVER, |pause| pause.until_ms);
    for stripe in (env.local.core..stripes).step_by(cores) {
        let keyspace = &env.shared.keyspace;
        if wall_leapt {
            all_heard &= sound_alarms(env, stripe);
        }
        let again_ms = env.now.steady_ms + AGAIN_MS;
        let is_due = keyspace.next_deadline_ms(stripe) <= env.now.unix_ms;
        let deadline_ms = match expires {
            true if is_due && !expire(env, stripe) => again_ms,
            true => env.now.steady_at(keyspace.next_deadline_ms(stripe)),
            false => NEVER,
        };
        let is_due = keyspace.next_alarm_ms(stripe) <= env.now.steady_ms;
        let alarm_ms = match pause {
            None if is_due && !attend(env, stripe) => again_ms,
            None => keyspace.next_alarm_ms(stripe),
            Some(_) => NEVER,
        };
        next_ms = next_ms.min(deadline_ms).min(alarm_ms);
    }
    env.local.leap_is_unheard = !all_heard;
    if !block::leave_queues_again(env) {
        next_ms = next_ms.min(env.now.steady_ms + AGAIN_MS);
    }
    next_ms
}

/// Lets happen what is overdue in the stripes of cores that are busy with something else.
pub fn help_out(env: &mut Env<'_, '_>) {
    if env.shared.gate(gate::LOADING) || env.shared.pause_in_force(env.now).is_some() {
        return;
    }
    let expires = env.shared.active_expire.load(Ordering::Relaxed);
    let (unix_ms, steady_ms) = (env.now.unix_ms - LATE_MS, env.now.steady_ms - LATE_MS);
    for stripe in 0..env.shared.keyspace.stripes() {
        let keyspace = &env.shared.keyspace;
        let is_late = expires && keyspace.next_deadline_ms(stripe) <= unix_ms;
        // Who holds one now will see to it, or its caretaker after that.
        if is_late && !expire(env, stripe) {
            continue;
        }
        if keyspace.next_alarm_ms(stripe) <= steady_ms {
            attend(env, stripe);
        }
    }
}

/// What is scheduled by wall time may be due earlier than its alarm says. False if somebody holds the stripe.
#[cold]
fn sound_alarms(env: &mut Env<'_, '_>, stripe: usize) -> bool {
    if !env.locked.acquire_one_briefly(stripe) {
        return false;
    }
    for db in &mut env.locked.stripe(stripe).dbs {
        db.sound_alarms();
    }
    publish_alarm(env, stripe);
    env.locked.release();
    true
}

fn publish_alarm(env: &mut Env<'_, '_>, stripe: usize) {
    let at_ms = env.locked.stripe(stripe).next_alarm_ms();
    env.shared.keyspace.set_next_alarm_ms(stripe, at_ms);
}

/// Looks at the streams of one stripe whose alarms have sounded. False if somebody holds it.
fn attend(env: &mut Env<'_, '_>, stripe: usize) -> bool {
    if !env.locked.acquire_one_briefly(stripe) {
        return false;
    }
    let now_ms = env.now.steady_ms.max(0).unsigned_abs();
    let mut budget = KEYS_PER_VISIT;
    let due = |env: &mut Env<'_, '_>, db: usize| {
        let table = &mut env.locked.stripe(stripe).dbs[db];
        let position = table.due_alarm(now_ms)?;
        Some(table.entry(position).key.clone())
    };
    for db in 0..env.shared.keyspace.databases() {
        while budget > 0
            && let Some(key) = due(env, db)
        {
            budget -= 1;
            if !stream::attend::reach(env, db, &key) {
                return false;
            }
            if due(env, db).as_deref() != Some(&key) {
                // Somebody else has looked at it meanwhile.
                continue;
            }
            env.locked.stripe(stripe).dbs[db].silence_alarm();
            stream::attend::attend(env, db, &key);
            dispatch::settle(env);
            if env.locked.any_ready() && !block::serve_ready(env) {
                return false;
            }
        }
    }
    publish_alarm(env, stripe);
    env.locked.release();
    true
}

/// Removes what is due in one stripe. False if somebody holds it.
fn expire(env: &mut Env<'_, '_>, stripe: usize) -> bool {
    if !env.locked.acquire_one_briefly(stripe) {
        return false;
    }
    let databases = env.shared.keyspace.databases();
    let mut budget = KEYS_PER_VISIT;
    for db in 0..databases {
        while budget > 0 {
            let table = &env.locked.stripe(stripe).dbs[db];
            let Some(position) = table.first_due(env.now.unix_ms) else {
                break;
            };
            let key = table.entry(position).key.clone();
            budget -= 1;
            // Looking at it is enough.
            env.keys(db).contains(&key);
        }
        while budget > 0 {
            let table = &env.locked.stripe(stripe).dbs[db];
            let Some(position) = table.first_due_fields(env.now.unix_ms) else {
                break;
            };
            let key = table.entry(position).key.clone();
            let gone = hash::expire::expire_some(&mut env.keys(db), &key);
            budget = budget.saturating_sub(gone.max(1));
        }
    }
    let next = env.locked.stripe(stripe).next_deadline_ms();
    env.shared.keyspace.set_next_deadline_ms(stripe, next);
    dispatch::settle(env);
    if env.locked.any_ready() {
        // Where they have to wait for a script, that is for who served them to know.
        let _ = block::serve_ready(env);
    }
    env.locked.release();
    true
}
