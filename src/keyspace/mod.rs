//! The striped keyspace: S lock-protected partitions; a key's hash slot picks its stripe.
//!
//! A command takes the stripes of all its keys in ascending order before it touches anything (`Locked::acquire`) and
//! holds them until it is done, so every command and transaction is atomic across any keys and no deadlock is possible.
//! Lock order of the whole program: the scripts' turn, then stripes ascending, then channel stripes, then the log.
//!
//! Scripts reach for stripes against that order, one at a time, and others make way (`Locked::reach`).
//!
//! One more thing runs against it: serving a client that waits on a key which just became ready may need stripes
//! beyond those held. `Locked::try_extend` never waits; when it fails, the key stays in its stripe's `ready` list and whoever
//! takes that stripe next serves it first. So nothing runs on a stripe between the command that fed a key and the waiters it feeds.

pub mod db;
pub mod effects;
pub mod libraries;
pub mod locked;
pub mod log;
pub mod notify;
pub mod ready;
pub mod rules;
pub mod stripe;
pub mod usage;
pub mod waiters;
pub mod walk;
pub mod watch;

pub use db::{Db, Entry, LAST_DEADLINE_MS, NEVER};
pub use libraries::Libraries;
pub use locked::{Locked, StripeSet};
pub use log::Log;
pub use rules::Rules;
pub use stripe::Stripe;
pub use usage::Usage;
pub use waiters::Waiter;

use crate::base::crc16::key_slot;
use crate::base::gauge;
use arc_swap::{ArcSwap, Guard};
use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// The most stripes a keyspace may have.
pub const MAX_STRIPES: usize = 1024;
/// Stripes per core: enough that two cores seldom meet.
pub const STRIPES_PER_CORE: usize = 16;

/// How long one waits for a turn before looking whether to go on waiting.
const TURN_LOOK_EVERY: Duration = Duration::from_millis(1);

/// A stripe on a cache line of its own.
#[repr(align(128))]
struct Slot {
    stripe: Mutex<Stripe>,
    /// The earliest deadline of any key in the stripe, Unix milliseconds; `NEVER` for none. May be too early, never too late.
    next_deadline_ms: AtomicI64,
    /// When the first stream in the stripe is to be looked at, steady milliseconds; `NEVER` for not at all. May be too early, never too
    /// late.
    next_alarm_ms: AtomicI64,
}

/// All keys of all databases.
pub struct Keyspace {
    slots: Box<[Slot]>,
    databases: usize,
    log: Log,
    rules: ArcSwap<Rules>,
    /// See `limit_bytes`.
    limit_bytes: AtomicU64,
    libraries: Libraries,
    /// See `script_turn`.
    turn: RwLock<()>,
    /// Held by who reaches for stripes against their order, for as long as that takes.
    reach: Mutex<()>,
    has_reacher: AtomicBool,
    stalled: AtomicBool,
}

/// For as long as it lives, who waits for stripes while holding some lets go of them.
pub struct Reaching<'k> {
    keyspace: &'k Keyspace,
    _held: MutexGuard<'k, ()>,
}

impl Drop for Reaching<'_> {
    fn drop(&mut self) {
        self.keyspace.has_reacher.store(false, Ordering::SeqCst);
    }
}

impl Keyspace {
    /// A keyspace of `databases` databases, striped for `cores` cores.
    pub fn new(databases: usize, cores: usize) -> Self {
        let stripes = (cores * STRIPES_PER_CORE)
            .next_power_of_two()
            .min(MAX_STRIPES);
        Keyspace {
            slots: (0..stripes)
                .map(|_| Slot {
                    stripe: Mutex::new(Stripe::new(databases)),
                    next_deadline_ms: AtomicI64::new(NEVER),
                    next_alarm_ms: AtomicI64::new(NEVER),
                })
                .collect(),
            databases,
            log: Log::default(),
            rules: ArcSwap::default(),
            limit_bytes: AtomicU64::new(0),
            libraries: Libraries::default(),
            turn: RwLock::default(),
            reach: Mutex::default(),
            has_reacher: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
        }
    }

    /// The turn of a script, which may reach for stripes against their order: one at a time. Taken before any stripe. None while somebody
    /// has stalled.
    pub fn script_turn(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        loop {
            if let Some(turn) = self.turn.try_write_for(TURN_LOOK_EVERY) {
                return Some(turn);
            }
            if self.is_stalled() {
                return None;
            }
        }
    }

    /// The turn of a script, if it can be had without waiting.
    pub fn try_script_turn(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        self.turn.try_write()
    }

