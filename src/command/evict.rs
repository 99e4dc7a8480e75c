//! Keeping within `maxmemory`: what is used is looked at before each command and in each turn of a core, and keys go as `maxmemory-policy`
//! says until it is within the limit.
//!
//! ```text
//!   a stripe at random -> some of its keys -> Pool: the 16 least worth keeping of all that were met -> the least of them goes
//! ```
//!
//! Stripes are held one at a time, never while a value is freed. A key of the pool that was used since it was met is passed over. Under
//! `volatile-ttl` nothing is sampled: the first deadline of all is known.
//!
//! Bounds: a core that has spent the time that `maxmemory-eviction-tenacity` allows goes on with commands and evicts further in its next turns.
//! By how much memory may pass the limit: what one command of each core takes, what the `gauge` does not know yet, and where time ran out
//! as much as is written meanwhile.

use super::block;
use super::dispatch::{self, Env};
use super::shared::gate;
use crate::base::clock::Stopwatch;
use crate::base::{Rng, gauge, process};
use crate::config::EvictionPolicy;
use crate::keyspace::{Db, Entry, LAST_DEADLINE_MS, NEVER};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Keys that a core keeps in mind as the least worth keeping.
const POOL: usize = 16;
/// Keys evicted between two looks at the time.
const KEYS_PER_LOOK: u32 = 16;
/// Before anything is evicted or refused, the gauge is corrected if it was not for so long.
const READING_LASTS_MS: i64 = 10;
/// How long a core waits for values that other threads free, before it refuses something.
const FREEING_WAIT_NS: u64 = 100_000_000;
/// Nor does it again for so long if that was in vain.
const NO_WAIT_MS: i64 = 1000;
/// How often it looks.
const FREEING_PAUSE: Duration = Duration::from_micros(50);

/// What is known over all cores of the times in which memory was short.
#[derive(Debug, Default)]
pub struct Shortage {
    /// When the one began that lasts, steady milliseconds; 0 for none.
    since_ms: AtomicI64,
    /// How long those before it lasted.
    past_ms: AtomicU64,
    /// When the gauge was last read on its account, steady milliseconds.
    read_at_ms: AtomicI64,
    /// Values that cores have evicted and not freed yet.
    freeing: AtomicUsize,
}

