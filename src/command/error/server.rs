//! Errors of commands about the server and connections.

use super::{Error, naming, until_nul};

/// DEBUG RELOAD does not know the option.
pub const RELOAD_OPTIONS: Error =
    Error::new("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
/// DEBUG RELOAD could not save or load.
pub const RELOAD_FAILED: Error =
    Error::new("ERR Error trying to load the RDB dump, check server logs.");
/// DEBUG RELOAD or LOADAOF in the midst of what holds stripes.
pub const RELOAD_NESTED: Error =
    Error::new("ERR DEBUG RELOAD and LOADAOF are not allowed in a transaction or a script");
/// DEBUG LOADAOF could not load.
pub const LOADAOF_FAILED: Error =
    Error::new("ERR Error trying to load the AOF files, check server logs.");
/// Wrong name or password.
pub const WRONG_PASS: Error =
    Error::new("WRONGPASS invalid username-password pair or user is disabled.");
/// AUTH with a password where none is set.
pub const AUTH_WITHOUT_PASSWORD: Error = Error::new(
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);
/// HELLO asks for a version that does not exist.
pub const NO_PROTO: Error = Error::new("NOPROTO unsupported protocol version");
/// HELLO's version is no number.
pub const PROTO_NOT_AN_INTEGER: Error =
    Error::new("ERR Protocol version is not an integer or out of range");
/// Too many connections.
pub const MAX_CLIENTS: Error = Error::new("ERR max number of clients reached");
/// MONITOR inside MULTI.
pub const MONITOR_IN_MULTI: Error =
    Error::new("ERR MONITOR isn't allowed for DENY BLOCKING client");
/// HELLO by a client that has yet to authenticate.
pub const HELLO_NO_AUTH: Error = Error::new(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
);
/// A name that CLIENT LIST could not show.
pub const CLIENT_NAME: Error =
    Error::new("ERR Client names cannot contain spaces, newlines or special characters.");
/// An option that HELLO does not know.
pub fn hello_option(option: &[u8]) -> Error {
    let mut text = b"ERR Syntax error in HELLO option '".to_vec();
    text.extend_from_slice(until_nul(option));
    text.push(b'\'');
    Error::from_text(text)
}
/// A stranger knocks at a server without a password.
pub const PROTECTED_MODE: Error = Error::new(
    "DENIED Millstream is in protected mode: without a password it serves only this machine. Set requirepass, or protected-mode no if the network is trusted, or connect by the loopback address.",
);
/// An address that no client has.
pub const NO_SUCH_CLIENT: Error = Error::new("ERR No such client");
/// CLIENT KILL with an id that none can have.
pub const CLIENT_ID_NOT_POSITIVE: Error = Error::new("ERR client-id should be greater than 0");
/// CLIENT KILL with an age that is no number.
pub const MAXAGE_NOT_AN_INTEGER: Error = Error::new("ERR maxage is not an integer or out of range");
/// CLIENT KILL with an age that every client has.
pub const MAXAGE_NOT_POSITIVE: Error = Error::new("ERR maxage should be greater than 0");
/// CLIENT LIST with an id that is no number.
pub const INVALID_CLIENT_ID: Error = Error::new("ERR Invalid client ID");
/// CLIENT PAUSE with a mode that there is not.
pub const PAUSE_MODE: Error = Error::new("ERR CLIENT PAUSE mode must be WRITE or ALL");
/// CLIENT UNBLOCK with a reason that there is not.
pub const UNBLOCK_REASON: Error =
    Error::new("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
/// SLOWLOG GET with a count that is none.
pub const SLOWLOG_COUNT: Error = Error::new("ERR count should be greater than or equal to -1");
/// CONFIG REWRITE of a server that was started without a file.
pub const NO_CONFIG_FILE: Error = Error::new("ERR The server is running without a config file");
/// CONFIG REWRITE of users that an included file tells of.
pub const INCLUDED_USERS: Error = Error::new(
    "ERR Rewriting config file: a file that it includes tells of users, who have changed",
);
/// COMMAND GETKEYS of a command that there is not.
pub const INVALID_COMMAND: Error = Error::new("ERR Invalid command specified");
/// COMMAND GETKEYS of a command without keys.
pub const NO_KEY_ARGUMENTS: Error = Error::new("ERR The command has no key arguments");
/// COMMAND GETKEYS with too few or too many arguments.
pub const INVALID_ARGUMENT_COUNT: Error =
    Error::new("ERR Invalid number of arguments specified for command");
/// COMMAND GETKEYS with arguments that do not fit the command.
pub const INVALID_ARGUMENTS: Error = Error::new("ERR Invalid arguments specified for command");
/// REPLICAOF with a port that is none.
pub const INVALID_MASTER_PORT: Error = Error::new("ERR Invalid master port");
/// WAITAOF with a number of local disks that is neither 0 nor 1.
pub const NUMLOCAL_OUT_OF_RANGE: Error =
    Error::new("ERR value is out of range, value must between 0 and 1");
/// WAITAOF for a disk that nothing is written to.
pub const NUMLOCAL_WITHOUT_LOG: Error =
    Error::new("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
/// SAVE or BGSAVE while a save is under way.
pub const SAVE_IN_PROGRESS: Error = Error::new("ERR Background save already in progress");
/// BGSAVE while the log is rewritten.
pub const OTHER_SNAPSHOT_IN_PROGRESS: Error = Error::new(
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.",
);
/// BGREWRITEAOF while the log is rewritten.
pub const REWRITE_IN_PROGRESS: Error =
    Error::new("ERR Background append only file rewriting already in progress");
/// SHUTDOWN ABORT with nothing to abort.
pub const NO_SHUTDOWN: Error = Error::new("ERR No shutdown in progress.");
/// SHUTDOWN that could not keep what it was asked to keep.
pub const SHUTDOWN_FAILED: Error = Error::new("ERR Errors trying to SHUTDOWN. Check logs.");
/// DEBUG by a client that may not.
pub const DEBUG_NOT_ALLOWED: Error = Error::new(
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);
/// DEBUG QUICKLIST-PACKED-THRESHOLD with a size out of range.
pub const PACKED_THRESHOLD: Error =
    Error::new("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
/// DEBUG PROTOCOL with a type that only RESP3 has.
pub const RESP2_NOT_SUPPORTED: Error = Error::new("ERR RESP2 is not supported by this command");
/// DEBUG PROTOCOL with a type that there is not.
pub const WRONG_PROTOCOL_TYPE: Error = Error::new(
    "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
);
/// A type of client that there is not.
pub fn unknown_client_type(name: &[u8]) -> Error {
    naming("ERR Unknown client type", name)
}
/// A user that there is not.
pub fn no_such_user(name: &[u8]) -> Error {
    naming("ERR No such user", name)
}
/// An option that CLIENT SETINFO does not know.
pub fn unrecognized_option(option: &[u8]) -> Error {
    naming("ERR Unrecognized option", option)
}
/// An event of which LATENCY has no samples.
pub fn no_latency_samples(event: &[u8]) -> Error {
    naming("ERR No samples available for event", event)
}
/// A text that CLIENT LIST could not show, for an attribute of CLIENT SETINFO.
pub fn client_attribute(attribute: &[u8]) -> Error {
    let mut text = b"ERR ".to_vec();
    text.extend_from_slice(until_nul(attribute));
    text.extend_from_slice(b" cannot contain spaces, newlines or special characters.");
    Error::from_text(text)
}
