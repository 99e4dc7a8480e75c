//! Configuration: text in, a typed [`Config`] or a clear error out.
//!
//! `table.rs` is the truth: one row per directive, with its name, its default, the shape of its value, where the
//! value is kept, whether it may change while the server runs, and what it means. Reading a file or the command line
//! (`load.rs`), `CONFIG GET` and `CONFIG SET` (`runtime.rs`), `CONFIG REWRITE` (`rewrite.rs`) and `conf/millstream.conf`
//! all follow from it. To add a directive: a field here, a row there, and the file regenerated (see `sample.rs`).
//!
//! Names and rules are Redis's wherever Redis has the directive, so that a configuration written for it starts
//! Millstream. A directive is one of three kinds:
//! - kept in a field of `Config`, and obeyed;
//! - *inert*: checked, kept and reported, but tuning something that works differently here or is not there at all;
//! - [`Shape::Only`]: accepted with the one value that promises nothing, where any other would ask for a feature that
//!   does not exist.
//!
//! A `Config` never changes once it is shared: `CONFIG SET` makes another and swaps it into the [`ConfigCell`].
//!
//! This room refuses to know sockets, clocks and commands. It reads and writes configuration files, nothing else.

mod beside;
mod directive;
mod handover;
mod load;
mod rewrite;
mod rules;
mod runtime;
mod sample;
mod table;
mod usage;
mod users;
mod value;
pub mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

pub use directive::{Change, Directive};
pub use load::{Invocation, Source, StartError, parse_arguments};
pub use rewrite::RewriteError;
pub use runtime::SetError;
pub use sample::sample;
pub use table::{directive, directives};
pub use usage::{usage, version_line};
pub use users::UsersFile;
pub use value::{ClientClass, Shape, Value};

use crate::keyspace::rules::{GroupRule, StreamRule};
use directive::choices;

