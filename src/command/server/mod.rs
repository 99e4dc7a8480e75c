//! The server about itself: what it is doing (INFO, SLOWLOG, LATENCY, MEMORY), what it can do (COMMAND), how it is set up
//! (CONFIG), and the few commands that steer it (DEBUG, SHUTDOWN).

pub mod cluster;
pub mod command;
pub mod config;
pub mod debug;
mod digest;
mod due;
pub mod info;
pub mod latency;
pub mod memory;
pub mod misc;
pub mod module;
pub mod reload;
pub mod replication;
pub mod save;
pub mod shutdown;
pub mod slowlog;
