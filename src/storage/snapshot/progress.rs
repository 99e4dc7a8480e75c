//! How far a snapshot has come, for INFO, and whether it is to go on.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// See the module's description.
#[derive(Debug, Default)]
pub struct Progress {
    keys: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    /// A snapshot of `total` keys begins.
    pub fn begin(&self, total: u64) {
        self.keys.store(0, Relaxed);
        self.total.store(total, Relaxed);
        self.cancelled.store(false, Relaxed);
    }

    /// Nothing is under way any more.
    pub fn end(&self) {
        self.begin(0);
    }

    /// Notes that `count` more keys have been met.
    pub fn count_keys(&self, count: usize) {
        self.keys.fetch_add(count as u64, Relaxed);
    }

    /// Keys met, and keys there are.
    pub fn keys(&self) -> (u64, u64) {
        (self.keys.load(Relaxed), self.total.load(Relaxed))
    }

    /// Asks the snapshot under way to stop.
    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    /// True when the snapshot under way was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    /// Fails when the snapshot is to stop.
    pub fn go_on(&self) -> io::Result<()> {
        match self.is_cancelled() {
            true => Err(io::Error::other("cancelled")),
            false => Ok(()),
        }
    }
}
