//! What the log costs: CPU time beside a server that keeps none, and bytes.

use std::time::{Duration, Instant};

use super::group::Delivered;
use super::{CONNECTIONS, Figure, Stage, VALUE, command, figure, xadd};
use crate::Result;
use crate::client::Client;
use crate::drive::Load;
use crate::server::{Manner, Server};

/// How much more CPU time an operation takes with the log than without.
pub const COST: &str = "the log's cost";
/// Growth of the log by reading.
pub const READ_BYTES: &str = "log bytes per entry read";
const ACK_BYTES: &str = "log bytes per entry acknowledged";
/// Parts of the work; the two servers take turns with them.
const SLICES: usize = 4;
/// Longer than from one sync to the next.
const LAST_SYNC: Duration = Duration::from_millis(1100);
/// Longer than any server lets the log gather before it writes.
const LAST_WRITE: Duration = Duration::from_millis(200);
const COUNT: usize = 100;

/// One of the two servers that are compared.
struct Side<'a> {
    server: &'a Server,
    load: Load,
    /// Time in which it was at work.
    wall: Duration,
}

impl<'a> Side<'a> {
    fn new(server: &'a Server) -> Result<Side<'a>> {
        let load = Load::connect(server.port, CONNECTIONS)?;
        Ok(Side {
            server,
            load,
            wall: Duration::ZERO,
        })
    }
}

/// XADD on the stage's server and on one of the same kind without a log, taking turns.
pub fn cost(stage: &Stage, pipeline: usize) -> Result<Vec<Figure>> {
    let other_port = stage.server.port + 1;
    let plain = Server::start(stage.server.kind, other_port, Manner::default(), &[])?;
    let mut sides = [Side::new(stage.server)?, Side::new(&plain)?];
    let repeat = xadd(1, pipeline);
    let each_slice = stage.operations / SLICES / pipeline * pipeline;
    let operations = each_slice * SLICES;
    let before = [stage.server.cpu_time()?, plain.cpu_time()?];
    for _ in 0..SLICES {
        for side in &mut sides {
            let began = Instant::now();
            side.load.drive(&mut repeat.turns(each_slice))?;
            side.wall += began.elapsed();
        }
    }
    std::thread::sleep(LAST_SYNC);
    let mut each_us = [0.0; 2];
    for (at, side) in sides.iter().enumerate() {
        let spent = side.server.cpu_time()?.since(before[at]).total;
        each_us[at] = spent.as_secs_f64() * 1e6 / operations as f64;
        Client::connect(side.server.port)?.expect("XLEN s", &format!(":{operations}\r\n"))?;
    }
    let wall = sides[0].wall.as_secs_f64();
    plain.stop()?;
    let [with, without] = each_us;
    let figure = |name, unit, value| Figure { name, unit, value };
    Ok(vec![
        figure(figure::CPU, "µs", with),
        figure("CPU per operation without a log", "µs", without),
        figure(COST, "%", (with / without - 1.0) * 100.0),
        figure(figure::RATE, "/s", operations as f64 / wall),
    ])
}

/// Reads a stream by a group and acknowledges it, and looks at how the log has grown by each.
pub fn bytes(stage: &Stage) -> Result<Vec<Figure>> {
    let mut client = Client::connect(stage.server.port)?;
    let add = command("XADD", &["s", "*", "f", VALUE]);
    client.fill(stage.operations, |out| out.extend_from_slice(&add))?;
    client.expect("XGROUP CREATE s g 0", "+OK\r\n")?;
    let filled = written(stage)?;
    let mut acks = Vec::new();
    for _ in 0..stage.operations / COUNT {
        let reply = client.ask(&format!("XREADGROUP GROUP g c COUNT {COUNT} STREAMS s >"))?;
        let read = Delivered::parse(&reply).filter(|read| read.ids.len() == COUNT);
        let read = read.ok_or("XREADGROUP did not answer what was asked for")?;
        acks.push(read.acknowledgement("g"));
    }
    let read = written(stage)?;
    for ack in &acks {
        client.send(ack)?;
        if client.reply()? != format!(":{COUNT}\r\n").as_bytes() {
            return Err("XACK did not acknowledge what was read".into());
        }
    }
    let acknowledged = written(stage)?;
    let each = |name, bytes: u64| Figure {
        name,
        unit: "B",
        value: bytes as f64 / stage.operations as f64,
    };
    Ok(vec![
        each(READ_BYTES, read - filled),
        each(ACK_BYTES, acknowledged - read),
    ])
}

/// Bytes of the log once all is written.
fn written(stage: &Stage) -> Result<u64> {
    std::thread::sleep(LAST_WRITE);
    stage.server.log_bytes()
}
