//! The 80-bit extended precision number of the x87, which Redis computes INCRBYFLOAT and timeouts with.
//!
//! Its 64-bit significand is why `0.1 + 0.2` prints as `0.3`: a sum is printed with 17 digits after the point, rounded
//! half to even on the exact binary value, and the trailing zeros are cut. Portable: the arithmetic is done in software.

use super::float::Numeral;
use rustc_apfloat::{Float, ieee::X87DoubleExtended};

/// The longest text that is read as a number.
pub const MAX_TEXT_BYTES: usize = 5 * 1024;

/// Digits printed after the decimal point before trailing zeros are cut.
const FRACTION_DIGITS: u32 = 17;

/// A finite or infinite extended precision number, never a NaN.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct LongDouble(X87DoubleExtended);

impl LongDouble {
    /// The number that `text` says, by the grammar of [`super::float`] in the wider range.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() >= MAX_TEXT_BYTES {
            return None;
        }
        match Numeral::parse(text)? {
            Numeral::Infinity { negative: false } => Some(Self(X87DoubleExtended::INFINITY)),
            Numeral::Infinity { negative: true } => Some(Self(-X87DoubleExtended::INFINITY)),
            Numeral::Finite(finite) => finite.value().map(Self),
        }
    }

    /// The sum, or `None` where it is not finite.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let sum = (self.0 + other.0).value;
        sum.is_finite().then_some(Self(sum))
    }

    /// The product with a whole number, rounded up to a whole number; `None` where no `i64` holds it.
    pub fn checked_mul_ceil(self, factor: u32) -> Option<i64> {
        let product = (self.0 * X87DoubleExtended::from_u128(u128::from(factor)).value).value;
        if !product.is_finite() {
            return None;
        }
        let whole = product
            .to_i128_r(128, rustc_apfloat::Round::TowardPositive, &mut false)
            .value;
        i64::try_from(whole).ok()
    }

    /// Whether it lies below zero.
    pub fn is_negative(self) -> bool {
        self.0.is_negative() && !self.0.is_zero()
    }

    /// The text of a finite number: `0.3`, `-5`, `1000000000000000000024696061952`.
    pub fn to_text(self) -> String {
        debug_assert!(self.0.is_finite(), "only finite sums are printed");
        let (significand, exponent) = self.parts();
        let mut text = if exponent >= 0 {
            shifted_left(significand, exponent as u32)
        } else {
            fixed_point(significand, exponent.unsigned_abs())
        };
        if text.contains('.') {
            text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
        }
        if self.0.is_negative() && text != "0" {
            text.insert(0, '-');
        }
        text
    }

    /// The magnitude as `significand * 2^exponent`.
    pub(super) fn parts(self) -> (u64, i32) {
        /// Weight of the significand's lowest bit, in the encoding's biased exponent.
        const BIAS: i32 = 16383 + 63;
        let bits = self.0.to_bits();
        let biased = ((bits >> 64) & 0x7fff) as i32;
        // Subnormal numbers share the exponent of the smallest normal ones.
        (bits as u64, biased.max(1) - BIAS)
    }
}

/// `significand / 2^shift` with [`FRACTION_DIGITS`] digits after the point, rounded half to even.
fn fixed_point(significand: u64, shift: u32) -> String {
    const SCALE: u128 = 10u128.pow(FRACTION_DIGITS);
    // 64 bits times 57 bits fits; what a shift of 128 or more leaves is below one half.
    let scaled = u128::from(significand) * SCALE;
    let rounded = match shift {
        0..=127 => {
            let (quotient, remainder, half) = (
                scaled >> shift,
                scaled & ((1 << shift) - 1),
                1u128 << shift >> 1,
            );
            quotient + u128::from(remainder > half || (remainder == half && quotient & 1 == 1))
        }
        _ => 0,
    };
    format!(
        "{}.{:0width$}",
        rounded / SCALE,
        rounded % SCALE,
        width = FRACTION_DIGITS as usize
    )
}

