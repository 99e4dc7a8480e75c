//! Keys of any type: the rows of their commands.

use crate::command::generic::{dump, expire, keys, object, rename, scan, sort};
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("copy", -3, rename::copy)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RO | ACCESS), at(2, OW | UPDATE)])
        .since("6.2.0")
        .group(Group::Generic)
        .complexity("O(N) for N elements inside the value")
        .summary("Makes a second key with the same value.")
        .syntax("source:key destination:key [DB destination-db:integer] [REPLACE]"),
    row("del", -2, keys::del)
        .flags(WRITE)
        .keys(&[at(1, RM | DELETE).to(-1)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(N) for N keys, plus the elements inside their values")
        .summary("Removes keys and tells how many were there.")
        .syntax("key..."),
    row("dump", 2, dump::dump)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output"])
        .since("2.6.0")
        .group(Group::Generic)
        .complexity("O(N) for N bytes of the value")
        .summary("A value as bytes that RESTORE takes, here or in another server.")
        .syntax("key"),
    row("exists", -2, keys::exists)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO).to(-1)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(N) for N keys")
        .summary("Counts how many of the given keys exist; a key given twice counts twice.")
        .history(&[("3.0.3", "Several keys in one call.")])
        .syntax("key..."),
    row("expire", -3, expire::expire)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Lets a key live for so many seconds from now.")
        .history(&[("7.0.0", "`NX`, `XX`, `GT` and `LT`.")])
        .syntax("key seconds:integer [condition:<NX | XX | GT | LT>@7.0.0]"),
    row("expireat", -3, expire::expireat)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("1.2.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Lets a key live until a moment given in Unix seconds.")
        .history(&[("7.0.0", "`NX`, `XX`, `GT` and `LT`.")])
        .syntax("key unix-time-seconds:unix-time [condition:<NX | XX | GT | LT>@7.0.0]"),
    row("expiretime", 2, expire::expiretime)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("7.0.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("The moment at which a key expires, in Unix seconds.")
        .syntax("key"),
    row("keys", 2, scan::keys)
        .locks(Locks::All)
        .flags(READONLY)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(N) for N keys in the database")
        .summary("All keys whose names match a pattern.")
        .syntax("pattern"),
    row("move", 3, rename::move_key)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Takes a key to another database.")
        .syntax("key db:integer"),
    container("object", -2)
        .since("2.2.3")
        .group(Group::Generic)
        .summary("Looks at how a value is held.")
        .subcommands(&[
            row("encoding", 3, object::encoding)
                .flags(READONLY)
                .keys(&[at(2, RO)])
                .tips(&["nondeterministic_output"])
                .since("2.2.3")
                .complexity("O(1)")
                .summary("The name of the form in which a value is held.")
                .syntax("key"),
            row("freq", 3, object::freq)
                .flags(READONLY)
                .keys(&[at(2, RO)])
                .tips(&["nondeterministic_output"])
                .since("4.0.0")
                .complexity("O(1)")
                .summary("How often a key is used, on a logarithmic scale.")
                .syntax("key"),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("6.2.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("idletime", 3, object::idletime)
                .flags(READONLY)
                .keys(&[at(2, RO)])
                .tips(&["nondeterministic_output"])
                .since("2.2.3")
                .complexity("O(1)")
                .summary("Seconds since a key was last used.")
                .syntax("key"),
            row("refcount", 3, object::refcount)
                .flags(READONLY)
                .keys(&[at(2, RO)])
                .tips(&["nondeterministic_output"])
                .since("2.2.3")
                .complexity("O(1)")
                .summary("How many references a value has.")
                .syntax("key"),
        ]),
    row("persist", 2, expire::persist)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("2.2.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Lets a key live on without an expiry.")
        .syntax("key"),
    row("pexpire", -3, expire::pexpire)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("2.6.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Lets a key live for so many milliseconds from now.")
        .history(&[("7.0.0", "`NX`, `XX`, `GT` and `LT`.")])
        .syntax("key milliseconds:integer [condition:<NX | XX | GT | LT>@7.0.0]"),
    row("pexpireat", -3, expire::pexpireat)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("2.6.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Lets a key live until a moment given in Unix milliseconds.")
        .history(&[("7.0.0", "`NX`, `XX`, `GT` and `LT`.")])
        .syntax("key unix-time-milliseconds:unix-time [condition:<NX | XX | GT | LT>@7.0.0]"),
    row("pexpiretime", 2, expire::pexpiretime)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("7.0.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("The moment at which a key expires, in Unix milliseconds.")
        .syntax("key"),
    row("pttl", 2, expire::pttl)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output"])
        .since("2.6.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("How many milliseconds a key has left to live.")
        .history(&[("2.8.0", "The reply -2.")])
        .syntax("key"),
    row("randomkey", 1, scan::randomkey)
        .locks(Locks::Own)
        .flags(READONLY)
        .tips(&[
            "request_policy:all_shards",
            "response_policy:special",
            "nondeterministic_output",
        ])
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Some key of the database, picked at random."),
    row("rename", 3, rename::rename)
        .flags(WRITE)
        .keys(&[at(1, RW | ACCESS | DELETE), at(2, OW | UPDATE)])
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Gives a key another name, in place of whatever had that name.")
        .syntax("key newkey:key"),
    row("renamenx", 3, rename::renamenx)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | ACCESS | DELETE), at(2, OW | INSERT)])
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Gives a key another name unless that name is taken.")
        .history(&[("3.2.0", "A name given twice is no error.")])
        .syntax("key newkey:key"),
    row("restore", -4, dump::restore)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, OW | UPDATE)])
        .acl(acl::DANGEROUS | acl::KEYSPACE)
        .since("2.6.0")
        .group(Group::Generic)
        .complexity("O(N) for N bytes of the value")
        .summary("Puts a value under a key from the bytes that DUMP gave.")
        .history(&[
            ("3.0.0", "`REPLACE`."),
            ("5.0.0", "`ABSTTL`."),
            ("5.0.0", "`IDLETIME` and `FREQ`."),
        ])
        .syntax(
            "key ttl:integer serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] \
             [IDLETIME seconds:integer@5.0.0] [FREQ frequency:integer@5.0.0]",
        ),
    row("scan", -2, scan::scan)
        .locks(Locks::Own)
        .flags(READONLY)
        .tips(&[
            "nondeterministic_output",
            "request_policy:special",
            "response_policy:special",
        ])
        .since("2.8.0")
        .group(Group::Generic)
        .complexity("O(1) per call; O(N) for the whole walk over N keys")
        .summary("Walks the keys of the database a few at a time.")
        .history(&[("6.0.0", "`TYPE`.")])
        .syntax("cursor:integer [MATCH pattern] [COUNT count:integer] [TYPE type@6.0.0]"),
    row("sort", -2, sort::sort)
        .flags(WRITE | DENYOOM)
        .keys(&[
            at(1, RO | ACCESS),
            unknown(RO | ACCESS).note("the keys that BY and GET name depend on the elements"),
            after_last("STORE", OW | UPDATE)
                .past(&[("BY", 1), ("GET", 1), ("LIMIT", 2)])
                .note("STORE may come anywhere, and more than once"),
        ])
        .acl(acl::DANGEROUS | acl::LIST | acl::SET | acl::SORTEDSET)
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(N+M*log(M)) for N elements that are looked at and M that are returned")
        .summary("Sorts the elements of a list, a set or a sorted set, and keeps the result if asked to.")
        .syntax(
            "key [BY by-pattern(pattern):pattern#1] \
             [LIMIT limit:{offset:integer count:integer}] \
             [GET get-pattern(pattern):pattern#1]... [order:<ASC | DESC>] [sorting='ALPHA'] \
             [STORE destination:key#2]",
        ),
    row("sort_ro", -2, sort::sort_ro)
        .flags(READONLY)
        .keys(&[
            at(1, RO | ACCESS),
            unknown(RO | ACCESS).note("the keys that BY and GET name depend on the elements"),
        ])
        .acl(acl::DANGEROUS | acl::LIST | acl::SET | acl::SORTEDSET)
        .since("7.0.0")
        .group(Group::Generic)
        .complexity("O(N+M*log(M)) for N elements that are looked at and M that are returned")
        .summary("Sorts the elements of a list, a set or a sorted set.")
        .syntax(
            "key [BY by-pattern(pattern):pattern#1] \
             [LIMIT limit:{offset:integer count:integer}] \
             [GET get-pattern(pattern):pattern#1]... [order:<ASC | DESC>] [sorting='ALPHA']",
        ),
    row("touch", -2, keys::touch)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO).to(-1)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .since("3.2.1")
        .group(Group::Generic)
        .complexity("O(N) for N keys")
        .summary("Counts how many of the given keys exist and notes that they were used.")
        .syntax("key..."),
    row("ttl", 2, expire::ttl)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output"])
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("How many seconds a key has left to live.")
        .history(&[("2.8.0", "The reply -2.")])
        .syntax("key"),
    row("type", 2, keys::type_of)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO)])
        .since("1.0.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("The name of the type of value under a key.")
        .syntax("key"),
    row("unlink", -2, keys::unlink)
        .flags(WRITE | FAST)
        .keys(&[at(1, RM | DELETE).to(-1)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .since("4.0.0")
        .group(Group::Generic)
        .complexity("O(1) per key now, O(N) later for N elements inside its value")
        .summary("Removes keys and leaves the freeing of large values for later.")
        .syntax("key..."),
    row("wait", 3, crate::command::server::replication::wait)
        .flags(BLOCKING)
        .acl(acl::CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .since("3.0.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Waits until so many replicas have received this connection's writes.")
        .syntax("numreplicas:integer timeout:integer"),
    row("waitaof", 4, crate::command::server::replication::waitaof)
        .flags(BLOCKING)
        .acl(acl::CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .since("7.2.0")
        .group(Group::Generic)
        .complexity("O(1)")
        .summary("Waits until this connection's writes are on disk, here and on so many replicas.")
        .syntax("numlocal:integer numreplicas:integer timeout:integer"),
];
