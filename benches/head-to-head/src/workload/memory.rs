//! What things cost in memory: entries, pending entries, list elements, connections, subscriptions.

use super::Goal::{AtMostOfBetter, Limit};
use super::{Figure, Stage, VALUE, Workload, command};
use crate::Result;
use crate::client::Client;

/// Growth of INFO's `used_memory` for each operation.
pub const USED: &str = "used_memory each";
/// Growth of the process's resident memory for each operation.
pub const RESIDENT: &str = "resident memory each";

const BATCH: usize = 1_000;

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    vec![
        each(
            "memory",
            "2 million entries of one 32-byte field",
            2_000_000,
            0.85,
            entries,
        )
        .goal(Limit(USED, 38.0)),
        each(
            "memory-pending",
            "a million pending entries of one consumer",
            1_000_000,
            0.7,
            pending_entries,
        ),
        each(
            "memory-list",
            "2 million list elements of 32 bytes",
            2_000_000,
            1.0,
            elements,
        ),
        each(
            "memory-connection",
            "9,000 idle connections",
            9_000,
            0.5,
            connections,
        ),
        each(
            "memory-subscription",
            "100,000 channels that one connection listens to",
            100_000,
            1.0,
            subscriptions,
        ),
    ]
}

fn each(name: &str, about: &str, operations: usize, share: f64, run: Run) -> Workload {
    Workload::new(name, format!("what {about} cost, each"), operations, run)
        .whole()
        .rounds(1)
        .primary(USED)
        .goals([USED, RESIDENT].map(|figure| AtMostOfBetter(figure, share)))
}

type Run = fn(&Stage) -> Result<Vec<Figure>>;

fn entries(stage: &Stage) -> Result<Vec<Figure>> {
    let add = command("XADD", &["s", "*", "f", VALUE]);
    growth(stage, |_| add.clone(), ("XLEN s", stage.operations))
}

fn elements(stage: &Stage) -> Result<Vec<Figure>> {
    let push = command("LPUSH", &["l", VALUE]);
    growth(stage, |_| push.clone(), ("LLEN l", stage.operations))
}

fn subscriptions(stage: &Stage) -> Result<Vec<Figure>> {
    let mut client = Client::connect(stage.server.port)?;
    let before = Memory::of(stage, &mut client)?;
    let mut subscriber = Client::connect(stage.server.port)?;
    let mut number = 0;
    subscriber.fill(stage.operations, |out| {
        out.extend(command("SUBSCRIBE", &[&format!("channel:{number:08}")]));
        number += 1;
    })?;
    before.growth(stage, &mut client)
}

fn connections(stage: &Stage) -> Result<Vec<Figure>> {
    let mut client = Client::connect(stage.server.port)?;
    let before = Memory::of(stage, &mut client)?;
    let idle = super::connections::idle(stage.server.port, stage.operations)?;
    let figures = before.growth(stage, &mut client);
    drop(idle);
    figures
}

fn pending_entries(stage: &Stage) -> Result<Vec<Figure>> {
    let mut client = lay_in(stage, stage.operations)?;
    let before = Memory::of(stage, &mut client)?;
    read_all(&mut client, stage.operations)?;
    before.growth(stage, &mut client)
}

/// Lays in a stream `s` whose `count` entries are all pending for one consumer of the group `g`.
pub fn pending(stage: &Stage, count: usize) -> Result<Client> {
    let mut client = lay_in(stage, count)?;
    read_all(&mut client, count)?;
    Ok(client)
}

fn lay_in(stage: &Stage, count: usize) -> Result<Client> {
    let mut client = Client::connect(stage.server.port)?;
    let add = command("XADD", &["s", "*", "f", VALUE]);
    client.fill(count, |out| out.extend_from_slice(&add))?;
    client.expect("XGROUP CREATE s g 0", "+OK\r\n")?;
    Ok(client)
}

fn read_all(client: &mut Client, count: usize) -> Result<()> {
    for _ in 0..count / BATCH {
        client.ask(&format!(
            "XREADGROUP GROUP g gone COUNT {BATCH} STREAMS s >"
        ))?;
    }
    let summary = client.ask("XPENDING s g")?;
    if !summary.starts_with(format!("*4\r\n:{count}\r\n").as_bytes()) {
        return Err(format!("not {count} pending: {}", summary.escape_ascii()).into());
    }
    Ok(())
}

/// What a server takes.
struct Memory {
    used: u64,
    resident: u64,
}

impl Memory {
    fn of(stage: &Stage, client: &mut Client) -> Result<Memory> {
        Ok(Memory {
            used: client.info("memory", "used_memory")?,
            resident: stage.server.resident_bytes()?,
        })
    }

    /// By how much more it takes now, for each operation.
    fn growth(&self, stage: &Stage, client: &mut Client) -> Result<Vec<Figure>> {
        let now = Memory::of(stage, client)?;
        let each =
            |now: u64, before: u64| now.saturating_sub(before) as f64 / stage.operations as f64;
        Ok(vec![
            Figure::new(USED, "B", each(now.used, self.used)),
            Figure::new(RESIDENT, "B", each(now.resident, self.resident)),
        ])
    }
}

/// Sends one command per operation and looks at how memory has grown; then `command` must answer `count`.
pub fn growth(
    stage: &Stage,
    add: impl Fn(usize) -> Vec<u8>,
    (command, count): (&str, usize),
) -> Result<Vec<Figure>> {
    let mut client = Client::connect(stage.server.port)?;
    let before = Memory::of(stage, &mut client)?;
    let mut number = 0;
    client.fill(stage.operations, |out| {
        out.extend_from_slice(&add(number));
        number += 1;
    })?;
    client.expect(command, &format!(":{count}\r\n"))?;
    before.growth(stage, &mut client)
}
