//! The clock, injected: a core reads it once a turn and everything below takes the reading as a value, so that
//! tests can stop it, step it and turn it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One reading of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Unix time in milliseconds.
    pub unix_ms: i64,
    /// Unix time in microseconds.
    pub unix_us: i64,
}

/// Where readings come from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's wall clock.
    System,
    /// A clock that moves only when a test moves it; microseconds since the epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Reads the clock. A wall clock set before 1970 reads as 1970.
    pub fn now(&self) -> Now {
        let unix_us = match self {
            Clock::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_micros() as i64),
            Clock::Manual(us) => us.load(Ordering::Relaxed),
        };
        Now {
            unix_ms: unix_us / 1000,
            unix_us,
        }
    }
}

/// A stretch of monotonic time, for measuring how long something took.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// Nanoseconds since the start or the last lap; begins the next lap.
    #[inline]
    pub fn lap_ns(&mut self) -> u64 {
        let now = Instant::now();
        let lap = now.duration_since(std::mem::replace(&mut self.0, now));
        lap.as_secs() * 1_000_000_000 + u64::from(lap.subsec_nanos())
    }
}
