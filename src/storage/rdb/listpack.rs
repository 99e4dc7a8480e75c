//! Listpacks: packed runs of elements in which streams and lists are kept. Here they are read with suspicion: an element is given out only if
//! it lies within its listpack and closes with its own length.
//!
//! ```text
//! total bytes u32 | count u16, 65535 for unknown | element* | 0xff
//! ```
//! For the elements see `data/list/entry.rs`, which writes them.

use crate::data::Row;
use crate::data::list::Item;
use crate::data::list::entry::{Entry, back_len, integer};

/// What it takes before its elements.
pub const HEADER_BYTES: usize = 6;
/// What stands after the last element.
const END: u8 = 0xff;
/// The count that says nothing.
const UNKNOWN_COUNT: u16 = u16::MAX;

/// The elements of a listpack, one after another.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    /// The elements without what frames them.
    bytes: &'a [u8],
    at: usize,
    count: u16,
}

impl<'a> Elements<'a> {
    /// Those of `listpack`, if its frame is sound.
    pub fn of(listpack: &'a [u8]) -> Option<Self> {
        let (total, rest) = listpack.split_first_chunk::<4>()?;
        let (count, rest) = rest.split_first_chunk::<2>()?;
        let (&end, bytes) = rest.split_last()?;
        let sound = u32::from_le_bytes(*total) as usize == listpack.len() && end == END;
        sound.then_some(Self {
            bytes,
            at: 0,
            count: u16::from_le_bytes(*count),
        })
    }

    /// True when all have been given out.
    #[inline]
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The bytes of all elements.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next element; `None` if there is none or it is not sound.
    #[inline(always)]
    pub fn next(&mut self) -> Option<Item<'a>> {
        let bytes = self.bytes.get(self.at..)?;
        let first = *bytes.first()?;
        // Small numbers and short texts, the many.
        if first < 0x80 {
            self.at += 2;
            return (*bytes.get(1)? == 1).then_some(Item::Int(i64::from(first)));
        }
        if first < 0xc0 {
            let body = 1 + usize::from(first & 0x3f);
            let text = bytes.get(1..body)?;
            self.at += body + 1;
            return (usize::from(*bytes.get(body)?) == body).then_some(Item::Text(text));
        }
        let (item, body) = element(bytes)?;
        let back = bytes.get(body..body + back_len(body))?;
        self.at += body + back.len();
        closes(back, body).then_some(item)
    }

    /// Bytes of the elements given out so far.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The next element, which is an integer.
    #[inline(always)]
    pub fn next_int(&mut self) -> Option<i64> {
        match self.next()? {
            Item::Int(value) => Some(value),
            _ => None,
        }
    }

    /// How many there are, if all are sound, the frame says the same, and no text is one that should be an integer.
    pub fn check(mut self) -> Option<Checked> {
        let (mut count, mut canonical) = (0, true);
        while !self.is_at_end() {
            if let Item::Text(text) = self.next()? {
                canonical &= integer(text).is_none();
            }
            count += 1;
        }
        let as_said = self.count == UNKNOWN_COUNT || usize::from(self.count) == count;
        as_said.then_some(Checked { count, canonical })
    }
}

/// What is known of a sound listpack.
pub struct Checked {
    /// How many elements it has.
    pub count: usize,
    /// Every canonical integer is kept as one.
    pub canonical: bool,
}

/// An element of the rarer kinds, and its bytes without the length that closes it.
fn element(bytes: &[u8]) -> Option<(Item<'_>, usize)> {
    let text = |head: usize, len: usize| {
        let end = head.checked_add(len)?;
        Some((Item::Text(bytes.get(head..end)?), end))
    };
    match bytes[0] {
        tag @ 0xc0..0xe0 => {
            let raw = u16::from(tag & 0x1f) << 8 | u16::from(*bytes.get(1)?);
            // Moves the sign from bit 12 to bit 15 and back.
            Some((Item::Int(i64::from((raw << 3).cast_signed() >> 3)), 2))
        }
        tag @ 0xe0..0xf0 => text(
            2,
            usize::from(tag & 0x0f) << 8 | usize::from(*bytes.get(1)?),
        ),
        0xf0 => text(5, u32::from_le_bytes(*bytes[1..].first_chunk()?) as usize),
        0xf1 => integer_of(bytes, 2),
        0xf2 => integer_of(bytes, 3),
        0xf3 => integer_of(bytes, 4),
        0xf4 => integer_of(bytes, 8),
        _ => None,
    }
}

