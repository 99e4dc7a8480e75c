//! CRC-64/Jones, which closes snapshot files and dumped values: polynomial 0xad93d23594c935a9, bits reflected, starting from
//! zero, nothing inverted.

/// The polynomial with its bits reversed.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// Eight tables, so that eight bytes are folded at a step: `TABLES[k][b]` is the CRC of byte `b` followed by `k` zero bytes.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0u64; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 != 0 {
                (crc >> 1) ^ POLYNOMIAL
            } else {
                crc >> 1
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
            tables[k][byte] = (previous >> 8) ^ tables[0][(previous & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

/// The CRC of what `crc` stands for, followed by `data`. Zero stands for nothing.
pub fn update(mut crc: u64, data: &[u8]) -> u64 {
    let (words, rest) = data.as_chunks::<8>();
    for word in words {
        let folded = (crc ^ u64::from_le_bytes(*word)).to_le_bytes();
        crc = TABLES[7][folded[0] as usize]
            ^ TABLES[6][folded[1] as usize]
            ^ TABLES[5][folded[2] as usize]
            ^ TABLES[4][folded[3] as usize]
            ^ TABLES[3][folded[4] as usize]
            ^ TABLES[2][folded[5] as usize]
            ^ TABLES[1][folded[6] as usize]
            ^ TABLES[0][folded[7] as usize];
    }
    for &byte in rest {
        crc = (crc >> 8) ^ TABLES[0][(crc as u8 ^ byte) as usize];
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value_of_the_standard() {
        assert_eq!(update(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    #[test]
    fn any_split_gives_the_same() {
        let data: Vec<u8> = (0..100u32).map(|i| (i * 37 % 251) as u8).collect();
        let whole = update(0, &data);
        for at in 0..data.len() {
            assert_eq!(update(update(0, &data[..at]), &data[at..]), whole);
        }
    }
}
