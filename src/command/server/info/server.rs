//! The sections about the program itself: server, clients, threads, stats, cpu.

use std::sync::atomic::Ordering::Relaxed;

use super::Report;
use crate::base::process;
use crate::base::version::{REDIS_VERSION, VERSION};
use crate::command::acl::log::Reason;
use crate::command::clients::flag;
use crate::command::ctx::Ctx;
use crate::command::stats::{CoreStats, Counter};
use crate::pubsub::Subject;

const SECONDS_PER_DAY: i64 = 86_400;
/// Redis counts key ages in 24 bits of seconds.
const LRU_CLOCK_MASK: i64 = (1 << 24) - 1;

pub fn server(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    let boot = &ctx.shared.boot;
    let config = &ctx.local.config;
    let up_s = (ctx.now.steady_ms - boot.started_ms) / 1000;
    report.title("Server");
    report.field("redis_version", REDIS_VERSION);
    report.field("redis_git_sha1", "00000000");
    report.field("redis_git_dirty", 0);
    report.field("redis_build_id", 0);
    report.field("redis_mode", "standalone");
    report.field("millstream_version", VERSION);
    report.field("os", process::system_name());
    report.field("arch_bits", usize::BITS);
    report.field("monotonic_clock", "POSIX clock_gettime");
    report.field("multiplexing_api", "epoll");
    report.field("atomicvar_api", "c11-builtin");
    report.field("gcc_version", "0.0.0");
    report.field("process_id", std::process::id());
    report.field("process_supervised", boot.supervised);
    report.field("run_id", &boot.run_id);
    report.field(
        "tcp_port",
        match boot.port {
            0 => boot.tls_port,
            port => port,
        },
    );
    report.field("server_time_usec", ctx.now.unix_us);
    report.field("uptime_in_seconds", up_s);
    report.field("uptime_in_days", up_s / SECONDS_PER_DAY);
    report.fields(config.hz, &["hz", "configured_hz"]);
    report.field("lru_clock", (ctx.now.unix_ms / 1000) & LRU_CLOCK_MASK);
    report.field("executable", &boot.executable);
    report.field(
        "config_file",
        config.file.as_deref().unwrap_or("".as_ref()).display(),
    );
    report.field("io_threads_active", u8::from(boot.cores > 1));
    let binds: String = config
        .bind
        .iter()
        .map(|address| format!(",bind={address}"))
        .collect();
    if boot.port != 0 {
        report.field("listener0", format!("name=tcp{binds},port={}", boot.port));
    }
    if !config.unixsocket.is_empty() {
        report.field("listener1", format!("name=unix,bind={}", config.unixsocket));
    }
    if boot.tls_port != 0 {
        let listener = format!("name=tls{binds},port={}", boot.tls_port);
        report.field("listener2", listener);
    }
}

pub fn clients(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    let all = ctx.shared.clients.all();
    let with_flag = |bit| all.iter().filter(|record| record.has_flag(bit)).count();
    let (mut blocking, mut on_no_key) = (0, 0);
    ctx.keys.each_stripe(|keys, stripe| {
        let (keys_waited_for, watching_for_loss) = keys.locked.stripe(stripe).waiting.counts();
        blocking += keys_waited_for;
        on_no_key += watching_for_loss;
    });
    report.title("Clients");
    report.field("connected_clients", ctx.shared.clients.len());
    report.field("cluster_connections", 0);
    report.field("maxclients", ctx.local.config.maxclients);
    let most = |figure: fn(&crate::command::clients::ClientRecord) -> usize| {
        all.iter().map(|record| figure(record)).max().unwrap_or(0)
    };
    report.field(
        "client_recent_max_input_buffer",
        most(|record| record.query_bytes.load(Relaxed)),
    );
    report.field(
        "client_recent_max_output_buffer",
        most(|record| record.output_bytes.load(Relaxed)),
    );
    report.field("blocked_clients", ctx.shared.clients.blocked.load(Relaxed));
    report.field("tracking_clients", 0);
    report.field("pubsub_clients", with_flag(flag::PUBSUB));
    let watched: Vec<usize> = all
        .iter()
        .map(|record| record.watched.load(Relaxed))
        .collect();
    report.field(
        "watching_clients",
        watched.iter().filter(|keys| **keys > 0).count(),
    );
    report.field("clients_in_timeout_table", 0);
    report.field("total_watched_keys", watched.iter().sum::<usize>());
    report.field("total_blocking_keys", blocking);
    report.field("total_blocking_keys_on_nokey", on_no_key);
}

pub fn threads(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    let all = ctx.shared.clients.all();
    report.title("Threads");
    for (core, stats) in ctx.shared.stats.iter().enumerate() {
        let clients = all.iter().filter(|record| record.core == core).count();
        let (reads, writes) = (stats.reads.read(), stats.writes.read());
        report.field(
            &format!("io_thread_{core}"),
            format!("clients={clients},reads={reads},writes={writes}"),
        );
    }
}

