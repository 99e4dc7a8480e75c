//! From a request to its reply: find the row, look at the client's state, take the stripes, run the handler, let what
//! follows from it follow.

mod admit;
mod find;
mod settle;
mod slow;

pub use admit::{Shut, disk_refusal, shut_meanwhile};
pub use find::{Unfit, resolve};
pub use settle::settle;
pub use slow::record_latency;

use super::acl::{Place, log::Context};
use super::ctx::{Ctx, Flow, Local, LongReply};
use super::error::{self, Error};
use super::keys::{Changes, Keys};
use super::meter::Meter;
use super::registry::{self, Command, Hold};
use super::session::{Queued, ReplyMode, Session};
use super::shared::{Shared, gate};
use super::table::words::flag;
use super::{Args, block, evict, monitor, transaction};
use crate::base::clock::Now;
use crate::keyspace::{Locked, StripeSet};
use crate::resp::{Mark, OwnedRequest, Reply, Request};
use admit::{awaits_mail, is_paused, may_run, queues};
use find::{Refusal, find};
use slow::watch_slow;

/// What a script is given, or a transaction answers, is not larger than this by a long reply.
const MAX_NESTED_REPLY_BYTES: usize = 512 * 1024 * 1024;

/// What commands run in: a core, at a moment, with the stripes it holds.
pub struct Env<'a, 'k> {
    /// What all cores share.
    pub shared: &'k Shared,
    /// This core's own state.
    pub local: &'a mut Local,
    /// The stripes held from command to command.
    pub locked: &'a mut Locked<'k>,
    /// What the current command has changed.
    pub changes: &'a mut Changes,
    /// The time.
    pub now: Now,
    /// Times the commands.
    pub meter: Meter<'k>,
}

impl<'k> Env<'_, 'k> {
    /// Where rights are checked.
    pub fn place(&self, context: Context) -> Place<'k> {
        Place {
            shared: self.shared,
            core: self.local.core,
            now: self.now,
            context,
        }
    }

    /// The keyspace in database `db`, for what no client asked for.
    pub fn keys(&mut self, db: usize) -> Keys<'_, 'k> {
        Keys {
            locked: self.locked,
            changes: self.changes,
            db,
            now_ms: self.now.unix_ms,
            steady_ms: self.now.steady_ms,
            limits: self.local.node_limits(),
            touch: false,
            counting: None,
            replaying: self.local.replaying,
            keeps_expired: false,
        }
    }
}

/// What the server does with the connection next.
#[derive(Debug)]
pub enum Next {
    /// Goes on with its next request.
    Continue,
    /// Waits until the blocked client is served.
    Blocked,
    /// Writes the rest of a long reply before its next request.
    Long(Box<dyn LongReply>),
    /// The same request is to be executed later: clients are paused, or the client has to hear its mail first.
    Paused,
    /// The connection closes at once, without a further reply.
    Abort,
}

/// Executes one request of a client and writes its reply.
#[inline]
pub fn execute(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    request: Request<'_>,
    reply: &mut Reply,
) -> Next {
    if request.is_empty() {
        return Next::Continue;
    }
    let shut = env.shared.gates.load(std::sync::atomic::Ordering::Relaxed);
    if shut != 0 || session.is_special() {
        return execute_special(env, session, request, reply);
    }
    match find(env.local, request) {
        Ok(command) if evict::has_room(env, command.is(flag::DENYOOM)) => {
            run(env, session, command, &request, reply)
        }
        Ok(command) => refuse(
            env,
            session,
            Refusal::of(command, error::OUT_OF_MEMORY),
            reply,
        ),
        Err(refusal) => refuse(env, session, refusal, reply),
    }
}

/// Executes a request that the log holds, whatever state clients are in.
pub fn replay(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    request: Request<'_>,
    reply: &mut Reply,
) {
    match find(env.local, request) {
        Ok(command) => drop(run_apart(env, session, command, request, reply)),
        Err(refusal) => drop(refuse(env, session, refusal, reply)),
    }
}

#[cold]
fn refuse(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    mut refusal: Refusal,
    reply: &mut Reply,
) -> Next {
    if refusal.abort {
        return Next::Abort;
    }
    if refusal
        .command
        .is_some_and(|command| command.spec.name == "exec")
    {
        // An EXEC that cannot run is the end of its transaction all the same.
        env.locked.release();
        session.multi = None;
        transaction::forget_watch(env.shared, session);
        refusal.error = error::exec_abort(&refusal.error);
    }
    reject(env, refusal.command, &refusal.error, reply);
    Next::Continue
}

