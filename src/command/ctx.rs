//! What a command runs with, and what it answers with.

use super::error::Error;
use super::keys::Keys;
use super::registry::Command;
use super::session::Session;
use super::shared::Shared;
use crate::base::clock::Now;
use crate::config::Config;
use crate::data::stream::IdWriter;
use crate::keyspace::waiters::{Awaits, OnTimeout};
use crate::pubsub::Listeners;
use crate::resp::{OwnedRequest, Reply};
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// A command's surroundings. The fields are apart so that a value borrowed from `keys` can be written to `reply`.
pub struct Ctx<'a, 'k> {
    /// What all cores share.
    pub shared: &'k Shared,
    /// This core's own state.
    pub local: &'a mut Local,
    /// The keyspace under the stripes this command holds.
    pub keys: Keys<'a, 'k>,
    /// The client.
    pub session: &'a mut Session,
    /// Where the reply goes.
    pub reply: &'a mut Reply,
    /// The time.
    pub now: Now,
    /// The command's row.
    pub command: &'static Command,
    /// Inside a transaction: a blocking command answers at once.
    pub nested: bool,
}

/// What one core keeps for itself and commands may use.
#[derive(Debug)]
pub struct Local {
    /// The core's number.
    pub core: usize,
    /// Which of its connections listen to what.
    pub listeners: Listeners,
    /// Its connections that monitor.
    pub monitors: Vec<usize>,
    /// The current client has done enough for this turn (an inbox is crowded by what it sent, or much waits to be sent to it): its
    /// further requests come after others'.
    pub yielding: bool,
    /// A command of the current client has sent mail to its own core.
    pub mailed_self: bool,
    /// The core is in the midst of its mail: some of it may have yet to be delivered.
    pub reading_mail: bool,
    /// Writes the ids that XADD answers.
    pub ids: IdWriter,
    /// The configuration in force, as this core last saw it.
    pub config: Arc<Config>,
    /// The last command's name as it was sent, and its row: most clients repeat themselves.
    pub last: Option<(SmallVec<[u8; 16]>, &'static Command)>,
}

/// How a command ended.
#[derive(Debug)]
pub enum Flow {
    /// The reply has been written.
    Done,
    /// The client waits; nothing has been written.
    Block(Box<Block>),
    /// The reply has begun and is long: the rest is written in slices, without any stripe.
    Long(Box<dyn LongReply>),
}

/// What a handler returns: how it ended, or an error reply. What it wrote before an error is taken back.
pub type Outcome = Result<Flow, Error>;

/// The outcome of a command whose reply has been written.
pub const DONE: Outcome = Ok(Flow::Done);

/// What a client waits for.
#[derive(Debug)]
pub struct Block {
    /// The keys, in the client's database.
    pub keys: Vec<Box<[u8]>>,
    /// What can serve it.
    pub awaits: Awaits,
    /// What it is told when time is up.
    pub on_timeout: OnTimeout,
    /// When it gives up, Unix milliseconds; `NEVER` for not at all.
    pub deadline_ms: i64,
    /// The command to run when a key is ready, where that is not the one received (`$` has become an id).
    pub request: Option<OwnedRequest>,
}

/// A reply that is written in slices, so that it stalls nobody else.
pub trait LongReply: Send {
    /// Writes some tens of kilobytes more; true when that was the last.
    fn write_some(&mut self, reply: &mut Reply) -> bool;
}

impl fmt::Debug for dyn LongReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LongReply")
    }
}
