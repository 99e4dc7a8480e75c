//! How much the program has allocated, known before every command for the price of a few loads.
//!
//! To ask the allocator takes microseconds. But it keeps counters for each thread that are read as memory is; so every thread knows what it
//! has allocated and given back since it last told, and tells when that is much:
//!
//! ```text
//!   used = sum of what all threads told + what this thread has yet to tell
//! ```
//!
//! The sum is a sum of differences and drifts, by what threads that do not tell allocate and give back, and by what the allocator keeps for
//! each thread. [`correct`] puts it right by what the allocator says. A single reading says little, since it has what others are in the midst of and will
//! tell: only what several readings in a row have found too much or too little is corrected.
//!
//! Bounds: what this thread does counts at once; what another does, when it is [`UNTOLD_BYTES`] or when it tells.

use parking_lot::Mutex;
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tikv_jemalloc_ctl::thread::{self, ThreadLocal};

/// What a thread may have allocated or given back without the others knowing.
pub const UNTOLD_BYTES: i64 = 64 * 1024;

/// Readings that have to agree on a drift.
const READINGS: usize = 4;
/// Readings closer together than this count as one: what was under way during the one may still be.
const READINGS_APART: Duration = Duration::from_millis(5);

static TOLD: AtomicI64 = AtomicI64::new(0);
static APART: AtomicI64 = AtomicI64::new(0);
static DRIFTS: Mutex<Drifts> = Mutex::new(Drifts {
    last: [0; READINGS],
    read_at: None,
});

/// How much more was allocated than was told, by the last readings.
struct Drifts {
    last: [i64; READINGS],
    read_at: Option<Instant>,
}

impl Drifts {
    /// Adds a reading; gives what all agree on, which is corrected then.
    fn add(&mut self, drift: i64) -> i64 {
        self.last.rotate_left(1);
        self.last[READINGS - 1] = drift;
        let least = self.last.iter().copied().fold(drift, i64::min);
        let most = self.last.iter().copied().fold(drift, i64::max);
        let agreed = match (least, most) {
            (1.., _) => least,
            (_, ..0) => most,
            _ => 0,
        };
        self.last.iter_mut().for_each(|drift| *drift -= agreed);
        agreed
    }
}

struct Own {
    allocated: ThreadLocal<u64>,
    freed: ThreadLocal<u64>,
    /// What `held` was when this thread last told.
    told: Cell<u64>,
}

impl Own {
    /// None where the allocator does not count by threads.
    fn new() -> Option<Self> {
        let own = Own {
            allocated: thread::allocatedp::read().ok()?,
            freed: thread::deallocatedp::read().ok()?,
            told: Cell::new(0),
        };
        own.told.set(own.held());
        Some(own)
    }

    /// What this thread has allocated less what it gave back: below zero for one that frees what others made.
    fn held(&self) -> u64 {
        self.allocated.get().wrapping_sub(self.freed.get())
    }

    fn untold(&self) -> i64 {
        self.held().wrapping_sub(self.told.get()).cast_signed()
    }

    fn tell(&self) {
        let held = self.held();
        let untold = held.wrapping_sub(self.told.replace(held)).cast_signed();
        TOLD.fetch_add(untold, Ordering::AcqRel);
    }
}

thread_local! {
    static OWN: Option<Own> = Own::new();
}

/// Bytes allocated by the program and not given back, as well as this thread knows.
#[inline]
pub fn used() -> u64 {
    OWN.with(|own| {
        let untold = own.as_ref().map_or(0, Own::untold);
        if untold.abs() > UNTOLD_BYTES {
            tell();
            return told(0);
        }
        told(untold)
    })
}

fn told(more: i64) -> u64 {
    (TOLD.load(Ordering::Acquire) + more).max(0).unsigned_abs()
}

/// Of what is allocated, that which is no data and bounded by itself: the interpreters of scripts. An eighth is what the allocator rounds it up by.
pub fn apart() -> u64 {
    let bytes = APART.load(Ordering::Acquire).max(0).unsigned_abs();
    bytes + bytes / 8
}

/// What a part of it, which this thread allocates, takes has become `now`.
pub fn set_apart(before: usize, now: usize) {
    // Whoever hears of the one is to know of the other.
    tell();
    APART.fetch_add(now as i64 - before as i64, Ordering::AcqRel);
}

/// Lets the others know what this thread has allocated and given back.
pub fn tell() {
    // A thread that ends has nothing more to tell.
    let _ = OWN.try_with(|own| own.as_ref().map_or((), Own::tell));
}

/// The next correction is taken as it is: much was done by threads that did not tell, and are gone.
pub fn begin_anew() {
    let mut drifts = DRIFTS.lock();
    drifts.read_at = None;
    drifts.last = [0; READINGS];
}

/// Corrects the gauge by what the allocator says is in use. The first time that is what it shows.
pub fn correct(allocated: u64) {
    tell();
    let mut drifts = DRIFTS.lock();
    let drift = allocated.cast_signed() - TOLD.load(Ordering::Acquire);
    let now = Instant::now();
    let correction = match drifts.read_at {
        None => drift,
        Some(at) if now - at < READINGS_APART => return,
        Some(_) => drifts.add(drift),
    };
    drifts.read_at = Some(now);
    TOLD.fetch_add(correction, Ordering::AcqRel);
}

/// Bytes that the allocator takes for so many: four sizes lie between a power of two and the next.
pub fn allocation_bytes(bytes: usize) -> usize {
    const SMALL: usize = 128;
    if bytes <= SMALL {
        return bytes;
    }
    let step = bytes.next_power_of_two() / 8;
    bytes.next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readings_agree_on_is_corrected() {
        let mut drifts = Drifts {
            last: [0; READINGS],
            read_at: None,
        };
        assert_eq!([70, 50, 90].map(|drift| drifts.add(drift)), [0; 3]);
        assert_eq!(drifts.add(60), 50);
        assert_eq!((drifts.add(5), drifts.add(-8)), (0, 0));
        assert_eq!([-9, -7, -20].map(|drift| drifts.add(drift)), [0, 0, -7]);
    }

    #[test]
    fn the_gauge_shows_something() {
        correct(1 << 40);
        assert!(used() > 0);
    }

    #[test]
    fn allocations_come_in_sizes() {
        let taken = [129, 160, 4096, 4097, (64 << 20) + 1, 100 << 20].map(allocation_bytes);
        assert_eq!(taken, [160, 160, 4096, 5120, 80 << 20, 112 << 20]);
    }
}
