//! Numbers as text and back, as Lua and its libraries have them.

use crate::base::{float, num};
use mlua::Value;

/// The integer that a number is, if it is one.
pub fn integer(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let integer = number as i64;
    let is_same = (-LIMIT..LIMIT).contains(&number) && integer as f64 == number;
    is_same.then_some(integer)
}

/// All digits that make the number: what commands are called with.
pub fn exact(number: f64) -> Vec<u8> {
    let mut out = Vec::new();
    if number == 0.0 {
        out.push(b'0');
    } else if number.is_nan() {
        let text: &[u8] = if number.is_sign_negative() {
            b"-nan"
        } else {
            b"nan"
        };
        out.extend_from_slice(text);
    } else {
        float::write_f64(&mut out, number);
    }
    out
}

/// Appends a number as C prints it with `%.<precision>g`.
pub fn general(out: &mut Vec<u8>, number: f64, precision: usize) {
    if !number.is_finite() {
        let text: &[u8] = match (number.is_nan(), number.is_sign_negative()) {
            (true, true) => b"-nan",
            (true, false) => b"nan",
            (false, true) => b"-inf",
            (false, false) => b"inf",
        };
        return out.extend_from_slice(text);
    }
    let precision = precision.max(1);
    let scientific = format!("{:.*e}", precision - 1, number);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..precision as i32).contains(&exponent) {
        let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
        let fixed = format!("{number:.decimals$}");
        out.extend_from_slice(without_zeros(&fixed).as_bytes());
    } else {
        out.extend_from_slice(without_zeros(digits).as_bytes());
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", exponent.unsigned_abs()).as_bytes());
    }
}

fn without_zeros(digits: &str) -> &str {
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    }
}

/// What Lua prints a number with.
const PRECISION: usize = 14;

/// A string, or a number as Lua makes it one.
pub fn coerced(value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match value {
        Value::String(text) => return Some(text.as_bytes().to_vec()),
        Value::Integer(n) => general(&mut out, *n as f64, PRECISION),
        Value::Number(n) => general(&mut out, *n, PRECISION),
        _ => return None,
    }
    Some(out)
}

/// What Lua calls the type of a value.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Boolean(_) => "boolean",
        Value::Integer(_) | Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Table(_) => "table",
        Value::Function(_) => "function",
        Value::Thread(_) => "thread",
        _ => "userdata",
    }
}

/// A number, or a string that Lua takes for one.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(n) => Some(*n as f64),
        Value::Number(n) => Some(*n),
        Value::String(text) => parse(text.as_bytes().trim_ascii()),
        _ => None,
    }
}

fn parse(text: &[u8]) -> Option<f64> {
    num::parse_i64(text)
        .map(|n| n as f64)
        .or_else(|| float::parse_f64(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_c_prints_them() {
        let cases = [
            (3.99, "3.99"),
            (1e15, "1e+15"),
            (7036874417766400.0, "7.0368744177664e+15"),
            (12345678901234.0, "12345678901234"),
            (0.1, "0.1"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (-2.5e-10, "-2.5e-10"),
            (1.0 / 3.0, "0.33333333333333"),
            (99999999999999.9, "1e+14"),
            (0.0, "0"),
            (1e100, "1e+100"),
        ];
        for (number, text) in cases {
            let mut out = Vec::new();
            general(&mut out, number, 14);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
