//! Publishers and subscribers of one channel; every subscriber must hear every message.

use super::{CONNECTIONS, Figure, Stage, VALUE, command, percentiles};
use crate::Result;
use crate::client::Client;
use crate::drive::{Load, Player};
use crate::reply::request;

const PIPELINE: usize = 32;

/// Publishes every operation's message to `subscribers` subscribers.
pub fn run(stage: &Stage, subscribers: usize) -> Result<Vec<Figure>> {
    let port = stage.server.port;
    // Fewer publishers for many subscribers: what is in flight must stay below the output limits.
    let publishers = if subscribers > 1 { 10 } else { CONNECTIONS };
    let mut load = Load::connect(port, publishers)?;
    for _ in 0..subscribers {
        let mut client = Client::connect(port)?;
        client.expect("SUBSCRIBE c", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")?;
        load.add(client)?;
    }
    let mut channel = Channel {
        publishers,
        unpublished: stage.operations,
        messages: stage.operations,
        started: vec![false; publishers + subscribers],
        batch: command("PUBLISH", &["c", VALUE]).repeat(PIPELINE),
        receipt: format!(":{subscribers}\r\n").into_bytes(),
        message: message(),
    };
    let (times, mut figures) = stage.measure(stage.operations, || load.drive(&mut channel))?;
    figures.extend(percentiles(&times));
    Ok(figures)
}

/// A message push is framed as a request is: an array of bulk strings.
fn message() -> Vec<u8> {
    request(&[b"message", b"c", VALUE.as_bytes()])
}

/// Connections below `publishers` publish; the others only listen.
struct Channel {
    publishers: usize,
    unpublished: usize,
    messages: usize,
    started: Vec<bool>,
    batch: Vec<u8>,
    receipt: Vec<u8>,
    message: Vec<u8>,
}

impl Player for Channel {
    fn next(&mut self, connection: usize, out: &mut Vec<u8>) -> usize {
        let started = std::mem::replace(&mut self.started[connection], true);
        if connection >= self.publishers {
            return if started { 0 } else { self.messages };
        }
        if self.unpublished == 0 {
            return 0;
        }
        self.unpublished -= PIPELINE;
        out.extend_from_slice(&self.batch);
        PIPELINE
    }

    fn reply(&mut self, connection: usize, reply: &[u8]) -> bool {
        reply
            == if connection < self.publishers {
                &self.receipt
            } else {
                &self.message
            }
    }
}