impl Shortage {
    fn begin(&self, now_ms: i64) {
        let _ = self
            .since_ms
            .compare_exchange(0, now_ms, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn end(&self, now_ms: i64) {
        if self.since_ms.load(Ordering::Relaxed) != 0 {
            let lasted_ms = self.lasts_ms(now_ms);
            self.since_ms.store(0, Ordering::Relaxed);
            self.past_ms.fetch_add(lasted_ms, Ordering::Relaxed);
        }
    }

    /// For how long memory has been short now.
    pub fn lasts_ms(&self, now_ms: i64) -> u64 {
        match self.since_ms.load(Ordering::Relaxed) {
            0 => 0,
            since_ms => (now_ms - since_ms).max(0).unsigned_abs(),
        }
    }

    /// For how long it has been in all.
    pub fn total_ms(&self, now_ms: i64) -> u64 {
        self.past_ms.load(Ordering::Relaxed) + self.lasts_ms(now_ms)
    }

    /// Begins to count anew.
    pub fn reset(&self) {
        self.since_ms.store(0, Ordering::Relaxed);
        self.past_ms.store(0, Ordering::Relaxed);
    }
}

/// A key that was met, and what it is worth: more is better.
#[derive(Debug)]
struct Candidate {
    worth: u64,
    db: usize,
    key: Box<[u8]>,
}

/// The keys least worth keeping of those that a core has met, the least first.
#[derive(Debug, Default)]
pub struct Pool {
    candidates: Vec<Candidate>,
    /// What they were judged by.
    policy: Option<EvictionPolicy>,
}

impl Pool {
    /// Goes by another policy: what was judged by the one before counts no more.
    fn go_by(&mut self, policy: EvictionPolicy) {
        if self.policy.replace(policy) != Some(policy) {
            self.candidates.clear();
        }
    }

    fn offer(&mut self, worth: u64, db: usize, key: &[u8]) {
        let at = self
            .candidates
            .partition_point(|other| other.worth <= worth);
        let is_known = |other: &Candidate| other.db == db && *other.key == *key;
        if at == POOL || self.candidates.iter().any(is_known) {
            return;
        }
        self.candidates.truncate(POOL - 1);
        let key = key.into();
        self.candidates.insert(at, Candidate { worth, db, key });
    }

    fn take(&mut self) -> Option<Candidate> {
        (!self.candidates.is_empty()).then(|| self.candidates.remove(0))
    }
}

/// What the configuration says of eviction.
#[derive(Clone, Copy)]
struct Manner {
    policy: EvictionPolicy,
    samples: usize,
    decay_minutes: u32,
}

impl Manner {
    fn of(env: &Env<'_, '_>) -> Self {
        let config = &env.local.config;
        Manner {
            policy: config.maxmemory_policy,
            samples: config.maxmemory_samples as usize,
            decay_minutes: config.lfu_decay_time_minutes,
        }
    }

    fn worth(&self, entry: &Entry, now_ms: i64) -> u64 {
        let usage = entry.usage();
        let used_s = usage.used_s().unsigned_abs();
        match self.policy.counts_uses() {
            true => u64::from(usage.frequency(now_ms, self.decay_minutes)) << 32 | used_s,
            false => used_s,
        }
    }
}

/// What came of making room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// There is enough.
    Enough,
    /// There is more to be evicted, but time ran out.
    Coming,
    /// There is nothing more to be evicted.
    None,
}

/// True if there is room for a command that `takes_memory`, or it takes none; keys are evicted to that end in any case. Stripes may be let go of.
/// What is being freed elsewhere is waited for only before something is refused.
#[inline]
pub fn has_room(env: &mut Env<'_, '_>, takes_memory: bool) -> bool {
    env.shared.keyspace.limit_bytes() == 0 || is_within_limit(env, takes_memory) || !takes_memory
}

fn is_within_limit(env: &mut Env<'_, '_>, takes_memory: bool) -> bool {
    if env.local.attending {
        // What may be done then takes no memory, and nothing is to happen to keys in the midst of a script.
        return true;
    }
    let room = match env.shared.keyspace.excess_bytes() {
        0 => Room::Enough,
        _ => make_room(env, takes_memory),
    };
    env.local.evicting = room == Room::Coming;
    let now_ms = env.now.steady_ms;
    match room {
        Room::Enough => env.shared.shortage.end(now_ms),
        Room::Coming | Room::None => env.shared.shortage.begin(now_ms),
    }
    room != Room::None
}

/// True if memory is full and nothing may be evicted: for commands that run with stripes held.
pub fn is_short(env: &Env<'_, '_>) -> bool {
    let policy = env.local.config.maxmemory_policy;
    policy == EvictionPolicy::NoEviction && env.shared.keyspace.is_full() && is_full_indeed(env)
}

/// The same by the allocator itself, to be asked before anything is refused: the gauge may not have heard yet of what others have given back.
#[cold]
fn is_full_indeed(env: &Env<'_, '_>) -> bool {
    let allocated = || process::note_peak(env.now.unix_ms / 1000);
    env.shared.keyspace.excess_by(allocated) > 0
}

#[cold]
fn make_room(env: &mut Env<'_, '_>, takes_memory: bool) -> Room {
    if env.shared.gate(gate::LOADING | gate::PAUSED) {
        return Room::Enough;
    }
    env.locked.release();
    read_gauge(env);
    let (mut watch, manner) = (Stopwatch::start(), Manner::of(env));
    let budget_ns = budget_ns(env.local.config.maxmemory_eviction_tenacity);
    let mut room = evict(env, manner, &mut Budget::new(budget_ns));
    if room == Room::None && takes_memory {
        room = await_freeing(env);
    }
    env.meter.skip();
    let latency_ms = watch.lap_ns() / 1_000_000;
    dispatch::record_latency(env, "eviction-cycle", latency_ms);
    room
}

/// Has the gauge corrected by the allocator, unless that was done just now.
fn read_gauge(env: &Env<'_, '_>) {
    let (now, read_at_ms) = (env.now, &env.shared.shortage.read_at_ms);
    let age_ms = now.steady_ms - read_at_ms.load(Ordering::Relaxed);
    if !(0..READING_LASTS_MS).contains(&age_ms) {
        read_at_ms.store(now.steady_ms, Ordering::Relaxed);
        process::note_peak(now.unix_ms / 1000);
    }
}

/// The time that may be spent at once, by how tenacious eviction is to be.
fn budget_ns(tenacity: u32) -> u64 {
    const STEP_NS: u64 = 50_000;
    match tenacity {
        0..=10 => u64::from(tenacity) * STEP_NS,
        11..100 => (10.0 * STEP_NS as f64 * 1.15f64.powf(f64::from(tenacity - 10))) as u64,
        _ => u64::MAX,
    }
}

struct Budget {
    watch: Stopwatch,
    left_ns: u64,
}

impl Budget {
    fn new(ns: u64) -> Self {
        Budget {
            watch: Stopwatch::start(),
            left_ns: ns,
        }
    }

