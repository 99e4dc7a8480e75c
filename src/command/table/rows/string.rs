//! Strings: the rows of their commands.

use crate::command::string::{compare, get, incr, lcs, set, write};
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("append", 3, write::append)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | INSERT)])
        .since("2.0.0")
        .group(Group::String)
        .complexity("O(1) amortised")
        .summary("Adds to the end of a string, making it if need be.")
        .syntax("key value"),
    row("decr", 2, incr::decr)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("1.0.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("Takes one from an integer; a missing key counts as 0.")
        .syntax("key"),
    row("decrby", 3, incr::decrby)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("1.0.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("Subtracts from an integer; a missing key counts as 0.")
        .syntax("key decrement:integer"),
    row("delex", -2, compare::delex)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | DELETE | VARIABLE)])
        .since("8.4.0")
        .group(Group::String)
        .complexity("O(1); O(N) for a string of N bytes with IFDEQ or IFDNE")
        .summary("Deletes a key, if need be only where its string or the string's digest is, or is not, the one given.")
        .syntax(
            "key [condition:<IFEQ ifeq-value:string | IFNE ifne-value:string \
             | IFDEQ ifdeq-digest:string | IFDNE ifdne-digest:string>]",
        ),
    row("digest", 2, compare::digest)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("8.4.0")
        .group(Group::String)
        .complexity("O(N) for a string of N bytes")
        .summary("The XXH3 digest of a string, in hexadecimal digits.")
        .syntax("key"),
    row("get", 2, get::get)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("1.0.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("The value of a string.")
        .syntax("key"),
    row("getdel", 2, get::getdel)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | ACCESS | DELETE)])
        .since("6.2.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("The value of a string, which is then deleted.")
        .syntax("key"),
    row("getex", -2, get::getex)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE).note("UPDATE, since it changes the expiry")])
        .since("6.2.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("The value of a string, whose expiry is set or cleared on the way.")
        .syntax(
            "key [expiration:<EX seconds:integer | PX milliseconds:integer \
             | EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time \
             | PERSIST>]",
        ),
    row("getrange", 4, get::getrange)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.4.0")
        .group(Group::String)
        .complexity("O(N) for N bytes returned")
        .summary("A part of a string, between two offsets that are both included.")
        .syntax("key start:integer end:integer"),
    row("getset", 3, set::getset)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("1.0.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("Puts a new value in place of a string and gives back the old one.")
        .deprecated("6.2.0", "`SET` with the `!GET` argument")
        .syntax("key value"),
    row("incr", 2, incr::incr)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("1.0.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("Adds one to an integer; a missing key counts as 0.")
        .syntax("key"),
    row("incrby", 3, incr::incrby)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("1.0.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("Adds to an integer; a missing key counts as 0.")
        .syntax("key increment:integer"),
    row("incrbyfloat", 3, incr::incrbyfloat)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("2.6.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("Adds to a decimal number; a missing key counts as 0.")
        .syntax("key increment:double"),
    row("lcs", -3, lcs::run)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS).to(1)])
        .since("7.0.0")
        .group(Group::String)
        .complexity("O(N*M) for strings of N and M bytes")
        .summary(
            "The longest sequence of bytes that two strings have in common, not necessarily \
             side by side.",
        )
        .syntax(
            "key1:key key2:key#0 [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]",
        ),
    row("mget", -2, get::mget)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS).to(-1)])
        .tips(&["request_policy:multi_shard"])
        .since("1.0.0")
        .group(Group::String)
        .complexity("O(N) for N keys")
        .summary("The values of several strings at one moment.")
        .syntax("key..."),
    row("mset", -3, write::mset)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, OW | UPDATE).to(-1).step(2)])
        .tips(&[
            "request_policy:multi_shard",
            "response_policy:all_succeeded",
        ])
        .since("1.0.1")
        .group(Group::String)
        .complexity("O(N) for N keys")
        .summary("Sets several strings at one moment.")
        .syntax("data:{key value}..."),
    row("msetex", -4, write::msetex)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, OW | UPDATE).counted().step(2)])
        .tips(&[
            "request_policy:multi_shard",
            "response_policy:all_succeeded",
        ])
        .since("8.4.0")
        .group(Group::String)
        .complexity("O(N) for N keys")
        .summary("Sets several strings at one moment, with one expiry and under one condition.")
        .syntax(
            "numkeys:integer data:{key value}... [condition:<NX | XX>] \
             [expiration:<EX seconds:integer | PX milliseconds:integer \
             | EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time | KEEPTTL>]",
        ),
    row("msetnx", -3, write::msetnx)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, OW | INSERT).to(-1).step(2)])
        .since("1.0.1")
        .group(Group::String)
        .complexity("O(N) for N keys")
        .summary("Sets several strings if not one of the keys exists.")
        .syntax("data:{key value}..."),
    row("psetex", 4, set::psetex)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, OW | UPDATE)])
        .since("2.6.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("Sets a string with an expiry in milliseconds.")
        .deprecated("2.6.12", "`SET` with the `PX` argument")
        .syntax("key milliseconds:integer value"),
    row("set", -3, set::set)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RW | ACCESS | UPDATE | VARIABLE)
            .without(&["GET"], OW | UPDATE)
            .note("ACCESS for the sake of GET")])
        .since("1.0.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary(
            "Sets a string, whatever the key held before; options add conditions, an expiry, or \
             the old value as reply.",
        )
        .history(&[
            ("2.6.12", "`EX`, `PX`, `NX` and `XX`."),
            ("6.0.0", "`KEEPTTL`."),
            ("6.2.0", "`GET`, `EXAT` and `PXAT`."),
            ("7.0.0", "`NX` and `GET` together."),
            ("8.4.0", "`IFEQ`, `IFNE`, `IFDEQ` and `IFDNE`."),
        ])
        .syntax(
            "key value [condition:<NX | XX | IFEQ ifeq-value:string@8.4.0 \
             | IFNE ifne-value:string@8.4.0 | IFDEQ ifdeq-digest:string@8.4.0 \
             | IFDNE ifdne-digest:string@8.4.0>@2.6.12] [GET@6.2.0] \
             [expiration:<EX seconds:integer@2.6.12 | PX milliseconds:integer@2.6.12 \
             | EXAT unix-time-seconds:unix-time@6.2.0 \
             | PXAT unix-time-milliseconds:unix-time@6.2.0 | KEEPTTL@6.0.0>]",
        ),
    row("setex", 4, set::setex)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, OW | UPDATE)])
        .since("2.0.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("Sets a string with an expiry in seconds.")
        .deprecated("2.6.12", "`SET` with the `EX` argument")
        .syntax("key seconds:integer value"),
    row("setnx", 3, set::setnx)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, OW | INSERT)])
        .since("1.0.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("Sets a string if the key does not exist.")
        .deprecated("2.6.12", "`SET` with the `NX` argument")
        .syntax("key value"),
    row("setrange", 4, write::setrange)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RW | UPDATE)])
        .since("2.2.0")
        .group(Group::String)
        .complexity("O(N) for N bytes written")
        .summary("Writes over a part of a string, filling any gap before it with zero bytes.")
        .syntax("key offset:integer value"),
    row("strlen", 2, get::strlen)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO)])
        .since("2.2.0")
        .group(Group::String)
        .complexity("O(1)")
        .summary("How many bytes a string holds.")
        .syntax("key"),
    row("substr", 4, get::substr)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("1.0.0")
        .group(Group::String)
        .complexity("O(N) for N bytes returned")
        .summary("A part of a string, between two offsets that are both included.")
        .deprecated("2.0.0", "`GETRANGE`")
        .syntax("key start:integer end:integer"),
];
