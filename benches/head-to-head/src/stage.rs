//! Where a workload plays: one server, how much to ask of it, and the figures that come out.

use std::fs;
use std::time::Instant;

use crate::Result;
use crate::drive::BatchTimes;
use crate::server::{Server, TICKS_PER_SECOND};

/// One measured number.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// What it is.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    /// How much.
    pub value: f64,
}

impl Figure {
    /// A figure of this name.
    pub fn new(name: &'static str, unit: &'static str, value: f64) -> Figure {
        Figure { name, unit, value }
    }
}

/// Names of the figures that goals and summaries refer to.
pub mod figure {
    /// Server CPU time per operation.
    pub const CPU: &str = "CPU per operation";
    /// The part of it spent in the kernel.
    pub const KERNEL: &str = "of it in the kernel";
    /// Operations a second.
    pub const RATE: &str = "operations a second";
    /// User-space instructions per operation.
    pub const INSTRUCTIONS: &str = "user instructions per operation";
    /// CPU that other processes took from the server's core.
    pub const OTHERS: &str = "core taken by others";
    /// The most CPU time that one thread of the server spent while a request waited: what of the wait was the server's own.
    pub const WORK: &str = "most work during a wait";
    /// The time that half of the batches exceed.
    pub const P50: &str = "latency p50";
    /// The time that one batch in a hundred exceeds.
    pub const P99: &str = "latency p99";
    /// The time that one batch in a thousand exceeds.
    pub const P999: &str = "latency p99.9";
}

/// A freshly started server and how much to ask of it.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The server.
    pub server: &'a Server,
    /// Operations to measure.
    pub operations: usize,
    /// Entries to lay in beforehand, where operations consume something; at least `operations`.
    pub prefill: usize,
    /// Whether the server's replies and state mean something: not so for the floor.
    pub real: bool,
}

impl Stage<'_> {
    /// Runs `work`, which does `operations`, and returns its result with the figures every
    /// workload has: CPU per operation, operations a second, what others took meanwhile.
    pub fn measure<T>(
        &self,
        operations: usize,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<(T, Vec<Figure>)> {
        let (cpu, core) = (self.server.cpu_time()?, core_busy_ticks()?);
        let began = Instant::now();
        let value = work()?;
        let wall = began.elapsed().as_secs_f64();
        let cpu = self.server.cpu_time()?.since(cpu);
        let busy = (core_busy_ticks()? - core) as f64 / TICKS_PER_SECOND;
        let each = cpu.total.as_secs_f64() * 1e6 / operations as f64;
        let others = (busy - cpu.total.as_secs_f64()).max(0.0) / wall * 100.0;
        let figures = vec![
            Figure {
                name: figure::CPU,
                unit: "µs",
                value: each,
            },
            Figure {
                name: figure::KERNEL,
                unit: "µs",
                value: each * cpu.kernel_share(),
            },
            Figure {
                name: figure::RATE,
                unit: "/s",
                value: operations as f64 / wall,
            },
            Figure {
                name: figure::OTHERS,
                unit: "%",
                value: others,
            },
        ];
        Ok((value, figures))
    }
}

/// Ticks that the server's core has spent on anything but idling.
fn core_busy_ticks() -> Result<u64> {
    let text = fs::read_to_string("/proc/stat")?;
    let prefix = format!("cpu{} ", crate::manner::SERVER_CORE);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&prefix))
        .ok_or("no such core")?;
    let ticks: Vec<u64> = line.split(' ').flat_map(str::parse).collect();
    const IDLE: [usize; 2] = [3, 4];
    Ok(ticks
        .iter()
        .take(8)
        .enumerate()
        .filter(|(at, _)| !IDLE.contains(at))
        .map(|(_, t)| t)
        .sum())
}

/// The middle and the tail of a histogram of nanoseconds, in microseconds.
pub fn percentiles(times: &BatchTimes) -> [Figure; 3] {
    let at = |name, quantile| {
        let value = times.value_at_quantile(quantile) as f64 / 1e3;
        Figure {
            name,
            unit: "µs",
            value,
        }
    };
    [
        at(figure::P50, 0.5),
        at(figure::P99, 0.99),
        at(figure::P999, 0.999),
    ]
}
