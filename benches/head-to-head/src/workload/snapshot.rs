//! How a steady light load fares while a snapshot or a rewrite of a large keyspace runs.
//!
//! The load is open: each request is timed from when it was due. One thread that never sleeps plays it all, looks now and then
//! at the process's memory, and sees by the files when what it ordered is done: to ask the server would be load.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use super::group::Delivered;
use super::{Figure, Stage, command};
use crate::Result;
use crate::client::Client;
use crate::drive::{BatchTimes, batch_times, nanoseconds};
use crate::reply::{Expect, push_request};
use crate::server::{LOG_DIRECTORY, Server};
use crate::timed::Timed;

/// How much longer the slowest thousandth of the requests takes while it runs.
pub const SLOWED: &str = "p99.9 while it runs, to p99.9 when calm";
/// The longest that a request took while it ran.
pub const LONGEST: &str = "longest wait while it runs";
/// How much more memory than before is in use while it runs, beyond what the load adds.
pub const GROWTH: &str = "memory growth";

/// A quarter of all entries go to the first stream, the rest to the others in turn.
const STREAMS: usize = 1_000;
/// Hexadecimal digits in an entry's value: half of what it takes is left to compress.
const VALUE_BYTES: usize = 160;
/// Entries of each stream that are delivered and not acknowledged.
const PENDING: usize = 100;
const ADD_INTERVAL: Duration = Duration::from_micros(500);
const READ_INTERVAL: Duration = Duration::from_millis(5);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
const ADDERS: usize = 4;
const CALM: Duration = Duration::from_secs(5);
/// What is quick is done again until it has taken this long.
const BUSY: Duration = Duration::from_secs(5);
/// Between one and the next.
const PAUSE: Duration = Duration::from_millis(500);
const LIMIT: Duration = Duration::from_secs(300);

/// What runs beside the load.
#[derive(Debug, Clone, Copy)]
pub enum Task {
    /// BGSAVE.
    Save,
    /// BGREWRITEAOF.
    Rewrite,
}

impl Task {
    fn order(self) -> &'static str {
        match self {
            Task::Save => "BGSAVE",
            Task::Rewrite => "BGREWRITEAOF",
        }
    }

    /// Fields of INFO persistence: whether it runs, and what was copied for it beside the process's own memory.
    fn fields(self) -> [&'static str; 2] {
        match self {
            Task::Save => ["rdb_bgsave_in_progress", "rdb_last_cow_size"],
            Task::Rewrite => ["aof_rewrite_in_progress", "aof_last_cow_size"],
        }
    }

    /// Something on disk that is different once it is done.
    fn trace(self, server: &Server) -> Result<String> {
        match self {
            Task::Save => {
                let file = fs::metadata(server.file("dump.rdb"));
                Ok(file.map_or("none".into(), |file| {
                    format!("{} {}", file.ino(), file.mtime_nsec())
                }))
            }
            Task::Rewrite => {
                let manifest = server.file(LOG_DIRECTORY).join("appendonly.aof.manifest");
                let text = fs::read_to_string(manifest)?;
                let base = text.lines().find(|line| line.contains(" type b"));
                Ok(base.unwrap_or("none").into())
            }
        }
    }
}

/// Lays in the streams, plays the load without and with the task, and compares.
pub fn run(stage: &Stage, task: Task) -> Result<Vec<Figure>> {
    fill(stage)?;
    let mut load = Load::new(stage.server)?;
    // The first requests to each stream find it cold.
    load.play_for(Duration::from_secs(1))?;
    load.times = batch_times();
    let calm_growth = load.growth_a_second(CALM)?;
    let calm = std::mem::replace(&mut load.times, batch_times());
    let before = stage.server.resident_bytes()?;
    load.peak_bytes = before;
    let (mut runs, mut ran) = (0, Duration::ZERO);
    let began = Instant::now();
    while ran < BUSY {
        ran += load.play_beside(task)?;
        runs += 1;
        let busy = std::mem::replace(&mut load.times, batch_times());
        load.play_for(PAUSE)?;
        load.times = busy;
    }
    let added = calm_growth * began.elapsed().as_secs_f64();
    let mut client = Client::connect(stage.server.port)?;
    let [running, copied] = task.fields();
    while client.info("persistence", running)? != 0 {
        std::thread::sleep(LOOK_INTERVAL);
    }
    let copied = client.info("persistence", copied)? as f64;
    let growth = (load.peak_bytes - before) as f64 - added + copied;
    let p999_us = |times: &BatchTimes| times.value_at_quantile(0.999) as f64 / 1e3;
    let longest_ms = |times: &BatchTimes| times.max() as f64 / 1e6;
    let busy = &load.times;
    let figure = |name, unit, value| Figure { name, unit, value };
    Ok(vec![
        figure("p99.9 when calm", "µs", p999_us(&calm)),
        figure("p99.9 while it runs", "µs", p999_us(busy)),
        figure(SLOWED, "", p999_us(busy) / p999_us(&calm)),
        figure("longest wait when calm", "ms", longest_ms(&calm)),
        figure(LONGEST, "ms", longest_ms(busy)),
        figure(GROWTH, "%", growth / before as f64 * 100.0),
        figure("resident memory before", "MB", before as f64 / 1e6),
        figure("time it takes", "s", ran.as_secs_f64() / f64::from(runs)),
    ])
}

fn key(stream: usize) -> String {
    format!("stream:{stream:04}")
}

