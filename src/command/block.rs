//! Clients that wait on keys: how a wait begins, how waiters are served, how a wait ends otherwise.
//!
//! Serving runs a waiter's whole command again, under the stripes of all its keys, in order of arrival per key, right after the
//! command that made a key ready and before any other command on that stripe. The command that finds nothing for it waits on. One
//! that moves an element on may make another key ready, which is served in turn.
//!
//! The feeding command holds only its own keys' stripes; a waiter may need more. They are taken without waiting if possible. If
//! not, everything is let go and taken again in order: the key is still in its stripe's `ready` list, and whoever takes
//! that stripe first serves it first, so no command can slip in between.
//!
//! Nothing is taken for a client that has hung up before the push. Its own core ends its wait when it hears of that; another core
//! asks the socket. The socket is there until the attempt to serve is over, since whoever closes it claims the waiter first.

use super::acl::{self, log::Context};
use super::clients::{self, ClientRecord};
use super::ctx::{Block, Flow};
use super::dispatch::{Env, invoke, reject};
use super::error;
use super::evict;
use super::mail::Mail;
use super::registry::{self, Command, Hold};
use super::session::Session;
use super::shared::Shared;
use super::stats::CoreStats;
use super::table::words::flag;
use crate::keyspace::waiters::{Awaits, OnTimeout, Wait};
use crate::keyspace::{Log, StripeSet, Waiter};
use crate::resp::{Reply, Request};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The client waits from now on. The stripes of its keys are held.
pub fn enter(env: &mut Env<'_, '_>, session: &mut Session, request: Request<'_>, block: Block) {
    let waiter = Waiter::new(Wait {
        core: env.local.core,
        token: session.token,
        client_id: session.id,
        db: session.db,
        version: session.version,
        request: block.request.unwrap_or_else(|| request.to_owned()),
        keys: block.keys,
        awaits: block.awaits,
        on_timeout: block.on_timeout,
        deadline_ms: block.deadline_ms,
        since: env.now,
    });
    for key in &waiter.wait.keys {
        env.locked
            .stripe_of(key)
            .waiting
            .add(session.db, key, &waiter);
    }
    env.shared.clients.blocked.fetch_add(1, Ordering::Relaxed);
    *session.record.waiter.lock() = Some(waiter.clone());
    session.blocked = Some(waiter);
}

/// Serves the waiters of all keys that became ready in the stripes held, the key that became so first first. False if a script holds for long
/// what a waiter needs: then nothing is held any more, and they are served when the script is over.
#[cold]
pub fn serve_ready(env: &mut Env<'_, '_>) -> bool {
    while let Some((stripe, db, key)) = next_ready(env) {
        match serve_key(env, db, &key) {
            Served::All => {
                env.locked.stripe(stripe).ready.remove(db, &key);
            }
            Served::Needs(stripes) => {
                let mut all = env.locked.held();
                all.union(&stripes);
                env.locked.release();
                if !env.locked.acquire_soon(&all) {
                    return false;
                }
            }
        }
    }
    true
}

fn next_ready(env: &mut Env<'_, '_>) -> Option<(usize, usize, Box<[u8]>)> {
    let (_, index, (db, key)) = env
        .locked
        .iter_mut()
        .filter_map(|(index, stripe)| {
            let (order, key) = stripe.ready.first()?;
            Some((order, index, key))
        })
        .min_by_key(|(order, ..)| *order)?;
    Some((index, *db as usize, key.clone()))
}

enum Served {
    /// Everybody who could be served has been.
    All,
    /// A waiter needs these stripes, which could not be had without waiting.
    Needs(StripeSet),
}

fn serve_key(env: &mut Env<'_, '_>, db: usize, key: &[u8]) -> Served {
    let mut last_ticket = 0;
    while let Some(waiter) = next_waiter(env, db, key, last_ticket) {
        last_ticket = waiter.ticket;
        let stripes = stripes_of(env, &waiter);
        if !env.locked.try_extend(&stripes) {
            return Served::Needs(stripes);
        }
        serve_waiter(env, &waiter);
    }
    Served::All
}

