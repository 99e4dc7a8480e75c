//! Reading the primitives of the format: numbers, lengths and strings. Every step checks what is left, and says where it failed.
//!
//! ```text
//! length   00llllll                   6 bits
//!          01llllll l8                14 bits, big endian
//!          10000000 l32  10000001 l64 big endian
//!          11eeeeee                   no length: an encoded string follows
//! string   length bytes
//!          11000000 i8  11000001 i16  11000010 i32   an integer's text, little endian
//!          11000011 length length bytes              LZF: packed length, text length, packed text
//! ```

use super::error::{Error, Problem, Result};
use super::lzf;

/// A place in bytes.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A string as it stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text<'a> {
    /// Its bytes.
    Plain(&'a [u8]),
    /// The text of an integer.
    Integer(i64),
    /// Compressed.
    Lzf {
        /// The compressed bytes.
        packed: &'a [u8],
        /// Bytes of the text.
        len: usize,
    },
}

/// A length, or the encoding of the string that stands in its place.
enum Length {
    Plain(u64),
    Encoded(u8),
}

const INTEGER_8: u8 = 0;
const INTEGER_16: u8 = 1;
const INTEGER_32: u8 = 2;
const LZF: u8 = 3;

impl<'a> Cursor<'a> {
    /// At the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes before it.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Bytes after it.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// True at the end.
    pub fn is_at_end(&self) -> bool {
        self.remaining() == 0
    }

    /// An error at this place.
    pub fn error(&self, problem: Problem) -> Error {
        Error {
            offset: self.at as u64,
            problem,
        }
    }

    /// An error at this place: what stands here is not `what` it should be.
    pub fn corrupt(&self, what: &'static str) -> Error {
        self.error(Problem::Corrupt(what))
    }

    /// The next `count` bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        match self.bytes[self.at..].get(..count) {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => Err(self.error(Problem::Truncated)),
        }
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.error(Problem::Truncated)),
        }
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A time in milliseconds.
    pub fn time_ms(&mut self) -> Result<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn length_or_encoding(&mut self) -> Result<Length> {
        let first = self.byte()?;
        let low = first & 0x3f;
        Ok(match (first >> 6, low) {
            (0b00, _) => Length::Plain(u64::from(low)),
            (0b01, _) => Length::Plain(u64::from(low) << 8 | u64::from(self.byte()?)),
            (0b11, _) => Length::Encoded(low),
            (_, 0) => Length::Plain(u64::from(u32::from_be_bytes(self.array()?))),
            (_, 1) => Length::Plain(u64::from_be_bytes(self.array()?)),
            _ => {
                self.at -= 1;
                return Err(self.corrupt("no length begins so"));
            }
        })
    }

    /// A number in the form of a length.
    #[inline]
    pub fn number(&mut self) -> Result<u64> {
        let at = self.at;
        match self.length_or_encoding()? {
            Length::Plain(number) => Ok(number),
            Length::Encoded(_) => {
                self.at = at;
                Err(self.corrupt("an encoded string where a number should be"))
            }
        }
    }

    /// How many items of at least `item_bytes` each follow.
    pub fn count(&mut self, item_bytes: usize) -> Result<usize> {
        let count = self.number()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() / item_bytes => Ok(count),
            _ => Err(self.error(Problem::Truncated)),
        }
    }

    fn bytes_of(&mut self, len: u64) -> Result<&'a [u8]> {
        match usize::try_from(len) {
            Ok(len) => self.take(len),
            Err(_) => Err(self.error(Problem::Truncated)),
        }
    }

    /// A string.
    #[inline]
    pub fn text(&mut self) -> Result<Text<'a>> {
        let at = self.at;
        Ok(match self.length_or_encoding()? {
            Length::Plain(len) => Text::Plain(self.bytes_of(len)?),
            Length::Encoded(INTEGER_8) => Text::Integer(i8::from_le_bytes(self.array()?).into()),
            Length::Encoded(INTEGER_16) => Text::Integer(i16::from_le_bytes(self.array()?).into()),
            Length::Encoded(INTEGER_32) => Text::Integer(i32::from_le_bytes(self.array()?).into()),
            Length::Encoded(LZF) => {
                let packed_len = self.number()?;
                let len = self.number()?;
                Text::Lzf {
                    packed: self.bytes_of(packed_len)?,
                    len: usize::try_from(len)
                        .map_err(|_| self.corrupt("a text longer than memory"))?,
                }
            }
            Length::Encoded(_) => {
                self.at = at;
                return Err(self.corrupt("a string in an unknown encoding"));
            }
        })
    }

    /// A string's bytes; `scratch` holds them where they do not stand there as they are.
    #[inline]
    pub fn string<'b>(&mut self, scratch: &'b mut Vec<u8>) -> Result<&'b [u8]>
    where
        'a: 'b,
    {
        let at = self.at;
        let text = self.text()?;
        text.unpack(scratch).ok_or(Error {
            offset: at as u64,
            problem: Problem::Corrupt("a compressed string that does not unpack"),
        })
    }
}

impl<'a> Text<'a> {
    /// Its bytes, in `scratch` where they do not stand there as they are.
    #[inline]
    pub fn unpack<'b>(self, scratch: &'b mut Vec<u8>) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        match self {
            Text::Plain(bytes) => return Some(bytes),
            Text::Integer(value) => {
                scratch.clear();
                scratch.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            }
            Text::Lzf { packed, len } => lzf::decompress(packed, len, scratch)?,
        }
        Some(scratch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_widths() {
        for (bytes, number) in [
            (&[0x3f][..], 63),
            (&[0x40, 0x40], 64),
            (&[0x7f, 0xff], 16_383),
            (&[0x80, 0, 1, 0, 0], 65_536),
            (&[0x81, 0, 0, 0, 1, 0, 0, 0, 0], 1 << 32),
        ] {
            assert_eq!(Cursor::new(bytes).number().unwrap(), number);
            for cut in 0..bytes.len() {
                assert!(
                    Cursor::new(&bytes[..cut])
                        .number()
                        .unwrap_err()
                        .is_truncation()
                );
            }
        }
        assert!(Cursor::new(&[0x82]).number().is_err());
        assert!(Cursor::new(&[0xc0]).number().is_err());
    }

    #[test]
    fn strings_of_all_encodings() {
        let mut scratch = Vec::new();
        for (bytes, text) in [
            (&[0x02, b'a', b'b'][..], &b"ab"[..]),
            (&[0xc0, 0xff], b"-1"),
            (&[0xc1, 0x00, 0x80], b"-32768"),
            (&[0xc2, 0xff, 0xff, 0xff, 0x7f], b"2147483647"),
            (&[0xc3, 0x04, 0x0a, 0x00, b'x', 0xe0, 0x00], b""),
        ] {
            if let Ok(read) = Cursor::new(bytes).string(&mut scratch) {
                assert_eq!(read, text);
            }
        }
        assert!(Cursor::new(&[0xc4]).text().is_err());
        assert!(
            Cursor::new(&[0xc3, 0x01, 0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 0])
                .string(&mut scratch)
                .is_err()
        );
    }
}
