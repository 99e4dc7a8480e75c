//! Every directive, one row each, in the order of `conf/millstream.conf`.
//!
//! A row reads: name, default, what is accepted, where it is kept, what it means. `.at_start()` and `.protected()`
//! say that CONFIG SET refuses it, `.alias()` gives the older name that Redis knows as well.

use super::directive::{Directive, Place, Setting, field, row};
use super::value::Shape::{
    self, BufferLimits, BytesOrPercent, Choice, FileName, GroupRules, NotifyClasses, Only,
    Percentiles, Permissions, SavePoints, StreamRules, Text, Words, YesNo,
};
use super::value::Value;
use super::{
    AclPubsubDefault, AppendFsync, Autogroup, DebugAccess, EvictionPolicy, LogLevel, Supervision,
    TlsAuthClients,
};

/// Directives that belong together.
pub struct Section {
    /// Its heading in `conf/millstream.conf`.
    pub title: &'static str,
    /// Its rows.
    pub rows: &'static [Directive],
}

/// Every directive of every section.
pub fn directives() -> impl Iterator<Item = &'static Directive> {
    SECTIONS.iter().flat_map(|section| section.rows)
}

/// The directive of that name or older name, in any case.
pub fn directive(name: &str) -> Option<&'static Directive> {
    directives().find(|directive| directive.is_named(name))
}

const fn number(min: i64, max: i64) -> Shape {
    Shape::Number { min, max }
}

const fn bytes(min: i64) -> Shape {
    Shape::Bytes { min, max: i64::MAX }
}

/// A count or a time that fits an `int`.
const COUNT: Shape = number(0, i32::MAX as i64);
/// A count that may grow without bound.
const LONG_COUNT: Shape = number(0, i64::MAX);
/// A port; 0 is none.
const PORT: Shape = number(0, u16::MAX as i64);
/// A share that must leave something.
const PER_CENT: Shape = number(1, 99);
/// Per cent of waste, which may be more than what is used.
const WASTE: Shape = number(0, 1000);
/// Buffers below this would refuse ordinary requests.
const LEAST_BUFFER_BYTES: i64 = 1 << 20;
/// The least and the greatest `hz` that is obeyed; others are taken as the nearer of them.
const HZ_RANGE: (i64, i64) = (1, 500);
/// More cores than any machine has.
const MAX_THREADS: i64 = 1024;
/// No sleep takes so long that looking for longer would pay.
const MAX_BUSY_POLL_US: i64 = 1000;

const HZ: Place = Place::Field {
    get: |config| config.hz.value(),
    set: |config, value| {
        let Value::Integer(hz) = value else {
            unreachable!("the shape fits the field")
        };
        config
            .hz
            .assign(Value::Integer(hz.clamp(HZ_RANGE.0, HZ_RANGE.1)));
    },
};

const NO_CLUSTER: &str = "this version does not form clusters: 'cluster-enabled' can only be 'no'";
const NO_REPLICATION: &str = "this version does not replicate: 'replicaof' can only be empty";
const NO_MIN_REPLICAS: &str =
    "this version does not replicate: 'min-replicas-to-write' can only be 0";
const NO_PROTECTED_CHANGES: &str =
    "protected directives change only at the start: 'enable-protected-configs' can only be 'no'";
const NO_SIGTERM: &str =
    "SIGTERM always stops the server in order: 'shutdown-on-sigterm' can only be 'default'";
const NO_SIGINT: &str =
    "SIGINT always stops the server in order: 'shutdown-on-sigint' can only be 'default'";
const NO_MARK: &str = "sockets are not marked: 'socket-mark-id' can only be 0";
const NO_SYSLOG: &str =
    "logs go to standard output or 'logfile': 'syslog-enabled' can only be 'no'";
const NO_OOM_SCORE: &str =
    "the kernel's score of this process is not touched: 'oom-score-adj' can only be 'no'";

const DIR: Place = Place::Field {
    get: |config| config.dir.value(),
    set: |config, value| {
        config.dir.assign(value);
        config.dir_is_given = true;
    },
};