    /// The turn of what goes round the stripes one by one: no script runs meanwhile. Taken before any stripe. None while somebody has stalled.
    pub fn round_turn(&self) -> Option<RwLockReadGuard<'_, ()>> {
        loop {
            if let Some(turn) = self.turn.try_read_for(TURN_LOOK_EVERY) {
                return Some(turn);
            }
            if self.is_stalled() {
                return None;
            }
        }
    }

    fn begin_reaching(&self) -> Reaching<'_> {
        let held = self.reach.lock();
        self.has_reacher.store(true, Ordering::SeqCst);
        Reaching {
            keyspace: self,
            _held: held,
        }
    }

    fn has_reacher(&self) -> bool {
        self.has_reacher.load(Ordering::SeqCst)
    }

    /// Waits until who reaches for stripes has them.
    fn await_reacher(&self) {
        drop(self.reach.lock());
    }

    /// Says whether somebody holds stripes for longer than others should wait for them.
    pub fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::SeqCst);
    }

    /// True while somebody holds stripes for longer than others should wait for them.
    pub fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    /// The sources of libraries of functions.
    pub fn libraries(&self) -> &Libraries {
        &self.libraries
    }

    /// What streams and groups are made with.
    pub fn rules(&self) -> Guard<Arc<Rules>> {
        self.rules.load()
    }

    /// Has streams and groups made by other rules from here on.
    pub fn set_rules(&self, rules: Rules) {
        self.rules.store(Arc::new(rules));
    }

    /// Where effects get their order.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The memory to stay within; 0 is no limit.
    #[inline]
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes.load(Ordering::Relaxed)
    }

    /// Sets the memory to stay within.
    pub fn set_limit_bytes(&self, bytes: u64) {
        self.limit_bytes.store(bytes, Ordering::Relaxed);
    }

    /// What is used beyond the limit, as far as the gauge knows.
    pub fn excess_bytes(&self) -> u64 {
        self.excess_by(gauge::used)
    }

    /// What is used beyond the limit by what `used` tells.
    pub fn excess_by(&self, used: impl FnOnce() -> u64) -> u64 {
        let limit = self.limit_bytes();
        if limit == 0 {
            return 0;
        }
        // Both change while this looks: what does not count must never be taken for what does.
        let before = self.uncounted_bytes();
        let used = used();
        let uncounted = before.max(self.uncounted_bytes());
        let counted = used.saturating_sub(gauge::apart());
        counted.saturating_sub(limit.saturating_add(uncounted))
    }

    /// What does not count: buffers of the log, and what a snapshot under way has yet to write of what is gone. To evict a key is to need
    /// more of both.
    pub fn uncounted_bytes(&self) -> u64 {
        self.log.memory_bytes() + walk::held_bytes()
    }

    /// True when nothing more should be stored.
    pub fn is_full(&self) -> bool {
        self.excess_bytes() > 0
    }

    /// Number of databases.
    pub fn databases(&self) -> usize {
        self.databases
    }

    /// Number of stripes, a power of two.
    pub fn stripes(&self) -> usize {
        self.slots.len()
    }

    /// The stripe of `key`.
    #[inline]
    pub fn stripe_of(&self, key: &[u8]) -> usize {
        key_slot(key) as usize & (self.slots.len() - 1)
    }

    /// The core that expires the keys of `stripe`.
    pub fn caretaker(&self, stripe: usize, cores: usize) -> usize {
        stripe % cores
    }

    /// When the first key of `stripe` expires, at the earliest.
    pub fn next_deadline_ms(&self, stripe: usize) -> i64 {
        self.slots[stripe].next_deadline_ms.load(Ordering::Acquire)
    }

    /// Publishes when the first key of `stripe` expires; call with the stripe held.
    pub fn set_next_deadline_ms(&self, stripe: usize, deadline_ms: i64) {
        self.slots[stripe]
            .next_deadline_ms
            .store(deadline_ms, Ordering::Release);
    }

    /// When the first stream of `stripe` is to be looked at, at the earliest.
    pub fn next_alarm_ms(&self, stripe: usize) -> i64 {
        self.slots[stripe].next_alarm_ms.load(Ordering::Acquire)
    }

    /// Publishes when the first stream of `stripe` is to be looked at; call with the stripe held.
    pub fn set_next_alarm_ms(&self, stripe: usize, at_ms: i64) {
        self.slots[stripe]
            .next_alarm_ms
            .store(at_ms, Ordering::Release);
    }

    /// What was loaded begins to live: its streams count anew, and are looked at. Takes one stripe at a time.
    pub fn settle_loaded(&self) {
        for number in 0..self.slots.len() {
            let mut stripe = self.lock(number);
            stripe.dbs.iter_mut().for_each(Db::count_anew);
            self.set_next_alarm_ms(number, stripe.next_alarm_ms());
            // Of a hash that is loaded only its own deadline is known so far, not those of its fields.
            self.set_next_deadline_ms(number, stripe.next_deadline_ms());
        }
    }

    fn lock(&self, stripe: usize) -> MutexGuard<'_, Stripe> {
        self.slots[stripe].stripe.lock()
    }

    fn lock_within(&self, stripe: usize, time: Duration) -> Option<MutexGuard<'_, Stripe>> {
        self.slots[stripe].stripe.try_lock_for(time)
    }

    fn try_lock(&self, stripe: usize) -> Option<MutexGuard<'_, Stripe>> {
        self.slots[stripe].stripe.try_lock()
    }
}
