//! The clock, injected: a core reads it once a turn and everything below takes the reading as a value, so that
//! tests can stop it, step it and turn it back.
//!
//! A reading tells two times. *Wall* time is what the machine calls the time; an administrator may step it, forwards or back. *Steady* time
//! began as wall time when the clock was made and has passed ever since as time passes, also while the machine was suspended. Points in time that
//! users name (expiries, ids) are wall time; how long something lasts (leases, waits) is told in steady time, so that a step of the wall clock
//! neither ends nor prolongs it. Without a step the two are the same.

use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One reading of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall time, Unix milliseconds.
    pub unix_ms: i64,
    /// Wall time, Unix microseconds.
    pub unix_us: i64,
    /// Steady time in milliseconds. See the module's description.
    pub steady_ms: i64,
}

/// Where readings come from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clocks.
    System(Arc<SystemClock>),
    /// A clock that moves only when a test moves it; microseconds since the epoch.
    Manual(Arc<AtomicI64>),
}

/// See [`Clock::System`].
#[derive(Debug)]
pub struct SystemClock {
    /// What is added to the time since the machine was started to make it steady time, microseconds.
    since_boot_us: AtomicI64,
    /// What is added to wall time, microseconds: 0 but in tests.
    stepped_us: AtomicI64,
}

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Clock {
        Clock::System(Arc::new(SystemClock {
            since_boot_us: AtomicI64::new(wall_us() - boot_us()),
            stepped_us: AtomicI64::new(0),
        }))
    }

    /// Reads the clock. A wall clock set before 1970 reads as 1970.
    pub fn now(&self) -> Now {
        match self {
            Clock::System(system) => {
                let steady_us = boot_us() + system.since_boot_us.load(Ordering::Relaxed);
                let unix_us = wall_us() + system.stepped_us.load(Ordering::Relaxed);
                Now {
                    steady_ms: steady_us / 1000,
                    ..Now::at_us(unix_us.max(0))
                }
            }
            Clock::Manual(us) => Now::at_us(us.load(Ordering::Relaxed)),
        }
    }

    /// For tests: steps the wall clock. False for a clock that cannot be stepped.
    pub fn step_ms(&self, ms: i64) -> bool {
        let Clock::System(system) = self else {
            return false;
        };
        system.stepped_us.fetch_add(ms * 1000, Ordering::Relaxed);
        true
    }

    /// For tests: lets time pass. False for a clock that cannot be moved.
    pub fn pass_ms(&self, ms: i64) -> bool {
        let Clock::System(system) = self else {
            return false;
        };
        system.since_boot_us.fetch_add(ms * 1000, Ordering::Relaxed);
        self.step_ms(ms)
    }
}

impl Now {
    /// A reading of a clock that was never stepped.
    pub fn at_us(unix_us: i64) -> Now {
        Now {
            unix_ms: unix_us / 1000,
            unix_us,
            steady_ms: unix_us / 1000,
        }
    }

    /// What wall time is ahead of steady time, milliseconds.
    pub fn ahead_ms(&self) -> i64 {
        self.unix_ms - self.steady_ms
    }

    /// The steady time at which wall time will be `unix_ms`, if it is not stepped before.
    pub fn steady_at(&self, unix_ms: i64) -> i64 {
        unix_ms.saturating_sub(self.ahead_ms())
    }
}

fn wall_us() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as i64)
}

/// Microseconds since the machine was started, suspensions included.
fn boot_us() -> i64 {
    let since = clock_gettime(ClockId::Boottime);
    since.tv_sec * 1_000_000 + since.tv_nsec / 1000
}

/// A stretch of monotonic time, for measuring how long something took.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// When the lap began.
    pub fn began(&self) -> Instant {
        self.0
    }

    /// Nanoseconds since the start or the last lap; begins the next lap.
    #[inline]
    pub fn lap_ns(&mut self) -> u64 {
        let now = Instant::now();
        let lap = now.duration_since(std::mem::replace(&mut self.0, now));
        lap.as_secs() * 1_000_000_000 + u64::from(lap.subsec_nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_moves_wall_time_only() {
        let clock = Clock::system();
        let begun = clock.now();
        assert!(begun.ahead_ms().abs() <= 1);
        clock.step_ms(-3_600_000);
        let stepped = clock.now();
        assert!((-3_600_001..=-3_599_000).contains(&stepped.ahead_ms()));
        assert!((0..1000).contains(&(stepped.steady_ms - begun.steady_ms)));
        clock.pass_ms(60_000);
        let passed = clock.now();
        assert!((60_000..61_000).contains(&(passed.steady_ms - stepped.steady_ms)));
        assert!((60_000..61_000).contains(&(passed.unix_ms - stepped.unix_ms)));
        assert_eq!(passed.steady_at(passed.unix_ms + 5), passed.steady_ms + 5);
    }
}
