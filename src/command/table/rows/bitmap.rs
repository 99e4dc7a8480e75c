//! Bitmaps: the rows of their commands.

use crate::command::bitmap::{bit, field, op, scan};
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("bitcount", -2, scan::bitcount)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.6.0")
        .group(Group::Bitmap)
        .complexity("O(N) for N bytes looked at")
        .summary("How many bits of a string, or of a part of it, are set.")
        .history(&[("7.0.0", "`BYTE` and `BIT`.")])
        .syntax("key [range:{start:integer end:integer [unit:<BYTE | BIT>@7.0.0]}]"),
    row("bitfield", -2, field::bitfield)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RW | ACCESS | UPDATE | VARIABLE)
            .without(&["SET", "INCRBY"], RO | ACCESS)
            .note("GET alone reads")])
        .since("3.2.0")
        .group(Group::Bitmap)
        .complexity("O(1) for each operation")
        .summary("Reads, sets and increments integers of any width among the bits of a string.")
        .syntax(
            "key [operation:<GET get-block:{encoding offset:integer} \
             | write:{[OVERFLOW overflow-block:<WRAP | SAT \
             | FAIL>] write-operation:<SET set-block:{encoding offset:integer value:integer} \
             | INCRBY incrby-block:{encoding offset:integer increment:integer}>}>...]",
        ),
    row("bitfield_ro", -2, field::bitfield_ro)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("6.0.0")
        .group(Group::Bitmap)
        .complexity("O(1) for each operation")
        .summary("Reads integers of any width among the bits of a string.")
        .syntax("key [GET get-block:{encoding offset:integer}]..."),
    row("bitop", -4, op::bitop)
        .flags(WRITE | DENYOOM)
        .keys(&[at(2, OW | UPDATE), at(3, RO | ACCESS).to(-1)])
        .since("2.6.0")
        .group(Group::Bitmap)
        .complexity("O(N) for N bytes of all strings together")
        .summary("Combines strings bit by bit and keeps what comes of it under a key.")
        .syntax("operation:<AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey:key key..."),
    row("bitpos", -3, scan::bitpos)
        .flags(READONLY)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.8.7")
        .group(Group::Bitmap)
        .complexity("O(N) for N bytes looked at")
        .summary("Where in a string, or in a part of it, the first bit with a value is.")
        .history(&[("7.0.0", "`BYTE` and `BIT`.")])
        .syntax(
            "key bit:integer \
             [range:{start:integer [end-unit-block:{end:integer [unit:<BYTE | BIT>@7.0.0]}]}]",
        ),
    row("getbit", 3, bit::getbit)
        .flags(READONLY | FAST)
        .keys(&[at(1, RO | ACCESS)])
        .since("2.2.0")
        .group(Group::Bitmap)
        .complexity("O(1)")
        .summary("One bit of a string.")
        .syntax("key offset:integer"),
    row("setbit", 4, bit::setbit)
        .flags(WRITE | DENYOOM)
        .keys(&[at(1, RW | ACCESS | UPDATE)])
        .since("2.2.0")
        .group(Group::Bitmap)
        .complexity("O(1) unless the string has to grow")
        .summary("Sets or clears one bit of a string, which grows to reach it.")
        .syntax("key offset:integer value:integer"),
];
