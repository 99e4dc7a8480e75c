//! A command's view of the keyspace: the stripes it holds, in the database its client selected, at its time.
//!
//! Here the rules live that hold for every type: a key whose time is up is removed (and said to be) the moment anybody looks
//! at it; a change raises the flags of those who watch the key and wakes those who wait for it. What happened
//! gathers in `Changes` and goes out when the command is done, still under its stripes.

use super::error::{Error, WRONG_TYPE};
use crate::data::{Kind, Value};
use crate::keyspace::notify;
use crate::keyspace::{Db, Entry, Keyspace, Locked, NEVER, Stripe};
use std::mem::discriminant;

/// A keyspace event to be published.
#[derive(Debug)]
pub struct Event {
    /// Database of the key.
    pub db: usize,
    /// What happened.
    pub name: &'static str,
    /// To which key.
    pub key: Box<[u8]>,
}

/// What commands have done to the keyspace and what has to follow from it.
#[derive(Debug, Default)]
pub struct Changes {
    /// Changes made, as INFO's `rdb_changes_since_last_save` counts them.
    pub dirty: u64,
    /// Classes of events that somebody may listen to.
    pub classes: u32,
    /// Events to publish, in order.
    pub events: Vec<Event>,
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Keys removed because their time was up.
    pub expired: u64,
    /// Values to be freed away from the event loop.
    pub discarded: Vec<Value>,
    /// The stripes that got a key with a deadline, and the deadline.
    pub deadlines: Vec<(usize, i64)>,
}

impl Changes {
    /// Notes an event of `class` if somebody may listen.
    #[inline]
    pub fn event(&mut self, class: u32, name: &'static str, db: usize, key: &[u8]) {
        if self.classes & class != 0 {
            self.events.push(Event {
                db,
                name,
                key: key.into(),
            });
        }
    }

    fn discard(&mut self, value: Value) {
        if value.is_costly_to_free() {
            self.discarded.push(value);
        }
    }
}

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
    /// False for a client that does not want its reads to count as use of a key (CLIENT NO-TOUCH).
    pub touch: bool,
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
        self.expire(key, position);
        None
    }

    #[cold]
    fn expire(&mut self, key: &[u8], position: usize) {
        let entry = self.table(key).remove(position);
        self.changes.discard(entry.value);
        self.changes.expired += 1;
        self.lost(key);
        self.changes.event(notify::EXPIRED, "expired", self.db, key);
    }

    /// The entry of `key`, for a command that writes.
    #[inline(always)]
    pub fn find(&mut self, key: &[u8]) -> Option<&mut Entry> {
        let position = self.live_position(key)?;
        Some(self.used(key, position))
    }

    /// The entry of `key`, for a command that reads: counts hits and misses.
    #[inline]
    pub fn read(&mut self, key: &[u8]) -> Option<&mut Entry> {
        let Some(position) = self.live_position(key) else {
            self.changes.misses += 1;
            self.changes.event(notify::KEYMISS, "keymiss", self.db, key);
            return None;
        };
        self.changes.hits += 1;
        Some(self.used(key, position))
    }

    #[inline(always)]
    fn used(&mut self, key: &[u8], position: usize) -> &mut Entry {
        let (now_ms, touch) = (self.now_ms, self.touch);
        let entry = self.table(key).entry_mut(position);
        if touch {
            entry.used_ms = now_ms;
        }
        entry
    }

    /// The entry of `key` without counting as use of it.
    pub fn peek(&mut self, key: &[u8]) -> Option<&mut Entry> {
        let position = self.live_position(key)?;
        Some(self.table(key).entry_mut(position))
    }

    /// The value of `key` for a command that writes, which must be of kind `T` if it is there.
    #[inline(always)]
    pub fn find_as<T: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut T>, Error> {
        match self.find(key) {
            None => Ok(None),
            Some(entry) => T::of_mut(&mut entry.value).map(Some).ok_or(WRONG_TYPE),
        }
    }

    /// The value of `key` for a command that reads, which must be of kind `T` if it is there.
    pub fn read_as<T: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut T>, Error> {
        match self.read(key) {
            None => Ok(None),
            Some(entry) => T::of_mut(&mut entry.value).map(Some).ok_or(WRONG_TYPE),
        }
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
        let now_ms = self.now_ms;
        let entry = self.table(key).entry_mut(position);
        entry.used_ms = now_ms;
        let retyped = discriminant(&entry.value) != discriminant(&value);
        let old = entry.replace(value);
        self.changes.discard(old);
        self.changes
            .event(notify::OVERWRITTEN, "overwritten", self.db, key);
        if retyped {
            self.changes
                .event(notify::TYPE_CHANGED, "type_changed", self.db, key);
        }
        self.ready(key);
    }

    /// Adds a key that is not there.
    pub fn insert_new(&mut self, key: &[u8], value: Value) -> &mut Entry {
        let now_ms = self.now_ms;
        let position = self.table(key).insert(key, value, now_ms);
        self.changes.event(notify::NEW, "new", self.db, key);
        self.ready(key);
        self.table(key).entry_mut(position)
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
        if !stripe.watched.is_empty() {
            stripe.watched.touch(db, key);
        }
        stripe.signal_ready(db, key);
    }

    /// Sets when `key`, which exists, expires; `NEVER` for not at all.
    pub fn set_deadline_ms(&mut self, key: &[u8], deadline_ms: i64) {
        if let Some(position) = self.live_position(key) {
            self.set_deadline_at(key, position, deadline_ms);
        }
    }

    fn set_deadline_at(&mut self, key: &[u8], position: usize, deadline_ms: i64) {
        let table = self.table(key);
        if table.entry(position).deadline_ms() == deadline_ms {
            return;
        }
        table.set_deadline_ms(position, deadline_ms);
        if deadline_ms == NEVER {
            return;
        }
        let keyspace = self.keyspace();
        let stripe = keyspace.stripe_of(key);
        if deadline_ms < keyspace.next_deadline_ms(stripe) {
            keyspace.set_next_deadline_ms(stripe, deadline_ms);
            self.changes.deadlines.push((stripe, deadline_ms));
        }
    }

    /// Notes that `key` was changed: counts it, and fails the transactions that watch it.
    #[inline(always)]
    pub fn changed(&mut self, key: &[u8]) {
        self.changes.dirty += 1;
        let db = self.db;
        let stripe = self.locked.stripe_of(key);
        if !stripe.watched.is_empty() {
            stripe.watched.touch(db, key);
        }
    }

    /// Notes that `key` may serve a client that waits on it. Inserting and removing keys does this by itself; a
    /// command that adds to an existing stream calls it.
    #[inline(always)]
    pub fn ready(&mut self, key: &[u8]) {
        let db = self.db;
        self.locked.stripe_of(key).signal_ready(db, key);
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
            touch: self.touch,
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
        let keyspace = self.keyspace();
        let mut locked = Locked::new(keyspace);
        locked.acquire_one(stripe);
        f(&mut Keys {
            locked: &mut locked,
            changes: self.changes,
            db: self.db,
            now_ms: self.now_ms,
            touch: self.touch,
        })
    }
}
