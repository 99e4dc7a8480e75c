//! Error replies: every text that clients match on, in one place.

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
/// The offset of a bit is no number, or beyond what a string may reach.
pub const BIT_OFFSET_OUT_OF_RANGE: Error =
    Error::new("ERR bit offset is not an integer or out of range");
/// A bit is neither 0 nor 1.
pub const BIT_OUT_OF_RANGE: Error = Error::new("ERR bit is not an integer or out of range");
/// BITPOS of a bit that is neither 0 nor 1.
pub const BITPOS_BIT: Error = Error::new("ERR The bit argument must be 1 or 0.");
/// BITOP NOT of several strings.
pub const BITOP_NOT_ONE_KEY: Error =
    Error::new("ERR BITOP NOT must be called with a single source key.");
/// BITFIELD with a type that there is not.
pub const BITFIELD_TYPE: Error = Error::new(
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
);
/// BITFIELD with a way to overflow that there is not.
pub const BITFIELD_OVERFLOW: Error = Error::new("ERR Invalid OVERFLOW type specified");
/// BITFIELD_RO of what writes.
pub const BITFIELD_READ_ONLY: Error =
    Error::new("ERR BITFIELD_RO only supports the GET subcommand");
/// SORT by numbers of what is none.
pub const SORT_NOT_A_NUMBER: Error =
    Error::new("ERR One or more scores can't be converted into double");
/// There is no such key.
pub const NO_SUCH_KEY: Error = Error::new("ERR no such key");
/// The index lies outside the value.
pub const INDEX_OUT_OF_RANGE: Error = Error::new("ERR index out of range");
/// There is no such database.
pub const DB_OUT_OF_RANGE: Error = Error::new("ERR DB index is out of range");
/// A database was expected.
pub const INVALID_DB: Error = Error::new("ERR invalid DB index");
/// SINTERCARD of more keys than there are arguments.
pub const SINTERCARD_KEYS_MISSING: Error =
    Error::new("ERR Number of keys can't be greater than number of args");
