//! Entry ids: a millisecond time and a sequence number within it, ordered as that pair.

use std::fmt;

/// The id of a stream entry. Ids only grow within a stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Id {
    /// Milliseconds since the Unix epoch, as whoever made the id saw them.
    pub ms: u64,
    /// Tells apart the ids of one millisecond.
    pub seq: u64,
}

/// The longest text taken for an id; what is longer is no id.
const MAX_TEXT_BYTES: usize = 127;

impl Id {
    /// `0-0`: before every entry, since no entry may have it.
    pub const MIN: Id = Id { ms: 0, seq: 0 };
    /// The greatest id; a stream that reached it takes no further entry.
    pub const MAX: Id = Id {
        ms: u64::MAX,
        seq: u64::MAX,
    };

    /// The id made of these two parts.
    pub const fn new(ms: u64, seq: u64) -> Id {
        Id { ms, seq }
    }

    /// The least id greater than this one, if there is any.
    pub fn next(self) -> Option<Id> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Id { ms: self.ms, seq }),
            None => self.ms.checked_add(1).map(|ms| Id { ms, seq: 0 }),
        }
    }

    /// The greatest id less than this one, if there is any.
    pub fn prev(self) -> Option<Id> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Id { ms: self.ms, seq }),
            None => self.ms.checked_sub(1).map(|ms| Id { ms, seq: u64::MAX }),
        }
    }

    /// Reads `ms-seq`, or `ms` alone with `missing_seq` for the rest.
    pub fn parse(text: &[u8], missing_seq: u64) -> Option<Id> {
        let (ms, seq) = split(text)?;
        let ms = parse_part(ms)?;
        let seq = seq.map_or(Some(missing_seq), parse_part)?;
        Some(Id { ms, seq })
    }

    /// Reads `ms-*`, which leaves the sequence number to the stream.
    pub fn parse_open(text: &[u8]) -> Option<u64> {
        match split(text)? {
            (ms, Some(b"*")) => parse_part(ms),
            _ => None,
        }
    }

    /// Its text, `ms-seq`.
    #[inline]
    pub fn text(self) -> IdText {
        let mut text = IdText {
            bytes: [0; MAX_ID_BYTES],
            start: MAX_ID_BYTES,
        };
        text.prepend_number(self.seq);
        text.prepend([b'-']);
        text.prepend_number(self.ms);
        text
    }

    /// The 16 bytes under which ids order as they do here.
    pub fn to_be_bytes(self) -> [u8; 16] {
        ((u128::from(self.ms) << 64) | u128::from(self.seq)).to_be_bytes()
    }
}

/// The longest text of an id: two numbers of twenty digits and a dash.
pub const MAX_ID_BYTES: usize = 41;

/// The text of an id, held without allocating. Written from its end, as digits come.
#[derive(Clone, Copy, Debug)]
pub struct IdText {
    bytes: [u8; MAX_ID_BYTES],
    start: usize,
}

/// The numbers below 100 as two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
        number += 1;
    }
    pairs
};

impl IdText {
    #[inline]
    fn prepend<const N: usize>(&mut self, text: [u8; N]) {
        self.start -= N;
        self.bytes[self.start..self.start + N].copy_from_slice(&text);
    }

    #[inline]
    fn prepend_number(&mut self, mut number: u64) {
        while number >= 100 {
            self.prepend(PAIRS[(number % 100) as usize]);
            number /= 100;
        }
        if number >= 10 {
            self.prepend(PAIRS[number as usize]);
        } else {
            self.prepend([b'0' + number as u8]);
        }
    }
}

impl std::ops::Deref for IdText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", String::from_utf8_lossy(&self.text()))
    }
}

/// The text before and after the first dash. As in C, the text ends at a zero byte.
fn split(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    let text = text.split(|&byte| byte == 0).next().unwrap_or(text);
    Some(match memchr::memchr(b'-', text) {
        Some(dash) => (&text[..dash], Some(&text[dash + 1..])),
        None => (text, None),
    })
}

/// One number of an id. Clients get what C's `strtoull` gives: leading blanks, a sign and leading zeros pass, and a
/// negative number that is not in plain form wraps around.
fn parse_part(text: &[u8]) -> Option<u64> {
    let unpadded = text.trim_ascii_start();
    let (negative, digits) = match unpadded {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number: u64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    if !negative {
        return Some(number);
    }
    let plain =
        text.len() == unpadded.len() && digits[0] != b'0' && number <= i64::MIN.unsigned_abs();
    (!plain).then(|| number.wrapping_neg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_clients_may_send() {
        let id = |text: &str| Id::parse(text.as_bytes(), 7);
        assert_eq!(id("1-2"), Some(Id::new(1, 2)));
        assert_eq!(id("1"), Some(Id::new(1, 7)));
        assert_eq!(id("007-01"), Some(Id::new(7, 1)));
        assert_eq!(
            id("18446744073709551615-18446744073709551615"),
            Some(Id::MAX)
        );
        assert_eq!(id("1\0junk-3"), Some(Id::new(1, 7)));
        assert_eq!(id("1--0"), Some(Id::new(1, 0)));
        for bad in [
            "",
            "-",
            "1-",
            "-1",
            "a",
            "1-2-3",
            "1-*",
            "*",
            "18446744073709551616",
            "1--5",
            "1 ",
        ] {
            assert_eq!(id(bad), None, "{bad:?}");
        }
        assert_eq!(id(&"1".repeat(128)), None);
        assert_eq!(Id::parse_open(b"5-*"), Some(5));
        assert_eq!(Id::parse_open(b"5-1"), None);
    }

    #[test]
    fn steps_over_millisecond_borders() {
        assert_eq!(Id::new(1, u64::MAX).next(), Some(Id::new(2, 0)));
        assert_eq!(Id::new(2, 0).prev(), Some(Id::new(1, u64::MAX)));
        assert_eq!(Id::MAX.next(), None);
        assert_eq!(Id::MIN.prev(), None);
        assert!(Id::new(1, 9) < Id::new(2, 0));
        assert_eq!(Id::new(15, 4).to_string(), "15-4");
    }
}
