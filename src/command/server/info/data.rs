//! The sections about what the server holds: memory, persistence, replication, modules, cluster, keyspace.

use std::sync::atomic::Ordering::Relaxed;

use super::Report;
use crate::base::process;
use crate::command::ctx::Ctx;
use crate::command::stats::CoreStats;

/// Keys whose time to live is looked at for `avg_ttl`, in each stripe.
const TTL_SAMPLE: usize = 16;

pub fn memory(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    let memory = process::memory(ctx.now.unix_ms / 1000);
    let dataset = memory.allocated.saturating_sub(memory.startup);
    report.title("Memory");
    report.bytes("used_memory", memory.allocated);
    report.bytes("used_memory_rss", memory.rss);
    report.bytes("used_memory_peak", memory.peak);
    report.field("used_memory_peak_time", memory.peak_at_s);
    report.field(
        "used_memory_peak_perc",
        format!("{:.2}%", percent(memory.allocated, memory.peak)),
    );
    report.field("used_memory_overhead", memory.startup);
    report.field("used_memory_startup", memory.startup);
    report.field("used_memory_dataset", dataset);
    report.field(
        "used_memory_dataset_perc",
        format!("{:.2}%", percent(dataset, dataset.max(1))),
    );
    report.field("allocator_allocated", memory.allocated);
    report.field("allocator_active", memory.active);
    report.field("allocator_resident", memory.resident);
    report.field("allocator_muzzy", 0);
    report.bytes("total_system_memory", memory.system);
    report.fields(0, &["used_memory_lua", "used_memory_vm_eval"]);
    report.field("used_memory_lua_human", "0B");
    report.fields(
        0,
        &[
            "used_memory_scripts_eval",
            "number_of_cached_scripts",
            "number_of_functions",
        ],
    );
    report.fields(
        0,
        &[
            "number_of_libraries",
            "used_memory_vm_functions",
            "used_memory_vm_total",
        ],
    );
    report.field("used_memory_vm_total_human", "0B");
    report.fields(0, &["used_memory_functions", "used_memory_scripts"]);
    report.field("used_memory_scripts_human", "0B");
    report.bytes("maxmemory", 0);
    report.field("maxmemory_policy", "noeviction");
    let apart = [
        ("allocator_frag", memory.active, memory.allocated),
        ("allocator_rss", memory.resident, memory.active),
        ("rss_overhead", memory.rss, memory.resident),
        ("mem_fragmentation", memory.rss, memory.allocated),
    ];
    for (name, whole, part) in apart {
        report.field(
            &format!("{name}_ratio"),
            format!("{:.2}", ratio(whole, part)),
        );
        report.field(
            &format!("{name}_bytes"),
            whole.cast_signed() - part.cast_signed(),
        );
    }
    report.fields(
        0,
        &[
            "mem_not_counted_for_evict",
            "mem_replication_backlog",
            "mem_total_replication_buffers",
        ],
    );
    report.fields(0, &["mem_replica_full_sync_buffer", "mem_clients_slaves"]);
    report.field("mem_clients_normal", client_bytes(ctx));
    report.fields(0, &["mem_cluster_links", "mem_aof_buffer"]);
    report.field("mem_allocator", "jemalloc-5.3.0");
    report.fields(
        0,
        &[
            "mem_overhead_db_hashtable_rehashing",
            "active_defrag_running",
        ],
    );
    report.fields(0, &["lazyfree_pending_objects", "lazyfreed_objects"]);
}

/// Bytes that wait in the buffers of clients.
fn client_bytes(ctx: &Ctx<'_, '_>) -> usize {
    let all = ctx.shared.clients.all();
    all.iter()
        .map(|record| record.query_bytes.load(Relaxed) + record.output_bytes.load(Relaxed))
        .sum()
}

/// One number over another; nothing over nothing is 1.
pub fn ratio(whole: u64, part: u64) -> f64 {
    if part == 0 {
        1.0
    } else {
        whole as f64 / part as f64
    }
}

