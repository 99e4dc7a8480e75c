//! CRC-64/Jones, which closes snapshot files and dumped values: polynomial 0xad93d23594c935a9, bits reflected, starting from
//! zero, nothing inverted.

use crc_fast::{CrcAlgorithm, Digest};

/// The CRC of what `crc` stands for, followed by `data`. Zero stands for nothing.
pub fn update(crc: u64, data: &[u8]) -> u64 {
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc64Redis, crc);
    digest.update(data);
    digest.finalize()
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
        let data: Vec<u8> = (0..1000u32).map(|i| (i * 37 % 251) as u8).collect();
        let whole = update(0, &data);
        for at in 0..data.len() {
            assert_eq!(update(update(0, &data[..at]), &data[at..]), whole);
        }
    }
}
