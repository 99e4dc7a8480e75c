//! One client blocks on a list, another pushes: how long until the first one has the element.

use std::time::Instant;

use super::{Figure, Stage, VALUE, percentiles};
use crate::Result;
use crate::client::Client;
use crate::drive::{batch_times, nanoseconds};
use crate::reply::request;

/// Hands over one element per operation, one at a time.
pub fn run(stage: &Stage) -> Result<Vec<Figure>> {
    let port = stage.server.port;
    let (mut taker, mut giver) = (Client::connect(port)?, Client::connect(port)?);
    let handed = request(&[b"l", VALUE.as_bytes()]);
    let mut times = batch_times();
    let ((), mut figures) = stage.measure(stage.operations, || {
        for _ in 0..stage.operations {
            taker.send(&[b"BRPOP", b"l", b"0"])?;
            let sent = Instant::now();
            giver.send(&[b"LPUSH", b"l", VALUE.as_bytes()])?;
            if taker.reply()? != handed || giver.reply()? != b":1\r\n" {
                return Err("a wrong reply in a hand-over".into());
            }
            times.saturating_record(nanoseconds(sent.elapsed()));
        }
        Ok(())
    })?;
    figures.extend(percentiles(&times));
    Ok(figures)
}