/// The next waiter of `key` after `last_ticket` that what the key holds now may serve.
fn next_waiter(
    env: &mut Env<'_, '_>,
    db: usize,
    key: &[u8],
    last_ticket: u64,
) -> Option<Arc<Waiter>> {
    let now_ms = env.now.unix_ms;
    let stripe = env.locked.stripe_of(key);
    let table = &stripe.dbs[db];
    let held = table
        .position(key)
        .map(|position| table.entry(position))
        .filter(|entry| entry.deadline_ms() > now_ms)
        .map(|entry| entry.value.type_name());
    let queue = stripe.waiting.queue(db, key)?;
    let may_serve = |awaits: Awaits| match awaits {
        Awaits::List => held == Some("list"),
        Awaits::SortedSet => held == Some("zset"),
        Awaits::Stream => held == Some("stream"),
        Awaits::StreamOrLoss | Awaits::StreamOrLease => true,
        Awaits::Nothing | Awaits::Staying | Awaits::Durable(_) => false,
    };
    if held.is_none() && queue.losses() == 0 {
        return None;
    }
    queue
        .after(last_ticket)
        .find(|waiter| may_serve(waiter.wait.awaits))
        .cloned()
}

fn stripes_of(env: &Env<'_, '_>, waiter: &Waiter) -> StripeSet {
    let request = waiter.wait.request.as_request();
    let keyspace = env.locked.keyspace();
    match registry::lookup(request.arg(0)) {
        Some(command) if command.hold != Hold::All => command.stripes(keyspace, request),
        _ => StripeSet::All,
    }
}

/// Runs a waiter's command again; if that gives a reply, the wait is over.
fn serve_waiter(env: &mut Env<'_, '_>, waiter: &Arc<Waiter>) {
    if !waiter.begin_serving() {
        return forget(env, waiter);
    }
    let request = waiter.wait.request.as_request();
    let record = env.shared.clients.find(waiter.wait.client_id);
    let (Some(record), Some(command)) = (
        record.filter(|record| !has_hung_up(env, record)),
        registry::lookup(request.arg(0)),
    ) else {
        waiter.end_serving(true);
        return forget(env, waiter);
    };
    let mut reply = Reply::new(waiter.wait.version);
    let refused = is_refused(env, &record, command, request, &mut reply);
    if !refused && command.is(flag::DENYOOM) && evict::is_short(env) {
        reject(env, Some(command), &error::OUT_OF_MEMORY, &mut reply);
    } else if !refused {
        let mut session = Session::stand_in(record, waiter);
        match invoke(env, &mut session, command, &request, &mut reply, false) {
            Flow::Block(_) | Flow::Paused => return waiter.end_serving(false),
            Flow::Long(mut rest) => while !rest.write_some(&mut reply) {},
            Flow::Done => {}
        }
    }
    waiter.end_serving(true);
    forget(env, waiter);
    if env.locked.keyspace().log().is_recording() {
        env.locked.log_effects();
    }
    env.shared.send(
        waiter.wait.core,
        Mail::Served {
            token: waiter.wait.token,
            client_id: waiter.wait.client_id,
            reply: Box::new(reply),
            logged_to: env.locked.logged_to().max(env.locked.seen_to()),
        },
    );
}

/// True for a client that would not hear what it is served, although its core does not know yet. A core hears of its own clients in the
/// order in which they hang up and others push.
fn has_hung_up(env: &Env<'_, '_>, record: &ClientRecord) -> bool {
    record.core != env.local.core && record.peer.has_hung_up()
}