macro_rules! config {
    ($($(#[$doc:meta])* pub $field:ident: $type:ty,)*) => {
        /// Every directive that the server obeys, parsed and checked.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $($(#[$doc])* pub $field: $type,)*
            /// The values of inert directives that were given one, by name.
            inert: BTreeMap<&'static str, Value>,
        }

        impl Config {
            /// A configuration that no row of the table has touched yet.
            fn blank() -> Self {
                Self { $($field: Default::default(),)* inert: BTreeMap::new() }
            }
        }
    };
}

config! {
    /// The configuration file, by its absolute path, if the server was started with one.
    pub file: Option<PathBuf>,
    /// Where the paths of included files begin, once the process has left for `dir`: where it was started.
    pub include_dir: PathBuf,
    /// Whether somebody gave `dir`: then other relative paths begin there.
    pub dir_is_given: bool,

    /// The users that lines tell of: name and rules of each, in words.
    pub users: Vec<Vec<Vec<u8>>>,
    /// The commands to be given other names: the old name and the new, which is empty for none.
    pub renames: Vec<(String, String)>,
    /// The file that users are kept in; empty is none.
    pub aclfile: String,
    /// How many refusals ACL LOG remembers.
    pub acllog_max_len: u64,
    /// Which channels new users may use.
    pub acl_pubsub_default: AclPubsubDefault,

    /// The TCP port; 0 is none.
    pub port: u16,
    /// The addresses to listen on; a leading `-` allows the address to be missing. Empty is none.
    pub bind: Vec<String>,
    /// The length of the kernel's queue of connections that wait to be accepted.
    pub tcp_backlog: u32,
    /// The path of the Unix socket; empty is none.
    pub unixsocket: String,
    /// The permissions of the Unix socket; 0 leaves what the umask gives.
    pub unixsocketperm: u32,
    /// Whether clients from other hosts are refused while no password is set.
    pub protected_mode: bool,
    /// The password of the default user; empty is none.
    pub requirepass: String,
    /// An idle client is closed after this long; 0 is never.
    pub timeout_s: u32,
    /// The interval of TCP keepalive probes; 0 is none.
    pub tcp_keepalive_s: u32,
    /// The TCP port for TLS; 0 is none.
    pub tls_port: u16,
    /// The file of the server's certificate; empty is none, as with the files that follow.
    pub tls_cert_file: String,
    /// The file of its key.
    pub tls_key_file: String,
    /// The password of the key; empty is none.
    pub tls_key_file_pass: String,
    /// The file of the authorities that clients' certificates are checked by.
    pub tls_ca_cert_file: String,
    /// A directory of such files.
    pub tls_ca_cert_dir: String,
    /// Whether clients show certificates.
    pub tls_auth_clients: TlsAuthClients,
    /// The versions of TLS to speak; empty is all.
    pub tls_protocols: String,
    /// The ciphers of TLS 1.2; empty is all.
    pub tls_ciphers: String,
    /// The ciphers of TLS 1.3; empty is all.
    pub tls_ciphersuites: String,
    /// Whether the order of these lists counts, rather than the client's.
    pub tls_prefer_server_ciphers: bool,
    /// Whether sessions can be resumed.
    pub tls_session_caching: bool,
    /// How many sessions are kept for that.
    pub tls_session_cache_size: u32,
    /// How long they can be resumed.
    pub tls_session_cache_timeout_s: u32,
    /// Handshakes of TLS that a core takes a step of in one turn.
    pub max_new_tls_connections_per_cycle: u32,
    /// How many clients may be connected at once.
    pub maxclients: u32,
    /// How much may wait to be sent to a client before it is closed.
    pub client_output_buffer_limit: BufferLimits,
    /// How much of a request may wait to be understood before its client is closed.
    pub client_query_buffer_limit_bytes: u64,
    /// The longest single argument of a request.
    pub proto_max_bulk_len_bytes: u64,

    /// How many cores serve; 0 is every core of the machine.
    pub threads: u32,
    /// Microseconds that a core looks for work before it sleeps; 0 is not at all.
    pub busy_poll_us: u32,
    /// The memory to stay within; 0 is no limit.
    pub maxmemory_bytes: u64,
    /// What goes when memory is full.
    pub maxmemory_policy: EvictionPolicy,
    /// How many keys are looked at to find one that goes.
    pub maxmemory_samples: u32,
    /// How long a command may have to wait for room, on a scale of 0 to 100.
    pub maxmemory_eviction_tenacity: u32,
    /// The memory that all clients' buffers may take; below zero, in per cent of `maxmemory`; 0 is no limit.
    pub maxmemory_clients: i64,
    /// How much slower each further step of a key's frequency is.
    pub lfu_log_factor: u32,
    /// Minutes without use that take a step back; 0 for never.
    pub lfu_decay_time_minutes: u32,

    /// How many databases SELECT reaches.
    pub databases: u32,
    /// The directory that the data is kept in.
    pub dir: String,
    /// The file to keep the process id in; empty is none.
    pub pidfile: String,
    /// The file to log to; empty is standard output.
    pub logfile: String,
    /// What is worth logging.
    pub loglevel: LogLevel,
    /// Whether the server goes to the background.
    pub daemonize: bool,
    /// Which service manager is told of the server's state.
    pub supervised: Supervision,
    /// Who may use DEBUG.
    pub enable_debug_command: DebugAccess,

    /// Whether effects are logged to disk.
    pub appendonly: bool,
    /// When the log is synced.
    pub appendfsync: AppendFsync,
    /// Whether that is left to the kernel while a snapshot or a rewritten log is being written.
    pub no_appendfsync_on_rewrite: bool,
    /// The log's directory within `dir`.
    pub appenddirname: String,
    /// What the names of the log's files begin with.
    pub appendfilename: String,
    /// The log is rewritten when it has grown by so many percent; 0 is never.
    pub auto_aof_rewrite_percentage: u32,
    /// The size from which it is rewritten.
    pub auto_aof_rewrite_min_size_bytes: u64,
    /// Whether a rewritten log begins with a snapshot rather than with commands.
    pub aof_use_rdb_preamble: bool,
    /// Whether a rewritten log is synced piece by piece.
    pub aof_rewrite_incremental_fsync: bool,
    /// Whether values of unknown types are left out when data is loaded, rather than ending the start.
    pub skip_unknown_types: bool,
    /// Whether a log that ends in the midst of a command is cut there and loaded.
    pub aof_load_truncated: bool,
    /// Whether the log says the time.
    pub aof_timestamp_enabled: bool,

    /// Which keyspace events are published: classes of [`notify`](crate::keyspace::notify).
    pub notify_keyspace_events: u32,

    /// Commands that took longer are put in the slow log; negative is none.
    pub slowlog_log_slower_than_us: i64,
    /// Milliseconds that a script runs before others are told that the server is busy; 0 is for ever.
    pub busy_reply_threshold_ms: i64,
    /// How many commands the slow log holds.
    pub slowlog_max_len: u64,
    /// Events that took this long or longer are sampled for LATENCY; 0 is none.
    pub latency_monitor_threshold_ms: u64,
    /// Whether each command's latencies are counted in a histogram.
    pub latency_tracking: bool,
    /// The percentiles of these histograms that INFO tells.
    pub latency_tracking_info_percentiles: Vec<f64>,

    /// A stream's block is sealed at this size; 0 is no limit.
    pub stream_node_max_bytes: u64,
    /// A stream's block is sealed at this many entries; 0 is no limit.
    pub stream_node_max_entries: u64,
    /// How long a stream remembers a message of a producer, unless XCFGSET says otherwise.
    pub stream_idmp_duration_s: u64,
    /// How many messages of a producer it remembers, unless XCFGSET says otherwise.
    pub stream_idmp_maxsize: u64,
    /// A list's chunk holds this many elements, or if negative 4, 8, 16, 32 or 64 KiB (-1 to -5).
    pub list_max_listpack_size: i32,
    /// A set of integers is kept as an array of them up to this many.
    pub set_max_intset_entries: u64,
    /// A set is kept packed up to this many members.
    pub set_max_listpack_entries: u64,
    /// A set is kept packed while no member has more bytes than this.
    pub set_max_listpack_value: u64,
    /// A hash of more fields than this is a table.
    pub hash_max_listpack_entries: u64,
    /// A hash with a longer text than this is a table.
    pub hash_max_listpack_value: u64,
    /// A sorted set is kept packed up to this many members.
    pub zset_max_listpack_entries: u64,
    /// A sorted set is kept packed while no member has more bytes than this.
    pub zset_max_listpack_value: u64,
    /// What streams are made with.
    pub stream_policy: Vec<StreamRule>,
    /// What groups are made with.
    pub stream_group_policy: Vec<GroupRule>,
    /// Whether XREADGROUP makes a group that is missing, and where it begins.
    pub stream_autogroup: Autogroup,
    /// When a snapshot is due; empty is never.
    pub save: Vec<SavePoint>,
    /// A directive has said when: what further ones say is added.
    pub save_is_given: bool,
    /// The name of the snapshot file.
    pub dbfilename: String,
    /// Whether strings in snapshots are compressed.
    pub rdbcompression: bool,
    /// Whether snapshots close with a checksum.
    pub rdbchecksum: bool,
    /// Whether a snapshot is flushed to disk piece by piece while it is written.
    pub rdb_save_incremental_fsync: bool,
    /// Whether writes are refused while `save` asks for snapshots and the last one failed.
    pub stop_writes_on_bgsave_error: bool,

    /// How often a second Redis looks after background work; told, but not obeyed: here it follows deadlines.
    pub hz: u32,
}

choices! {
    /// What is worth logging: each level includes those after it.
    pub enum LogLevel {
        /// Everything, for development.
        Debug = "debug",
        /// Much that is rarely useful.
        Verbose = "verbose",
        /// What an operator wants to know.
        Notice = "notice",
        /// What needs attention.
        Warning = "warning",
        /// Nothing at all.
        Nothing = "nothing",
    }
}

choices! {
    /// When the log is synced.
    pub enum AppendFsync {
        /// Once a second.
        Everysec = "everysec",
        /// Before each reply that tells of a write.
        Always = "always",
        /// When the kernel sees fit.
        No = "no",
    }
}

choices! {
    /// Which service manager is told of the server's state.
    pub enum Supervision {
        /// None.
        No = "no",
        /// The one that shows in the environment, if one does.
        Auto = "auto",
        /// systemd.
        Systemd = "systemd",
        /// upstart.
        Upstart = "upstart",
    }
}

choices! {
    /// Who may use DEBUG.
    pub enum DebugAccess {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Clients on this host.
        Local = "local",
    }
}

choices! {
    /// Whether clients that speak TLS show certificates.
    pub enum TlsAuthClients {
        /// They are not asked.
        No = "no",
        /// They have to.
        Yes = "yes",
        /// They may.
        Optional = "optional",
    }
}

choices! {
    /// Whether XREADGROUP makes a group that is missing, and where it begins.
    pub enum Autogroup {
        /// It does not.
        No = "no",
        /// Before the first entry.
        Start = "0",
        /// Behind the last entry.
        End = "$",
    }
}

choices! {
    /// Which channels new users may use.
    pub enum AclPubsubDefault {
        /// All.
        AllChannels = "allchannels",
        /// None.
        ResetChannels = "resetchannels",
    }
}

choices! {
    /// What goes when memory is full.
    pub enum EvictionPolicy {
        /// Of the keys that expire, those not used for longest.
        VolatileLru = "volatile-lru",
        /// Of the keys that expire, those used least.
        VolatileLfu = "volatile-lfu",
        /// Of the keys that expire, any.
        VolatileRandom = "volatile-random",
        /// Of the keys that expire, those that expire first.
        VolatileTtl = "volatile-ttl",
        /// The keys not used for longest.
        AllkeysLru = "allkeys-lru",
        /// The keys used least.
        AllkeysLfu = "allkeys-lfu",
        /// Any key.
        AllkeysRandom = "allkeys-random",
        /// Nothing: whatever would store more is refused.
        NoEviction = "noeviction",
    }
}

impl EvictionPolicy {
    /// Whether how often keys are used decides.
    #[inline]
    pub fn counts_uses(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllkeysLfu)
    }

    /// Whether how long keys were not used decides.
    pub fn goes_by_idleness(self) -> bool {
        matches!(self, Self::VolatileLru | Self::AllkeysLru)
    }

    /// Whether keys without an expiry stay.
    pub fn spares_lasting(self) -> bool {
        matches!(
            self,
            Self::VolatileLru | Self::VolatileLfu | Self::VolatileRandom | Self::VolatileTtl
        )
    }
}