/// Writes what is left of a long reply that began at `mark` and is part of a script or a transaction, so that all of it has to be there at
/// once; one that makes too much of that is refused.
pub fn write_nested(
    env: &Env<'_, '_>,
    command: &'static Command,
    (mut rest, mark): (Box<dyn LongReply>, Mark),
    reply: &mut Reply,
) {
    loop {
        if reply.len().saturating_add(rest.least_bytes()) > MAX_NESTED_REPLY_BYTES {
            reply.rollback(mark);
            return reject(env, Some(command), &error::REPLY_TOO_LARGE, reply);
        }
        if rest.write_some(reply) {
            return;
        }
    }
}

/// Answers in the place of a command that is not run.
pub fn reject(
    env: &Env<'_, '_>,
    command: Option<&'static Command>,
    error: &Error,
    reply: &mut Reply,
) {
    let stats = &env.shared.stats[env.local.core];
    if let Some(command) = command {
        stats.commands[command.id].rejected.add(1);
    }
    stats.error(error.code());
    reply.error(error.text());
}

/// The way of a request when a gate is shut or the client is in some special state.
#[cold]
fn execute_special(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    request: Request<'_>,
    reply: &mut Reply,
) -> Next {
    if session.reply_mode == ReplyMode::SkipNext {
        session.reply_mode = ReplyMode::Skip;
    }
    let wants_replies = session.reply_mode == ReplyMode::On;
    let mark = reply.mark();
    let found = find(env.local, request);
    let renamed = found
        .as_ref()
        .ok()
        .and_then(|command| by_own_name(command, request));
    let request = renamed.as_ref().map_or(request, OwnedRequest::as_request);
    let next = match found.and_then(|command| {
        may_run(env, session, command, request).map_err(|error| Refusal::of(command, error))?;
        Ok(command)
    }) {
        Ok(command) if is_paused(env, session, command, request) => {
            session.last_command = Some(command);
            return Next::Paused;
        }
        Ok(command) if awaits_mail(env, session, command) => return Next::Paused,
        Ok(command) if queues(session, command) => {
            queue(session, command, request, reply);
            Next::Continue
        }
        Ok(command) => run_apart(env, session, command, request, reply),
        Err(refusal) => {
            if let Some(multi) = &mut session.multi {
                multi.refused = true;
            }
            refuse(env, session, refusal, reply)
        }
    };
    if std::mem::take(&mut env.local.mailed_self) && session.subscriptions.is_some() {
        // What the client has just told itself comes before its next reply.
        env.local.yielding = true;
    }
    let next = match next {
        // The reply is yet to come: what ends the wait drops it, or the next attempt.
        Next::Blocked | Next::Paused => next,
        next if wants_replies => next,
        next => drop_reply(session, reply, mark, next),
    };
    if let Some(pushed) = session.pushed.take() {
        reply.append(*pushed);
    }
    next
}

/// Takes back the reply of a command whose client wanted none, unless that has changed its mind.
fn drop_reply(session: &mut Session, reply: &mut Reply, mark: Mark, next: Next) -> Next {
    let mode = session.reply_mode;
    if mode == ReplyMode::Skip {
        session.reply_mode = ReplyMode::On;
    }
    if !matches!(mode, ReplyMode::Off | ReplyMode::Skip) {
        return next;
    }
    reply.rollback(mark);
    match next {
        Next::Long(_) => Next::Continue,
        next => next,
    }
}

/// The request as it would be had the command not been renamed: what is queued, kept and logged calls commands by their own names.
pub fn by_own_name(command: &Command, request: Request<'_>) -> Option<OwnedRequest> {
    let own_name = registry::own_name_if_renamed(command)?;
    let args = request.iter().skip(1);
    Some(OwnedRequest::from_args(
        std::iter::once(own_name.as_bytes()).chain(args),
    ))
}

fn queue(
    session: &mut Session,
    command: &'static Command,
    request: Request<'_>,
    reply: &mut Reply,
) {
    let Some(multi) = &mut session.multi else {
        return;
    };
    session.last_command = Some(command);
    if !multi.refused {
        let request = request.to_owned();
        multi.bytes += request.heap_bytes() + size_of::<Queued>();
        multi.queue.push(Queued { command, request });
    }
    reply.simple("QUEUED");
}

