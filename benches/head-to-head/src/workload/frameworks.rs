//! Whole frameworks at work, as their users run them: jobs a second, and what a job costs the server.
//!
//! A framework is a program beside this crate's sources that says `ready`, waits for a line, does its jobs, and says how many it has done. On one
//! core of load it is the framework that sets the pace, so that the server's processor time tells more than the rate does.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Figure, Stage, Workload};
use crate::Result;

/// Where `redis-compat/run` installs frameworks.
const INSTALLED: &str = "../../.cache/frameworks";

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    vec![
        Workload::new(
            "bullmq",
            "BullMQ: jobs added in bulk, one worker with 50 at a time",
            8_000,
            |stage| {
                let mut command = Command::new("node");
                command.arg(here("frameworks/bullmq.js"));
                command.env("NODE_PATH", here(INSTALLED).join("node/node_modules"));
                run(stage, command)
            },
        ),
        Workload::new(
            "celery",
            "Celery: tasks sent one by one, one solo worker",
            4_000,
            |stage| {
                let mut command = Command::new(here(INSTALLED).join("python/bin/python"));
                command.arg("-B").arg(here("frameworks/celery_jobs.py"));
                run(stage, command)
            },
        ),
    ]
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn run(stage: &Stage, mut command: Command) -> Result<Vec<Figure>> {
    let (port, jobs) = (stage.server.port.to_string(), stage.operations);
    command.args([&port, &jobs.to_string()]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let child = child.map_err(|error| {
        format!("{command:?}: {error}; `redis-compat/run bullmq celery` installs it")
    })?;
    let mut player = Player::of(child)?;
    player.hear("ready")?;
    let ((), figures) = stage.measure(jobs, || {
        player.input.write_all(b"go\n")?;
        player.hear(&format!("done {jobs}"))
    })?;
    player.child.wait()?;
    Ok(figures)
}

/// The framework's process. Dropping it kills it.
struct Player {
    input: std::process::ChildStdin,
    output: BufReader<std::process::ChildStdout>,
    child: Child,
}

impl Player {
    fn of(mut child: Child) -> Result<Player> {
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Player {
            input,
            output,
            child,
        })
    }

    fn hear(&mut self, expected: &str) -> Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.trim_end() != expected {
            return Err(format!("expected {expected:?}, the framework said {line:?}").into());
        }
        Ok(())
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // Already gone when all went well; both calls then fail harmlessly.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
