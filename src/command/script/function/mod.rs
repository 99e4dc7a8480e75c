//! Functions: scripts that are kept by name, in libraries.
//!
//! A library is a source that registers functions when it runs. All cores share what is registered ([`store`]); each core runs the source for
//! itself when it first calls a function of it (`engine`), so what a library keeps in variables of its own is each core's own. Sources are
//! data: they are in the log and in snapshots (`keyspace::libraries`).

mod call;
mod engine;
mod manage;
mod payload;
pub mod store;

pub use call::{fcall, fcall_ro};
pub use engine::{give_back, used_bytes};
pub use manage::{delete, dump, flush, forget_all, kill, list, load, read_unread, restore, stats};