fn fill(stage: &Stage) -> Result<()> {
    let mut client = Client::connect(stage.server.port)?;
    let (mut values, mut entry) = (Values::of(VALUE_BYTES), 0);
    client.fill(stage.operations, |out| {
        let stream = if entry % 4 == 0 { 0 } else { entry % STREAMS };
        let (key, value) = (key(stream), values.next());
        push_request(
            out,
            &[b"XADD", key.as_bytes(), b"*", b"payload", value.as_bytes()],
        );
        entry += 1;
    })?;
    for stream in 0..STREAMS {
        let key = key(stream);
        client.ask(&format!("XGROUP CREATE {key} g 0 MKSTREAM"))?;
        client.ask(&format!(
            "XREADGROUP GROUP g old COUNT {PENDING} STREAMS {key} >"
        ))?;
    }
    Ok(())
}

/// Hexadecimal values that look random and are the same in every run.
pub struct Values {
    state: u64,
    bytes: usize,
}

impl Values {
    /// Values of so many digits, a multiple of sixteen.
    pub fn of(bytes: usize) -> Values {
        let state = 0x9e37_79b9_7f4a_7c15;
        Values { state, bytes }
    }

    /// The next one.
    pub fn next(&mut self) -> String {
        let mut value = String::with_capacity(self.bytes);
        while value.len() < self.bytes {
            // Xorshift.
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            value.push_str(&format!("{:016x}", self.state));
        }
        value
    }
}

/// 2,000 XADD a second, and a consumer that reads ten entries of a stream 200 times a second and acknowledges them.
struct Load<'a> {
    server: &'a Server,
    adders: Vec<Timed>,
    reader: Timed,
    control: Timed,
    next_add: Instant,
    next_read: Instant,
    next_look: Instant,
    added: usize,
    read: usize,
    values: Values,
    /// Acknowledgements to go with the next read.
    acks: Vec<Vec<u8>>,
    times: BatchTimes,
    /// The most memory seen.
    peak_bytes: u64,
}

impl Load<'_> {
    fn new(server: &Server) -> Result<Load<'_>> {
        let connect = || Timed::connect(server.port);
        let now = Instant::now();
        Ok(Load {
            server,
            adders: (0..ADDERS).map(|_| connect()).collect::<Result<_>>()?,
            reader: connect()?,
            control: connect()?,
            next_add: now,
            next_read: now,
            next_look: now,
            added: 0,
            read: 0,
            values: Values::of(VALUE_BYTES),
            acks: Vec::new(),
            times: batch_times(),
            peak_bytes: 0,
        })
    }

    fn play_for(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn()?;
        }
        Ok(())
    }

    /// Plays for a time; by how much the process grows in a second.
    fn growth_a_second(&mut self, time: Duration) -> Result<f64> {
        let before = self.server.resident_bytes()? as f64;
        self.play_for(time)?;
        let after = self.server.resident_bytes()? as f64;
        Ok((after - before) / time.as_secs_f64())
    }

    /// Plays until the task, ordered now, is done: how long it took.
    fn play_beside(&mut self, task: Task) -> Result<Duration> {
        let (began, trace) = (Instant::now(), task.trace(self.server)?);
        self.control.send(&command(task.order(), &[]), began)?;
        while began.elapsed() < LIMIT {
            let looked = self.next_look;
            self.turn()?;
            self.control.take(|reply, _| match reply[0] {
                b'+' => Ok(()),
                _ => Err(format!("{}: {}", task.order(), reply.escape_ascii()).into()),
            })?;
            if self.next_look != looked && task.trace(self.server)? != trace {
                return Ok(began.elapsed());
            }
        }
        Err(format!("{} was not done after {LIMIT:?}", task.order()).into())
    }

    /// Sends what is due and takes what has come.
    fn turn(&mut self) -> Result<()> {
        let now = Instant::now();
        if self.next_add <= now {
            let (key, value) = (key(self.added % STREAMS), self.values.next());
            let add = command("XADD", &[&key, "*", "payload", &value]);
            self.adders[self.added % ADDERS].send(&add, self.next_add)?;
            self.added += 1;
            self.next_add += ADD_INTERVAL;
        }
        if self.next_read <= now {
            for ack in self.acks.drain(..) {
                self.reader.send(&ack, self.next_read)?;
            }
            let key = key(self.read % STREAMS);
            let words = ["GROUP", "g", "new", "COUNT", "10", "STREAMS", &key, ">"];
            let read = command("XREADGROUP", &words);
            self.reader.send(&read, self.next_read)?;
            self.read += 1;
            self.next_read += READ_INTERVAL;
        }
        if self.next_look <= now {
            self.peak_bytes = self.peak_bytes.max(self.server.resident_bytes()?);
            self.next_look = now + LOOK_INTERVAL;
        }
        self.take()
    }

    fn take(&mut self) -> Result<()> {
        let (times, acks) = (&mut self.times, &mut self.acks);
        for adder in &mut self.adders {
            adder.take(|reply, waited| {
                times.saturating_record(nanoseconds(waited));
                if Expect::StreamId.admits(reply) {
                    return Ok(());
                }
                Err(format!("XADD answered {}", reply.escape_ascii()).into())
            })?;
        }
        self.reader.take(|reply, waited| {
            times.saturating_record(nanoseconds(waited));
            if Expect::Count.admits(reply) {
                return Ok(());
            }
            let read = Delivered::parse(reply).ok_or_else(|| {
                let reply = reply.escape_ascii();
                format!("XREADGROUP or XACK answered {reply}")
            })?;
            acks.push(read.acknowledgement("g"));
            Ok(())
        })?;
        Ok(())
    }
}
