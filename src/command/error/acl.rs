//! Errors of users and their rights.

use super::{Error, naming, until_nul, woven};
use std::fmt::Display;

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
