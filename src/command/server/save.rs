//! SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE: when a snapshot begins, and what follows when it has ended.
//!
//! The snapshot itself is written elsewhere, while commands go on (`storage::snapshot`). A command takes every stripe, and the
//! state then is what is saved. Core 0 looks now and then whether one is scheduled or due ([`tick`]).

use super::due::{self, Since};
use super::shutdown;
use crate::base::clock::Now;
use crate::command::ctx::{Block, Ctx, DONE, Flow, Outcome};
use crate::command::mail::Mail;
use crate::command::shared::{Shared, gate};
use crate::command::{Args, error};
use crate::config::Config;
use crate::keyspace::{Locked, StripeSet};
use crate::resp::Reply;
use crate::storage::aof::{BaseFormat, Files, Place};
use crate::storage::rdb::Options;
use crate::storage::snapshot::rdb::{About, Telling};
use crate::storage::snapshot::{self, Form, Job, Plan, Status, Task};
use std::path::Path;
use tracing::{info, warn};

/// `SAVE`: a snapshot now; the client waits for the end of it, others do not.
pub fn save(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let mut status = ctx.shared.storage.snapshots.status.lock();
    if status.is_busy_with(Task::Save) {
        return Err(error::SAVE_IN_PROGRESS);
    }
    status.waiting.push(ctx.session.id);
    if status.current.is_some() {
        status.save_scheduled = true;
    }
    drop(status);
    begin(ctx.shared, ctx.keys.locked, ctx.now, Task::Save);
    Ok(Flow::Block(Box::new(Block::until_told())))
}

/// `BGSAVE [SCHEDULE]`: a snapshot now, or as soon as nothing else is under way.
pub fn bgsave(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let schedule = args.keyword("SCHEDULE");
    args.end()?;
    let mut status = ctx.shared.storage.snapshots.status.lock();
    if status.is_busy_with(Task::Save) {
        return Err(error::SAVE_IN_PROGRESS);
    }
    if ctx.nested || (schedule && status.current.is_some()) {
        status.save_scheduled = true;
        ctx.reply.simple("Background saving scheduled");
        return DONE;
    }
    if status.current.is_some() {
        return Err(error::OTHER_SNAPSHOT_IN_PROGRESS);
    }
    drop(status);
    begin(ctx.shared, ctx.keys.locked, ctx.now, Task::Save);
    ctx.reply.simple("Background saving started");
    DONE
}

/// `BGREWRITEAOF`: a new base for the log, now or as soon as nothing else is under way.
pub fn bgrewriteaof(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let mut status = ctx.shared.storage.snapshots.status.lock();
    if status.is_busy_with(Task::Rewrite) {
        return Err(error::REWRITE_IN_PROGRESS);
    }
    if ctx.nested || status.current.is_some() {
        status.rewrite_scheduled = true;
        status.rewrites.failures = 0;
        ctx.reply
            .simple("Background append only file rewriting scheduled");
        return DONE;
    }
    drop(status);
    begin(ctx.shared, ctx.keys.locked, ctx.now, Task::Rewrite);
    ctx.reply
        .simple("Background append only file rewriting started");
    DONE
}

/// `LASTSAVE`: when the data was last saved; with nothing ever saved, when the server started. Unix seconds.
pub fn lastsave(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.reply
        .int(ctx.shared.storage.snapshots.status.lock().saved_s);
    DONE
}

/// Turns the log off or on, as the configuration says; no stripe is held. It begins with a snapshot of this moment, or of when nothing
/// else is under way. While a script holds stripes for long that is left to [`tick`].
pub fn switch_log(shared: &Shared, now: Now) {
    let mut locked = Locked::new(&shared.keyspace);
    if !locked.acquire_soon(&StripeSet::All) {
        return;
    }
    let log = shared.keyspace.log();
    if shared.config.load().appendonly {
        if !log.is_recording() {
            begin(shared, &mut locked, now, Task::Rewrite);
        }
        return schedule_base(shared, &mut shared.storage.snapshots.status.lock());
    }
    if log.is_recording() {
        log.end_here();
        log.set_recording(false);
    }
    let mut status = shared.storage.snapshots.status.lock();
    status.rewrite_scheduled = false;
    if status.is_busy_with(Task::Rewrite) {
        shared.storage.snapshots.progress.cancel();
    }
}

/// True when there is to be a log and its files do not make the state: it was turned on, or has lost a part, and has no base yet.
pub fn lacks_base(shared: &Shared) -> bool {
    // What is being loaded is in files.
    let is_loaded = !shared.gate(gate::LOADING);
    is_loaded && shared.config.load().appendonly && !shared.keyspace.log().is_whole()
}

/// A log without a base gets one, however often that fails.
pub fn schedule_base(shared: &Shared, status: &mut Status) {
    status.rewrite_scheduled |= lacks_base(shared) && !status.is_busy_with(Task::Rewrite);
}

