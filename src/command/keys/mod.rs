//! A command's view of the keyspace: the stripes it holds, in the database its client selected, at its time.
//!
//! Here the rules live that hold for every type: a key whose time is up is removed (and said to be) the moment anybody looks
//! at it; a change raises the flags of those who watch the key and wakes those who wait for it. What happened
//! gathers in `Changes` and goes out when the command is done, still under its stripes.

mod changes;
mod deadlines;
mod fields;
mod logging;

pub use changes::{Changes, Event};

use super::error::{Error, WRONG_TYPE};
use super::times::Times;
use super::{hash, stream};
use crate::data::stream::NodeLimits;
use crate::data::{Kind, Value};
use crate::keyspace::notify;
use crate::keyspace::usage::Counting;
use crate::keyspace::{Db, Entry, Keyspace, Locked, NEVER, Stripe, Usage};
use std::mem::discriminant;

/// See the module's description.
pub struct Keys<'a, 'k> {
    /// The stripes held.
    pub locked: &'a mut Locked<'k>,
    /// What has happened so far.
    pub changes: &'a mut Changes,
    /// The database that keys are looked up in.
    pub db: usize,
    /// The time, Unix milliseconds.
    pub now_ms: i64,
    /// The time, steady milliseconds.
    pub steady_ms: i64,
    /// When a stream's nodes are full.
    pub limits: NodeLimits,
    /// False for a client that does not want its reads to count as use of a key (CLIENT NO-TOUCH).
    pub touch: bool,
    /// How uses are counted, under a policy of eviction that goes by them.
    pub counting: Option<Counting>,
    /// The log is being replayed: keys whose time is up stay until the log itself removes them.
    pub replaying: bool,
    /// Clients are paused: keys whose time is up are not there any more, but go only when the pause ends.
    pub keeps_expired: bool,
}