    fn is_spent(&mut self) -> bool {
        self.left_ns = self.left_ns.saturating_sub(self.watch.lap_ns());
        self.left_ns == 0
    }
}

fn evict(env: &mut Env<'_, '_>, manner: Manner, budget: &mut Budget) -> Room {
    let mut evicted = 0;
    while env.shared.keyspace.is_full() {
        if !evict_one(env, manner) {
            return Room::None;
        }
        evicted += 1;
        if evicted % KEYS_PER_LOOK == 0 && budget.is_spent() {
            return Room::Coming;
        }
    }
    Room::Enough
}

/// Waits for what is being freed elsewhere, if that may be enough.
fn await_freeing(env: &mut Env<'_, '_>) -> Room {
    let now_ms = env.now.steady_ms;
    let waits = now_ms >= env.local.awaits_freeing_from_ms;
    let mut budget = Budget::new(FREEING_WAIT_NS);
    while waits && env.shared.keyspace.is_full() && is_freeing(env) {
        if budget.is_spent() {
            env.local.awaits_freeing_from_ms = now_ms + NO_WAIT_MS;
            break;
        }
        std::thread::sleep(FREEING_PAUSE);
    }
    match env.shared.keyspace.is_full() && is_full_indeed(env) {
        true => Room::None,
        false => Room::Enough,
    }
}

/// True while some thread has a value that is gone and not freed yet.
fn is_freeing(env: &Env<'_, '_>) -> bool {
    let shared = env.shared;
    shared.reaper.waiting() > 0 || shared.shortage.freeing.load(Ordering::Acquire) > 0
}

/// Evicts a key; false if there is none that may go.
fn evict_one(env: &mut Env<'_, '_>, manner: Manner) -> bool {
    match manner.policy {
        EvictionPolicy::NoEviction => false,
        EvictionPolicy::VolatileTtl => evict_soonest(env),
        EvictionPolicy::AllkeysRandom | EvictionPolicy::VolatileRandom => evict_any(env, manner),
        _ => evict_worst(env, manner),
    }
}

/// Evicts the key with the first deadline of all that can be had: what a script holds for long is passed over.
fn evict_soonest(env: &mut Env<'_, '_>) -> bool {
    let keyspace = &env.shared.keyspace;
    let mut passed = None;
    loop {
        let stripes =
            (0..keyspace.stripes()).map(|number| (keyspace.next_deadline_ms(number), number));
        let next = stripes.filter(|stripe| Some(*stripe) > passed).min();
        let Some((_, number)) = next.filter(|(deadline_ms, _)| *deadline_ms != NEVER) else {
            return false;
        };
        if env.locked.acquire_one_soon(number) && evict_first(env, number) {
            return true;
        }
        passed = next;
    }
}

/// Evicts the key with the first deadline of a stripe that is held, and lets go; false if it has none.
fn evict_first(env: &mut Env<'_, '_>, number: usize) -> bool {
    let dbs = env.locked.stripe(number).dbs.iter().enumerate();
    let first = dbs.min_by_key(|(_, db)| db.next_key_deadline_ms());
    let key = first.and_then(|(db, table)| {
        let position = table.first_due(LAST_DEADLINE_MS)?;
        Some((db, table.entry(position).key.clone()))
    });
    let evicted = key.is_some_and(|(db, key)| remove(env, db, &key));
    // Who waited for that key may need what a script holds for long: then nothing is held any more.
    if env.locked.holds(number) {
        let deadline_ms = env.locked.stripe(number).next_deadline_ms();
        let keyspace = &env.shared.keyspace;
        keyspace.set_next_deadline_ms(number, deadline_ms);
    }
    let_go(env);
    evicted
}

/// Evicts a key that is as good as any.
fn evict_any(env: &mut Env<'_, '_>, manner: Manner) -> bool {
    let expiring = manner.policy.spares_lasting();
    round(env, manner, |env, number| {
        let rng = &mut env.local.rng;
        let dbs = &mut env.locked.stripe(number).dbs;
        let Some(db) = any_db(dbs, expiring, rng) else {
            return false;
        };
        let mut met = None;
        dbs[db].sample(1, expiring, rng, |entry| met = Some(entry.key.clone()));
        met.is_some_and(|key| remove(env, db, &key))
    })
}

/// One of the databases of a stripe, the likelier the more keys it has that may go.
fn any_db(dbs: &[Db], expiring: bool, rng: &mut Rng) -> Option<usize> {
    let eligible = |db: &Db| match expiring {
        true => db.volatile_len(),
        false => db.len(),
    };
    let sum: usize = dbs.iter().map(eligible).sum();
    let mut nth = (sum > 0).then(|| rng.below(sum))?;
    dbs.iter().position(|db| {
        let is_it = nth < eligible(db);
        nth = nth.saturating_sub(eligible(db));
        is_it
    })
}

/// Evicts the key least worth keeping of all that this core has in mind, once it has met some more.
fn evict_worst(env: &mut Env<'_, '_>, manner: Manner) -> bool {
    env.local.pool.go_by(manner.policy);
    round(env, manner, |env, number| {
        meet_some(env, number, manner);
        while let Some(candidate) = env.local.pool.take() {
            if evict_candidate(env, manner, &candidate) {
                return true;
            }
        }
        false
    })
}

/// Evicts a key unless it has been used, or cannot go, since it was met.
fn evict_candidate(env: &mut Env<'_, '_>, manner: Manner, candidate: &Candidate) -> bool {
    let (now_ms, keyspace) = (env.now.unix_ms, &env.shared.keyspace);
    let Candidate { worth, db, key } = candidate;
    let number = keyspace.stripe_of(key);
    if !env.locked.holds(number) {
        let_go(env);
        if !env.locked.acquire_one_soon(number) {
            return false;
        }
    }
    let table = &env.locked.stripe(number).dbs[*db];
    let entry = table.position(key).map(|position| table.entry(position));
    let may_go = entry.is_some_and(|entry| {
        let is_eligible = !manner.policy.spares_lasting() || entry.expires_ms().is_some();
        is_eligible && manner.worth(entry, now_ms) <= *worth
    });
    may_go && remove(env, *db, key)
}

/// Goes round the stripes, from a random one, until `evict` has evicted something with a stripe held; false if it never does.
fn round(
    env: &mut Env<'_, '_>,
    manner: Manner,
    mut evict: impl FnMut(&mut Env<'_, '_>, usize) -> bool,
) -> bool {
    let keyspace = &env.shared.keyspace;
    let stripes = keyspace.stripes();
    let first = env.local.rng.below(stripes);
    (first..first + stripes).any(|number| {
        let number = number % stripes;
        if manner.policy.spares_lasting() && keyspace.next_deadline_ms(number) == NEVER {
            return false;
        }
        if !env.locked.acquire_one_soon(number) {
            return false;
        }
        let evicted = evict(env, number);
        let_go(env);
        evicted
    })
}

/// Offers the pool some of the keys of each database in a stripe that is held.
fn meet_some(env: &mut Env<'_, '_>, number: usize, manner: Manner) {
    let (now_ms, expiring) = (env.now.unix_ms, manner.policy.spares_lasting());
    let (pool, rng) = (&mut env.local.pool, &mut env.local.rng);
    for (db, table) in env.locked.stripe(number).dbs.iter_mut().enumerate() {
        table.sample(manner.samples, expiring, rng, |entry| {
            pool.offer(manner.worth(entry, now_ms), db, &entry.key);
        });
    }
}

/// Removes a key whose stripe is held, and lets what follows from that follow.
fn remove(env: &mut Env<'_, '_>, db: usize, key: &[u8]) -> bool {
    let removed = env.keys(db).evict(key);
    // It is freed here, since that is what it was for, but with no stripe held.
    let discarded = &mut env.changes.discarded;
    let freeing = &env.shared.shortage.freeing;
    freeing.fetch_add(discarded.len(), Ordering::AcqRel);
    env.local.evicted.append(discarded);
    dispatch::settle(env);
    if env.locked.any_ready() {
        block::serve_ready(env);
    }
    removed
}

/// Lets go of all stripes and frees what was evicted.
fn let_go(env: &mut Env<'_, '_>) {
    env.locked.release();
    if env.local.evicted.is_empty() {
        return;
    }
    let (mut watch, count) = (Stopwatch::start(), env.local.evicted.len());
    env.local.evicted.clear();
    gauge::tell();
    let freeing = &env.shared.shortage.freeing;
    freeing.fetch_sub(count, Ordering::AcqRel);
    dispatch::record_latency(env, "eviction-del", watch.lap_ns() / 1_000_000);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_keeps_the_least_worthy() {
        let mut pool = Pool::default();
        for worth in (0..40).rev() {
            pool.offer(worth, 0, &[worth as u8]);
            pool.offer(worth, 0, &[worth as u8]);
        }
        pool.go_by(EvictionPolicy::AllkeysLru);
        assert!(pool.take().is_none(), "nothing was judged by that");
        (0..40)
            .rev()
            .for_each(|worth| pool.offer(worth, 0, &[worth as u8]));
        pool.go_by(EvictionPolicy::AllkeysLru);
        let taken: Vec<u64> = std::iter::from_fn(|| pool.take())
            .map(|candidate| candidate.worth)
            .collect();
        assert_eq!(taken, (0..POOL as u64).collect::<Vec<_>>());
    }

    #[test]
    fn tenacity_is_time() {
        let us = |tenacity| budget_ns(tenacity) / 1000;
        assert_eq!((us(0), us(10), us(11)), (0, 500, 575));
        assert!(us(99) > 100_000_000 && us(100) > 1 << 53);
    }

    #[test]
    fn times_of_shortage_add_up() {
        let shortage = Shortage::default();
        shortage.end(5);
        shortage.begin(10);
        shortage.begin(20);
        assert_eq!((shortage.lasts_ms(25), shortage.total_ms(25)), (15, 15));
        shortage.end(30);
        shortage.begin(100);
        assert_eq!((shortage.lasts_ms(101), shortage.total_ms(101)), (1, 21));
    }
}
