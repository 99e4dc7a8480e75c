//! The same few requests again and again, from [`CONNECTIONS`] connections, each reply checked.

use super::{CONNECTIONS, Figure, Stage, percentiles};
use crate::Result;
use crate::client::Client;
use crate::drive::{Load, Player};
use crate::reply::Expect;

/// A load of precomputed requests.
pub struct Repeat {
    pipeline: usize,
    batches: Vec<Vec<u8>>,
    expect: Expect,
    prefill: Option<Vec<u8>>,
    /// Sent once each beforehand.
    before: Vec<Vec<u8>>,
    left_behind: Option<LeftBehind>,
}

/// A command whose integer reply tells afterwards whether all was done.
struct LeftBehind {
    command: &'static str,
    count: fn(&Stage) -> usize,
}

impl Repeat {
    /// Sends `commands` in turn, `pipeline` at a time; each must be answered as expected.
    pub fn of(pipeline: usize, commands: Vec<Vec<u8>>, expect: Expect) -> Repeat {
        let mut turn = commands.iter().cycle();
        let batches = (0..commands.len().div_ceil(pipeline))
            .map(|_| turn.by_ref().take(pipeline).flatten().copied().collect())
            .collect();
        Repeat {
            pipeline,
            batches,
            expect,
            prefill: None,
            before: Vec::new(),
            left_behind: None,
        }
    }

    /// Sends `command` [`Stage::prefill`] times beforehand.
    pub fn prefilled(self, command: Vec<u8>) -> Repeat {
        Repeat {
            prefill: Some(command),
            ..self
        }
    }

    /// Sends `commands` once each beforehand.
    pub fn after(self, commands: Vec<Vec<u8>>) -> Repeat {
        Repeat {
            before: commands,
            ..self
        }
    }

    /// Afterwards, `command` must answer `count`.
    pub fn leaves(self, command: &'static str, count: fn(&Stage) -> usize) -> Repeat {
        Repeat {
            left_behind: Some(LeftBehind { command, count }),
            ..self
        }
    }

    /// Prepares, drives, checks.
    pub fn play(&self, stage: &Stage) -> Result<Vec<Figure>> {
        if stage.real {
            self.prepare(stage)?;
        }
        let mut load = Load::connect(stage.server.port, CONNECTIONS)?;
        let mut player = self.turns(stage.operations);
        let (times, mut figures) = stage.measure(stage.operations, || load.drive(&mut player))?;
        figures.extend(percentiles(&times));
        if let (true, Some(LeftBehind { command, count })) = (stage.real, &self.left_behind) {
            let count = count(stage);
            Client::connect(stage.server.port)?.expect(command, &format!(":{count}\r\n"))?;
        }
        Ok(figures)
    }

    /// Who sends the commands, `operations` in all.
    pub fn turns(&self, operations: usize) -> impl Player {
        Turns {
            repeat: self,
            left: operations,
            cursor: 0,
        }
    }

    fn prepare(&self, stage: &Stage) -> Result<()> {
        let mut client = Client::connect(stage.server.port)?;
        if let Some(command) = &self.prefill {
            client.fill(stage.prefill, |out| out.extend_from_slice(command))?;
        }
        let mut commands = self.before.iter();
        client.fill(self.before.len(), |out| {
            out.extend(commands.next().into_iter().flatten());
        })
    }
}

struct Turns<'a> {
    repeat: &'a Repeat,
    left: usize,
    cursor: usize,
}

impl Player for Turns<'_> {
    fn next(&mut self, _connection: usize, out: &mut Vec<u8>) -> usize {
        let pipeline = self.repeat.pipeline;
        if self.left < pipeline {
            assert_eq!(
                self.left, 0,
                "operations are a multiple of every pipeline depth"
            );
            return 0;
        }
        self.left -= pipeline;
        out.extend_from_slice(&self.repeat.batches[self.cursor]);
        self.cursor = (self.cursor + 1) % self.repeat.batches.len();
        pipeline
    }

    fn reply(&mut self, _connection: usize, reply: &[u8]) -> bool {
        self.repeat.expect.admits(reply)
    }
}
