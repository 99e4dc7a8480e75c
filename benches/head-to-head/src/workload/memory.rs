//! What a long stream costs in memory.

use super::{Figure, Stage, VALUE, command};
use crate::Result;
use crate::client::Client;

/// Growth of INFO's `used_memory` per entry.
pub const USED: &str = "used_memory per entry";
/// Growth of the process's resident memory per entry.
pub const RESIDENT: &str = "resident memory per entry";

/// Adds one entry per operation to one stream and looks at how memory has grown.
pub fn run(stage: &Stage) -> Result<Vec<Figure>> {
    let add = command("XADD", &["s", "*", "f", VALUE]);
    let whole = ("XLEN s", stage.operations);
    growth(stage, |_| add.clone(), whole)
}

/// Sends one command per operation and looks at how memory has grown; then `command` must answer `count`.
pub fn growth(
    stage: &Stage,
    add: impl Fn(usize) -> Vec<u8>,
    (command, count): (&str, usize),
) -> Result<Vec<Figure>> {
    let mut client = Client::connect(stage.server.port)?;
    let used = client.info("memory", "used_memory")?;
    let resident = stage.server.resident_bytes()?;
    let mut number = 0;
    client.fill(stage.operations, |out| {
        out.extend_from_slice(&add(number));
        number += 1;
    })?;
    client.expect(command, &format!(":{count}\r\n"))?;
    let each = |now: u64, before: u64| now.saturating_sub(before) as f64 / stage.operations as f64;
    let used = each(client.info("memory", "used_memory")?, used);
    let resident = each(stage.server.resident_bytes()?, resident);
    let figure = |name, value| Figure {
        name,
        unit: "B",
        value,
    };
    Ok(vec![figure(USED, used), figure(RESIDENT, resident)])
}
