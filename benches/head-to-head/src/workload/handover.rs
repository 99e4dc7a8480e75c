//! One client blocks, another feeds it: how long until the first one has what it waited for.

use std::time::Instant;

use super::Goal::AtLeastOfBetter;
use super::{Figure, Stage, VALUE, Workload, command, figure, percentiles};
use crate::Result;
use crate::client::Client;
use crate::drive::{batch_times, nanoseconds};
use crate::reply::{Cursor, Expect, request};

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    vec![
        Workload::new(
            "handover-list",
            "LPUSH to a list on which another connection blocks in BRPOP, one at a time",
            40_000,
            list,
        )
        .primary(figure::RATE)
        .goal(AtLeastOfBetter(figure::RATE, 1.2)),
        Workload::new(
            "handover-group",
            "XADD to a stream whose group's consumer blocks in XREADGROUP on another connection, one at a time",
            40_000,
            group,
        )
        .primary(figure::RATE),
    ]
}

/// Two requests that meet: one waits for what the other brings.
struct Meeting {
    take: Vec<u8>,
    give: Vec<u8>,
    /// Whether the taker's reply is what was given.
    taken: fn(&[u8]) -> bool,
    /// What the giver is told.
    given: Expect,
}

/// BRPOP waits for LPUSH.
fn list(stage: &Stage) -> Result<Vec<Figure>> {
    let meeting = Meeting {
        take: command("BRPOP", &["l", "0"]),
        give: command("LPUSH", &["l", VALUE]),
        taken: |reply| reply == request(&[b"l", VALUE.as_bytes()]),
        given: Expect::Exactly(b":1\r\n".into()),
    };
    meeting.repeat(stage)
}

/// A consumer's XREADGROUP waits for XADD.
fn group(stage: &Stage) -> Result<Vec<Figure>> {
    let mut client = Client::connect(stage.server.port)?;
    client.expect("XGROUP CREATE s g $ MKSTREAM", "+OK\r\n")?;
    let words = ["GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"];
    let meeting = Meeting {
        take: command("XREADGROUP", &words),
        give: command("XADD", &["s", "*", "f", VALUE]),
        taken: |reply| {
            let mut at = Cursor(reply);
            at.array() == Some(1) && reply.ends_with(&request(&[b"f", VALUE.as_bytes()]))
        },
        given: Expect::StreamId,
    };
    meeting.repeat(stage)
}

impl Meeting {
    /// Once per operation, one at a time.
    fn repeat(&self, stage: &Stage) -> Result<Vec<Figure>> {
        let port = stage.server.port;
        let (mut taker, mut giver) = (Client::connect(port)?, Client::connect(port)?);
        let mut times = batch_times();
        let ((), mut figures) = stage.measure(stage.operations, || {
            for _ in 0..stage.operations {
                taker.send(&self.take)?;
                let sent = Instant::now();
                giver.send(&self.give)?;
                let taken = taker.reply()?;
                times.saturating_record(nanoseconds(sent.elapsed()));
                if !(self.taken)(&taken) || !self.given.admits(&giver.reply()?) {
                    return Err("a wrong reply in a hand-over".into());
                }
            }
            Ok(())
        })?;
        figures.extend(percentiles(&times));
        Ok(figures)
    }
}
