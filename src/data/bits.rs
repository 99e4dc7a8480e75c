//! Bits of a text. Bit 0 is the most significant one of the first byte; bits behind the end are zero.
//!
//! ```text
//! bytes     10110001 01000000
//! bits      01234567 89...
//!              ^~~~~~~       the field u7 at 3: 1000101
//! ```

use std::ops::Range;

/// Bits in a byte.
pub const BYTE_BITS: u64 = 8;
/// Bytes that are looked at together where a text is long.
const WORD_BYTES: usize = size_of::<u64>();

/// The length of a text in bits.
pub fn len(text: &[u8]) -> u64 {
    text.len() as u64 * BYTE_BITS
}

/// The bit at an offset.
pub fn bit_at(text: &[u8], offset: u64) -> bool {
    text.get((offset / BYTE_BITS) as usize)
        .is_some_and(|byte| byte & mask(offset) != 0)
}

/// Sets a bit, which the text reaches, and says what it was.
pub fn set_bit(text: &mut [u8], offset: u64, on: bool) -> bool {
    let byte = &mut text[(offset / BYTE_BITS) as usize];
    let was = *byte & mask(offset) != 0;
    match on {
        true => *byte |= mask(offset),
        false => *byte &= !mask(offset),
    }
    was
}

/// The one bit of a byte that an offset names.
fn mask(offset: u64) -> u8 {
    0x80 >> (offset % BYTE_BITS)
}

/// How many bits are set in a range that the text reaches.
pub fn count(text: &[u8], range: Range<u64>) -> u64 {
    if range.is_empty() {
        return 0;
    }
    let (bytes, outside) = covering(text, range);
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    let in_words = words
        .iter()
        .map(|word| u64::from_ne_bytes(*word).count_ones());
    let in_rest = rest.iter().map(|byte| byte.count_ones());
    let all: u64 = in_words.chain(in_rest).map(u64::from).sum();
    let [first, last] = outside;
    let ends = (bytes[0] & first).count_ones() + (bytes[bytes.len() - 1] & last).count_ones();
    all - u64::from(ends)
}

/// The bytes that a range that is not empty touches; and the bits that do not belong to it, of the first of them and of the last.
fn covering(text: &[u8], range: Range<u64>) -> (&[u8], [u8; 2]) {
    let bytes = &text[(range.start / BYTE_BITS) as usize..range.end.div_ceil(BYTE_BITS) as usize];
    let before = !(0xff >> (range.start % BYTE_BITS));
    let after = match range.end % BYTE_BITS {
        0 => 0,
        used => 0xff >> used,
    };
    (bytes, [before, after])
}

/// Where the first bit with this value is, in a range that the text reaches.
pub fn position(text: &[u8], on: bool, range: Range<u64>) -> Option<u64> {
    if range.is_empty() {
        return None;
    }
    let (bytes, [before, _]) = covering(text, range.clone());
    // Of what is looked for, the bits are ones.
    let flip = if on { 0 } else { 0xff };
    let first = (bytes[0] ^ flip) & !before;
    let at = match first {
        0 => 1 + first_other(&bytes[1..], flip)?,
        _ => 0,
    };
    let byte = if at == 0 { first } else { bytes[at] ^ flip };
    let start = range.start - range.start % BYTE_BITS;
    let position = start + at as u64 * BYTE_BITS + u64::from(byte.leading_zeros());
    (position < range.end).then_some(position)
}

/// Where the first byte is that differs from `byte`.
fn first_other(bytes: &[u8], byte: u8) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<WORD_BYTES>();
    let same = words
        .iter()
        .take_while(|word| **word == [byte; WORD_BYTES])
        .count();
    let skipped = same * WORD_BYTES;
    let within = bytes[skipped..].iter().position(|other| *other != byte)?;
    Some(skipped + within)
}

/// How texts are combined bit by bit. X is the first, Y any of the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Those in all.
    And,
    /// Those in any.
    Or,
    /// Those in an odd number.
    Xor,
    /// Those that are not in the only one.
    Not,
    /// Those in X and in no Y.
    Diff,
    /// Those in a Y and not in X.
    Diff1,
    /// Those in X and in a Y.
    AndOr,
    /// Those in exactly one.
    One,
}

/// What texts that come one after another combine to. It is as long as the longest; the others are filled up with zeros.
#[derive(Debug)]
pub struct Combined {
    operation: Operation,
    texts: usize,
    /// The first text; where the operation treats all alike, what those so far come to.
    so_far: Vec<u8>,
    /// Of DIFF, DIFF1 and ANDOR, what is in any text but the first; of ONE, what is in more than one.
    others: Vec<u8>,
}

