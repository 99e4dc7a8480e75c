//! DEBUG RELOAD and DEBUG LOADAOF: the data goes to disk and comes back, so that tests see whether it survives.
//!
//! A snapshot is loaded into a keyspace of its own and takes the place of what was there while every stripe is held, so nobody sees it
//! half loaded. The log can only be replayed in place: commands that come meanwhile are told that the data is being loaded.

use super::save;
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::generic::database;
use crate::command::generic::dump::limits;
use crate::command::replay::Replayer;
use crate::command::script::function;
use crate::command::shared::{Shared, gate};
use crate::command::{Args, error};
use crate::config::Config;
use crate::keyspace::effects::Annotation;
use crate::keyspace::{Db, Keyspace, Locked, NEVER, Stripe, StripeSet};
use crate::storage::recovery::{Interrupted, Loader, Manner, Places, Progress, Replay};
use crate::storage::snapshot::{Task, write_held};
use std::path::Path;
use std::time::Duration;
use tracing::warn;

/// How often the log's writer is asked whether it has written everything, and how often at most.
const LOG_POLLS: (Duration, usize) = (Duration::from_millis(5), 1000);

/// Where the files of the data directory are.
pub fn places(config: &Config) -> Places {
    Places {
        log: save::place(config),
        dbfilename: config.dbfilename.clone(),
    }
}

/// How values come into the keyspace.
pub fn manner(shared: &Shared, config: &Config) -> Manner {
    Manner {
        now_ms: shared.clock.now().unix_ms,
        // What is left out here would be in the base of the log.
        drops_expired: !config.appendonly,
        skips_unknown: config.skip_unknown_types,
        threads: shared.cores(),
        limits: limits(config),
    }
}

#[derive(Default)]
struct Options {
    merge: bool,
    no_flush: bool,
    no_save: bool,
}

/// `DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]`
pub fn reload(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let mut options = Options::default();
    while !args.is_empty() {
        let flag = [
            ("MERGE", &mut options.merge),
            ("NOFLUSH", &mut options.no_flush),
            ("NOSAVE", &mut options.no_save),
        ]
        .into_iter()
        .find_map(|(word, flag)| args.keyword(word).then_some(flag));
        *flag.ok_or(error::RELOAD_OPTIONS)? = true;
    }
    let (shared, config, now) = (ctx.shared, ctx.local.config.clone(), ctx.now);
    let locked = hold_everything(ctx)?;
    if !options.no_save {
        let plan = save::plan(&config, now);
        write_held(&*shared.storage.disk, &plan, locked).map_err(|cause| {
            warn!("cannot write {}: {cause}", plan.path.display());
            error::RELOAD_FAILED
        })?;
    }
    let fresh = load_snapshot(shared, &config).map_err(|interrupted| {
        warn!("{interrupted}");
        error::RELOAD_FAILED
    })?;
    replace(&fresh, locked, &options)?;
    if config.appendonly && (options.no_save || options.no_flush) {
        // The log does not lead to what is there now, until it has a new base.
        shared.keyspace.log().set_whole(false);
        save::begin(shared, locked, now, Task::Rewrite);
    }
    locked.release();
    shared.nudge_all();
    ctx.reply.ok();
    DONE
}

/// Takes every stripe, when no snapshot or rewrite is under way, which use the same files.
fn hold_everything<'a, 'k>(ctx: &'a mut Ctx<'_, 'k>) -> Result<&'a mut Locked<'k>, error::Error> {
    if ctx.nested {
        return Err(error::RELOAD_NESTED);
    }
    let locked = &mut *ctx.keys.locked;
    locked.acquire(&StripeSet::All);
    if ctx.shared.gate(gate::LOADING) {
        // It waited for another such command.
        locked.release();
        return Err(error::LOADING);
    }
    if ctx.shared.storage.snapshots.status.lock().current.is_some() {
        locked.release();
        return Err(error::SAVE_IN_PROGRESS);
    }
    Ok(locked)
}

/// A keyspace striped like that of the server, with what the snapshot holds.
fn load_snapshot(shared: &Shared, config: &Config) -> Result<Keyspace, Interrupted> {
    struct NoLog;
    impl Replay for NoLog {
        fn begin_file(&mut self) {}
        fn annotate(&mut self, _annotation: Annotation) -> Result<(), String> {
            Ok(())
        }
        fn apply(&mut self, _request: crate::resp::Request<'_>) -> Result<(), String> {
            Err("a snapshot holds no commands".into())
        }
    }
    let fresh = Keyspace::new(config.databases as usize, shared.cores());
    let places = places(config);
    let path = places.snapshot();
    let loader = Loader {
        disk: &*shared.storage.disk,
        places: &places,
        with_log: false,
        keyspace: &fresh,
        manner: manner(shared, config),
        progress: &Progress::default(),
    };
    let loaded = loader.load(&mut NoLog)?;
    match loaded.files.is_empty() {
        true => Err(missing(&path)),
        false => Ok(fresh),
    }
}

