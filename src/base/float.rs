//! Double precision numbers as text: what C's `strtod` reads and Redis prints.
//!
//! Reading takes decimals (`1.5`, `.5`, `5.`, `1e3`), hexadecimals (`0x1p3`) and infinities, a sign before any of them;
//! no white space, no `nan`, and nothing whose magnitude overflows, or underflows to zero.
//! Printing gives digits that read back as the same number, mostly the fewest that do.

use super::grisu::{self, Decimal};
use rustc_apfloat::{Float, ieee::Double};

/// The text of a number, taken apart as far as both float widths need it.
pub(super) enum Numeral<'a> {
    Infinity { negative: bool },
    Finite(Finite<'a>),
}

/// A well formed finite numeral.
pub(super) struct Finite<'a> {
    text: &'a str,
    hex: bool,
    zero: bool,
}

impl<'a> Numeral<'a> {
    /// Reads the grammar; the value is for the width at hand to find.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let (negative, body) = match text {
            [b'-', body @ ..] => (true, body),
            [b'+', body @ ..] => (false, body),
            body => (false, body),
        };
        if body.eq_ignore_ascii_case(b"inf") || body.eq_ignore_ascii_case(b"infinity") {
            return Some(Self::Infinity { negative });
        }
        let hex = matches!(body, [b'0', b'x' | b'X', ..]);
        let zero = if hex {
            scan(&body[2..], u8::is_ascii_hexdigit, b'p')?
        } else {
            scan(body, u8::is_ascii_digit, b'e')?
        };
        let text = std::str::from_utf8(text).expect("the grammar is ASCII");
        Some(Self::Finite(Finite { text, hex, zero }))
    }
}

impl Finite<'_> {
    /// The value in any binary format, correctly rounded; `None` on overflow, or underflow to zero.
    pub(super) fn value<F: Float>(&self) -> Option<F> {
        let text = self.text.strip_prefix('+').unwrap_or(self.text);
        let value = if self.hex && !text.contains(['p', 'P']) {
            F::from_str_r(
                &format!("{text}p0"),
                rustc_apfloat::Round::NearestTiesToEven,
            )
        } else {
            F::from_str_r(text, rustc_apfloat::Round::NearestTiesToEven)
        };
        let value = value.expect("scanned as a well formed numeral").value;
        (value.is_finite() && (self.zero || !value.is_zero())).then_some(value)
    }
}

/// Checks `digits [. digits] [marker [sign] digits]` with a digit somewhere before the exponent, and says whether all
/// of those are zero.
fn scan(body: &[u8], is_digit: fn(&u8) -> bool, marker: u8) -> Option<bool> {
    let end = body
        .iter()
        .position(|byte| byte.to_ascii_lowercase() == marker)
        .unwrap_or(body.len());
    let (mantissa, exponent) = body.split_at(end);
    let mut points = 0;
    let mut zero = true;
    for byte in mantissa {
        match byte {
            b'.' => points += 1,
            byte if is_digit(byte) => zero &= *byte == b'0',
            _ => return None,
        }
    }
    let exponent = match exponent {
        [] => None,
        [_, b'+' | b'-', digits @ ..] | [_, digits @ ..] => Some(digits),
    };
    let sound = points <= 1
        && mantissa.len() > points
        && exponent
            .is_none_or(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
    sound.then_some(zero)
}

/// The number that a few digits are, as most scores and increments are.
#[inline]
fn few_digits(text: &[u8]) -> Option<f64> {
    /// So many digits a double holds exactly.
    const MAX_DIGITS: usize = 15;
    if text.is_empty() || text.len() > MAX_DIGITS {
        return None;
    }
    let mut whole = 0u64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        whole = whole * 10 + u64::from(digit);
    }
    Some(whole as f64)
}

/// The double that `text` says; infinities are welcome, `nan` is not.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    if let Some(number) = few_digits(text) {
        return Some(number);
    }
    match Numeral::parse(text)? {
        Numeral::Infinity { negative } => Some(if negative {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        }),
        Numeral::Finite(finite) if finite.hex => {
            let bits = finite.value::<Double>()?.to_bits();
            Some(f64::from_bits(
                u64::try_from(bits).expect("a double has 64 bits"),
            ))
        }
        Numeral::Finite(finite) => {
            let value: f64 = finite.text.parse().ok()?;
            (value.is_finite() && (finite.zero || value != 0.0)).then_some(value)
        }
    }
}

/// The double that a bound of a range says, a C string of a decimal: what is too large is infinite, what is too small is zero, and so is nothing at
/// all.
pub fn parse_bound(text: &[u8]) -> Option<f64> {
    let end = text.iter().position(|byte| *byte == 0);
    let text = &text[..end.unwrap_or(text.len())];
    if text.is_empty() {
        return Some(0.0);
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!value.is_nan()).then_some(value)
}

