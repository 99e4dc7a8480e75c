//! Transactions: MULTI queues, EXEC runs the queue as one under the stripes of all its keys, WATCH makes EXEC depend on keys
//! staying as they are.

use super::acl::{self, log::Context};
use super::ctx::{Ctx, DONE, Flow, Outcome};
use super::dispatch::{self, Env, Shut};
use super::meter::Meter;
use super::registry::Hold;
use super::session::{Multi, Queued, Session, Watch};
use super::shared::Shared;
use super::{Args, block, error, monitor, script};
use crate::keyspace::{Locked, StripeSet};
use crate::resp::Reply;
use std::sync::atomic::Ordering;

/// `MULTI`: queue what follows.
pub fn multi(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    if ctx.session.multi.is_some() {
        return Err(error::NESTED_MULTI);
    }
    ctx.session.multi = Some(Box::default());
    ctx.reply.ok();
    DONE
}

/// `DISCARD`: drop the queue.
pub fn discard(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    if ctx.session.multi.take().is_none() {
        return Err(error::DISCARD_WITHOUT_MULTI);
    }
    unwatch_all(ctx);
    ctx.reply.ok();
    DONE
}

/// `WATCH key...`: the next EXEC does nothing if one of these changes before it.
pub fn watch(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    if ctx.session.multi.is_some() {
        return Err(error::WATCH_IN_MULTI);
    }
    let db = ctx.session.db;
    let watch = ctx.session.watch.get_or_insert_default();
    for key in args.rest() {
        let known = watch
            .keys
            .iter()
            .any(|(known_db, known)| *known_db == db && **known == *key);
        if known {
            continue;
        }
        // A key whose time is up is gone before it is watched, so that its going is no change later.
        ctx.keys.contains(key);
        let stripe = ctx.keys.stripe(key);
        stripe.watched.add(db, key, &watch.changed);
        watch.keys.push((db, key.into()));
    }
    ctx.reply.ok();
    DONE
}

/// `UNWATCH`: watch nothing any more.
pub fn unwatch(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    unwatch_all(ctx);
    ctx.reply.ok();
    DONE
}

fn unwatch_all(ctx: &mut Ctx<'_, '_>) {
    if let Some(watch) = ctx.session.watch.take() {
        for (db, key) in &watch.keys {
            let stripe = ctx.keys.keyspace().stripe_of(key);
            let removed = ctx.keys.with_stripe_soon(stripe, |keys| {
                keys.stripe(key).watched.remove(*db, key, &watch.changed);
            });
            if removed.is_none() {
                leave_behind(&watch);
            }
        }
    }
}

/// A script holds the stripe of a key for long, which stays watched there: after the script, flags that are raised are dropped.
#[cold]
fn leave_behind(watch: &Watch) {
    watch.changed.store(true, Ordering::Release);
}

/// Forgets what a session that ends was watching; no stripe may be held.
pub fn forget_watch(shared: &Shared, session: &mut Session) {
    let Some(watch) = session.watch.take() else {
        return;
    };
    let mut locked = Locked::new(&shared.keyspace);
    for (db, key) in &watch.keys {
        if !locked.acquire_one_soon(shared.keyspace.stripe_of(key)) {
            leave_behind(&watch);
            continue;
        }
        locked
            .stripe_of(key)
            .watched
            .remove(*db, key, &watch.changed);
    }
}

