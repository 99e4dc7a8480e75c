//! Subscribing and its opposite. Each name is confirmed by a push of its own: kind, name, number of subscriptions left.

use super::super::ctx::{Ctx, DONE, Local, Outcome};
use super::super::session::Session;
use super::super::{Args, Shared, error};
use crate::pubsub::Subject;
use crate::resp::Reply;
use bytes::Bytes;

/// `SUBSCRIBE channel...`
pub fn subscribe(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    add(ctx, args, Subject::Channel, b"subscribe")
}

/// `PSUBSCRIBE pattern...`
pub fn psubscribe(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    add(ctx, args, Subject::Pattern, b"psubscribe")
}

/// `SSUBSCRIBE shardchannel...`
pub fn ssubscribe(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    if ctx.nested {
        return Err(error::SSUBSCRIBE_IN_MULTI);
    }
    add(ctx, args, Subject::Shard, b"ssubscribe")
}

/// `UNSUBSCRIBE [channel...]`
pub fn unsubscribe(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    remove(ctx, args, Subject::Channel, b"unsubscribe")
}

/// `PUNSUBSCRIBE [pattern...]`
pub fn punsubscribe(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    remove(ctx, args, Subject::Pattern, b"punsubscribe")
}

/// `SUNSUBSCRIBE [shardchannel...]`
pub fn sunsubscribe(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    remove(ctx, args, Subject::Shard, b"sunsubscribe")
}

fn add(ctx: &mut Ctx<'_, '_>, args: Args<'_>, subject: Subject, kind: &[u8]) -> Outcome {
    for name in args.rest() {
        let session = &mut *ctx.session;
        let subscriptions = session.subscriptions.get_or_insert_default();
        let name = Bytes::copy_from_slice(name);
        if subscriptions.of_mut(subject).insert(name.clone()) {
            let core = ctx.local.core;
            ctx.local.listeners.add(subject, &name, session.token);
            ctx.shared.channels.subscribe(subject, &name, core);
        }
        confirm(ctx.session, ctx.reply, subject, kind, Some(&name));
    }
    DONE
}

fn remove(ctx: &mut Ctx<'_, '_>, args: Args<'_>, subject: Subject, kind: &[u8]) -> Outcome {
    if !args.is_empty() {
        for name in args.rest() {
            forget_one(ctx.shared, ctx.local, ctx.session, subject, name);
            confirm(ctx.session, ctx.reply, subject, kind, Some(name));
        }
    } else {
        unsubscribe_subject(ctx, subject, kind);
    }
    tidy(ctx.session);
    DONE
}

fn unsubscribe_subject(ctx: &mut Ctx<'_, '_>, subject: Subject, kind: &[u8]) {
    let names: Vec<Bytes> = match &ctx.session.subscriptions {
        Some(subscriptions) => subscriptions.of(subject).iter().cloned().collect(),
        None => Vec::new(),
    };
    if names.is_empty() {
        confirm(ctx.session, ctx.reply, subject, kind, None);
    }
    for name in names {
        forget_one(ctx.shared, ctx.local, ctx.session, subject, &name);
        confirm(ctx.session, ctx.reply, subject, kind, Some(&name));
    }
}

/// Ends all subscriptions of a client that goes or resets, without telling it.
pub fn forget(shared: &Shared, local: &mut Local, session: &mut Session) {
    for subject in [Subject::Channel, Subject::Pattern, Subject::Shard] {
        let names: Vec<Bytes> = match &session.subscriptions {
            Some(subscriptions) => subscriptions.of(subject).iter().cloned().collect(),
            None => return,
        };
        for name in names {
            forget_one(shared, local, session, subject, &name);
        }
    }
    session.subscriptions = None;
}

fn forget_one(
    shared: &Shared,
    local: &mut Local,
    session: &mut Session,
    subject: Subject,
    name: &[u8],
) {
    if let Some(subscriptions) = &mut session.subscriptions
        && subscriptions.of_mut(subject).remove(name)
    {
        shared.channels.unsubscribe(subject, name, local.core);
        local.listeners.remove(subject, name, session.token);
    }
}

fn tidy(session: &mut Session) {
    if session
        .subscriptions
        .as_ref()
        .is_some_and(|subscriptions| subscriptions.count() == 0)
    {
        session.subscriptions = None;
    }
}

fn confirm(
    session: &Session,
    reply: &mut Reply,
    subject: Subject,
    kind: &[u8],
    name: Option<&[u8]>,
) {
    let count = session
        .subscriptions
        .as_ref()
        .map_or(0, |subscriptions| match subject {
            Subject::Shard => subscriptions.of(Subject::Shard).len(),
            _ => subscriptions.plain_count(),
        });
    reply.push(3);
    reply.bulk(kind);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.int(count as i64);
}
