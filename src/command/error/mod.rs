//! Error replies: every text that clients match on. Those that several families of commands have stand here, the others in a file for each.

mod acl;
mod script;
mod server;
mod stream;
mod values;

pub use acl::*;
pub use script::*;
pub use server::*;
pub use stream::*;
pub use values::*;

use super::registry::Command;
use std::borrow::Cow;
use std::fmt::{self, Display};

/// An error reply: its text, the code first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Cow<'static, [u8]>);

impl Error {
    /// An error of a fixed text.
    pub const fn new(text: &'static str) -> Self {
        Error(Cow::Borrowed(text.as_bytes()))
    }

    /// An error of a text made up on the spot.
    pub fn from_text(text: impl Into<Vec<u8>>) -> Self {
        Error(Cow::Owned(text.into()))
    }

    /// The whole text.
    pub fn text(&self) -> &[u8] {
        &self.0
    }

    /// The code: the first word.
    pub fn code(&self) -> &[u8] {
        code_of(&self.0)
    }
}

/// The code of an error reply's text: its first word.
pub fn code_of(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| byte == b' ');
    &text[..end.unwrap_or(text.len())]
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl std::error::Error for Error {}

/// The key holds a value of another type.
pub const WRONG_TYPE: Error =
    Error::new("WRONGTYPE Operation against a key holding the wrong kind of value");
/// The arguments do not form the command.
pub const SYNTAX: Error = Error::new("ERR syntax error");
/// A number was expected.
pub const NOT_AN_INTEGER: Error = Error::new("ERR value is not an integer or out of range");
/// A floating-point number was expected.
pub const NOT_A_FLOAT: Error = Error::new("ERR value is not a valid float");
/// A number above zero was expected.
pub const MUST_BE_POSITIVE: Error = Error::new("ERR value is out of range, must be positive");
/// There is no such key.
pub const NO_SUCH_KEY: Error = Error::new("ERR no such key");
/// There is no such database.
pub const DB_OUT_OF_RANGE: Error = Error::new("ERR DB index is out of range");
/// A database was expected.
pub const INVALID_DB: Error = Error::new("ERR invalid DB index");
/// A timeout is no number.
pub const TIMEOUT_NOT_A_FLOAT: Error = Error::new("ERR timeout is not a float or out of range");
/// A timeout is no integer.
pub const TIMEOUT_NOT_AN_INTEGER: Error =
    Error::new("ERR timeout is not an integer or out of range");
/// A timeout lies before now.
pub const TIMEOUT_NEGATIVE: Error = Error::new("ERR timeout is negative");
/// A timeout lies too far ahead.
pub const TIMEOUT_OUT_OF_RANGE: Error = Error::new("ERR timeout is out of range");
/// The data is being loaded.
pub const LOADING: Error = Error::new("LOADING Redis is loading the dataset in memory");
/// The client has to authenticate first.
pub const NO_AUTH: Error = Error::new("NOAUTH Authentication required.");
/// The command would store something, and memory is full.
pub const OUT_OF_MEMORY: Error =
    Error::new("OOM command not allowed when used memory > 'maxmemory'.");
/// A script asks for a reply that it cannot be given, or a transaction for one that it is not to have.
pub const REPLY_TOO_LARGE: Error =
    Error::new("ERR the reply is too large for a script or a transaction");
/// EXEC after an error while queueing.
pub const EXEC_ABORT: Error =
    Error::new("EXECABORT Transaction discarded because of previous errors.");