/// How much may wait to be sent to a client, by its class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferLimits {
    /// Of clients that send commands and read replies.
    pub normal: BufferLimit,
    /// Of replicas.
    pub replica: BufferLimit,
    /// Of subscribers.
    pub pubsub: BufferLimit,
}

/// A snapshot is due when `seconds` have passed since the last one, and the data was changed `changes` times at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last snapshot, at least 1.
    pub seconds: i64,
    /// Changes since then, at least 0.
    pub changes: i64,
}

/// A client is closed when more than `hard_bytes` wait for it, or more than `soft_bytes` for `soft_s` together.
/// Zero is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferLimit {
    /// Closed at once beyond this.
    pub hard_bytes: u64,
    /// Closed after `soft_s` beyond this.
    pub soft_bytes: u64,
    /// How long beyond `soft_bytes` is too long.
    pub soft_s: u32,
}

impl Default for Config {
    /// What the server does when nothing is configured.
    fn default() -> Self {
        let mut config = Self::blank();
        for directive in directives() {
            directive
                .assign_text(&mut config, directive.default)
                .expect("every default in the table is valid");
        }
        config.dir_is_given = false;
        config
    }
}

/// The configuration that all cores share, and a version that tells them when to look again.
pub struct ConfigCell {
    config: ArcSwap<Config>,
    version: AtomicU64,
    updates: Mutex<()>,
}

