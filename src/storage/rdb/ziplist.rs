//! Ziplists: what listpacks replaced in Redis 7. They are read, never written.
//!
//! ```text
//! total bytes u32 | offset of the last entry u32 | count u16, 65535 for unknown | entry* | 0xff
//!
//! entry   length of the entry before (u8, or 254 and u32) | head | text
//! head    00llllll  01llllll l8  10000000 l32   text of l bytes, big endian
//!         11000000 i16  11010000 i32  11100000 i64  11110000 i24  11111110 i8   integer, little endian
//!         1111iiii                             integer i - 1, i in 1..=13
//! ```

use super::cursor::Cursor;
use super::error::Result;
use crate::data::list::Item;

const HEADER_BYTES: usize = 10;
const END: u8 = 0xff;
/// The length of the entry before takes four bytes more.
const LONG_LENGTH: u8 = 254;

/// Gives the elements of `ziplist` to `each`.
pub fn read(ziplist: &[u8], mut each: impl FnMut(Item<'_>)) -> Result<()> {
    let mut cursor = Cursor::new(ziplist);
    let total = u32::from_le_bytes(cursor.array()?);
    if total as usize != ziplist.len() || ziplist.len() <= HEADER_BYTES {
        return Err(cursor.corrupt("a ziplist of another length than it says"));
    }
    cursor.take(HEADER_BYTES - size_of::<u32>())?;
    let mut len_before = 0;
    loop {
        let at = cursor.offset();
        let stored = match cursor.byte()? {
            END if cursor.is_at_end() => return Ok(()),
            END => return Err(cursor.corrupt("a ziplist that ends before its end")),
            LONG_LENGTH => u32::from_le_bytes(cursor.array()?) as usize,
            short => usize::from(short),
        };
        if stored != len_before {
            return Err(cursor.corrupt("a ziplist whose entries do not follow each other"));
        }
        each(element(&mut cursor)?);
        len_before = cursor.offset() - at;
    }
}

fn element<'a>(cursor: &mut Cursor<'a>) -> Result<Item<'a>> {
    let head = cursor.byte()?;
    let low = usize::from(head & 0x3f);
    let len = match head >> 6 {
        0b00 => low,
        0b01 => low << 8 | usize::from(cursor.byte()?),
        0b10 => u32::from_be_bytes(cursor.array()?) as usize,
        _ => return integer(head, cursor).map(Item::Int),
    };
    cursor.take(len).map(Item::Text)
}

fn integer(head: u8, cursor: &mut Cursor<'_>) -> Result<i64> {
    Ok(match head {
        0xc0 => i16::from_le_bytes(cursor.array()?).into(),
        0xd0 => i32::from_le_bytes(cursor.array()?).into(),
        0xe0 => i64::from_le_bytes(cursor.array()?),
        0xf0 => {
            let [low, middle, high] = cursor.array()?;
            i64::from(i32::from_le_bytes([0, low, middle, high]) >> 8)
        }
        0xfe => i8::from_le_bytes(cursor.array()?).into(),
        0xf1..=0xfd => i64::from(head & 0x0f) - 1,
        _ => return Err(cursor.corrupt("an unknown entry in a ziplist")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(ziplist: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut texts = Vec::new();
        read(ziplist, |item| texts.push(item.to_vec()))?;
        Ok(texts)
    }

    /// As a Redis 6 keeps the list a, 12, 13, -129, 70000, -2147483649 and a text of 64 bytes.
    fn sample() -> Vec<u8> {
        let entries: [&[u8]; 6] = [
            &[0, 0x01, b'a'],
            &[3, 0xfd],
            &[2, 0xfe, 13],
            &[3, 0xc0, 0x7f, 0xff],
            &[4, 0xf0, 0x70, 0x11, 0x01],
            &[5, 0xe0, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff],
        ];
        let mut body = entries.concat();
        body.extend_from_slice(&[10, 0x40, 64]);
        body.extend_from_slice(&[b'x'; 64]);
        let total = HEADER_BYTES + body.len() + 1;
        let mut ziplist = (total as u32).to_le_bytes().to_vec();
        ziplist.extend_from_slice(&((total - 68) as u32).to_le_bytes());
        ziplist.extend_from_slice(&7u16.to_le_bytes());
        ziplist.extend_from_slice(&body);
        ziplist.push(END);
        ziplist
    }

    #[test]
    fn entries_of_all_kinds() {
        let long = "x".repeat(64);
        let expected = ["a", "12", "13", "-129", "70000", "-2147483649", &long];
        assert_eq!(
            all(&sample()).unwrap(),
            expected.map(|text| text.as_bytes().to_vec())
        );
    }

    #[test]
    fn no_damage_panics() {
        let sound = sample();
        for at in 0..sound.len() {
            assert!(all(&sound[..at]).is_err());
            for byte in [0, 1, 0x40, 0x80, 0xc0, 0xf0, 0xfe, 0xff] {
                let mut broken = sound.clone();
                broken[at] = byte;
                let _ = all(&broken);
            }
        }
    }
}
