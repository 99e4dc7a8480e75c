//! What a core does when it has nothing to do: it looks for work for a while, then sleeps.
//!
//! To fall asleep and be woken takes some microseconds of a processor, on a virtual machine ten or more, and who sent the request waits
//! for them. Where the next request comes sooner than that, to keep looking answers sooner and costs no more; where it comes later, looking
//! is a waste. So a core keeps account of its last waits, and looks while most of them were short; a look in vain costs it the whole account.
//!
//! Whoever else is to run on this processor, the client perhaps that will send the next request, goes first: a core gives way after every
//! look, and sleeps if it had to wait for its turn. Where another has so much to do that it takes its whole time slice, who sleeps and is
//! woken gets the processor sooner than who gives way: then a core does not look for some seconds.

use super::Core;
use super::{CROWDED_PAUSE_MS, TICK_MS};
use crate::base::clock::Stopwatch;
use crate::keyspace::NEVER;
use mio::Events;
use std::io;
use std::time::Duration;

/// Looking is worth it while at least so many of the last 32 waits were short.
const SHORT_WAITS: u32 = 16;
/// A look that takes longer than this had to wait for others.
const LOOK_NS: u64 = 20_000;
/// One that takes so long had to wait for all of another's time slice.
const LOST_NS: u64 = 500_000;
/// When that happens again so soon, another is always there,
const AGAIN_MS: i64 = 1000;
/// and there is no looking for so long.
const BARRED_MS: i64 = 10_000;

/// A core's account of its waits.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// Which of the last 32 were short, a bit each.
    short: u32,
    /// When a look last had to wait for a whole time slice, steady milliseconds.
    lost_ms: Option<i64>,
    /// There is no looking before, steady milliseconds.
    barred_until_ms: i64,
}

impl Waits {
    /// The core looked in vain: it waits a while before it tries that again.
    fn forget(&mut self) {
        self.short = 0;
    }

    fn add(&mut self, was_short: bool) {
        self.short = self.short << 1 | u32::from(was_short);
    }

    fn are_mostly_short(&self) -> bool {
        self.short.count_ones() >= SHORT_WAITS
    }

    /// A look took so long.
    fn note_look(&mut self, look_ns: u64, now_ms: i64) {
        if look_ns <= LOST_NS {
            return;
        }
        let before_ms = self.lost_ms.replace(now_ms);
        if before_ms.is_some_and(|before_ms| now_ms - before_ms < AGAIN_MS) {
            self.barred_until_ms = now_ms + BARRED_MS;
        }
    }

    fn suggest_looking(&self, now_ms: i64) -> bool {
        self.are_mostly_short() && now_ms >= self.barred_until_ms
    }
}

impl Core {
    /// Waits for an event, a message or the next thing that is due.
    pub(super) fn wait(&mut self, events: &mut Events, next_expiry_ms: i64) -> io::Result<()> {
        if self.has_work() {
            return self.poll(events, Duration::ZERO);
        }
        let looking_ns = u64::from(self.local.config.busy_poll_us) * 1000;
        let mut waiting = Stopwatch::start();
        // What waits for the log waits for long, and for a thread that may have to run on this processor.
        let suggested = self.waits.suggest_looking(self.now.steady_ms);
        let looks = looking_ns > 0 && suggested && !self.awaits_log();
        if looks && self.look(events, looking_ns)? {
            self.waits.add(true);
            return Ok(());
        }
        self.sleep(events, next_expiry_ms)?;
        match looks {
            true => self.waits.forget(),
            false => {
                let was_short = !events.is_empty() && waiting.lap_ns() <= looking_ns;
                self.waits.add(was_short);
            }
        }
        Ok(())
    }

    fn has_work(&self) -> bool {
        !self.readable.is_empty()
            || !self.missed.is_empty()
            || !self.after_mail.is_empty()
            || self.handshakes.are_due()
            || self.has_long_work()
            || self.local.evicting
            || !self.local.gathered.is_empty()
            || self.may_let_go()
    }

    /// Looks for events and messages until there are some (true), it took `looking_ns`, or others want the processor.
    fn look(&mut self, events: &mut Events, looking_ns: u64) -> io::Result<bool> {
        let (mut watch, mut looked_ns) = (Stopwatch::start(), 0);
        while looked_ns < looking_ns {
            self.poll(events, Duration::ZERO)?;
            if !events.is_empty() || self.shared.inboxes[self.local.core].has_mail() {
                return Ok(true);
            }
            std::thread::yield_now();
            let look_ns = watch.lap_ns();
            self.waits.note_look(look_ns, self.now.steady_ms);
            if look_ns > LOOK_NS {
                break;
            }
            looked_ns += look_ns;
        }
        Ok(false)
    }

    /// Sleeps until an event, a wake-up or the next thing that is due.
    fn sleep(&mut self, events: &mut Events, next_expiry_ms: i64) -> io::Result<()> {
        let next_look_ms = match self.crowded.is_empty() {
            true => NEVER,
            false => self.now.steady_ms + CROWDED_PAUSE_MS,
        };
        let until_ms = self
            .next_tick_ms
            .min(next_expiry_ms)
            .min(next_look_ms)
            .min(self.timers.next_ms().unwrap_or(NEVER));
        let inbox = &self.shared.inboxes[self.local.core];
        // While a script holds for long what is due, trying again and again would bring nothing.
        let least_ms = i64::from(self.shared.keyspace.is_stalled());
        let timeout = inbox
            .about_to_sleep(until_ms)
            .map_or(Duration::ZERO, |until_ms| {
                let now_ms = self.shared.clock.now().steady_ms;
                Duration::from_millis(
                    until_ms.saturating_sub(now_ms).clamp(least_ms, TICK_MS) as u64
                )
            });
        let polled = self.poll(events, timeout);
        inbox.awake();
        polled
    }

    fn poll(&mut self, events: &mut Events, timeout: Duration) -> io::Result<()> {
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_is_worth_it_while_most_waits_are_short() {
        let mut waits = Waits::default();
        assert!(!waits.are_mostly_short());
        for _ in 0..SHORT_WAITS {
            waits.add(true);
        }
        assert!(waits.are_mostly_short());
        for _ in 0..=SHORT_WAITS {
            waits.add(false);
        }
        assert!(!waits.are_mostly_short());
        (0..32).for_each(|_| waits.add(true));
        waits.forget();
        assert!(!waits.are_mostly_short());
    }

    #[test]
    fn who_lost_the_processor_to_another_does_not_look_for_a_while() {
        let mut waits = Waits::default();
        (0..32).for_each(|_| waits.add(true));
        assert!(waits.suggest_looking(5));
        waits.note_look(LOOK_NS + 1, 5);
        assert!(waits.suggest_looking(5));
        waits.note_look(LOST_NS + 1, 5);
        waits.note_look(LOST_NS + 1, 5 + AGAIN_MS);
        assert!(waits.suggest_looking(5 + AGAIN_MS));
        let now_ms = 5 + AGAIN_MS + 1;
        waits.note_look(LOST_NS + 1, now_ms);
        assert!(!waits.suggest_looking(now_ms) && !waits.suggest_looking(now_ms + BARRED_MS - 1));
        assert!(waits.suggest_looking(now_ms + BARRED_MS));
    }
}
