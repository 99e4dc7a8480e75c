//! What all cores share.

use super::acl::Users;
use super::clients::{ClientRecord, Clients};
use super::evict::Shortage;
use super::mail::Mail;
use super::reaper::Reaper;
use super::script::function::store::Functions;
use super::script::running::Running;
use super::script::scripts::Scripts;
use super::server::shutdown::Shutdown;
use super::stats::{CoreStats, Rates};
use crate::base::clock::{Clock, Now};
use crate::base::inbox::Inbox;
use crate::config::{AppendFsync, ConfigCell};
use crate::data::stream::IdmpLimits;
use crate::keyspace::{Keyspace, Rules};
use crate::pubsub::Registry;
use crate::storage::Storage;
use crate::storage::aof::{self, News};
use crate::tls::Acceptor;
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};

/// Conditions that a core looks at before each command, all in one word.
pub mod gate {
    /// Clients are paused.
    pub const PAUSED: u32 = 1 << 0;
    /// Somebody monitors.
    pub const MONITORED: u32 = 1 << 1;
    /// The server is going down.
    pub const STOPPING: u32 = 1 << 2;
    /// The data is being loaded: most commands have to wait, and no key expires.
    pub const LOADING: u32 = 1 << 3;
    /// The log cannot be written: no command that writes is taken.
    pub const LOG_FAILED: u32 = 1 << 4;
    /// The server saves before it goes down: commands that write wait.
    pub const SAVING_TO_STOP: u32 = 1 << 5;
    /// The last save failed.
    pub const UNSAVED: u32 = 1 << 6;
    /// A script has run for long: its core lets other clients do little.
    pub const BUSY: u32 = 1 << 7;
    /// Commands have been given other names: a request's has to be told from the command's.
    pub const RENAMED: u32 = 1 << 8;

    /// All of them.
    const ALL: [u32; 9] = [
        PAUSED,
        MONITORED,
        STOPPING,
        LOADING,
        LOG_FAILED,
        SAVING_TO_STOP,
        UNSAVED,
        BUSY,
        RENAMED,
    ];

    // One that had another's bit would be opened and shut with it.
    const _: () = {
        let (mut bits, mut at) = (0, 0);
        while at < ALL.len() {
            assert!(ALL[at].is_power_of_two() && bits & ALL[at] == 0);
            bits |= ALL[at];
            at += 1;
        }
    };
}

/// A pause that CLIENT PAUSE ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pause {
    /// When it ends, steady milliseconds.
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
    /// The TCP port for TLS; 0 for none.
    pub tls_port: u16,
    /// The program's file.
    pub executable: String,
    /// The service manager that watches this process, or `no`.
    pub supervised: &'static str,
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
    /// All users.
    pub users: Users,
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
    /// What persists.
    pub storage: Storage,
    /// Cores on which replies wait for the log to be durable, and who are to be told when more of it is.
    pub holding: Box<[AtomicBool]>,
    /// Number of connections on each core.
    pub connections: Box<[AtomicUsize]>,
    /// Cores that have executed their last command.
    pub stopped_cores: AtomicUsize,
    /// Frees large values away from the event loops.
    pub reaper: Reaper,
    /// When memory was short.
    pub shortage: Shortage,
    /// False while DEBUG SET-ACTIVE-EXPIRE 0: keys then expire only when somebody looks at them.
    pub active_expire: AtomicBool,
    /// How the server goes down, while it saves before that.
    pub shutdown: Mutex<Option<Shutdown>>,
    /// Decided at start.
    pub boot: Boot,
    /// What connections that speak TLS are accepted with, if there is a port for them.
    pub tls: ArcSwapOption<Acceptor>,
    /// The commands that took long.
    pub slowlog: Mutex<super::slowlog::Slowlog>,
    /// Latency spikes.
    pub latency: Mutex<super::latency::Monitor>,
    /// How fast counters grow.
    pub rates: Rates,
    /// The scripts that are known.
    pub scripts: Scripts,
    /// The functions that there are.
    pub functions: Functions,
    /// The script that runs.
    pub running: Running,
}

