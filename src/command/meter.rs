//! Times commands for INFO, SLOWLOG and LATENCY.
//!
//! Reading the clock costs as much as running a small command. So a command that is fast by its nature and small is timed by
//! itself once, and those of the same kind that follow it in the same batch are timed together: the statistics get their number
//! and their mean. Everything else is timed by itself, and so is everything while a threshold is set so low that a fast
//! command could pass it.
//!
//! What must hold: a run is closed before another command begins and when the meter goes, so nobody sees statistics that lack
//! a command of an earlier batch.

use super::registry::Command;
use super::stats::CoreStats;
use super::table::words::flag;
use crate::base::clock::Stopwatch;
use crate::config::Config;
use std::time::{Duration, Instant};

/// Commands that are timed together at most.
const MAX_RUN: u64 = 64;
/// A command with more arguments than this may be slow whatever its kind.
const MAX_ARGUMENTS: usize = 5;
/// A reading of the clock counts as that of the moment for so long.
pub const TIME_LASTS: Duration = Duration::from_millis(1);
/// With a threshold of fewer microseconds, every command is timed by itself.
const MIN_THRESHOLD_US: i64 = 1000;

/// See the module's description.
pub struct Meter<'k> {
    stats: &'k CoreStats,
    stopwatch: Stopwatch,
    /// What was measured since the time was read.
    spent_ns: u64,
    into_histogram: bool,
    /// Whether commands may be timed together.
    allows_runs: bool,
    /// The number of the last command that was timed.
    command: usize,
    /// How many more of it have run since.
    run: u64,
    /// How many may.
    max_run: u64,
}

impl<'k> Meter<'k> {
    /// Begins to time a batch of commands.
    pub fn start(stats: &'k CoreStats, config: &Config) -> Self {
        let threshold_us = config.slowlog_log_slower_than_us;
        let allows_runs = !(0..MIN_THRESHOLD_US).contains(&threshold_us)
            && config.latency_monitor_threshold_ms == 0;
        Meter {
            stats,
            stopwatch: Stopwatch::start(),
            spent_ns: 0,
            into_histogram: config.latency_tracking,
            allows_runs,
            command: usize::MAX,
            run: 0,
            max_run: 0,
        }
    }

    /// What the core counts.
    #[inline]
    pub fn stats(&self) -> &'k CoreStats {
        self.stats
    }

    /// When what is being timed began.
    pub fn began(&self) -> Instant {
        self.stopwatch.began()
    }

    /// True if what has run since the time was read took so long that it is to be read again, which is then up to the caller.
    #[inline]
    pub fn is_time_over(&mut self) -> bool {
        let is_over = self.spent_ns > TIME_LASTS.as_nanos() as u64;
        if is_over {
            self.spent_ns = 0;
        }
        is_over
    }

    fn lap_ns(&mut self) -> u64 {
        let ns = self.stopwatch.lap_ns();
        self.spent_ns += ns;
        ns
    }

    /// `command` is about to run.
    #[inline]
    pub fn begin(&mut self, command: &Command) {
        if self.command != command.id {
            self.close_run();
        }
    }

    /// `command` has run with so many arguments: how many nanoseconds it took, if it was timed by itself.
    #[inline(always)]
    pub fn end(&mut self, command: &Command, arguments: usize) -> Option<u64> {
        if self.command == command.id && self.run < self.max_run && arguments <= MAX_ARGUMENTS {
            self.run += 1;
            return None;
        }
        Some(self.time_alone(command))
    }

    #[inline(never)]
    fn time_alone(&mut self, command: &Command) -> u64 {
        self.close_run();
        self.command = command.id;
        let joins = self.allows_runs && command.is(flag::FAST);
        self.max_run = if joins { MAX_RUN } else { 0 };
        let ns = self.lap_ns();
        self.stats.calls(command.id, 1, ns, self.into_histogram);
        ns
    }

    /// What was done since the last command is no command's.
    pub fn skip(&mut self) {
        self.close_run();
        self.lap_ns();
    }

    fn close_run(&mut self) {
        if self.run > 0 {
            let ns = self.lap_ns();
            self.stats
                .calls(self.command, self.run, ns, self.into_histogram);
            self.run = 0;
        }
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.close_run();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::registry;

    fn run(config: &Config, names: &[&str]) -> (CoreStats, usize) {
        let stats = CoreStats::default();
        let mut meter = Meter::start(&stats, config);
        let timed = names.iter().filter(|name| {
            let command = registry::lookup(name.as_bytes()).unwrap();
            meter.begin(command);
            meter.end(command, 2).is_some()
        });
        let timed = timed.count();
        drop(meter);
        (stats, timed)
    }

    #[test]
    fn every_call_is_counted_and_few_are_timed_alone() {
        let names = ["get", "get", "get", "xread", "xread", "get", "get"];
        let (stats, timed) = run(&Config::default(), &names);
        let calls = |name: &str| {
            let id = registry::lookup(name.as_bytes()).unwrap().id;
            stats.commands[id].calls.read()
        };
        assert_eq!((calls("get"), calls("xread")), (5, 2));
        assert_eq!(stats.processed.read(), 7);
        // The first of each run of GET, and each XREAD, which is not fast by nature.
        assert_eq!(timed, 4);
    }

    #[test]
    fn low_thresholds_time_every_call() {
        let mut config = Config::default();
        config.slowlog_log_slower_than_us = 0;
        assert_eq!(run(&config, &["get"; 5]).1, 5);
    }
}
