//! The log on disk, as Redis 7 and later lay it out.
//!
//! ```text
//! <dir>/<appenddirname>/<appendfilename>.manifest      which files count, in which order
//!                       <appendfilename>.<n>.base.rdb  the state when the first increment began (or .base.aof, as commands)
//!                       <appendfilename>.<n>.incr.aof  what happened since; the last one grows
//! ```
//!
//! `manifest` is the list of files, `files` the directory (which steps make a change of the list safe against a crash), `writer` the
//! thread that follows the log and makes it durable, `queue` what it has taken and does not know to be durable yet, `segment` the file that
//! grows, `parcel` how that is laid out where it is filled ahead, `syncer` the thread that waits for the disk in the writer's place,
//! `control` what others see of it and order from it.

pub mod control;
pub mod files;
pub mod manifest;
pub mod parcel;
mod queue;
pub mod segment;
mod syncer;
pub mod writer;

pub use control::{Control, Fsync, News, Settings};
pub use files::{BaseFormat, Files, Place};
pub use manifest::Manifest;
pub use writer::{Tools, Writer};
