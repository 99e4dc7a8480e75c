//! One lock-protected partition: its share of every database, the clients that wait or watch there, and the keys that
//! became ready but whose waiters have yet to be served.

use super::db::Db;
use super::ready::ReadyKeys;
use super::waiters::{Queue, Waiting};
use super::watch::Watched;

/// A key in a database.
pub type DbKey = (u32, Box<[u8]>);

/// See the module's description.
pub struct Stripe {
    /// This stripe's share of each database.
    pub dbs: Vec<Db>,
    /// Clients blocked on keys of this stripe.
    pub waiting: Waiting,
    /// Transactions that watch keys of this stripe.
    pub watched: Watched,
    /// Keys with waiters that became ready, in order.
    pub ready: ReadyKeys,
    /// Databases that were emptied before the snapshot under way was done with them.
    pub detached: Vec<Db>,
    /// The log's offset after the last effect on this stripe that a client asked for.
    pub(super) logged_to: u64,
}

impl Stripe {
    pub(super) fn new(databases: usize) -> Self {
        Stripe {
            dbs: (0..databases).map(|_| Db::default()).collect(),
            waiting: Waiting::default(),
            watched: Watched::default(),
            ready: ReadyKeys::default(),
            detached: Vec::new(),
            logged_to: 0,
        }
    }

    /// Empties database `db` and gives what it held, unless a snapshot still needs that.
    pub fn empty(&mut self, db: usize) -> Option<Db> {
        let emptied = std::mem::take(&mut self.dbs[db]);
        if emptied.walk().is_none() {
            return Some(emptied);
        }
        self.detached.push(emptied);
        None
    }

    /// Fails the transactions that watch `key`.
    #[inline(always)]
    pub fn signal_changed(&self, db: usize, key: &[u8]) {
        if !self.watched.is_empty() {
            self.watched.touch(db, key);
        }
    }

    /// Notes that `key` may now serve a client that waits on it.
    #[inline(always)]
    pub fn signal_ready(&mut self, db: usize, key: &[u8]) {
        if !self.waiting.is_empty() && self.waiting.has(db, key) {
            self.push_ready(db, key);
        }
    }

    /// Notes that what `key` held gave way to another value: who waits for the loss of a stream hears of it. Whom the other value could
    /// serve waits on, as in Redis.
    #[inline]
    pub fn signal_replaced(&mut self, db: usize, key: &[u8]) {
        if !self.waiting.is_empty()
            && (self.waiting.queue(db, key)).is_some_and(|queue| queue.losses() > 0)
        {
            self.push_ready(db, key);
        }
    }

    /// Notes that a lease has begun in the stream at `key`, for those who wait for leases to run out.
    #[inline]
    pub fn signal_leased(&mut self, db: usize, key: &[u8]) {
        if !self.waiting.is_empty()
            && (self.waiting.queue(db, key)).is_some_and(Queue::awaits_leases)
        {
            self.push_ready(db, key);
        }
    }

    #[cold]
    fn push_ready(&mut self, db: usize, key: &[u8]) {
        self.ready.add(db, key);
    }

    /// The earliest deadline of any key here.
    pub fn next_deadline_ms(&self) -> i64 {
        self.dbs
            .iter()
            .map(Db::next_deadline_ms)
            .min()
            .unwrap_or(super::NEVER)
    }

    /// When the first stream here is to be looked at, steady milliseconds.
    pub fn next_alarm_ms(&self) -> i64 {
        let alarms = self.dbs.iter().filter_map(Db::next_alarm_ms);
        alarms.min().map_or(super::NEVER, |at_ms| {
            i64::try_from(at_ms).unwrap_or(super::NEVER)
        })
    }
}
