//! From a data directory to a running keyspace.
//!
//! ```text
//!   sources    which files hold the data
//!   load       reads them in order:  snapshot   cut into records here, decoded on many threads
//!                                    aof        command after command; `filled` reads where it was filled ahead, `tail` judges how it ends
//!   settle     makes the directory such that the log can go on: cuts a torn tail and filler, takes over what is not a log of Redis 7 yet
//!   keep       of which something was left out on request: the files as they are, beside what takes their place
//! ```
//!
//! Loading changes no file, so it is also how a directory is checked (`check`). Nothing is ever lost silently: what is not whole at the end of
//! the log is cut only if it provably was being written when the process died (`tail`), and the log says how much that was;
//! everything else that is not as it should be ends the load with a [`Failure`] that says where it is and what to do.

pub mod aof;
pub mod census;
pub mod failure;
pub mod filled;
pub mod input;
pub mod keep;
pub mod load;
pub mod progress;
pub mod settle;
pub mod snapshot;
pub mod sources;
pub mod tail;

pub use aof::Replay;
pub use failure::{Failure, Interrupted};
pub use keep::keep;
pub use load::{Loaded, Loader};
pub use progress::Progress;
pub use settle::settle;
pub use snapshot::{LeftOut, Manner};
pub use sources::{Places, Source};
