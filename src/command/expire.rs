//! Keys whose time is up go by themselves: each core looks after its share of the stripes, waking when the first deadline
//! there comes. (Whoever looks at such a key before that removes it too; see `keys`.)

use super::Keys;
use super::dispatch::{self, Env};
use crate::keyspace::NEVER;
use std::sync::atomic::Ordering;

/// Keys removed under one acquisition of a stripe; the rest waits for the next turn.
const KEYS_PER_VISIT: usize = 128;

/// Removes what is due in the stripes this core looks after; returns when to look again, Unix milliseconds.
pub fn expire_due(env: &mut Env<'_, '_>) -> i64 {
    if !env.shared.active_expire.load(Ordering::Relaxed) {
        return NEVER;
    }
    let (stripes, cores) = (env.shared.keyspace.stripes(), env.shared.cores());
    let mut next = NEVER;
    for stripe in (env.local.core..stripes).step_by(cores) {
        let mut deadline_ms = env.shared.keyspace.next_deadline_ms(stripe);
        if deadline_ms <= env.now.unix_ms {
            deadline_ms = visit(env, stripe);
        }
        next = next.min(deadline_ms);
    }
    next
}

/// Removes what is due in one stripe; returns its next deadline.
fn visit(env: &mut Env<'_, '_>, stripe: usize) -> i64 {
    env.locked.acquire_one(stripe);
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
            Keys {
                locked: env.locked,
                changes: env.changes,
                db,
                now_ms: env.now.unix_ms,
                touch: false,
            }
            .contains(&key);
        }
    }
    let next = env.locked.stripe(stripe).next_deadline_ms();
    env.shared.keyspace.set_next_deadline_ms(stripe, next);
    dispatch::settle(env);
    if env.locked.any_ready() {
        super::block::serve_ready(env);
    }
    env.locked.release();
    next
}
