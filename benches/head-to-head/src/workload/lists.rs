//! Lists as queues: plain pushes and pops, jobs that are kept until they are done, and workers that wait.

use super::Goal::{AtLeastOfBetter, AtMostOfBetter};
use super::{
    A_VALUE, CONNECTIONS, Expect, Figure, Repeat, Stage, VALUE, Workload, command, figure,
    percentiles,
};
use crate::Result;
use crate::client::Client;
use crate::drive::{Load, Player};
use crate::reply::{Cursor, request};

/// Those who wait in BRPOP.
const WAITING: usize = 50;

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    vec![
        Workload::new("lpush-p32", "LPUSH of 32 bytes to one list", 1_280_000, |stage| {
            Repeat::of(32, vec![command("LPUSH", &["l", VALUE])], Expect::Count)
                .leaves("LLEN l", |stage| stage.operations)
                .play(stage)
        })
        .floor(":1\r\n")
        .counted(32_000)
        .goal(AtMostOfBetter(figure::CPU, 0.4)),
        Workload::new("rpop-p32", "RPOP of 32 bytes from one list", 1_280_000, |stage| {
            Repeat::of(32, vec![command("RPOP", &["l"])], Expect::Exactly(A_VALUE.into()))
                .prefilled(command("LPUSH", &["l", VALUE]))
                .leaves("LLEN l", |stage| stage.prefill - stage.operations)
                .play(stage)
        })
        .floor(A_VALUE)
        .counted(32_000)
        .goal(AtMostOfBetter(figure::CPU, 0.4)),
        Workload::new(
            "queue-lmove",
            "jobs taken by LMOVE into the worker's own list, then removed by LREM with the next LMOVE",
            200_000,
            |stage| safe_queue(stage, CONNECTIONS),
        )
        .counted(8_000)
        .primary(figure::RATE)
        .goal(AtLeastOfBetter(figure::RATE, 1.2)),
        Workload::new(
            "queue-brpop",
            "jobs pushed by 50 connections and taken by 50 others in BRPOP",
            200_000,
            waiting_queue,
        )
        .primary(figure::RATE)
        .goal(AtLeastOfBetter(figure::RATE, 1.2)),
    ]
}

/// A job's text, unlike any other's and as long as [`VALUE`].
fn job(number: usize) -> String {
    format!("{number:032}")
}

fn safe_queue(stage: &Stage, workers: usize) -> Result<Vec<Figure>> {
    let mut client = Client::connect(stage.server.port)?;
    let mut number = 0;
    client.fill(stage.prefill, |out| {
        out.extend(command("LPUSH", &["jobs", &job(number)]));
        number += 1;
    })?;
    let mut load = Load::connect(stage.server.port, workers)?;
    let mut workers = Workers {
        left: stage.operations,
        holding: vec![Held::Nothing; workers],
    };
    let (times, mut figures) = stage.measure(stage.operations, || load.drive(&mut workers))?;
    figures.extend(percentiles(&times));
    let left = stage.prefill - stage.operations;
    client.expect("LLEN jobs", &format!(":{left}\r\n"))?;
    client.expect("KEYS doing:*", "*0\r\n")?;
    Ok(figures)
}

/// Workers that take a job, and put it away when they take the next.
struct Workers {
    /// Jobs that nobody has asked for.
    left: usize,
    holding: Vec<Held>,
}

#[derive(Clone)]
enum Held {
    Nothing,
    Job(Vec<u8>),
    /// LREM is under way.
    PuttingAway,
}

impl Player for Workers {
    fn next(&mut self, connection: usize, out: &mut Vec<u8>) -> usize {
        let doing = format!("doing:{connection}");
        let mut replies = 0;
        let held = &mut self.holding[connection];
        if let Held::Job(job) = held {
            out.extend(request(&[b"LREM", doing.as_bytes(), b"1", job]));
            *held = Held::PuttingAway;
            replies += 1;
        }
        if self.left > 0 {
            self.left -= 1;
            out.extend(command("LMOVE", &["jobs", &doing, "RIGHT", "LEFT"]));
            replies += 1;
        }
        replies
    }

    fn reply(&mut self, connection: usize, reply: &[u8]) -> bool {
        let held = &mut self.holding[connection];
        if let Held::PuttingAway = held {
            *held = Held::Nothing;
            return reply == b":1\r\n";
        }
        match Cursor(reply).bulk() {
            Some(job) => *held = Held::Job(job.to_vec()),
            None => return false,
        }
        true
    }
}

fn waiting_queue(stage: &Stage) -> Result<Vec<Figure>> {
    let mut load = Load::connect(stage.server.port, 2 * WAITING)?;
    // Everybody does as much as every other, so that nobody waits for what does not come.
    let each = stage.operations / WAITING;
    let mut parties = Parties {
        left: vec![each; 2 * WAITING],
        pop: command("BRPOP", &["jobs", "0"]),
        push: command("LPUSH", &["jobs", VALUE]),
        popped: request(&[b"jobs", VALUE.as_bytes()]),
    };
    let operations = each * WAITING;
    let (times, mut figures) = stage.measure(operations, || load.drive(&mut parties))?;
    figures.extend(percentiles(&times));
    Client::connect(stage.server.port)?.expect("LLEN jobs", ":0\r\n")?;
    Ok(figures)
}

/// The first half of the connections pops, the second half pushes.
struct Parties {
    left: Vec<usize>,
    pop: Vec<u8>,
    push: Vec<u8>,
    popped: Vec<u8>,
}

impl Player for Parties {
    fn next(&mut self, connection: usize, out: &mut Vec<u8>) -> usize {
        let left = &mut self.left[connection];
        if *left == 0 {
            return 0;
        }
        *left -= 1;
        let pops = connection < WAITING;
        out.extend_from_slice(if pops { &self.pop } else { &self.push });
        1
    }

    fn reply(&mut self, connection: usize, reply: &[u8]) -> bool {
        match connection < WAITING {
            true => reply == self.popped,
            false => Expect::Count.admits(reply),
        }
    }
}
