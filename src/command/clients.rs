//! The clients of all cores, as CLIENT LIST, CLIENT KILL and INFO need them.
//!
//! A client belongs to one core, which alone changes it. What others may see of it lies in its `ClientRecord`: the parts that
//! commands set stand under a lock, the figures are plain atomics that the owner stores once a turn. To act on a client of
//! another core one sends mail to that core; `doomed` hides a killed client from lists before the mail arrives.

use super::acl::User;
use super::peer::Peer;
use crate::keyspace::Waiter;
use crate::pubsub::{Registry, Subscriptions};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// What a client said about itself.
#[derive(Clone, Debug, Default)]
pub struct Introduction {
    /// CLIENT SETNAME.
    pub name: String,
    /// CLIENT SETINFO LIB-NAME.
    pub lib_name: String,
    /// CLIENT SETINFO LIB-VER.
    pub lib_version: String,
}

/// Bits of `ClientRecord::flags`.
pub mod flag {
    /// Waits on keys, or for the end of a pause (`b`).
    pub const BLOCKED: u32 = 1 << 0;
    /// Puts a transaction together (`x`).
    pub const MULTI: u32 = 1 << 1;
    /// A watched key has changed (`d`).
    pub const DIRTY: u32 = 1 << 2;
    /// Closes after its reply (`c`).
    pub const CLOSING: u32 = 1 << 3;
    /// Listens (`P`).
    pub const PUBSUB: u32 = 1 << 4;
    /// Monitors (`O`).
    pub const MONITOR: u32 = 1 << 5;
    /// Came by the Unix socket (`U`).
    pub const UNIX: u32 = 1 << 6;
    /// Not to be evicted (`e`).
    pub const NO_EVICT: u32 = 1 << 7;
    /// Its reads are no use of keys (`T`).
    pub const NO_TOUCH: u32 = 1 << 8;
}

/// What other cores may know of a client; see the module's description.
#[derive(Debug)]
pub struct ClientRecord {
    /// Its id, never used twice.
    pub id: u64,
    /// The core it belongs to.
    pub core: usize,
    /// Its connection's token there.
    pub token: usize,
    /// Its address, or the Unix socket's path.
    pub addr: String,
    /// The address it connected to.
    pub laddr: String,
    /// Its file descriptor.
    pub fd: i32,
    /// The other end of its connection.
    pub peer: Peer,
    /// When it connected, steady milliseconds.
    pub connected_ms: i64,
    /// What it said about itself.
    pub introduction: Mutex<Introduction>,
    /// Whom it speaks for; nothing for the server itself.
    pub user: Mutex<Option<Arc<User>>>,
    /// What it waits for, while it is blocked: whoever claims that ends the wait.
    pub waiter: Mutex<Option<Arc<Waiter>>>,
    /// Selected database.
    pub db: AtomicUsize,
    /// Protocol version, 2 or 3.
    pub resp: AtomicUsize,
    /// When it last sent something, steady milliseconds.
    pub active_ms: AtomicI64,
    /// See `flag`.
    pub flags: AtomicU32,
    /// Channels, patterns and shard channels it listens to.
    pub subscriptions: [AtomicUsize; 3],
    /// Commands queued by MULTI, or -1.
    pub queued: AtomicI64,
    /// Bytes of queued commands.
    pub queued_bytes: AtomicUsize,
    /// Keys it watches.
    pub watched: AtomicUsize,
    /// Bytes of requests not yet executed.
    pub query_bytes: AtomicUsize,
    /// Bytes of replies not yet sent.
    pub output_bytes: AtomicUsize,
    /// Buffers of replies not yet sent.
    pub output_chunks: AtomicUsize,
    /// Id in the command table of its last command, plus one; 0 for none.
    pub last_command: AtomicUsize,
    /// Bytes received.
    pub bytes_in: AtomicU64,
    /// Bytes sent.
    pub bytes_out: AtomicU64,
    /// Commands executed.
    pub commands: AtomicU64,
    /// It has been killed and its core will notice.
    pub doomed: AtomicBool,
    /// What it listens to, for who kills it.
    pub listens_to: Mutex<Option<Arc<Subscriptions>>>,
}

