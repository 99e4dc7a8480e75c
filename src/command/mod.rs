//! Commands: the table of them, what they run with, and one file per command or small family.
//!
//! **The way of a request.** The server parses it and calls [`dispatch::execute`]. That finds the row ([`registry`]), checks arity and the
//! client's state, takes the stripes of the row's keys, and calls the row's handler with a [`Ctx`] and a cursor over the
//! arguments ([`Args`]). The handler parses everything first, then acts, and returns an [`Outcome`]: `DONE` after writing its reply,
//! an [`Error`] (what it wrote is taken back), `Flow::Block` to wait, or `Flow::Long` for a reply written in slices later. What the handler
//! changed goes out when it is done ([`keys::Changes`]): events, statistics, freed values; then waiting clients are served
//! ([`block`]), all still under the same stripes, so nothing comes between a command and those it feeds.
//!
//! **Writing a command.** A family is a folder with a file per command or few; its rows stand in `table/rows/<group>.rs`.
//!
//! ```text
//! /// `LLEN key`: how many elements a list has.
//! pub fn llen(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
//!     let key = args.bytes()?;                              // arity was checked: cannot fail here
//!     let len = ctx.keys.read_as::<List>(key)?.map_or(0, |list| list.len());
//!     ctx.reply.int(len as i64);
//!     DONE
//! }
//! ```
//!
//! - `ctx.keys`: `read`/`read_as` for commands that read (counts hits), `find`/`find_as` for those that write; `insert`, `remove`,
//!   `set_deadline_ms`. After a change: `changed(key)` and `notify(class, "event", key)`. A command that adds to a stream calls `ready(key)`;
//!   inserting and removing keys does so by itself. An emptied list is removed by its command, which notifies `del`.
//! - `ctx.reply` is apart from `ctx.keys`, so a borrowed value can be written while it is borrowed.
//! - A handler may touch only the keys its row's key specs name: their stripes are held. A row with `.locks(Locks::All)` holds every stripe;
//!   one with `.locks(Locks::Own)` holds none and uses `keys.each_stripe` or `with_stripe`; `Locks::None` touches no key.
//! - A blocking command tries; with nothing there it returns `Flow::Block` (unless `ctx.nested`, then its null reply). When a key it waits for is
//!   ready the whole handler runs again, so it holds no state; `$` and the like are resolved in `Block::request`.
//! - Time is `ctx.now`, never the clock.
//!
//! This room knows no socket and no file.

pub mod acl;
pub mod args;
pub mod bitmap;
pub mod block;
pub mod clients;
pub mod connection;
pub mod ctx;
pub mod dispatch;
mod draws;
pub mod error;
pub mod evict;
pub mod expire;
pub mod generic;
pub mod hash;
pub mod help;
mod item;
pub mod keys;
pub mod latency;
pub mod list;
pub mod mail;
pub mod meter;
pub mod monitor;
pub mod overweight;
pub mod peer;
pub mod pubsub;
pub mod reaper;
pub mod registry;
pub mod replay;
pub mod script;
pub mod secrets;
pub mod server;
pub mod session;
pub mod set;
pub mod shared;
pub mod slowlog;
pub mod stats;
pub mod stream;
pub mod string;
pub mod table;
mod times;
pub mod transaction;
pub mod zset;

pub use args::Args;
pub use ctx::{Block, Ctx, DONE, Flow, Local, LongReply, Outcome};
pub use error::Error;
pub use keys::Keys;
pub use registry::Command;
pub use session::Session;
pub use shared::Shared;

/// What runs a command. The cursor stands after the command's name (and its subcommand's).
pub type Handler = fn(&mut Ctx<'_, '_>, Args<'_>) -> Outcome;
