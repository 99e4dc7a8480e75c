//! Walking a stretch of a list in either direction.

use super::chunk::Chunk;
use super::{End, Item, List};
use crate::data::chunked::Place;

/// Borrowed elements, in order from the end the walk began at.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    list: &'a List,
    /// The chunk the walk is in; none where there is nothing to walk over.
    chunk: Option<&'a Chunk>,
    /// Where that chunk stands in the list.
    place: Place,
    /// The offset in that chunk.
    at: usize,
    left: usize,
    from: End,
}

impl<'a> Iter<'a> {
    pub(super) fn new(list: &'a List, index: usize, count: usize, from: End) -> Self {
        let first = match from {
            End::Front => index,
            End::Back => (index + count).wrapping_sub(1),
        };
        let mut iter = Self {
            list,
            chunk: None,
            place: list.chunks.start(),
            at: 0,
            left: count,
            from,
        };
        if let Some((number, inside)) = list.locate(first).filter(|_| count > 0) {
            // Going backwards, the walk stands behind the element it will give next.
            let inside = inside + usize::from(from == End::Back);
            let chunk = iter.enter(list.chunks.place_of(number));
            iter.at = chunk.offset_of(inside);
        }
        iter
    }

    fn enter(&mut self, place: Place) -> &'a Chunk {
        let chunk = &self.list.chunks[place];
        self.place = place;
        self.chunk = Some(chunk);
        chunk
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let mut chunk = self.chunk?;
        match self.from {
            End::Front => {
                if self.at == chunk.end() {
                    chunk = self.enter(self.list.chunks.after(self.place));
                    self.at = chunk.start();
                }
                let (item, next) = chunk.read(self.at);
                self.at = next;
                Some(item)
            }
            End::Back => {
                if self.at == chunk.start() {
                    chunk = self.enter(self.list.chunks.before(self.place)?);
                    self.at = chunk.end();
                }
                self.at = chunk.start_before(self.at);
                Some(chunk.read(self.at).0)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