/// `run`, compiled apart from the way that most requests go.
#[inline(never)]
fn run_apart(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    command: &'static Command,
    request: Request<'_>,
    reply: &mut Reply,
) -> Next {
    run(env, session, command, &request, reply)
}

/// Takes the stripes, runs the handler, serves whom it fed.
#[inline(always)]
fn run(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    command: &'static Command,
    request: &Request<'_>,
    reply: &mut Reply,
) -> Next {
    match command.hold {
        Hold::OneKey(index) => {
            let keyspace = env.locked.keyspace();
            let stripe = keyspace.stripe_of(request.arg(index as usize));
            if !env.locked.acquire_one_soon(stripe) {
                return refuse_busy(env, session, command, reply);
            }
        }
        Hold::NoKey if command.subscribes => {
            if awaits_mail(env, session, command) {
                return Next::Paused;
            }
            session.heard = false;
            env.locked.release();
        }
        Hold::Keys => {
            let stripes = command.stripes(env.locked.keyspace(), *request);
            if !env.locked.acquire_soon(&stripes) {
                return refuse_busy(env, session, command, reply);
            }
        }
        Hold::All => {
            if !env.locked.acquire_soon(&StripeSet::All) {
                return refuse_busy(env, session, command, reply);
            }
        }
        Hold::Script => return run_script(env, session, command, (*request, reply)),
        Hold::Nothing if !command.is(flag::ALLOW_BUSY) => {
            return run_round(env, session, command, (*request, reply));
        }
        // What others wait for is not held while something else is done.
        Hold::NoKey | Hold::Nothing => env.locked.release(),
    }
    if let Some(shut) = shut_meanwhile(env, session, command, *request) {
        return stop(env, session, command, shut, reply);
    }
    run_held(env, session, command, request, reply)
}

