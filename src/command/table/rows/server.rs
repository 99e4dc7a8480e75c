//! The server: the rows of their commands.

use crate::command;
use crate::command::generic::database;
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("bgrewriteaof", 1, command::server::save::bgrewriteaof)
        .locks(Locks::All)
        .flags(ADMIN | NOSCRIPT | NO_ASYNC_LOADING)
        .since("1.0.0")
        .group(Group::Server)
        .complexity("O(1)")
        .summary("Begins to write the log anew, as short as it can be."),
    row("bgsave", -1, command::server::save::bgsave)
        .locks(Locks::All)
        .flags(ADMIN | NOSCRIPT | NO_ASYNC_LOADING)
        .since("1.0.0")
        .group(Group::Server)
        .complexity("O(1)")
        .summary("Begins to save all data to disk.")
        .history(&[("3.2.2", "`SCHEDULE`.")])
        .syntax("[SCHEDULE@3.2.2]"),
    row("command", -1, command::server::command::run)
        .flags(LOADING | STALE)
        .acl(acl::CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .since("2.8.13")
        .group(Group::Server)
        .complexity("O(N) for N commands")
        .summary("Describes the commands of this server.")
        .subcommands(&[
            row("count", 2, command::server::command::count)
                .flags(LOADING | STALE)
                .acl(acl::CONNECTION)
                .since("2.8.13")
                .complexity("O(1)")
                .summary("How many commands there are."),
            row("docs", -2, command::server::command::docs)
                .flags(LOADING | STALE)
                .acl(acl::CONNECTION)
                .tips(&["nondeterministic_output_order"])
                .since("7.0.0")
                .complexity("O(N) for N commands asked about")
                .summary("What some commands do, or all, and how they are written.")
                .syntax("[command-name...]"),
            row("getkeys", -3, command::server::command::getkeys)
                .flags(LOADING | STALE)
                .acl(acl::CONNECTION)
                .since("2.8.13")
                .complexity("O(N) for N arguments")
                .summary("The keys that a given command line would touch.")
                .syntax("command [arg...]"),
            row(
                "getkeysandflags",
                -3,
                command::server::command::getkeysandflags,
            )
            .flags(LOADING | STALE)
            .acl(acl::CONNECTION)
            .since("7.0.0")
            .complexity("O(N) for N arguments")
            .summary("The keys that a given command line would touch, and how.")
            .syntax("command [arg...]"),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .acl(acl::CONNECTION)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("info", -2, command::server::command::info)
                .flags(LOADING | STALE)
                .acl(acl::CONNECTION)
                .tips(&["nondeterministic_output_order"])
                .since("2.8.13")
                .complexity("O(N) for N commands asked about")
                .summary("The facts about some commands, or all: arity, flags, keys, categories.")
                .history(&[("7.0.0", "Without names, all commands.")])
                .syntax("[command-name...]"),
            row("list", -2, command::server::command::list)
                .flags(LOADING | STALE)
                .acl(acl::CONNECTION)
                .tips(&["nondeterministic_output_order"])
                .since("7.0.0")
                .complexity("O(N) for N commands")
                .summary("The names of the commands, or of those a filter lets through.")
                .syntax(
                    "[FILTERBY filterby:<MODULE module-name | ACLCAT category \
                     | PATTERN pattern>]",
                ),
        ]),
    container("config", -2)
        .since("2.0.0")
        .group(Group::Server)
        .summary("Reads and changes the server's configuration.")
        .subcommands(&[
            row("get", -3, command::server::config::get)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .since("2.0.0")
                .complexity("O(N) for N patterns")
                .summary("The directives whose names match, with their values.")
                .history(&[("7.0.0", "Several patterns in one call.")])
                .syntax("parameter..."),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("resetstat", 2, command::server::config::resetstat)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
                .since("2.0.0")
                .complexity("O(1)")
                .summary("Sets the counters that INFO shows back to zero."),
            row("rewrite", 2, command::server::config::rewrite)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
                .since("2.8.0")
                .complexity("O(1)")
                .summary("Writes the configuration in force to the configuration file."),
            row("set", -4, command::server::config::set)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
                .since("2.0.0")
                .complexity("O(N) for N directives")
                .summary("Changes directives, all of those given or none.")
                .history(&[("7.0.0", "Several directives in one call.")])
                .syntax("data:{parameter value}..."),
        ]),
    row("dbsize", 1, database::dbsize)
        .locks(Locks::All)
        .flags(READONLY | FAST)
        .acl(acl::KEYSPACE)
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
        .since("1.0.0")
        .group(Group::Server)
        .complexity("O(1)")
        .summary("How many keys the database holds."),
    row("debug", -2, command::server::debug::run)
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .locks(Locks::Own)
        .since("1.0.0")
        .group(Group::Server)
        .complexity("That of the subcommand")
        .summary("Tools for tests and for looking inside.")
        .internal(),
    row("flushall", -1, database::flushall)
        .locks(Locks::All)
        .flags(WRITE)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .since("1.0.0")
        .group(Group::Server)
        .complexity("O(N) for N keys in all databases")
        .summary("Empties all databases.")
        .history(&[("4.0.0", "`ASYNC`."), ("6.2.0", "`SYNC`.")])
        .syntax("[flush-type:<ASYNC@4.0.0 | SYNC@6.2.0>]"),
    row("flushdb", -1, database::flushdb)
        .locks(Locks::All)
        .flags(WRITE)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .since("1.0.0")
        .group(Group::Server)
        .complexity("O(N) for N keys in the database")
        .summary("Empties the database.")
        .history(&[("4.0.0", "`ASYNC`."), ("6.2.0", "`SYNC`.")])
        .syntax("[flush-type:<ASYNC@4.0.0 | SYNC@6.2.0>]"),
    row("info", -1, command::server::info::run)
        .flags(LOADING | STALE)
        .locks(Locks::Own)
        .acl(acl::DANGEROUS)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ])
        .since("1.0.0")
        .group(Group::Server)
        .complexity("O(1)")
        .summary("The state of the server in sections of name:value lines.")
        .history(&[("7.0.0", "Several sections in one call.")])
        .syntax("[section...]"),
    row("lastsave", 1, command::server::save::lastsave)
        .flags(LOADING | STALE | FAST)
        .acl(acl::ADMIN | acl::DANGEROUS)
        .tips(&["nondeterministic_output"])
        .since("1.0.0")
        .group(Group::Server)
        .complexity("O(1)")
        .summary("When the data was last saved to disk."),
    container("latency", -2)
        .since("2.8.13")
        .group(Group::Server)
        .summary("Looks at what made the server slow.")
        .subcommands(&[
            row("doctor", 2, command::server::latency::doctor)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ])
                .since("2.8.13")
                .complexity("O(1)")
                .summary("What the samples seem to say, in words."),
            row("graph", 3, command::server::latency::graph)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ])
                .since("2.8.13")
                .complexity("O(1)")
                .summary("The samples of one event drawn as text.")
                .syntax("event"),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("2.8.13")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("histogram", -2, command::server::latency::histogram)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ])
                .since("7.0.0")
                .complexity("O(N) for N commands reported")
                .summary("How long calls took, by command, in growing steps.")
                .syntax("[command...]"),
            row("history", 3, command::server::latency::history)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ])
                .since("2.8.13")
                .complexity("O(1)")
                .summary("The samples of one event with their times.")
                .syntax("event"),
            row("latest", 2, command::server::latency::latest)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ])
                .since("2.8.13")
                .complexity("O(1)")
                .summary("The last and the worst sample of each event."),
            row("reset", -2, command::server::latency::reset)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .tips(&["request_policy:all_nodes", "response_policy:agg_sum"])
                .since("2.8.13")
                .complexity("O(1)")
                .summary("Forgets the samples of some events, or all.")
                .syntax("[event...]"),
        ]),
    row("lolwut", -1, command::server::misc::lolwut)
        .flags(READONLY | FAST)
        .since("5.0.0")
        .group(Group::Server)
        .summary("A small piece of art, and the version.")
        .syntax("[VERSION version:integer]"),
    container("memory", -2)
        .since("4.0.0")
        .group(Group::Server)
        .summary("Looks at memory.")
        .subcommands(&[
            row("doctor", 2, command::server::memory::doctor)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_shards",
                    "response_policy:special",
                ])
                .since("4.0.0")
                .complexity("O(1)")
                .summary("What the figures seem to say, in words."),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("4.0.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("malloc-stats", 2, command::server::memory::malloc_stats)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_shards",
                    "response_policy:special",
                ])
                .since("4.0.0")
                .complexity("Depends on the memory in use")
                .summary("The allocator's own report."),
            row("purge", 2, command::server::memory::purge)
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
                .since("4.0.0")
                .complexity("Depends on the memory in use")
                .summary("Has the allocator give unused memory back."),
            row("stats", 2, command::server::memory::stats)
                .locks(Locks::Own)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_shards",
                    "response_policy:special",
                ])
                .since("4.0.0")
                .complexity("O(1)")
                .summary("Where memory goes, in figures."),
            row("usage", -3, command::server::memory::usage)
                .flags(READONLY)
                .keys(&[at(2, RO)])
                .since("4.0.0")
                .complexity("O(N) for N elements sampled")
                .summary("About how many bytes a key and its value take.")
                .syntax("key [SAMPLES count:integer]"),
        ]),
    container("module", -2)
        .since("4.0.0")
        .group(Group::Server)
        .summary("Tells of modules, of which there are none.")
        .subcommands(&[
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("list", 2, command::server::module::list)
                .flags(ADMIN | NOSCRIPT)
                .tips(&["nondeterministic_output_order"])
                .since("4.0.0")
                .complexity("O(1)")
                .summary("The modules that are loaded: none."),
        ]),
    row("monitor", 1, command::monitor::monitor)
        .flags(ADMIN | NOSCRIPT | LOADING | STALE)
        .since("1.0.0")
        .group(Group::Server)
        .summary("Shows this connection each command that the server runs, as it runs."),
    row("replicaof", 3, command::server::replication::replicaof)
        .flags(ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING)
        .since("5.0.0")
        .group(Group::Server)
        .complexity("O(1)")
        .summary("Makes this server follow another one, or none.")
        .syntax("args:<host-port:{host port:integer} | no-one:{no='NO' ONE}>"),
    row("role", 1, command::server::replication::role)
        .flags(NOSCRIPT | LOADING | STALE | FAST)
        .acl(acl::ADMIN | acl::DANGEROUS)
        .since("2.8.12")
        .group(Group::Server)
        .complexity("O(1)")
        .summary("Whether this server is a primary or a replica, and how far it is."),
    row("save", 1, command::server::save::save)
        .locks(Locks::All)
        .flags(ADMIN | NOSCRIPT | NO_MULTI | NO_ASYNC_LOADING)
        .since("1.0.0")
        .group(Group::Server)
        .complexity("O(N) for N keys in all databases")
        .summary("Saves all data to disk and answers when that is done."),
    row("shutdown", -1, command::server::shutdown::run)
        .flags(ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY)
        .since("1.0.0")
        .group(Group::Server)
        .complexity("O(N) for N keys when it saves, else O(1)")
        .summary("Stops the server, saving first where it is set up to.")
        .history(&[("7.0.0", "`NOW`, `FORCE` and `ABORT`.")])
        .syntax("[save-selector:<NOSAVE | SAVE>] [NOW@7.0.0] [FORCE@7.0.0] [ABORT@7.0.0]"),
    row("slaveof", 3, command::server::replication::replicaof)
        .flags(ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING)
        .since("1.0.0")
        .group(Group::Server)
        .complexity("O(1)")
        .summary("Makes this server follow another one, or none.")
        .deprecated("5.0.0", "`REPLICAOF`")
        .syntax("args:<host-port:{host port:integer} | no-one:{no='NO' ONE}>"),
    container("slowlog", -2)
        .since("2.2.12")
        .group(Group::Server)
        .summary("Looks at the commands that took long.")
        .subcommands(&[
            row("get", -2, command::server::slowlog::get)
                .flags(ADMIN | LOADING | STALE)
                .tips(&["request_policy:all_nodes", "nondeterministic_output"])
                .since("2.2.12")
                .complexity("O(N) for N commands returned")
                .summary("The newest commands in the slow log.")
                .history(&[("4.0.0", "The client's address and name.")])
                .syntax("[count:integer]"),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("6.2.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("len", 2, command::server::slowlog::len)
                .flags(ADMIN | LOADING | STALE)
                .tips(&[
                    "request_policy:all_nodes",
                    "response_policy:agg_sum",
                    "nondeterministic_output",
                ])
                .since("2.2.12")
                .complexity("O(1)")
                .summary("How many commands the slow log holds."),
            row("reset", 2, command::server::slowlog::reset)
                .flags(ADMIN | LOADING | STALE)
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
                .since("2.2.12")
                .complexity("O(N) for N commands in it")
                .summary("Empties the slow log."),
        ]),
    row("swapdb", 3, database::swapdb)
        .locks(Locks::All)
        .flags(WRITE | FAST)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .since("4.0.0")
        .group(Group::Server)
        .complexity("O(N) for N clients that watch or wait on keys of either")
        .summary("Lets two databases change places.")
        .syntax("index1:integer index2:integer"),
    row("time", 1, command::server::misc::time)
        .flags(LOADING | STALE | FAST)
        .tips(&["nondeterministic_output"])
        .since("2.6.0")
        .group(Group::Server)
        .complexity("O(1)")
        .summary("The server's clock, in seconds and microseconds."),
];
