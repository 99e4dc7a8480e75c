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
use crate::pubsub::Subject;

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
    let receivers = publish(ctx.shared, ctx.local, subject, channel, payload);
    ctx.reply.int(receivers as i64);
    DONE
}

/// Sends a message to everybody who listens to `channel`; returns how many they are.
pub fn publish(
    shared: &Shared,
    local: &mut Local,
    subject: Subject,
    channel: &[u8],
    payload: &[u8],
) -> usize {
    shared
        .channels
        .publish(subject, channel, payload, |core, note| {
            local.mailed_self |= core == local.core;
            local.yielding |= shared.send(core, Mail::Note(note));
        })
}
