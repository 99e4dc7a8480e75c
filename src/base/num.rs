//! Integers and sizes as text.
//!
//! Redis is strict about integers: exactly the text that printing the number would give, so that a value stored as an
//! integer reads back byte for byte. `+1`, `01`, `-0`, ` 1` and the empty string are therefore no integers.
//! What a refusal is called on the wire is the caller's affair.

/// The longest text of an `i64`: `-9223372036854775808`.
pub const MAX_I64_DIGITS: usize = 20;

/// The `i64` whose canonical decimal text is exactly `text`.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let magnitude = parse_u64(digits)?;
    if negative {
        // `checked_neg` of zero would accept "-0".
        (magnitude != 0).then_some(())?;
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// The `u64` whose canonical decimal text is exactly `text`.
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] if text.len() < MAX_I64_DIGITS => {
            // 19 digits cannot overflow.
            let mut value = 0u64;
            for &byte in text {
                value = value * 10 + u64::from(digit(byte)?);
            }
            Some(value)
        }
        [b'1'..=b'9', ..] if text.len() == MAX_I64_DIGITS => {
            let (head, last) = (
                parse_u64(&text[..MAX_I64_DIGITS - 1])?,
                digit(text[MAX_I64_DIGITS - 1])?,
            );
            head.checked_mul(10)?.checked_add(u64::from(last))
        }
        _ => None,
    }
}

/// A number of bytes as configuration files write it: digits, then nothing, `b`, or one of `k m g` (powers of 1000)
/// and `kb mb gb` (powers of 1024) in either case. No digits count as zero. `None` also where the product overflows.
pub fn parse_size_bytes(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at(digits);
    let mut value = 0u64;
    for &byte in number {
        value = value
            .checked_mul(10)?
            .checked_add(u64::from(digit(byte)?))?;
    }
    let multiplier = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1000 * 1000,
        b"mb" => 1 << 20,
        b"g" => 1000 * 1000 * 1000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    value.checked_mul(multiplier)
}

fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_canonical_integers_are_integers() {
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            "-01",
            "00",
            " 1",
            "1 ",
            "1.0",
            "0x1",
            "1e3",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999",
            "123456789012345678901",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
        for value in [
            0,
            1,
            -1,
            10,
            -10,
            i64::MAX,
            i64::MIN,
            i64::MAX - 1,
            i64::MIN + 1,
        ] {
            assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
        }
    }

    #[test]
    fn unsigned_integers_reach_their_full_range() {
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        assert_eq!(
            parse_u64(b"9999999999999999999"),
            Some(9_999_999_999_999_999_999)
        );
        assert_eq!(parse_u64(b"-1"), None);
    }

    #[test]
    fn sizes_know_both_kinds_of_unit() {
        let cases: [(&str, Option<u64>); 14] = [
            ("", Some(0)),
            ("mb", Some(0)),
            ("00012", Some(12)),
            ("1b", Some(1)),
            ("1k", Some(1000)),
            ("1KB", Some(1024)),
            ("64mb", Some(64 << 20)),
            ("1G", Some(1_000_000_000)),
            ("1Gb", Some(1 << 30)),
            ("1x", None),
            ("-1", None),
            ("1.5mb", None),
            ("18446744073709551616", None),
            ("20000000000gb", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_size_bytes(text.as_bytes()), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn integers_round_trip(value: i64, unsigned: u64) {
            prop_assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
            prop_assert_eq!(parse_u64(unsigned.to_string().as_bytes()), Some(unsigned));
        }

        #[test]
        fn what_parses_prints_back(text in "[-+0-9 ]{0,22}") {
            if let Some(value) = parse_i64(text.as_bytes()) {
                prop_assert_eq!(value.to_string(), text);
            }
        }
    }
}