fn integer_of(bytes: &[u8], width: usize) -> Option<(Item<'_>, usize)> {
    let body = bytes.get(1..=width)?;
    let sign = if body[width - 1] >= 0x80 { 0xff } else { 0 };
    let mut wide = [sign; 8];
    wide[..width].copy_from_slice(body);
    Some((Item::Int(i64::from_le_bytes(wide)), 1 + width))
}

/// Whether `back` is the length of a `body`, as it is written for reading backwards.
fn closes(back: &[u8], body: usize) -> bool {
    let read = back
        .iter()
        .fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
    read == body && back[0] < 0x80 && back[1..].iter().all(|byte| *byte >= 0x80)
}

/// Writes a listpack into a buffer that is used again and again.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    count: usize,
}

impl Writer {
    /// Begins another one.
    pub fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&[0; HEADER_BYTES]);
        self.count = 0;
    }

    /// Adds an integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        self.count += 1;
        match value {
            0..0x80 => self.bytes.extend_from_slice(&[value as u8, 1]),
            _ => Entry::integer(value).append_to(&mut self.bytes),
        }
    }

    /// Adds a text.
    #[inline]
    pub fn text(&mut self, text: &[u8]) {
        self.count += 1;
        Entry::new(text).append_to(&mut self.bytes);
    }

    /// Adds the elements of a row.
    pub fn row(&mut self, row: &Row) {
        self.count += row.count();
        row.append_entries_to(&mut self.bytes);
    }

    /// Adds `count` elements that are encoded already.
    pub fn encoded(&mut self, elements: &[u8], count: usize) {
        self.count += count;
        self.bytes.extend_from_slice(elements);
    }

    /// Ends it and gives its bytes, fewer than 2^32; `None` if they are more.
    pub fn end(&mut self) -> Option<&[u8]> {
        self.bytes.push(END);
        let total = u32::try_from(self.bytes.len()).ok()?;
        let count = u16::try_from(self.count).unwrap_or(UNKNOWN_COUNT);
        self.bytes[..4].copy_from_slice(&total.to_le_bytes());
        self.bytes[4..6].copy_from_slice(&count.to_le_bytes());
        Some(&self.bytes)
    }

    /// Gives back what a large one took.
    pub fn shrink_to(&mut self, bytes: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listpack(texts: &[Vec<u8>]) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.begin();
        texts.iter().for_each(|text| writer.text(text));
        writer.end().unwrap().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut elements = Elements::of(bytes)?;
        let mut texts = Vec::new();
        while !elements.is_at_end() {
            texts.push(elements.next()?.to_vec());
        }
        Some(texts)
    }

    fn any_text() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            (any::<i64>(), 0u32..64)
                .prop_map(|(value, shift)| (value >> shift).to_string().into_bytes()),
            (4000usize..4200).prop_map(|len| vec![b'x'; len]),
        ]
    }

    #[test]
    fn texts_that_should_be_integers_are_noticed() {
        let sound = listpack(&[b"12".to_vec(), b"a".to_vec()]);
        assert!(Elements::of(&sound).unwrap().check().unwrap().canonical);
        let odd = [11, 0, 0, 0, 1, 0, 0x82, b'1', b'2', 3, 0xff];
        let checked = Elements::of(&odd).unwrap().check().unwrap();
        assert!(!checked.canonical && checked.count == 1);
    }

    proptest! {
        #[test]
        fn elements_come_back(texts in prop::collection::vec(any_text(), 0..20)) {
            let bytes = listpack(&texts);
            prop_assert_eq!(read(&bytes), Some(texts.clone()));
            let checked = Elements::of(&bytes).unwrap().check().unwrap();
            prop_assert!(checked.canonical && checked.count == texts.len());
        }

        #[test]
        fn broken_ones_are_refused_or_read(
            texts in prop::collection::vec(any_text(), 1..5), at: prop::sample::Index, byte: u8,
        ) {
            let mut bytes = listpack(&texts);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = read(&bytes);
            if let Some(elements) = Elements::of(&bytes) {
                let _ = elements.check();
            }
        }
    }
}