/// Answers a client that may not run its command any more.
fn is_refused(
    env: &Env<'_, '_>,
    record: &ClientRecord,
    command: &'static Command,
    request: Request<'_>,
    reply: &mut Reply,
) -> bool {
    if !env.shared.users.restrict_anybody() {
        return false;
    }
    let refused = acl::check_waiting(record, command, request).err();
    if let Some(refused) = &refused {
        // Its wait is over.
        record
            .flags
            .fetch_and(!clients::flag::BLOCKED, Ordering::Relaxed);
        refused.note(env.place(Context::TopLevel), record, command, request);
        reject(env, Some(command), &refused.error(command), reply);
    }
    refused.is_some()
}

/// Takes a waiter out of the queues in the stripes held.
fn forget(env: &mut Env<'_, '_>, waiter: &Waiter) {
    let wait = &waiter.wait;
    for key in &wait.keys {
        let stripe = env.locked.keyspace().stripe_of(key);
        if env.locked.holds(stripe) {
            let stripe = env.locked.stripe(stripe);
            stripe.waiting.remove(wait.db, key, waiter.ticket);
        }
    }
}

/// The client's wait is over, however it ended.
pub fn leave(shared: &Shared, session: &mut Session) -> Option<Arc<Waiter>> {
    let waiter = session.blocked.take()?;
    shared.clients.blocked.fetch_sub(1, Ordering::Relaxed);
    *session.record.waiter.lock() = None;
    Some(waiter)
}

/// How a wait ends that is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Time is up, or CLIENT UNBLOCK says to act as if it were.
    Timeout,
    /// CLIENT UNBLOCK ... ERROR.
    Error,
}

/// Counts a command whose wait has ended otherwise than by being served.
pub fn count_unserved(stats: &CoreStats, waiter: &Waiter, ending: Ending) {
    let Some(command) = registry::lookup(waiter.wait.request.as_request().arg(0)) else {
        return;
    };
    stats.calls(command.id, 1, 0, false);
    if ending == Ending::Error {
        stats.commands[command.id].failed.add(1);
        stats.error(error::UNBLOCKED.code());
    }
}

/// Writes the reply of a wait that was claimed and ended without being served.
pub fn write_ending(log: &Log, waiter: &Waiter, ending: Ending, reply: &mut Reply) {
    match (ending, waiter.wait.on_timeout) {
        (Ending::Error, _) => reply.error(error::UNBLOCKED.text()),
        (Ending::Timeout, OnTimeout::NullArray) => reply.null_array(),
        (Ending::Timeout, OnTimeout::Null) => reply.null(),
        (Ending::Timeout, OnTimeout::Int(n)) => reply.int(n),
        (Ending::Timeout, OnTimeout::Durable(offset)) => {
            reply.array(2);
            reply.int(i64::from(log.is_whole() && log.durable() >= offset));
            reply.int(0);
        }
    }
}

/// Takes a waiter whose wait has ended out of all queues, one stripe at a time. Where somebody holds one, that is done later; who serves the key
/// before finds the wait ended, and passes over it.
pub fn leave_queues(env: &mut Env<'_, '_>, waiter: &Arc<Waiter>) {
    if !has_left_queues(env, waiter) {
        env.local.leaving.push(waiter.clone());
    }
}

/// Tries again for those that could not leave all. False if there still are some.
pub fn leave_queues_again(env: &mut Env<'_, '_>) -> bool {
    if env.local.leaving.is_empty() {
        return true;
    }
    let mut leaving = std::mem::take(&mut env.local.leaving);
    leaving.retain(|waiter| !has_left_queues(env, waiter));
    env.local.leaving.append(&mut leaving);
    env.local.leaving.is_empty()
}

fn has_left_queues(env: &mut Env<'_, '_>, waiter: &Waiter) -> bool {
    let (wait, mut has_left) = (&waiter.wait, true);
    for key in &wait.keys {
        let stripe = env.locked.keyspace().stripe_of(key);
        match env.locked.acquire_one_briefly(stripe) {
            true => {
                let stripe = env.locked.stripe(stripe);
                stripe.waiting.remove(wait.db, key, waiter.ticket);
            }
            false => has_left = false,
        }
    }
    env.locked.release();
    has_left
}