/// SINTERCARD with a limit below zero.
pub const SINTERCARD_LIMIT: Error = Error::new("ERR LIMIT can't be negative");
/// SRANDMEMBER with the one number that has no opposite.
pub const COUNT_OUT_OF_RANGE: Error = Error::new(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
/// A timeout is no number.
pub const TIMEOUT_NOT_A_FLOAT: Error = Error::new("ERR timeout is not a float or out of range");
/// A timeout is no integer.
pub const TIMEOUT_NOT_AN_INTEGER: Error =
    Error::new("ERR timeout is not an integer or out of range");
/// A timeout lies before now.
pub const TIMEOUT_NEGATIVE: Error = Error::new("ERR timeout is negative");
/// A timeout lies too far ahead.
pub const TIMEOUT_OUT_OF_RANGE: Error = Error::new("ERR timeout is out of range");
/// DEBUG RELOAD does not know the option.
pub const RELOAD_OPTIONS: Error =
    Error::new("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
/// DEBUG RELOAD could not save or load.
pub const RELOAD_FAILED: Error =
    Error::new("ERR Error trying to load the RDB dump, check server logs.");
/// DEBUG LOADAOF could not load.
pub const LOADAOF_FAILED: Error =
    Error::new("ERR Error trying to load the AOF files, check server logs.");
/// The data is being loaded.
pub const LOADING: Error = Error::new("LOADING Redis is loading the dataset in memory");
/// The client has to authenticate first.
pub const NO_AUTH: Error = Error::new("NOAUTH Authentication required.");
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
/// Too many connections.
pub const MAX_CLIENTS: Error = Error::new("ERR max number of clients reached");
/// A blocked client was told to give up.
pub const UNBLOCKED: Error = Error::new("UNBLOCKED client unblocked via CLIENT UNBLOCK");

/// A number of keys has to be above zero.
pub const NUMKEYS_NOT_POSITIVE: Error = Error::new("ERR numkeys should be greater than 0");
/// A count has to be above zero.
pub const COUNT_NOT_POSITIVE: Error = Error::new("ERR count should be greater than 0");
/// LPOS: there is no such thing as a match number zero.
pub const RANK_IS_ZERO: Error = Error::new(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
);
/// A number whose negation does not exist.
pub const RANK_OUT_OF_RANGE: Error = Error::new(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
/// LPOS: COUNT is below zero.
pub const COUNT_NEGATIVE: Error = Error::new("ERR COUNT can't be negative");
/// LPOS: MAXLEN is below zero.
pub const MAXLEN_NEGATIVE: Error = Error::new("ERR MAXLEN can't be negative");
/// A string would become longer than clients may send.
pub const STRING_TOO_LONG: Error =
    Error::new("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
/// IFDEQ, IFDNE: no digest looks so.
pub const DIGEST_LENGTH: Error = Error::new("ERR must be exactly 16 hexadecimal characters");
/// DELEX: only strings can be compared.
pub const DELEX_NOT_A_STRING: Error =
    Error::new("ERR Key should be of string type if conditions are specified");
/// DELEX: what stands there is no comparison.
pub const NO_COMPARISON: Error =
    Error::new("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
/// MSETEX: there cannot be so many keys.
pub const NUMKEYS_INVALID: Error = Error::new("ERR invalid numkeys value");
/// MSETEX: there are not as many keys and values.
pub const PAIRS_MISSING: Error = Error::new("ERR wrong number of key-value pairs");
/// SETRANGE: the offset lies before the string.
pub const OFFSET_OUT_OF_RANGE: Error = Error::new("ERR offset is out of range");
/// ZADD with conditions that exclude each other.
pub const XX_AND_NX: Error =
    Error::new("ERR XX and NX options at the same time are not compatible");
/// ZADD with conditions that exclude each other.
pub const GT_LT_AND_NX: Error =
    Error::new("ERR GT, LT, and/or NX options at the same time are not compatible");
/// ZADD INCR of more than one member.
pub const INCR_OF_SEVERAL: Error =
    Error::new("ERR INCR option supports a single increment-element pair");
/// A score that would be no number.
pub const SCORE_NOT_A_NUMBER: Error = Error::new("ERR resulting score is not a number (NaN)");
/// The bound of a range of scores is no number.
pub const SCORE_BOUND: Error = Error::new("ERR min or max is not a float");
/// The bound of a range of members is none.
pub const LEX_BOUND: Error = Error::new("ERR min or max not valid string range item");
/// LIMIT for a range of ranks.
pub const LIMIT_OF_RANKS: Error = Error::new(
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
/// WITHSCORES for a range of members.
pub const SCORES_BY_LEX: Error =
    Error::new("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
/// WEIGHTS with one that is no number.
pub const WEIGHT_NOT_A_FLOAT: Error = Error::new("ERR weight value is not a float");
/// A LIMIT below zero.
pub const LIMIT_NEGATIVE: Error = Error::new("ERR LIMIT can't be negative");
/// ZRANDMEMBER with a count of which twice as many could not be told.
pub const SAMPLE_OUT_OF_RANGE: Error = Error::new("ERR value is out of range");

/// A command that combines sets, and is given none.
pub fn no_input_keys(full_name: &str) -> Error {
    Error::from_text(format!(
        "ERR at least 1 input key is needed for '{full_name}' command"
    ))
}

/// The sum is no 64 bit integer.
pub const INCREMENT_OVERFLOW: Error = Error::new("ERR increment or decrement would overflow");
/// DECRBY by a number whose negation does not exist.
pub const DECREMENT_OVERFLOW: Error = Error::new("ERR decrement would overflow");
/// The sum is no finite number.
pub const INCREMENT_NOT_FINITE: Error = Error::new("ERR increment would produce NaN or Infinity");
/// LCS of something that is no string.
pub const LCS_NOT_STRINGS: Error = Error::new("ERR The specified keys must contain string values");
/// LCS with both LEN and IDX.
pub const LCS_LEN_AND_IDX: Error =
    Error::new("ERR If you want both the length and indexes, please just use IDX.");
/// LCS of strings too long for its table.
pub const LCS_TOO_LARGE: Error =
    Error::new("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
/// EXPIRE: conditions that exclude each other.
pub const EXPIRE_NX_AND_OTHERS: Error =
    Error::new("ERR NX and XX, GT or LT options at the same time are not compatible");
/// EXPIRE: conditions that exclude each other.
pub const EXPIRE_GT_AND_LT: Error =
    Error::new("ERR GT and LT options at the same time are not compatible");
/// A time for a field to expire at that lies below 0.
pub const EXPIRE_NEGATIVE: Error = Error::new("ERR invalid expire time, must be >= 0");
/// Fields of a hash are to be named behind a word that is not there.
pub const FIELDS_MISSING: Error =
    Error::new("ERR Mandatory argument FIELDS is missing or not at the right position");
/// A number of fields that is none.
pub const FIELD_COUNT_INVALID: Error =
    Error::new("ERR Number of fields must be a positive integer");
/// HEXPIRE and its kin: a number of fields that is none.
pub const NUMFIELDS_NOT_POSITIVE: Error =
    Error::new("ERR Parameter `numFields` should be greater than 0");
/// HSETEX: a number of fields that is none.
pub const NUMFIELDS_INVALID: Error = Error::new("ERR invalid number of fields");
/// A number of fields that do not follow.
pub const FIELD_COUNT_MISMATCH: Error =
    Error::new("ERR The `numfields` parameter must match the number of arguments");
/// HSETEX: two conditions.
pub const FIELD_CONDITION_TWICE: Error =
    Error::new("ERR Only one of FXX or FNX arguments can be specified");
/// HSETEX: two expiries.
pub const FIELD_EXPIRY_TWICE: Error =
    Error::new("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
/// HINCRBY of a field that is no integer.
pub const HASH_NOT_AN_INTEGER: Error = Error::new("ERR hash value is not an integer");
/// HINCRBYFLOAT of a field that is no number.
pub const HASH_NOT_A_FLOAT: Error = Error::new("ERR hash value is not a float");
/// HINCRBYFLOAT by what is not finite.
pub const NAN_OR_INFINITY: Error = Error::new("ERR value is NaN or Infinity");
/// A count so great that the numbers of what is told are no numbers.
pub const OUT_OF_RANGE: Error = Error::new("ERR value is out of range");

/// HSETEX: an argument there is not.
pub fn unknown_argument(word: &[u8]) -> Error {
    Error::from_text([b"ERR unknown argument: ", until_nul(word)].concat())
}

/// A key would be moved or copied onto itself.
pub const SAME_OBJECT: Error = Error::new("ERR source and destination objects are the same");
/// SCAN: no such cursor can be.
pub const INVALID_CURSOR: Error = Error::new("ERR invalid cursor");
/// SCAN: an option of HSCAN.
pub const NOVALUES_OUTSIDE_HSCAN: Error =
    Error::new("ERR NOVALUES option can only be used in HSCAN");
/// SWAPDB: the first index is no number.
pub const FIRST_DB_INVALID: Error = Error::new("ERR invalid first DB index");
/// SWAPDB: the second index is no number.
pub const SECOND_DB_INVALID: Error = Error::new("ERR invalid second DB index");
/// OBJECT IDLETIME while uses are counted.
pub const NO_IDLE_TIME: Error = Error::new(
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);
/// OBJECT FREQ without counters of use.
pub const NO_LFU: Error = Error::new(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);

/// RESTORE of a key that is there.
pub const BUSY_KEY: Error = Error::new("BUSYKEY Target key name already exists.");
/// RESTORE with a time to live below 0.
pub const NEGATIVE_TTL: Error = Error::new("ERR Invalid TTL value, must be >= 0");
/// RESTORE with a time of no use below 0.
pub const NEGATIVE_IDLE_TIME: Error = Error::new("ERR Invalid IDLETIME value, must be >= 0");
/// RESTORE with a frequency that is none.
pub const FREQUENCY_OUT_OF_RANGE: Error =
    Error::new("ERR Invalid FREQ value, must be >= 0 and <= 255");
/// RESTORE of a payload that is none, was damaged, or comes from a newer server.
pub const BAD_DUMP_FOOTER: Error = Error::new("ERR DUMP payload version or checksum are wrong");
/// RESTORE of a payload that holds no value.
pub const BAD_DUMP: Error = Error::new("ERR Bad data format");

/// EXPIRE: a condition there is not.
pub fn unsupported_option(option: &[u8]) -> Error {
    let mut text = b"ERR Unsupported option ".to_vec();
    text.extend_from_slice(until_nul(option));
    Error::from_text(text)
}

/// A stream id was expected.
pub const INVALID_STREAM_ID: Error =
    Error::new("ERR Invalid stream ID specified as stream command argument");
/// No id follows the one that a range is to start behind.
pub const INVALID_RANGE_START: Error = Error::new("ERR invalid start ID for the interval");
/// No id precedes the one that a range is to end before.
pub const INVALID_RANGE_END: Error = Error::new("ERR invalid end ID for the interval");
/// XADD with the least id.
pub const ID_NOT_ABOVE_ZERO: Error =
    Error::new("ERR The ID specified in XADD must be greater than 0-0");
/// XADD with an id that does not follow the last.
pub const ID_TOO_SMALL: Error =
    Error::new("ERR The ID specified in XADD is equal or smaller than the target stream top item");
/// The last id is the greatest.
pub const STREAM_EXHAUSTED: Error =
    Error::new("ERR The stream has exhausted the last possible ID, unable to add more items");
/// An entry beyond what the stream's policy lets it hold.
pub const STREAM_FULL: Error = Error::new("FULL stream is at its limit");
/// IDMP or IDMPAUTO twice.
pub const TWO_ORIGINS: Error =
    Error::new("ERR syntax error, IDMP/IDMPAUTO specified multiple times");
/// IDMP without an id of the message.
pub const EMPTY_IID: Error =
    Error::new("ERR syntax error, IDMP requires a non-empty idempotent ID");
/// IDMP or IDMPAUTO with the id that the entry is to have.
pub const ORIGIN_WITH_GIVEN_ID: Error =
    Error::new("ERR syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs");

/// IDMP or IDMPAUTO without an id of the producer.
pub fn empty_pid(names_message: bool) -> Error {
    let option = if names_message { "IDMP" } else { "IDMPAUTO" };
    Error::from_text(format!(
        "ERR syntax error, {option} requires a non-empty producer ID"
    ))
}

/// XIDMPRECORD without an id of the producer.
pub const RECORD_WITHOUT_PID: Error = Error::new("ERR producer ID must be non-empty");
/// XIDMPRECORD without an id of the message.
pub const RECORD_WITHOUT_IID: Error = Error::new("ERR idempotent ID must be non-empty");
/// XIDMPRECORD for an entry that is not there.
pub const NO_SUCH_MESSAGE: Error = Error::new("ERR No such message in stream");
/// XIDMPRECORD of a message that became another entry.
pub const OTHER_MESSAGE: Error =
    Error::new("ERR IID already exists for this producer with a different stream ID");
/// An entry of more than a gigabyte.
pub const ENTRY_TOO_LARGE: Error = Error::new("ERR Elements are too large to be stored");
/// A length below 0.
pub const NEGATIVE_MAXLEN: Error = Error::new("ERR The MAXLEN argument must be >= 0.");
/// A limit below 0.
pub const NEGATIVE_LIMIT: Error = Error::new("ERR The LIMIT argument must be >= 0.");
/// MAXLEN and MINID, or one of them twice.
pub const TWO_TRIM_STRATEGIES: Error =
    Error::new("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
/// XTRIM without MAXLEN and MINID.
pub const TRIM_WITHOUT_STRATEGY: Error =
    Error::new("ERR syntax error, XTRIM must be called with a trimming strategy");
/// LIMIT without MAXLEN and MINID.
pub const LIMIT_WITHOUT_STRATEGY: Error =
    Error::new("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
/// LIMIT for an exact trim.
pub const LIMIT_WITHOUT_APPROXIMATION: Error =
    Error::new("ERR syntax error, LIMIT cannot be used without the special ~ option");
/// IDS with a number of ids that is none.
pub const ID_COUNT_NOT_POSITIVE: Error = Error::new("ERR Number of IDs must be a positive integer");
/// IDS with a number of ids that do not follow.
pub const ID_COUNT_TOO_LARGE: Error =
    Error::new("ERR The `numids` parameter must match the number of arguments");
/// XREADGROUP without GROUP.
pub const GROUP_MISSING: Error = Error::new("ERR Missing GROUP option for XREADGROUP");
/// XREAD with GROUP.
pub const GROUP_WITHOUT_GROUP_READ: Error =
    Error::new("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
/// XREAD with NOACK.
pub const NOACK_WITHOUT_GROUP_READ: Error =
    Error::new("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
/// MAXCOUNT of 0 or below.
pub const MAXCOUNT_NOT_POSITIVE: Error = Error::new("ERR MAXCOUNT must be a positive integer");
/// MAXCOUNT for all streams that is less than COUNT for each.
pub const MAXCOUNT_BELOW_COUNT: Error =
    Error::new("ERR MAXCOUNT must be greater than or equal to COUNT");
/// MAXSIZE of 0 or below.
pub const MAXSIZE_NOT_POSITIVE: Error = Error::new("ERR MAXSIZE must be a positive integer");
/// XREAD of `>`.
pub const NEW_ENTRIES_WITHOUT_GROUP: Error = Error::new(
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
);
/// XREADGROUP of `$`.
pub const LAST_ID_IN_GROUP_READ: Error = Error::new(
    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
);
/// XREADGROUP of `+`.
pub const NEWEST_IN_GROUP_READ: Error = Error::new(
    "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.",
);
/// XREAD with CLAIM.
pub const CLAIM_WITHOUT_GROUP_READ: Error =
    Error::new("ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.");
/// XREADGROUP with a minimum idle time that is no number.
pub const CLAIM_NOT_AN_INTEGER: Error =
    Error::new("ERR min-idle-time is not an integer or out of range");
/// XREADGROUP with a minimum idle time below 0.
pub const CLAIM_NEGATIVE: Error = Error::new("ERR min-idle-time must be a positive integer");
/// XNACK without a mode that there is.
pub const XNACK_BAD_MODE: Error = Error::new("ERR mode must be SILENT, FAIL, or FATAL");
/// XNACK without IDS.
pub const XNACK_WITHOUT_IDS: Error = Error::new("ERR syntax error, expected IDS keyword");
/// XNACK of a number of ids that is none.
pub const XNACK_BAD_ID_COUNT: Error = Error::new("ERR numids must be a positive integer");
/// XNACK of another number of ids than it says.
pub const XNACK_OTHER_ID_COUNT: Error = Error::new("ERR number of IDs doesn't match numids");
/// XNACK with a RETRYCOUNT below 0.
pub const XNACK_NEGATIVE_RETRYCOUNT: Error =
    Error::new("ERR Invalid RETRYCOUNT value, must be >= 0");
/// XNACK with a DELAY that is no time.
pub const XNACK_BAD_DELAY: Error = Error::new("ERR invalid DELAY");
/// XREDRIVE with a COUNT that is none.
pub const XREDRIVE_BAD_COUNT: Error = Error::new("ERR invalid COUNT");
/// XCLAIM with a minimum idle time that is no number.
pub const XCLAIM_IDLE_NOT_AN_INTEGER: Error =
    Error::new("ERR Invalid min-idle-time argument for XCLAIM");
/// XAUTOCLAIM with a minimum idle time that is no number.
pub const XAUTOCLAIM_IDLE_NOT_AN_INTEGER: Error =
    Error::new("ERR Invalid min-idle-time argument for XAUTOCLAIM");
/// XCLAIM with an IDLE that is no number.
pub const XCLAIM_BAD_IDLE: Error = Error::new("ERR Invalid IDLE option argument for XCLAIM");
/// XCLAIM with a TIME that is no number.
pub const XCLAIM_BAD_TIME: Error = Error::new("ERR Invalid TIME option argument for XCLAIM");
/// XCLAIM with a RETRYCOUNT that is no number.
pub const XCLAIM_BAD_RETRYCOUNT: Error =
    Error::new("ERR Invalid RETRYCOUNT option argument for XCLAIM");
/// XAUTOCLAIM with a COUNT that is no number above 0.
pub const XAUTOCLAIM_COUNT_NOT_POSITIVE: Error = Error::new("ERR COUNT must be > 0");
/// XAUTOCLAIM with a COUNT that no memory holds.
pub const XAUTOCLAIM_COUNT_TOO_HIGH: Error =
    Error::new("ERR Insufficient memory, failed allocating transient memory, COUNT too high.");
/// XGROUP for a key that is not there.
pub const XGROUP_KEY_MISSING: Error = Error::new(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
);
/// XGROUP CREATE of a group that is there.
pub const GROUP_EXISTS: Error = Error::new("BUSYGROUP Consumer Group name already exists");
/// ENTRIESREAD below -1.
pub const NEGATIVE_ENTRIES_READ: Error =
    Error::new("ERR value for ENTRIESREAD must be positive or -1");
/// ENTRIESADDED below 0.
pub const NEGATIVE_ENTRIES_ADDED: Error = Error::new("ERR entries_added must be positive");
/// XSETID with ids that contradict each other.
pub const LAST_ID_BELOW_GIVEN_DELETED: Error =
    Error::new("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
/// XSETID below an id that was deleted.
pub const LAST_ID_BELOW_DELETED: Error =
    Error::new("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
/// XSETID below the newest entry.
pub const LAST_ID_BELOW_NEWEST: Error =
    Error::new("ERR The ID specified in XSETID is smaller than the target stream top item");
/// XSETID with fewer entries than there are.
pub const ENTRIES_ADDED_BELOW_LENGTH: Error = Error::new(
    "ERR The entries_added specified in XSETID is smaller than the target stream length",
);

/// XCFGSET without an option.
pub const NO_SETTINGS: Error = Error::new("ERR At least one parameter must be specified");
/// XCFGSET with a time to remember producers' ids for that is out of range.
pub const IDMP_DURATION_OUT_OF_RANGE: Error =
    Error::new("ERR IDMP-DURATION must be between 1 and 86400 seconds");
/// XCFGSET with a number of producers' ids to remember that is out of range.
pub const IDMP_MAXSIZE_OUT_OF_RANGE: Error =
    Error::new("ERR IDMP-MAXSIZE must be between 1 and 10000 entries");

/// XCFGSET with an option given more than once.
pub fn repeated_setting(option: &str) -> Error {
    Error::from_text(format!("ERR {option} specified multiple times"))
}

/// XCFGSET with a value that the option cannot have.
pub fn invalid_setting(option: &str) -> Error {
    Error::from_text(format!("ERR invalid {option}"))
}

/// BITOP of one string where it takes two.
pub fn bitop_needs_two_keys(operation: &str) -> Error {
    Error::from_text(format!(
        "ERR BITOP {operation} must be called with at least two source keys."
    ))
}

/// XREAD or XREADGROUP whose keys and ids do not pair up.
pub fn unbalanced_streams(grouped: bool) -> Error {
    let (command, ids) = if grouped {
        ("xreadgroup", "ID or '>'")
    } else {
        ("xread", "ID, '+', or '$'")
    };
    Error::from_text(format!(
        "ERR Unbalanced '{command}' list of streams: for each stream key an {ids} must be specified."
    ))
}

/// No such key or no such group.
pub fn no_group_or_key(key: &[u8], group: &[u8]) -> Error {
    woven(
        ["NOGROUP No such key '", "' or consumer group '", "'"],
        [key, group],
    )
}

/// XREADGROUP of no such key or no such group.
pub fn no_group_to_read(key: &[u8], group: &[u8]) -> Error {
    let end = "' in XREADGROUP with GROUP option";
    woven(
        ["NOGROUP No such key '", "' or consumer group '", end],
        [key, group],
    )
}

/// The stream has no such group.
pub fn no_group_for_key(key: &[u8], group: &[u8]) -> Error {
    woven(
        ["NOGROUP No such consumer group '", "' for key name '", "'"],
        [group, key],
    )
}

/// XCLAIM with an argument that is neither an id nor an option.
pub fn unrecognized_xclaim_option(option: &[u8]) -> Error {
    woven(["ERR Unrecognized XCLAIM option '", "'", ""], [option, b""])
}

/// XNACK with an option that there is not.
pub fn unrecognized_xnack_option(option: &[u8]) -> Error {
    woven(["ERR Unrecognized XNACK option '", "'", ""], [option, b""])
}

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

/// An expiry that no clock reaches.
pub fn invalid_expire(full_name: &str) -> Error {
    Error::from_text(format!("ERR invalid expire time in '{full_name}' command"))
}

/// A C string ends at its first NUL; the texts Redis quotes do too.
fn until_nul(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| byte == 0);
    &text[..end.unwrap_or(text.len())]
}

/// MONITOR inside MULTI.
pub const MONITOR_IN_MULTI: Error =
    Error::new("ERR MONITOR isn't allowed for DENY BLOCKING client");
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
/// REPLICAOF another server.
pub const NO_REPLICATION: Error = Error::new("ERR this version does not replicate other servers");
/// A write while the disk fails under the log; what the system said.
pub fn log_failed(what: &str) -> Error {
    Error::from_text(format!("MISCONF Errors writing to the AOF file: {what}"))
}

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
/// A command that writes, while saves fail and `stop-writes-on-bgsave-error` is set.
pub const SAVE_FAILED: Error = Error::new(
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
);
/// An error of which the log of the server says more.
pub const PLAIN: Error = Error::new("ERR");
/// SHUTDOWN ABORT with nothing to abort.
pub const NO_SHUTDOWN: Error = Error::new("ERR No shutdown in progress.");
/// SHUTDOWN that could not keep what it was asked to keep.
pub const SHUTDOWN_FAILED: Error = Error::new("ERR Errors trying to SHUTDOWN. Check logs.");
/// A command for a node of a cluster.
pub const NO_CLUSTER: Error = Error::new("ERR This instance has cluster support disabled");
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

/// A subcommand that there is not, or not with so many arguments.
pub fn unknown_subcommand_or_arity(command: &str, sub: &[u8]) -> Error {
    let mut text = b"ERR unknown subcommand or wrong number of arguments for '".to_vec();
    text.extend_from_slice(&until_nul(sub)[..until_nul(sub).len().min(128)]);
    text.extend_from_slice(format!("'. Try {} HELP.", command.to_ascii_uppercase()).as_bytes());
    Error::from_text(text)
}

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

fn naming(what: &str, name: &[u8]) -> Error {
    let mut text = format!("{what} '").into_bytes();
    text.extend_from_slice(until_nul(name));
    text.push(b'\'');
    Error::from_text(text)
}

/// A key that the user may not use.
pub const NO_PERMISSION_FOR_KEY: Error = Error::new("NOPERM No permissions to access a key");
/// A channel that the user may not use.
pub const NO_PERMISSION_FOR_CHANNEL: Error =
    Error::new("NOPERM No permissions to access a channel");
/// ACL SETUSER with a name that none can have.
pub const USER_NAME: Error = Error::new("ERR Usernames can't contain spaces or null characters");
/// ACL DELUSER of the user that every connection begins as.
pub const DEFAULT_USER_STAYS: Error = Error::new("ERR The 'default' user cannot be removed");
/// ACL GENPASS with a number of bits out of range.
pub const PASSWORD_BITS: Error = Error::new(
    "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
);
/// ACL LOAD or SAVE without a file.
pub const NO_USERS_FILE: Error = Error::new(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.",
);
/// ACL SAVE that the disk refused.
pub const USERS_NOT_SAVED: Error = Error::new(
    "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
);

/// A command that the user may not run.
pub fn no_permission_to_run(user: &[u8], full_name: &str) -> Error {
    let end = format!(" has no permissions to run the '{full_name}' command");
    Error::from_text([b"NOPERM User ", until_nul(user), end.as_bytes()].concat())
}

/// A queued command that the user may not run any more.
pub fn no_permission_any_more(reason: &str) -> Error {
    Error::from_text(format!(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: {reason}"
    ))
}

/// ACL SETUSER with a selector that does not end.
pub fn unmatched_parenthesis(word: &[u8]) -> Error {
    woven(
        [
            "ERR Unmatched parenthesis in acl selector starting at '",
            "'.",
            "",
        ],
        [word, b""],
    )
}

/// ACL SETUSER with a rule that cannot be obeyed.
pub fn bad_rule(rule: &[u8], why: &impl Display) -> Error {
    let end = format!("': {why}");
    woven(
        ["ERR Error in ACL SETUSER modifier '", &end, ""],
        [rule, b""],
    )
}

/// ACL LOAD of a file with errors in it.
pub fn users_not_loaded(errors: &str) -> Error {
    Error::from_text(format!(
        "ERR {errors}WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
    ))
}

/// ACL CAT of a category that there is not.
pub fn unknown_category(name: &[u8]) -> Error {
    naming("ERR Unknown category", name)
}

/// ACL DRYRUN for a user that there is not.
pub fn user_not_found(name: &[u8]) -> Error {
    woven(["ERR User '", "' not found", ""], [name, b""])
}

/// ACL DRYRUN of a command that there is not.
pub fn command_not_found(name: &[u8]) -> Error {
    woven(["ERR Command '", "' not found", ""], [name, b""])
}

/// SORT BY for who may not read every key.
pub const SORT_BY_DENIED: Error =
    Error::new("ERR BY option of SORT denied due to insufficient ACL permissions.");
/// SORT GET for who may not read every key.
pub const SORT_GET_DENIED: Error =
    Error::new("ERR GET option of SORT denied due to insufficient ACL permissions.");
