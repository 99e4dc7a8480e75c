//! Streams and their consumer groups: the rows of their commands.

use crate::command::stream::*;
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("xack", -4, ack::xack)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(1) per id")
        .summary("Marks pending entries of a group as done and tells how many were.")
        .syntax("key group id..."),
    row("xackdel", -6, delete::xackdel)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE | DELETE)])
        .since("8.2.0")
        .group(Group::Stream)
        .complexity("O(1) per id")
        .summary(
            "Acknowledges entries in one group and removes them from the stream, as the \
             reference mode allows.",
        )
        .syntax("key group [condition:<KEEPREF | DELREF | ACKED>] IDS ids:{numids:integer id...}"),
    row("xadd", -5, add::xadd)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | UPDATE).note("UPDATE, not INSERT, since it may trim")])
        .tips(&["nondeterministic_output"])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(1), plus O(N) for N entries trimmed")
        .summary(
            "Appends an entry, making the stream first if need be, and may trim it in the same \
             step. `+ms` or `@unix-ms` in place of the id: it takes its place then.",
        )
        .history(&[
            ("6.2.0", "`NOMKSTREAM`, `MINID` and `LIMIT`."),
            ("7.0.0", "Ids of the form `<ms>-*`."),
            ("8.2.0", "`KEEPREF`, `DELREF` and `ACKED`."),
        ])
        .syntax(
            "key [NOMKSTREAM@6.2.0] [condition:<KEEPREF | DELREF | ACKED>] \
             [idmp:<IDMPAUTO pid | IDMP idmp:{pid iid}>@8.6.0] \
             [trim:{strategy:<MAXLEN | MINID@6.2.0> [operator:<equal='=' \
             | approximately='~'>] threshold [LIMIT count:integer@6.2.0]}] \
             id-selector:<auto-id='*' | id> data:{field value}...",
        ),
    row("xautoclaim", -6, autoclaim::xautoclaim)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | DELETE)])
        .tips(&["nondeterministic_output"])
        .since("6.2.0")
        .group(Group::Stream)
        .complexity("O(N) for N entries scanned, which COUNT bounds")
        .summary("Scans a group's pending entries for idle ones and hands them to a consumer.")
        .history(&[(
            "7.0.0",
            "The reply also lists the entries found deleted and dropped from the pending \
             list.",
        )])
        .syntax("key group consumer min-idle-time start [COUNT count:integer] [JUSTID]"),
    row("xcfgset", -2, cfgset::xcfgset)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("8.6.0")
        .group(Group::Stream)
        .complexity(
            "O(1); O(N) for N entries that go, or pending ones that are parked or ordered anew",
        )
        .summary("Sets what a stream, or one of its groups, does by itself.")
        .syntax(
            "key [IDMP-DURATION idmp-duration:integer] [IDMP-MAXSIZE idmp-maxsize:integer] \
             [MAXLEN maxlen:integer] [MAXAGE maxage:integer] [MAXBYTES maxbytes:integer] \
             [condition:<KEEPREF | DELREF | ACKED>] [OVERFLOW overflow:<TRIM | REJECT>] \
             [ONACK onack:<KEEP | DELETE>] [group-policy:{GROUP group \
             [ACKWAIT ackwait:integer] [BACKOFF backoff:{min:integer max:integer}] \
             [MAXDELIVER maxdeliver:integer] [DEADLETTER deadletter] \
             [MAXPENDING maxpending:integer] [ORDER order]}]",
        ),
    row("xclaim", -6, claim::xclaim)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .tips(&["nondeterministic_output"])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(log N) per id, for N pending entries in the group")
        .summary("Hands named pending entries to another consumer of the group.")
        .syntax(
            "key group consumer min-idle-time id... [IDLE ms:integer] \
             [TIME unix-time-milliseconds:unix-time] [RETRYCOUNT count:integer] [FORCE] \
             [JUSTID] [LASTID lastid]",
        ),
    row("xdel", -3, delete::xdel)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | DELETE)])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(1) per id, whatever the length of the stream")
        .summary("Removes entries by id and tells how many were there.")
        .syntax("key id..."),
    row("xdelex", -5, delete::xdelex)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | DELETE)])
        .since("8.2.0")
        .group(Group::Stream)
        .complexity("O(1) per id, whatever the length of the stream")
        .summary(
            "Removes entries by id, with a say in what becomes of the groups' references to \
             them.",
        )
        .syntax("key [condition:<KEEPREF | DELREF | ACKED>] IDS ids:{numids:integer id...}"),
    container("xgroup", -2)
        .since("5.0.0")
        .group(Group::Stream)
        .summary("Manages the consumer groups of a stream.")
        .subcommands(&[
            row("create", -5, group::create)
                .flags(WRITE | DENYOOM)
                .keys(&[at(2, RW | INSERT)])
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Adds a group that reads from a given id on.")
                .history(&[("7.0.0", "`ENTRIESREAD`.")])
                .syntax(
                    "key group id-selector:<id | new-id='$'> [MKSTREAM] \
                     [ENTRIESREAD entriesread(entries-read):integer]",
                ),
            row("createconsumer", 5, group::createconsumer)
                .flags(WRITE | DENYOOM)
                .keys(&[at(2, RW | INSERT)])
                .since("6.2.0")
                .complexity("O(1)")
                .summary("Adds a consumer to a group ahead of its first read.")
                .syntax("key group consumer"),
            row("delconsumer", 5, group::delconsumer)
                .flags(WRITE)
                .keys(&[at(2, RW | DELETE)])
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Removes a consumer from a group; its pending entries go with it, or back to a group \
                     that has leases.")
                .syntax("key group consumer"),
            row("destroy", 4, group::destroy)
                .flags(WRITE)
                .keys(&[at(2, RW | DELETE)])
                .since("5.0.0")
                .complexity("O(N) for N entries pending in the group")
                .summary("Removes a group with all it knows.")
                .syntax("key group"),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("setid", -5, group::setid)
                .flags(WRITE)
                .keys(&[at(2, RW | UPDATE)])
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Moves the id up to which a group counts as having read.")
                .history(&[("7.0.0", "`ENTRIESREAD`.")])
                .syntax(
                    "key group id-selector:<id | new-id='$'> \
                     [ENTRIESREAD entriesread(entries-read):integer]",
                ),
        ]),
    row("xidmprecord", 5, idmp::xidmprecord)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("8.6.2")
        .group(Group::Stream)
        .complexity("O(1)")
        .summary("Notes which entry a producer's message became; meant for the log.")
        .syntax("key pid iid stream-id"),
    container("xinfo", -2)
        .since("5.0.0")
        .group(Group::Stream)
        .summary("Looks into a stream and its groups.")
        .subcommands(&[
            row("consumers", 4, info::consumers)
                .flags(READONLY)
                .keys(&[at(2, RO | ACCESS)])
                .tips(&["nondeterministic_output"])
                .since("5.0.0")
                .complexity("O(1)")
                .summary(
                    "The consumers of one group, with what each holds and when it was last \
                     active.",
                )
                .history(&[(
                    "7.2.0",
                    "`inactive` is new, and `idle` counts from the last attempt.",
                )])
                .syntax("key group"),
            row("groups", 3, info::groups)
                .flags(READONLY)
                .keys(&[at(2, RO | ACCESS)])
                .since("5.0.0")
                .complexity("O(1)")
                .summary("The groups of a stream, each with its position, pending count and lag.")
                .history(&[("7.0.0", "`entries-read` and `lag`.")])
                .syntax("key"),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("queue", -3, queue_info::queue)
                .flags(READONLY)
                .keys(&[at(2, RO | ACCESS)])
                .tips(&["nondeterministic_output"])
                .since("8.2.0")
                .complexity("O(N) for N blocks yet to be read and N entries to be served again")
                .summary("A stream and its groups, or one group, as queues: policies, counts and totals.")
                .syntax("key [group]"),
            row("stream", -3, info::stream)
                .flags(READONLY)
                .keys(&[at(2, RO | ACCESS)])
                .since("5.0.0")
                .complexity("O(1)")
                .summary("The state of a stream; with FULL, its entries and groups as well.")
                .history(&[
                    ("6.0.0", "`FULL`."),
                    (
                        "7.0.0",
                        "`max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, \
                     `entries-read` and `lag`.",
                    ),
                    (
                        "7.2.0",
                        "`active-time` is new, and `seen-time` counts attempts.",
                    ),
                    (
                        "8.6.0",
                        "`idmp-duration`, `idmp-maxsize`, `pids-tracked`, `iids-tracked`, \
                     `iids-added` and `iids-duplicates`.",
                    ),
                    ("8.8.0", "With FULL, `nacked-count` of groups."),
                ])
                .syntax("key [full-block:{FULL [COUNT count:integer]}]"),
        ]),
    row("xlen", 2, range::xlen)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO)])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(1)")
        .summary("How many entries a stream holds.")
        .syntax("key"),
    row("xnack", -7, nack::xnack)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .reaches(deadletter::reach)
        .since("8.8.0")
        .group(Group::Stream)
        .complexity("O(log N) per id, for N pending entries in the group")
        .summary(
            "Gives pending entries back to their group, to be delivered again, or to become dead \
             letters.",
        )
        .syntax(
            "key group mode:<SILENT | FAIL | FATAL> IDS ids:{numids:integer id...} \
             [RETRYCOUNT count:integer] [FORCE] [DELAY milliseconds:integer]",
        ),
    row("xpending", -3, pending::xpending)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output"])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(N) for N entries returned; with IDLE, for N entries scanned")
        .summary(
            "What a group has delivered and not yet seen acknowledged, as a summary or entry by \
             entry.",
        )
        .history(&[("6.2.0", "`IDLE`, and exclusive bounds.")])
        .syntax(
            "key group \
             [filters:{[IDLE min-idle-time:integer@6.2.0] start end count:integer [consumer]}]",
        ),
    row("xrange", -4, range::xrange)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(N) for N entries returned")
        .summary("The entries between two ids, oldest first.")
        .history(&[("6.2.0", "Exclusive bounds.")])
        .syntax("key start end [COUNT count:integer]"),
    row("xread", -4, read::xread)
        .flags(READONLY | BLOCKING)
        .keys(&[after("STREAMS", 1, RO | ACCESS).to(-1).limit(2)])
        .since("5.0.0")
        .group(Group::Stream)
        .summary(
            "The entries after given ids in one or more streams, waiting for some if asked to.",
        )
        .history(&[("8.10.0", "`MAXCOUNT` and `MAXSIZE`.")])
        .syntax(
            "[COUNT count:integer] [MAXCOUNT maxcount:integer@8.10.0] \
             [MAXSIZE maxsize:integer@8.10.0] [BLOCK milliseconds:integer] \
             STREAMS streams:{key... id...}",
        ),
    row("xreadgroup", -7, readgroup::xreadgroup)
        .flags(WRITE | BLOCKING)
        .keys(&[after("STREAMS", 4, RO | ACCESS).to(-1).limit(2).past(&[
            ("GROUP", 2),
            ("COUNT", 1),
            ("MAXCOUNT", 1),
            ("MAXSIZE", 1),
            ("BLOCK", 1),
            ("CLAIM", 1),
        ])])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(N) per stream for N entries returned")
        .summary(
            "Delivers entries to a consumer of a group: new ones, which become pending, or its \
             own pending ones again.",
        )
        .history(&[
            ("8.4.0", "`CLAIM`."),
            ("8.10.0", "`MAXCOUNT` and `MAXSIZE`."),
        ])
        .syntax(
            "GROUP group-block:{group consumer} [COUNT count:integer] \
             [MAXCOUNT maxcount:integer@8.10.0] [MAXSIZE maxsize:integer@8.10.0] \
             [BLOCK milliseconds:integer] [CLAIM min-idle-time:integer@8.4.0] [NOACK] \
             STREAMS streams:{key... id...}",
        ),
    row("xredrive", -2, redrive::xredrive)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RW | DELETE)])
        .reaches(redrive::reach)
        .since("8.2.0")
        .group(Group::Stream)
        .complexity("O(N) for N dead letters, which COUNT bounds")
        .summary("Sends dead letters back to the streams and groups that they came from.")
        .syntax(
            "dlq(key) [TO target] [selector:<IDS ids:{numids:integer id...} | COUNT count:integer>]",
        ),
    row("xrevrange", -4, range::xrevrange)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(N) for N entries returned")
        .summary("The entries between two ids, newest first.")
        .history(&[("6.2.0", "Exclusive bounds.")])
        .syntax("key end start [COUNT count:integer]"),
    row("xscheduled", -2, schedule::xscheduled)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("8.2.0")
        .group(Group::Stream)
        .complexity("O(N) for N entries returned")
        .summary("The entries that wait for their time between two ids, the first due first.")
        .syntax("key [range:{start end [COUNT count:integer]}]"),
    row("xsetid", -3, setid::xsetid)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(1)")
        .summary("Sets a stream's last id and counters; meant for replication.")
        .history(&[("7.0.0", "`ENTRIESADDED` and `MAXDELETEDID`.")])
        .syntax(
            "key last-id [ENTRIESADDED entries-added:integer@7.0.0] \
             [MAXDELETEDID max-deleted-id@7.0.0]",
        ),
    row("xtouch", -7, touch::xtouch)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("8.2.0")
        .group(Group::Stream)
        .complexity("O(log N) per id, for N pending entries in the group")
        .summary("Begins the leases of a consumer anew and tells which of them it still holds.")
        .syntax("key group consumer IDS ids:{numids:integer id...}"),
    row("xtrim", -4, trim::xtrim)
        .flags(WRITE)
        .keys(&[at(1, RW | DELETE)])
        .tips(&["nondeterministic_output"])
        .since("5.0.0")
        .group(Group::Stream)
        .complexity("O(N) for N entries dropped, whole blocks at a time")
        .summary("Drops the oldest entries of a stream, down to a length or up to an id.")
        .history(&[
            ("6.2.0", "`MINID` and `LIMIT`."),
            ("8.2.0", "`KEEPREF`, `DELREF` and `ACKED`."),
        ])
        .syntax(
            "key trim:{strategy:<MAXLEN | MINID@6.2.0> [operator:<equal='=' \
             | approximately='~'>] threshold [LIMIT count:integer@6.2.0] [condition:<KEEPREF \
             | DELREF | ACKED>]}",
        ),
];
