//! A map from bytes to bytes, of any size: what large hashes, sets and sorted sets stand on.
//!
//! ```text
//! bundles   Owned [page|page|..]    Shared ->[page|page|..]    Owned [page|page]
//!             256 pages               frozen, and not            the last one grows
//!                                     written to since
//! ```
//!
//! A record's page follows from its key's hash, by linear hashing: with between 2^n and 2^(n+1) pages, the low n bits name a page,
//! or n+1 bits where that page has been split already. So the table grows and shrinks by one page at a time, split in two or
//! joined to its sibling, and no insertion waits for a rehash of everything. A page (`page.rs`) packs some 8 to 20 records.
//!
//! Pages share their bytes by `Arc`, and stand in bundles that are shared as a whole. To freeze the table is to share its bundles: a step for some
//! thousands of records. Who then writes copies one bundle's handles on its pages, and one page.
//!
//! A scan goes through the keys in the order of their hashes read from the low bit up. A page holds one stretch of that order, and its
//! two halves hold the halves of the stretch; so a cursor, the place in that order behind what was seen, means the same
//! however the table grows or shrinks, and every record that is there all the time is seen exactly once. Cursors are as small as the table.
//!
//! The hash's seed is the process's. What must hold: `len` is the sum of the pages' counts, none of which exceeds `fullest`; all bundles but the last
//! one are full; there is a page as soon as there was a record.

mod page;

use super::shareable::Shareable;
use crate::base::{Blob, Rng};
use ahash::RandomState;
use page::Page;
use std::fmt;
use std::sync::LazyLock;

/// Pages that are frozen, and whose handles are copied for a writer, together.
const BUNDLE_PAGES: usize = 256;
/// More records a page than this, on average, and one is split.
const GROW_ABOVE: usize = 10;
/// Fewer records a page than this, on average, and two are joined.
const SHRINK_BELOW: usize = 4;
/// Freeing more pages than this stalls the event loop noticeably.
const COSTLY_PAGES: usize = 256;

static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// See the file's head.
#[derive(Debug, Default)]
pub struct Table {
    bundles: Vec<Shareable<Vec<Page>>>,
    pages: usize,
    len: usize,
    /// Heap bytes of all pages.
    page_bytes: usize,
    /// The most records that a page has had since there was but one.
    fullest: usize,
}

/// Where a walk over a table goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    page: usize,
    within: usize,
}

/// Where a short value stands in a table that has not changed since, so that another of its length can be written there.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    page: usize,
    end: usize,
}

