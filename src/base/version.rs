//! Whose surface this is, and whose program.

/// The Redis whose commands, replies and errors are matched. Clients decide by it what they may ask for.
pub const REDIS_VERSION: &str = "8.2.3";

/// Millstream's own version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
