//! A core's queue of messages from other cores, with a waker.
//!
//! Senders push under a short lock and wake the owner only when it sleeps (or is about to), so a busy core costs its
//! senders no system call. The owner's protocol is: `about_to_sleep`, poll for as long as that allows, `awake`, `drain`.
//! Order is kept: what one lock order pushes, the owner sees in that order.
//!
//! Senders may hold other locks, so a push never waits. The bound is therefore soft: `push` tells the sender when the
//! queue has passed `SOFT_BOUND`, and the sender slows down whoever caused it.

use parking_lot::Mutex;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering, fence};

/// Messages beyond which `push` reports a crowded inbox.
pub const SOFT_BOUND: usize = 65_536;

/// See the module's description.
pub struct Inbox<M> {
    queue: Mutex<Vec<M>>,
    /// True from `about_to_sleep` to `awake`, unless a sender has already sent a wake-up.
    sleeping: AtomicBool,
    /// When the owner will wake by itself, Unix milliseconds; meaningful while it sleeps.
    wakes_at_ms: AtomicI64,
    waker: mio::Waker,
}

impl<M> Inbox<M> {
    /// An inbox whose wake-ups arrive at `registry` under `token`.
    pub fn new(registry: &mio::Registry, token: mio::Token) -> io::Result<Self> {
        Ok(Inbox {
            queue: Mutex::new(Vec::new()),
            sleeping: AtomicBool::new(false),
            wakes_at_ms: AtomicI64::new(i64::MAX),
            waker: mio::Waker::new(registry, token)?,
        })
    }

    /// Appends a message and wakes the owner if it sleeps; true when the inbox is crowded.
    pub fn push(&self, message: M) -> bool {
        let crowded = {
            let mut queue = self.queue.lock();
            queue.push(message);
            queue.len() > SOFT_BOUND
        };
        fence(Ordering::SeqCst);
        self.wake();
        crowded
    }

    /// Wakes the owner if it would otherwise sleep beyond `deadline_ms`.
    pub fn wake_by(&self, deadline_ms: i64) {
        fence(Ordering::SeqCst);
        if self.wakes_at_ms.load(Ordering::Relaxed) > deadline_ms {
            self.wake();
        }
    }

    fn wake(&self) {
        if self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::AcqRel) {
            // A failed eventfd write means its counter is full, that is, a wake-up is already due.
            let _ = self.waker.wake();
        }
    }

    /// The owner announces that it will sleep until `until_ms`; false when there is mail and it must not.
    pub fn about_to_sleep(&self, until_ms: i64) -> bool {
        self.wakes_at_ms.store(until_ms, Ordering::Relaxed);
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.queue.lock().is_empty()
    }

    /// The owner is back.
    pub fn awake(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }

    /// Moves all messages to `into`, which must be empty; its capacity is used again by the queue.
    pub fn drain(&self, into: &mut Vec<M>) {
        debug_assert!(into.is_empty());
        std::mem::swap(&mut *self.queue.lock(), into);
    }
}
