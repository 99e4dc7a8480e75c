//! The classes of keyspace events that are published (`notify-keyspace-events`).

use std::fmt;

/// A set of event classes, and which of the two channels (`__keyspace@`, `__keyevent@`) tell of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotifyClasses(u16);

impl NotifyClasses {
    /// `K`: tell on `__keyspace@<db>__:<key>`.
    pub const KEYSPACE: Self = Self(1 << 0);
    /// `E`: tell on `__keyevent@<db>__:<event>`.
    pub const KEYEVENT: Self = Self(1 << 1);
    /// `g`: commands that any type has (DEL, EXPIRE, RENAME).
    pub const GENERIC: Self = Self(1 << 2);
    /// `$`: string commands.
    pub const STRING: Self = Self(1 << 3);
    /// `l`: list commands.
    pub const LIST: Self = Self(1 << 4);
    /// `s`: set commands.
    pub const SET: Self = Self(1 << 5);
    /// `h`: hash commands.
    pub const HASH: Self = Self(1 << 6);
    /// `z`: sorted set commands.
    pub const ZSET: Self = Self(1 << 7);
    /// `x`: a key reached its time.
    pub const EXPIRED: Self = Self(1 << 8);
    /// `e`: a key was evicted for memory.
    pub const EVICTED: Self = Self(1 << 9);
    /// `t`: stream commands.
    pub const STREAM: Self = Self(1 << 10);
    /// `d`: keys of module types.
    pub const MODULE: Self = Self(1 << 11);
    /// `n`: a key came into being (outside `A`).
    pub const NEW: Self = Self(1 << 12);
    /// `m`: a read found no key (outside `A`).
    pub const KEY_MISS: Self = Self(1 << 13);
    /// `A`: every class but `n` and `m`.
    pub const ALL: Self = Self(0b1111_1111_1100);

    /// The letters and their classes, in the order in which CONFIG GET prints them.
    const LETTERS: [(char, Self); 14] = [
        ('g', Self::GENERIC),
        ('$', Self::STRING),
        ('l', Self::LIST),
        ('s', Self::SET),
        ('h', Self::HASH),
        ('z', Self::ZSET),
        ('x', Self::EXPIRED),
        ('e', Self::EVICTED),
        ('t', Self::STREAM),
        ('d', Self::MODULE),
        ('n', Self::NEW),
        ('K', Self::KEYSPACE),
        ('E', Self::KEYEVENT),
        ('m', Self::KEY_MISS),
    ];

    /// Reads the letters of the directive; None if one of them is no class.
    pub fn parse(letters: &str) -> Option<Self> {
        letters
            .chars()
            .try_fold(Self::default(), |classes, letter| {
                let class = match letter {
                    'A' => Self::ALL,
                    _ => Self::LETTERS.iter().find(|(known, _)| *known == letter)?.1,
                };
                Some(Self(classes.0 | class.0))
            })
    }

    /// The set as the keyspace knows it.
    pub fn bits(self) -> u32 {
        u32::from(self.0)
    }

    /// Whether every class of `other` is in this set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is told of anything.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::BitOr for NotifyClasses {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for NotifyClasses {
    /// The shortest letters. With `A`, Redis leaves `n` out, and so does this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.contains(Self::ALL);
        if all {
            f.write_str("A")?;
        }
        let covered = if all {
            Self::ALL | Self::NEW
        } else {
            Self::default()
        };
        for (letter, class) in Self::LETTERS {
            if self.contains(class) && !covered.contains(class) {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_print_as_redis_prints_them() {
        let printed =
            |letters: &str| NotifyClasses::parse(letters).map(|classes| classes.to_string());
        for (letters, expected) in [
            ("KEA", "AKE"),
            ("xeKEmtndlszhg$", "AKEm"),
            ("AKEmn", "AKEm"),
            ("glz", "glz"),
            ("tndxe", "xetdn"),
            ("zsnlhKm", "lshznKm"),
            ("En", "nE"),
            ("", ""),
        ] {
            assert_eq!(printed(letters).as_deref(), Some(expected), "{letters}");
        }
        assert_eq!(printed("K E"), None);
        assert_eq!(printed("KQ"), None);
    }
}