pub fn stats(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    let shared = ctx.shared;
    let sum = |counter: fn(&CoreStats) -> &Counter| -> u64 {
        shared.stats.iter().map(|core| counter(core).read()).sum()
    };
    let turn_us_sum = sum(|core| &core.turn_us);
    let (bytes_in, bytes_out) = (sum(|core| &core.bytes_in), sum(|core| &core.bytes_out));
    let processed = sum(|core| &core.processed);
    let turns = sum(|core| &core.turns);
    let rates = shared.rates.sample(
        ctx.now.unix_ms,
        [processed, bytes_in, bytes_out, turns, turn_us_sum],
    );
    report.title("Stats");
    report.field("total_connections_received", sum(|core| &core.connections));
    report.field("total_commands_processed", processed);
    report.field("instantaneous_ops_per_sec", rates[0].round());
    report.field("total_net_input_bytes", bytes_in);
    report.field("total_net_output_bytes", bytes_out);
    report.fields(
        0,
        &["total_net_repl_input_bytes", "total_net_repl_output_bytes"],
    );
    report.field(
        "instantaneous_input_kbps",
        format!("{:.2}", rates[1] / 1024.0),
    );
    report.field(
        "instantaneous_output_kbps",
        format!("{:.2}", rates[2] / 1024.0),
    );
    report.fields(
        "0.00",
        &[
            "instantaneous_input_repl_kbps",
            "instantaneous_output_repl_kbps",
        ],
    );
    report.field(
        "rejected_connections",
        sum(|core| &core.rejected_connections),
    );
    report.fields(0, &["sync_full", "sync_partial_ok", "sync_partial_err"]);
    report.field("expired_subkeys", sum(|core| &core.expired_fields));
    report.field("expired_keys", sum(|core| &core.expired));
    report.field("expired_stale_perc", "0.00");
    report.fields(
        0,
        &[
            "expired_time_cap_reached_count",
            "expire_cycle_cpu_milliseconds",
        ],
    );
    report.field("evicted_keys", sum(|core| &core.evicted));
    report.field("evicted_clients", sum(|core| &core.evicted_clients));
    report.field("evicted_scripts", shared.scripts.evicted());
    let now_ms = ctx.now.steady_ms;
    report.field(
        "total_eviction_exceeded_time",
        shared.shortage.total_ms(now_ms),
    );
    report.field(
        "current_eviction_exceeded_time",
        shared.shortage.lasts_ms(now_ms),
    );
    report.field("keyspace_hits", sum(|core| &core.hits));
    report.field("keyspace_misses", sum(|core| &core.misses));
    report.field("pubsub_channels", shared.channels.len(Subject::Channel));
    report.field("pubsub_patterns", shared.channels.len(Subject::Pattern));
    report.field("pubsubshard_channels", shared.channels.len(Subject::Shard));
    report.fields(
        0,
        &[
            "latest_fork_usec",
            "total_forks",
            "migrate_cached_sockets",
            "slave_expires_tracked_keys",
        ],
    );
    report.fields(
        0,
        &[
            "active_defrag_hits",
            "active_defrag_misses",
            "active_defrag_key_hits",
        ],
    );
    report.fields(
        0,
        &[
            "active_defrag_key_misses",
            "total_active_defrag_time",
            "current_active_defrag_time",
        ],
    );
    report.fields(
        0,
        &[
            "tracking_total_keys",
            "tracking_total_items",
            "tracking_total_prefixes",
        ],
    );
    report.field("unexpected_error_replies", 0);
    report.field("total_error_replies", sum(|core| &core.errors));
    report.field("dump_payload_sanitizations", 0);
    report.field("total_reads_processed", sum(|core| &core.reads));
    report.field("total_writes_processed", sum(|core| &core.writes));
    report.fields(
        0,
        &[
            "io_threaded_reads_processed",
            "io_threaded_writes_processed",
            "io_threaded_total_prefetch_batches",
            "io_threaded_total_prefetch_entries",
        ],
    );
    report.field(
        "client_query_buffer_limit_disconnections",
        sum(|core| &core.query_limit_closed),
    );
    report.field(
        "client_output_buffer_limit_disconnections",
        sum(|core| &core.output_limit_closed),
    );
    report.fields(0, &["reply_buffer_shrinks", "reply_buffer_expands"]);
    report.field("eventloop_cycles", turns);
    report.field("eventloop_duration_sum", turn_us_sum);
    report.field("eventloop_duration_cmd_sum", command_time_us(&shared.stats));
    report.field("instantaneous_eventloop_cycles_per_sec", rates[3].round());
    let turn_us = if rates[3] > 0.0 {
        rates[4] / rates[3]
    } else {
        0.0
    };
    report.field("instantaneous_eventloop_duration_usec", turn_us.round());
    report.field(
        "acl_access_denied_auth",
        sum(|core| &core.denied[Reason::Auth as usize]),
    );
    report.field(
        "acl_access_denied_cmd",
        sum(|core| &core.denied[Reason::Command as usize]),
    );
    report.field(
        "acl_access_denied_key",
        sum(|core| &core.denied[Reason::Key as usize]),
    );
    report.field(
        "acl_access_denied_channel",
        sum(|core| &core.denied[Reason::Channel as usize]),
    );
    if shared.boot.tls_port != 0 {
        report.field("tls_handshakes", sum(|core| &core.tls_handshakes));
        report.field(
            "tls_handshakes_failed",
            sum(|core| &core.tls_handshakes_failed),
        );
    }
}

fn command_time_us(cores: &[CoreStats]) -> u64 {
    let commands = cores.iter().flat_map(|core| core.commands.iter());
    commands.map(|command| command.ns.read()).sum::<u64>() / 1000
}

pub fn cpu(_ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    let (system_s, user_s) = process::cpu_seconds();
    report.title("CPU");
    report.field("used_cpu_sys", format!("{system_s:.6}"));
    report.field("used_cpu_user", format!("{user_s:.6}"));
    report.fields(
        "0.000000",
        &["used_cpu_sys_children", "used_cpu_user_children"],
    );
    report.field("used_cpu_sys_main_thread", format!("{system_s:.6}"));
    report.field("used_cpu_user_main_thread", format!("{user_s:.6}"));
}
