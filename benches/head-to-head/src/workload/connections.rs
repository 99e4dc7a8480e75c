//! Ten thousand connections, most of which say nothing.

use super::{AN_ID, CONNECTIONS, Workload, xadd};
use crate::Result;
use crate::client::Client;

const IN_ALL: usize = 10_000;

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    vec![
        Workload::new(
            "idle-10000",
            "XADD of 32 bytes by 50 connections, one in flight on each, beside 9,950 idle ones",
            150_000,
            |stage| {
                let idle = idle(stage.server.port, IN_ALL - CONNECTIONS)?;
                let figures = xadd(1, 1).play(stage);
                drop(idle);
                figures
            },
        )
        .floor(AN_ID),
    ]
}

/// So many connections; each has had one reply, so that the server knows of it.
pub fn idle(port: u16, connections: usize) -> Result<Vec<Client>> {
    let one = |_| {
        let mut client = Client::connect(port)?;
        client.ask("PING")?;
        Ok(client)
    };
    (0..connections).map(one).collect()
}
