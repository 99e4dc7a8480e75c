//! A run of neighbouring pairs of score and member, packed by column.
//!
//! ```text
//! scores   f64 | f64 | f64 ...     ascending; equal ones by member
//! starts   u16 | u16 | u16 ...     where each member begins in
//! text     member|number|member    the number of a long member, whose start is marked by its top bit
//! ```

use super::super::texts::Texts;
use std::ops::Range;

/// The most pairs of a leaf.
pub const MAX_PAIRS: usize = 128;
/// What a column that has to grow gains beyond an eighth of what it has, items or bytes.
const SPARE: usize = 4;
/// Marks the start of a number. Leaves are shorter than this.
const LONG: u16 = 1 << 15;

const _: () = assert!(MAX_PAIRS * super::super::texts::MAX_SHORT_BYTES < LONG as usize);

/// See the module's description.
#[derive(Clone, Debug, Default)]
pub struct Leaf {
    scores: Vec<f64>,
    starts: Vec<u16>,
    text: Vec<u8>,
}

/// A member as a leaf has it.
#[derive(Clone, Copy, Debug)]
pub enum Held<'a> {
    /// A short one.
    Short(&'a [u8]),
    /// The number of a long one.
    Long(u32),
}

impl Held<'_> {
    /// The number of a long one.
    pub fn number(self) -> Option<u32> {
        match self {
            Held::Short(_) => None,
            Held::Long(number) => Some(number),
        }
    }
}

impl Leaf {
    /// A leaf of one pair.
    pub fn of(score: f64, member: Held<'_>) -> Self {
        let mut leaf = Leaf::default();
        leaf.insert(0, score, member);
        leaf
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    #[inline]
    pub fn score(&self, at: usize) -> f64 {
        self.scores[at]
    }

    #[inline]
    pub fn held(&self, at: usize) -> Held<'_> {
        let text = &self.text[self.start(at)..self.start(at + 1)];
        if self.starts[at] & LONG == 0 {
            return Held::Short(text);
        }
        Held::Long(u32::from_le_bytes(text.try_into().expect("a number")))
    }

    #[inline]
    pub fn member<'a>(&'a self, at: usize, texts: &'a Texts) -> &'a [u8] {
        match self.held(at) {
            Held::Short(member) => member,
            Held::Long(number) => texts.get(number),
        }
    }

    /// Where a pair stands, or would.
    pub fn place_for(&self, score: f64, member: &[u8], texts: &Texts) -> usize {
        let mut low = self.scores.partition_point(|other| *other < score);
        let equal = self.scores[low..].partition_point(|other| *other == score);
        let mut high = low + equal;
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.member(middle, texts) < member {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }

    /// Puts a pair before the one at `at`.
    pub fn insert(&mut self, at: usize, score: f64, member: Held<'_>) {
        let number;
        let (text, mark) = match member {
            Held::Short(text) => (text, 0),
            Held::Long(long) => {
                number = long.to_le_bytes();
                (&number[..], LONG)
            }
        };
        let (start, len) = (self.start(at), self.text.len());
        make_room(&mut self.scores, 1);
        make_room(&mut self.starts, 1);
        make_room(&mut self.text, text.len());
        self.scores.insert(at, score);
        self.starts.insert(at, start as u16 | mark);
        for later in &mut self.starts[at + 1..] {
            *later += text.len() as u16;
        }
        self.text.extend_from_slice(text);
        if start < len {
            self.text.copy_within(start..len, start + text.len());
            self.text[start..start + text.len()].copy_from_slice(text);
        }
    }

    /// Gives another score to a pair whose place stays the same.
    pub fn rescore(&mut self, at: usize, score: f64) {
        self.scores[at] = score;
    }

    /// Takes out `count` pairs from `at` on.
    pub fn remove(&mut self, at: usize, count: usize) {
        let (start, end) = (self.start(at), self.start(at + count));
        cut(&mut self.scores, at..at + count);
        cut(&mut self.starts, at..at + count);
        for later in &mut self.starts[at..] {
            *later -= (end - start) as u16;
        }
        cut(&mut self.text, start..end);
        self.trim();
    }

    /// Takes off the pairs from `at` on.
    pub fn split_off(&mut self, at: usize) -> Self {
        let start = self.start(at);
        let mut upper = Leaf {
            scores: self.scores.split_off(at),
            starts: self.starts.split_off(at),
            text: self.text.split_off(start),
        };
        upper.starts.iter_mut().for_each(|at| *at -= start as u16);
        self.trim();
        upper
    }

    /// Takes over the pairs of a leaf that follows, for which there is room.
    pub fn append(&mut self, next: &Leaf) {
        let bytes = self.text.len() as u16;
        self.scores.extend_from_slice(&next.scores);
        self.starts
            .extend(next.starts.iter().map(|start| start + bytes));
        self.text.extend_from_slice(&next.text);
    }

    pub fn heap_bytes(&self) -> usize {
        self.scores.capacity() * size_of::<f64>()
            + self.starts.capacity() * size_of::<u16>()
            + self.text.capacity()
    }

    #[inline]
    fn start(&self, at: usize) -> usize {
        match self.starts.get(at) {
            Some(start) => usize::from(start & !LONG),
            None => self.text.len(),
        }
    }

    /// Gives back room of which much is not used.
    fn trim(&mut self) {
        trim(&mut self.scores);
        trim(&mut self.starts);
        trim(&mut self.text);
    }
}

/// Grows a column little by little: leaves are many, and seldom full.
fn make_room<T>(column: &mut Vec<T>, items: usize) {
    if column.capacity() - column.len() < items {
        column.reserve_exact(items + column.len() / 8 + SPARE);
    }
}

fn cut<T: Copy>(column: &mut Vec<T>, items: Range<usize>) {
    let left = column.len() - items.len();
    column.copy_within(items.end.., items.start);
    column.truncate(left);
}

fn trim<T>(column: &mut Vec<T>) {
    if column.capacity() > column.len() + column.len() / 4 + 2 * SPARE {
        column.shrink_to(column.len() + SPARE);
    }
}
