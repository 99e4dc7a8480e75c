//! A core's timers: when blocked clients give up. A timer that no longer matters is recognised when it fires, and dropped.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A blocked client's deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// When it fires, Unix milliseconds.
    pub at_ms: i64,
    /// The waiter's ticket, which tells whether the client still waits for the same thing.
    pub ticket: u64,
    /// The connection's token.
    pub token: usize,
}

/// Timers by time.
#[derive(Debug, Default)]
pub struct Timers(BinaryHeap<Reverse<Timer>>);

impl Timers {
    /// Adds a timer.
    pub fn add(&mut self, timer: Timer) {
        self.0.push(Reverse(timer));
    }

    /// When the next one fires.
    pub fn next_ms(&self) -> Option<i64> {
        self.0.peek().map(|Reverse(timer)| timer.at_ms)
    }

    /// Takes one that is due.
    pub fn pop_due(&mut self, now_ms: i64) -> Option<Timer> {
        if self.next_ms()? > now_ms {
            return None;
        }
        self.0.pop().map(|Reverse(timer)| timer)
    }
}
