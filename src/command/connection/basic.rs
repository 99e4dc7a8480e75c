//! PING, ECHO, SELECT, QUIT, RESET.

use super::super::ctx::{Ctx, DONE, Outcome};
use super::super::session::ReplyMode;
use super::super::{Args, error, monitor, pubsub, transaction};
use crate::base::num;
use crate::resp::Version;

/// `PING [message]`
pub fn ping(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    if args.len() > 1 {
        return Err(error::wrong_arity_of(ctx.command));
    }
    if ctx.session.in_subscriber_mode() {
        ctx.reply.array(2);
        ctx.reply.bulk(b"pong");
        ctx.reply.bulk(args.peek().unwrap_or_default());
    } else {
        match args.peek() {
            Some(message) => ctx.reply.bulk(message),
            None => ctx.reply.simple("PONG"),
        }
    }
    DONE
}

/// `ECHO message`
pub fn echo(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let message = args.shared()?;
    ctx.reply.bulk_shared(&message);
    DONE
}

/// `SELECT index`
pub fn select(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let index = num::parse_i64(args.bytes()?).ok_or(error::NOT_AN_INTEGER)?;
    let index = i32::try_from(index).map_err(|_| error::NOT_AN_INT32)?;
    let db = usize::try_from(index)
        .ok()
        .filter(|&db| db < ctx.shared.keyspace.databases())
        .ok_or(error::DB_OUT_OF_RANGE)?;
    ctx.session.db = db;
    ctx.reply.ok();
    DONE
}

/// `QUIT`
pub fn quit(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.session.closing = true;
    ctx.reply.ok();
    DONE
}

/// `RESET`: the connection is as if it had just been made.
pub fn reset(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.session.multi = None;
    transaction::forget_watch(ctx.shared, ctx.session);
    pubsub::forget(ctx.shared, ctx.local, ctx.session);
    monitor::stop(ctx.shared, ctx.local, ctx.session);
    let session = &mut *ctx.session;
    session.db = 0;
    session.version = Version::Resp2;
    if session.reply_mode != ReplyMode::Skip {
        session.reply_mode = ReplyMode::On;
    }
    session.log_out(&ctx.shared.users);
    session.no_evict = false;
    session.no_touch = false;
    session.record.introduction.lock().name.clear();
    ctx.reply.version = Version::Resp2;
    ctx.reply.simple("RESET");
    DONE
}
