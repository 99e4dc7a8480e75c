//! Publishers and subscribers of one channel; every subscriber must hear every message.

use super::Goal::{AtLeastOfBetter, AtMostOfBetter};
use super::{CONNECTIONS, Figure, Stage, VALUE, Workload, command, figure, percentiles};
use crate::Result;
use crate::client::Client;
use crate::drive::{Load, Player};
use crate::reply::request;

const PIPELINE: usize = 32;

/// Messages that reach a subscriber for each second of CPU time.
const DELIVERED: &str = "delivered per CPU second";

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    vec![
        workload(1, &CHANNEL, 819_200)
            .floor(":1\r\n")
            .floor_forwards(CHANNEL.confirmed, CHANNEL.message())
            .counted(32_000)
            .goal(AtMostOfBetter(figure::CPU, 0.4)),
        workload(100, &CHANNEL, 32_000)
            .counted(3_200)
            .goal(AtLeastOfBetter(DELIVERED, 1.5)),
        workload(10_000, &CHANNEL, 1_280),
        workload(1, &PATTERN, 819_200),
        workload(100, &PATTERN, 32_000),
    ]
}

/// How subscribers listen, and what they hear.
struct Listening {
    name: &'static str,
    subscribe: &'static str,
    /// What the server answers when it is the first subscription of a connection.
    confirmed: &'static str,
    heard: &'static [&'static str],
}

impl Listening {
    /// A message is framed as a request is: an array of bulk strings.
    fn message(&self) -> String {
        let words: Vec<&[u8]> = self.heard.iter().map(|word| word.as_bytes()).collect();
        String::from_utf8(request(&words)).expect("the words are ASCII")
    }
}

const CHANNEL: Listening = Listening {
    name: "publish",
    subscribe: "SUBSCRIBE c",
    confirmed: "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
    heard: &["message", "c", VALUE],
};

const PATTERN: Listening = Listening {
    name: "publish-pattern",
    subscribe: "PSUBSCRIBE c*",
    confirmed: "*3\r\n$10\r\npsubscribe\r\n$2\r\nc*\r\n:1\r\n",
    heard: &["pmessage", "c*", "c", VALUE],
};

fn workload(subscribers: usize, listening: &'static Listening, operations: usize) -> Workload {
    let Listening {
        name, subscribe, ..
    } = listening;
    Workload::new(
        format!("{name}-{subscribers}-p{PIPELINE}"),
        format!(
            "PUBLISH of 32 bytes to {subscribers} that {subscribe}, {PIPELINE} in flight per publisher"
        ),
        operations,
        move |stage| run(stage, subscribers, listening),
    )
}

/// Publishes every operation's message to `subscribers` subscribers.
fn run(stage: &Stage, subscribers: usize, listening: &Listening) -> Result<Vec<Figure>> {
    let port = stage.server.port;
    // Fewer publishers for many subscribers: what is in flight must stay below the output limits.
    let publishers = match subscribers {
        1 => CONNECTIONS,
        2..=100 => 10,
        _ => 1,
    };
    let mut load = Load::connect(port, publishers)?;
    for _ in 0..subscribers {
        let mut client = Client::connect(port)?;
        client.expect(listening.subscribe, listening.confirmed)?;
        load.add(client)?;
    }
    let mut channel = Channel {
        publishers,
        unpublished: stage.operations,
        messages: stage.operations,
        started: vec![false; publishers + subscribers],
        batch: command("PUBLISH", &["c", VALUE]).repeat(PIPELINE),
        receipt: format!(":{subscribers}\r\n").into_bytes(),
        message: listening.message().into_bytes(),
    };
    let (times, mut figures) = stage.measure(stage.operations, || load.drive(&mut channel))?;
    let cpu_us = figures.iter().find(|figure| figure.name == figure::CPU);
    if let Some(each) = cpu_us {
        let delivered = subscribers as f64 * 1e6 / each.value;
        figures.push(Figure::new(DELIVERED, "/s", delivered));
    }
    figures.extend(percentiles(&times));
    Ok(figures)
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
