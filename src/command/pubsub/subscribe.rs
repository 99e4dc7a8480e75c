//! Subscribing and its opposite. Each name is confirmed by a push of its own: kind, name, number of subscriptions left.

use super::super::ctx::{Ctx, DONE, Local, Outcome};
use super::super::session::{ReplyMode, Session};
use super::super::{Args, Shared, error};
use crate::pubsub::{Name, Subject};
use crate::resp::Reply;

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
        let subscriptions = ctx.session.subscriptions();
        if let Some(name) = subscriptions.add(&ctx.shared.channels, subject, name) {
            ctx.local.listeners.add(subject, &name, ctx.session.token);
        }
        confirm(ctx, subject, kind, Some(name));
    }
    DONE
}

fn remove(ctx: &mut Ctx<'_, '_>, args: Args<'_>, subject: Subject, kind: &[u8]) -> Outcome {
    if !args.is_empty() {
        for name in args.rest() {
            forget_one(ctx.shared, ctx.local, ctx.session, subject, name);
            confirm(ctx, subject, kind, Some(name));
        }
    } else {
        unsubscribe_subject(ctx, subject, kind);
    }
    if ctx.session.subscription_counts() == [0; Subject::COUNT] {
        ctx.session.end_subscriptions();
    }
    DONE
}

fn unsubscribe_subject(ctx: &mut Ctx<'_, '_>, subject: Subject, kind: &[u8]) {
    let names = listened_to(ctx.session, subject);
    if names.is_empty() {
        confirm(ctx, subject, kind, None);
    }
    for name in names {
        forget_one(ctx.shared, ctx.local, ctx.session, subject, &name);
        confirm(ctx, subject, kind, Some(&name));
    }
}

fn listened_to(session: &Session, subject: Subject) -> Vec<Name> {
    let subscriptions = session.subscriptions.as_ref();
    subscriptions.map_or_else(Vec::new, |subscriptions| subscriptions.of(subject))
}

/// Ends all subscriptions of a client that goes or resets, without telling it.
pub fn forget(shared: &Shared, local: &mut Local, session: &mut Session) {
    if session.subscriptions.is_none() {
        return;
    }
    for subject in Subject::ALL {
        for name in listened_to(session, subject) {
            forget_one(shared, local, session, subject, &name);
        }
    }
    session.end_subscriptions();
}

fn forget_one(
    shared: &Shared,
    local: &mut Local,
    session: &Session,
    subject: Subject,
    name: &[u8],
) {
    if let Some(subscriptions) = &session.subscriptions
        && subscriptions.remove(&shared.channels, subject, name)
    {
        local.listeners.remove(subject, name, session.token);
    }
}

/// Tells a client what has become of its subscription, also one that wants no replies.
fn confirm(ctx: &mut Ctx<'_, '_>, subject: Subject, kind: &[u8], name: Option<&[u8]>) {
    let session = &mut *ctx.session;
    let [channels, patterns, shards] = session.subscription_counts();
    let reply = match session.reply_mode {
        ReplyMode::On | ReplyMode::SkipNext => &mut *ctx.reply,
        ReplyMode::Off | ReplyMode::Skip => {
            let unasked = || Box::new(Reply::new(session.version));
            session.pushed.get_or_insert_with(unasked)
        }
    };
    let count = match subject {
        Subject::Shard => shards,
        _ => channels + patterns,
    };
    reply.push(3);
    reply.bulk(kind);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.int(count as i64);
}
