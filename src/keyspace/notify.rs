//! Classes of keyspace events and the text that chooses among them (`notify-keyspace-events`), as Redis's documentation
//! of keyspace notifications lists them.

/// Events go to `__keyspace@<db>__:<key>`.
pub const KEYSPACE: u32 = 1 << 0;
/// Events go to `__keyevent@<db>__:<event>`.
pub const KEYEVENT: u32 = 1 << 1;
/// DEL, EXPIRE, RENAME and other commands of no type.
pub const GENERIC: u32 = 1 << 2;
/// Strings.
pub const STRING: u32 = 1 << 3;
/// Lists.
pub const LIST: u32 = 1 << 4;
/// Sets.
pub const SET: u32 = 1 << 5;
/// Hashes.
pub const HASH: u32 = 1 << 6;
/// Sorted sets.
pub const ZSET: u32 = 1 << 7;
/// Keys whose time was up.
pub const EXPIRED: u32 = 1 << 8;
/// Keys removed for memory.
pub const EVICTED: u32 = 1 << 9;
/// Streams.
pub const STREAM: u32 = 1 << 10;
/// A key was asked for that is not there.
pub const KEYMISS: u32 = 1 << 13;
/// Module types.
pub const MODULE: u32 = 1 << 11;
/// A key came to be.
pub const NEW: u32 = 1 << 12;
/// A key was written over.
pub const OVERWRITTEN: u32 = 1 << 14;
/// A key's value changed its type.
pub const TYPE_CHANGED: u32 = 1 << 15;
/// What `A` stands for: every class but `KEYMISS`, `NEW`, `OVERWRITTEN` and `TYPE_CHANGED`.
pub const ALL: u32 =
    GENERIC | STRING | LIST | SET | HASH | ZSET | EXPIRED | EVICTED | STREAM | MODULE;

/// The letters of the classes, in the order in which CONFIG GET tells them.
const LETTERS: [(char, u32); 16] = [
    ('g', GENERIC),
    ('$', STRING),
    ('l', LIST),
    ('s', SET),
    ('h', HASH),
    ('z', ZSET),
    ('x', EXPIRED),
    ('e', EVICTED),
    ('t', STREAM),
    ('d', MODULE),
    ('n', NEW),
    ('o', OVERWRITTEN),
    ('c', TYPE_CHANGED),
    ('K', KEYSPACE),
    ('E', KEYEVENT),
    ('m', KEYMISS),
];

/// Parses a set of letters; None when one is unknown.
pub fn parse(letters: &str) -> Option<u32> {
    letters.chars().try_fold(0, |classes, letter| {
        if letter == 'A' {
            return Some(classes | ALL);
        }
        let (_, class) = LETTERS.iter().find(|(known, _)| *known == letter)?;
        Some(classes | class)
    })
}

/// The letters of a set of classes. Beside `A`, Redis does not tell of `n`, `o` and `c`, and so this does not.
pub fn format(classes: u32) -> String {
    let every = classes & ALL == ALL;
    let covered = if every {
        ALL | NEW | OVERWRITTEN | TYPE_CHANGED
    } else {
        0
    };
    let told = |class: u32| classes & class & !covered != 0;
    let letters = LETTERS.iter().filter(|(_, class)| told(*class));
    let start = if every { "A" } else { "" };
    start
        .chars()
        .chain(letters.map(|(letter, _)| *letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_print_as_redis_prints_them() {
        let printed = |letters: &str| parse(letters).map(format);
        for (letters, expected) in [
            ("KEA", "AKE"),
            ("xeKEmtndlszhg$", "AKEm"),
            ("AKEmn", "AKEm"),
            ("glz", "glz"),
            ("tndxe", "xetdn"),
            ("zsnlhKm", "lshznKm"),
            ("En", "nE"),
            ("KEgmcon", "gnocKEm"),
            ("KEAoc", "AKE"),
            ("", ""),
        ] {
            assert_eq!(printed(letters).as_deref(), Some(expected), "{letters}");
        }
        assert_eq!(printed("K E"), None);
        assert_eq!(printed("KQ"), None);
    }
}
