//! Publish and subscribe: channels, patterns, shard channels.

mod introspect;
mod subscribe;

pub use introspect::{channels, numpat, numsub, shardchannels, shardnumsub};
pub use subscribe::{
    forget, psubscribe, punsubscribe, ssubscribe, subscribe, sunsubscribe, unsubscribe,
};

use super::ctx::{Ctx, DONE, Local, Outcome};
use super::mail::Mail;
use super::registry::Command;
use super::{Args, Shared};
use crate::pubsub::{Here, Message, Subject};
use crate::resp::SHARED_BULK_BYTES;

/// True for what a RESP2 subscriber may send.
pub fn allowed_while_subscribed(command: &Command) -> bool {
    matches!(
        command.spec.name,
        "subscribe"
            | "unsubscribe"
            | "psubscribe"
            | "punsubscribe"
            | "ssubscribe"
            | "sunsubscribe"
            | "ping"
            | "quit"
            | "reset"
    )
}

/// `PUBLISH channel message`: the number of those who receive it.
pub fn publish_command(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    publish_to(ctx, args, Subject::Channel)
}

/// `SPUBLISH shardchannel message`: the number of those who receive it.
pub fn spublish(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    publish_to(ctx, args, Subject::Shard)
}

fn publish_to(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, subject: Subject) -> Outcome {
    let (channel, payload) = (args.bytes()?, args.bytes()?);
    let message = Message {
        subject,
        channel,
        payload,
    };
    let receivers = publish(ctx.shared, ctx.local, message);
    ctx.reply.int(receivers as i64);
    DONE
}

/// Sends a message to everybody who listens to its channel; returns how many they are.
pub fn publish(shared: &Shared, local: &mut Local, message: Message<'_>) -> usize {
    // What is long is shared by all who hear it.
    let is_long = message.payload.len() >= SHARED_BULK_BYTES;
    let never = is_long || local.attending || local.reading_mail;
    let (core, gathered) = (local.core, &mut local.gathered);
    let (mut crowded, mut mailed_self) = (false, false);
    let receivers = shared.channels.publish(
        message,
        || {
            let may_gather = !never && !shared.inboxes[core].has_mail();
            may_gather.then_some(Here { core, gathered })
        },
        |to, note| {
            mailed_self |= to == core;
            crowded |= shared.send(to, Mail::Note(note));
        },
    );
    local.mailed_self |= mailed_self || !local.gathered.is_empty();
    local.yielding |= crowded || local.gathered.is_crowded();
    receivers
}
