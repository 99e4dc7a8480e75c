//! A deque that can be frozen in the time it takes to share its chunks.
//!
//! ```text
//! chunks   Owned [..N..] | Shared ->[..N..] | Owned [..N..]
//!            written to      frozen, and not   since written to,
//!            only here       written to since  or new
//! ```
//!
//! Items stand in chunks of at most `N`. Freezing puts each chunk behind an `Arc` and copies the `Arc`s, so that its cost is
//! one step for `N` items. Whoever then writes to a shared chunk copies that chunk, unless nobody else has it any more; what a
//! freeze did not touch is owned outright, and writing to it costs no atomic operation.
//!
//! Both ends are O(1). An item in the middle is addressed by its [`Place`], which a binary search finds; adding or
//! taking one moves at most a chunk. Places hold until an item is added or taken. A caller that counts items instead addresses
//! one by number, at the cost of a walk over the chunks' lengths from the nearer end.
//!
//! What must hold: `len` is the sum of the chunks' lengths; no chunk is longer than `N`; none is empty, but that a
//! deque that went empty may keep one, with little room, for what comes next.

use std::collections::VecDeque;
use std::ops::{Index, IndexMut};

use super::shareable::Shareable;

/// The most room that a deque keeps when it goes empty, in items.
const KEPT_ITEMS: usize = 128;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Chunked<T, const N: usize> {
    chunks: Vec<Chunk<T>>,
    len: usize,
}

type Chunk<T> = Shareable<VecDeque<T>>;

/// Where an item stands: the chunk, and the item in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    chunk: usize,
    within: usize,
}