/// All data is gone: where `save` asks for snapshots, one shows it soon, and one of the old data need not be finished.
pub fn flushed(shared: &Shared) {
    if shared.config.load().save.is_empty() {
        return;
    }
    let mut status = shared.storage.snapshots.status.lock();
    status.save_scheduled = true;
    if status.is_busy_with(Task::Save) {
        shared.storage.snapshots.progress.cancel();
    }
}

/// Begins a snapshot of this moment, with every stripe held, unless one is under way, or not all data is there. Says whether it did.
pub fn begin(shared: &Shared, locked: &mut Locked<'_>, now: Now, task: Task) -> bool {
    if shared.gate(gate::LOADING) {
        return false;
    }
    {
        let mut status = shared.storage.snapshots.status.lock();
        if status.current.is_some() {
            return false;
        }
        status.begin(task, now.unix_ms, shared.changes());
    }
    let config = shared.config.load();
    let job = match task {
        Task::Save => Job {
            plan: plan(&config, now),
            task,
            cut: None,
        },
        Task::Rewrite => Job {
            plan: base_plan(&config, now),
            task,
            cut: cut_log(shared, &config, locked),
        },
    };
    shared.storage.aof.set_saving(true);
    shared.storage.snapshots.begin(job, locked);
    true
}

/// Has the log go on in a new file; a log that has just been turned on begins with it. None if it is off.
fn cut_log(shared: &Shared, config: &Config, locked: &mut Locked<'_>) -> Option<u64> {
    let log = shared.keyspace.log();
    if !config.appendonly {
        return None;
    }
    locked.log_effects();
    if !log.is_recording() {
        // What is recorded from now on is worth nothing without what was before it.
        log.set_whole(false);
        log.set_recording(true);
    }
    Some(log.cut())
}

/// Begins a snapshot of this moment, unless one is under way, or somebody holds a stripe for more than a moment. No stripe is held.
pub fn begin_now(shared: &Shared, now: Now, task: Task) -> bool {
    let mut locked = Locked::new(&shared.keyspace);
    locked.acquire_briefly(&StripeSet::All) && begin(shared, &mut locked, now, task)
}

/// What to write for a save.
pub fn plan(config: &Config, now: Now) -> Plan {
    Plan {
        path: Path::new(&config.dir).join(&config.dbfilename),
        form: rdb_form(config, now, false),
        sync_incrementally: config.rdb_save_incremental_fsync,
    }
}

/// What to write for a rewrite; the log's writer gives it its name.
fn base_plan(config: &Config, now: Now) -> Plan {
    Plan {
        path: place(config).folder().join(snapshot::UNINSTALLED),
        form: match config.aof_use_rdb_preamble {
            true => rdb_form(config, now, true),
            false => Form::Commands,
        },
        sync_incrementally: config.aof_rewrite_incremental_fsync,
    }
}

/// Where the log's files are.
pub fn place(config: &Config) -> Place {
    Place {
        dir: config.dir.clone().into(),
        folder: config.appenddirname.clone(),
        name: config.appendfilename.clone(),
    }
}

fn rdb_form(config: &Config, now: Now, aof_base: bool) -> Form {
    let options = Options {
        compress: config.rdbcompression,
        checksum: config.rdbchecksum,
    };
    let about = About {
        ctime_s: now.unix_ms / 1000,
        aof_base,
        usage: match config.maxmemory_policy {
            policy if policy.goes_by_idleness() => Telling::Idleness,
            policy if policy.counts_uses() => Telling::Frequency {
                decay_minutes: config.lfu_decay_time_minutes,
            },
            _ => Telling::Nothing,
        },
    };
    Form::Rdb(options, about)
}

/// Begins what is scheduled or due; no stripe is held.
pub fn tick(shared: &Shared, config: &Config, now: Now) {
    if shared.gate(gate::LOADING) {
        return;
    }
    if shared.keyspace.log().is_recording() && !shared.config.load().appendonly {
        switch_log(shared, now);
    }
    let task = {
        let mut status = shared.storage.snapshots.status.lock();
        schedule_base(shared, &mut status);
        next_task(&status, shared, config, now)
    };
    if let Some(task) = task {
        begin_now(shared, now, task);
    }
}

fn next_task(status: &Status, shared: &Shared, config: &Config, now: Now) -> Option<Task> {
    if status.current.is_some() {
        return None;
    }
    let since_ms = now.unix_ms - status.rewrites.tried_ms;
    let rests = match shared.gate(gate::LOG_FAILED) && lacks_base(shared) {
        // Until there is a base no writes are taken.
        true => status.rewrites.failures > 0 && since_ms < due::URGENT_REST_MS,
        false => due::rests(status.rewrites.failures, since_ms),
    };
    if status.rewrite_scheduled && !rests {
        return Some(Task::Rewrite);
    }
    let failed = status.saves.failures > 0;
    let since = Since {
        changes: shared.changes().saturating_sub(status.saved_changes),
        saved_ms: now.unix_ms - status.saved_s * 1000,
        failed_ms: failed.then_some(now.unix_ms - status.saves.tried_ms),
    };
    if let Some(point) = due::save(&config.save, since) {
        info!(
            "{} changes in {} seconds: saving",
            since.changes, point.seconds
        );
        return Some(Task::Save);
    }
    if config.appendonly && !rests && has_grown(shared, config) {
        return Some(Task::Rewrite);
    }
    status.save_scheduled.then_some(Task::Save)
}

