//! Counters for INFO, one set per core: each has one writer, so counting is a plain load and store, and readers sum up.

use super::acl::log::Reason;
use super::registry;
use crate::base::histogram::{self, Histogram};
use ahash::AHashMap;
use parking_lot::Mutex;
use std::sync::OnceLock;
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
    /// Calls by duration, as [`base::histogram`](crate::base::histogram) counts them; made for the first call.
    histogram: OnceLock<Box<[Counter]>>,
}

impl CommandStats {
    /// Counts `calls` that took `ns` nanoseconds in all, in the histogram too if it is kept.
    fn count(&self, calls: u64, ns: u64, into_histogram: bool) {
        self.calls.add(calls);
        self.ns.add(ns);
        if into_histogram {
            let new = || {
                (0..histogram::BUCKETS)
                    .map(|_| Counter::default())
                    .collect()
            };
            self.histogram.get_or_init(new)[histogram::bucket_of(ns / calls)].add(calls);
        }
    }

    fn reset(&self) {
        for counter in [&self.calls, &self.ns, &self.rejected, &self.failed] {
            counter.reset();
        }
        self.histogram
            .get()
            .into_iter()
            .flatten()
            .for_each(Counter::reset);
    }
}

/// How long the calls of a command took, on all cores.
pub fn histogram(cores: &[CoreStats], command: usize) -> Histogram {
    let mut counts = vec![0; histogram::BUCKETS];
    for buckets in cores
        .iter()
        .filter_map(|core| core.commands[command].histogram.get())
    {
        for (sum, count) in counts.iter_mut().zip(buckets) {
            *sum += count.read();
        }
    }
    Histogram::new(counts)
}

/// The most different error codes that are counted: where there are more, which scripts can bring about, none is told.
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
    /// Handshakes of TLS that came to a good end.
    pub tls_handshakes: Counter,
    /// Those that did not.
    pub tls_handshakes_failed: Counter,
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
    /// Keys removed for want of memory.
    pub evicted: Counter,
    /// Fields of hashes removed because their time was up.
    pub expired_fields: Counter,
    /// Clients closed for want of memory.
    pub evicted_clients: Counter,
    /// Changes to the keyspace.
    pub dirty: Counter,
    /// Error replies.
    pub errors: Counter,
    /// Clients closed because they did not read their replies.
    pub output_limit_closed: Counter,
    /// Clients closed because of their unread requests.
    pub query_limit_closed: Counter,
    /// What users were denied, by [`Reason`].
    pub denied: [Counter; Reason::COUNT],
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
            tls_handshakes: Counter::default(),
            tls_handshakes_failed: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            hits: Counter::default(),
            misses: Counter::default(),
            expired: Counter::default(),
            evicted: Counter::default(),
            expired_fields: Counter::default(),
            evicted_clients: Counter::default(),
            dirty: Counter::default(),
            errors: Counter::default(),
            output_limit_closed: Counter::default(),
            query_limit_closed: Counter::default(),
            denied: Default::default(),
            turns: Counter::default(),
            turn_us: Counter::default(),
            reads: Counter::default(),
            writes: Counter::default(),
            error_codes: Mutex::default(),
        }
    }
}

impl CoreStats {
    /// Counts `calls` of the command with number `id` that took `ns` nanoseconds in all.
    pub fn calls(&self, id: usize, calls: u64, ns: u64, into_histogram: bool) {
        self.processed.add(calls);
        self.commands[id].count(calls, ns, into_histogram);
    }

    /// Counts an error reply.
    pub fn error(&self, code: &[u8]) {
        self.errors.add(1);
        let mut codes = self.error_codes.lock();
        if let Some(count) = codes.get_mut(code) {
            *count += 1;
        } else if codes.len() <= MAX_ERROR_CODES {
            // One more than are told says that there are too many.
            codes.insert(code.to_vec(), 1);
        }
    }

    /// Back to zero, as CONFIG RESETSTAT wants it: the sums over time. A count that its core adds to just then may stay.
    pub fn reset(&self) {
        self.commands.iter().for_each(CommandStats::reset);
        for counter in [
            &self.processed,
            &self.connections,
            &self.rejected_connections,
            &self.tls_handshakes,
            &self.tls_handshakes_failed,
            &self.bytes_in,
            &self.bytes_out,
            &self.hits,
            &self.misses,
            &self.expired,
            &self.evicted,
            &self.expired_fields,
            &self.evicted_clients,
            &self.errors,
            &self.output_limit_closed,
            &self.query_limit_closed,
            &self.turns,
            &self.turn_us,
            &self.reads,
            &self.writes,
        ] {
            counter.reset();
        }
        self.error_codes.lock().clear();
    }
}

/// How fast some counters grow, from one look at them to the next.
#[derive(Debug, Default)]
pub struct Rates(Mutex<RatesState>);

/// Counters whose rates INFO tells.
const RATED: usize = 5;
/// Looks closer together than this give the rates of the last one.
const MIN_RATE_INTERVAL_MS: i64 = 100;

#[derive(Debug, Default)]
struct RatesState {
    at_ms: i64,
    counts: [u64; RATED],
    per_second: [f64; RATED],
}

impl Rates {
    /// The growth of each count per second since the look before.
    pub fn sample(&self, now_ms: i64, counts: [u64; RATED]) -> [f64; RATED] {
        let mut state = self.0.lock();
        let elapsed_ms = now_ms - state.at_ms;
        if elapsed_ms >= MIN_RATE_INTERVAL_MS {
            for (rated, count) in counts.iter().enumerate() {
                let growth = count.saturating_sub(state.counts[rated]);
                let known = state.at_ms != 0;
                state.per_second[rated] = if known {
                    growth as f64 * 1000.0 / elapsed_ms as f64
                } else {
                    0.0
                };
            }
            (state.at_ms, state.counts) = (now_ms, counts);
        }
        state.per_second
    }
}
