//! SHA-256 digests, as the server keeps passwords: written as 64 hexadecimal digits in lower case.

use sha2::{Digest, Sha256};
use std::fmt;

/// The bytes of a digest.
const BYTES: usize = 32;

/// The digest of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sha256Digest([u8; BYTES]);

impl Sha256Digest {
    /// The digest of `text`.
    pub fn of(text: &[u8]) -> Self {
        Sha256Digest(Sha256::digest(text).into())
    }

    /// Reads 64 hexadecimal digits in lower case.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (pairs, []) = text.as_chunks::<2>() else {
            return None;
        };
        let mut bytes = [0; BYTES];
        if pairs.len() != BYTES {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Sha256Digest(bytes))
    }

    /// Compares without telling by its duration where the digests differ.
    pub fn equals_in_constant_time(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        pairs.fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

fn digit(text: u8) -> Option<u8> {
    match text {
        b'0'..=b'9' => Some(text - b'0'),
        b'a'..=b'f' => Some(text - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    /// Says nothing: what is debugged may be logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256Digest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard.
    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn digests_are_written_and_read() {
        let digest = Sha256Digest::of(b"abc");
        assert_eq!(digest.to_string(), OF_ABC);
        assert_eq!(Sha256Digest::parse(OF_ABC.as_bytes()), Some(digest));
        assert!(digest.equals_in_constant_time(&Sha256Digest::of(b"abc")));
        assert!(!digest.equals_in_constant_time(&Sha256Digest::of(b"abd")));
    }

    #[test]
    fn nothing_else_is_a_digest() {
        for text in [
            "",
            "ba",
            &OF_ABC[1..],
            &OF_ABC.to_uppercase(),
            &OF_ABC.replace('b', "g"),
        ] {
            assert_eq!(Sha256Digest::parse(text.as_bytes()), None, "{text}");
        }
    }
}
