//! A stretch of a list taken out from under the lock.

use super::{End, Item, List};

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
    /// Shares the `count` elements from `index` on, which must exist. Costs a reference count per chunk.
    pub fn freeze(&self, index: usize, count: usize) -> Frozen {
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
        let chunks: std::collections::VecDeque<_> =
            self.chunks.range(first..=last).cloned().collect();
        let len = chunks.iter().map(|chunk| chunk.count()).sum();
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