/// One number as a percentage of another.
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

pub fn persistence(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    let changes: u64 = ctx
        .shared
        .stats
        .iter()
        .map(|core: &CoreStats| core.dirty.read())
        .sum();
    report.title("Persistence");
    report.fields(
        0,
        &[
            "loading",
            "async_loading",
            "current_cow_peak",
            "current_cow_size",
            "current_cow_size_age",
        ],
    );
    report.field("current_fork_perc", "0.00");
    report.fields(
        0,
        &["current_save_keys_processed", "current_save_keys_total"],
    );
    report.field("rdb_changes_since_last_save", changes);
    report.field("rdb_bgsave_in_progress", 0);
    report.field("rdb_last_save_time", ctx.shared.last_save_s.load(Relaxed));
    report.field("rdb_last_bgsave_status", "ok");
    report.fields(
        -1,
        &["rdb_last_bgsave_time_sec", "rdb_current_bgsave_time_sec"],
    );
    report.fields(
        0,
        &[
            "rdb_saves",
            "rdb_last_cow_size",
            "rdb_last_load_keys_expired",
            "rdb_last_load_keys_loaded",
        ],
    );
    report.fields(
        0,
        &[
            "aof_enabled",
            "aof_rewrite_in_progress",
            "aof_rewrite_scheduled",
        ],
    );
    report.fields(
        -1,
        &["aof_last_rewrite_time_sec", "aof_current_rewrite_time_sec"],
    );
    report.field("aof_last_bgrewrite_status", "ok");
    report.fields(0, &["aof_rewrites", "aof_rewrites_consecutive_failures"]);
    report.field("aof_last_write_status", "ok");
    report.fields(
        0,
        &[
            "aof_last_cow_size",
            "module_fork_in_progress",
            "module_fork_last_cow_size",
        ],
    );
}

pub fn replication(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    report.title("Replication");
    report.field("role", "master");
    report.field("connected_slaves", 0);
    report.field("master_failover_state", "no-failover");
    report.field("master_replid", &ctx.shared.boot.run_id);
    report.field("master_replid2", "0".repeat(40));
    report.field("master_repl_offset", 0);
    report.field("second_repl_offset", -1);
    report.field("repl_backlog_active", 0);
    report.field(
        "repl_backlog_size",
        ctx.local.config.shown("repl-backlog-size"),
    );
    report.fields(
        0,
        &["repl_backlog_first_byte_offset", "repl_backlog_histlen"],
    );
}

pub fn modules(_ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    report.title("Modules");
}

pub fn cluster(_ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    report.title("Cluster");
    report.field("cluster_enabled", 0);
}

#[derive(Clone, Copy, Default)]
struct Figures {
    keys: usize,
    volatile: usize,
    /// The sum over stripes of mean time to live times keys that have one.
    ttl_ms: i64,
}

pub fn keyspace(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    let now_ms = ctx.now.unix_ms;
    let mut figures = vec![Figures::default(); ctx.shared.keyspace.databases()];
    ctx.keys.each_stripe(|keys, stripe| {
        for (figures, db) in figures.iter_mut().zip(&keys.locked.stripe(stripe).dbs) {
            let volatile = db.volatile_len();
            figures.keys += db.len();
            figures.volatile += volatile;
            let ttl_ms = db
                .mean_ttl_ms(now_ms, TTL_SAMPLE)
                .saturating_mul(volatile as i64);
            figures.ttl_ms = figures.ttl_ms.saturating_add(ttl_ms);
        }
    });
    report.title("Keyspace");
    for (number, db) in figures.iter().enumerate().filter(|(_, db)| db.keys > 0) {
        let mean_ttl_ms = db.ttl_ms.checked_div(db.volatile as i64).unwrap_or(0);
        report.field(
            &format!("db{number}"),
            format!(
                "keys={},expires={},avg_ttl={mean_ttl_ms},subexpiry=0",
                db.keys, db.volatile
            ),
        );
    }
}
