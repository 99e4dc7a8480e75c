//! Going to the background: `daemonize yes`.
//!
//! The starter starts this program once more, as the daemon, and waits until that one serves or has failed; its exit
//! code says which. The daemon leaves the terminal's session at once, but keeps a line to the starter:
//!
//! ```text
//! starter                      daemon
//!    | configuration --> stdin    |     reads it to the end
//!    | <--------------- stdout    |     one byte when it serves; the end without one when it failed
//!    | shares its own   stderr    |     what stops the start is told where the starter was called
//! ```
//!
//! When the daemon serves, all three become `/dev/null`, so that nothing holds on to the terminal or to a pipe.
//! Its arguments are those of the starter, for whoever lists processes; what counts is the configuration on stdin.

use super::supervisor::Manager;
use crate::config::Config;
use rustix::process::{getppid, setsid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

/// Where the process id is kept when no other place is configured; as in Redis, only in the background.
const DEFAULT_PIDFILE: &str = "/var/run/millstream.pid";

/// In the daemon's environment: the starter's process id. An inherited variable with the same name is not taken for it.
const STARTER_VARIABLE: &str = "MILLSTREAM_STARTER";

/// What the daemon says when it serves.
const READY: &[u8; 1] = b"+";

/// Whether the server is to go to the background: as configured, unless a service manager watches it.
pub fn is_wanted(config: &Config) -> bool {
    config.daemonize && Manager::find(config.supervised).is_none()
}

/// In the starter: starts the daemon, waits for it, and returns the exit code that tells how it went.
pub fn start(mut config: Config) -> io::Result<ExitCode> {
    if config.pidfile.is_empty() {
        config.pidfile = DEFAULT_PIDFILE.into();
    }
    let mut arguments = env::args_os();
    let mut command = Command::new(env::current_exe()?);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let mut daemon = command
        .args(arguments)
        .env(STARTER_VARIABLE, std::process::id().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = daemon.stdin.take().expect("it is piped");
    // A daemon that does not read has failed, and says no more.
    let _ = stdin.write_all(&config.hand_over());
    drop(stdin);
    let mut said = Vec::new();
    let mut stdout = daemon.stdout.take().expect("it is piped");
    stdout.read_to_end(&mut said)?;
    if said == READY {
        return Ok(ExitCode::SUCCESS);
    }
    let status = daemon.wait()?;
    match status.code() {
        Some(_) => Ok(ExitCode::FAILURE),
        None => Err(io::Error::other(format!("it did not start: {status}"))),
    }
}

/// In the daemon: the line to the starter.
pub struct Starter(());

impl Starter {
    /// The line to the starter, if this process is a daemon.
    pub fn of_this_process() -> Option<Self> {
        let starter: i32 = env::var(STARTER_VARIABLE).ok()?.parse().ok()?;
        let parent = getppid()?.as_raw_pid();
        (starter == parent).then_some(Self(()))
    }

    /// Leaves the session of the terminal, and receives the configuration.
    pub fn leave_terminal(&self) -> Result<Config, Box<dyn std::error::Error>> {
        setsid()?;
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text)?;
        Ok(Config::take_over(&text)?)
    }

    /// Tells the starter that the server serves, and lets go of it.
    pub fn release(self) -> io::Result<()> {
        // Nobody may be waiting any more.
        let _ = io::stdout()
            .write_all(READY)
            .and_then(|()| io::stdout().flush());
        let nowhere = File::options().read(true).write(true).open("/dev/null")?;
        dup2_stdin(&nowhere)?;
        dup2_stderr(&nowhere)?;
        dup2_stdout(&nowhere)?;
        Ok(())
    }
}
