//! From a request to the row of its command.

use crate::command::ctx::Local;
use crate::command::error::{self, Error};
use crate::command::registry::{self, Command};
use crate::resp::Request;
use smallvec::SmallVec;

/// A command that is not run, and why.
pub(super) struct Refusal {
    pub error: Error,
    pub command: Option<&'static Command>,
    /// It is not a client of ours at all: the connection closes without a reply.
    pub abort: bool,
}

impl Refusal {
    pub fn of(command: &'static Command, error: Error) -> Self {
        Refusal {
            error,
            command: Some(command),
            abort: false,
        }
    }
}

/// The row of a request, its arity checked.
#[inline(always)]
pub(super) fn find(local: &mut Local, request: Request<'_>) -> Result<&'static Command, Refusal> {
    let name = request.arg(0);
    let command = match &local.last {
        Some((last, command)) if **last == *name => *command,
        _ => find_afresh(local, request)?,
    };
    if command.admits(request.len()) {
        Ok(command)
    } else {
        find_within(command, request)
    }
}

#[cold]
fn find_afresh(local: &mut Local, request: Request<'_>) -> Result<&'static Command, Refusal> {
    let name = request.arg(0);
    // The log calls commands by their own names.
    let found = match local.replaying {
        true => registry::lookup(name),
        false => registry::lookup_called(name),
    };
    let command = found.ok_or_else(|| Refusal {
        error: error::unknown_command(name, request.iter().skip(1)),
        command: None,
        abort: is_http(name),
    })?;
    local.last = Some((SmallVec::from_slice(name), command));
    Ok(command)
}

/// The row of a request that its first word alone does not admit: that of a subcommand, if any.
#[inline(never)]
fn find_within(
    command: &'static Command,
    request: Request<'_>,
) -> Result<&'static Command, Refusal> {
    let command = match command.is_container() && request.len() > 1 {
        true => find_subcommand(command, request)?,
        false => command,
    };
    if command.admits(request.len()) {
        Ok(command)
    } else {
        Err(wrong_arity(command))
    }
}

#[cold]
fn wrong_arity(command: &'static Command) -> Refusal {
    Refusal::of(command, error::wrong_arity(&command.full_name))
}

/// True for the first word of lines that a browser sends which was tricked into speaking to this port: what follows them must not
/// be taken for commands.
fn is_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"POST") || name.eq_ignore_ascii_case(b"Host:")
}

/// Why a request is no command.
pub enum Unfit {
    /// There is none of that name.
    Unknown,
    /// It has too few arguments, or too many.
    Arity(&'static Command),
}

/// The row of a request that no client has sent.
pub fn resolve(request: Request<'_>) -> Result<&'static Command, Unfit> {
    let mut command = registry::lookup_called(request.arg(0)).ok_or(Unfit::Unknown)?;
    if command.is_container() && request.len() > 1 {
        command = command.subcommand(request.arg(1)).ok_or(Unfit::Unknown)?;
    }
    match command.admits(request.len()) {
        true => Ok(command),
        false => Err(Unfit::Arity(command)),
    }
}

fn find_subcommand(
    container: &'static Command,
    request: Request<'_>,
) -> Result<&'static Command, Refusal> {
    let name = request.arg(1);
    container
        .subcommand(name)
        .ok_or_else(|| unknown_subcommand(request.arg(0), name))
}

fn unknown_subcommand(container: &[u8], name: &[u8]) -> Refusal {
    Refusal {
        error: error::unknown_subcommand(container, name),
        command: None,
        abort: false,
    }
}
