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
    let mut client = Client::connect(stage.server.port)?;
    let used = client.info("memory", "used_memory")?;
    let resident = stage.server.resident_bytes()?;
    let add = command("XADD", &["s", "*", "f", VALUE]);
    client.fill(stage.operations, |out| out.extend_from_slice(&add))?;
    client.expect("XLEN s", &format!(":{}\r\n", stage.operations))?;
    let each = |now: u64, before: u64| (now - before) as f64 / stage.operations as f64;
    let used = each(client.info("memory", "used_memory")?, used);
    let resident = each(stage.server.resident_bytes()?, resident);
    Ok(vec![
        Figure {
            name: USED,
            unit: "B",
            value: used,
        },
        Figure {
            name: RESIDENT,
            unit: "B",
            value: resident,
        },
    ])
}
