//! Counters for INFO, one set per core: each has one writer, so counting is a plain load and store, and readers sum up.

use super::registry;
use ahash::AHashMap;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter with one writer and any number of readers.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`; only the owning core may call this.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(n),
            Ordering::Relaxed,
        );
    }

    /// The value now.
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Back to zero.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Upper bounds of the latency histogram's buckets are powers of two of a microsecond, up to 2^(BUCKETS-1).
pub const BUCKETS: usize = 32;

/// What is counted of one command.
#[derive(Debug, Default)]
pub struct CommandStats {
    /// Times it ran.
    pub calls: Counter,
    /// Nanoseconds it took in all.
    pub ns: Counter,
    /// Times it was refused before it ran.
    pub rejected: Counter,
    /// Times it answered with an error.
    pub failed: Counter,
    /// Calls by duration.
    pub histogram: [Counter; BUCKETS],
}

impl CommandStats {
    /// Counts a call of `ns` nanoseconds.
    #[inline]
    pub fn call(&self, ns: u64) {
        self.calls.add(1);
        self.ns.add(ns);
        let us = ns / 1000;
        let bucket = (u64::BITS - us.leading_zeros()) as usize;
        self.histogram[bucket.min(BUCKETS - 1)].add(1);
    }
}

/// The most different error codes that are counted apart.
pub const MAX_ERROR_CODES: usize = 128;

/// One core's counters.
#[derive(Debug)]
pub struct CoreStats {
    /// By the command's id in the table.
    pub commands: Box<[CommandStats]>,
    /// Commands executed.
    pub processed: Counter,
    /// Connections accepted.
    pub connections: Counter,
    /// Connections refused because there were too many.
    pub rejected_connections: Counter,
    /// Bytes received.
    pub bytes_in: Counter,
    /// Bytes sent.
    pub bytes_out: Counter,
    /// Reads that found their key.
    pub hits: Counter,
    /// Reads that did not.
    pub misses: Counter,
    /// Keys whose time was up.
    pub expired: Counter,
    /// Changes to the keyspace.
    pub dirty: Counter,
    /// Error replies.
    pub errors: Counter,
    /// Clients closed because they did not read their replies.
    pub output_limit_closed: Counter,
    /// Clients closed because of their unread requests.
    pub query_limit_closed: Counter,
    /// Turns of the event loop.
    pub turns: Counter,
    /// Microseconds of the event loop's work.
    pub turn_us: Counter,
    /// Reads from sockets.
    pub reads: Counter,
    /// Writes to sockets.
    pub writes: Counter,
    /// Error replies by code.
    pub error_codes: Mutex<AHashMap<Vec<u8>, u64>>,
}

impl Default for CoreStats {
    fn default() -> Self {
        CoreStats {
            commands: (0..registry::commands().len())
                .map(|_| CommandStats::default())
                .collect(),
            processed: Counter::default(),
            connections: Counter::default(),
            rejected_connections: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            hits: Counter::default(),
            misses: Counter::default(),
            expired: Counter::default(),
            dirty: Counter::default(),
            errors: Counter::default(),
            output_limit_closed: Counter::default(),
            query_limit_closed: Counter::default(),
            turns: Counter::default(),
            turn_us: Counter::default(),
            reads: Counter::default(),
            writes: Counter::default(),
            error_codes: Mutex::default(),
        }
    }
}

impl CoreStats {
    /// Counts an error reply.
    pub fn error(&self, code: &[u8]) {
        self.errors.add(1);
        let mut codes = self.error_codes.lock();
        if let Some(count) = codes.get_mut(code) {
            *count += 1;
        } else if codes.len() < MAX_ERROR_CODES {
            codes.insert(code.to_vec(), 1);
        }
    }
}
