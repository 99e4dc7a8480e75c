//! What a second core is worth: on one hot stream, and on many.
//!
//! Two servers of a kind take turns, one with both cores and a thread for each, one with a single core and thread. There are no
//! further cores for the load, so it runs on the same two and is made light: requests are laid out beforehand, a thousand go at once, and their replies are
//! turned off (CLIENT REPLY), but for one behind each thousand. Afterwards every entry must be there. What tells most is processor
//! time, of which the load takes none away: a server can do as much as its busiest thread has time for, so its capacity is operations for each
//! second of that thread's time, spinning and waking for locks included. Two threads that share the work evenly and never get in each
//! other's way double it. The rate on the clock stands beside it; there the load takes its share of what a second thread gains.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::Goal::AtLeast;
use super::{Figure, Stage, VALUE, Workload, command, figure, keyed};
use crate::Result;
use crate::client::Client;
use crate::drive::{Load, Player};
use crate::kind::Kind;
use crate::server::{Manner, Server};

const CAPACITY: &str = "capacity, operations a second";
const GAIN: &str = "capacity with two cores to one";
const CONNECTIONS: usize = 64;
/// Requests that share a reply.
const BATCH: usize = 1_024;
const SLICES: usize = 4;

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    let workload = |name, about, streams, least| {
        Workload::new(name, about, 6_553_600, move |stage| run(stage, streams))
            .two_cores()
            .primary(CAPACITY)
            .goal(AtLeast(GAIN, least))
    };
    vec![
        workload(
            "cores-many",
            "XADD to 1,000 streams, with two cores beside one",
            1_000,
            1.8,
        ),
        workload(
            "cores-hot",
            "XADD to one stream, with two cores beside one",
            1,
            1.0,
        ),
    ]
}

/// One of the two servers.
struct Side<'a> {
    server: &'a Server,
    load: Load,
    before: HashMap<String, Duration>,
    wall: Duration,
}

impl<'a> Side<'a> {
    fn new(server: &'a Server) -> Result<Side<'a>> {
        Ok(Side {
            server,
            load: Load::connect(server.port, CONNECTIONS)?,
            before: server.thread_times()?,
            wall: Duration::ZERO,
        })
    }

    /// Processor seconds of its busiest thread, and of all.
    fn spent(&self) -> Result<(f64, f64)> {
        let busiest = self.server.busiest_since(&self.before)?;
        let now: Duration = self.server.thread_times()?.into_values().sum();
        let all = now.saturating_sub(self.before.values().sum());
        Ok((busiest.as_secs_f64(), all.as_secs_f64()))
    }
}

fn run(stage: &Stage, streams: usize) -> Result<Vec<Figure>> {
    let alone = match stage.server.kind {
        Kind::RedisThreads => Kind::Redis,
        kind => kind,
    };
    let one = Server::start(alone, stage.server.port + 1, Manner::default(), &[])?;
    let _everywhere = Everywhere::new()?;
    let mut sides = [Side::new(stage.server)?, Side::new(&one)?];
    let batch = batch(streams);
    let batches = stage.operations / SLICES / BATCH;
    for _ in 0..SLICES {
        for side in &mut sides {
            let began = Instant::now();
            side.load.drive(&mut Unanswered {
                batch: &batch,
                left: batches,
            })?;
            side.wall += began.elapsed();
        }
    }
    let operations = batches * BATCH * SLICES;
    let ((two_busiest, two_all), (one_busiest, one_all)) = (sides[0].spent()?, sides[1].spent()?);
    let walls = sides.each_ref().map(|side| side.wall.as_secs_f64());
    for side in &sides {
        check(side.server, streams, operations)?;
    }
    let operations = operations as f64;
    drop(sides);
    one.stop()?;
    Ok(vec![
        Figure::new(CAPACITY, "/s", operations / two_busiest),
        Figure::new(GAIN, "x", one_busiest / two_busiest),
        Figure::new(figure::CPU, "µs", two_all * 1e6 / operations),
        Figure::new(
            "CPU per operation with one core",
            "µs",
            one_all * 1e6 / operations,
        ),
        Figure::new(figure::RATE, "/s", operations / walls[0]),
        Figure::new(
            "operations a second with one core",
            "/s",
            operations / walls[1],
        ),
    ])
}

/// Requests whose replies are turned off, all in one piece.
fn batch(streams: usize) -> Vec<u8> {
    let adds = match streams {
        1 => vec![command("XADD", &["s", "*", "f", VALUE])],
        _ => keyed(streams, |key| command("XADD", &[key, "*", "f", VALUE])),
    };
    let off = std::iter::once(command("CLIENT", &["REPLY", "OFF"]));
    let on = std::iter::once(command("CLIENT", &["REPLY", "ON"]));
    let adds = adds.into_iter().cycle().take(BATCH);
    off.chain(adds).chain(on).flatten().collect()
}

/// Every entry must be there: all in the one stream, or in one of many its share.
fn check(server: &Server, streams: usize, operations: usize) -> Result<()> {
    let (key, each) = match streams {
        1 => ("s", operations),
        // The last of them is not among those that a batch comes to twice.
        _ => ("key:000999", operations / BATCH),
    };
    let mut client = Client::connect(server.port)?;
    client.expect(&format!("XLEN {key}"), &format!(":{each}\r\n"))
}

/// Sends batches, each with one reply.
struct Unanswered<'a> {
    batch: &'a [u8],
    left: usize,
}

impl Player for Unanswered<'_> {
    fn next(&mut self, _connection: usize, out: &mut Vec<u8>) -> usize {
        if self.left == 0 {
            return 0;
        }
        self.left -= 1;
        out.extend_from_slice(self.batch);
        1
    }

    fn reply(&mut self, _connection: usize, reply: &[u8]) -> bool {
        reply == b"+OK\r\n"
    }
}

/// While it lives, this process runs on all cores.
struct Everywhere(CpuSet);

impl Everywhere {
    fn new() -> Result<Everywhere> {
        let before = sched_getaffinity(None)?;
        let mut both = CpuSet::new();
        [0, 1].into_iter().for_each(|core| both.set(core));
        sched_setaffinity(None, &both)?;
        Ok(Everywhere(before))
    }
}

impl Drop for Everywhere {
    fn drop(&mut self) {
        // It was allowed before.
        let _ = sched_setaffinity(None, &self.0);
    }
}
