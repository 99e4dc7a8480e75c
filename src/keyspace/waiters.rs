//! Clients blocked on keys: per key a queue in order of arrival.
//!
//! A waiter stands in the queue of every key it waits for and is claimed by one compare-and-swap, whoever gets there
//! first: the command that feeds a key, its timeout, its disconnect, or CLIENT UNBLOCK. Serving claims it as `SERVING` first, so
//! that an attempt which finds nothing for it can put it back:
//!
//! ```text
//!   WAITING --serve--> SERVING --served--> DONE
//!      ^                  |
//!      +---nothing yet----+          WAITING --timeout, unblock, disconnect (`claim`)--> DONE
//! ```
//!
//! The queues hold no decision about what a waiter gets: that is the command's, run again under the stripes it needs.

use super::stripe::DbKey;
use crate::base::clock::Now;
use crate::resp::{OwnedRequest, Version};
use ahash::AHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

const WAITING: u8 = 0;
const SERVING: u8 = 1;
const DONE: u8 = 2;

/// What kind of value can serve a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaits {
    /// A list.
    List,
    /// A sorted set.
    SortedSet,
    /// A stream.
    Stream,
    /// A stream, and also the loss of it: the command then fails and must say so.
    StreamOrLoss,
    /// The same, and also that a lease in it begins: what is idle first may be another entry then.
    StreamOrLease,
    /// No key: only time.
    Nothing,
    /// No key: that a shutdown which was ordered does not come about.
    Staying,
    /// No key: that the log is durable up to this offset.
    Durable(u64),
}

impl Awaits {
    fn hears_of_loss(self) -> bool {
        matches!(self, Awaits::StreamOrLoss | Awaits::StreamOrLease)
    }
}

/// What a client that waited in vain is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTimeout {
    /// The null array.
    NullArray,
    /// The null bulk string.
    Null,
    /// A number.
    Int(i64),
    /// An array of two numbers: 1 if the log is durable up to this offset by then, and 0.
    Durable(u64),
}

/// What a blocked client waits for and gets.
#[derive(Debug)]
pub struct Wait {
    /// Core of the client's connection.
    pub core: usize,
    /// Token of the client's connection on its core.
    pub token: usize,
    /// The client's id.
    pub client_id: u64,
    /// The client's database.
    pub db: usize,
    /// The client's protocol version.
    pub version: Version,
    /// The command, to be run again when a key is ready.
    pub request: OwnedRequest,
    /// The keys it waits for.
    pub keys: Vec<Box<[u8]>>,
    /// What can serve it.
    pub awaits: Awaits,
    /// What it is told when time is up.
    pub on_timeout: OnTimeout,
    /// When it gives up, steady milliseconds; `NEVER` for not at all.
    pub deadline_ms: i64,
    /// When it began.
    pub since: Now,
}

/// A blocked client: its wait, its place in line, and whether the wait has ended.
#[derive(Debug)]
pub struct Waiter {
    /// Place in every queue: the order of arrival over the whole server.
    pub ticket: u64,
    /// What it waits for.
    pub wait: Wait,
    state: AtomicU8,
}

static NEXT_TICKET: AtomicU64 = AtomicU64::new(1);

impl Waiter {
    /// Takes a ticket; the wait begins.
    pub fn new(wait: Wait) -> Arc<Self> {
        Arc::new(Waiter {
            ticket: NEXT_TICKET.fetch_add(1, Ordering::Relaxed),
            wait,
            state: AtomicU8::new(WAITING),
        })
    }

    /// Ends the wait; false when somebody else has ended it. An attempt to serve is waited for: it is short, and takes no lock that
    /// the caller may hold.
    pub fn claim(&self) -> bool {
        while !self.try_claim() {
            if self.is_done() {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }

    /// Ends the wait, unless it has ended or somebody attempts to serve.
    pub fn try_claim(&self) -> bool {
        self.swap(WAITING, DONE)
    }

    /// Begins an attempt to serve.
    pub fn begin_serving(&self) -> bool {
        self.swap(WAITING, SERVING)
    }

    /// Ends an attempt to serve that `begin_serving` began.
    pub fn end_serving(&self, served: bool) {
        self.state
            .store(if served { DONE } else { WAITING }, Ordering::Release);
    }

    /// True once the wait has ended.
    pub fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) == DONE
    }

    fn swap(&self, from: u8, to: u8) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// One key's waiters in order of arrival.
#[derive(Debug, Default)]
pub struct Queue {
    by_ticket: BTreeMap<u64, Arc<Waiter>>,
    losses: usize,
    leases: usize,
}

impl Queue {
    /// The waiters behind `ticket`.
    pub fn after(&self, ticket: u64) -> impl Iterator<Item = &Arc<Waiter>> {
        self.by_ticket.range(ticket + 1..).map(|(_, waiter)| waiter)
    }

    /// Number of waiters that want to hear of the key's loss.
    pub fn losses(&self) -> usize {
        self.losses
    }

    /// True when somebody wants to hear that a lease begins.
    pub fn awaits_leases(&self) -> bool {
        self.leases > 0
    }

    fn add(&mut self, waiter: &Arc<Waiter>) {
        if self
            .by_ticket
            .insert(waiter.ticket, waiter.clone())
            .is_none()
        {
            let awaits = waiter.wait.awaits;
            self.losses += usize::from(awaits.hears_of_loss());
            self.leases += usize::from(awaits == Awaits::StreamOrLease);
        }
    }

    fn remove(&mut self, ticket: u64) {
        if let Some(waiter) = self.by_ticket.remove(&ticket) {
            let awaits = waiter.wait.awaits;
            self.losses -= usize::from(awaits.hears_of_loss());
            self.leases -= usize::from(awaits == Awaits::StreamOrLease);
        }
    }
}

/// The waiters of one stripe.
#[derive(Default)]
pub struct Waiting {
    queues: AHashMap<DbKey, Queue>,
}

impl Waiting {
    /// True when nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// True when somebody waits for `key`.
    pub fn has(&self, db: usize, key: &[u8]) -> bool {
        self.queues.contains_key(&(db as u32, key.into()))
    }

    /// The waiters of `key`.
    pub fn queue(&self, db: usize, key: &[u8]) -> Option<&Queue> {
        self.queues.get(&(db as u32, key.into()))
    }

    /// The keys of `db` that somebody waits for.
    pub fn keys_in(&self, db: usize) -> Vec<Box<[u8]>> {
        self.queues
            .keys()
            .filter(|(key_db, _)| *key_db as usize == db)
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// Number of keys somebody waits for, and of those whose loss somebody wants to hear of.
    pub fn counts(&self) -> (usize, usize) {
        let on_loss = self
            .queues
            .values()
            .filter(|queue| queue.losses > 0)
            .count();
        (self.queues.len(), on_loss)
    }

    /// Appends `waiter` to the queue of `key`.
    pub fn add(&mut self, db: usize, key: &[u8], waiter: &Arc<Waiter>) {
        self.queues
            .entry((db as u32, key.into()))
            .or_default()
            .add(waiter);
    }

    /// Takes the waiter with `ticket` out of the queue of `key`.
    pub fn remove(&mut self, db: usize, key: &[u8], ticket: u64) {
        let place = (db as u32, key.into());
        if let Some(queue) = self.queues.get_mut(&place) {
            queue.remove(ticket);
            if queue.by_ticket.is_empty() {
                self.queues.remove(&place);
            }
        }
    }
}
