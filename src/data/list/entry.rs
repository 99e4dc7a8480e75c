//! One element in a packed chunk, in the entry format of Redis's listpacks, so that snapshots copy chunks as they are.
//!
//! ```text
//! head | text | back
//!
//! head  0xxxxxxx                    integer 0..=127
//!       10llllll                    text of l bytes
//!       110xxxxx x8                 13 bit signed integer
//!       1110llll l8                 text of l bytes, 12 bit length
//!       11110000 l32                text of l bytes, little endian
//!       11110001 x16  11110010 x24  signed integers, little endian
//!       11110011 x32  11110100 x64
//! text  the bytes of a text; nothing for an integer
//! back  length of head and text, read backwards: 7 bits a byte, the low ones last; a set high bit says more precede
//! ```
//!
//! Texts that are canonical integers are always stored as integers, so equality never compares across the two.

use super::Item;
use crate::base::num::{MAX_I64_DIGITS, parse_i64};

/// The longest head: an 8-byte integer behind its tag.
const MAX_HEAD_BYTES: usize = 9;
/// The longest text a packed entry can describe.
const MAX_TEXT_BYTES: usize = u32::MAX as usize;

const TEXT_6: u8 = 0x80;
const INT_13: u8 = 0xc0;
const TEXT_12: u8 = 0xe0;
const TEXT_32: u8 = 0xf0;
const INT_16: u8 = 0xf1;
const INT_24: u8 = 0xf2;
const INT_32: u8 = 0xf3;
const INT_64: u8 = 0xf4;

/// An element encoded but for the copying of its text.
pub(crate) struct Entry<'a> {
    head: [u8; MAX_HEAD_BYTES],
    head_len: usize,
    text: &'a [u8],
}

impl<'a> Entry<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        match integer(text) {
            Some(value) => Self::integer(value),
            None => Self::text(text),
        }
    }

    fn text(text: &'a [u8]) -> Self {
        assert!(
            text.len() <= MAX_TEXT_BYTES,
            "large elements are not packed"
        );
        let length = text.len() as u32;
        let mut head = [0; MAX_HEAD_BYTES];
        let head_len = match length {
            0..0x40 => {
                head[0] = TEXT_6 | length as u8;
                1
            }
            0x40..0x1000 => {
                head[0] = TEXT_12 | (length >> 8) as u8;
                head[1] = length as u8;
                2
            }
            _ => {
                head[0] = TEXT_32;
                head[1..5].copy_from_slice(&length.to_le_bytes());
                5
            }
        };
        Self {
            head,
            head_len,
            text,
        }
    }

    pub(crate) fn integer(value: i64) -> Self {
        let mut head = [0; MAX_HEAD_BYTES];
        let mut tagged = |tag: u8, bytes: usize| {
            head[0] = tag;
            head[1..=bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
            1 + bytes
        };
        let head_len = match value {
            0..=127 => {
                head[0] = value as u8;
                1
            }
            -4096..=4095 => {
                head[0] = INT_13 | ((value >> 8) as u8 & 0x1f);
                head[1] = value as u8;
                2
            }
            -0x8000..=0x7fff => tagged(INT_16, 2),
            -0x80_0000..=0x7f_ffff => tagged(INT_24, 3),
            -0x8000_0000..=0x7fff_ffff => tagged(INT_32, 4),
            _ => tagged(INT_64, 8),
        };
        Self {
            head,
            head_len,
            text: &[],
        }
    }

    /// Bytes of the whole entry.
    pub(super) fn len(&self) -> usize {
        let body = self.body_len();
        body + back_len(body)
    }

    /// Bytes of head and text.
    pub(in crate::data) fn body_len(&self) -> usize {
        self.head_len + self.text.len()
    }

    /// Writes the entry over `out`, which is exactly as long.
    pub(super) fn write_to(&self, out: &mut [u8]) {
        let (body, back) = out.split_at_mut(self.body_len());
        self.write_body_to(body);
        write_back(back, body.len());
    }

    /// Writes head and text over `out`, which is exactly as long.
    pub(in crate::data) fn write_body_to(&self, out: &mut [u8]) {
        let (head, text) = out.split_at_mut(self.head_len);
        head.copy_from_slice(&self.head[..self.head_len]);
        text.copy_from_slice(self.text);
    }

    /// Appends the entry.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head[..self.head_len]);
        out.extend_from_slice(self.text);
        append_back(out, self.body_len());
    }
}

/// Appends the backward length of a `body`.
pub(in crate::data) fn append_back(out: &mut Vec<u8>, body: usize) {
    if body < 0x80 {
        out.push(body as u8);
    } else {
        let at = out.len();
        out.resize(at + back_len(body), 0);
        write_back(&mut out[at..], body);
    }
}

/// The integer whose canonical text this is.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    // Most texts are told apart by their first byte.
    match text.first()? {
        b'0'..=b'9' | b'-' if text.len() <= MAX_I64_DIGITS => parse_i64(text),
        _ => None,
    }
}

/// Reads the entry that starts at `at`; gives it and where the next one starts.
#[inline]
pub(super) fn read(bytes: &[u8], at: usize) -> (Item<'_>, usize) {
    let (item, end) = read_body(bytes, at);
    (item, end + back_len(end - at))
}

