//! Changes inside a list: by index, by value, by position relative to a value.

use super::chunk::{Chunk, Packed};
use super::entry::Entry;
use super::{BUNDLE_CHUNKS, End, Limit, List, Needle, packed_mut};
use crate::base::Blob;
use crate::data::chunked::Place;
use std::ops::Range;
use std::sync::Arc;

/// Which side of an element a new one goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Towards the front.
    Before,
    /// Towards the back.
    After,
}

impl List {
    /// Replaces the element at `index`; `false` if there is none.
    pub fn set(&mut self, index: usize, limit: Limit, value: Blob) -> bool {
        let text = value.as_slice();
        self.expect_growth(limit, text.len(), 1);
        let Some((number, inside)) = self.locate(index) else {
            return false;
        };
        let chunk = &self.chunks[number];
        let large = !self.compact && limit.is_large(text.len());
        match &**chunk {
            Chunk::Packed(_) if !large => {
                let start = chunk.offset_of(inside);
                let range = start..chunk.read(start).1;
                packed_mut(&mut self.chunks[number]).replace(range, &Entry::new(text));
            }
            Chunk::Single(_) if large => self.chunks[number] = single(value),
            _ => {
                self.insert_beside((number, inside), Side::After, limit, value);
                let chunk = &self.chunks[number];
                let start = chunk.offset_of(inside);
                let range = start..chunk.read(start).1;
                let place = self.chunks.place_of(number);
                if self.remove_ranges(place, &[range]) {
                    self.chunks.remove(place);
                }
            }
        }
        self.settle(limit);
        true
    }

    /// Adds an element next to the first one that equals `pivot`; `false` if none does.
    pub fn insert(&mut self, side: Side, pivot: &[u8], limit: Limit, value: Blob) -> bool {
        self.expect_growth(limit, value.as_slice().len(), 1);
        let Some(index) = self.positions(pivot, End::Front, self.len).next() else {
            return false;
        };
        let place = self.locate(index).expect("the pivot was found in the list");
        self.insert_beside(place, side, limit, value);
        true
    }

    /// Removes up to `max` elements equal to `text`, beginning at one end, and says how many there were.
    pub fn remove(&mut self, text: &[u8], from: End, limit: Limit, max: usize) -> usize {
        let needle = Needle::new(text);
        let mut removed = 0;
        let mut emptied = Vec::new();
        let mut next = match from {
            End::Front => Some(self.chunks.start()),
            End::Back => self.chunks.last_place(),
        };
        while let Some(place) = next
            && let Some(chunk) = self.chunks.get(place)
            && removed < max
        {
            let mut found = chunk.find(&needle, from, max - removed);
            if from == End::Back {
                found.reverse();
            }
            if self.remove_ranges(place, &found) {
                emptied.push(place);
            }
            removed += found.len();
            next = match from {
                End::Front => Some(self.chunks.after(place)),
                End::Back => self.chunks.before(place),
            };
        }
        if removed > 0 {
            self.drop_empty_chunks(&emptied);
            self.settle(limit);
        }
        removed
    }

    /// Keeps only the elements at `kept`, which must exist.
    pub fn trim(&mut self, kept: Range<usize>, limit: Limit) {
        assert!(
            kept.start <= kept.end && kept.end <= self.len,
            "a range lies within its list"
        );
        self.discard(End::Back, limit, self.len - kept.end);
        self.discard(End::Front, limit, kept.start);
    }

