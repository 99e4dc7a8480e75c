//! A core's timers: when blocked clients give up. A timer that no longer matters is recognised when it fires, and dropped; when
//! such timers may be the most of all, they are dropped together, so that their number stays within twice that of blocked clients.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A blocked client's deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// When it fires, steady milliseconds.
    pub at_ms: i64,
    /// The waiter's ticket, which tells whether the client still waits for the same thing.
    pub ticket: u64,
    /// The connection's token.
    pub token: usize,
}

/// Timers that are kept without asking which of them still matter.
const UNCHECKED: usize = 1024;

/// Timers by time.
#[derive(Debug)]
pub struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    /// The number at which those that no longer matter are dropped.
    bound: usize,
}

impl Default for Timers {
    fn default() -> Self {
        Timers {
            heap: BinaryHeap::new(),
            bound: UNCHECKED,
        }
    }
}

impl Timers {
    /// Adds a timer; `matters` tells whether an older one still does.
    pub fn add(&mut self, timer: Timer, matters: impl Fn(&Timer) -> bool) {
        if self.heap.len() >= self.bound {
            self.heap.retain(|Reverse(timer)| matters(timer));
            self.bound = UNCHECKED.max(2 * self.heap.len());
        }
        self.heap.push(Reverse(timer));
    }

    /// When the next one fires.
    pub fn next_ms(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse(timer)| timer.at_ms)
    }

    /// Takes one that is due.
    pub fn pop_due(&mut self, now_ms: i64) -> Option<Timer> {
        if self.next_ms()? > now_ms {
            return None;
        }
        self.heap.pop().map(|Reverse(timer)| timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(at_ms: i64) -> Timer {
        Timer {
            at_ms,
            ticket: at_ms as u64,
            token: 0,
        }
    }

    #[test]
    fn those_that_no_longer_matter_do_not_gather() {
        let mut timers = Timers::default();
        let matters = |timer: &Timer| timer.ticket.is_multiple_of(100);
        for at_ms in 0..100_000 {
            timers.add(timer(at_ms), matters);
        }
        assert!(timers.heap.len() <= UNCHECKED + 2 * 1000);
        let fired = std::iter::from_fn(|| timers.pop_due(100_000));
        let kept: Vec<i64> = fired.filter(matters).map(|timer| timer.at_ms).collect();
        assert_eq!(kept, (0..1000).map(|n| n * 100).collect::<Vec<_>>());
    }
}
