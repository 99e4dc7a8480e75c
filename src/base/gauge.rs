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
//! each thread. [`set`] puts it right, ten times a second and before anything is refused.
//!
//! Bounds: what this thread does counts at once; what another does, when it is [`UNTOLD_BYTES`] or when it tells.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};
use tikv_jemalloc_ctl::thread::{self, ThreadLocal};

/// What a thread may have allocated or given back without the others knowing.
pub const UNTOLD_BYTES: i64 = 64 * 1024;

static TOLD: AtomicI64 = AtomicI64::new(0);

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
        TOLD.fetch_add(untold, Ordering::Relaxed);
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
    (TOLD.load(Ordering::Relaxed) + more).max(0).unsigned_abs()
}

/// Lets the others know what this thread has allocated and given back.
pub fn tell() {
    OWN.with(|own| own.as_ref().map_or((), Own::tell));
}

/// Sets the gauge to what the allocator says is in use.
pub fn set(allocated: u64) {
    tell();
    TOLD.store(allocated.cast_signed(), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_used() {
        set(1 << 40);
        // The other tests of this process allocate too.
        assert!(used().abs_diff(1 << 40) < 1 << 38);
    }
}