/// The whole table.
#[rustfmt::skip]
pub static SECTIONS: &[Section] = &[
    Section { title: "Network", rows: &[
        row("port", "6379", PORT, field!(port),
            "The TCP port to listen on; 0 listens on none.").at_start(),
        row("bind", "127.0.0.1 -::1", Words, field!(bind),
            "The addresses to listen on; one with a leading '-' may be missing on this machine.").at_start(),
        row("tcp-backlog", "511", COUNT, field!(tcp_backlog),
            "How many connections may wait to be accepted.").at_start(),
        row("unixsocket", "", Text, field!(unixsocket),
            "The path of a Unix socket to listen on; empty is none.").at_start(),
        row("unixsocketperm", "0", Permissions, field!(unixsocketperm),
            "The permissions of the Unix socket; 0 leaves what the umask gives.").at_start(),
        row("protected-mode", "yes", YesNo, field!(protected_mode),
            "Refuse clients from other hosts while no password is set."),
        row("requirepass", "", Text, field!(requirepass),
            "The password that clients must give with AUTH; empty is none."),
        row("aclfile", "", Text, field!(aclfile),
            "The file that users are kept in, for ACL LOAD and ACL SAVE; empty is none. Users are told of there or by lines `user <name> <rule> ...` here, not both.").at_start(),
        row("acllog-max-len", "128", LONG_COUNT, field!(acllog_max_len),
            "How many refusals ACL LOG remembers."),
        row("acl-pubsub-default", "resetchannels", Choice(AclPubsubDefault::NAMES), field!(acl_pubsub_default),
            "Which channels new users may use: all or none."),
        row("timeout", "0", COUNT, field!(timeout_s),
            "Seconds after which an idle client is closed; 0 is never."),
        row("tcp-keepalive", "300", COUNT, field!(tcp_keepalive_s),
            "Seconds between TCP keepalive probes; 0 sends none."),
    ]},
    Section { title: "TLS: a port of its own, with TLS 1.2 and 1.3; CONFIG SET of any of these reads all files again, for connections to come", rows: &[
        row("tls-port", "0", PORT, field!(tls_port),
            "The TCP port to speak TLS on; 0 is none.").at_start(),
        row("tls-cert-file", "", Text, field!(tls_cert_file),
            "The server's certificate (PEM), followed by those that lead to its authority, if any."),
        row("tls-key-file", "", Text, field!(tls_key_file),
            "The key of the certificate (PEM: PKCS#8, PKCS#1 or SEC1)."),
        row("tls-key-file-pass", "", Text, field!(tls_key_file_pass),
            "The password of the key, if it is encrypted (PKCS#8)."),
        row("tls-ca-cert-file", "", Text, field!(tls_ca_cert_file),
            "The authorities that clients' certificates are checked by (PEM)."),
        row("tls-ca-cert-dir", "", Text, field!(tls_ca_cert_dir),
            "A directory of such files, all of which count."),
        row("tls-auth-clients", "yes", Choice(TlsAuthClients::NAMES), field!(tls_auth_clients),
            "Whether clients have to show a certificate, need not, or may; one that is shown has to be right."),
        row("tls-protocols", "", Text, field!(tls_protocols),
            "The versions to speak, of \"TLSv1.2 TLSv1.3\"; empty is both."),
        row("tls-ciphers", "", Text, field!(tls_ciphers),
            "The ciphers of TLS 1.2, as OpenSSL writes such lists; empty is all that are there, which are safe ones."),
        row("tls-ciphersuites", "", Text, field!(tls_ciphersuites),
            "The ciphers of TLS 1.3, names with colons between them; empty is all."),
        row("tls-prefer-server-ciphers", "no", YesNo, field!(tls_prefer_server_ciphers),
            "Choose the cipher by the order of these lists rather than the client's."),
        row("tls-session-caching", "yes", YesNo, field!(tls_session_caching),
            "Let clients resume sessions, which makes for shorter handshakes."),
        row("tls-session-cache-size", "20480", COUNT, field!(tls_session_cache_size),
            "Sessions that are kept for that; 0 is 20480."),
        row("tls-session-cache-timeout", "300", COUNT, field!(tls_session_cache_timeout_s),
            "Seconds for which a session can be resumed."),
        row("max-new-tls-connections-per-cycle", "1", number(1, 1000), field!(max_new_tls_connections_per_cycle),
            "Handshakes that a core takes a step of in one turn, so that a flood of them stalls nobody."),
    ]},
    Section { title: "Limits", rows: &[
        row("maxclients", "10000", number(1, u32::MAX as i64), field!(maxclients),
            "How many clients may be connected at once."),
        row("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
            BufferLimits, field!(client_output_buffer_limit),
            "A client is closed when more than <hard> bytes wait for it, or more than <soft> for <seconds>; 0 is no limit."),
        row("client-query-buffer-limit", "1073741824", bytes(LEAST_BUFFER_BYTES), field!(client_query_buffer_limit_bytes),
            "How many bytes of unfinished requests a client may leave waiting."),
        row("proto-max-bulk-len", "536870912", bytes(LEAST_BUFFER_BYTES), field!(proto_max_bulk_len_bytes),
            "The longest single argument of a request."),
    ]},
    Section { title: "Memory", rows: &[
        row("maxmemory", "0", bytes(0), field!(maxmemory_bytes),
            "The memory to stay within, buffers of the log aside; 0 is no limit."),
        row("maxmemory-policy", "noeviction", Choice(EvictionPolicy::NAMES), field!(maxmemory_policy),
            "What goes when memory is full: of all keys, or only of those that expire (volatile), the least recently used, the least often used, any, or the first to expire; or nothing, and whatever would store more is refused."),
        row("maxmemory-samples", "5", number(1, 64), field!(maxmemory_samples),
            "How many keys are looked at to find one that goes."),
        row("maxmemory-eviction-tenacity", "10", number(0, 100), field!(maxmemory_eviction_tenacity),
            "How long commands may be held up by eviction at once: 10 is half a millisecond, 100 as long as it takes."),
        row("maxmemory-clients", "0", BytesOrPercent, field!(maxmemory_clients),
            "The memory that the buffers of all clients may take, or a share of 'maxmemory' such as 5%: beyond it the largest clients are closed; 0 is no limit."),
        row("lfu-log-factor", "10", COUNT, field!(lfu_log_factor),
            "How much slower each further step is at which a key counts as used more often."),
        row("lfu-decay-time", "1", COUNT, field!(lfu_decay_time_minutes),
            "Minutes without use that take such a step back; 0 is never."),
    ]},
    Section { title: "General", rows: &[
        row("threads", "0", number(0, MAX_THREADS), field!(threads),
            "How many cores serve, a thread on each; 0 is all of the machine.").at_start(),
        row("busy-poll-us", "50", number(0, MAX_BUSY_POLL_US), field!(busy_poll_us),
            "Microseconds that a core looks for work before it sleeps, while most work has come within that time of late; 0 has it sleep at once."),
        row("databases", "16", number(1, i32::MAX as i64), field!(databases),
            "How many databases there are, numbered from 0.").at_start(),
        row("dir", "./data", Text, DIR,
            "The directory that data is kept in; made if it is missing. Where it is given, other relative paths begin there.").protected(),
        row("pidfile", "", Text, field!(pidfile),
            "The file that holds the process id while the server runs; empty is none, or /var/run/millstream.pid in the background.").at_start(),
        row("logfile", "", Text, field!(logfile),
            "The file to log to; empty is standard output, or nowhere in the background.").at_start(),
        row("loglevel", "notice", Choice(LogLevel::NAMES), field!(loglevel),
            "What is worth logging."),
        row("daemonize", "no", YesNo, field!(daemonize),
            "Go to the background once the server is ready; a server that is supervised stays.").at_start(),
        row("supervised", "no", Choice(Supervision::NAMES), field!(supervised),
            "Tell systemd or upstart of the server's state; auto tells the one that shows in the environment.").at_start(),
        row("enable-debug-command", "no", Choice(DebugAccess::NAMES), field!(enable_debug_command),
            "Who may use DEBUG: nobody, everybody, or clients on this host.").at_start(),
    ]},
    Section { title: "The log of all writes", rows: &[
        row("appendonly", "yes", YesNo, field!(appendonly),
            "Keep a log of all writes on disk, and start from it."),
        row("appendfsync", "everysec", Choice(AppendFsync::NAMES), field!(appendfsync),
            "When the log is synced: once a second, before any reply that tells of what was written, or when the kernel sees fit."),
        row("no-appendfsync-on-rewrite", "no", YesNo, field!(no_appendfsync_on_rewrite),
            "Leave syncing the log to the kernel while a snapshot or a rewritten log is being written."),
        row("appenddirname", "appendonlydir", FileName("appenddirname", "dirname"), field!(appenddirname),
            "The directory of the log's files, within 'dir'.").at_start(),
        row("appendfilename", "appendonly.aof", FileName("appendfilename", "filename"), field!(appendfilename),
            "What the names of the log's files begin with.").at_start(),
        row("auto-aof-rewrite-percentage", "100", COUNT, field!(auto_aof_rewrite_percentage),
            "The log is rewritten when it has grown by so many percent since it last was; 0 is never."),
        row("auto-aof-rewrite-min-size", "67108864", bytes(0), field!(auto_aof_rewrite_min_size_bytes),
            "The size from which the log is rewritten."),
        row("aof-use-rdb-preamble", "yes", YesNo, field!(aof_use_rdb_preamble),
            "Begin a rewritten log with a snapshot rather than with commands."),
        row("aof-rewrite-incremental-fsync", "yes", YesNo, field!(aof_rewrite_incremental_fsync),
            "Sync a rewritten log piece by piece while it is written."),
        row("aof-load-truncated", "yes", YesNo, field!(aof_load_truncated),
            "Start from a log that ends in the midst of a command, which is cut off."),
        row("skip-unknown-types", "no", YesNo, field!(skip_unknown_types),
            "Leave out keys of types that are not known here when data is loaded, and name them in the log; the files are kept as they were, in before-skip-1.").at_start(),
        row("aof-timestamp-enabled", "no", YesNo, field!(aof_timestamp_enabled),
            "Note the time in the log, for tools that cut it at a moment."),
    ]},
    Section { title: "Keyspace events", rows: &[
        row("notify-keyspace-events", "", NotifyClasses, field!(notify_keyspace_events),
            "Which keyspace events are published: K and E choose the channels, the other letters the classes of events."),
    ]},
    Section { title: "Watching the server", rows: &[
        row("slowlog-log-slower-than", "10000", number(-1, i64::MAX), field!(slowlog_log_slower_than_us),
            "Microseconds from which a command is slow enough for SLOWLOG; 0 takes every command, -1 none."),
        row("slowlog-max-len", "128", LONG_COUNT, field!(slowlog_max_len),
            "How many slow commands are remembered."),
        row("busy-reply-threshold", "5000", LONG_COUNT, field!(busy_reply_threshold_ms),
            "Milliseconds that a script runs before clients that would wait for it hear BUSY, and it can be killed; 0 lets them wait.")
            .alias("lua-time-limit"),
        row("latency-monitor-threshold", "0", LONG_COUNT, field!(latency_monitor_threshold_ms),
            "Milliseconds from which an event is slow enough for LATENCY; 0 takes none."),
        row("latency-tracking", "yes", YesNo, field!(latency_tracking),
            "Keep a histogram of each command's latency, for INFO latencystats and LATENCY HISTOGRAM."),
        row("latency-tracking-info-percentiles", "50 99 99.9", Percentiles, field!(latency_tracking_info_percentiles),
            "The percentiles that INFO latencystats tells."),
    ]},
    Section { title: "Data structures", rows: &[
        row("stream-node-max-bytes", "4096", bytes(0), field!(stream_node_max_bytes),
            "A block of a stream is sealed at this size; 0 is no limit."),
        row("stream-node-max-entries", "100", LONG_COUNT, field!(stream_node_max_entries),
            "A block of a stream is sealed at this many entries; 0 is no limit."),
        row("stream-idmp-duration", "100", number(1, 86_400), field!(stream_idmp_duration_s),
            "Seconds for which a new stream remembers a producer's message, to know it when it comes again."),
        row("stream-idmp-maxsize", "100", number(1, 10_000), field!(stream_idmp_maxsize),
            "Messages of each producer that a new stream remembers."),
        row("list-max-listpack-size", "-2", number(i32::MIN as i64, i32::MAX as i64), field!(list_max_listpack_size),
            "Elements in a chunk of a list, or -1 to -5 for chunks of 4, 8, 16, 32 or 64 KiB.").alias("list-max-ziplist-size"),
        row("set-max-intset-entries", "512", Shape::Size, field!(set_max_intset_entries),
            "A set of integers is kept as an array of them up to this many."),
        row("set-max-listpack-entries", "128", Shape::Size, field!(set_max_listpack_entries),
            "A set is kept packed, in the order in which its members came, up to this many."),
        row("set-max-listpack-value", "64", Shape::Size, field!(set_max_listpack_value),
            "A set is kept packed while no member has more bytes than this."),
        row("hash-max-listpack-entries", "512", Shape::Size, field!(hash_max_listpack_entries),
            "A hash of more fields than this is kept as a table.").alias("hash-max-ziplist-entries"),
        row("hash-max-listpack-value", "64", bytes(0), field!(hash_max_listpack_value),
            "A hash with a longer field or value than this is kept as a table.").alias("hash-max-ziplist-value"),
        row("zset-max-listpack-entries", "128", Shape::Size, field!(zset_max_listpack_entries),
            "A sorted set is kept packed up to this many members.").alias("zset-max-ziplist-entries"),
        row("zset-max-listpack-value", "64", bytes(0), field!(zset_max_listpack_value),
            "A sorted set is kept packed while no member has more bytes than this.").alias("zset-max-ziplist-value"),
    ]},
    Section { title: "Queues: what streams and groups do by themselves, from the moment at which they are made", rows: &[
        row("stream-policy", "", StreamRules, field!(stream_policy),
            "Streams whose keys match are made with these options. Lines add up: where several match, a later one overrules earlier ones option by option, and an empty one takes all before it back."),
        row("stream-group-policy", "", GroupRules, field!(stream_group_policy),
            "Likewise for the groups of streams whose keys match. A DEADLETTER is left out for groups of that stream itself."),
        row("stream-autogroup", "no", Choice(Autogroup::NAMES), field!(stream_autogroup),
            "Whether XREADGROUP makes a group that is missing, with its stream: 0 has it begin with the first entry, $ behind the last."),
    ]},
    Section { title: "Snapshots", rows: &[
        row("save", "3600 1 300 100 60 10000", SavePoints, field!(save),
            "Write a snapshot when <seconds> have passed since the last one and the data was changed <changes> times; empty is never."),
        row("dbfilename", "dump.rdb", FileName("dbfilename", "filename"), field!(dbfilename),
            "The name of the snapshot file, in 'dir'.").protected(),
        row("rdbcompression", "yes", YesNo, field!(rdbcompression),
            "Compress strings in snapshots."),
        row("rdbchecksum", "yes", YesNo, field!(rdbchecksum),
            "Close snapshots with a checksum.").at_start(),
        row("rdb-save-incremental-fsync", "yes", YesNo, field!(rdb_save_incremental_fsync),
            "Flush a snapshot to disk piece by piece while it is written."),
        row("stop-writes-on-bgsave-error", "yes", YesNo, field!(stop_writes_on_bgsave_error),
            "Refuse writes while 'save' asks for snapshots and the last one failed."),
    ]},
    Section { title: "Features to come: only the value that does without them is accepted", rows: &[
        row("replicaof", "", Only("", NO_REPLICATION), Place::Inert,
            "The server to replicate.").at_start().alias("slaveof"),
        row("min-replicas-to-write", "0", Only("0", NO_MIN_REPLICAS), Place::Inert,
            "How many replicas must follow for writes to be taken.").alias("min-slaves-to-write"),
        row("cluster-enabled", "no", Only("no", NO_CLUSTER), Place::Inert, "Be a node of a cluster.").at_start(),
        row("syslog-enabled", "no", Only("no", NO_SYSLOG), Place::Inert, "Log to the system's log.").at_start(),
        row("enable-protected-configs", "no", Only("no", NO_PROTECTED_CHANGES), Place::Inert,
            "Let CONFIG SET change protected directives.").protected(),
        row("shutdown-on-sigterm", "default", Only("default", NO_SIGTERM), Place::Inert, "What SIGTERM does."),
        row("shutdown-on-sigint", "default", Only("default", NO_SIGINT), Place::Inert, "What SIGINT does."),
        row("socket-mark-id", "0", Only("0", NO_MARK), Place::Inert, "The mark of sockets, for routing.").at_start(),
        row("oom-score-adj", "no", Only("no", NO_OOM_SCORE), Place::Inert, "Tell the kernel what to kill first."),
    ]},
    Section { title: "Accepted so that configurations written for Redis start: checked and reported, without effect", rows: &[
        row("io-threads", "1", number(1, 128), Place::Inert,
            "Threads for reading and writing; 'threads' is what counts here.").at_start(),
        row("io-threads-do-reads", "no", YesNo, Place::Inert,
            "Whether these threads read; 'threads' is what counts here.").at_start(),
        row("hz", "10", COUNT, HZ, "How often a second background work is looked after; here it follows deadlines."),
        row("activedefrag", "no", YesNo, Place::Inert, "Moving values to gather fragmented memory."),
        row("dynamic-hz", "yes", YesNo, Place::Inert, "Adapting hz to the number of clients."),
        row("active-expire-effort", "1", number(1, 10), Place::Inert,
            "How hard to look for expired keys; here each expires on time."),
        row("activerehashing", "yes", YesNo, Place::Inert, "Rehashing tables while idle."),
        row("lazyfree-lazy-eviction", "no", YesNo, Place::Inert, "Freeing evicted values in the background."),
        row("lazyfree-lazy-expire", "no", YesNo, Place::Inert, "Freeing expired values in the background."),
        row("lazyfree-lazy-server-del", "no", YesNo, Place::Inert, "Freeing overwritten values in the background."),
        row("lazyfree-lazy-user-del", "no", YesNo, Place::Inert, "Making DEL free in the background."),
        row("lazyfree-lazy-user-flush", "no", YesNo, Place::Inert,
            "Making FLUSHALL and FLUSHDB free in the background."),
        row("replica-lazy-flush", "no", YesNo, Place::Inert,
            "Emptying a replica in the background.").alias("slave-lazy-flush"),
        row("list-compress-depth", "0", COUNT, Place::Inert,
            "How many chunks at both ends of a list stay uncompressed; lists are never compressed here."),
        row("hll-sparse-max-bytes", "3000", bytes(0), Place::Inert, "Bytes of a HyperLogLog that is kept sparse."),
        row("tracking-table-max-keys", "1000000", LONG_COUNT, Place::Inert, "Keys that client-side caching follows."),
        row("rdb-del-sync-files", "no", YesNo, Place::Inert, "Deleting snapshots that were made for replicas."),
        row("sanitize-dump-payload", "no", Choice(&["no", "yes", "clients"]), Place::Inert,
            "Checking values that RESTORE brings."),
        row("replica-read-only", "yes", YesNo, Place::Inert,
            "Refusing writes as a replica.").alias("slave-read-only"),
        row("replica-serve-stale-data", "yes", YesNo, Place::Inert,
            "Answering as a replica that lost its primary.").alias("slave-serve-stale-data"),
        row("replica-priority", "100", COUNT, Place::Inert,
            "The order in which replicas are promoted.").alias("slave-priority"),
        row("replica-ignore-maxmemory", "yes", YesNo, Place::Inert,
            "Leaving eviction to the primary.").alias("slave-ignore-maxmemory"),
        row("replica-announced", "yes", YesNo, Place::Inert, "Being listed among the replicas."),
        row("min-replicas-max-lag", "10", COUNT, Place::Inert,
            "Seconds by which a counted replica may lag.").alias("min-slaves-max-lag"),
        row("repl-diskless-sync", "yes", YesNo, Place::Inert, "Sending a snapshot to replicas without a file."),
        row("repl-diskless-sync-delay", "5", COUNT, Place::Inert,
            "Seconds to wait for more replicas before such a snapshot."),
        row("repl-diskless-sync-max-replicas", "0", COUNT, Place::Inert, "Replicas that end this wait."),
        row("repl-diskless-load", "disabled", Choice(&["disabled", "on-empty-db", "swapdb", "flush-before-load"]), Place::Inert,
            "Loading a primary's snapshot without a file."),
        row("repl-disable-tcp-nodelay", "no", YesNo, Place::Inert, "Fewer, larger packets to replicas."),
        row("repl-backlog-size", "1048576", bytes(1), Place::Inert,
            "Bytes of the log that replicas can catch up with."),
        row("repl-backlog-ttl", "3600", LONG_COUNT, Place::Inert, "Seconds to keep them without replicas."),
        row("repl-timeout", "60", number(1, i32::MAX as i64), Place::Inert,
            "Seconds after which a replication link is lost."),
        row("repl-ping-replica-period", "10", number(1, i32::MAX as i64), Place::Inert,
            "Seconds between a primary's pings.").alias("repl-ping-slave-period"),
        row("masterauth", "", Text, Place::Inert, "The password for the primary."),
        row("masteruser", "", Text, Place::Inert, "The user name for the primary."),
        row("always-show-logo", "no", YesNo, Place::Inert, "Drawing in the log.").at_start(),
        row("set-proc-title", "yes", YesNo, Place::Inert, "Renaming the process.").at_start(),
        row("proc-title-template", "{title} {listen-addr} {server-mode}", Text, Place::Inert,
            "The name of the process."),
        row("locale-collate", "", Text, Place::Inert, "The order of strings in other languages."),
        row("crash-log-enabled", "yes", YesNo, Place::Inert, "A report in the log after a crash."),
        row("crash-memcheck-enabled", "yes", YesNo, Place::Inert, "A test of memory after a crash."),
        row("disable-thp", "yes", YesNo, Place::Inert, "Turning transparent huge pages off.").at_start(),
        row("jemalloc-bg-thread", "yes", YesNo, Place::Inert, "The allocator's background thread."),
        row("oom-score-adj-values", "0 200 800", Words, Place::Inert, "Scores to tell the kernel."),
        row("ignore-warnings", "", Text, Place::Inert, "Warnings to leave out."),
        row("hide-user-data-from-log", "no", YesNo, Place::Inert,
            "Keeping values out of the log; they are never in it here."),
        row("shutdown-timeout", "10", COUNT, Place::Inert, "Seconds to wait for replicas at the end."),
        row("server-cpulist", "", Text, Place::Inert, "The cores to run on.").at_start().alias("server_cpulist"),
        row("bio-cpulist", "", Text, Place::Inert, "The cores for background work.").at_start().alias("bio_cpulist"),
        row("aof-rewrite-cpulist", "", Text, Place::Inert, "The cores for rewriting the log.").at_start().alias("aof_rewrite_cpulist"),
        row("bgsave-cpulist", "", Text, Place::Inert, "The cores for snapshots.").at_start().alias("bgsave_cpulist"),
        row("syslog-ident", "redis", Text, Place::Inert, "The name in the system's log.").at_start(),
        row("syslog-facility", "local0", Choice(&["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"]),
            Place::Inert, "The facility in the system's log.").at_start(),
        row("enable-module-command", "no", Choice(DebugAccess::NAMES), Place::Inert,
            "Who may load modules; there is no command that does.").at_start(),
        row("propagation-error-behavior", "ignore", Choice(&["ignore", "panic", "panic-on-replicas"]), Place::Inert,
            "What to do when a replica cannot follow."),
        row("max-new-connections-per-cycle", "10", number(1, 1000), Place::Inert, "Connections accepted in a turn."),
        row("bind-source-addr", "", Text, Place::Inert, "The address that outgoing connections come from."),
        row("vset-force-single-threaded-execution", "no", YesNo, Place::Inert, "Searching vector sets in one thread."),
        row("replica-announce-ip", "", Text, Place::Inert,
            "The address that a replica tells.").alias("slave-announce-ip"),
        row("replica-announce-port", "0", PORT, Place::Inert,
            "The port that a replica tells.").alias("slave-announce-port"),
        row("replica-full-sync-buffer-limit", "0", bytes(0), Place::Inert,
            "Bytes that a replica keeps while it loads a snapshot."),
        row("replica-ignore-disk-write-errors", "no", YesNo, Place::Inert, "Following on when the disk fails."),
        row("active-defrag-ignore-bytes", "104857600", bytes(1), Place::Inert, "Bytes of waste that are left alone."),
        row("active-defrag-threshold-lower", "10", WASTE, Place::Inert, "Per cent of waste to begin at."),
        row("active-defrag-threshold-upper", "100", WASTE, Place::Inert, "Per cent of waste for the greatest effort."),
        row("active-defrag-cycle-min", "1", PER_CENT, Place::Inert, "The least effort, in per cent of a core."),
        row("active-defrag-cycle-max", "25", PER_CENT, Place::Inert, "The greatest effort, in per cent of a core."),
        row("active-defrag-max-scan-fields", "1000", number(1, i64::MAX), Place::Inert,
            "Elements of a value that are moved at once."),
    ]},
    Section { title: "Of clusters, without effect while 'cluster-enabled' is no", rows: &[
        row("cluster-config-file", "nodes.conf", Text, Place::Inert, "The file that nodes are kept in.").at_start(),
        row("cluster-port", "0", PORT, Place::Inert, "The port for other nodes; 0 is 'port' and 10000.").at_start(),
        row("cluster-node-timeout", "15000", LONG_COUNT, Place::Inert, "Milliseconds after which a node is lost."),
        row("cluster-migration-barrier", "1", COUNT, Place::Inert, "Replicas that a primary keeps."),
        row("cluster-allow-replica-migration", "yes", YesNo, Place::Inert, "Letting replicas change their primary."),
        row("cluster-replica-validity-factor", "10", COUNT, Place::Inert,
            "How far behind a replica may be promoted.").alias("cluster-slave-validity-factor"),
        row("cluster-replica-no-failover", "no", YesNo, Place::Inert,
            "Promoting no replica unasked.").alias("cluster-slave-no-failover"),
        row("cluster-require-full-coverage", "yes", YesNo, Place::Inert, "Serving only when every slot is served."),
        row("cluster-allow-reads-when-down", "no", YesNo, Place::Inert, "Reading when not."),
        row("cluster-allow-pubsubshard-when-down", "yes", YesNo, Place::Inert, "Shard channels when not."),
        row("cluster-link-sendbuf-limit", "0", bytes(0), Place::Inert, "Bytes that may wait for another node."),
        row("cluster-announce-ip", "", Text, Place::Inert, "The address that a node tells."),
        row("cluster-announce-hostname", "", Text, Place::Inert, "The host name that a node tells."),
        row("cluster-announce-human-nodename", "", Text, Place::Inert, "The name of a node in logs."),
        row("cluster-announce-port", "0", PORT, Place::Inert, "The port that a node tells."),
        row("cluster-announce-tls-port", "0", PORT, Place::Inert, "The TLS port that a node tells."),
        row("cluster-announce-bus-port", "0", PORT, Place::Inert, "The port for nodes that a node tells."),
        row("cluster-preferred-endpoint-type", "ip", Choice(&["ip", "hostname", "unknown-endpoint"]), Place::Inert,
            "What clients are sent to."),
        row("cluster-compatibility-sample-ratio", "0", number(0, 100), Place::Inert,
            "Per cent of commands checked for use in a cluster."),
        row("cluster-slot-stats-enabled", "no", YesNo, Place::Inert, "Figures for each slot."),
    ]},
    Section { title: "Of TLS, without effect: there are no links to other servers here, and no key exchange with parameters", rows: &[
        row("tls-replication", "no", YesNo, Place::Inert, "Speaking TLS with replicas and the primary."),
        row("tls-cluster", "no", YesNo, Place::Inert, "Speaking TLS with other nodes."),
        row("tls-client-cert-file", "", Text, Place::Inert, "The certificate towards other servers."),
        row("tls-client-key-file", "", Text, Place::Inert, "Its key."),
        row("tls-client-key-file-pass", "", Text, Place::Inert, "The password of the key."),
        row("tls-dh-params-file", "", Text, Place::Inert, "Parameters for older clients."),
    ]},
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn names_are_unique_and_lower_case() {
        let mut names: Vec<&str> = directives()
            .flat_map(|d| [Some(d.name), d.alias])
            .flatten()
            .collect();
        let count = names.len();
        assert!(names.iter().all(|name| *name == name.to_ascii_lowercase()));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    /// A default is written as CONFIG GET shows it, so that the table reads true.
    #[test]
    fn defaults_show_as_they_are_written() {
        let config = Config::default();
        for directive in directives() {
            assert_eq!(
                directive.show(&config),
                directive.default,
                "{}",
                directive.name
            );
        }
    }

    /// What a shape lets through fits the field behind it.
    #[test]
    fn bounds_fit_their_fields() {
        let mut config = Config::default();
        for directive in directives() {
            if let Shape::Number { min, max } | Shape::Bytes { min, max } = directive.shape {
                for bound in [min, max] {
                    assert_eq!(
                        directive.assign_text(&mut config, &bound.to_string()),
                        Ok(())
                    );
                    assert!(directive.name == "hz" || directive.show(&config) == bound.to_string());
                }
            }
        }
    }

    #[test]
    fn hz_is_clamped() {
        let mut config = Config::default();
        for (given, kept) in [("100000", "500"), ("0", "1"), ("20", "20")] {
            directive("hz")
                .unwrap()
                .assign_text(&mut config, given)
                .unwrap();
            assert_eq!(directive("HZ").unwrap().show(&config), kept);
        }
    }
}
