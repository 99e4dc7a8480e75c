//! What runs commands for a script, and how the interpreter's functions find it while the script runs.
//!
//! Functions that Lua calls live as long as the interpreter, while a host lives for one run of one script. So the host stands in a slot of
//! the thread for that long, and a function takes it out for as long as it uses it.

use crate::resp::{Reply, Request};
use scoped_tls_hkt::scoped_thread_local;

/// How much a line in the server's log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For who looks for a fault.
    Debug,
    /// A lot of it.
    Verbose,
    /// What one wants to know.
    Notice,
    /// Only what is amiss.
    Warning,
}

/// Whether a script may run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    GoesOn,
    /// Somebody has it killed.
    Killed,
}

/// See the module's description.
pub trait Host {
    /// Runs a command and writes its reply, in the protocol that `set_resp3` chose: an error too, even one that tells why the command is not run.
    fn call(&mut self, request: Request<'_>, reply: &mut Reply);

    /// Whether the caller may run a command; none if there is no such command.
    fn may_call(&mut self, request: Request<'_>) -> Option<bool>;

    /// Writes a line to the server's log.
    fn log(&mut self, level: LogLevel, line: &[u8]);

    /// Called every so many instructions.
    fn look_up(&mut self) -> Verdict;
}

scoped_thread_local!(static mut HOST: for<'a> &'a mut (dyn Host + 'a));

/// Lets `f` run with `host` in the thread's slot.
pub fn with_host<R>(host: &mut dyn Host, f: impl FnOnce() -> R) -> R {
    HOST.set(host, f)
}

/// Gives the host in the thread's slot to `f`; none outside of a script's run.
pub fn with<R>(f: impl FnOnce(&mut dyn Host) -> R) -> Option<R> {
    match HOST.is_set() {
        true => Some(HOST.with(|host| f(host))),
        false => None,
    }
}
