//! Transactions: the rows of their commands.

use crate::command;
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("discard", 1, command::transaction::discard)
        .locks(Locks::Own)
        .flags(NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY)
        .since("2.0.0")
        .group(Group::Transactions)
        .complexity("O(N) for N commands queued")
        .summary("Drops the commands queued since MULTI."),
    row("exec", 1, command::transaction::exec)
        .locks(Locks::Own)
        .flags(NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG)
        .since("1.2.0")
        .group(Group::Transactions)
        .complexity("That of the commands queued")
        .summary("Runs the commands queued since MULTI as one, unless a watched key has changed."),
    row("multi", 1, command::transaction::multi)
        .flags(NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY)
        .since("1.2.0")
        .group(Group::Transactions)
        .complexity("O(1)")
        .summary("Begins a transaction: commands are queued until EXEC."),
    row("unwatch", 1, command::transaction::unwatch)
        .locks(Locks::Own)
        .flags(NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY)
        .since("2.2.0")
        .group(Group::Transactions)
        .complexity("O(1)")
        .summary("Stops watching all keys."),
    row("watch", -2, command::transaction::watch)
        .flags(NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY)
        .keys(&[at(1, RO).to(-1)])
        .since("2.2.0")
        .group(Group::Transactions)
        .complexity("O(1) per key")
        .summary("Makes the next EXEC depend on the given keys staying as they are.")
        .syntax("key..."),
];
