//! The latency monitor: spikes of named events, kept as short time series.

use std::collections::{BTreeMap, VecDeque};

/// Samples kept of an event.
const SAMPLES: usize = 160;

/// The series of one event.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Unix seconds and milliseconds of latency, oldest first, at most one a second.
    pub samples: VecDeque<(i64, u64)>,
    /// The worst ever seen, milliseconds.
    pub max_ms: u64,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Monitor {
    events: BTreeMap<&'static str, Series>,
}

impl Monitor {
    /// Adds a spike; within one second the worst counts.
    pub fn record(&mut self, event: &'static str, at_s: i64, ms: u64) {
        let series = self.events.entry(event).or_default();
        series.max_ms = series.max_ms.max(ms);
        match series.samples.back_mut() {
            Some((last_s, worst_ms)) if *last_s == at_s => *worst_ms = (*worst_ms).max(ms),
            _ => series.samples.push_back((at_s, ms)),
        }
        if series.samples.len() > SAMPLES {
            series.samples.pop_front();
        }
    }

    /// All series by event.
    pub fn events(&self) -> impl Iterator<Item = (&'static str, &Series)> {
        self.events.iter().map(|(name, series)| (*name, series))
    }

    /// The series of one event.
    pub fn event(&self, name: &[u8]) -> Option<&Series> {
        let name = std::str::from_utf8(name).ok()?;
        self.events.get(name)
    }

    /// Forgets one event, or all; says how many there were.
    pub fn reset(&mut self, name: Option<&[u8]>) -> usize {
        let before = self.events.len();
        self.events
            .retain(|event, _| name.is_some_and(|name| name != event.as_bytes()));
        before - self.events.len()
    }
}
