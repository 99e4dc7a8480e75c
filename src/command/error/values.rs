//! Errors of the other types, and of keys of any type.

use super::{Error, until_nul};

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
/// The index lies outside the value.
pub const INDEX_OUT_OF_RANGE: Error = Error::new("ERR index out of range");
/// SINTERCARD of more keys than there are arguments.
pub const SINTERCARD_KEYS_MISSING: Error =
    Error::new("ERR Number of keys can't be greater than number of args");
/// SINTERCARD with a limit below zero.
pub const SINTERCARD_LIMIT: Error = Error::new("ERR LIMIT can't be negative");
/// SRANDMEMBER with the one number that has no opposite.
pub const COUNT_OUT_OF_RANGE: Error = Error::new(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
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
/// EXPIRE: a condition there is not.
pub fn unsupported_option(option: &[u8]) -> Error {
    let mut text = b"ERR Unsupported option ".to_vec();
    text.extend_from_slice(until_nul(option));
    Error::from_text(text)
}
/// BITOP of one string where it takes two.
pub fn bitop_needs_two_keys(operation: &str) -> Error {
    Error::from_text(format!(
        "ERR BITOP {operation} must be called with at least two source keys."
    ))
}
/// An expiry that no clock reaches.
pub fn invalid_expire(full_name: &str) -> Error {
    Error::from_text(format!("ERR invalid expire time in '{full_name}' command"))
}
/// SORT BY for who may not read every key.
pub const SORT_BY_DENIED: Error =
    Error::new("ERR BY option of SORT denied due to insufficient ACL permissions.");
/// SORT GET for who may not read every key.
pub const SORT_GET_DENIED: Error =
    Error::new("ERR GET option of SORT denied due to insufficient ACL permissions.");