/// EXEC that may not run, and why.
pub fn exec_abort(cause: &Error) -> Error {
    let cause = cause.text();
    let cause = cause.strip_prefix(b"ERR ").unwrap_or(cause);
    Error::from_text([b"EXECABORT Transaction discarded because of: ", cause].concat())
}
/// MULTI inside MULTI.
pub const NESTED_MULTI: Error = Error::new("ERR MULTI calls can not be nested");
/// WATCH inside MULTI.
pub const WATCH_IN_MULTI: Error = Error::new("ERR WATCH inside MULTI is not allowed");
/// EXEC outside MULTI.
pub const EXEC_WITHOUT_MULTI: Error = Error::new("ERR EXEC without MULTI");
/// DISCARD outside MULTI.
pub const DISCARD_WITHOUT_MULTI: Error = Error::new("ERR DISCARD without MULTI");
/// A command that may not stand in a transaction.
pub const NOT_IN_MULTI: Error = Error::new("ERR Command not allowed inside a transaction");
/// A blocked client was told to give up.
pub const UNBLOCKED: Error = Error::new("UNBLOCKED client unblocked via CLIENT UNBLOCK");
/// RESTORE of a payload that holds no value.
pub const BAD_DUMP: Error = Error::new("ERR Bad data format");
/// Arguments that do not form the subcommand.
pub fn bad_subcommand(command: &Command, sub: &[u8]) -> Error {
    let container = command
        .full_name
        .split('|')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let try_help = format!("'. Try {container} HELP.");
    let sub = &until_nul(sub)[..until_nul(sub).len().min(128)];
    woven(
        [
            "ERR unknown subcommand or wrong number of arguments for '",
            &try_help,
            "",
        ],
        [sub, b""],
    )
}
/// A text with arguments quoted in it.
fn woven(texts: [&str; 3], args: [&[u8]; 2]) -> Error {
    let [start, middle, end] = texts.map(str::as_bytes);
    let [first, second] = args.map(until_nul);
    Error::from_text([start, first, middle, second, end].concat())
}
/// Too few or too many arguments.
pub fn wrong_arity(full_name: &str) -> Error {
    Error::from_text(format!(
        "ERR wrong number of arguments for '{full_name}' command"
    ))
}
/// No such command; `args` are its arguments. Quotes at most 128 bytes of name and arguments each.
pub fn unknown_command<'a>(name: &[u8], args: impl Iterator<Item = &'a [u8]>) -> Error {
    let mut quoted = Vec::new();
    for arg in args {
        if quoted.len() >= 128 {
            break;
        }
        let room = 128 - quoted.len();
        quoted.push(b'\'');
        quoted.extend_from_slice(&until_nul(arg)[..until_nul(arg).len().min(room)]);
        quoted.extend_from_slice(b"' ");
    }
    let mut text = b"ERR unknown command '".to_vec();
    text.extend_from_slice(&until_nul(name)[..until_nul(name).len().min(128)]);
    text.extend_from_slice(b"', with args beginning with: ");
    text.extend_from_slice(&quoted);
    Error::from_text(text)
}
/// No such subcommand of `command`.
pub fn unknown_subcommand(command: &[u8], sub: &[u8]) -> Error {
    let mut text = b"ERR unknown subcommand '".to_vec();
    text.extend_from_slice(&until_nul(sub)[..until_nul(sub).len().min(128)]);
    text.extend_from_slice(b"'. Try ");
    text.extend_from_slice(&command.to_ascii_uppercase());
    text.extend_from_slice(b" HELP.");
    Error::from_text(text)
}
/// A command that a RESP2 subscriber may not send.
pub fn only_subscriber_commands(full_name: &str) -> Error {
    Error::from_text(format!(
        "ERR Can't execute '{full_name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
    ))
}
/// SSUBSCRIBE inside MULTI.
pub const SSUBSCRIBE_IN_MULTI: Error =
    Error::new("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
/// A number beyond 32 bits where one of 32 bits is expected.
pub const NOT_AN_INT32: Error =
    Error::new("ERR value is out of range, value must between -2147483648 and 2147483647");
/// Too few or too many arguments, found by the command itself.
pub fn wrong_arity_of(command: &super::Command) -> Error {
    wrong_arity(&command.full_name)
}
/// REPLICAOF another server.
pub const NO_REPLICATION: Error = Error::new("ERR this version does not replicate other servers");
/// A write while the disk fails under the log; what the system said.
pub fn log_failed(what: &str) -> Error {
    Error::from_text(format!("MISCONF Errors writing to the AOF file: {what}"))
}
/// A command that writes, while saves fail and `stop-writes-on-bgsave-error` is set.
pub const SAVE_FAILED: Error = Error::new(
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
);
/// An error of which the log of the server says more.
pub const PLAIN: Error = Error::new("ERR");
/// A command for a node of a cluster.
pub const NO_CLUSTER: Error = Error::new("ERR This instance has cluster support disabled");
/// A subcommand that there is not, or not with so many arguments.
pub fn unknown_subcommand_or_arity(command: &str, sub: &[u8]) -> Error {
    let mut text = b"ERR unknown subcommand or wrong number of arguments for '".to_vec();
    text.extend_from_slice(&until_nul(sub)[..until_nul(sub).len().min(128)]);
    text.extend_from_slice(format!("'. Try {} HELP.", command.to_ascii_uppercase()).as_bytes());
    Error::from_text(text)
}
fn naming(what: &str, name: &[u8]) -> Error {
    let mut text = format!("{what} '").into_bytes();
    text.extend_from_slice(until_nul(name));
    text.push(b'\'');
    Error::from_text(text)
}
/// A key that the user may not use.
pub const NO_PERMISSION_FOR_KEY: Error = Error::new("NOPERM No permissions to access a key");

/// A C string ends at its first NUL; the texts Redis quotes do too.
fn until_nul(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| byte == 0);
    &text[..end.unwrap_or(text.len())]
}
