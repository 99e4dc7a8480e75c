//! Unsigned numbers in as few bytes as they need: seven bits a byte, least first, the top bit says that more follow.
//! Blocks and pages hold only what this file wrote, so reading trusts its input.

/// Appends `number`.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, number: u64) {
    each_byte(number, |byte| out.push(byte));
}

/// The bytes of `number`.
#[inline]
pub(super) fn each_byte(mut number: u64, mut each: impl FnMut(u8)) {
    while number >= 0x80 {
        each(number as u8 | 0x80);
        number >>= 7;
    }
    each(number as u8);
}

/// Appends `bytes` behind their length.
#[inline]
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads the number at `at` and moves `at` behind it.
#[inline]
pub(super) fn take(bytes: &[u8], at: &mut usize) -> u64 {
    let first = bytes[*at];
    *at += 1;
    if first < 0x80 {
        return u64::from(first);
    }
    let mut number = u64::from(first & 0x7f);
    let mut shift = 7;
    loop {
        let byte = bytes[*at];
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return number;
        }
        shift += 7;
    }
}

/// Reads the length-prefixed bytes at `at` and moves `at` behind them.
#[inline]
pub(super) fn take_bytes<'a>(bytes: &'a [u8], at: &mut usize) -> &'a [u8] {
    let len = take(bytes, at) as usize;
    let start = *at;
    *at += len;
    &bytes[start..start + len]
}

/// How many bytes `put` takes for `number`.
#[inline]
pub(super) fn size(number: usize) -> usize {
    match number {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => (usize::BITS - number.leading_zeros()).div_ceil(7) as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_sizes_are_true() {
        for number in [
            0,
            1,
            127,
            128,
            16_383,
            16_384,
            1 << 32,
            u64::MAX >> 1,
            u64::MAX,
        ] {
            let mut out = Vec::new();
            put(&mut out, number);
            assert_eq!(out.len(), size(number as usize));
            let mut at = 0;
            assert_eq!(take(&out, &mut at), number);
            assert_eq!(at, out.len());
        }
    }
}