impl<'k> Keys<'_, 'k> {
    /// The keyspace.
    pub fn keyspace(&self) -> &'k Keyspace {
        self.locked.keyspace()
    }

    /// The stripe of `key`.
    pub fn stripe(&mut self, key: &[u8]) -> &mut Stripe {
        self.locked.stripe_of(key)
    }

    /// Steady time, Unix milliseconds: as groups keep it, so that no step of the wall clock ends a lease.
    pub fn steady(&self) -> u64 {
        self.steady_ms.max(0).unsigned_abs()
    }

    /// Wall time, Unix milliseconds: as ids have it.
    pub fn wall(&self) -> u64 {
        self.now_ms.max(0).unsigned_abs()
    }

    /// See [`Times`].
    #[inline]
    pub fn times(&self) -> Times {
        Times {
            wall_ms: self.now_ms,
            steady_ms: self.steady_ms,
            replaying: self.replaying,
        }
    }

    #[inline(always)]
    fn table(&mut self, key: &[u8]) -> &mut Db {
        let db = self.db;
        &mut self.locked.stripe_of(key).dbs[db]
    }

    /// The position of a key that lives; one whose time is up is removed.
    #[inline(always)]
    fn live_position(&mut self, key: &[u8]) -> Option<usize> {
        let now_ms = self.now_ms;
        let table = self.table(key);
        let position = table.position(key)?;
        if table.entry(position).deadline_ms() > now_ms {
            return Some(position);
        }
        self.expire(key, position)
    }

    /// Removes a key whose time is up, unless it is the log's to say so, or clients are paused.
    #[cold]
    fn expire(&mut self, key: &[u8], position: usize) -> Option<usize> {
        if self.replaying {
            return Some(position);
        }
        if self.keeps_expired {
            return None;
        }
        self.changes.expired += 1;
        self.remove_unasked(key, position, (notify::EXPIRED, "expired"));
        None
    }

    /// Removes `key` for want of memory, or because its time is up; false if there is no such key.
    pub fn evict(&mut self, key: &[u8]) -> bool {
        if self.table(key).position(key).is_none() {
            return false;
        }
        if let Some(position) = self.live_position(key) {
            self.changes.evicted += 1;
            self.remove_unasked(key, position, (notify::EVICTED, "evicted"));
        }
        true
    }

    fn remove_unasked(&mut self, key: &[u8], position: usize, event: (u32, &'static str)) {
        let entry = self.table(key).remove(position);
        self.changes.discard(entry.value);
        self.lost(key);
        self.changes.event(event.0, event.1, self.db, key);
        if self.is_logged() {
            self.locked.effects.unasked_removal(self.db, key);
        }
    }

    /// The entry of `key`, for a command that writes.
    #[inline(always)]
    pub fn find(&mut self, key: &[u8]) -> Option<&mut Entry> {
        let position = self.live_position(key)?;
        Some(self.used(key, position).entry_mut(position))
    }

    /// The entry of `key`, for a command that reads: counts hits and misses.
    #[inline]
    pub fn read(&mut self, key: &[u8]) -> Option<&Entry> {
        let position = self.read_position(key)?;
        let table = self.used(key, position);
        Some(table.entry(position))
    }

    /// The entry of `key`, for a command that counts as one that reads and yet needs it to itself.
    #[inline]
    pub fn read_mut(&mut self, key: &[u8]) -> Option<&mut Entry> {
        let position = self.read_position(key)?;
        Some(self.used(key, position).entry_mut(position))
    }

    #[inline]
    fn read_position(&mut self, key: &[u8]) -> Option<usize> {
        let position = self.live_position(key);
        self.counted(key, position)
    }

    /// Counts a read that found `key` there, or did not.
    #[inline]
    fn counted(&mut self, key: &[u8], position: Option<usize>) -> Option<usize> {
        match position {
            Some(_) => self.changes.hits += 1,
            None => {
                self.changes.misses += 1;
                self.changes.event(notify::KEYMISS, "keymiss", self.db, key);
            }
        }
        position
    }

    /// The table of `key`, whose entry at `position` is used.
    #[inline(always)]
    fn used(&mut self, key: &[u8], position: usize) -> &mut Db {
        let (now_ms, touch, counting) = (self.now_ms, self.touch, self.counting);
        let table = self.table(key);
        if touch {
            table.touch(position, now_ms, counting);
        }
        table
    }

    /// Says how `key` was used, whatever it was before.
    pub fn set_usage(&mut self, key: &[u8], usage: Usage) {
        if let Some(position) = self.live_position(key) {
            self.table(key).set_usage(position, usage);
        }
    }

    /// The entry of `key` for a command that asks about it: counts hits and misses, but not as use of it.
    pub fn inspect(&mut self, key: &[u8]) -> Option<&Entry> {
        let position = self.live_position(key);
        match position {
            Some(_) => self.changes.hits += 1,
            None => self.changes.misses += 1,
        }
        Some(self.table(key).entry(position?))
    }

    /// The entry of `key` without counting as use of it.
    pub fn peek(&mut self, key: &[u8]) -> Option<&Entry> {
        let position = self.live_position(key)?;
        Some(self.table(key).entry(position))
    }

    /// The value of `key` if it is of kind `T`, without counting as use of it.
    pub fn peek_as<T: Kind>(&mut self, key: &[u8]) -> Option<&T> {
        T::of(&self.peek(key)?.value)
    }

    /// The value of `key`, as somebody has just found it: to be looked at beside others.
    pub fn found(&self, key: &[u8]) -> Option<&Value> {
        let table = &self.locked.peek_stripe_of(key).dbs[self.db];
        Some(&table.entry(table.position(key)?).value)
    }

    /// The value of `key` for a command that writes, which must be of kind `T` if it is there.
    #[inline(always)]
    pub fn find_as<T: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut T>, Error> {
        let Some(position) = self.position_as::<T>(key) else {
            return Ok(None);
        };
        let entry = self.table(key).entry_mut(position);
        T::of_mut(&mut entry.value).map(Some).ok_or(WRONG_TYPE)
    }

    /// The value of `key` for a command that writes, which must be of kind `T`; what `make` makes if it is not there.
    #[inline(always)]
    pub fn find_or_make<T: Kind>(
        &mut self,
        key: &[u8],
        make: impl FnOnce() -> Value,
    ) -> Result<&mut T, Error> {
        let position = match self.position_as::<T>(key) {
            Some(position) => position,
            None => self.insert_at(key, make()),
        };
        let entry = self.table(key).entry_mut(position);
        T::of_mut(&mut entry.value).ok_or(WRONG_TYPE)
    }

    /// The position of a key that lives, which is used. Whatever was to happen to its value by now has, if that is of kind `T`.
    #[inline(always)]
    fn position_as<T: Kind>(&mut self, key: &[u8]) -> Option<usize> {
        self.position_or::<T>(key, Self::position_in_time::<T>)
    }

    /// The same; where something was to happen by now, `late` lets it and says what became of the key.
    #[inline(always)]
    fn position_or<T: Kind>(
        &mut self,
        key: &[u8],
        late: impl FnOnce(&mut Self, &[u8]) -> Option<usize>,
    ) -> Option<usize> {
        let now_ms = self.now_ms;
        let how = (now_ms, self.touch, self.counting);
        let table = self.table(key);
        let position = table.position(key)?;
        let is_as_it_is = |entry: &Entry| {
            let awaits_time = || T::of(&entry.value).and_then(T::next_due_ms).is_some();
            entry.deadline_ms() > now_ms && !awaits_time()
        };
        match table.use_if(position, how, is_as_it_is) {
            true => Some(position),
            false => late(self, key),
        }
    }

    /// The same for a key that goes, or whose value changes, when its time comes.
    #[cold]
    fn position_in_time<T: Kind>(&mut self, key: &[u8]) -> Option<usize> {
        let position = self.live_position(key)?;
        let value = &self.used(key, position).entry(position).value;
        let due_ms = T::of(value).and_then(T::next_due_ms).unwrap_or(u64::MAX);
        let is_hash = matches!(value, Value::Hash(_));
        match is_hash {
            _ if self.replaying => {}
            // Nothing is added to a stream, or taken from it, while clients are paused.
            false if self.keeps_expired => {}
            true if due_ms <= self.wall() => {
                hash::expire::expire_all(self, key);
                return self.live_position(key);
            }
            false if due_ms <= self.times().latest_ms() => stream::attend::promote(self, key),
            _ => {}
        }
        Some(position)
    }

    /// The value of `key` for a command that reads, which must be of kind `T` if it is there.
    pub fn read_as<T: Kind>(&mut self, key: &[u8]) -> Result<Option<&T>, Error> {
        let position = self.position_as::<T>(key);
        let Some(position) = self.counted(key, position) else {
            return Ok(None);
        };
        let entry = self.table(key).entry(position);
        T::of(&entry.value).map(Some).ok_or(WRONG_TYPE)
    }

    /// The value of `key`, which must be of kind `T` if it is there, for a command that changes it but counts as one that reads: a
    /// group's reads and acknowledgements.
    pub fn read_as_mut<T: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut T>, Error> {
        let position = self.position_as::<T>(key);
        let Some(position) = self.counted(key, position) else {
            return Ok(None);
        };
        let entry = self.table(key).entry_mut(position);
        T::of_mut(&mut entry.value).map(Some).ok_or(WRONG_TYPE)
    }

    /// True if `key` exists.
    pub fn contains(&mut self, key: &[u8]) -> bool {
        self.live_position(key).is_some()
    }

    /// Gives `key` a new value and no expiry, whatever it held before.
    pub fn insert(&mut self, key: &[u8], value: Value) {
        let Some(position) = self.live_position(key) else {
            self.insert_new(key, value);
            return;
        };
        let table = self.table(key);
        if table.entry(position).deadline_ms() != NEVER {
            table.set_deadline_ms(position, NEVER);
        }
        self.overwrite(key, position, value);
    }

    /// Gives `key` a new value and keeps its expiry if it has one.
    pub fn insert_keeping_expiry(&mut self, key: &[u8], value: Value) {
        match self.live_position(key) {
            Some(position) => self.overwrite(key, position, value),
            None => {
                self.insert_new(key, value);
            }
        }
    }

    fn overwrite(&mut self, key: &[u8], position: usize, value: Value) {
        let table = self.used(key, position);
        let retyped = discriminant(&table.entry(position).value) != discriminant(&value);
        let old = table.replace(position, value);
        self.publish(key);
        self.changes.discard(old);
        self.changes
            .event(notify::OVERWRITTEN, "overwritten", self.db, key);
        if retyped {
            self.changes
                .event(notify::TYPE_CHANGED, "type_changed", self.db, key);
        }
        let db = self.db;
        self.locked.stripe_of(key).signal_replaced(db, key);
    }

    /// Adds a key that is not there.
    pub fn insert_new(&mut self, key: &[u8], value: Value) -> &mut Entry {
        let position = self.insert_at(key, value);
        self.table(key).entry_mut(position)
    }

    fn insert_at(&mut self, key: &[u8], value: Value) -> usize {
        let now_ms = self.now_ms;
        let position = self.table(key).insert(key, value, now_ms);
        self.publish(key);
        self.changes.event(notify::NEW, "new", self.db, key);
        self.ready(key);
        position
    }

    /// Removes `key`; true if it was there. Large values are freed elsewhere.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        match self.take(key) {
            Some(entry) => {
                self.changes.discard(entry.value);
                true
            }
            None => false,
        }
    }

    /// Removes `key` and returns what it was.
    pub fn take(&mut self, key: &[u8]) -> Option<Entry> {
        let position = self.live_position(key)?;
        let entry = self.table(key).remove(position);
        self.lost(key);
        Some(entry)
    }

    /// A key is gone: transactions that watch it fail, and streams' readers hear of it.
    fn lost(&mut self, key: &[u8]) {
        let db = self.db;
        let stripe = self.locked.stripe_of(key);
        stripe.signal_changed(db, key);
        stripe.signal_ready(db, key);
    }

    /// Notes that `key` was changed: counts it, and fails the transactions that watch it.
    #[inline(always)]
    pub fn changed(&mut self, key: &[u8]) {
        self.changes.dirty += 1;
        let db = self.db;
        self.locked.stripe_of(key).signal_changed(db, key);
    }

    /// Notes that `count` changes of `key` were made beside the request.
    pub fn changed_aside(&mut self, key: &[u8], count: u64) {
        self.changes.dirty_aside += count;
        let db = self.db;
        self.locked.stripe_of(key).signal_changed(db, key);
    }

    /// Notes that `key` may serve a client that waits on it. Inserting and removing keys does this by itself; a
    /// command that adds to an existing stream calls it.
    #[inline(always)]
    pub fn ready(&mut self, key: &[u8]) {
        let db = self.db;
        self.locked.stripe_of(key).signal_ready(db, key);
    }

    /// Notes that a lease has begun in the stream at `key`: who waits for one to run out looks when that will be.
    #[inline]
    pub fn leased(&mut self, key: &[u8]) {
        let db = self.db;
        self.locked.stripe_of(key).signal_leased(db, key);
    }

    /// Notes that `key` was changed by what may serve a client that waits on it: `changed` and `ready` at once.
    #[inline(always)]
    pub fn fed(&mut self, key: &[u8]) {
        self.changes.dirty += 1;
        let db = self.db;
        let stripe = self.locked.stripe_of(key);
        stripe.signal_changed(db, key);
        stripe.signal_ready(db, key);
    }

    /// Publishes a keyspace event once the command is done.
    #[inline(always)]
    pub fn notify(&mut self, class: u32, event: &'static str, key: &[u8]) {
        self.changes.event(class, event, self.db, key);
    }

    /// The same view in another database.
    pub fn in_db(&mut self, db: usize) -> Keys<'_, 'k> {
        Keys {
            locked: self.locked,
            changes: self.changes,
            db,
            now_ms: self.now_ms,
            steady_ms: self.steady_ms,
            limits: self.limits,
            touch: self.touch,
            counting: self.counting,
            replaying: self.replaying,
            keeps_expired: self.keeps_expired,
        }
    }

    /// Runs `f` on one stripe after another: those held, or, when none is, each locked in turn. For commands whose row says
    /// that they lock for themselves.
    pub fn each_stripe(&mut self, mut f: impl FnMut(&mut Keys<'_, 'k>, usize)) {
        for stripe in 0..self.keyspace().stripes() {
            self.with_stripe(stripe, |keys| f(keys, stripe));
        }
    }

    /// Runs `f` with `stripe` held, which is one of those held, or nothing is: any other would be taken against the order.
    pub fn with_stripe<R>(&mut self, stripe: usize, f: impl FnOnce(&mut Keys<'_, 'k>) -> R) -> R {
        if self.locked.holds(stripe) {
            return f(self);
        }
        assert!(self.locked.is_empty(), "stripes are taken in order");
        let mut locked = Locked::new(self.keyspace());
        locked.acquire_one(stripe);
        self.with_locked(&mut locked, f)
    }

    /// The same, unless somebody holds the stripe for long.
    pub fn with_stripe_soon<R>(
        &mut self,
        stripe: usize,
        f: impl FnOnce(&mut Keys<'_, 'k>) -> R,
    ) -> Option<R> {
        if self.locked.holds(stripe) {
            return Some(f(self));
        }
        assert!(self.locked.is_empty(), "stripes are taken in order");
        let mut locked = Locked::new(self.keyspace());
        locked
            .acquire_one_soon(stripe)
            .then(|| self.with_locked(&mut locked, f))
    }

    fn with_locked<R>(
        &mut self,
        locked: &mut Locked<'k>,
        f: impl FnOnce(&mut Keys<'_, 'k>) -> R,
    ) -> R {
        let result = f(&mut Keys {
            locked,
            changes: self.changes,
            db: self.db,
            now_ms: self.now_ms,
            steady_ms: self.steady_ms,
            limits: self.limits,
            touch: self.touch,
            counting: self.counting,
            replaying: self.replaying,
            keeps_expired: self.keeps_expired,
        });
        locked.release();
        self.locked.take_over(locked);
        result
    }
}
