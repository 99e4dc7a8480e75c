//! Integers in ascending order, each as wide as the widest of them needs; the bytes are those of Redis's intsets.
//!
//! ```text
//! width 2     01 00 | 05 00 | e8 03        1, 5, 1000: little endian, in two's complement
//! ```
//!
//! A value that needs more widens all of them, for good. What must hold: the values are strictly ascending.

use super::Limits;
use crate::base::room::make_room;
use crate::data::Row;
use crate::data::list::entry::Entry;
use crate::data::shareable::Shareable;
use std::cmp::Ordering;

/// The widths that there are, in bytes.
const WIDTHS: [usize; 3] = [2, 4, 8];

/// See the file's head.
#[derive(Debug)]
pub(super) struct Ints {
    bytes: Shareable<Vec<u8>>,
    width: u8,
}

impl Default for Ints {
    fn default() -> Self {
        Ints {
            bytes: Shareable::default(),
            width: WIDTHS[0] as u8,
        }
    }
}

impl Ints {
    /// Values as a file has them; `None` if they are not sound.
    pub fn of_bytes(width: usize, bytes: &[u8]) -> Option<Self> {
        if !WIDTHS.contains(&width) || !bytes.len().is_multiple_of(width) {
            return None;
        }
        let ints = Ints {
            bytes: Shareable::Owned(bytes.to_vec()),
            width: width as u8,
        };
        ints.iter()
            .is_sorted_by(|one, next| one < next)
            .then_some(ints)
    }

    /// The width of the values and their bytes.
    pub fn as_bytes(&self) -> (usize, &[u8]) {
        (self.width(), &self.bytes)
    }

    fn width(&self) -> usize {
        self.width.into()
    }

    pub fn len(&self) -> usize {
        self.bytes.len() / self.width()
    }

    fn at(&self, index: usize) -> i64 {
        read(&self.bytes[index * self.width()..][..self.width()])
    }

    /// Where a value is, or would be.
    fn search(&self, value: i64) -> Result<usize, usize> {
        let (mut start, mut end) = (0, self.len());
        while start < end {
            let middle = start.midpoint(end);
            match self.at(middle).cmp(&value) {
                Ordering::Less => start = middle + 1,
                Ordering::Greater => end = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(start)
    }

    pub fn contains(&self, value: i64) -> bool {
        self.search(value).is_ok()
    }

    /// Adds a value; true if it is new.
    pub fn insert(&mut self, value: i64) -> bool {
        let Err(index) = self.search(value) else {
            return false;
        };
        self.widen(width_of(value));
        let (width, at) = (self.width(), index * self.width());
        let bytes = self.bytes.to_mut();
        make_room(bytes, width);
        bytes.splice(at..at, value.to_le_bytes().into_iter().take(width));
        true
    }

    /// Removes a value; true if it was there.
    pub fn remove(&mut self, value: i64) -> bool {
        let Ok(index) = self.search(value) else {
            return false;
        };
        let (width, at) = (self.width(), index * self.width());
        self.bytes.to_mut().drain(at..at + width);
        true
    }

    fn widen(&mut self, width: usize) {
        if width <= self.width() {
            return;
        }
        let wider = self
            .iter()
            .flat_map(|value| value.to_le_bytes().into_iter().take(width));
        self.bytes = Shareable::Owned(wider.collect());
        self.width = width as u8;
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator {
        self.bytes.chunks_exact(self.width()).map(read)
    }

    /// The values as a row, in order, if `text` beside them is within the limits.
    pub fn row_beside(&self, text: &[u8], limits: Limits) -> Option<Row> {
        let digits =
            |value: Option<i64>| value.map_or(0, |value| itoa::Buffer::new().format(value).len());
        let longest = digits(self.iter().next()).max(digits(self.iter().next_back()));
        let fits = self.len() < limits.packed && text.len().max(longest) <= limits.member_bytes;
        fits.then(|| {
            let mut row = Row::default();
            self.iter()
                .for_each(|value| row.push(&Entry::integer(value)));
            row
        })
    }

    pub fn freeze(&mut self) -> Self {
        Ints {
            bytes: self.bytes.freeze(),
            width: self.width,
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

fn width_of(value: i64) -> usize {
    if i16::try_from(value).is_ok() {
        WIDTHS[0]
    } else if i32::try_from(value).is_ok() {
        WIDTHS[1]
    } else {
        WIDTHS[2]
    }
}

/// The value that bytes of some width stand for.
fn read(bytes: &[u8]) -> i64 {
    let sign = if bytes[bytes.len() - 1] >= 0x80 {
        0xff
    } else {
        0
    };
    let mut wide = [sign; size_of::<i64>()];
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(wide)
}
