//! Publish and subscribe: the rows of their commands.

use crate::command;
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("psubscribe", -2, command::pubsub::psubscribe)
        .flags(PUBSUB | NOSCRIPT | LOADING | STALE)
        .channels(Channels::Patterns)
        .since("2.0.0")
        .group(Group::PubSub)
        .complexity("O(N) for N patterns")
        .summary("Receives the messages of all channels whose names match the given patterns.")
        .syntax("pattern..."),
    row("publish", 3, command::pubsub::publish_command)
        .flags(PUBSUB | LOADING | STALE | FAST)
        .channels(Channels::First)
        .since("2.0.0")
        .group(Group::PubSub)
        .complexity("O(N+M) for N subscribers of the channel and M patterns in use")
        .summary("Sends a message to all who listen on a channel.")
        .syntax("channel message"),
    container("pubsub", -2)
        .since("2.8.0")
        .group(Group::PubSub)
        .summary("Looks at who listens to what.")
        .subcommands(&[
            row("channels", -2, command::pubsub::channels)
                .flags(PUBSUB | LOADING | STALE)
                .since("2.8.0")
                .complexity("O(N) for N channels in use")
                .summary("The channels that have a subscriber.")
                .syntax("[pattern]"),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("6.2.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("numpat", 2, command::pubsub::numpat)
                .flags(PUBSUB | LOADING | STALE)
                .since("2.8.0")
                .complexity("O(1)")
                .summary("How many different patterns are subscribed to."),
            row("numsub", -2, command::pubsub::numsub)
                .flags(PUBSUB | LOADING | STALE)
                .since("2.8.0")
                .complexity("O(N) for N channels asked about")
                .summary("How many subscribers each given channel has.")
                .syntax("[channel...]"),
            row("shardchannels", -2, command::pubsub::shardchannels)
                .flags(PUBSUB | LOADING | STALE)
                .since("7.0.0")
                .complexity("O(N) for N shard channels in use")
                .summary("The shard channels that have a subscriber.")
                .syntax("[pattern]"),
            row("shardnumsub", -2, command::pubsub::shardnumsub)
                .flags(PUBSUB | LOADING | STALE)
                .since("7.0.0")
                .complexity("O(N) for N shard channels asked about")
                .summary("How many subscribers each given shard channel has.")
                .syntax("[shardchannel...]"),
        ]),
    row("punsubscribe", -1, command::pubsub::punsubscribe)
        .flags(PUBSUB | NOSCRIPT | LOADING | STALE)
        .since("2.0.0")
        .group(Group::PubSub)
        .complexity("O(N) for N patterns")
        .summary("Leaves the given patterns, or all of them.")
        .syntax("[pattern...]"),
    row("spublish", 3, command::pubsub::spublish)
        .flags(PUBSUB | LOADING | STALE | FAST)
        .channels(Channels::First)
        .keys(&[at(1, NOT_KEY)])
        .since("7.0.0")
        .group(Group::PubSub)
        .complexity("O(N) for N subscribers of the shard channel")
        .summary("Sends a message to all who listen on a shard channel.")
        .syntax("shardchannel message"),
    row("ssubscribe", -2, command::pubsub::ssubscribe)
        .flags(PUBSUB | NOSCRIPT | LOADING | STALE)
        .channels(Channels::All)
        .keys(&[at(1, NOT_KEY).to(-1)])
        .since("7.0.0")
        .group(Group::PubSub)
        .complexity("O(N) for N shard channels")
        .summary("Receives the messages of the given shard channels.")
        .syntax("shardchannel..."),
    row("subscribe", -2, command::pubsub::subscribe)
        .flags(PUBSUB | NOSCRIPT | LOADING | STALE)
        .channels(Channels::All)
        .since("2.0.0")
        .group(Group::PubSub)
        .complexity("O(N) for N channels")
        .summary("Receives the messages of the given channels.")
        .syntax("channel..."),
    row("sunsubscribe", -1, command::pubsub::sunsubscribe)
        .flags(PUBSUB | NOSCRIPT | LOADING | STALE)
        .keys(&[at(1, NOT_KEY).to(-1)])
        .since("7.0.0")
        .group(Group::PubSub)
        .complexity("O(N) for N shard channels")
        .summary("Leaves the given shard channels, or all of them.")
        .syntax("[shardchannel...]"),
    row("unsubscribe", -1, command::pubsub::unsubscribe)
        .flags(PUBSUB | NOSCRIPT | LOADING | STALE)
        .since("2.0.0")
        .group(Group::PubSub)
        .complexity("O(N) for N channels")
        .summary("Leaves the given channels, or all of them.")
        .syntax("[channel...]"),
];
