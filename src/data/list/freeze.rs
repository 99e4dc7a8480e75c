//! A list, or a stretch of one, taken out from under the lock.

use super::{Chunks, End, Item, List};

/// An immutable copy of a stretch of a list that shares its chunks. It is read in slices of the reader's choosing.
#[derive(Debug)]
pub struct Frozen {
    /// The chunks that hold the stretch, as a list of their own.
    list: List,
    /// The next element to read, within those chunks.
    next: usize,
    end: usize,
}

impl List {
    /// A copy that later writes do not change. Costs a step for some hundred chunks.
    pub fn freeze(&mut self) -> List {
        List {
            chunks: self.chunks.freeze(),
            ..*self
        }
    }

    /// Shares the `count` elements from `index` on, which must exist. Costs a reference count per chunk.
    pub fn freeze_range(&self, index: usize, count: usize) -> Frozen {
        assert!(index + count <= self.len, "a range lies within its list");
        let Some((first, inside)) = self.locate(index).filter(|_| count > 0) else {
            return Frozen {
                list: List::new(),
                next: 0,
                end: 0,
            };
        };
        let (last, _) = self
            .locate(index + count - 1)
            .expect("the range lies within the list");
        let mut chunks = Chunks::default();
        let mut len = 0;
        let from = self.chunks.place_of(first);
        for chunk in self.chunks.iter_from(from).take(last - first + 1) {
            len += chunk.count();
            chunks.push_back(chunk.clone());
        }
        Frozen {
            list: List {
                chunks,
                len,
                compact: self.compact,
            },
            next: inside,
            end: inside + count,
        }
    }
}

impl Frozen {
    /// How many elements have not been read yet.
    pub fn remaining(&self) -> usize {
        self.end - self.next
    }

    /// Gives the next elements to `each`, in order, until it returns false or none is left.
    pub fn read_while(&mut self, mut each: impl FnMut(Item) -> bool) {
        for item in self.list.range(self.next, self.end - self.next, End::Front) {
            self.next += 1;
            if !each(item) {
                return;
            }
        }
    }
}