/// `EXEC`: run the queue.
pub fn exec(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    if ctx.session.is_restricted() {
        // What may be denied in the following is told with the transaction that it was denied in.
        ctx.session.note_state();
    }
    let Some(multi) = ctx.session.multi.take() else {
        return Err(error::EXEC_WITHOUT_MULTI);
    };
    if multi.refused {
        unwatch_all(ctx);
        return Err(error::EXEC_ABORT);
    }
    let meter = Meter::start(&ctx.shared.stats[ctx.local.core], &ctx.local.config);
    let mut env = Env {
        shared: ctx.shared,
        local: ctx.local,
        locked: ctx.keys.locked,
        changes: ctx.keys.changes,
        now: ctx.now,
        meter,
    };
    let keyspace = env.locked.keyspace();
    let runs_script = |queued: &Queued| script::runs_script(queued.command);
    let turn = match multi.queue.iter().any(runs_script) {
        true => keyspace.script_turn().map(Some),
        false => Some(None),
    };
    let stripes = stripes_of(&env, &multi, ctx.session);
    if turn.is_none() || !env.locked.acquire_soon(&stripes) {
        unwatch_all(ctx);
        return Err(error::exec_abort(&ctx.shared.running.refusal()));
    }
    ctx.session.multi = Some(multi);
    let shut = dispatch::shut_meanwhile(&env, ctx.session, ctx.command, args.request());
    if let Some(Shut::Paused) = shut {
        return Ok(Flow::Paused);
    }
    let multi = ctx.session.multi.take().expect("it was just put there");
    if let Some(Shut::Loading) = shut {
        unwatch_all(ctx);
        return Err(error::exec_abort(&error::LOADING));
    }
    while env.locked.any_ready() {
        if !block::serve_ready(&mut env) {
            unwatch_all(ctx);
            return Err(error::exec_abort(&ctx.shared.running.refusal()));
        }
    }
    // What was served just now is no part of the transaction.
    env.locked.log_effects();
    let changed = watched_changed(&mut env, ctx.session);
    if changed {
        ctx.reply.null_array();
    } else {
        run_queue(&mut env, ctx.session, ctx.reply, &multi.queue);
    }
    dispatch::end_turn(&env, turn);
    unwatch_all(ctx);
    DONE
}

fn run_queue(env: &mut Env<'_, '_>, session: &mut Session, reply: &mut Reply, queue: &[Queued]) {
    let (began, mark) = (env.locked.effects.mark(), reply.mark());
    reply.array(queue.len());
    for queued in queue {
        run_queued(env, session, reply, queued);
        if env.locked.is_abandoned() {
            // A script of it was ended in its midst.
            env.locked.effects.forget(began);
            return reply.rollback(mark);
        }
    }
}

fn run_queued(env: &mut Env<'_, '_>, session: &mut Session, reply: &mut Reply, queued: &Queued) {
    let request = queued.request.as_request();
    if let Err(refused) = acl::check(env.shared, session, queued.command, request) {
        let place = env.place(Context::Multi);
        refused.note(place, &session.record, queued.command, request);
        let error = refused.error_at_exec();
        env.meter.stats().error(error.code());
        return reply.error(error.text());
    }
    let mark = reply.mark();
    let flow = dispatch::invoke(env, session, queued.command, &request, reply, true);
    monitor::feed(env, session, queued.command, request);
    match flow {
        Flow::Done => {}
        Flow::Long(rest) => dispatch::write_nested(env, queued.command, (rest, mark), reply),
        Flow::Block(_) | Flow::Paused => unreachable!("a nested command does not wait"),
    }
}

/// The stripes of all keys queued and watched.
fn stripes_of(env: &Env<'_, '_>, multi: &Multi, session: &Session) -> StripeSet {
    let keyspace = env.locked.keyspace();
    let mut all = StripeSet::none();
    for queued in &multi.queue {
        if queued.command.spec.reach.is_some() {
            // What it reaches for may depend on the commands before it.
            return StripeSet::All;
        }
        match queued.command.hold {
            Hold::NoKey => {}
            Hold::All | Hold::Nothing => return StripeSet::All,
            Hold::OneKey(_) | Hold::Keys | Hold::Script => {
                all.union(
                    &queued
                        .command
                        .stripes(keyspace, queued.request.as_request()),
                );
            }
        }
    }
    if let Some(watch) = &session.watch {
        for (_, key) in &watch.keys {
            all.insert(keyspace.stripe_of(key));
        }
    }
    all
}

fn watched_changed(env: &mut Env<'_, '_>, session: &mut Session) -> bool {
    let Some(watch) = &session.watch else {
        return false;
    };
    expire_watched(env, watch);
    watch.changed.load(Ordering::Acquire)
}

/// Looks at every watched key, so that one whose time is up goes now and raises the flag.
fn expire_watched(env: &mut Env<'_, '_>, watch: &Watch) {
    for (db, key) in &watch.keys {
        env.keys(*db).contains(key);
    }
}
