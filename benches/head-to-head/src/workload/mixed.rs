//! A bit of everything that messaging does, from every connection, with two subscribers that listen.

use super::{CONNECTIONS, Expect, Figure, Stage, VALUE, Workload, command, percentiles};
use crate::Result;
use crate::client::Client;
use crate::drive::{Load, Player};
use crate::reply::request;

/// Entries that XRANGE finds.
const RANGED: usize = 10;

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    vec![
        Workload::new(
            "mixed",
            "XADD MAXLEN, LPUSH, RPOP, PUBLISH to one subscriber, XRANGE of 10, SET, GET, HSET, one after another in batches of eight",
            400_000,
            run,
        )
        .counted(16_000),
    ]
}

fn run(stage: &Stage) -> Result<Vec<Figure>> {
    let port = stage.server.port;
    let mut client = Client::connect(port)?;
    let old = |n| command("XADD", &["old", &format!("1-{n}"), "f", VALUE]);
    let mut number = 0;
    client.fill(RANGED, |out| {
        number += 1;
        out.extend(old(number));
    })?;
    client.fill(1, |out| out.extend(command("HSET", &["h", "f", VALUE])))?;
    let ranged = client.ask("XRANGE old - +")?;
    let mut load = Load::connect(port, CONNECTIONS)?;
    let mut subscriber = Client::connect(port)?;
    subscriber.expect("SUBSCRIBE c", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")?;
    load.add(subscriber)?;
    let mut player = Mixture::new(stage.operations, ranged);
    let operations = player.batches * player.steps.len();
    let (times, mut figures) = stage.measure(operations, || load.drive(&mut player))?;
    figures.extend(percentiles(&times));
    Ok(figures)
}

struct Mixture {
    batch: Vec<u8>,
    /// What is expected of each command of a batch.
    steps: Vec<Expect>,
    batches: usize,
    unsent: usize,
    /// Where each connection is in its batch.
    at: Vec<usize>,
    listening: bool,
    heard: Vec<u8>,
}

impl Mixture {
    fn new(operations: usize, ranged: Vec<u8>) -> Mixture {
        let exactly = |bytes: &[u8]| Expect::Exactly(bytes.to_vec());
        let a_value = request(&[VALUE.as_bytes()])[b"*1\r\n".len()..].to_vec();
        let steps = [
            (
                command("XADD", &["s", "MAXLEN", "~", "10000", "*", "f", VALUE]),
                Expect::StreamId,
            ),
            (command("LPUSH", &["l", VALUE]), Expect::Count),
            (command("RPOP", &["l"]), exactly(&a_value)),
            (command("PUBLISH", &["c", VALUE]), exactly(b":1\r\n")),
            (
                command("XRANGE", &["old", "-", "+"]),
                Expect::Exactly(ranged),
            ),
            (command("SET", &["k", VALUE]), exactly(b"+OK\r\n")),
            (command("GET", &["k"]), exactly(&a_value)),
            (command("HSET", &["h", "f", VALUE]), exactly(b":0\r\n")),
        ];
        let batches = operations / steps.len();
        let (requests, steps): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
        Mixture {
            batch: requests.concat(),
            steps,
            batches,
            unsent: batches,
            at: vec![0; CONNECTIONS],
            listening: false,
            heard: request(&[b"message", b"c", VALUE.as_bytes()]),
        }
    }
}

impl Player for Mixture {
    fn next(&mut self, connection: usize, out: &mut Vec<u8>) -> usize {
        if connection == CONNECTIONS {
            let began = std::mem::replace(&mut self.listening, true);
            return if began { 0 } else { self.batches };
        }
        if self.unsent == 0 {
            return 0;
        }
        self.unsent -= 1;
        self.at[connection] = 0;
        out.extend_from_slice(&self.batch);
        self.steps.len()
    }

    fn reply(&mut self, connection: usize, reply: &[u8]) -> bool {
        let Some(at) = self.at.get_mut(connection) else {
            return reply == self.heard;
        };
        let expected = &self.steps[*at];
        *at += 1;
        expected.admits(reply)
    }
}
