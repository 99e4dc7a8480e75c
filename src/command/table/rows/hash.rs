//! Hashes: the rows of their commands.

use crate::command::hash::{expire, incr, random, read, scan, setex, take, write};
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("hdel", -3, write::hdel)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | DELETE)])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("Removes fields from a hash, and the hash with the last one.")
        .history(&[("2.4.0", "Several fields.")])
        .syntax("key field..."),
    row("hexists", 3, read::hexists)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO)])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(1)")
        .summary("Whether a hash has a field.")
        .syntax("key field"),
    row("hexpire", -6, expire::hexpire)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("7.4.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("Sets in how many seconds fields expire.")
        .syntax(
            "key seconds:integer [condition:<NX | XX | GT | LT>] \
             FIELDS fields:{numfields:integer field...}",
        ),
    row("hexpireat", -6, expire::hexpireat)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("7.4.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("Sets the Unix time in seconds at which fields expire.")
        .syntax(
            "key unix-time-seconds:unix-time [condition:<NX | XX | GT | LT>] \
             FIELDS fields:{numfields:integer field...}",
        ),
    row("hexpiretime", -5, expire::hexpiretime)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("7.4.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("The Unix times in seconds at which fields expire.")
        .syntax("key FIELDS fields:{numfields:integer field...}"),
    row("hget", 3, read::hget)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(1)")
        .summary("The value of a field.")
        .syntax("key field"),
    row("hgetall", 2, read::hgetall)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("All fields of a hash with their values.")
        .syntax("key"),
    row("hgetdel", -5, take::hgetdel)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | ACCESS | DELETE)])
        .since("8.0.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("The values of fields, which are removed.")
        .syntax("key FIELDS fields:{numfields:integer field...}"),
    row("hgetex", -5, take::hgetex)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE).note("UPDATE, since it changes expiries")])
        .since("8.0.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("The values of fields, whose expiry may be set or ended.")
        .syntax(
            "key [expiration:<EX seconds:integer | PX milliseconds:integer \
             | EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time \
             | PERSIST>] FIELDS fields:{numfields:integer field...}",
        ),
    row("hincrby", 4, incr::hincrby)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(1)")
        .summary("Adds to a field that is an integer; a missing one counts as 0.")
        .syntax("key field increment:integer"),
    row("hincrbyfloat", 4, incr::hincrbyfloat)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("2.6.0")
        .group(Group::Hash)
        .complexity("O(1)")
        .summary("Adds to a field that is a number; a missing one counts as 0.")
        .syntax("key field increment:double"),
    row("hkeys", 2, read::hkeys)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("The names of all fields of a hash.")
        .syntax("key"),
    row("hlen", 2, read::hlen)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO)])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(1)")
        .summary("How many fields a hash has.")
        .syntax("key"),
    row("hmget", -3, read::hmget)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("The values of several fields.")
        .syntax("key field..."),
    row("hmset", -4, write::hmset)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("Sets several fields of a hash.")
        .deprecated("4.0.0", "`HSET` with multiple field-value pairs")
        .syntax("key data:{field value}..."),
    row("hpersist", -5, expire::hpersist)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("7.4.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("Has fields expire no more.")
        .syntax("key FIELDS fields:{numfields:integer field...}"),
    row("hpexpire", -6, expire::hpexpire)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("7.4.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("Sets in how many milliseconds fields expire.")
        .syntax(
            "key milliseconds:integer [condition:<NX | XX | GT | LT>] \
             FIELDS fields:{numfields:integer field...}",
        ),
    row("hpexpireat", -6, expire::hpexpireat)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("7.4.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("Sets the Unix time in milliseconds at which fields expire.")
        .syntax(
            "key unix-time-milliseconds:unix-time [condition:<NX | XX | GT | LT>] \
             FIELDS fields:{numfields:integer field...}",
        ),
    row("hpexpiretime", -5, expire::hpexpiretime)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("7.4.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("The Unix times in milliseconds at which fields expire.")
        .syntax("key FIELDS fields:{numfields:integer field...}"),
    row("hpttl", -5, expire::hpttl)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output"])
        .since("7.4.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("In how many milliseconds fields expire.")
        .syntax("key FIELDS fields:{numfields:integer field...}"),
    row("hrandfield", -2, random::hrandfield)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output"])
        .since("6.2.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields told")
        .summary("One or more fields of a hash, picked at random.")
        .syntax("key [options:{count:integer [WITHVALUES]}]"),
    row("hscan", -3, scan::hscan)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output"])
        .since("2.8.0")
        .group(Group::Hash)
        .complexity("O(1) a call; O(N) for a whole walk over N fields")
        .summary("Goes through the fields of a hash, some with each call.")
        .syntax("key cursor:integer [MATCH pattern] [COUNT count:integer] [NOVALUES]"),
    row("hset", -4, write::hset)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("Sets fields of a hash, making it if need be.")
        .history(&[("4.0.0", "Several fields.")])
        .syntax("key data:{field value}..."),
    row("hsetex", -6, setex::hsetex)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("8.0.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("Sets fields of a hash together with their expiry, if need be only where all or none of them are there.")
        .syntax(
            "key [condition:<FNX | FXX>] [expiration:<EX seconds:integer \
             | PX milliseconds:integer | EXAT unix-time-seconds:unix-time \
             | PXAT unix-time-milliseconds:unix-time | KEEPTTL>] \
             FIELDS fields:{numfields:integer data:{field value}...}",
        ),
    row("hsetnx", 4, write::hsetnx)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | INSERT)])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(1)")
        .summary("Sets a field unless it is there.")
        .syntax("key field value"),
    row("hstrlen", 3, read::hstrlen)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO)])
        .since("3.2.0")
        .group(Group::Hash)
        .complexity("O(1)")
        .summary("The length of a value.")
        .syntax("key field"),
    row("httl", -5, expire::httl)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output"])
        .since("7.4.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("In how many seconds fields expire.")
        .syntax("key FIELDS fields:{numfields:integer field...}"),
    row("hvals", 2, read::hvals)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .since("2.0.0")
        .group(Group::Hash)
        .complexity("O(N) for N fields")
        .summary("The values of all fields of a hash.")
        .syntax("key"),
];