/// Runs a command that goes round the stripes by itself, while no script runs.
#[inline(never)]
fn run_round(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    command: &'static Command,
    (request, reply): (Request<'_>, &mut Reply),
) -> Next {
    env.locked.release();
    let keyspace = env.locked.keyspace();
    // A transaction takes its own turn, once it knows whether it runs a script.
    let turn = match command.spec.name {
        "exec" => None,
        _ => match keyspace.round_turn() {
            Some(turn) => Some(turn),
            None => return refuse_busy(env, session, command, reply),
        },
    };
    let next = run_held(env, session, command, &request, reply);
    drop(turn);
    // A transaction may have run a script.
    make_up(env);
    next
}

/// Runs a script in the scripts' turn, with the stripes of the keys that it declares.
#[inline(never)]
fn run_script(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    command: &'static Command,
    (request, reply): (Request<'_>, &mut Reply),
) -> Next {
    let keyspace = env.locked.keyspace();
    let turn = keyspace.try_script_turn().or_else(|| {
        // Stripes come after the turn.
        env.locked.release();
        keyspace.script_turn()
    });
    if turn.is_none() || !env.locked.acquire_soon(&command.stripes(keyspace, request)) {
        return refuse_busy(env, session, command, reply);
    }
    let next = match shut_meanwhile(env, session, command, request) {
        Some(shut) => stop(env, session, command, shut, reply),
        None => run_held(env, session, command, &request, reply),
    };
    make_up(env);
    end_turn(env, turn);
    next
}

#[cold]
fn stop(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    command: &'static Command,
    shut: Shut,
    reply: &mut Reply,
) -> Next {
    match shut {
        Shut::Loading => refuse(env, session, Refusal::of(command, error::LOADING), reply),
        Shut::Paused => {
            session.last_command = Some(command);
            Next::Paused
        }
    }
}

/// Ends a script's turn, unless it leaves stripes locked for ever, which another script might reach for.
pub fn end_turn<T>(env: &Env<'_, '_>, turn: T) {
    if env.locked.is_abandoned() {
        std::mem::forget(turn);
    }
}

/// Makes up for what others had to leave undone, if there has been a script that was busy.
#[inline]
fn make_up(env: &mut Env<'_, '_>) {
    if env.shared.running.take_was_busy() {
        make_up_everywhere(env);
    }
}

/// Waiters may have had to wait for the script, and clients gave up what they watched.
#[cold]
fn make_up_everywhere(env: &mut Env<'_, '_>) {
    if !env.locked.acquire_soon(&StripeSet::All) {
        // The next script is busy already.
        return env.shared.running.put_was_busy_back();
    }
    for (_, stripe) in env.locked.iter_mut() {
        stripe.watched.forget_raised();
    }
    block::serve_ready(env);
}

/// A script holds what the command needs, and does so for long.
#[cold]
fn refuse_busy(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    command: &'static Command,
    reply: &mut Reply,
) -> Next {
    let error = env.shared.running.refusal();
    refuse(env, session, Refusal::of(command, error), reply)
}

/// Runs the handler under the stripes held, serves whom it fed.
#[inline(always)]
fn run_held(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    command: &'static Command,
    request: &Request<'_>,
    reply: &mut Reply,
) -> Next {
    loop {
        if let Some(reach) = command.spec.reach {
            let wanted = |env: &mut Env<'_, '_>| reach(&mut env.keys(session.db), *request);
            if !reach_out(env, wanted) {
                return refuse_busy(env, session, command, reply);
            }
        }
        if !env.locked.any_ready() {
            break;
        }
        // It may let go of all for a moment, in which others may change what is to be reached.
        if !block::serve_ready(env) {
            return refuse_busy(env, session, command, reply);
        }
    }
    let flow = invoke(env, session, command, request, reply, false);
    if !matches!(flow, Flow::Paused) {
        monitor::feed(env, session, command, *request);
    }
    let next = match flow {
        Flow::Done => Next::Continue,
        Flow::Long(rest) => Next::Long(rest),
        Flow::Block(blocked) => {
            block::enter(env, session, *request, *blocked);
            Next::Blocked
        }
        Flow::Paused => {
            session.last_command = Some(command);
            Next::Paused
        }
    };
    if env.locked.any_ready() {
        block::serve_ready(env);
    }
    next
}

/// Also holds the stripes that `wanted` asks for, which looks at what is held. Where they cannot be had at once, all are let go and taken
/// again in order, and it looks again; false, and nothing is held, if a script holds one of them for long.
#[cold]
#[must_use]
pub fn reach_out(env: &mut Env<'_, '_>, wanted: impl Fn(&mut Env<'_, '_>) -> StripeSet) -> bool {
    loop {
        let wanted = wanted(env);
        if env.locked.try_extend(&wanted) {
            return true;
        }
        let mut all = env.locked.held();
        all.union(&wanted);
        env.locked.release();
        if !env.locked.acquire_soon(&all) {
            return false;
        }
    }
}

/// Calls the handler, turns its error into a reply, counts, and lets its changes follow. The stripes are held.
#[inline(always)]
pub fn invoke(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    command: &'static Command,
    request: &Request<'_>,
    reply: &mut Reply,
    nested: bool,
) -> Flow {
    env.meter.begin(command);
    session.last_command = Some(command);
    let mark = reply.mark();
    let began = env.locked.effects.begin();
    let db = session.db;
    let handler = command
        .spec
        .handler
        .expect("dispatch runs only rows with a handler");
    let outcome = handler(
        &mut Ctx {
            shared: env.shared,
            keys: Keys {
                locked: env.locked,
                changes: env.changes,
                db: session.db,
                now_ms: env.now.unix_ms,
                steady_ms: env.now.steady_ms,
                limits: env.local.node_limits(),
                touch: !session.no_touch,
                counting: env.local.counting(),
                replaying: env.local.replaying,
                keeps_expired: env.shared.gate(gate::PAUSED) && !command.is(flag::WRITE),
            },
            local: env.local,
            session,
            reply,
            now: env.now,
            command,
            nested,
        },
        Args::new(request, command.names),
    );
    let is_put_off = matches!(outcome, Ok(Flow::Block(_) | Flow::Paused));
    session.commands += u64::from(!is_put_off);
    let flow = outcome.unwrap_or_else(|error| {
        reply.rollback(mark);
        fail(env, command, &error, reply)
    });
    if env.locked.keyspace().log().is_recording() {
        // A request that changed something is logged as it was sent, unless its handler has said what to log.
        let effects = &mut env.locked.effects;
        if env.changes.dirty > 0 && !effects.has_told() {
            effects.request(db, *request);
        }
        if !nested {
            effects.end(began);
        }
    }
    settle(env);
    if is_put_off {
        // It counts when its wait ends, however that does.
        env.meter.skip();
    } else if let Some(ns) = env.meter.end(command, request.len()) {
        watch_slow(env, session, command, *request, ns);
    }
    flow
}

#[cold]
fn fail(env: &Env<'_, '_>, command: &Command, error: &Error, reply: &mut Reply) -> Flow {
    reply.error(error.text());
    let stats = env.meter.stats();
    stats.commands[command.id].failed.add(1);
    stats.error(error.code());
    Flow::Done
}