impl<T, const N: usize> Default for Chunked<T, N> {
    fn default() -> Self {
        const { assert!(N >= 4, "a chunk can be split, and two joined") };
        Chunked {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<T, const N: usize> Chunked<T, N> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub fn front(&self) -> Option<&T> {
        self.chunks.first()?.front()
    }

    #[inline]
    pub fn back(&self) -> Option<&T> {
        self.chunks.last()?.back()
    }

    #[inline]
    pub fn get(&self, place: Place) -> Option<&T> {
        self.chunks.get(place.chunk)?.get(place.within)
    }

    /// Where the first item stands, or will.
    pub fn start(&self) -> Place {
        Place {
            chunk: 0,
            within: 0,
        }
    }

    /// The place behind the last item.
    pub fn end(&self) -> Place {
        let chunk = if self.len == 0 { 0 } else { self.chunks.len() };
        Place { chunk, within: 0 }
    }

    /// The place of the last item.
    pub fn last_place(&self) -> Option<Place> {
        self.before(self.end())
    }

    /// The place behind an item's.
    #[inline]
    pub fn after(&self, place: Place) -> Place {
        let Place { chunk, within } = place;
        if within + 1 < self.chunks[chunk].len() {
            Place {
                chunk,
                within: within + 1,
            }
        } else {
            Place {
                chunk: chunk + 1,
                within: 0,
            }
        }
    }

    /// The place of the item before `place`.
    #[inline]
    pub fn before(&self, place: Place) -> Option<Place> {
        let Place { chunk, within } = place;
        if within > 0 {
            return Some(Place {
                chunk,
                within: within - 1,
            });
        }
        let chunk = chunk.checked_sub(1)?;
        let within = self.chunks[chunk].len() - 1;
        Some(Place { chunk, within })
    }

    /// The place of the first item for which `is_before` is false, as it is for all that follow.
    #[inline]
    pub fn partition_point(&self, mut is_before: impl FnMut(&T) -> bool) -> Place {
        if !self.front().is_some_and(&mut is_before) {
            return self.start();
        }
        let starts_before = |chunk: &Chunk<T>| is_before(&chunk[0]);
        let chunk = self.chunks.partition_point(starts_before) - 1;
        let items = &self.chunks[chunk];
        match items.partition_point(is_before) {
            within if within == items.len() => Place {
                chunk: chunk + 1,
                within: 0,
            },
            within => Place { chunk, within },
        }
    }

    /// The place of an item by number, or the end.
    #[inline]
    pub fn place_of(&self, number: usize) -> Place {
        assert!(number <= self.len);
        if number < self.len / 2 {
            let (mut chunk, mut within) = (0, number);
            while within >= self.chunks[chunk].len() {
                within -= self.chunks[chunk].len();
                chunk += 1;
            }
            return Place { chunk, within };
        }
        let (mut chunk, mut start) = (self.chunks.len(), self.len);
        while start > number {
            chunk -= 1;
            start -= self.chunks[chunk].len();
        }
        if number == self.len {
            return self.end();
        }
        Place {
            chunk,
            within: number - start,
        }
    }

    /// How many items stand before a place.
    pub fn number_of(&self, place: Place) -> usize {
        let before = self.chunks[..place.chunk].iter().map(|chunk| chunk.len());
        before.sum::<usize>() + place.within
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        Counted {
            items: self.chunks.iter().flat_map(|chunk| chunk.iter()),
            left: self.len,
        }
    }

    /// The items from `start` on.
    pub fn iter_from(&self, start: Place) -> impl Iterator<Item = &T> {
        let first = self
            .chunks
            .get(start.chunk)
            .into_iter()
            .flat_map(move |chunk| chunk.range(start.within..));
        let rest = self.chunks.get(start.chunk + 1..).unwrap_or_default();
        first.chain(rest.iter().flat_map(|chunk| chunk.iter()))
    }

    /// Heap bytes held, beside what the items hold.
    pub fn heap_bytes(&self) -> usize {
        let room = |chunk: &Chunk<T>| chunk.capacity();
        self.chunks.iter().map(room).sum::<usize>() * size_of::<T>()
            + self.chunks.capacity() * size_of::<Chunk<T>>()
    }
}

impl<T: Clone, const N: usize> Chunked<T, N> {
    /// A copy that later writes do not change.
    pub fn freeze(&mut self) -> Self {
        Chunked {
            chunks: self.chunks.iter_mut().map(Chunk::freeze).collect(),
            len: self.len,
        }
    }

    #[inline]
    pub fn front_mut(&mut self) -> Option<&mut T> {
        self.chunks.first_mut()?.to_mut().front_mut()
    }

    #[inline]
    pub fn back_mut(&mut self) -> Option<&mut T> {
        self.chunks.last_mut()?.to_mut().back_mut()
    }

    #[inline]
    pub fn push_back(&mut self, item: T) {
        self.len += 1;
        if let Some(Shareable::Owned(items)) = self.chunks.last_mut()
            && items.len() < items.capacity().min(N)
        {
            return items.push_back(item);
        }
        self.push_back_slowly(item);
    }

    #[cold]
    #[inline(never)]
    fn push_back_slowly(&mut self, item: T) {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == N) {
            self.add_chunk(self.chunks.len());
        }
        let items = self.chunks.last_mut().expect("just made sure of").to_mut();
        make_room::<T, N>(items);
        items.push_back(item);
    }

    #[inline]
    pub fn push_front(&mut self, item: T) {
        self.len += 1;
        if let Some(Shareable::Owned(items)) = self.chunks.first_mut()
            && items.len() < items.capacity().min(N)
        {
            return items.push_front(item);
        }
        self.push_front_slowly(item);
    }

    #[cold]
    #[inline(never)]
    fn push_front_slowly(&mut self, item: T) {
        if self.chunks.first().is_none_or(|chunk| chunk.len() == N) {
            self.add_chunk(0);
        }
        let items = self.chunks.first_mut().expect("just made sure of").to_mut();
        make_room::<T, N>(items);
        items.push_front(item);
    }

    #[inline]
    pub fn pop_back(&mut self) -> Option<T> {
        let items = self.chunks.last_mut()?.to_mut();
        let item = items.pop_back()?;
        self.len -= 1;
        if items.is_empty() {
            self.drop_empty(self.chunks.len() - 1);
        }
        Some(item)
    }

    #[inline]
    pub fn pop_front(&mut self) -> Option<T> {
        let items = self.chunks.first_mut()?.to_mut();
        let item = items.pop_front()?;
        self.len -= 1;
        if items.is_empty() {
            self.drop_empty(0);
        }
        Some(item)
    }

    /// Puts an item before the one at `place`.
    pub fn insert(&mut self, place: Place, item: T) {
        let Place { chunk: at, within } = place;
        let Some(chunk) = self.chunks.get_mut(at) else {
            return self.push_back(item);
        };
        self.len += 1;
        let items = chunk.to_mut();
        if items.len() < N {
            make_room::<T, N>(items);
            return items.insert(within, item);
        }
        let mut upper = items.split_off(N / 2);
        match within.checked_sub(N / 2) {
            Some(within) => upper.insert(within, item),
            None => items.insert(within, item),
        }
        self.chunks.insert(at + 1, Shareable::Owned(upper));
    }

    /// Takes out the item at `place`.
    pub fn remove(&mut self, place: Place) -> Option<T> {
        let item = self
            .chunks
            .get_mut(place.chunk)?
            .to_mut()
            .remove(place.within)?;
        self.len -= 1;
        self.settle(place.chunk);
        Some(item)
    }

    /// Keeps only some items; copies no shared chunk that keeps all of its own.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        for at in (0..self.chunks.len()).rev() {
            let before = self.chunks[at].len();
            if self.chunks[at].iter().all(&keep) {
                continue;
            }
            let items = self.chunks[at].to_mut();
            items.retain(&keep);
            self.len -= before - items.len();
            self.settle(at);
        }
    }

    /// Drops all items.
    pub fn clear(&mut self) {
        self.chunks.truncate(1);
        self.len = 0;
        if let Some(Shareable::Owned(items)) = self.chunks.first_mut() {
            items.clear();
            self.drop_empty(0);
        } else {
            self.chunks.clear();
        }
    }

    /// Adds a chunk at either end. A first one grows as it needs to: most deques are small.
    fn add_chunk(&mut self, at: usize) {
        let items = if self.chunks.is_empty() {
            self.chunks.reserve_exact(1);
            VecDeque::with_capacity(1)
        } else {
            VecDeque::with_capacity(N)
        };
        self.chunks.insert(at, Shareable::Owned(items));
    }

    /// Drops a chunk that has gone empty, or joins it to the next one if both fit in half a chunk.
    #[inline]
    fn settle(&mut self, at: usize) {
        let len = self.chunks[at].len();
        if len == 0 {
            return self.drop_empty(at);
        }
        let fits = |next: &Chunk<T>| len + next.len() <= N / 2;
        if len < N / 4 && self.chunks.get(at + 1).is_some_and(fits) {
            let mut next = self.chunks.remove(at + 1);
            self.chunks[at].to_mut().extend(next.take());
        }
    }

    fn drop_empty(&mut self, at: usize) {
        if self.chunks.len() > 1 || self.chunks[at].capacity() > KEPT_ITEMS {
            self.chunks.remove(at);
        }
    }
}

