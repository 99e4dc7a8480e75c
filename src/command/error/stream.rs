//! Errors of streams and their groups.

use super::{Error, woven};

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
