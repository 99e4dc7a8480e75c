//! Scripts and functions: the rows of their commands.

use crate::command::script::{eval, function, manage};
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("eval", -3, eval::eval)
        .locks(Locks::Script)
        .flags(NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS)
        .keys(&[at(2, RW | ACCESS | UPDATE)
            .counted()
            .note("What a script does to its keys cannot be known, so RW and UPDATE are assumed")])
        .since("2.6.0")
        .group(Group::Scripting)
        .complexity("That of the script")
        .summary("Runs a Lua script.")
        .syntax("script numkeys:integer [key...] [arg...]"),
    row("eval_ro", -3, eval::eval_ro)
        .locks(Locks::Script)
        .flags(READONLY | NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS)
        .keys(&[at(2, RO | ACCESS)
            .counted()
            .note("What a script does to its keys cannot be known, so RO and ACCESS are assumed")])
        .since("7.0.0")
        .group(Group::Scripting)
        .complexity("That of the script")
        .summary("Runs a Lua script that changes nothing.")
        .syntax("script numkeys:integer [key...] [arg...]"),
    row("evalsha", -3, eval::evalsha)
        .locks(Locks::Script)
        .flags(NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS)
        .keys(&[at(2, RW | ACCESS | UPDATE).counted()])
        .since("2.6.0")
        .group(Group::Scripting)
        .complexity("That of the script")
        .summary("Runs a Lua script that is known, by its SHA-1.")
        .syntax("sha1 numkeys:integer [key...] [arg...]"),
    row("evalsha_ro", -3, eval::evalsha_ro)
        .locks(Locks::Script)
        .flags(READONLY | NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS)
        .keys(&[at(2, RO | ACCESS).counted()])
        .since("7.0.0")
        .group(Group::Scripting)
        .complexity("That of the script")
        .summary("Runs a Lua script that is known and changes nothing, by its SHA-1.")
        .syntax("sha1 numkeys:integer [key...] [arg...]"),
    row("fcall", -3, function::fcall)
        .locks(Locks::Script)
        .flags(NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS)
        .keys(&[at(2, RW | ACCESS | UPDATE).counted().note(
            "What a function does to its keys cannot be known, so RW and UPDATE are assumed",
        )])
        .since("7.0.0")
        .group(Group::Scripting)
        .complexity("That of the function")
        .summary("Runs a function.")
        .syntax("function numkeys:integer [key...] [arg...]"),
    row("fcall_ro", -3, function::fcall_ro)
        .locks(Locks::Script)
        .flags(READONLY | NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS)
        .keys(&[at(2, RO | ACCESS).counted().note(
            "What a function does to its keys cannot be known, so RO and ACCESS are assumed",
        )])
        .since("7.0.0")
        .group(Group::Scripting)
        .complexity("That of the function")
        .summary("Runs a function that changes nothing.")
        .syntax("function numkeys:integer [key...] [arg...]"),
    container("function", -2)
        .since("7.0.0")
        .group(Group::Scripting)
        .summary("Looks after libraries of functions.")
        .subcommands(&[
            row("delete", 3, function::delete)
                .flags(WRITE | NOSCRIPT)
                .locks(Locks::All)
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
                .since("7.0.0")
                .complexity("O(1)")
                .summary("Drops a library and its functions.")
                .syntax("library-name"),
            row("dump", 2, function::dump)
                .flags(NOSCRIPT)
                .locks(Locks::None)
                .since("7.0.0")
                .complexity("O(N) for N functions")
                .summary("Gives all libraries as one payload."),
            row("flush", -2, function::flush)
                .flags(WRITE | NOSCRIPT)
                .locks(Locks::All)
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
                .since("7.0.0")
                .complexity("O(N) for N functions")
                .summary("Drops all libraries.")
                .syntax("[flush-type:<ASYNC | SYNC>]"),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("7.0.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("kill", 2, function::kill)
                .flags(NOSCRIPT | ALLOW_BUSY)
                .locks(Locks::None)
                .tips(&["request_policy:all_shards", "response_policy:one_succeeded"])
                .since("7.0.0")
                .complexity("O(1)")
                .summary("Ends the function that runs, if it has written nothing."),
            row("list", -2, function::list)
                .flags(NOSCRIPT)
                .locks(Locks::None)
                .tips(&["nondeterministic_output_order"])
                .since("7.0.0")
                .complexity("O(N) for N functions")
                .summary("Tells of all libraries and their functions.")
                .syntax("[LIBRARYNAME library-name-pattern] [WITHCODE]"),
            row("load", -3, function::load)
                .flags(WRITE | DENYOOM | NOSCRIPT)
                .locks(Locks::All)
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
                .since("7.0.0")
                .complexity("O(1), beside running the library's source")
                .summary("Makes a library.")
                .syntax("[REPLACE] function-code"),
            row("restore", -3, function::restore)
                .flags(WRITE | DENYOOM | NOSCRIPT)
                .locks(Locks::All)
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
                .since("7.0.0")
                .complexity("O(N) for N functions in the payload")
                .summary("Makes the libraries of a payload.")
                .syntax("serialized-value [policy:<FLUSH | APPEND | REPLACE>]"),
            row("stats", 2, function::stats)
                .flags(NOSCRIPT | ALLOW_BUSY)
                .locks(Locks::None)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_shards",
                    "response_policy:special",
                ])
                .since("7.0.0")
                .complexity("O(1)")
                .summary("Tells which function runs, and how many there are."),
        ]),
    container("script", -2)
        .since("2.6.0")
        .group(Group::Scripting)
        .summary("Looks after the Lua scripts that are known.")
        .subcommands(&[
            row("debug", 3, manage::debug)
                .flags(NOSCRIPT)
                .locks(Locks::None)
                .since("3.2.0")
                .complexity("O(1)")
                .summary("Chooses how scripts are debugged.")
                .syntax("mode:<YES | SYNC | NO>"),
            row("exists", -3, manage::exists)
                .flags(NOSCRIPT)
                .locks(Locks::None)
                .tips(&[
                    "request_policy:all_shards",
                    "response_policy:agg_logical_and",
                ])
                .since("2.6.0")
                .complexity("O(N) for N scripts asked for")
                .summary("Tells which scripts are known.")
                .syntax("sha1..."),
            row("flush", -2, manage::flush)
                .flags(NOSCRIPT)
                .locks(Locks::None)
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
                .since("2.6.0")
                .complexity("O(N) for N scripts that are known")
                .summary("Forgets all scripts.")
                .history(&[("6.2.0", "`ASYNC` and `SYNC`.")])
                .syntax("[flush-type:<ASYNC | SYNC>@6.2.0]"),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("kill", 2, manage::kill)
                .flags(NOSCRIPT | ALLOW_BUSY)
                .locks(Locks::None)
                .tips(&["request_policy:all_shards", "response_policy:one_succeeded"])
                .since("2.6.0")
                .complexity("O(1)")
                .summary("Ends the script that runs, if it has written nothing."),
            row("load", 3, manage::load)
                .flags(NOSCRIPT | STALE)
                .locks(Locks::None)
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
                .since("2.6.0")
                .complexity("O(N) for a script of N bytes")
                .summary("Makes a script known.")
                .syntax("script"),
        ]),
];
