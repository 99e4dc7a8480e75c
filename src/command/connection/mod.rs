//! The connection itself: handshake, PING and the like.

mod basic;
pub mod client;
mod hello;

pub use basic::{echo, ping, quit, reset, select};
pub use hello::{auth, hello};
