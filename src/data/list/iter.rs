//! Walking a stretch of a list in either direction.

use super::chunk::Chunk;
use super::{End, Item, List};
use std::sync::Arc;

/// Borrowed elements, in order from the end the walk began at.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    list: &'a List,
    /// The chunk the walk is in, by number; offsets are within it.
    chunk: usize,
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
        let (chunk, at) = match list.locate(first).filter(|_| count > 0) {
            Some((chunk, inside)) => {
                // Going backwards, the walk stands behind the element it will give next.
                let inside = if from == End::Front {
                    inside
                } else {
                    inside + 1
                };
                (chunk, list.chunks[chunk].offset_of(inside))
            }
            None => (0, 0),
        };
        Self {
            list,
            chunk,
            at,
            left: count,
            from,
        }
    }

    fn chunk(&self) -> &'a Arc<Chunk> {
        &self.list.chunks[self.chunk]
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
        let mut chunk = self.chunk();
        match self.from {
            End::Front => {
                if self.at == chunk.end() {
                    self.chunk += 1;
                    chunk = self.chunk();
                    self.at = chunk.start();
                }
                let (item, next) = chunk.read(self.at);
                self.at = next;
                Some(item)
            }
            End::Back => {
                if self.at == chunk.start() {
                    self.chunk -= 1;
                    chunk = self.chunk();
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
