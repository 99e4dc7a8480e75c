//! Sorted sets: the rows of their commands.

use crate::command::table::prelude::*;
use crate::command::zset::{add, combine, pop, range, read, remove, sample};

pub static ROWS: &[Spec] = &[
    row("bzmpop", -5, pop::bzmpop)
        .flags(WRITE | BLOCKING)
        .keys(&[at(2, RW | ACCESS | DELETE).counted()])
        .since("7.0.0")
        .group(Group::SortedSet)
        .complexity("O(K)+O(M*log(N)) for K keys, N members and M popped")
        .summary("Takes out members of the first sorted set that has any, waiting until one has.")
        .syntax("timeout:double numkeys:integer key... where:<MIN | MAX> [COUNT count:integer]"),
    row("bzpopmax", -3, pop::bzpopmax)
        .flags(WRITE | BLOCKING | FAST)
        .keys(&[at(1, RW | ACCESS | DELETE).to(-2)])
        .since("5.0.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)) for N members")
        .summary("Takes out the member with the highest score of the first sorted set that has any, waiting until one has.")
        .history(&[("6.0.0", "Fractions of a second in the timeout.")])
        .syntax("key... timeout:double"),
    row("bzpopmin", -3, pop::bzpopmin)
        .flags(WRITE | BLOCKING | FAST)
        .keys(&[at(1, RW | ACCESS | DELETE).to(-2)])
        .since("5.0.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)) for N members")
        .summary("Takes out the member with the lowest score of the first sorted set that has any, waiting until one has.")
        .history(&[("6.0.0", "Fractions of a second in the timeout.")])
        .syntax("key... timeout:double"),
    row("zadd", -4, add::zadd)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | UPDATE)])
        .since("1.2.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)) for each member, of N in the set")
        .summary("Adds members to a sorted set, or gives them other scores, making the set if need be.")
        .history(&[("2.4.0", "Several members in one call."), ("3.0.2", "XX, NX, CH and INCR."), ("6.2.0", "GT and LT.")])
        .syntax(
            "key [condition:<NX | XX>@3.0.2] [comparison:<GT | LT>@6.2.0] [change='CH'@3.0.2] \
             [increment='INCR'@3.0.2] data:{score:double member}...",
        ),
    row("zcard", 2, read::zcard)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO)])
        .since("1.2.0")
        .group(Group::SortedSet)
        .complexity("O(1)")
        .summary("How many members a sorted set has.")
        .syntax("key"),
    row("zcount", 4, read::zcount)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.0.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)) for N members")
        .summary("How many members have a score within a range.")
        .syntax("key min:double max:double"),
    row("zdiff", -3, combine::zdiff)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS).counted()])
        .since("6.2.0")
        .group(Group::SortedSet)
        .complexity("O(N*K)+O(M*log(M)) for N members in the first of K sets and M in the result")
        .summary("The members of the first set that none of the others has.")
        .syntax("numkeys:integer key... [WITHSCORES]"),
    row("zdiffstore", -4, combine::zdiffstore)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, OW | UPDATE), at(2, RO | ACCESS).counted()])
        .since("6.2.0")
        .group(Group::SortedSet)
        .complexity("O(N*K)+O(M*log(M)) for N members in the first of K sets and M in the result")
        .summary("Keeps what ZDIFF gives under another key.")
        .syntax("destination:key numkeys:integer key..."),
    row("zincrby", 4, add::zincrby)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("1.2.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)) for N members")
        .summary("Adds to the score of a member, which comes in if it is not there.")
        .syntax("key increment:integer member"),
    row("zinter", -3, combine::zinter)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS).counted()])
        .since("6.2.0")
        .group(Group::SortedSet)
        .complexity("O(N*K)+O(M*log(M)) for N members in the smallest of K sets and M in the result")
        .summary("The members that several sets have in common, with what their scores come to.")
        .syntax(
            "numkeys:integer key... [WEIGHTS weight:integer...] \
             [AGGREGATE aggregate:<SUM | MIN | MAX>] [WITHSCORES]",
        ),
    row("zintercard", -3, combine::zintercard)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS).counted()])
        .since("7.0.0")
        .group(Group::SortedSet)
        .complexity("O(N*K) for N members in the smallest of K sets")
        .summary("How many members several sets have in common.")
        .syntax("numkeys:integer key... [LIMIT limit:integer]"),
    row("zinterstore", -4, combine::zinterstore)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, OW | UPDATE), at(2, RO | ACCESS).counted()])
        .since("2.0.0")
        .group(Group::SortedSet)
        .complexity("O(N*K)+O(M*log(M)) for N members in the smallest of K sets and M in the result")
        .summary("Keeps what ZINTER gives under another key.")
        .syntax(
            "destination:key numkeys:integer key... [WEIGHTS weight:integer...] \
             [AGGREGATE aggregate:<SUM | MIN | MAX>]",
        ),
    row("zlexcount", 4, read::zlexcount)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.8.9")
        .group(Group::SortedSet)
        .complexity("O(log(N)) for N members")
        .summary("How many members lie within a range, where all scores are the same.")
        .syntax("key min max"),
    row("zmpop", -4, pop::zmpop)
        .flags(WRITE)
        .keys(&[at(1, RW | ACCESS | DELETE).counted()])
        .since("7.0.0")
        .group(Group::SortedSet)
        .complexity("O(K)+O(M*log(N)) for K keys, N members and M popped")
        .summary("Takes out members of the first sorted set that has any.")
        .syntax("numkeys:integer key... where:<MIN | MAX> [COUNT count:integer]"),
    row("zmscore", -3, read::zmscore)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("6.2.0")
        .group(Group::SortedSet)
        .complexity("O(N) for N members asked for")
        .summary("The scores of several members.")
        .syntax("key member..."),
    row("zpopmax", -2, pop::zpopmax)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | ACCESS | DELETE)])
        .since("5.0.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)*M) for N members and M popped")
        .summary("Takes out the members with the highest scores.")
        .syntax("key [count:integer]"),
    row("zpopmin", -2, pop::zpopmin)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | ACCESS | DELETE)])
        .since("5.0.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)*M) for N members and M popped")
        .summary("Takes out the members with the lowest scores.")
        .syntax("key [count:integer]"),
    row("zrandmember", -2, sample::zrandmember)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output"])
        .since("6.2.0")
        .group(Group::SortedSet)
        .complexity("O(M*log(N)) for N members and M returned")
        .summary("Members picked at random.")
        .syntax("key [options:{count:integer [WITHSCORES]}]"),
    row("zrange", -4, range::zrange)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("1.2.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)+M) for N members and M returned")
        .summary("The members within a range of ranks, scores or members.")
        .history(&[("6.2.0", "REV, BYSCORE, BYLEX and LIMIT.")])
        .syntax(
            "key start stop [sortby:<BYSCORE | BYLEX>@6.2.0] [REV@6.2.0] \
             [LIMIT limit:{offset:integer count:integer}@6.2.0] [WITHSCORES]",
        ),
    row("zrangebylex", -4, range::zrangebylex)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.8.9")
        .group(Group::SortedSet)
        .complexity("O(log(N)+M) for N members and M returned")
        .summary("The members within a range, where all scores are the same.")
        .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument")
        .syntax("key min max [LIMIT limit:{offset:integer count:integer}]"),
    row("zrangebyscore", -4, range::zrangebyscore)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("1.0.5")
        .group(Group::SortedSet)
        .complexity("O(log(N)+M) for N members and M returned")
        .summary("The members with a score within a range, lowest first.")
        .history(&[("2.0.0", "WITHSCORES.")])
        .deprecated("6.2.0", "`ZRANGE` with the `BYSCORE` argument")
        .syntax(
            "key min:double max:double [WITHSCORES@2.0.0] \
             [LIMIT limit:{offset:integer count:integer}]",
        ),
    row("zrangestore", -5, range::zrangestore)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, OW | UPDATE), at(2, RO | ACCESS)])
        .since("6.2.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)+M*log(M)) for N members and M kept")
        .summary("Keeps the members within a range under another key.")
        .syntax(
            "dst:key src:key min max [sortby:<BYSCORE | BYLEX>] [REV] \
             [LIMIT limit:{offset:integer count:integer}]",
        ),
    row("zrank", -3, read::zrank)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.0.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)) for N members")
        .summary("How many members have a lower score than this one.")
        .history(&[("7.2.0", "WITHSCORE.")])
        .syntax("key member [WITHSCORE]"),
    row("zrem", -3, remove::zrem)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | DELETE)])
        .since("1.2.0")
        .group(Group::SortedSet)
        .complexity("O(M*log(N)) for N members and M removed")
        .summary("Removes members; the set goes with the last one.")
        .history(&[("2.4.0", "Several members in one call.")])
        .syntax("key member..."),
    row("zremrangebylex", 4, remove::zremrangebylex)
        .flags(WRITE)
        .keys(&[at(1, RW | DELETE)])
        .since("2.8.9")
        .group(Group::SortedSet)
        .complexity("O(log(N)+M) for N members and M removed")
        .summary("Removes the members within a range, where all scores are the same.")
        .syntax("key min max"),
    row("zremrangebyrank", 4, remove::zremrangebyrank)
        .flags(WRITE)
        .keys(&[at(1, RW | DELETE)])
        .since("2.0.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)+M) for N members and M removed")
        .summary("Removes the members between two ranks.")
        .syntax("key start:integer stop:integer"),
    row("zremrangebyscore", 4, remove::zremrangebyscore)
        .flags(WRITE)
        .keys(&[at(1, RW | DELETE)])
        .since("1.2.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)+M) for N members and M removed")
        .summary("Removes the members with a score within a range.")
        .syntax("key min:double max:double"),
    row("zrevrange", -4, range::zrevrange)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("1.2.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)+M) for N members and M returned")
        .summary("The members between two ranks, counted from the highest score.")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` argument")
        .syntax("key start:integer stop:integer [WITHSCORES]"),
    row("zrevrangebylex", -4, range::zrevrangebylex)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.8.9")
        .group(Group::SortedSet)
        .complexity("O(log(N)+M) for N members and M returned")
        .summary("The members within a range, last first, where all scores are the same.")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")
        .syntax("key max min [LIMIT limit:{offset:integer count:integer}]"),
    row("zrevrangebyscore", -4, range::zrevrangebyscore)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.2.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)+M) for N members and M returned")
        .summary("The members with a score within a range, highest first.")
        .history(&[("2.1.6", "`min` and `max` may be exclusive.")])
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")
        .syntax(
            "key max:double min:double [WITHSCORES] \
             [LIMIT limit:{offset:integer count:integer}]",
        ),
    row("zrevrank", -3, read::zrevrank)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.0.0")
        .group(Group::SortedSet)
        .complexity("O(log(N)) for N members")
        .summary("How many members have a higher score than this one.")
        .history(&[("7.2.0", "WITHSCORE.")])
        .syntax("key member [WITHSCORE]"),
    row("zscan", -3, sample::zscan)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .tips(&["nondeterministic_output"])
        .since("2.8.0")
        .group(Group::SortedSet)
        .complexity("O(1) for a call, O(N) for a whole walk over N members")
        .summary("Walks over the members of a sorted set and their scores, a few at a time.")
        .syntax("key cursor:integer [MATCH pattern] [COUNT count:integer]"),
    row("zscore", 3, read::zscore)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("1.2.0")
        .group(Group::SortedSet)
        .complexity("O(1)")
        .summary("The score of a member.")
        .syntax("key member"),
    row("zunion", -3, combine::zunion)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS).counted()])
        .since("6.2.0")
        .group(Group::SortedSet)
        .complexity("O(N)+O(M*log(M)) for N members in all sets and M in the result")
        .summary("The members of any of several sets, with what their scores come to.")
        .syntax(
            "numkeys:integer key... [WEIGHTS weight:integer...] \
             [AGGREGATE aggregate:<SUM | MIN | MAX>] [WITHSCORES]",
        ),
    row("zunionstore", -4, combine::zunionstore)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, OW | UPDATE), at(2, RO | ACCESS).counted()])
        .since("2.0.0")
        .group(Group::SortedSet)
        .complexity("O(N)+O(M*log(M)) for N members in all sets and M in the result")
        .summary("Keeps what ZUNION gives under another key.")
        .syntax(
            "destination:key numkeys:integer key... [WEIGHTS weight:integer...] \
             [AGGREGATE aggregate:<SUM | MIN | MAX>]",
        ),
];