/// True when the log has grown so much since it was last rewritten that it is to be rewritten.
fn has_grown(shared: &Shared, config: &Config) -> bool {
    let (base, current) = (
        shared.storage.aof.base_bytes(),
        shared.storage.aof.current_bytes(),
    );
    let Some(percent) = due::growth_percent(config, base, current) else {
        return false;
    };
    info!("the log has grown by {percent} percent: rewriting it");
    true
}

/// A snapshot has ended: called by the thread that writes them, which knows what became of the file.
pub fn finished(shared: &Shared, job: &Job, outcome: snapshot::Outcome) {
    let outcome = match outcome {
        snapshot::Outcome::Written { bytes } if job.task == Task::Rewrite => {
            install(shared, job, bytes)
        }
        outcome => outcome,
    };
    let now = shared.clock.now();
    let now_ms = now.unix_ms;
    let mut status = shared.storage.snapshots.status.lock();
    let took_ms = now_ms - status.current.map_or(now_ms, |current| current.began_ms);
    status.end(now_ms, &outcome);
    report(job, &outcome, took_ms);
    schedule_base(shared, &mut status);
    let is_last = job.task == Task::Save && !status.save_scheduled;
    let waiting = match is_last {
        true => std::mem::take(&mut status.waiting),
        false => Vec::new(),
    };
    // Before the next one can begin.
    shared.storage.aof.set_saving(false);
    drop(status);
    // What the kernel was left with meanwhile is to be synced.
    shared.keyspace.log().call();
    if job.task == Task::Rewrite {
        let has_failed = matches!(outcome, snapshot::Outcome::Failed(_));
        shutdown::rewritten(shared, now, has_failed);
    }
    if !is_last {
        return;
    }
    let is_written = matches!(outcome, snapshot::Outcome::Written { .. });
    if !matches!(outcome, snapshot::Outcome::Cancelled) {
        shared.set_gate(gate::UNSAVED, !is_written);
    }
    for client in waiting {
        tell(shared, client, |reply| match is_written {
            true => reply.ok(),
            false => reply.error(error::PLAIN.text()),
        });
    }
    shutdown::saved(shared, &outcome);
}

/// Makes what was written the base of the log from its cut on; if the log is off, all that is left of it.
fn install(shared: &Shared, job: &Job, bytes: u64) -> snapshot::Outcome {
    let format = match job.plan.form {
        Form::Rdb(..) => BaseFormat::Rdb,
        Form::Commands => BaseFormat::Commands,
    };
    let (storage, path) = (&shared.storage, &*job.plan.path);
    let installed = match job.cut {
        Some(cut) => {
            let log = shared.keyspace.log();
            let remove = |path: &Path| storage.disk.remove(path);
            storage.aof.install_base(log, (path, format, cut), remove)
        }
        None => {
            let place = place(&shared.config.load());
            Files::load(storage.disk.clone(), place)
                .and_then(|mut files| files.install_alone(path, format))
        }
    };
    match installed {
        Ok(()) => snapshot::Outcome::Written { bytes },
        Err(error) => {
            // It may take the room that was missing.
            let _ = storage.disk.remove(path);
            snapshot::Outcome::Failed(error)
        }
    }
}

fn report(job: &Job, outcome: &snapshot::Outcome, took_ms: i64) {
    let what = match job.task {
        Task::Save => format!("{}", job.plan.path.display()),
        Task::Rewrite => "a new base of the log".into(),
    };
    match outcome {
        snapshot::Outcome::Written { bytes } => {
            info!("wrote {what}: {bytes} bytes in {took_ms} ms");
        }
        snapshot::Outcome::Cancelled => info!("gave up writing {what}"),
        snapshot::Outcome::Failed(error) => warn!(
            "cannot write {what}: {error}. What was on disk before is as it was; the directory must be writable and have room"
        ),
    }
}

/// Ends the wait of a client that ordered what has now ended.
pub fn tell(shared: &Shared, client_id: u64, write: impl FnOnce(&mut Reply)) {
    let record = shared.clients.find(client_id);
    let Some(waiter) = record.and_then(|record| record.waiter.lock().clone()) else {
        return;
    };
    if !waiter.claim() {
        return;
    }
    let mut reply = Reply::new(waiter.wait.version);
    write(&mut reply);
    shared.send(
        waiter.wait.core,
        Mail::Served {
            token: waiter.wait.token,
            client_id,
            reply: Box::new(reply),
            logged_to: 0,
        },
    );
}
