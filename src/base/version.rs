//! Whose surface this is, and whose program.

/// The Redis whose commands, replies and errors are matched. Clients decide by it what they may ask for.
pub const REDIS_VERSION: &str = "8.2.3";

/// The same as a number: a byte each for major, minor and patch.
pub const REDIS_VERSION_NUMBER: i64 = 0x08_02_03;

/// Millstream's own version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