fn missing(path: &Path) -> Interrupted {
    use crate::storage::recovery::Failure;
    Failure::of(path, "there is no snapshot", "SAVE makes one").into()
}

/// Puts what was loaded in the place of what is there, or beside it.
fn replace(
    fresh: &Keyspace,
    locked: &mut Locked<'_>,
    options: &Options,
) -> Result<(), error::Error> {
    let keyspace = locked.keyspace();
    let mut loaded = Locked::new(fresh);
    loaded.acquire(&StripeSet::All);
    if options.no_flush && !options.merge && share_a_key(locked, &mut loaded) {
        return Err(error::RELOAD_FAILED);
    }
    for (number, stripe) in locked.iter_mut() {
        for db in 0..keyspace.databases() {
            let arrived = std::mem::take(&mut loaded.stripe(number).dbs[db]);
            if options.no_flush {
                merge(stripe, db, arrived);
            } else {
                database::announce(stripe, db, None);
                drop(stripe.empty(db));
                stripe.dbs[db] = arrived;
            }
        }
        keyspace.set_next_deadline_ms(number, stripe.next_deadline_ms());
        keyspace.set_next_alarm_ms(number, stripe.next_alarm_ms());
    }
    Ok(())
}

fn share_a_key(locked: &mut Locked<'_>, loaded: &mut Locked<'_>) -> bool {
    let databases = locked.keyspace().databases();
    locked.iter_mut().any(|(number, stripe)| {
        (0..databases).any(|db| {
            let arrived = &loaded.stripe(number).dbs[db];
            let mut entries = (0..arrived.positions()).filter_map(|at| arrived.entry_at(at));
            entries.any(|entry| stripe.dbs[db].position(&entry.key).is_some())
        })
    })
}

/// Adds what arrived, in the place of what is there.
fn merge(stripe: &mut Stripe, db: usize, mut arrived: Db) {
    for position in 0..arrived.positions() {
        if arrived.entry_at(position).is_none() {
            continue;
        }
        let entry = arrived.remove(position);
        let table = &mut stripe.dbs[db];
        if let Some(there) = table.position(&entry.key) {
            drop(table.remove(there));
        }
        let (usage, deadline_ms) = (entry.usage(), entry.deadline_ms());
        let position = table.insert(&entry.key, entry.value, 0);
        table.set_usage(position, usage);
        if deadline_ms != NEVER {
            table.set_deadline_ms(position, deadline_ms);
        }
        stripe.signal_changed(db, &entry.key);
    }
}

/// `DEBUG LOADAOF`: forgets the data and replays the log.
pub fn load_aof(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let (shared, config) = (ctx.shared, ctx.local.config.clone());
    let log = shared.keyspace.log();
    let locked = hold_everything(ctx)?;
    if !log.is_whole() || !await_writer(shared) {
        locked.release();
        return Err(error::LOADAOF_FAILED);
    }
    shared.set_gate(gate::LOADING, true);
    log.set_recording(false);
    for (_, stripe) in locked.iter_mut() {
        for db in 0..shared.keyspace.databases() {
            database::announce(stripe, db, None);
            drop(stripe.empty(db));
        }
    }
    function::forget_all(shared);
    locked.release();
    let places = places(&config);
    let loader = Loader {
        disk: &*shared.storage.disk,
        places: &places,
        with_log: true,
        keyspace: &shared.keyspace,
        manner: manner(shared, &config),
        progress: &shared.storage.loading,
    };
    if let Err(interrupted) = loader.load(&mut Replayer::new(shared)) {
        // What is in memory is a part of the data, which must not come to be saved.
        tracing::error!("the server ends, its files are as they were: {interrupted}");
        std::process::exit(1);
    }
    shared.storage.loading.end();
    locked.acquire(&StripeSet::All);
    for (number, stripe) in locked.iter_mut() {
        let deadline_ms = stripe.next_deadline_ms();
        shared.keyspace.set_next_deadline_ms(number, deadline_ms);
        stripe.dbs.iter_mut().for_each(Db::count_anew);
        let alarm_ms = stripe.next_alarm_ms();
        shared.keyspace.set_next_alarm_ms(number, alarm_ms);
    }
    log.set_recording(true);
    shared.set_gate(gate::LOADING, false);
    locked.release();
    shared.nudge_all();
    ctx.reply.ok();
    DONE
}

/// Waits until the log is in its files; false if its writer does not come to it.
fn await_writer(shared: &Shared) -> bool {
    let log = shared.keyspace.log();
    (0..LOG_POLLS.1).any(|_| {
        let is_written = log.is_written() && shared.storage.aof.queued_bytes() == 0;
        if !is_written {
            log.call();
            std::thread::sleep(LOG_POLLS.0);
        }
        is_written
    })
}