/// `significand * 2^shift` in decimal.
fn shifted_left(significand: u64, shift: u32) -> String {
    const LIMB: u128 = 10u128.pow(18);
    // Limbs of 18 decimal digits, the lowest first, doubled 60 bits at a time.
    let mut limbs = vec![significand % LIMB as u64, significand / LIMB as u64];
    let mut left = shift;
    while left > 0 {
        let step = left.min(60);
        let mut carry = 0u128;
        for limb in &mut limbs {
            let wide = (u128::from(*limb) << step) + carry;
            *limb = (wide % LIMB) as u64;
            carry = wide / LIMB;
        }
        while carry > 0 {
            limbs.push((carry % LIMB) as u64);
            carry /= LIMB;
        }
        left -= step;
    }
    let digits: String = limbs
        .iter()
        .rev()
        .map(|limb| format!("{limb:018}"))
        .collect();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        "0".to_owned()
    } else {
        digits.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(left: &str, right: &str) -> Option<String> {
        let (left, right) = (
            LongDouble::parse(left.as_bytes())?,
            LongDouble::parse(right.as_bytes())?,
        );
        left.checked_add(right).map(LongDouble::to_text)
    }

    #[test]
    fn sums_print_as_the_real_server_prints_them() {
        let cases = [
            ("0.1", "0.2", "0.3"),
            ("0", "0x1p3", "8"),
            ("3", "-3", "0"),
            ("-0", "0", "0"),
            ("0", "1e-400", "0"),
            ("0", "-1e-18", "0"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("1e30", "0", "1000000000000000000024696061952"),
            ("3.0", "1e20", "100000000000000000000"),
            ("0", "0.1234567890123456789", "0.12345678901234568"),
        ];
        for (left, right, expected) in cases {
            assert_eq!(
                sum(left, right).as_deref(),
                Some(expected),
                "{left} + {right}"
            );
        }
    }

    #[test]
    fn infinities_read_but_do_not_sum() {
        assert!(LongDouble::parse(b"-inf").is_some());
        assert_eq!(sum("1", "inf"), None);
        assert_eq!(sum("1e4932", "1e4932"), None);
        assert_eq!(LongDouble::parse(b"1e5000"), None);
        assert_eq!(LongDouble::parse(b"1e-5000"), None);
        assert_eq!(
            LongDouble::parse("1".repeat(MAX_TEXT_BYTES).as_bytes()),
            None
        );
    }

    #[test]
    fn the_largest_number_prints_in_full() {
        let text = sum("0", "1e4932").unwrap();
        assert_eq!(text.len(), 4933);
        assert!(text.starts_with("1000000000000000000"));
    }

    #[test]
    fn seconds_become_milliseconds() {
        let ms = |text: &str| {
            LongDouble::parse(text.as_bytes())
                .unwrap()
                .checked_mul_ceil(1000)
        };
        assert_eq!(ms("0"), Some(0));
        assert_eq!(ms("1.5"), Some(1500));
        assert_eq!(ms("0.0001"), Some(1));
        assert_eq!(ms("-0.5"), Some(-500));
        assert_eq!(ms("9223372036854775"), Some(9_223_372_036_854_775_000));
        assert_eq!(ms("9223372036854776"), None);
        assert_eq!(ms("inf"), None);
        assert_eq!(ms("1e4000"), None);
    }

    proptest! {
        #[test]
        fn whole_numbers_are_exact(left in -(1i64 << 61)..(1 << 61), right in -(1i64 << 61)..(1 << 61)) {
            prop_assert_eq!(sum(&left.to_string(), &right.to_string()), Some((left + right).to_string()));
        }

        #[test]
        fn powers_of_two_are_exact(shift in 0u32..127) {
            prop_assert_eq!(sum("0", &format!("0x1p{shift}")), Some((1u128 << shift).to_string()));
        }

        #[test]
        fn any_bytes_are_read_without_panic(text in "[-+0-9.eExXpPaAfinty]{0,24}") {
            if let Some(number) = LongDouble::parse(text.as_bytes()) {
                number.checked_add(number).map(LongDouble::to_text);
                number.checked_mul_ceil(1000);
            }
        }
    }
}