/// Reads the head and text that start at `at`; gives the element and where they end.
#[inline]
pub(in crate::data) fn read_body(bytes: &[u8], at: usize) -> (Item<'_>, usize) {
    let bytes = &bytes[at..];
    let (item, body) = match bytes[0] {
        tag if tag < TEXT_6 => (Item::Int(i64::from(tag)), 1),
        tag if tag < INT_13 => text_at(bytes, 1, usize::from(tag & 0x3f)),
        tag if tag < TEXT_12 => {
            let raw = u16::from(tag & 0x1f) << 8 | u16::from(bytes[1]);
            // Moves the sign from bit 12 to bit 15 and back.
            (Item::Int(i64::from((raw << 3).cast_signed() >> 3)), 2)
        }
        tag if tag < TEXT_32 => text_at(
            bytes,
            2,
            usize::from(tag & 0x0f) << 8 | usize::from(bytes[1]),
        ),
        TEXT_32 => {
            let length = u32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
            text_at(bytes, 5, length as usize)
        }
        INT_16 => integer_at(bytes, 2),
        INT_24 => integer_at(bytes, 3),
        INT_32 => integer_at(bytes, 4),
        INT_64 => integer_at(bytes, 8),
        tag => unreachable!("no entry starts with {tag:#x}"),
    };
    (item, at + body)
}

/// Where the entry that ends just before `end` starts.
pub(super) fn start_before(bytes: &[u8], end: usize) -> usize {
    let mut body = 0;
    let mut at = end;
    for shift in (0..).step_by(7) {
        at -= 1;
        body |= usize::from(bytes[at] & 0x7f) << shift;
        if bytes[at] < 0x80 {
            break;
        }
    }
    at - body
}

fn text_at(bytes: &[u8], head: usize, length: usize) -> (Item<'_>, usize) {
    (Item::Text(&bytes[head..head + length]), head + length)
}

fn integer_at(bytes: &[u8], width: usize) -> (Item<'_>, usize) {
    let sign = if bytes[width] >= 0x80 { 0xff } else { 0 };
    let mut wide = [sign; 8];
    wide[..width].copy_from_slice(&bytes[1..=width]);
    (Item::Int(i64::from_le_bytes(wide)), 1 + width)
}

/// Bytes of the backward length of a `body`. Each width but the first stops one short of what its bits could hold,
/// as the format has it.
pub(crate) fn back_len(body: usize) -> usize {
    match body {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

fn write_back(out: &mut [u8], body: usize) {
    let mut left = body;
    for byte in out.iter_mut().rev() {
        *byte = (left & 0x7f) as u8 | 0x80;
        left >>= 7;
    }
    out[0] &= 0x7f;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(text: &[u8]) -> Vec<u8> {
        let entry = Entry::new(text);
        let mut out = Vec::new();
        entry.append_to(&mut out);
        let mut same = vec![0; entry.len()];
        entry.write_to(&mut same);
        assert_eq!(out, same);
        out
    }

    #[test]
    fn encodings_are_those_of_a_listpack() {
        // Taken from what a real server dumps.
        assert_eq!(encoded(b"a"), [0x81, b'a', 2]);
        assert_eq!(encoded(b"127"), [0x7f, 1]);
        assert_eq!(encoded(b"-1"), [0xdf, 0xff, 2]);
        assert_eq!(encoded(b"4095"), [0xcf, 0xff, 2]);
        assert_eq!(encoded(b"4096"), [0xf1, 0x00, 0x10, 3]);
        assert_eq!(encoded(b"-8388608"), [0xf2, 0x00, 0x00, 0x80, 4]);
        assert_eq!(encoded(&[b'x'; 126])[..2], [0xe0, 126]);
        assert_eq!(encoded(&[b'x'; 126])[128..], [0x01, 0x80]);
    }

    #[test]
    fn every_width_reads_back_from_both_sides() {
        let lengths = [
            0, 1, 63, 64, 125, 126, 127, 128, 4095, 4096, 16_377, 16_378, 16_379, 70_000, 2_097_200,
        ];
        let texts = lengths.map(|length| vec![b'x'; length]);
        let edges = [
            0,
            127,
            128,
            4095,
            4096,
            32_767,
            32_768,
            8_388_607,
            8_388_608,
            1 << 31,
            (1 << 31) - 1,
            i64::MAX,
        ];
        let integers = edges
            .iter()
            .flat_map(|edge| [*edge, -edge, -edge - 1])
            .map(|value| value.to_string().into_bytes());
        for text in texts.into_iter().chain(integers) {
            let mut bytes = vec![0xaa];
            bytes.extend(encoded(&text));
            let (item, next) = read(&bytes, 1);
            assert_eq!(item.to_vec(), text);
            assert_eq!(next, bytes.len());
            assert_eq!(start_before(&bytes, next), 1);
        }
    }

    proptest! {
        #[test]
        fn integers_keep_their_value(value: i64, shift in 0u32..64) {
            let text = (value >> shift).to_string();
            let bytes = encoded(text.as_bytes());
            prop_assert!(matches!(read(&bytes, 0).0, Item::Int(read) if read == value >> shift));
        }
    }
}
