//! Errors of scripts and functions.

use super::{Error, woven};

/// A script holds up what a client asks for.
pub const BUSY_SCRIPT: Error = Error::new(
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
);
/// A function holds up what a client asks for.
pub const BUSY_FUNCTION: Error = Error::new(
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
);
/// Nothing to kill.
pub const NO_SCRIPT_RUNNING: Error = Error::new("NOTBUSY No scripts in execution right now.");
/// What has written something is not killed.
pub const SCRIPT_UNKILLABLE: Error = Error::new(
    "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
);
/// A script that is to be killed writes nothing more.
pub const SCRIPT_KILLED: Error = Error::new("ERR Script killed by user with SCRIPT KILL...");
/// EVALSHA of a script that nobody knows.
pub const NO_SCRIPT: Error = Error::new("NOSCRIPT No matching script. Please use EVAL.");
/// More keys than arguments.
pub const TOO_MANY_KEYS: Error =
    Error::new("ERR Number of keys can't be greater than number of args");
/// Fewer keys than none.
pub const NEGATIVE_KEYS: Error = Error::new("ERR Number of keys can't be negative");
/// A script calls a command that there is not.
pub const SCRIPT_UNKNOWN_COMMAND: Error =
    Error::new("ERR Unknown Redis command called from script");
/// A script calls a command with too few or too many arguments.
pub const SCRIPT_WRONG_ARITY: Error =
    Error::new("ERR Wrong number of args calling Redis command from script");
/// A script calls a command that is not for scripts.
pub const NOT_FROM_SCRIPT: Error = Error::new("ERR This Redis command is not allowed from script");
/// A script that changes nothing calls a command that does.
pub const SCRIPT_READ_ONLY: Error =
    Error::new("ERR Write commands are not allowed from read-only scripts.");
/// A script that may change something, run by a command that does not.
pub const SCRIPT_MAY_WRITE: Error =
    Error::new("ERR Can not execute a script with write flag using *_ro command.");
/// A first line of declarations without an end.
pub const INVALID_SHEBANG: Error = Error::new("ERR Invalid script shebang");
/// SCRIPT FLUSH in a mode that there is not.
pub const SCRIPT_FLUSH_MODE: Error = Error::new("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
/// SCRIPT DEBUG in a mode that there is not.
pub const SCRIPT_DEBUG_MODE: Error = Error::new("ERR Use SCRIPT DEBUG YES/SYNC/NO");
/// SCRIPT DEBUG: there is no debugger.
pub const NO_SCRIPT_DEBUGGER: Error = Error::new("ERR this version has no debugger for scripts");
/// There is no memory for an interpreter.
pub const NO_INTERPRETER: Error = Error::new("ERR not enough memory for a Lua interpreter");
/// A script calls a command that its user may not; what the user would be told.
pub fn denied_to_script(refusal: &Error) -> Error {
    let text = refusal.text();
    let text = text.strip_prefix(b"NOPERM ").unwrap_or(text);
    Error::from_text([b"ERR ACL failure in script: ", text].concat())
}
/// A script in a language that nobody runs.
pub fn unexpected_engine(engine: &[u8]) -> Error {
    Error::from_text([b"ERR Unexpected engine in script shebang: ", engine].concat())
}
/// A declaration that there is not.
pub fn unknown_shebang_option(option: &[u8]) -> Error {
    Error::from_text([b"ERR Unknown lua shebang option: ", option].concat())
}
/// A flag of scripts that there is not.
pub fn unexpected_shebang_flag(flag: &[u8]) -> Error {
    Error::from_text([b"ERR Unexpected flag in script shebang: ", flag].concat())
}
/// A script that is no Lua; what Lua says of it.
pub fn script_does_not_compile(why: &[u8]) -> Error {
    Error::from_text([b"ERR Error compiling script (new function): ", why].concat())
}
/// FCALL with a number of keys that is none.
pub const BAD_NUMBER_OF_KEYS: Error = Error::new("ERR Bad number of keys provided");
/// FCALL of a function that there is not.
pub const NO_FUNCTION: Error = Error::new("ERR Function not found");
/// FUNCTION DELETE of a library that there is not.
pub const NO_LIBRARY: Error = Error::new("ERR Library not found");
/// A library without a first line that names it.
pub const NO_LIBRARY_METADATA: Error = Error::new("ERR Missing library metadata");
/// A library whose first line has no end, or names no language.
pub const INVALID_LIBRARY_METADATA: Error = Error::new("ERR Invalid library metadata");
/// A library without a name.
pub const NO_LIBRARY_NAME: Error = Error::new("ERR Library name was not given");
/// A library with several names.
pub const LIBRARY_NAME_REPEATED: Error =
    Error::new("ERR Invalid metadata value, name argument was given multiple times");
/// A library with a name that none can have.
pub const WRONG_LIBRARY_NAME: Error = Error::new(
    "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
);
/// A library that registers nothing.
pub const NO_FUNCTIONS: Error = Error::new("ERR No functions registered");
/// FUNCTION FLUSH in a mode that there is not.
pub const FUNCTION_FLUSH_MODE: Error =
    Error::new("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
/// FUNCTION LIST LIBRARYNAME without one.
pub const NO_LIBRARY_PATTERN: Error = Error::new("ERR library name argument was not given");
/// FUNCTION RESTORE with a policy that there is not.
pub const RESTORE_POLICY: Error =
    Error::new("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
/// FUNCTION RESTORE of what is no dump.
pub const BAD_FUNCTION_PAYLOAD: Error =
    Error::new("ERR DUMP payload version or checksum are wrong");
/// FUNCTION RESTORE of a dump of something else.
pub const BAD_FUNCTION_CONTENT: Error = Error::new("ERR given type is not a function");
/// A library with something in its first line that does not belong there.
pub fn invalid_library_value(value: &[u8]) -> Error {
    Error::from_text([b"ERR Invalid metadata value given: ", value].concat())
}
/// A library in a language that nobody runs.
pub fn engine_not_found(engine: &[u8]) -> Error {
    woven(["ERR Engine '", "' not found", ""], [engine, b""])
}
/// FUNCTION LOAD of a library that is there.
pub fn library_exists(name: &[u8]) -> Error {
    woven(["ERR Library '", "' already exists", ""], [name, b""])
}
/// FUNCTION RESTORE of a library that is there.
pub fn restored_library_exists(name: &[u8]) -> Error {
    woven(["ERR Library ", " already exists", ""], [name, b""])
}
/// A library with a function that another one has.
pub fn function_exists(name: &[u8]) -> Error {
    woven(["ERR Function ", " already exists", ""], [name, b""])
}
/// FUNCTION LOAD with an option that there is not.
pub fn unknown_load_option(option: &[u8]) -> Error {
    Error::from_text([b"ERR Unknown option given: ", option].concat())
}
/// FUNCTION LIST with an argument that there is not.
pub fn unknown_list_argument(argument: &[u8]) -> Error {
    Error::from_text([b"ERR Unknown argument ", argument].concat())
}
/// A library that is no Lua; what Lua says of it.
pub fn function_does_not_compile(why: &[u8]) -> Error {
    Error::from_text([b"ERR Error compiling function: ", why].concat())
}
/// A library that fails while it registers its functions.
pub fn cannot_register(why: &[u8]) -> Error {
    Error::from_text([b"ERR Error registering functions: ", why].concat())
}
