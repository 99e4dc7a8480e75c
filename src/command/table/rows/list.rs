//! Lists: the rows of their commands.

use crate::command::list::{edit, pop, push, read, transfer, transfer_many};
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("blmove", 6, transfer::blmove)
        .flags(WRITE | DENYOOM | BLOCKING)
        .keys(&[at(1, RW | ACCESS | DELETE), at(2, RW | INSERT)])
        .since("6.2.0")
        .group(Group::List)
        .complexity("O(1)")
        .summary("Moves one element between lists as LMOVE does, waiting until there is one.")
        .syntax(
            "source:key destination:key wherefrom:<LEFT | RIGHT> whereto:<LEFT | RIGHT> \
             timeout:double",
        ),
    row("blmovem", -6, transfer_many::blmovem)
        .flags(WRITE | DENYOOM | BLOCKING)
        .keys(&[at(1, RW | ACCESS | DELETE), at(2, RW | INSERT)])
        .since("8.10.0")
        .group(Group::List)
        .complexity("O(N) for N elements moved")
        .summary("Moves elements between lists as LMOVEM does, waiting until there are enough.")
        .syntax(
            "source:key destination:key wherefrom:<LEFT | RIGHT> whereto:<LEFT | RIGHT> \
             timeout:double [how-many:{selector:<COUNT count:integer | EXACTLY \
             exactly:integer> ordering:<OBO | BULK>}]",
        ),
    row("blmpop", -5, pop::blmpop)
        .flags(WRITE | BLOCKING)
        .keys(&[at(2, RW | ACCESS | DELETE).counted()])
        .since("7.0.0")
        .group(Group::List)
        .complexity("O(N+M) for N keys and M elements popped")
        .summary("Pops elements from the first list that has any, waiting until one has.")
        .syntax("timeout:double numkeys:integer key... where:<LEFT | RIGHT> [COUNT count:integer]"),
    row("blpop", -3, pop::blpop)
        .flags(WRITE | BLOCKING)
        .keys(&[at(1, RW | ACCESS | DELETE).to(-2)])
        .since("2.0.0")
        .group(Group::List)
        .complexity("O(N) for N keys")
        .summary("Pops the head of the first list that is not empty, waiting until one is.")
        .history(&[("6.0.0", "Fractions of a second in the timeout.")])
        .syntax("key... timeout:double"),
    row("brpop", -3, pop::brpop)
        .flags(WRITE | BLOCKING)
        .keys(&[at(1, RW | ACCESS | DELETE).to(-2)])
        .since("2.0.0")
        .group(Group::List)
        .complexity("O(N) for N keys")
        .summary("Pops the tail of the first list that is not empty, waiting until one is.")
        .history(&[("6.0.0", "Fractions of a second in the timeout.")])
        .syntax("key... timeout:double"),
    row("brpoplpush", 4, transfer::brpoplpush)
        .flags(WRITE | DENYOOM | BLOCKING)
        .keys(&[at(1, RW | ACCESS | DELETE), at(2, RW | INSERT)])
        .since("2.2.0")
        .group(Group::List)
        .complexity("O(1)")
        .summary("Moves the tail of one list to the head of another, waiting until there is one.")
        .history(&[("6.0.0", "Fractions of a second in the timeout.")])
        .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")
        .syntax("source:key destination:key timeout:double"),
    row("lindex", 3, read::lindex)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("1.0.0")
        .group(Group::List)
        .complexity("O(N) for N elements passed on the way; O(1) at both ends")
        .summary("The element at a position, counted from either end.")
        .syntax("key index:integer"),
    row("linsert", 5, edit::linsert)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RW | INSERT)])
        .since("2.2.0")
        .group(Group::List)
        .complexity("O(N) for N elements passed until the pivot")
        .summary("Puts an element before or after the first one equal to a pivot.")
        .syntax("key where:<BEFORE | AFTER> pivot element"),
    row("llen", 2, read::llen)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO)])
        .since("1.0.0")
        .group(Group::List)
        .complexity("O(1)")
        .summary("How many elements a list holds.")
        .syntax("key"),
    row("lmove", 5, transfer::lmove)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RW | ACCESS | DELETE), at(2, RW | INSERT)])
        .since("6.2.0")
        .group(Group::List)
        .complexity("O(1)")
        .summary(
            "Pops an element at either end of one list and pushes it to either end of another.",
        )
        .syntax("source:key destination:key wherefrom:<LEFT | RIGHT> whereto:<LEFT | RIGHT>"),
    row("lmovem", -5, transfer_many::lmovem)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RW | ACCESS | DELETE), at(2, RW | INSERT)])
        .since("8.10.0")
        .group(Group::List)
        .complexity("O(N) for N elements moved")
        .summary(
            "Moves up to, or exactly, so many elements from one list to another, one by one or \
             in the order in which they stand.",
        )
        .syntax(
            "source:key destination:key wherefrom:<LEFT | RIGHT> whereto:<LEFT | RIGHT> \
             [how-many:{selector:<COUNT count:integer | EXACTLY exactly:integer> \
             ordering:<OBO | BULK>}]",
        ),
    row("lmpop", -4, pop::lmpop)
        .flags(WRITE)
        .keys(&[at(1, RW | ACCESS | DELETE).counted()])
        .since("7.0.0")
        .group(Group::List)
        .complexity("O(N+M) for N keys and M elements popped")
        .summary("Pops elements from the first list that has any.")
        .syntax("numkeys:integer key... where:<LEFT | RIGHT> [COUNT count:integer]"),
    row("lpop", -2, pop::lpop)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | ACCESS | DELETE)])
        .since("1.0.0")
        .group(Group::List)
        .complexity("O(N) for N elements popped")
        .summary("Pops elements from the head of a list.")
        .history(&[("6.2.0", "The count.")])
        .syntax("key [count:integer@6.2.0]"),
    row("lpos", -3, read::lpos)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("6.0.6")
        .group(Group::List)
        .complexity(
            "O(N) for N elements looked at; less when matches lie near the start or MAXLEN is \
             given",
        )
        .summary("Where in a list an element is found.")
        .syntax("key element [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]"),
    row("lpush", -3, push::lpush)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | INSERT)])
        .since("1.0.0")
        .group(Group::List)
        .complexity("O(N) for N elements")
        .summary("Pushes elements to the head of a list, making it if need be.")
        .history(&[("2.4.0", "Several elements in one call.")])
        .syntax("key element..."),
    row("lpushx", -3, push::lpushx)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | INSERT)])
        .since("2.2.0")
        .group(Group::List)
        .complexity("O(N) for N elements")
        .summary("Pushes elements to the head of a list that exists.")
        .history(&[("4.0.0", "Several elements in one call.")])
        .syntax("key element..."),
    row("lrange", 4, read::lrange)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("1.0.0")
        .group(Group::List)
        .complexity("O(S+N) for S elements from the nearer end to the start and N returned")
        .summary("The elements between two positions.")
        .syntax("key start:integer stop:integer"),
    row("lrem", 4, edit::lrem)
        .flags(WRITE)
        .keys(&[at(1, RW | DELETE)])
        .since("1.0.0")
        .group(Group::List)
        .complexity("O(N+M) for N elements looked at and M removed")
        .summary("Removes elements equal to a value, from either end or everywhere.")
        .syntax("key count:integer element"),
    row("lset", 4, edit::lset)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RW | UPDATE)])
        .since("1.0.0")
        .group(Group::List)
        .complexity("O(N) for a list of N elements; O(1) at both ends")
        .summary("Replaces the element at a position.")
        .syntax("key index:integer element"),
    row("ltrim", 4, edit::ltrim)
        .flags(WRITE)
        .keys(&[at(1, RW | DELETE)])
        .since("1.0.0")
        .group(Group::List)
        .complexity("O(N) for N elements removed")
        .summary("Keeps only the elements between two positions.")
        .syntax("key start:integer stop:integer"),
    row("rpop", -2, pop::rpop)
        .flags(WRITE | FAST)
        .keys(&[at(1, RW | ACCESS | DELETE)])
        .since("1.0.0")
        .group(Group::List)
        .complexity("O(N) for N elements popped")
        .summary("Pops elements from the tail of a list.")
        .history(&[("6.2.0", "The count.")])
        .syntax("key [count:integer@6.2.0]"),
    row("rpoplpush", 3, transfer::rpoplpush)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RW | ACCESS | DELETE), at(2, RW | INSERT)])
        .since("1.2.0")
        .group(Group::List)
        .complexity("O(1)")
        .summary("Moves the tail of one list to the head of another.")
        .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
        .syntax("source:key destination:key"),
    row("rpush", -3, push::rpush)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | INSERT)])
        .since("1.0.0")
        .group(Group::List)
        .complexity("O(N) for N elements")
        .summary("Pushes elements to the tail of a list, making it if need be.")
        .history(&[("2.4.0", "Several elements in one call.")])
        .syntax("key element..."),
    row("rpushx", -3, push::rpushx)
        .flags(WRITE | DENYOOM | FAST)
        .keys(&[at(1, RW | INSERT)])
        .since("2.2.0")
        .group(Group::List)
        .complexity("O(N) for N elements")
        .summary("Pushes elements to the tail of a list that exists.")
        .history(&[("4.0.0", "Several elements in one call.")])
        .syntax("key element..."),
];