impl ConfigCell {
    /// Shares a first configuration, version 0.
    pub fn new(config: Config) -> Self {
        Self {
            config: ArcSwap::from_pointee(config),
            version: AtomicU64::new(0),
            updates: Mutex::new(()),
        }
    }

    /// The configuration in force.
    pub fn load(&self) -> Arc<Config> {
        self.config.load_full()
    }

    /// Grows whenever the configuration changes, after it did: a core that sees the version also sees the change.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Puts another configuration in force, made from the one that is, unless making it fails.
    pub fn update<E>(&self, change: impl FnOnce(&Config) -> Result<Config, E>) -> Result<(), E> {
        let _only_one_at_a_time = self.updates.lock();
        self.config.store(Arc::new(change(&self.config.load())?));
        self.version.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults() {
        let config = Config::default();
        assert_eq!(config.port, 6379);
        assert_eq!(config.bind, ["127.0.0.1", "-::1"]);
        assert_eq!(config.dir, "./data");
        assert_eq!(
            config.client_output_buffer_limit.pubsub.hard_bytes,
            32 << 20
        );
        assert_eq!(
            config
                .client_output_buffer_limit
                .of(ClientClass::Replica)
                .soft_s,
            60
        );
        assert_eq!(config.latency_tracking_info_percentiles, [50.0, 99.0, 99.9]);
        assert_eq!(config.loglevel, LogLevel::Notice);
        assert_eq!(config.notify_keyspace_events, 0);
    }

    #[test]
    fn a_new_version_shows_the_new_configuration() {
        let cell = ConfigCell::new(Config::default());
        let seen = cell.version();
        let update = |config: &Config| {
            Ok::<_, SetError>(Config {
                hz: 20,
                ..config.clone()
            })
        };
        cell.update(update).unwrap();
        assert_ne!(cell.version(), seen);
        assert_eq!(cell.load().hz, 20);
    }
}
