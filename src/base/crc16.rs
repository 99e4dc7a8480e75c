//! CRC-16/XMODEM and the hash slot of a key, as the Redis cluster specification defines them:
//! slot = crc16(hashed part) mod 16384, where the hashed part is what stands between the first `{` and the
//! next `}` when that is not empty, and the whole key otherwise.

/// Number of hash slots.
pub const SLOTS: u16 = 16384;

/// Eight tables, so that eight bytes are folded at a step: `TABLES[k][b]` is the CRC of byte `b` followed by `k` zero bytes.
static TABLES: [[u16; 256]; 8] = tables();

const fn tables() -> [[u16; 256]; 8] {
    let mut tables = [[0u16; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 {
                (crc << 1) ^ 0x1021
            } else {
                crc << 1
            };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let previous = tables[k - 1][byte];
            tables[k][byte] = (previous << 8) ^ tables[0][(previous >> 8) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

/// CRC-16/XMODEM of `data`.
pub fn crc16(data: &[u8]) -> u16 {
    let mut crc = 0u16;
    let mut chunks = data.chunks_exact(8);
    for c in &mut chunks {
        let high = (crc >> 8) as u8;
        let low = crc as u8;
        crc = TABLES[7][(c[0] ^ high) as usize]
            ^ TABLES[6][(c[1] ^ low) as usize]
            ^ TABLES[5][c[2] as usize]
            ^ TABLES[4][c[3] as usize]
            ^ TABLES[3][c[4] as usize]
            ^ TABLES[2][c[5] as usize]
            ^ TABLES[1][c[6] as usize]
            ^ TABLES[0][c[7] as usize];
    }
    for &byte in chunks.remainder() {
        crc = (crc << 8) ^ TABLES[0][((crc >> 8) as u8 ^ byte) as usize];
    }
    crc
}

/// The hash slot of `key`.
pub fn key_slot(key: &[u8]) -> u16 {
    crc16(hashed_part(key)) & (SLOTS - 1)
}

fn hashed_part(key: &[u8]) -> &[u8] {
    if !has_brace(key) {
        return key;
    }
    let Some(open) = key.iter().position(|&b| b == b'{') else {
        return key;
    };
    match key[open + 1..].iter().position(|&b| b == b'}') {
        None | Some(0) => key,
        Some(len) => &key[open + 1..open + 1 + len],
    }
}

/// Whether there is a `{`, eight bytes at a look: most keys have none.
fn has_brace(key: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let is_in = |bytes: [u8; 8]| {
        // Where there is one, a byte becomes 0, and a byte of 0 is what borrows.
        let others = u64::from_ne_bytes(bytes) ^ (ONES * b'{' as u64);
        others.wrapping_sub(ONES) & !others & (ONES << 7) != 0
    };
    let (words, rest) = key.as_chunks::<8>();
    let end = match key.last_chunk::<8>() {
        Some(last) => !rest.is_empty() && is_in(*last),
        None => rest.contains(&b'{'),
    };
    end || words.iter().any(|word| is_in(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value_of_the_standard() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
    }

    #[test]
    fn wide_steps_equal_single_steps() {
        let data: Vec<u8> = (0..100u32).map(|i| (i * 37 % 251) as u8).collect();
        for len in 0..data.len() {
            let slow = data[..len].iter().fold(0u16, |crc, &b| {
                (crc << 8) ^ TABLES[0][((crc >> 8) as u8 ^ b) as usize]
            });
            assert_eq!(crc16(&data[..len]), slow);
        }
    }

    #[test]
    fn tags_choose_the_slot() {
        assert_eq!(key_slot(b"foo"), 12182);
        assert_eq!(key_slot(b"{foo}.a"), key_slot(b"x{foo}y"));
        assert_eq!(hashed_part(b"a{}b{c}"), b"a{}b{c}");
        assert_eq!(hashed_part(b"a{b"), b"a{b");
        assert_eq!(hashed_part(b"{{a}b}"), b"{a");
    }

    #[test]
    fn a_brace_is_found_wherever_it_stands() {
        for len in 0..40 {
            let key: Vec<u8> = (0..len).map(|at| [b'z', b'|', 0xfb, 0][at % 4]).collect();
            assert!(!has_brace(&key), "{len}");
            for at in 0..len {
                let mut key = key.clone();
                key[at] = b'{';
                assert!(has_brace(&key), "{at} of {len}");
            }
        }
    }
}
