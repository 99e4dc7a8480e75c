//! Long members, each kept once for all that name it: by a number.
//!
//! ```text
//! chunks   Owned [text|free|text|..]   Shared ->[text|..]   ...     256 in each; the number of a place is its text's
//! free     the first free place; each free place says the next
//! ```

use crate::data::shareable::Shareable;
use std::sync::Arc;

/// A member of more bytes is long.
pub const MAX_SHORT_BYTES: usize = 48;

/// Places that are frozen, and copied for a writer, together.
const CHUNK_PLACES: usize = 256;

/// See the module's description.
#[derive(Debug, Default)]
pub struct Texts {
    chunks: Vec<Shareable<Vec<Place>>>,
    /// The first free place, or the one behind all.
    free: u32,
    /// Heap bytes of the texts.
    bytes: usize,
}

#[derive(Clone, Debug)]
enum Place {
    Text(Arc<[u8]>),
    Free { next: u32 },
}

/// What an `Arc` puts before its bytes.
const ARC_BYTES: usize = 16;

impl Texts {
    /// The text of a number.
    #[inline]
    pub fn get(&self, number: u32) -> &[u8] {
        let (chunk, within) = split(number);
        match &self.chunks[chunk][within] {
            Place::Text(text) => text,
            Place::Free { .. } => unreachable!("a number that is held is not free"),
        }
    }

    /// Keeps a text and gives its number.
    pub fn add(&mut self, text: &[u8]) -> u32 {
        let number = self.free;
        let (chunk, within) = split(number);
        if chunk == self.chunks.len() {
            self.chunks.push(Shareable::default());
        }
        let places = self.chunks[chunk].to_mut();
        if within == places.len() {
            places.push(Place::Free { next: number + 1 });
        }
        let place = std::mem::replace(&mut places[within], Place::Text(text.into()));
        match place {
            Place::Free { next } => self.free = next,
            Place::Text(_) => unreachable!("the place was free"),
        }
        self.bytes += ARC_BYTES + text.len();
        number
    }

    /// Forgets a text.
    pub fn remove(&mut self, number: u32) {
        let (chunk, within) = split(number);
        let next = std::mem::replace(&mut self.free, number);
        let place = &mut self.chunks[chunk].to_mut()[within];
        if let Place::Text(text) = std::mem::replace(place, Place::Free { next }) {
            self.bytes -= ARC_BYTES + text.len();
        }
    }

    /// A copy that later writes do not change. Costs a step for some hundred texts.
    pub fn freeze(&mut self) -> Self {
        Texts {
            chunks: self.chunks.iter_mut().map(Shareable::freeze).collect(),
            ..*self
        }
    }

    pub fn heap_bytes(&self) -> usize {
        let places = |chunk: &Shareable<Vec<Place>>| chunk.capacity() * size_of::<Place>();
        self.bytes
            + self.chunks.iter().map(places).sum::<usize>()
            + self.chunks.capacity() * size_of::<Shareable<Vec<Place>>>()
    }
}

fn split(number: u32) -> (usize, usize) {
    let number = number as usize;
    (number / CHUNK_PLACES, number % CHUNK_PLACES)
}
