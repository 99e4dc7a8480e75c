//! A run of neighbouring pairs of score and member, packed by column.
//!
//! ```text
//! scores   f64 | f64 | f64 ...     ascending; equal ones by member
//! starts   u16 | u16 | u16 ...     where each member begins in
//! text     member|member|member
//! ```
//!
//! A leaf of several pairs has at most [`MAX_BYTES`] of text, so that places in it fit two bytes; a longer member is a leaf by itself.

/// The most pairs of a leaf.
pub const MAX_PAIRS: usize = 128;
/// The most bytes of members, unless there is but one.
pub const MAX_BYTES: usize = 8192;
/// What a column that has to grow gains beyond an eighth of what it has, items or bytes.
const SPARE: usize = 4;

/// See the module's description.
#[derive(Clone, Debug, Default)]
pub struct Leaf {
    scores: Vec<f64>,
    starts: Vec<u16>,
    text: Vec<u8>,
}

impl Leaf {
    /// A leaf of one pair.
    pub fn of(score: f64, member: &[u8]) -> Self {
        Leaf {
            scores: vec![score],
            starts: vec![0],
            text: member.to_vec(),
        }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    #[inline]
    pub fn score(&self, at: usize) -> f64 {
        self.scores[at]
    }

    #[inline]
    pub fn member(&self, at: usize) -> &[u8] {
        &self.text[self.start(at)..self.start(at + 1)]
    }

    /// Whether a member of so many bytes may come in.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.len() < MAX_PAIRS && self.bytes() + bytes <= MAX_BYTES
    }

    /// Puts a pair, for which there is room, before the one at `at`.
    pub fn insert(&mut self, at: usize, score: f64, member: &[u8]) {
        let (start, len) = (self.start(at), self.bytes());
        make_room(&mut self.scores, 1);
        make_room(&mut self.starts, 1);
        make_room(&mut self.text, member.len());
        self.scores.insert(at, score);
        self.starts.insert(at, start as u16);
        for later in &mut self.starts[at + 1..] {
            *later += member.len() as u16;
        }
        self.text.resize(len + member.len(), 0);
        self.text.copy_within(start..len, start + member.len());
        self.text[start..start + member.len()].copy_from_slice(member);
    }

    /// Gives another score to a pair whose place stays the same.
    pub fn rescore(&mut self, at: usize, score: f64) {
        self.scores[at] = score;
    }

    /// Takes out `count` pairs from `at` on.
    pub fn remove(&mut self, at: usize, count: usize) {
        let (start, end) = (self.start(at), self.start(at + count));
        self.scores.drain(at..at + count);
        self.starts.drain(at..at + count);
        for later in &mut self.starts[at..] {
            *later -= (end - start) as u16;
        }
        self.text.drain(start..end);
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
        let bytes = self.bytes() as u16;
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
            Some(start) => usize::from(*start),
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

fn trim<T>(column: &mut Vec<T>) {
    if column.capacity() > column.len() + column.len() / 4 + 2 * SPARE {
        column.shrink_to(column.len() + SPARE);
    }
}