    /// Adds `value` beside the element at `place`, given as its chunk and its number in there: in the same chunk or, if
    /// that is full, in a neighbour, or in a new chunk, splitting the old one.
    fn insert_beside(&mut self, place: (usize, usize), side: Side, limit: Limit, value: Blob) {
        let (number, inside) = place;
        let text = value.as_slice();
        let before = inside + usize::from(side == Side::After);
        self.len += 1;
        if self.compact || limit.admits(&self.chunks[number], text.len()) {
            let at = self.chunks[number].offset_of(before);
            return packed_mut(&mut self.chunks[number]).insert(at, &Entry::new(text));
        }
        let (gap, split) = self.open_gap(number, before);
        if limit.is_large(text.len()) {
            return self.chunks.insert(self.chunks.place_of(gap), single(value));
        }
        let entry = Entry::new(text);
        match side {
            Side::After if split || self.admits_at(gap, limit, text) => {
                packed_mut(&mut self.chunks[gap]).push(End::Front, &entry);
            }
            Side::Before if split || gap > 0 && self.admits_at(gap - 1, limit, text) => {
                packed_mut(&mut self.chunks[gap - 1]).push(End::Back, &entry);
            }
            _ => {
                let chunk = Arc::new(Chunk::Packed(Packed::of(&entry)));
                self.chunks.insert(self.chunks.place_of(gap), chunk);
            }
        }
        if split {
            self.merge_around(if side == Side::After { gap - 1 } else { gap }, limit);
        }
    }

    /// Makes sure that a chunk begins where element `before` of chunk `number` is. Gives the number of that chunk, and
    /// whether the old one was split for it.
    fn open_gap(&mut self, number: usize, before: usize) -> (usize, bool) {
        if before == 0 {
            return (number, false);
        }
        let split = before < self.chunks[number].count();
        if split {
            self.split(number, before);
        }
        (number + 1, split)
    }

    fn admits_at(&self, number: usize, limit: Limit, text: &[u8]) -> bool {
        number < self.chunks.len() && limit.admits(&self.chunks[number], text.len())
    }

    /// Makes two of a packed chunk: its first `count` elements stay.
    fn split(&mut self, number: usize, count: usize) {
        let at = self.chunks[number].offset_of(count);
        let tail = packed_mut(&mut self.chunks[number]).split_off(at, count);
        let behind = self.chunks.place_of(number + 1);
        self.chunks.insert(behind, Arc::new(Chunk::Packed(tail)));
    }

    /// Joins what a split has left small with its neighbours, two on either side of chunk `center`.
    fn merge_around(&mut self, mut center: usize, limit: Limit) {
        if center >= 2 && self.try_merge(center - 2, limit) {
            center -= 1;
        }
        self.try_merge(center + 1, limit);
        if center >= 1 && self.try_merge(center - 1, limit) {
            center -= 1;
        }
        self.try_merge(center, limit);
    }

    /// Moves the elements of the chunk after `left` into it, if there is one and they fit.
    fn try_merge(&mut self, left: usize, limit: Limit) -> bool {
        let fits = left + 1 < self.chunks.len()
            && limit.admits_merge(&self.chunks[left], &self.chunks[left + 1]);
        if fits {
            let right = self.chunks.place_of(left + 1);
            let right = self.chunks.remove(right).expect("there is one more");
            if let Chunk::Packed(right) = &*right {
                packed_mut(&mut self.chunks[left]).append(right);
            }
        }
        fits
    }

    /// Removes elements of one chunk; true if none is left in it, so that it has to go.
    fn remove_ranges(&mut self, place: Place, ranges: &[Range<usize>]) -> bool {
        if ranges.is_empty() {
            return false;
        }
        self.len -= ranges.len();
        let chunk = &mut self.chunks[place];
        let is_emptied = ranges.len() == chunk.count();
        if is_emptied {
            *chunk = Arc::new(Chunk::Packed(Packed::default()));
        } else {
            packed_mut(chunk).remove(ranges);
        }
        is_emptied
    }

    /// Takes out the chunks at `places`, which are all that went empty: one by one where they are few, so that a long list is not gone
    /// through for them.
    fn drop_empty_chunks(&mut self, places: &[Place]) {
        if places.len() > 1 + self.chunks.len() / BUNDLE_CHUNKS {
            return self.chunks.retain(|chunk| chunk.count() > 0);
        }
        let numbers = places.iter().map(|place| self.chunks.number_of(*place));
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        for number in numbers.into_iter().rev() {
            self.chunks.remove(self.chunks.place_of(number));
        }
    }
}

fn single(value: Blob) -> Arc<Chunk> {
    Arc::new(Chunk::Single(Box::new(value.to_bytes())))
}
