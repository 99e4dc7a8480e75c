//! The connection itself: the rows of their commands.

use crate::command;
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("auth", -2, command::connection::auth)
        .flags(NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .since("1.0.0")
        .group(Group::Connection)
        .complexity("O(N) for N passwords of the user")
        .summary("Proves who the connection speaks for.")
        .history(&[("6.0.0", "A user name before the password.")])
        .syntax("[username@6.0.0] password"),
    container("client", -2)
        .since("2.4.0")
        .group(Group::Connection)
        .summary("Looks at connections and manages them.")
        .subcommands(&[
            row("getname", 2, command::connection::client::getname)
                .flags(NOSCRIPT | LOADING | STALE)
                .since("2.6.9")
                .complexity("O(1)")
                .summary("The name given to this connection."),
            row("getredir", 2, command::connection::client::getredir)
                .flags(NOSCRIPT | LOADING | STALE)
                .since("6.0.0")
                .complexity("O(1)")
                .summary("The client that receives this connection's tracking messages."),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("id", 2, command::connection::client::id)
                .flags(NOSCRIPT | LOADING | STALE)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("The number that this connection is known by."),
            row("info", 2, command::connection::client::info)
                .flags(NOSCRIPT | LOADING | STALE)
                .tips(&["nondeterministic_output"])
                .since("6.2.0")
                .complexity("O(1)")
                .summary("One line about this connection."),
            row("kill", -3, command::connection::client::kill)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .since("2.4.0")
                .complexity("O(N) for N connections")
                .summary("Closes the connections that match.")
                .history(&[
                    ("2.8.12", "Filters."),
                    ("2.8.12", "`ID`."),
                    ("3.2.0", "`TYPE master`."),
                    ("5.0.0", "`TYPE replica`, with `slave` still understood."),
                    ("6.2.0", "`LADDR`."),
                    ("7.4.0", "`MAXAGE`."),
                ])
                .syntax(
                    "filter:<old-format(ip:port)!2.8.12 \
                     | new-format:<[ID client-id:integer@2.8.12] | [TYPE client-type:<NORMAL \
                     | MASTER@3.2.0 | SLAVE | REPLICA@5.0.0 | PUBSUB>@2.8.12] | [USER username] \
                     | [ADDR addr(ip:port)] | [LADDR laddr(ip:port)@6.2.0] | \
                     [SKIPME skipme:<YES | NO>] | [MAXAGE maxage:integer@7.4.0]>...>",
                ),
            row("list", -2, command::connection::client::list)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .tips(&["nondeterministic_output"])
                .since("2.4.0")
                .complexity("O(N) for N connections")
                .summary("A line about each connection.")
                .history(&[
                    ("2.8.12", "The field `id`."),
                    ("5.0.0", "`TYPE`."),
                    ("6.0.0", "The field `user`."),
                    (
                        "6.2.0",
                        "`ID`, and the fields `argv-mem`, `tot-mem`, `laddr` and `redir`.",
                    ),
                    ("7.0.0", "The fields `resp`, `multi-mem`, `rbs` and `rbp`."),
                    ("7.0.3", "The field `ssub`."),
                    ("7.2.0", "The fields `lib-name` and `lib-ver`."),
                    ("7.4.0", "The field `watch`."),
                    ("8.0.0", "The field `io-thread`."),
                ])
                .syntax(
                    "[TYPE client-type:<NORMAL | MASTER | REPLICA | PUBSUB>@5.0.0] \
                     [ID client-id:integer...@6.2.0]",
                ),
            row("no-evict", 3, command::connection::client::no_evict)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .since("7.0.0")
                .complexity("O(1)")
                .summary("Exempts the connection from eviction, or ends that.")
                .syntax("enabled:<ON | OFF>"),
            row("no-touch", 3, command::connection::client::no_touch)
                .flags(NOSCRIPT | LOADING | STALE)
                .since("7.2.0")
                .complexity("O(1)")
                .summary(
                    "Lets the connection's commands leave the last-used times of keys alone, or \
                     ends that.",
                )
                .syntax("enabled:<ON | OFF>"),
            row("pause", -3, command::connection::client::pause)
                .locks(Locks::All)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Holds back the commands of all clients, or their writes, for a while.")
                .history(&[("6.2.0", "The mode, `WRITE` or `ALL`.")])
                .syntax("timeout:integer [mode:<WRITE | ALL>@6.2.0]"),
            row("reply", 3, command::connection::client::reply)
                .flags(NOSCRIPT | LOADING | STALE)
                .since("3.2.0")
                .complexity("O(1)")
                .summary("Turns replies to this connection on or off, or skips the next one.")
                .syntax("action:<ON | OFF | SKIP>"),
            row("setinfo", 4, command::connection::client::setinfo)
                .flags(NOSCRIPT | LOADING | STALE)
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
                .since("7.2.0")
                .complexity("O(1)")
                .summary("Notes which client library speaks on this connection.")
                .syntax("attr:<LIB-NAME libname | LIB-VER libver>"),
            row("setname", 3, command::connection::client::setname)
                .flags(NOSCRIPT | LOADING | STALE)
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
                .since("2.6.9")
                .complexity("O(1)")
                .summary("Gives the connection a name.")
                .syntax("connection-name"),
            row("trackinginfo", 2, command::connection::client::trackinginfo)
                .flags(NOSCRIPT | LOADING | STALE)
                .since("6.2.0")
                .complexity("O(1)")
                .summary("How tracking is set up on this connection."),
            row("unblock", -3, command::connection::client::unblock)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .since("5.0.0")
                .complexity("O(log N) for N connections")
                .summary("Ends the wait of a blocked client, as by a timeout or with an error.")
                .syntax("client-id:integer [unblock-type:<TIMEOUT | ERROR>]"),
            row("unpause", 2, command::connection::client::unpause)
                .flags(ADMIN | NOSCRIPT | LOADING | STALE)
                .since("6.2.0")
                .complexity("O(N) for N paused clients")
                .summary("Ends a CLIENT PAUSE."),
        ]),
    row("echo", 2, command::connection::echo)
        .flags(LOADING | STALE | FAST)
        .since("1.0.0")
        .group(Group::Connection)
        .complexity("O(1)")
        .summary("Sends the given string back.")
        .syntax("message"),
    row("hello", -1, command::connection::hello)
        .flags(NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .since("6.0.0")
        .group(Group::Connection)
        .complexity("O(1)")
        .summary("Agrees on the protocol version, and may authenticate and name the connection.")
        .history(&[(
            "6.2.0",
            "Without a version, it reports and changes nothing.",
        )])
        .syntax(
            "[arguments:{protover:integer [AUTH auth:{username password}] \
             [SETNAME clientname]}]",
        ),
    row("ping", -1, command::connection::ping)
        .flags(FAST)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .since("1.0.0")
        .group(Group::Connection)
        .complexity("O(1)")
        .summary("Answers PONG, or with the given string.")
        .syntax("[message]"),
    row("quit", -1, command::connection::quit)
        .flags(NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .since("1.0.0")
        .group(Group::Connection)
        .complexity("O(1)")
        .summary("Ends the connection after the replies already due.")
        .deprecated("7.2.0", "just closing the connection"),
    row("reset", 1, command::connection::reset)
        .locks(Locks::Own)
        .flags(NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .since("6.2.0")
        .group(Group::Connection)
        .complexity("O(1)")
        .summary("Puts the connection back to where it was when it opened."),
    row("select", 2, command::connection::select)
        .flags(LOADING | STALE | FAST)
        .since("1.0.0")
        .group(Group::Connection)
        .complexity("O(1)")
        .summary("Changes the database that this connection works in.")
        .syntax("index:integer"),
];
