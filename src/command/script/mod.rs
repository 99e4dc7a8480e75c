//! Scripts: EVAL and its kin, and what looks after them.
//!
//! A script is known to all cores by its SHA-1 ([`scripts`]); each core compiles it for itself when it first runs it there ([`engine`]).
//! One script runs at a time. It begins with the stripes of the keys it declares, and reaches for further ones when a command of its asks for
//! them (`caller`), so that commands of others run beside it. What its commands did is one group in the log, as a transaction's is.
//!
//! ```text
//!   dispatch   the scripts' turn, then the stripes of the declared keys
//!   eval       arguments, the script, whether it may run
//!   engine     this core's interpreter
//!   caller     a command of the script: may it run, its stripes, the command itself
//!   running    which script runs, since when; BUSY and SCRIPT KILL
//!   outlook    what a core does for its clients while its script is busy
//!   function   functions: scripts that are kept by name
//! ```

mod caller;
pub mod engine;
pub mod eval;
pub mod function;
pub mod manage;
pub mod outlook;
pub mod running;
pub mod scripts;

use super::registry::{Command, Hold};
use super::shared::Shared;
use crate::base::num;
use crate::keyspace::{Keyspace, StripeSet};
use crate::resp::Request;
use crate::script::LogLevel;

/// Where the number of keys stands in a request that runs a script.
pub const NUMKEYS: usize = 2;

/// This core's interpreters go if what they had was flushed.
pub fn give_back_flushed(shared: &Shared) {
    engine::give_back(&shared.scripts);
    function::give_back(&shared.functions);
}

/// True for a command that runs a script.
pub fn runs_script(command: &Command) -> bool {
    command.hold == Hold::Script
}

/// True for a request that runs a script or a function which declares that it changes nothing.
pub fn is_declared_to_write_nothing(
    shared: &Shared,
    command: &Command,
    request: Request<'_>,
) -> bool {
    let named = || request.arg(1);
    match command.spec.name {
        "eval" => scripts::declarations(named()).is_ok_and(|(flags, _)| flags.no_writes),
        "evalsha" => {
            let sha = scripts::Sha::try_from(named())
                .map(|sha| sha.map(|digit| digit.to_ascii_lowercase()));
            let script = sha.ok().and_then(|sha| shared.scripts.find(&sha));
            script.is_some_and(|script| script.flags.no_writes)
        }
        "fcall" => (shared.functions.find(named()))
            .is_some_and(|(library, number)| library.functions[number].flags.no_writes),
        _ => false,
    }
}

/// Writes a line of a script's to the server's log.
fn write_log(level: LogLevel, line: &[u8]) {
    let line = String::from_utf8_lossy(line);
    match level {
        LogLevel::Debug => tracing::debug!("{line}"),
        LogLevel::Verbose | LogLevel::Notice => tracing::info!("{line}"),
        LogLevel::Warning => tracing::warn!("{line}"),
    }
}

/// The stripes of the keys that a script declares. A call that does not say them rightly fails before it runs.
pub fn declared_stripes(keyspace: &Keyspace, request: Request<'_>) -> StripeSet {
    let count = num::parse_i64(request.arg(NUMKEYS)).and_then(|count| usize::try_from(count).ok());
    let keys = request.args_from(NUMKEYS + 1);
    match count {
        Some(count) if count <= keys.len() => StripeSet::of(keyspace, keys.take(count)),
        _ => StripeSet::none(),
    }
}