/// Up to here a whole number is printed as an integer, with all its digits.
const MAX_PLAIN_INTEGER: f64 = (i64::MAX / 2) as f64;

/// The whole number that `value` is, if it is one and not too large to be printed as such; zero has no sign then.
pub fn whole(value: f64) -> Option<i64> {
    (value.abs() <= MAX_PLAIN_INTEGER && value.trunc() == value).then_some(value as i64)
}

/// Appends `value` as replies print it: `3`, `0.1`, `1.5e+300`, `-inf`, `nan`.
pub fn write_f64(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        out.extend_from_slice(b"nan");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    } else if value == 0.0 {
        out.extend_from_slice(if value.is_sign_negative() {
            b"-0"
        } else {
            b"0"
        });
    } else if let Some(whole) = whole(value) {
        out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else {
        if value < 0.0 {
            out.push(b'-');
        }
        write_shortest(out, value.abs());
    }
}

/// Lays out the digits of a positive finite number, as an integer, a decimal fraction or with an exponent,
/// whichever stays readable.
fn write_shortest(out: &mut Vec<u8>, value: f64) {
    let Decimal { digits, scale } = grisu::shortest(value);
    let count = digits.len() as i32;
    let exponent = scale + count - 1;
    if scale >= 0 && exponent.abs() < count + 7 {
        out.extend_from_slice(&digits);
        out.extend(std::iter::repeat_n(b'0', scale as usize));
    } else if scale < 0 && (scale > -7 || exponent.abs() < 4) {
        let whole = exponent + 1;
        if whole > 0 {
            out.extend_from_slice(&digits[..whole as usize]);
            out.push(b'.');
            out.extend_from_slice(&digits[whole as usize..]);
        } else {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', -whole as usize));
            out.extend_from_slice(&digits);
        }
    } else {
        out.push(digits[0]);
        if count > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        out.extend_from_slice(
            itoa::Buffer::new()
                .format(exponent.unsigned_abs())
                .as_bytes(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn printed(value: f64) -> String {
        let mut out = Vec::new();
        write_f64(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn reads_what_strtod_reads() {
        let cases: [(&str, Option<f64>); 31] = [
            ("3", Some(3.0)),
            ("000000000000017", Some(17.0)),
            ("999999999999999", Some(999_999_999_999_999.0)),
            ("9007199254740993", Some(9_007_199_254_740_992.0)),
            ("3.0", Some(3.0)),
            ("+5", Some(5.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-0", Some(-0.0)),
            ("1e5", Some(1e5)),
            ("0x10", Some(16.0)),
            ("-0X1P3", Some(-8.0)),
            ("0x.8", Some(0.5)),
            ("inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("+INF", Some(f64::INFINITY)),
            ("5e-324", Some(5e-324)),
            ("nan", None),
            ("infin", None),
            ("1e400", None),
            ("1e-400", None),
            ("0x1p5000", None),
            ("", None),
            (".", None),
            ("-", None),
            ("0x", None),
            ("1e", None),
            ("1e+", None),
            (" 1", None),
            ("1 ", None),
            ("1_0", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_f64(text.as_bytes()), expected, "{text:?}");
        }
        assert!(parse_f64(b"0e999999").is_some_and(|value| value == 0.0));
    }

    #[test]
    fn prints_what_the_real_server_prints() {
        let cases = [
            (3.0, "3"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (1e18, "1000000000000000000"),
            (1e19, "1e+19"),
            (1e20, "1e+20"),
            (12345678901234567890.0, "12345678901234567000"),
            (123456789012345680000.0, "123456789012345680000"),
            (1e-5, "0.00001"),
            (0.00012345671, "1.2345671e-4"),
            (0.000123, "0.000123"),
            (100000.5, "100000.5"),
            // Where Grisu2 does not find the best digits.
            (9.39154, "9.391540000000001"),
            (-8.43194987586, "-8.431949875860001"),
            (-193568066728101.13, "-193568066728101.12"),
            (3.645354835655544e231, "3.6453548356555437e+231"),
            (-2.5e-10, "-2.5e-10"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(printed(value), expected);
        }
    }

    proptest! {
        #[test]
        fn every_finite_double_survives_the_trip(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(parse_f64(printed(value).as_bytes()), Some(value));
        }

        #[test]
        fn any_bytes_are_read_without_panic(text in "[-+0-9.eExXpPaAfinty]{0,24}") {
            let _ = parse_f64(text.as_bytes());
        }
    }
}
