//! How far a load has come: for INFO, for the log, and for whoever wants it to end early.

use crate::base::clock::Stopwatch;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use tracing::info;

/// Nanoseconds between lines in the log.
const LINE_EVERY_NS: u64 = 5_000_000_000;

/// See the module's description. Every figure may be read at any time.
#[derive(Debug, Default)]
pub struct Progress {
    /// A load is under way.
    pub loading: AtomicBool,
    /// When it began, Unix seconds.
    pub started_s: AtomicI64,
    /// Bytes of all files to be loaded.
    pub total_bytes: AtomicU64,
    /// Bytes loaded.
    pub loaded_bytes: AtomicU64,
    /// What the snapshot says of the memory its data took.
    pub snapshot_memory_bytes: AtomicU64,
    /// Keys that the last snapshot brought.
    pub keys_loaded: AtomicU64,
    /// Keys of the last snapshot whose time was up.
    pub keys_expired: AtomicU64,
    /// The load is to end.
    stop: AtomicBool,
    pace: Mutex<Option<Pace>>,
}

/// What the next line in the log is measured against.
#[derive(Debug)]
struct Pace {
    lap: Stopwatch,
    elapsed_ns: u64,
    line_at_ns: u64,
}

impl Progress {
    /// A load of `total_bytes` begins.
    pub fn begin(&self, now_s: i64, total_bytes: u64) {
        self.started_s.store(now_s, Relaxed);
        self.total_bytes.store(total_bytes, Relaxed);
        for figure in [
            &self.loaded_bytes,
            &self.snapshot_memory_bytes,
            &self.keys_loaded,
            &self.keys_expired,
        ] {
            figure.store(0, Relaxed);
        }
        *self.pace.lock() = Some(Pace {
            lap: Stopwatch::start(),
            elapsed_ns: 0,
            line_at_ns: LINE_EVERY_NS,
        });
        self.loading.store(true, Relaxed);
    }

    /// `bytes` more have been loaded; now and then a line in the log says so. False when the load is to end.
    #[must_use]
    pub fn advance(&self, bytes: u64) -> bool {
        let loaded = self.loaded_bytes.fetch_add(bytes, Relaxed) + bytes;
        if let Some(pace) = &mut *self.pace.lock() {
            pace.elapsed_ns += pace.lap.lap_ns();
            if pace.elapsed_ns >= pace.line_at_ns {
                pace.line_at_ns = pace.elapsed_ns + LINE_EVERY_NS;
                let rate = mib(loaded) / seconds(pace.elapsed_ns);
                let total = self.total_bytes.load(Relaxed);
                info!(
                    "loading: {:.0} of {:.0} MiB ({:.0} %), {rate:.0} MiB/s",
                    mib(loaded),
                    mib(total),
                    100.0 * loaded as f64 / total.max(1) as f64,
                );
            }
        }
        !self.stop.load(Relaxed)
    }

    /// The load is over; returns how many seconds it took.
    pub fn end(&self) -> f64 {
        self.loading.store(false, Relaxed);
        let pace = self.pace.lock().take();
        pace.map_or(0.0, |mut pace| seconds(pace.elapsed_ns + pace.lap.lap_ns()))
    }

    /// Ends a load that is under way, and any that begins later.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
    }
}

/// Bytes in mebibytes.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
