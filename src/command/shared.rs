//! What all cores share.

use super::clients::Clients;
use super::mail::Mail;
use super::stats::{CoreStats, Rates};
use crate::base::clock::Clock;
use crate::base::inbox::Inbox;
use crate::config::ConfigCell;
use crate::data::Value;
use crate::keyspace::Keyspace;
use crate::pubsub::Registry;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;

/// Conditions that a core looks at before each command, all in one word.
pub mod gate {
    /// Clients are paused.
    pub const PAUSED: u32 = 1 << 0;
    /// Somebody monitors.
    pub const MONITORED: u32 = 1 << 1;
    /// The server is going down.
    pub const STOPPING: u32 = 1 << 2;
}

/// A pause that CLIENT PAUSE ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pause {
    /// When it ends, Unix milliseconds.
    pub until_ms: i64,
    /// Only commands that write are held up.
    pub writes_only: bool,
}

/// What was decided at start and never changes.
#[derive(Debug)]
pub struct Boot {
    /// Forty random hexadecimal digits that name this run.
    pub run_id: String,
    /// When the server started, Unix milliseconds.
    pub started_ms: i64,
    /// Number of cores.
    pub cores: usize,
    /// The TCP port served; 0 for none.
    pub port: u16,
    /// The program's file.
    pub executable: String,
}

/// See the module's description.
pub struct Shared {
    /// The clock.
    pub clock: Clock,
    /// The configuration.
    pub config: ConfigCell,
    /// All keys.
    pub keyspace: Keyspace,
    /// Who listens to what.
    pub channels: Registry,
    /// All clients.
    pub clients: Clients,
    /// Each core's inbox.
    pub inboxes: Box<[Inbox<Mail>]>,
    /// Each core's counters.
    pub stats: Box<[CoreStats]>,
    /// See `gate`.
    pub gates: AtomicU32,
    /// The pause in force, if `gate::PAUSED`.
    pub pause: Mutex<Pause>,
    /// Number of monitors on each core.
    pub monitors: Box<[AtomicUsize]>,
    /// Number of connections on each core.
    pub connections: Box<[AtomicUsize]>,
    /// Cores that have executed their last command.
    pub stopped_cores: AtomicUsize,
    /// Values to be freed away from the event loops.
    pub reaper: SyncSender<Value>,
    /// False while DEBUG SET-ACTIVE-EXPIRE 0: keys then expire only when somebody looks at them.
    pub active_expire: AtomicBool,
    /// When LASTSAVE says the data was saved: at start, until snapshots exist. Unix seconds.
    pub last_save_s: AtomicI64,
    /// Decided at start.
    pub boot: Boot,
    /// The commands that took long.
    pub slowlog: Mutex<super::slowlog::Slowlog>,
    /// Latency spikes.
    pub latency: Mutex<super::latency::Monitor>,
    /// How fast counters grow.
    pub rates: Rates,
}

impl Shared {
    /// What the cores of a server share that has `databases` databases.
    pub fn new(
        (databases, cores): (usize, usize),
        clock: Clock,
        config: ConfigCell,
        inboxes: Box<[Inbox<Mail>]>,
        reaper: SyncSender<Value>,
        boot: Boot,
    ) -> Self {
        let zeroes = || (0..cores).map(|_| AtomicUsize::new(0)).collect();
        Shared {
            clock,
            config,
            keyspace: Keyspace::new(databases, cores),
            channels: Registry::default(),
            clients: Clients::default(),
            inboxes,
            stats: (0..cores).map(|_| CoreStats::default()).collect(),
            gates: AtomicU32::new(0),
            pause: Mutex::default(),
            monitors: zeroes(),
            connections: zeroes(),
            stopped_cores: AtomicUsize::new(0),
            reaper,
            active_expire: AtomicBool::new(true),
            last_save_s: AtomicI64::new(boot.started_ms / 1000),
            boot,
            slowlog: Mutex::default(),
            latency: Mutex::default(),
            rates: Rates::default(),
        }
    }

    /// Number of cores.
    pub fn cores(&self) -> usize {
        self.inboxes.len()
    }

    /// Sends mail to a core; true when its inbox is crowded.
    pub fn send(&self, core: usize, mail: Mail) -> bool {
        let bytes = mail.bytes();
        self.inboxes[core].push(mail, bytes)
    }

    /// Opens or shuts a gate.
    pub fn set_gate(&self, gate: u32, shut: bool) {
        if shut {
            self.gates.fetch_or(gate, Ordering::SeqCst);
        } else {
            self.gates.fetch_and(!gate, Ordering::SeqCst);
        }
    }

    /// True when `gate` is shut.
    pub fn gate(&self, gate: u32) -> bool {
        self.gates.load(Ordering::Relaxed) & gate != 0
    }

    /// Asks every core to look again at what has changed.
    pub fn nudge_all(&self) {
        for inbox in &self.inboxes {
            inbox.push(Mail::Nudge, 0);
        }
    }

    /// Begins to shut the server down.
    pub fn stop(&self) {
        self.set_gate(gate::STOPPING, true);
        self.nudge_all();
    }
}
