//! What can be wrong with a snapshot or a dumped value.

use std::fmt;

/// What is wrong, and where.
#[derive(Debug)]
pub struct Error {
    /// Bytes before the place where it was noticed: in the file, or in the value where a value alone was read.
    pub offset: u64,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug)]
pub enum Problem {
    /// Reading failed.
    Io(std::io::Error),
    /// It ends in the midst of something.
    Truncated,
    /// It does not begin as a snapshot.
    NotASnapshot,
    /// Its version is newer than those known.
    Version(u32),
    /// The bytes do not form what should stand here.
    Corrupt(&'static str),
    /// A byte that is neither an opcode nor a type.
    UnknownType(u8),
    /// A section beside a stream that has an unknown tag.
    UnknownSection(u8),
    /// A policy of a stream or a group with an unknown option.
    UnknownOption,
    /// A key holds a value of a kind that this server has not.
    Unsupported {
        /// The key.
        key: Vec<u8>,
        /// The kind's name.
        type_name: &'static str,
    },
    /// The checksum at its end is not that of the bytes before.
    Checksum {
        /// As it stands there.
        stored: u64,
        /// As it would be right.
        computed: u64,
    },
}

/// What a step of reading gives.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The same, in something that begins at `base`.
    pub fn within(mut self, base: u64) -> Self {
        self.offset += base;
        self
    }

    /// True if more bytes might mend it.
    pub fn is_truncation(&self) -> bool {
        matches!(self.problem, Problem::Truncated)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Io(error) => write!(f, "cannot be read: {error}"),
            Problem::Truncated => f.write_str("ends in the midst of an item"),
            Problem::NotASnapshot => {
                f.write_str("is no snapshot: it does not begin with REDIS or VALKEY")
            }
            Problem::Version(version) => write!(
                f,
                "has format version {version}, which is newer than those known"
            ),
            Problem::Corrupt(what) => write!(f, "is corrupt: {what}"),
            Problem::UnknownType(byte) => write!(f, "holds an item of unknown type {byte}"),
            Problem::UnknownSection(tag) => write!(
                f,
                "keeps with a stream what this version does not know (section '{}'): a later one has written it",
                tag.escape_ascii()
            ),
            Problem::UnknownOption => f.write_str(
                "has a policy with an option that this version does not know: a later one has written it",
            ),
            Problem::Unsupported { key, type_name } => write!(
                f,
                "holds a {type_name} under the key \"{}\", a type that this server does not have",
                key.escape_ascii()
            ),
            Problem::Checksum { stored, computed } => {
                write!(
                    f,
                    "is corrupt: its checksum is {stored:016x} but should be {computed:016x}"
                )
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at offset {})", self.problem, self.offset)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Io(error) => Some(error),
            _ => None,
        }
    }
}
