//! The server: cores that run commands, and what starts and stops them.
//!
//! - `boot`: from a configuration to running cores, and to an orderly end.
//! - `core`: one pinned event loop, turn by turn: poll, read, execute, deliver, write; in parts: `serving`, `output`, `clients`,
//!   `handshakes`, `holding`.
//! - `reading`: one read of a connection, and the requests it brought.
//! - `connection`: one client's socket, buffers and session.
//! - `loading`: bringing the data back at the start, on a thread of its own; `check` does it to look only.
//! - `persistence`: the thread that writes the log.
//! - `daemon`: going to the background.
//! - `listener`: accepting, and dealing connections out to the cores.
//! - `log`: where the log goes, and how much of it.
//! - `supervisor`: telling systemd or upstart of the server's state.
//! - `tls`: the bytes of a connection that speaks TLS.
//! - `timers`: when blocked clients give up.
//! - `outside`: the one thread for what is not the data path: signals.

pub mod boot;
pub mod check;
mod connection;
mod core;
pub mod daemon;
mod listener;
pub mod loading;
pub mod log;
mod outside;
mod persistence;
mod reading;
mod supervisor;
mod timers;
mod tls;