impl Combined {
    /// The combination of no text.
    pub fn new(operation: Operation) -> Self {
        Combined {
            operation,
            texts: 0,
            so_far: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Takes the next text.
    pub fn add(&mut self, text: &[u8]) {
        use Operation::{And, AndOr, Diff, Diff1, Not, One, Or, Xor};
        self.texts += 1;
        if self.texts == 1 {
            self.so_far = text.to_vec();
            return;
        }
        let len = self.so_far.len().max(text.len());
        self.so_far.resize(len, 0);
        match self.operation {
            And => {
                merge(&mut self.so_far, text, |all, next| all & next);
                self.so_far[text.len()..].fill(0);
            }
            Or | Not => merge(&mut self.so_far, text, |all, next| all | next),
            Xor => merge(&mut self.so_far, text, |all, next| all ^ next),
            Diff | Diff1 | AndOr => {
                self.others.resize(len, 0);
                merge(&mut self.others, text, |all, next| all | next);
            }
            One => {
                self.others.resize(len, 0);
                for ((once, more), next) in self.so_far.iter_mut().zip(&mut self.others).zip(text) {
                    *more |= *once & next;
                    *once |= next;
                }
            }
        }
    }

    /// What they came to.
    pub fn finish(mut self) -> Vec<u8> {
        use Operation::{AndOr, Diff, Diff1, Not, One};
        let (first, others) = (&mut self.so_far, &mut self.others);
        others.resize(first.len(), 0);
        match self.operation {
            Not => first.iter_mut().for_each(|byte| *byte = !*byte),
            Diff | One => merge(first, others, |first, others| first & !others),
            Diff1 => merge(first, others, |first, others| !first & others),
            AndOr => merge(first, others, |first, others| first & others),
            _ => {}
        }
        self.so_far
    }
}

fn merge(into: &mut [u8], text: &[u8], with: impl Fn(u8, u8) -> u8) {
    for (byte, other) in into.iter_mut().zip(text) {
        *byte = with(*byte, *other);
    }
}

/// What becomes of a number that its field cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overflow {
    /// Its lowest bits.
    Wrap,
    /// The nearest number that it can hold.
    Saturate,
    /// It is refused.
    Refuse,
}

/// The type of a number that stands among the bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    signed: bool,
    bits: u32,
}

impl Field {
    /// A field of so many bits: up to 64 with a sign, up to 63 without.
    pub fn new(signed: bool, bits: u32) -> Option<Self> {
        let most = if signed { 64 } else { 63 };
        (1..=most).contains(&bits).then_some(Field { signed, bits })
    }

    /// Its bits.
    pub fn bits(self) -> u64 {
        self.bits.into()
    }

    /// The number at an offset.
    pub fn read(self, text: &[u8], offset: u64) -> i64 {
        let first = (offset / BYTE_BITS) as usize;
        let mut window = [0; size_of::<u128>()];
        let there = text.get(first..).unwrap_or_default();
        let taken = there.len().min(window.len());
        window[..taken].copy_from_slice(&there[..taken]);
        let window = u128::from_be_bytes(window) << (offset % BYTE_BITS);
        let unused = u128::BITS - self.bits;
        match self.signed {
            true => (window.cast_signed() >> unused) as i64,
            false => (window >> unused) as i64,
        }
    }

    /// Writes a number at an offset, up to whose end the text reaches: its lowest bits.
    pub fn write(self, text: &mut [u8], offset: u64, number: i64) {
        for bit in 0..self.bits {
            let on = number >> (self.bits - 1 - bit) & 1 == 1;
            set_bit(text, offset + u64::from(bit), on);
        }
    }

    /// The number that a field has after `number`, which it can hold, has been added to; `None` if that is refused.
    pub fn add(self, number: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        self.fit(i128::from(number) + i128::from(increment), overflow)
    }

    /// The number that a field has after it was set; `None` if that is refused. Without a sign, one below zero stands for the bits that it has.
    pub fn set(self, number: i64, overflow: Overflow) -> Option<i64> {
        let number = match self.signed {
            true => number.into(),
            false => number.cast_unsigned().into(),
        };
        self.fit(number, overflow)
    }