impl Table {
    /// An empty table; takes no memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without records.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a key.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.get_blob(key).map(|value| value.as_slice())
    }

    /// The value of a key, shared if it is large.
    #[inline]
    pub fn get_blob(&self, key: &[u8]) -> Option<Blob<'_>> {
        self.find(key).map(|(_, record)| record.value)
    }

    /// The value of a key, and where it stands. For tables whose values are short.
    #[inline]
    pub fn spot(&self, key: &[u8]) -> Option<(Spot, &[u8])> {
        let (page, record) = self.find(key)?;
        let end = record.end();
        Some((Spot { page, end }, record.value.as_slice()))
    }

    /// Puts another value in the place of the one at a spot.
    #[inline]
    pub fn overwrite(&mut self, spot: Spot, value: &[u8]) {
        self.page_mut(spot.page).overwrite(spot.end, value);
    }

    #[inline]
    fn find(&self, key: &[u8]) -> Option<(usize, page::Record<'_>)> {
        if self.len == 0 {
            return None;
        }
        let hash = HASHER.hash_one(key);
        let number = self.locate(hash).0;
        Some((number, self.page(number).find(tag(hash), key)?))
    }

    /// Whether the key is there.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.get_blob(key).is_some()
    }

    /// Sets the value of a key; true if the key is new. In place where the value is as long as the one before.
    pub fn insert<'a>(&mut self, key: impl Into<Blob<'a>>, value: impl Into<Blob<'a>>) -> bool {
        let (key, value) = (key.into(), value.into());
        if self.pages == 0 {
            self.push_page(Page::default());
        }
        let hash = HASHER.hash_one(key.as_slice());
        let is_new = self.change(self.locate(hash).0, |page| {
            page.insert(tag(hash), key, value)
        });
        if is_new {
            self.len += 1;
            if self.len > self.pages * GROW_ABOVE {
                self.split();
            }
        }
        is_new
    }

    /// Removes a key; true if it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        if self.len == 0 {
            return false;
        }
        let hash = HASHER.hash_one(key);
        let number = self.locate(hash).0;
        if self.page(number).find(tag(hash), key).is_none() {
            return false;
        }
        self.change(number, |page| page.remove(tag(hash), key));
        self.len -= 1;
        if self.len < self.pages * SHRINK_BELOW && self.pages > 1 {
            self.join();
        }
        true
    }

    /// All records, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.records()
            .map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// All records in the same order, large texts to be shared.
    pub fn records(&self) -> Records<'_> {
        Records {
            table: self,
            page: 0,
            within: None,
        }
    }

    /// Gives records to `each`, from `place` on and in the order of `iter`, until it returns false or none is left; moves `place` behind them. True in
    /// the latter case. For a table that does not change meanwhile.
    pub fn read_while<'a>(
        &'a self,
        place: &mut Place,
        mut each: impl FnMut(Blob<'a>, Blob<'a>) -> bool,
    ) -> bool {
        while place.page < self.pages {
            for record in self.page(place.page).records().skip(place.within) {
                place.within += 1;
                if !each(record.key, record.value) {
                    return false;
                }
            }
            *place = Place {
                page: place.page + 1,
                within: 0,
            };
        }
        true
    }

    /// Gives whole pages of records to `each` until there were `count` or none is left; gives the cursor to go on from, 0 in the end.
    /// See the file's head for what a scan promises.
    pub fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut each: impl FnMut(&'a [u8], &'a [u8]),
    ) -> u64 {
        let mut from = cursor.reverse_bits();
        let mut seen = 0;
        if self.len == 0 {
            return 0;
        }
        loop {
            let (number, depth) = self.locate(from.reverse_bits());
            let stretch = u64::MAX.checked_shr(depth).unwrap_or(0);
            let whole = from & stretch == 0;
            for record in self.page(number).records() {
                let (key, value) = record.slices();
                // Of two pages that were joined since, one may have been seen.
                if whole || HASHER.hash_one(key).reverse_bits() >= from {
                    each(key, value);
                    seen += 1;
                }
            }
            from = (from | stretch).wrapping_add(1);
            if from == 0 || seen >= count {
                return from.reverse_bits();
            }
        }
    }

    /// A record, each as likely as any other.
    pub fn random(&self, rng: &mut Rng) -> Option<(&[u8], &[u8])> {
        if self.len == 0 {
            return None;
        }
        // A page is taken as often as it has records, out of as many times as the fullest one has.
        loop {
            let page = self.page(rng.below(self.pages));
            if let Some(record) = page.records().nth(rng.below(self.fullest)) {
                return Some(record.slices());
            }
        }
    }

    /// A copy that later writes to either do not change. Costs a step for some thousands of records.
    pub fn freeze(&mut self) -> Self {
        Table {
            bundles: self.bundles.iter_mut().map(Shareable::freeze).collect(),
            ..*self
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let last = self.bundles.last().map_or(0, |bundle| bundle.capacity());
        let full = self.bundles.len().saturating_sub(1) * BUNDLE_PAGES;
        self.page_bytes
            + (full + last) * size_of::<Page>()
            + self.bundles.capacity() * size_of::<Shareable<Vec<Page>>>()
    }

    /// Whether it takes no more than `bytes`.
    pub fn is_quick_to_encode(&self, bytes: usize) -> bool {
        self.heap_bytes() <= bytes
    }

    /// True when freeing it would stall the event loop.
    pub fn is_costly_to_free(&self) -> bool {
        self.pages > COSTLY_PAGES
    }

    /// The number of the page where a hash belongs, and how many of its low bits say so.
    #[inline]
    fn locate(&self, hash: u64) -> (usize, u32) {
        let level = self.pages.ilog2();
        let low = hash as usize & ((1 << level) - 1);
        if low >= self.pages - (1 << level) {
            return (low, level);
        }
        (hash as usize & ((2 << level) - 1), level + 1)
    }

    #[inline]
    fn page(&self, number: usize) -> &Page {
        &self.bundles[number / BUNDLE_PAGES][number % BUNDLE_PAGES]
    }

    #[inline]
    fn page_mut(&mut self, number: usize) -> &mut Page {
        &mut self.bundles[number / BUNDLE_PAGES].to_mut()[number % BUNDLE_PAGES]
    }

    /// Changes a page and keeps count of the memory.
    #[inline]
    fn change<T>(&mut self, number: usize, change: impl FnOnce(&mut Page) -> T) -> T {
        let page = self.page_mut(number);
        let before = page.heap_bytes();
        let outcome = change(page);
        let (after, len) = (page.heap_bytes(), page.len());
        self.page_bytes = self.page_bytes + after - before;
        self.fullest = self.fullest.max(len);
        outcome
    }

    /// Splits the next page in turn: the records with a further bit set in their hashes go to a new one.
    fn split(&mut self) {
        let level = self.pages.ilog2();
        let moved = self.change(self.pages - (1 << level), |page| {
            page.split_off(|key| HASHER.hash_one(key) >> level & 1 == 1)
        });
        self.page_bytes += moved.heap_bytes();
        self.push_page(moved);
    }

    /// Undoes the latest split.
    fn join(&mut self) {
        let bundle = self
            .bundles
            .last_mut()
            .expect("there is more than one page")
            .to_mut();
        let last = bundle.pop().expect("no bundle is empty");
        if bundle.is_empty() {
            self.bundles.pop();
        }
        self.pages -= 1;
        self.page_bytes -= last.heap_bytes();
        let level = self.pages.ilog2();
        let sibling = self.pages - (1 << level);
        self.change(sibling, |page| page.append(&last));
        if self.pages == 1 {
            self.fullest = self.len;
        }
    }

    fn push_page(&mut self, page: Page) {
        if self.pages.is_multiple_of(BUNDLE_PAGES) {
            // A table's first bundle grows as it needs to: most tables are small.
            let room = if self.pages == 0 { 1 } else { BUNDLE_PAGES };
            self.bundles
                .push(Shareable::Owned(Vec::with_capacity(room)));
        }
        let bundle = self.bundles.last_mut().expect("there is one by now");
        bundle.to_mut().push(page);
        self.pages += 1;
    }
}

/// The records of a table.
#[derive(Clone)]
pub struct Records<'a> {
    table: &'a Table,
    /// The next page.
    page: usize,
    within: Option<page::Records<'a>>,
}

impl fmt::Debug for Records<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Records from page {}", self.page)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (Blob<'a>, Blob<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.within.as_mut().and_then(Iterator::next) {
                return Some((record.key, record.value));
            }
            if self.page == self.table.pages {
                return None;
            }
            self.within = Some(self.table.page(self.page).records());
            self.page += 1;
        }
    }
}

/// What a page keeps of a hash, from bits that say nothing of the page.
#[inline]
fn tag(hash: u64) -> u8 {
    (hash >> 56) as u8
}

#[cfg(test)]
mod tests;
