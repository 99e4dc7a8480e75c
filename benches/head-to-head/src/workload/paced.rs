//! Requests at a fixed rate, whatever the server does: each is timed from when it was due, so a
//! server that falls behind is charged for everyone it kept waiting.

use std::time::{Duration, Instant};

use super::{CONNECTIONS, Figure, Stage, percentiles};
use crate::Result;
use crate::drive::{batch_times, nanoseconds};
use crate::reply::Expect;
use crate::timed::Timed;

const INTERVAL: Duration = Duration::from_micros(50);

/// Sends `request` every [`INTERVAL`], spread over all connections, one thread that never sleeps.
pub fn run(stage: &Stage, request: &[u8], expect: &Expect) -> Result<Vec<Figure>> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Timed::connect(stage.server.port)?);
    }
    let mut times = batch_times();
    let mut check = |reply: &[u8], waited: Duration| {
        times.saturating_record(nanoseconds(waited));
        match expect.admits(reply) {
            true => Ok(()),
            false => Err(format!("wrong reply {}", reply.escape_ascii()).into()),
        }
    };
    let ((), mut figures) = stage.measure(stage.operations, || {
        let (mut due, mut sent, mut answered) = (Instant::now(), 0, 0);
        while answered < stage.operations {
            if sent < stage.operations && due <= Instant::now() {
                connections[sent % CONNECTIONS].send(request, due)?;
                due += INTERVAL;
                sent += 1;
            }
            for connection in &mut connections {
                answered += connection.take(&mut check)?;
            }
        }
        Ok(())
    })?;
    figures.extend(percentiles(&times));
    Ok(figures)
}
