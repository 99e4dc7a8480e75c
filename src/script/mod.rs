//! Lua 5.1 for scripts and functions: an interpreter, the sandbox that scripts run in, what they are given (`redis.*` and the libraries), and
//! the translation of values both ways.
//!
//! ```text
//!   interpreter   compiles, runs, bounds memory and time          sandbox    the globals, which nobody can change
//!   direct        redis.call: a reply becomes a Lua value         encode     a Lua value becomes a reply
//!   api           what else is in redis.*                         libs/      cjson, cmsgpack, struct, bit, random numbers
//!   failure       what went wrong and where                       host       what runs commands for a script
//!   library       libraries of functions: what they register
//! ```
//!
//! This room knows no command and no key: what a script asks for goes to a [`Host`]. An interpreter belongs to one thread.

mod api;
mod direct;
mod encode;
mod failure;
mod host;
mod interpreter;
pub mod library;
mod libs;
mod sandbox;
mod state;
#[cfg(test)]
mod tests;

pub use encode::Answered;
pub use failure::Failure;
pub use host::{Host, LogLevel, Verdict};
pub use interpreter::{Call, Interpreter, Loaded};
pub use state::MAX_MEMORY_BYTES;
