//! What a command runs with, and what it answers with.

use super::error::Error;
use super::evict::Pool;
use super::keys::Keys;
use super::registry::Command;
use super::session::Session;
use super::shared::Shared;
use super::stream::id_writer::IdWriter;
use crate::base::Rng;
use crate::base::clock::Now;
use crate::config::Config;
use crate::data::Value;
use crate::data::stream::NodeLimits;
use crate::keyspace::usage::Counting;
use crate::keyspace::waiters::{Awaits, OnTimeout};
use crate::keyspace::{NEVER, Waiter};
use crate::pubsub::{Gathered, Listeners};
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

impl Ctx<'_, '_> {
    /// When the command was run for the first time: what it may wait for is counted from then, however often it is run again.
    pub fn began(&self) -> Now {
        self.session.waited_since.unwrap_or(self.now)
    }

    /// True if a key that is to expire then is gone at once. To who replays the log, no time is past: the log removes keys by itself.
    pub fn is_past(&self, deadline_ms: i64) -> bool {
        deadline_ms <= self.now.unix_ms && !self.local.replaying
    }
}

/// What one core keeps for itself and commands may use.
#[derive(Debug)]
pub struct Local {
    /// The core's number.
    pub core: usize,
    /// Which of its connections listen to what.
    pub listeners: Listeners,
    /// What was published to them past the inbox.
    pub gathered: Gathered,
    /// Its connections that monitor.
    pub monitors: Vec<usize>,
    /// The current client has done enough for this turn (an inbox is crowded by what it sent, or much waits to be sent to it): its
    /// further requests come after others'.
    pub yielding: bool,
    /// A command of the current client has sent mail to its own core.
    pub mailed_self: bool,
    /// The core is in the midst of its mail: some of it may have yet to be delivered.
    pub reading_mail: bool,
    /// Writes the ids that XADD answers with.
    pub ids: IdWriter,
    /// The core attends to clients in the midst of a script, which holds most of what commands need.
    pub attending: bool,
    /// This is no core, but who replays the log.
    pub replaying: bool,
    /// What is replayed delivers entries again: see `Moment`.
    pub redelivering: bool,
    /// The configuration in force, as this core last saw it.
    pub config: Arc<Config>,
    /// What wall time was ahead of steady time when that was last looked at, milliseconds.
    pub ahead_ms: i64,
    /// The wall clock was put forward, and a stripe could not be looked at since.
    pub leap_is_unheard: bool,
    /// Numbers nobody has to foresee.
    pub rng: Rng,
    /// The keys that this core would evict next.
    pub pool: Pool,
    /// Values evicted, to be freed when no stripe is held.
    pub evicted: Vec<Value>,
    /// There is more to be evicted than time was for.
    pub evicting: bool,
    /// Waits that have ended and could not leave all queues yet.
    pub leaving: Vec<Arc<Waiter>>,
    /// To wait for what others free was in vain, and will not be tried again before then, steady milliseconds.
    pub awaits_freeing_from_ms: i64,
    /// The last command's name as it was sent, and its row: most clients repeat themselves.
    pub last: Option<(SmallVec<[u8; 16]>, &'static Command)>,
}

impl Local {
    /// True if the wall clock was put forward since this was last asked, or not all stripes have been looked at since it was.
    pub fn wall_has_leapt(&mut self, now: Now) -> bool {
        /// What two readings of two clocks, taken one after the other, may differ by.
        const TOLERANCE_MS: i64 = 10;
        let before_ms = std::mem::replace(&mut self.ahead_ms, now.ahead_ms());
        self.leap_is_unheard || self.ahead_ms > before_ms + TOLERANCE_MS
    }

    /// When a stream's nodes are full.
    #[inline]
    pub fn node_limits(&self) -> NodeLimits {
        NodeLimits {
            max_entries: self.config.stream_node_max_entries,
            max_bytes: self.config.stream_node_max_bytes,
        }
    }

    /// How the next command's uses of keys are counted, if they are.
    #[inline]
    pub fn counting(&mut self) -> Option<Counting> {
        let counts = self.config.maxmemory_policy.counts_uses();
        counts.then(|| Counting {
            log_factor: self.config.lfu_log_factor,
            decay_minutes: self.config.lfu_decay_time_minutes,
            random: self.rng.next_u64() as u32,
        })
    }

    /// The state of a core that has done nothing yet.
    pub fn new(core: usize, config: Arc<Config>) -> Self {
        Local {
            core,
            listeners: Listeners::default(),
            gathered: Gathered::default(),
            monitors: Vec::new(),
            yielding: false,
            mailed_self: false,
            reading_mail: false,
            ids: IdWriter::default(),
            attending: false,
            replaying: false,
            redelivering: false,
            config,
            ahead_ms: 0,
            leap_is_unheard: false,
            rng: Rng::unforeseen(),
            pool: Pool::default(),
            evicted: Vec::new(),
            leaving: Vec::new(),
            awaits_freeing_from_ms: i64::MIN,
            evicting: false,
            last: None,
        }
    }
}

/// How a command ended.
#[derive(Debug)]
pub enum Flow {
    /// The reply has been written.
    Done,
    /// The client waits; nothing has been written.
    Block(Box<Block>),
    /// A pause began while the command waited for its stripes; nothing was done, and it is to come again.
    Paused,
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
    /// When it gives up, steady milliseconds; `NEVER` for not at all.
    pub deadline_ms: i64,
    /// The command to run when a key is ready, where that is not the one received (`$` has become an id).
    pub request: Option<OwnedRequest>,
}

impl Block {
    /// A wait for no key and no time: whoever knows of its end tells the client.
    pub fn until_told() -> Self {
        Block {
            keys: Vec::new(),
            awaits: Awaits::Nothing,
            on_timeout: OnTimeout::Null,
            deadline_ms: NEVER,
            request: None,
        }
    }
}

/// A reply that is written in slices, so that it stalls nobody else.
pub trait LongReply: Send {
    /// Writes some tens of kilobytes more; true when that was the last.
    fn write_some(&mut self, reply: &mut Reply) -> bool;

    /// Bytes that are yet to be written at least, where that is known.
    fn least_bytes(&self) -> usize {
        0
    }
}

impl fmt::Debug for dyn LongReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LongReply")
    }
}
