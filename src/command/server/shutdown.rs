//! SHUTDOWN, and what a signal to stop does: the orderly end.
//!
//! Where `save` asks for snapshots, or SHUTDOWN does, one is taken first. Until it is written, commands that write wait, so that none
//! is answered whose effect it lacks; others go on. If it cannot be written the server stays, unless told to go whatever happens.
//!
//! A script that has written is let finish, but for SHUTDOWN NOSAVE: it ends a script in its midst, and nothing of what that did is logged,
//! answered, or seen by anybody. Where one takes long, a signal waits for its end, and SHUTDOWN is refused.
//!
//! A log that was turned on and has no base yet holds nothing that could be started from: a signal waits for the base, SHUTDOWN is
//! refused as in Redis.

use super::save;
use crate::base::clock::Now;
use crate::command::ctx::{Block, Ctx, DONE, Flow, Outcome};
use crate::command::mail::Mail;
use crate::command::shared::{Shared, gate};
use crate::command::{Args, error};
use crate::keyspace::waiters::Awaits;
use crate::storage::snapshot::{self, Task};
use tracing::{info, warn};

/// Whether to save before the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Saving {
    /// If `save` asks for snapshots at all.
    #[default]
    AsConfigured,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// A shutdown that waits for its save.
#[derive(Debug, Default)]
pub struct Shutdown {
    /// It goes on even if the save fails.
    force: bool,
    /// The clients that ordered it.
    clients: Vec<u64>,
    /// How often it has saved again.
    repeats: usize,
    /// It waits for the log to have a base, to go on so.
    after_base: Option<Saving>,
}

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`: no reply unless it fails, the connection closes as all do.
pub fn run(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (mut save, mut no_save, mut now, mut force, mut abort) =
        (false, false, false, false, false);
    while !args.is_empty() {
        let flag = [
            ("NOSAVE", &mut no_save),
            ("SAVE", &mut save),
            ("NOW", &mut now),
            ("FORCE", &mut force),
            ("ABORT", &mut abort),
        ]
        .into_iter()
        .find_map(|(word, flag)| args.keyword(word).then_some(flag));
        *flag.ok_or(error::SYNTAX)? = true;
    }
    let others = save || no_save || now || force;
    if (save && no_save) || (abort && others) {
        return Err(error::SYNTAX);
    }
    if abort {
        return self::abort(ctx);
    }
    if !no_save && ctx.shared.running.is_busy() {
        return Err(ctx.shared.running.refusal());
    }
    let saving = match (save, no_save) {
        (true, _) => Saving::Always,
        (_, true) => Saving::Never,
        _ => Saving::AsConfigured,
    };
    if !force && save::lacks_base(ctx.shared) {
        warn!("SHUTDOWN is refused: the log was turned on and has no base yet");
        return Err(error::SHUTDOWN_FAILED);
    }
    info!("SHUTDOWN by client {}: shutting down", ctx.session.id);
    ctx.keys.locked.release();
    if begin(ctx.shared, ctx.now, saving, force, Some(ctx.session.id)) {
        ctx.session.closing = true;
        return DONE;
    }
    Ok(Flow::Block(Box::new(Block {
        awaits: Awaits::Staying,
        ..Block::until_told()
    })))
}

/// A client that ordered a shutdown waits now, and can be told that the server stays: if it does by now, that is told at once.
pub fn waits(shared: &Shared, client: u64) {
    let is_ordered_by_it = |shutdown: &Shutdown| shutdown.clients.contains(&client);
    let is_coming = shared
        .shutdown
        .lock()
        .as_ref()
        .is_some_and(is_ordered_by_it);
    if !is_coming && !shared.gate(gate::STOPPING) {
        tell_of_stay(shared, client);
    }
}

fn abort(ctx: &mut Ctx<'_, '_>) -> Outcome {
    let shutdown = ctx.shared.shutdown.lock().take();
    let shutdown = shutdown.ok_or(error::NO_SHUTDOWN)?;
    if shutdown.after_base.is_none() {
        let mut status = ctx.shared.storage.snapshots.status.lock();
        // A SAVE may wait for it, too.
        status.save_scheduled &= !status.waiting.is_empty();
        ctx.shared.storage.snapshots.progress.cancel();
    }
    stay(ctx.shared, &shutdown);
    ctx.reply.ok();
    DONE
}

/// Begins to shut the server down; no stripe is held. True if it stops now, false if it saves first.
pub fn begin(shared: &Shared, now: Now, saving: Saving, force: bool, client: Option<u64>) -> bool {
    if !force && awaits_base(shared, saving) {
        return false;
    }
    let must_save = match saving {
        // There is nothing to save that the files do not have.
        _ if shared.gate(gate::LOADING) => false,
        Saving::Always => true,
        Saving::Never => false,
        Saving::AsConfigured => !shared.config.load().save.is_empty(),
    };
    if !must_save {
        shared.storage.snapshots.progress.cancel();
        if saving == Saving::Never {
            shared.running.abandon();
        }
        shared.stop();
        return true;
    }
    {
        let mut shutdown = shared.shutdown.lock();
        let is_second = shutdown.is_some();
        let shutdown = shutdown.get_or_insert_default();
        shutdown.force |= force;
        shutdown.clients.extend(client);
        if is_second {
            return false;
        }
    }
    shared.set_gate(gate::SAVING_TO_STOP, true);
    info!("saving the data before the end");
    if !save::begin_now(shared, now, Task::Save) {
        // A script holds stripes for long, or something is being written, which is not of this moment: core 0 begins when it can.
        let mut status = shared.storage.snapshots.status.lock();
        status.save_scheduled = true;
        if status.current.is_some() {
            shared.storage.snapshots.progress.cancel();
        }
    }
    false
}

/// True if the shutdown has to wait for the base of the log; it then goes on by itself.
fn awaits_base(shared: &Shared, saving: Saving) -> bool {
    if !save::lacks_base(shared) {
        return false;
    }
    info!("the log was turned on and has no base yet: waiting for it before the end");
    shared.shutdown.lock().get_or_insert_default().after_base = Some(saving);
    {
        let mut status = shared.storage.snapshots.status.lock();
        status.rewrites.failures = 0;
        save::schedule_base(shared, &mut status);
    }
    let waits = save::lacks_base(shared);
    if !waits {
        // It came meanwhile, perhaps before anybody was known to wait.
        *shared.shutdown.lock() = None;
    }
    waits
}

/// A rewrite of the log has ended, after which a shutdown may go on.
pub fn rewritten(shared: &Shared, now: Now, has_failed: bool) {
    let lacks_base = save::lacks_base(shared);
    let (saving, shutdown) = {
        let mut waiting = shared.shutdown.lock();
        let saving = waiting.as_ref().and_then(|shutdown| shutdown.after_base);
        let Some(saving) = saving.filter(|_| has_failed || !lacks_base) else {
            return;
        };
        (saving, waiting.take())
    };
    if !lacks_base {
        begin(shared, now, saving, false, None);
    } else if let Some(shutdown) = shutdown {
        warn!("the log cannot be given a base: the server stays");
        stay(shared, &shutdown);
    }
}

/// Times that the data is saved again because it was changed after all.
const MAX_REPEATS: usize = 3;

/// A save has ended, after which a shutdown may go on.
pub fn saved(shared: &Shared, outcome: &snapshot::Outcome) {
    let mut ordered = shared.shutdown.lock();
    let Some(shutdown) = &mut *ordered else {
        return;
    };
    if matches!(outcome, snapshot::Outcome::Cancelled) {
        // It was given up before this shutdown was ordered, or for its sake.
        shared.storage.snapshots.status.lock().save_scheduled = true;
        return;
    }
    let is_written = matches!(outcome, snapshot::Outcome::Written { .. });
    let unsaved = shared.changes() != shared.storage.snapshots.status.lock().saved_changes;
    if is_written && unsaved && shutdown.repeats < MAX_REPEATS {
        // A command that was under way when writes were held up has come after the save's moment.
        shutdown.repeats += 1;
        shared.storage.snapshots.status.lock().save_scheduled = true;
        return;
    }
    if (is_written && !save::lacks_base(shared)) || shutdown.force {
        return shared.stop();
    }
    warn!("the data cannot be saved: the server stays");
    let shutdown = std::mem::take(shutdown);
    *ordered = None;
    drop(ordered);
    stay(shared, &shutdown);
}

/// The server does not go down after all.
fn stay(shared: &Shared, shutdown: &Shutdown) {
    shared.set_gate(gate::SAVING_TO_STOP, false);
    for core in 0..shared.cores() {
        shared.send(core, Mail::Resume);
    }
    for client in &shutdown.clients {
        tell_of_stay(shared, *client);
    }
}

fn tell_of_stay(shared: &Shared, client: u64) {
    save::tell(shared, client, |reply| {
        reply.error(error::SHUTDOWN_FAILED.text());
    });
}
