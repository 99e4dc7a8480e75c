//! One lock-protected partition: its share of every database, the clients that wait or watch there, and the keys that
//! became ready but whose waiters have yet to be served.

use super::db::Db;
use super::waiters::Waiting;
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
    pub ready: Vec<DbKey>,
}

impl Stripe {
    pub(super) fn new(databases: usize) -> Self {
        Stripe {
            dbs: (0..databases).map(|_| Db::default()).collect(),
            waiting: Waiting::default(),
            watched: Watched::default(),
            ready: Vec::new(),
        }
    }

    /// Notes that `key` may now serve a client that waits on it.
    #[inline]
    pub fn signal_ready(&mut self, db: usize, key: &[u8]) {
        if !self.waiting.is_empty() && self.waiting.has(db, key) {
            self.push_ready(db, key);
        }
    }

    #[cold]
    fn push_ready(&mut self, db: usize, key: &[u8]) {
        let known = self
            .ready
            .iter()
            .any(|(ready_db, ready_key)| *ready_db as usize == db && **ready_key == *key);
        if !known {
            self.ready.push((db as u32, key.into()));
        }
    }

    /// The earliest deadline of any key here.
    pub fn next_deadline_ms(&self) -> i64 {
        self.dbs
            .iter()
            .map(Db::next_deadline_ms)
            .min()
            .unwrap_or(super::NEVER)
    }
}
