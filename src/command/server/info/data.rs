//! The sections about what the server holds: memory, persistence, replication, modules, cluster, keyspace.

use std::sync::atomic::Ordering::Relaxed;

use super::{Report, human};
use crate::base::process;
use crate::command::ctx::Ctx;
use crate::command::script::{engine, function};
use crate::storage::recovery::Progress;
use crate::storage::snapshot::Task;

/// Keys whose time to live is looked at for `avg_ttl`, in each stripe.
const TTL_SAMPLE: usize = 16;

pub fn memory(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    let memory = process::memory(ctx.now.unix_ms / 1000);
    let dataset = memory.used.saturating_sub(memory.startup);
    report.title("Memory");
    report.bytes("used_memory", memory.used);
    report.bytes("used_memory_rss", memory.rss);
    report.bytes("used_memory_peak", memory.peak);
    report.field("used_memory_peak_time", memory.peak_at_s);
    report.field(
        "used_memory_peak_perc",
        format!("{:.2}%", percent(memory.used, memory.peak)),
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
    scripts(ctx, report);
    report.bytes("maxmemory", ctx.local.config.maxmemory_bytes);
    report.field(
        "maxmemory_policy",
        ctx.local.config.shown("maxmemory-policy"),
    );
    let apart = [
        ("allocator_frag", memory.active, memory.allocated),
        ("allocator_rss", memory.resident, memory.active),
        ("rss_overhead", memory.rss, memory.resident),
        ("mem_fragmentation", memory.rss, memory.used),
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
    let log_bytes = ctx.shared.keyspace.log().memory_bytes();
    let uncounted_bytes = ctx.shared.keyspace.uncounted_bytes();
    report.field("mem_not_counted_for_evict", uncounted_bytes);
    report.fields(
        0,
        &["mem_replication_backlog", "mem_total_replication_buffers"],
    );
    report.fields(0, &["mem_replica_full_sync_buffer", "mem_clients_slaves"]);
    report.field("mem_clients_normal", client_bytes(ctx));
    report.field("mem_cluster_links", 0);
    report.field("mem_aof_buffer", log_bytes);
    report.field("mem_allocator", "jemalloc-5.3.0");
    report.fields(
        0,
        &[
            "mem_overhead_db_hashtable_rehashing",
            "active_defrag_running",
        ],
    );
    report.field("lazyfree_pending_objects", ctx.shared.reaper.waiting());
    report.field("lazyfreed_objects", ctx.shared.reaper.freed());
}

/// What scripts and their interpreters take.
fn scripts(ctx: &Ctx<'_, '_>, report: &mut Report) {
    let vm_bytes = engine::used_bytes() as u64;
    let functions_vm_bytes = function::used_bytes() as u64;
    let (count, bytes) = ctx.shared.scripts.figures();
    let (libraries, functions, function_bytes) = ctx.shared.functions.figures();
    report.field("used_memory_lua", vm_bytes);
    report.field("used_memory_vm_eval", vm_bytes);
    report.field("used_memory_lua_human", human(vm_bytes));
    report.field("used_memory_scripts_eval", bytes);
    report.field("number_of_cached_scripts", count);
    report.field("number_of_functions", functions);
    report.field("number_of_libraries", libraries);
    report.field("used_memory_vm_functions", functions_vm_bytes);
    report.bytes("used_memory_vm_total", vm_bytes + functions_vm_bytes);
    report.field("used_memory_functions", function_bytes);
    report.bytes("used_memory_scripts", (bytes + function_bytes) as u64);
}

/// Bytes that wait in the buffers of clients.
pub fn client_bytes(ctx: &Ctx<'_, '_>) -> usize {
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
    report.title("Persistence");
    let load = &ctx.shared.storage.loading;
    let is_loading = load.loading.load(Relaxed);
    report.field("loading", u8::from(is_loading));
    report.field("async_loading", 0);
    snapshots(ctx, report);
    let status = ctx.shared.storage.snapshots.status.lock().clone();
    report.field("aof_enabled", i32::from(ctx.local.config.appendonly));
    report.field(
        "aof_rewrite_in_progress",
        i32::from(status.is_busy_with(Task::Rewrite)),
    );
    report.field("aof_rewrite_scheduled", i32::from(status.rewrite_scheduled));
    report.field(
        "aof_last_rewrite_time_sec",
        seconds(status.rewrites.took_ms),
    );
    report.field(
        "aof_current_rewrite_time_sec",
        seconds(status.running_ms(Task::Rewrite, ctx.now.unix_ms)),
    );
    report.field("aof_last_bgrewrite_status", status.rewrites.word());
    report.field("aof_rewrites", status.rewrites.begun);
    report.field(
        "aof_rewrites_consecutive_failures",
        status.rewrites.failures,
    );
    let (log, aof) = (ctx.shared.keyspace.log(), &ctx.shared.storage.aof);
    let failed = aof.failure().is_some();
    report.field("aof_last_write_status", if failed { "err" } else { "ok" });
    report.fields(
        0,
        &[
            "aof_last_cow_size",
            "module_fork_in_progress",
            "module_fork_last_cow_size",
        ],
    );
    if log.is_recording() {
        report.field("aof_current_size", aof.current_bytes());
        report.field("aof_base_size", aof.base_bytes());
        report.field("aof_pending_rewrite", i32::from(status.rewrite_scheduled));
        report.field("aof_buffer_length", log.waiting_bytes());
        report.field("aof_pending_bio_fsync", u8::from(aof.is_syncing()));
        report.field("aof_delayed_fsync", aof.delayed_syncs());
    }
    if is_loading {
        loading(load, ctx.now.unix_ms / 1000, report);
    }
}

/// How far a load has come.
fn loading(load: &Progress, now_s: i64, report: &mut Report) {
    let started_s = load.started_s.load(Relaxed);
    let (total, loaded) = (
        load.total_bytes.load(Relaxed),
        load.loaded_bytes.load(Relaxed),
    );
    // Redis answers one second while it knows nothing.
    let eta_s = match loaded {
        0 => 1,
        loaded => (now_s - started_s).max(0) as u64 * total.saturating_sub(loaded) / loaded,
    };
    report.field("loading_start_time", started_s);
    report.field("loading_total_bytes", total);
    report.field(
        "loading_rdb_used_mem",
        load.snapshot_memory_bytes.load(Relaxed),
    );
    report.field("loading_loaded_bytes", loaded);
    report.field(
        "loading_loaded_perc",
        format!("{:.2}", percent(loaded, total.max(1))),
    );
    report.field("loading_eta_seconds", eta_s);
}

/// What INFO persistence says of snapshots. Nothing is copied on write by pages.
fn snapshots(ctx: &Ctx<'_, '_>, report: &mut Report) {
    report.fields(
        0,
        &[
            "current_cow_peak",
            "current_cow_size",
            "current_cow_size_age",
        ],
    );
    let status = ctx.shared.storage.snapshots.status.lock().clone();
    let (keys, total) = ctx.shared.storage.snapshots.progress.keys();
    report.field("current_fork_perc", format!("{:.2}", percent(keys, total)));
    report.field("current_save_keys_processed", keys);
    report.field("current_save_keys_total", total);
    report.field(
        "rdb_changes_since_last_save",
        ctx.shared.changes().saturating_sub(status.saved_changes),
    );
    report.field(
        "rdb_bgsave_in_progress",
        i32::from(status.is_busy_with(Task::Save)),
    );
    report.field("rdb_last_save_time", status.saved_s);
    report.field("rdb_last_bgsave_status", status.saves.word());
    report.field("rdb_last_bgsave_time_sec", seconds(status.saves.took_ms));
    report.field(
        "rdb_current_bgsave_time_sec",
        seconds(status.running_ms(Task::Save, ctx.now.unix_ms)),
    );
    report.field("rdb_saves", status.saves.begun);
    let load = &ctx.shared.storage.loading;
    report.field("rdb_last_cow_size", 0);
    report.field(
        "rdb_last_load_keys_expired",
        load.keys_expired.load(Relaxed),
    );
    report.field("rdb_last_load_keys_loaded", load.keys_loaded.load(Relaxed));
}

/// A stretch of time in seconds; -1 for none.
fn seconds(ms: Option<i64>) -> i64 {
    ms.map_or(-1, |ms| ms / 1000)
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
    field_volatile: usize,
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
            figures.field_volatile += db.field_volatile_len();
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
                "keys={},expires={},avg_ttl={mean_ttl_ms},subexpiry={}",
                db.keys, db.volatile, db.field_volatile
            ),
        );
    }
}
