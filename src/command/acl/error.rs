//! Why a rule is not one.

use std::fmt;

/// See the module's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleError {
    /// It is no rule at all.
    Syntax,
    /// It names a command or a category that does not exist.
    Unknown,
    /// A first argument is given to a subcommand.
    FirstArgOfSubcommand,
    /// All keys are allowed already.
    KeysAllowedAlready,
    /// All channels are allowed already.
    ChannelsAllowedAlready,
    /// A password is to be removed that the user does not have.
    NoSuchPassword,
    /// A digest is none.
    BadDigest,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "Syntax error",
            Self::Unknown => "Unknown command or category name in ACL",
            Self::FirstArgOfSubcommand => "Allowing first-arg of a subcommand is not supported",
            Self::KeysAllowedAlready => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
            }
            Self::ChannelsAllowedAlready => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
            }
            Self::NoSuchPassword => {
                "The password you are trying to remove from the user does not exist"
            }
            Self::BadDigest => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
        })
    }
}

impl std::error::Error for RuleError {}
