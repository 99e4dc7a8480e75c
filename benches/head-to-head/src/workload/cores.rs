//! What a second core is worth: on one hot stream, and on many.
//!
//! Two servers of a kind take turns, one with both cores and a thread for each, one with a single core and thread. There are no
//! further cores for the load, so it runs on the same two and is made light: requests are laid out beforehand, a thousand go at once, and their replies are
//! turned off (CLIENT REPLY), but for one behind each thousand. Afterwards every entry must be there. What tells most is processor
//! time, of which the load takes none away: a server can do as much as its busiest thread has time for, so its capacity is operations for each
//! second of that thread's time, spinning and waking for locks included. Two threads that share the work evenly and never get in each
//! other's way double it. The rate on the clock stands beside it; there the load takes its share of what a second thread gains.
//!
//! Not every machine has two whole cores to give: they may be threads of one, or slow each other by their heat and their caches. What this one
//! gives is told by a third side: two servers with a core each, which share nothing, and half of the load each.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::Goal::AtLeast;
use super::{Figure, Stage, VALUE, Workload, command, figure, keyed};
use crate::Result;
use crate::client::Client;
use crate::drive::{Load, Player};
use crate::kind::Kind;
use crate::server::{Cores, Manner, Server};

const CAPACITY: &str = "capacity, operations a second";
const GAIN: &str = "capacity with two cores to one";
const CEILING: &str = "the same of two servers that share nothing";
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

/// A server, or two that share the load.
struct Side<'a> {
    servers: Vec<&'a Server>,
    load: Load,
    before: Vec<HashMap<String, Duration>>,
    wall: Duration,
}

impl<'a> Side<'a> {
    fn new(servers: &[&'a Server]) -> Result<Side<'a>> {
        let each = CONNECTIONS / servers.len();
        let mut load = Load::connect(servers[0].port, each)?;
        for server in &servers[1..] {
            for _ in 0..each {
                load.add(Client::connect(server.port)?)?;
            }
        }
        let before = servers.iter().map(|server| server.thread_times());
        Ok(Side {
            before: before.collect::<Result<_>>()?,
            servers: servers.to_vec(),
            load,
            wall: Duration::ZERO,
        })
    }

    /// Processor seconds of its busiest thread, and of all.
    fn spent(&self) -> Result<(f64, f64)> {
        let (mut busiest, mut all) = (Duration::ZERO, Duration::ZERO);
        for (server, before) in self.servers.iter().zip(&self.before) {
            busiest = busiest.max(server.busiest_since(before)?);
            let now: Duration = server.thread_times()?.into_values().sum();
            all += now.saturating_sub(before.values().sum());
        }
        Ok((busiest.as_secs_f64(), all.as_secs_f64()))
    }
}

fn run(stage: &Stage, streams: usize) -> Result<Vec<Figure>> {
    let alone = match stage.server.kind {
        Kind::RedisThreads => Kind::Redis,
        kind => kind,
    };
    let start = |place: u16, cores| {
        let manner = Manner {
            cores,
            ..Manner::default()
        };
        Server::start(alone, stage.server.port + place, manner, &[])
    };
    let one = start(1, Cores::One)?;
    let pair = [start(2, Cores::One)?, start(3, Cores::Other)?];
    let _everywhere = Everywhere::new()?;
    let mut sides = [
        Side::new(&[stage.server])?,
        Side::new(&[&one])?,
        Side::new(&[&pair[0], &pair[1]])?,
    ];
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
    for side in &sides {
        check(&side.servers, streams, operations)?;
    }
    let figures = figures(&sides, operations as f64)?;
    drop(sides);
    let [first, second] = pair;
    [one, first, second]
        .into_iter()
        .try_for_each(Server::stop)?;
    Ok(figures)
}

/// What two cores, one core and two servers have done.
fn figures(sides: &[Side<'_>; 3], operations: f64) -> Result<Vec<Figure>> {
    let [
        (two_busiest, two_all),
        (one_busiest, one_all),
        (pair_busiest, _),
    ] = [sides[0].spent()?, sides[1].spent()?, sides[2].spent()?];
    let walls = sides.each_ref().map(|side| side.wall.as_secs_f64());
    Ok(vec![
        Figure::new(CAPACITY, "/s", operations / two_busiest),
        Figure::new(GAIN, "x", one_busiest / two_busiest),
        Figure::new(CEILING, "x", one_busiest / pair_busiest),
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
fn check(servers: &[&Server], streams: usize, operations: usize) -> Result<()> {
    let (key, each) = match streams {
        1 => ("s", operations),
        // The last of them is not among those that a batch comes to twice.
        _ => ("key:000999", operations / BATCH),
    };
    let mut found = 0;
    for server in servers {
        let mut client = Client::connect(server.port)?;
        let reply = String::from_utf8(client.ask(&format!("XLEN {key}"))?)?;
        found += reply.trim_start_matches(':').trim_end().parse::<usize>()?;
    }
    match found == each {
        true => Ok(()),
        false => Err(format!("{found} entries in {key}, and not {each}").into()),
    }
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
