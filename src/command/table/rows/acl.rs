//! Access control: the row of ACL.

use crate::command::acl as handlers;
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[container("acl", -2)
    .since("6.0.0")
    .group(Group::Server)
    .summary("Looks at users and what they may do, and changes that.")
    .subcommands(&[
        row("cat", -2, handlers::cat)
            .flags(NOSCRIPT | LOADING | STALE)
            .since("6.0.0")
            .complexity("O(N) for N commands")
            .summary("The categories of commands, or the commands of one.")
            .syntax("[category]"),
        row("deluser", -3, handlers::deluser)
            .flags(ADMIN | NOSCRIPT | LOADING | STALE)
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
            .since("6.0.0")
            .complexity("O(N) for N connections")
            .summary("Removes users, and closes their connections.")
            .syntax("username..."),
        row("dryrun", -4, handlers::dryrun)
            .flags(ADMIN | NOSCRIPT | LOADING | STALE)
            .since("7.0.0")
            .complexity("O(N) for N rules of the user")
            .summary("Tells whether a user may run a command, without running it.")
            .syntax("username command [arg...]"),
        row("genpass", -2, handlers::genpass)
            .flags(NOSCRIPT | LOADING | STALE)
            .since("6.0.0")
            .complexity("O(1)")
            .summary("A random password of so many bits, 256 if not told.")
            .syntax("[bits:integer]"),
        row("getuser", 3, handlers::getuser)
            .flags(ADMIN | NOSCRIPT | LOADING | STALE)
            .since("6.0.0")
            .complexity("O(N) for N rules of the user")
            .summary("The flags, passwords and rules of a user.")
            .history(&[
                ("6.2.0", "Channels."),
                (
                    "7.0.0",
                    "Selectors; keys and channels are shown as rules, not as lists.",
                ),
            ])
            .syntax("username"),
        row("help", 2, help::run)
            .flags(LOADING | STALE)
            .since("6.0.0")
            .complexity("O(1)")
            .summary("Lists the subcommands."),
        row("list", 2, handlers::list)
            .flags(ADMIN | NOSCRIPT | LOADING | STALE)
            .since("6.0.0")
            .complexity("O(N) for N users")
            .summary("All users with their rules, as a file has them."),
        row("load", 2, handlers::load)
            .flags(ADMIN | NOSCRIPT | LOADING | STALE)
            .since("6.0.0")
            .complexity("O(N) for N users")
            .summary("Takes the users that the file tells of, in place of those there are."),
        row("log", -2, handlers::log)
            .flags(ADMIN | NOSCRIPT | LOADING | STALE)
            .since("6.0.0")
            .complexity("O(N) for N entries shown")
            .summary("What was denied lately, to whom; or forgets it.")
            .history(&[(
                "7.2.0",
                "The number of an entry, and the first and the last time.",
            )])
            .syntax("[operation:<count:integer | RESET>]"),
        row("save", 2, handlers::save)
            .flags(ADMIN | NOSCRIPT | LOADING | STALE)
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
            .since("6.0.0")
            .complexity("O(N) for N users")
            .summary("Writes all users to the file."),
        row("setuser", -3, handlers::setuser)
            .flags(ADMIN | NOSCRIPT | LOADING | STALE)
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
            .since("6.0.0")
            .complexity("O(N) for N rules given")
            .summary("Makes a user, or changes what it may do.")
            .history(&[
                ("6.2.0", "Channels."),
                (
                    "7.0.0",
                    "Selectors, and keys that may only be read or written.",
                ),
            ])
            .syntax("username [rule...]"),
        row("users", 2, handlers::users)
            .flags(ADMIN | NOSCRIPT | LOADING | STALE)
            .since("6.0.0")
            .complexity("O(N) for N users")
            .summary("The names of all users."),
        row("whoami", 2, handlers::whoami)
            .flags(NOSCRIPT | LOADING | STALE)
            .since("6.0.0")
            .complexity("O(1)")
            .summary("The user that this connection speaks for."),
    ])];