    fn fit(self, number: i128, overflow: Overflow) -> Option<i64> {
        let bits = self.bits - u32::from(self.signed);
        let most = (1i128 << bits) - 1;
        let least = if self.signed { -most - 1 } else { 0 };
        let fitting = number.clamp(least, most);
        if fitting == number {
            return Some(number as i64);
        }
        match overflow {
            Overflow::Saturate => Some(fitting as i64),
            Overflow::Refuse => None,
            Overflow::Wrap => {
                let unused = i128::BITS - self.bits;
                let shifted = number << unused;
                Some(match self.signed {
                    true => (shifted >> unused) as i64,
                    false => (shifted.cast_unsigned() >> unused) as i64,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(text: &[u8]) -> Vec<bool> {
        (0..len(text)).map(|offset| bit_at(text, offset)).collect()
    }

    fn combined(operation: Operation, texts: &[&[u8]]) -> Vec<u8> {
        let mut combined = Combined::new(operation);
        texts.iter().for_each(|text| combined.add(text));
        combined.finish()
    }

    #[test]
    fn a_field_keeps_what_it_can_hold() {
        let field = |signed, bits| Field::new(signed, bits).expect("there is such a field");
        let (i8, u8, i64, u63) = (
            field(true, 8),
            field(false, 8),
            field(true, 64),
            field(false, 63),
        );
        assert_eq!(i8.add(127, 1, Overflow::Wrap), Some(-128));
        assert_eq!(i8.add(127, 1, Overflow::Saturate), Some(127));
        assert_eq!(i8.add(-100, i64::MIN, Overflow::Saturate), Some(-128));
        assert_eq!(i8.add(127, 1, Overflow::Refuse), None);
        assert_eq!(u8.add(255, 1, Overflow::Wrap), Some(0));
        assert_eq!(u8.add(0, -1, Overflow::Saturate), Some(0));
        assert_eq!(u8.set(-5, Overflow::Saturate), Some(255));
        assert_eq!(u8.set(-5, Overflow::Wrap), Some(251));
        assert_eq!(i64.add(i64::MAX, 1, Overflow::Wrap), Some(i64::MIN));
        assert_eq!(i64.add(i64::MIN, -1, Overflow::Saturate), Some(i64::MIN));
        assert_eq!(u63.add(i64::MAX, 1, Overflow::Wrap), Some(0));
        assert_eq!((Field::new(false, 64), Field::new(true, 0)), (None, None));
    }

    proptest! {
        #[test]
        fn counting_and_searching_agree_with_a_walk(
            text in prop::collection::vec(prop_oneof![Just(0), Just(255), any::<u8>()], 0..80),
            ends in (0u64..650, 0u64..650),
            on: bool,
        ) {
            let all = len(&text);
            let range = ends.0.min(all)..ends.1.min(all);
            let walked = bits(&text);
            let mut inside = range.clone().filter(|at| walked[*at as usize] == on);
            prop_assert_eq!(position(&text, on, range.clone()), inside.clone().next());
            if on {
                prop_assert_eq!(count(&text, range), inside.by_ref().count() as u64);
            }
        }

        #[test]
        fn a_field_reads_back_and_leaves_the_rest(
            text in prop::collection::vec(any::<u8>(), 20),
            offset in 0u64..90,
            signed: bool,
            width in 1u32..=63,
            number: i64,
        ) {
            let field = Field::new(signed, width).expect("there is such a field");
            let number = field.set(number, Overflow::Wrap).expect("it is not refused");
            let mut changed = text.clone();
            field.write(&mut changed, offset, number);
            prop_assert_eq!(field.read(&changed, offset), number);
            let inside = offset..offset + u64::from(width);
            for at in (0..len(&text)).filter(|at| !inside.contains(at)) {
                prop_assert_eq!(bit_at(&text, at), bit_at(&changed, at));
            }
        }

        #[test]
        fn texts_combine_bit_by_bit(texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 2..5)) {
            use Operation::*;
            let longest = texts.iter().map(Vec::len).max().unwrap_or_default();
            let slices: Vec<&[u8]> = texts.iter().map(|text| &text[..]).collect();
            for operation in [And, Or, Xor, Diff, Diff1, AndOr, One] {
                let whole = combined(operation, &slices);
                prop_assert_eq!(whole.len(), longest);
                for at in 0..longest as u64 * BYTE_BITS {
                    let first = bit_at(slices[0], at);
                    let others = slices[1..].iter().filter(|text| bit_at(text, at)).count();
                    let number = others + usize::from(first);
                    let expected = match operation {
                        And => number == slices.len(),
                        Or => number > 0,
                        Xor => number % 2 == 1,
                        Diff => first && others == 0,
                        Diff1 => !first && others > 0,
                        AndOr => first && others > 0,
                        One => number == 1,
                        Not => unreachable!("it takes one text"),
                    };
                    prop_assert_eq!(bit_at(&whole, at), expected, "{:?} at {}", operation, at);
                }
            }
            prop_assert_eq!(combined(Not, &[b"\x0f\xff"]), vec![0xf0, 0]);
        }
    }
}