/// Room for one more item in a chunk that is not full: doubled up to `N`, and also in a copy, which has none to spare.
fn make_room<T, const N: usize>(items: &mut VecDeque<T>) {
    if items.len() == items.capacity() {
        let room = (items.len() + 1).next_power_of_two().max(4).min(N);
        items.reserve_exact(room - items.len());
    }
}

/// An iterator whose number of items is known.
struct Counted<I> {
    items: I,
    left: usize,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        let item = self.items.next()?;
        self.left -= 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for Counted<I> {
    #[inline]
    fn next_back(&mut self) -> Option<I::Item> {
        let item = self.items.next_back()?;
        self.left -= 1;
        Some(item)
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}

impl<T, const N: usize> Index<Place> for Chunked<T, N> {
    type Output = T;

    #[inline]
    fn index(&self, place: Place) -> &T {
        &self.chunks[place.chunk][place.within]
    }
}

impl<T: Clone, const N: usize> IndexMut<Place> for Chunked<T, N> {
    #[inline]
    fn index_mut(&mut self, place: Place) -> &mut T {
        &mut self.chunks[place.chunk].to_mut()[place.within]
    }
}

/// By number. See the head of this file.
impl<T, const N: usize> Index<usize> for Chunked<T, N> {
    type Output = T;

    #[inline]
    fn index(&self, number: usize) -> &T {
        &self[self.place_of(number)]
    }
}

impl<T: Clone, const N: usize> IndexMut<usize> for Chunked<T, N> {
    #[inline]
    fn index_mut(&mut self, number: usize) -> &mut T {
        let place = self.place_of(number);
        &mut self[place]
    }
}

#[cfg(test)]
mod tests;
