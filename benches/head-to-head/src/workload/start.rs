//! How soon a server answers: with nothing to load, with a snapshot, with a log. Each loads what it has written itself, with
//! both cores to itself.

use std::time::Duration;

use super::Goal::{AtLeastOfBetter, Limit};
use super::snapshot::Values;
use super::{Figure, Stage, Workload};
use crate::Result;
use crate::client::Client;
use crate::reply::push_request;
use crate::server::{Cores, LOG_DIRECTORY, Manner, Persistence, Server};

const TIME: &str = "time to the first answer";
const SPEED: &str = "entries loaded a second";
const STREAMS: usize = 100;
/// Hexadecimal digits in an entry's value: half of what it takes is left to compress.
const VALUE_BYTES: usize = 32;
const STARTS: usize = 5;
/// Longer than any server lets the log gather before it writes.
const LAST_WRITE: Duration = Duration::from_millis(1_200);

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    let load = |name, what, persistence, goal| {
        let about = format!(
            "start with {what} of 8 million entries in 100 streams (a quarter of it in quick runs)"
        );
        Workload::new(name, about, 8_000_000, move |stage| {
            load(stage, persistence)
        })
        .rounds(3)
        .primary(SPEED)
        .goal(AtLeastOfBetter(SPEED, goal))
    };
    vec![
        Workload::new("start", "start with an empty directory", STARTS, empty)
            .whole()
            .primary(TIME)
            .goal(Limit(TIME, 100.0)),
        load("load-snapshot", "a snapshot", Persistence::Off, 3.0),
        load("load-log", "a log", Persistence::EverySecond, 2.0),
    ]
}

fn manner(persistence: Persistence) -> Manner {
    Manner {
        persistence,
        cores: Cores::Two,
        ..Manner::default()
    }
}

/// The stage's server stands idle beside; what starts is another.
fn other(stage: &Stage, persistence: Persistence) -> Result<Server> {
    Server::start(
        stage.server.kind,
        stage.server.port + 1,
        manner(persistence),
        &[],
    )
}

fn empty(stage: &Stage) -> Result<Vec<Figure>> {
    let mut server = other(stage, Persistence::Off)?;
    let mut times = Vec::new();
    for _ in 0..stage.operations {
        times.push(server.restart()?);
    }
    server.stop()?;
    times.sort();
    let middle = times[times.len() / 2];
    Ok(vec![Figure::new(TIME, "ms", middle.as_secs_f64() * 1e3)])
}

fn load(stage: &Stage, persistence: Persistence) -> Result<Vec<Figure>> {
    let mut server = other(stage, persistence)?;
    fill(stage, &server, persistence)?;
    let took = server.restart()?.as_secs_f64();
    let cpu = server.cpu_time()?.ticks_seconds();
    let mut client = Client::connect(server.port)?;
    client.expect("DBSIZE", &format!(":{STREAMS}\r\n"))?;
    let each = stage.operations / STREAMS;
    client.expect("XLEN key:7", &format!(":{each}\r\n"))?;
    let bytes = match persistence {
        Persistence::Off => std::fs::metadata(server.file("dump.rdb"))?.len(),
        _ => server.log_bytes()?,
    };
    server.stop()?;
    let megabytes = bytes as f64 / 1e6;
    Ok(vec![
        Figure::new(SPEED, "/s", stage.operations as f64 / took),
        Figure::new(TIME, "ms", took * 1e3),
        Figure::new("CPU time", "s", cpu),
        Figure::new("size of what is loaded", "MB", megabytes),
    ])
}

/// Adds one entry per operation, and has them kept on disk.
fn fill(stage: &Stage, server: &Server, persistence: Persistence) -> Result<()> {
    let mut client = Client::connect(server.port)?;
    let (mut values, mut number) = (Values::of(VALUE_BYTES), 0);
    client.fill(stage.operations, |out| {
        let (key, value) = (format!("key:{}", number % STREAMS), values.next());
        push_request(
            out,
            &[b"XADD", key.as_bytes(), b"*", b"f", value.as_bytes()],
        );
        number += 1;
    })?;
    if persistence == Persistence::Off {
        return client.expect("SAVE", "+OK\r\n");
    }
    std::thread::sleep(LAST_WRITE);
    if !server.file(LOG_DIRECTORY).exists() {
        return Err("no log was written".into());
    }
    Ok(())
}