impl ClientRecord {
    /// The record of a client that has just connected to `laddr` from `addr`.
    pub fn new(
        (id, fd, peer): (u64, i32, Peer),
        (core, token): (usize, usize),
        (addr, laddr): (String, String),
        now_ms: i64,
    ) -> Arc<Self> {
        Arc::new(ClientRecord {
            id,
            core,
            token,
            addr,
            laddr,
            fd,
            peer,
            connected_ms: now_ms,
            introduction: Mutex::default(),
            user: Mutex::default(),
            waiter: Mutex::default(),
            db: AtomicUsize::new(0),
            resp: AtomicUsize::new(2),
            active_ms: AtomicI64::new(now_ms),
            flags: AtomicU32::new(0),
            subscriptions: Default::default(),
            queued: AtomicI64::new(-1),
            queued_bytes: AtomicUsize::new(0),
            watched: AtomicUsize::new(0),
            query_bytes: AtomicUsize::new(0),
            output_bytes: AtomicUsize::new(0),
            output_chunks: AtomicUsize::new(0),
            last_command: AtomicUsize::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            doomed: AtomicBool::new(false),
            listens_to: Mutex::default(),
        })
    }

    /// What the client listens to from now on: nothing yet.
    pub fn begin_to_listen(&self) -> Arc<Subscriptions> {
        let mut listens_to = self.listens_to.lock();
        // Who dooms it looks here afterwards.
        let is_doomed = self.doomed.load(Ordering::Acquire);
        let subscriptions = Arc::new(Subscriptions::new(self.core, is_doomed));
        *listens_to = Some(subscriptions.clone());
        subscriptions
    }

    /// Hides it from lists and takes it out of those whom messages reach, before its core closes it.
    pub fn doom(&self, channels: &Registry) {
        self.doomed.store(true, Ordering::Release);
        if let Some(subscriptions) = &*self.listens_to.lock() {
            subscriptions.withdraw(channels);
        }
    }

    /// True for a client of that user.
    pub fn speaks_for(&self, user: &Arc<User>) -> bool {
        let own = self.user.lock();
        own.as_ref().is_some_and(|own| Arc::ptr_eq(own, user))
    }

    /// Bytes of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        let buffers = [&self.query_bytes, &self.output_bytes, &self.queued_bytes];
        let sum: usize = buffers
            .map(|bytes| bytes.load(Ordering::Relaxed))
            .iter()
            .sum();
        size_of::<Self>() + sum
    }

    /// True when `bit` of `flag` is set.
    pub fn has_flag(&self, bit: u32) -> bool {
        self.flags.load(Ordering::Relaxed) & bit != 0
    }
}

/// All connected clients by id.
#[derive(Default)]
pub struct Clients {
    by_id: RwLock<BTreeMap<u64, Arc<ClientRecord>>>,
    last_id: AtomicU64,
    count: AtomicUsize,
    /// Clients waiting on keys, or for the end of a pause.
    pub blocked: AtomicUsize,
}

impl Clients {
    /// An id for a new client.
    pub fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts one more connection unless there are `max` already.
    pub fn admit(&self, max: usize) -> bool {
        let admitted = self.count.fetch_add(1, Ordering::Relaxed) < max;
        if !admitted {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        admitted
    }

    /// Takes back `admit` for a connection that could not be served.
    pub fn unadmit(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    /// Makes an admitted client known.
    pub fn add(&self, record: &Arc<ClientRecord>) {
        self.by_id.write().insert(record.id, record.clone());
    }

    /// Forgets a client that has gone.
    pub fn remove(&self, id: u64) {
        if self.by_id.write().remove(&id).is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Number of clients.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// True without clients.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The client with `id`, unless it has been killed.
    pub fn find(&self, id: u64) -> Option<Arc<ClientRecord>> {
        self.by_id
            .read()
            .get(&id)
            .filter(|record| !record.doomed.load(Ordering::Relaxed))
            .cloned()
    }

    /// All clients by id, those killed left out.
    pub fn all(&self) -> Vec<Arc<ClientRecord>> {
        self.by_id
            .read()
            .values()
            .filter(|record| !record.doomed.load(Ordering::Relaxed))
            .cloned()
            .collect()
    }
}
