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

const LETTERS: [(u8, u32); 16] = [
    (b'g', GENERIC),
    (b'$', STRING),
    (b'l', LIST),
    (b's', SET),
    (b'h', HASH),
    (b'z', ZSET),
    (b'x', EXPIRED),
    (b'e', EVICTED),
    (b't', STREAM),
    (b'd', MODULE),
    (b'K', KEYSPACE),
    (b'E', KEYEVENT),
    (b'm', KEYMISS),
    (b'n', NEW),
    (b'o', OVERWRITTEN),
    (b'c', TYPE_CHANGED),
];

/// Parses a set of letters; None when one is unknown.
pub fn parse(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |classes, &letter| {
        if letter == b'A' {
            return Some(classes | ALL);
        }
        let (_, class) = LETTERS.iter().find(|(known, _)| *known == letter)?;
        Some(classes | class)
    })
}

/// The letters of a set of classes, in the order Redis lists them.
pub fn format(classes: u32) -> String {
    let mut text = String::new();
    let every = classes & ALL == ALL;
    if every {
        text.push('A');
    }
    for (letter, class) in LETTERS {
        if classes & class != 0 && !(every && ALL & class != 0) {
            text.push(letter.into());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_round_trip() {
        assert_eq!(parse(b"KEA").map(format).as_deref(), Some("AKE"));
        assert_eq!(parse(b"Elx").map(format).as_deref(), Some("lxE"));
        assert_eq!(parse(b"KEAm").map(format).as_deref(), Some("AKEm"));
        assert_eq!(parse(b"").map(format).as_deref(), Some(""));
        assert_eq!(parse(b"q"), None);
    }
}