impl Shared {
    /// What the cores of a server share that has `databases` databases.
    pub fn new(
        (databases, cores): (usize, usize),
        clock: Clock,
        config: ConfigCell,
        inboxes: Box<[Inbox<Mail>]>,
        reaper: Reaper,
        boot: Boot,
    ) -> Self {
        let zeroes = || (0..cores).map(|_| AtomicUsize::new(0)).collect();
        let shared = Shared {
            clock,
            config,
            keyspace: Keyspace::new(databases, cores),
            channels: Registry::default(),
            clients: Clients::default(),
            users: Users::default(),
            inboxes,
            stats: (0..cores).map(|_| CoreStats::default()).collect(),
            gates: AtomicU32::new(0),
            pause: Mutex::default(),
            monitors: zeroes(),
            storage: Storage::new(boot.started_ms / 1000),
            holding: (0..cores).map(|_| AtomicBool::new(false)).collect(),
            connections: zeroes(),
            stopped_cores: AtomicUsize::new(0),
            reaper,
            shortage: Shortage::default(),
            active_expire: AtomicBool::new(true),
            shutdown: Mutex::default(),
            boot,
            tls: ArcSwapOption::empty(),
            slowlog: Mutex::default(),
            latency: Mutex::default(),
            rates: Rates::default(),
            scripts: Scripts::default(),
            functions: Functions::default(),
            running: Running::default(),
        };
        shared.configure_rules();
        shared.configure_memory();
        shared
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

    /// Closes a client, whatever it is doing; nothing that it sends from here on is executed.
    pub fn kill(&self, record: &ClientRecord) {
        record.doom(&self.channels);
        let mail = Mail::Kill {
            token: record.token,
            client_id: record.id,
        };
        self.send(record.core, mail);
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

    /// The pause that is in force.
    #[inline]
    pub fn pause_in_force(&self, now: Now) -> Option<Pause> {
        if !self.gate(gate::PAUSED) {
            return None;
        }
        let pause = self.pause.lock();
        if now.steady_ms < pause.until_ms {
            return Some(*pause);
        }
        // Under the lock, so that a pause which begins just now is not ended.
        self.set_gate(gate::PAUSED, false);
        None
    }

    /// Asks every core to look again at what has changed.
    pub fn nudge_all(&self) {
        for inbox in &self.inboxes {
            inbox.push(Mail::Nudge, 0);
        }
    }

    /// Changes that the data has ever seen.
    pub fn changes(&self) -> u64 {
        self.stats.iter().map(|core| core.dirty.read()).sum()
    }

    /// Lets the log obey the configuration; `appendonly` aside.
    pub fn configure_log(&self) {
        let config = self.config.load();
        let fsync = match config.appendfsync {
            AppendFsync::Everysec => aof::Fsync::EverySecond,
            AppendFsync::Always => aof::Fsync::Always,
            AppendFsync::No => aof::Fsync::Never,
        };
        self.storage.aof.set(aof::Settings {
            fsync,
            no_sync_while_saving: config.no_appendfsync_on_rewrite,
            timestamps: config.aof_timestamp_enabled,
        });
        let log = self.keyspace.log();
        log.set_holding(config.appendonly && fsync == aof::Fsync::Always);
        log.call();
    }

    /// Lets streams and groups be made as the configuration says.
    pub fn configure_rules(&self) {
        let config = self.config.load();
        self.keyspace.set_rules(Rules {
            streams: config.stream_policy.clone(),
            groups: config.stream_group_policy.clone(),
            idmp: IdmpLimits {
                duration_s: config.stream_idmp_duration_s,
                max_size: config.stream_idmp_maxsize,
            },
        });
    }

    /// Sets the memory to stay within.
    pub fn configure_memory(&self) {
        let limit_bytes = self.config.load().maxmemory_bytes;
        self.keyspace.set_limit_bytes(limit_bytes);
    }

    /// What the log's writer has to tell.
    pub fn hear_log(&self, news: News) {
        match news {
            News::Advanced => {
                // A core says that it holds replies before it looks how far the log is durable for the last time.
                fence(Ordering::SeqCst);
                for (holding, inbox) in self.holding.iter().zip(&self.inboxes) {
                    if holding.load(Ordering::Relaxed) && holding.swap(false, Ordering::Relaxed) {
                        inbox.push(Mail::Nudge, 0);
                    }
                }
            }
            News::Failed => {
                self.set_gate(gate::LOG_FAILED, true);
                self.nudge_all();
            }
            News::Healed => self.set_gate(gate::LOG_FAILED, false),
        }
    }

    /// Begins to shut the server down.
    pub fn stop(&self) {
        self.set_gate(gate::STOPPING, true);
        self.storage.loading.stop();
        self.nudge_all();
    }
}
