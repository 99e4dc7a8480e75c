//! A core's queue of messages from other cores, with a waker.
//!
//! Senders push under a short lock and wake the owner only when it sleeps (or is about to), so a busy core costs its
//! senders no system call. The owner's protocol is: `about_to_sleep`, poll for as long as that allows, `awake`, `drain`.
//! Order is kept: what one lock order pushes, the owner sees in that order.
//!
//! Senders may hold other locks, so a push never waits. The bounds are therefore soft: `push` tells the sender when the
//! queue has passed one, and the sender slows down whoever caused it.
//!
//! A deadline needs no message: `wake_by` leaves the earliest one in `due_ms`, where the owner finds it before it sleeps.

use parking_lot::Mutex;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering, fence};

/// Messages beyond which `push` reports a crowded inbox.
pub const SOFT_BOUND: usize = 65_536;
/// Bytes of messages beyond which `push` reports a crowded inbox.
pub const SOFT_BOUND_BYTES: usize = 64 * 1024 * 1024;

struct Queue<M> {
    messages: Vec<M>,
    bytes: usize,
}

/// See the module's description.
pub struct Inbox<M> {
    queue: Mutex<Queue<M>>,
    /// There are messages. Changes under the queue's lock.
    has_mail: AtomicBool,
    /// True from `about_to_sleep` to `awake`, unless a sender has already sent a wake-up.
    sleeping: AtomicBool,
    /// When the owner will wake by itself, steady milliseconds; meaningful while it sleeps.
    wakes_at_ms: AtomicI64,
    /// The earliest deadline that senders have told since the owner last looked, steady milliseconds.
    due_ms: AtomicI64,
    waker: mio::Waker,
}

impl<M> Inbox<M> {
    /// An inbox whose wake-ups arrive at `registry` under `token`.
    pub fn new(registry: &mio::Registry, token: mio::Token) -> io::Result<Self> {
        Ok(Inbox {
            queue: Mutex::new(Queue {
                messages: Vec::new(),
                bytes: 0,
            }),
            has_mail: AtomicBool::new(false),
            sleeping: AtomicBool::new(false),
            wakes_at_ms: AtomicI64::new(i64::MAX),
            due_ms: AtomicI64::new(i64::MAX),
            waker: mio::Waker::new(registry, token)?,
        })
    }

    /// Appends a message that keeps `bytes` in memory and wakes the owner if it sleeps; true when the inbox is crowded.
    pub fn push(&self, message: M, bytes: usize) -> bool {
        let crowded = {
            let mut queue = self.queue.lock();
            queue.messages.push(message);
            queue.bytes += bytes;
            self.has_mail.store(true, Ordering::Relaxed);
            queue.messages.len() > SOFT_BOUND || queue.bytes > SOFT_BOUND_BYTES
        };
        fence(Ordering::SeqCst);
        self.wake();
        crowded
    }

    /// Sees to it that the owner does not sleep beyond `deadline_ms`.
    pub fn wake_by(&self, deadline_ms: i64) {
        self.due_ms.fetch_min(deadline_ms, Ordering::Relaxed);
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

    /// True when there are messages, all those among them that were pushed under a lock which the caller has taken since.
    pub fn has_mail(&self) -> bool {
        self.has_mail.load(Ordering::Relaxed)
    }

    /// The owner announces that it will sleep until `until_ms`; returns until when it may: earlier if senders told a deadline, not at
    /// all if there is mail.
    pub fn about_to_sleep(&self, until_ms: i64) -> Option<i64> {
        self.wakes_at_ms.store(until_ms, Ordering::Relaxed);
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let due_ms = self.due_ms.swap(i64::MAX, Ordering::Relaxed);
        (!self.has_mail()).then_some(until_ms.min(due_ms))
    }

    /// The owner is back.
    pub fn awake(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }

    /// Moves the messages that are `wanted` to `into`; the others stay, in their order.
    pub fn pick(&self, wanted: impl Fn(&M) -> bool, into: &mut Vec<M>) {
        let messages = &mut self.queue.lock().messages;
        into.extend(messages.extract_if(.., |message| wanted(message)));
        self.has_mail.store(!messages.is_empty(), Ordering::Relaxed);
    }

    /// Moves all messages to `into`, which must be empty; its capacity is used again by the queue.
    pub fn drain(&self, into: &mut Vec<M>) {
        debug_assert!(into.is_empty());
        let mut queue = self.queue.lock();
        queue.bytes = 0;
        self.has_mail.store(false, Ordering::Relaxed);
        std::mem::swap(&mut queue.messages, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    fn inbox() -> (mio::Poll, Arc<Inbox<u32>>) {
        let poll = mio::Poll::new().expect("there are descriptors");
        let inbox = Inbox::new(poll.registry(), mio::Token(0)).expect("there are descriptors");
        (poll, Arc::new(inbox))
    }

    #[test]
    fn every_message_ends_the_sleep_it_finds() {
        const MESSAGES: u32 = 20_000;
        let (mut poll, inbox) = inbox();
        let sender = inbox.clone();
        let sending = std::thread::spawn(move || {
            for message in 0..MESSAGES {
                sender.push(message, 0);
                if message % 7 == 0 {
                    std::thread::yield_now();
                }
            }
        });
        let (mut events, mut mail, mut next) = (mio::Events::with_capacity(4), Vec::new(), 0);
        while next < MESSAGES {
            if inbox.about_to_sleep(i64::MAX).is_some() {
                let began = Instant::now();
                let patience = Duration::from_secs(10);
                poll.poll(&mut events, Some(patience)).expect("it polls");
                assert!(began.elapsed() < patience, "nobody woke the owner");
            }
            inbox.awake();
            inbox.drain(&mut mail);
            for message in mail.drain(..) {
                assert_eq!(message, next);
                next += 1;
            }
        }
        sending.join().expect("the sender sends");
    }

    #[test]
    fn a_deadline_told_to_one_awake_is_kept_for_its_next_sleep() {
        let (mut poll, inbox) = inbox();
        assert_eq!(inbox.about_to_sleep(500), Some(500));
        inbox.awake();
        inbox.wake_by(300);
        inbox.wake_by(400);
        assert_eq!(inbox.about_to_sleep(500), Some(300));
        inbox.wake_by(200);
        let mut events = mio::Events::with_capacity(4);
        poll.poll(&mut events, Some(Duration::from_secs(10)))
            .expect("it polls");
        assert!(!events.is_empty(), "an earlier deadline wakes a sleeper");
        inbox.awake();
        assert_eq!(inbox.about_to_sleep(500), Some(200));
    }

    #[test]
    fn crowds_are_told_of_by_number_and_by_bytes() {
        let (_poll, inbox) = inbox();
        assert!(!inbox.push(0, SOFT_BOUND_BYTES));
        assert!(inbox.push(0, 1));
        inbox.drain(&mut Vec::new());
        assert!((0..SOFT_BOUND as u32).all(|message| !inbox.push(message, 0)));
        assert!(inbox.push(0, 0));
    }
}
