//! PUBSUB: who listens to what.

use super::super::Args;
use super::super::ctx::{Ctx, DONE, Outcome};
use crate::pubsub::Subject;

/// `PUBSUB CHANNELS [pattern]`
pub fn channels(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    list(ctx, args, Subject::Channel)
}

/// `PUBSUB SHARDCHANNELS [pattern]`
pub fn shardchannels(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    list(ctx, args, Subject::Shard)
}

fn list(ctx: &mut Ctx<'_, '_>, args: Args<'_>, subject: Subject) -> Outcome {
    if args.len() > 1 {
        let sub = args.request().arg(1);
        return Err(super::super::error::bad_subcommand(ctx.command, sub));
    }
    let names = ctx.shared.channels.channels(subject, args.peek());
    ctx.reply.array(names.len());
    for name in names {
        ctx.reply.bulk(&name);
    }
    DONE
}

/// `PUBSUB NUMSUB [channel...]`
pub fn numsub(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    count(ctx, args, Subject::Channel)
}

/// `PUBSUB SHARDNUMSUB [shardchannel...]`
pub fn shardnumsub(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    count(ctx, args, Subject::Shard)
}

fn count(ctx: &mut Ctx<'_, '_>, args: Args<'_>, subject: Subject) -> Outcome {
    ctx.reply.array(args.len() * 2);
    for name in args.rest() {
        ctx.reply.bulk(name);
        let subscribers = ctx.shared.channels.subscribers(subject, name);
        ctx.reply.int(subscribers as i64);
    }
    DONE
}

/// `PUBSUB NUMPAT`
pub fn numpat(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let patterns = ctx.shared.channels.len(Subject::Pattern);
    ctx.reply.int(patterns as i64);
    DONE
}
