//! Pairs of score and member in order: by score, and by member where scores are equal.
//!
//! ```text
//! bundles   Owned [slot|slot|..]        Shared ->[slot|slot|..]      and how many pairs are in each
//! slot      first score, number of pairs, Arc -> leaf
//! leaf      up to 128 pairs, packed                                  (leaf.rs)
//! texts     long members, of which leaves have the numbers           (texts.rs)
//! ```
//!
//! A pair is found by binary searches: among the bundles, the slots of one, the pairs of a leaf. A slot's first score spares most looks
//! into leaves. A rank is summed up from the numbers beside bundles and slots: a few hundred steps for some millions of pairs, none of which
//! looks into a leaf. To freeze the whole is to share its bundles; who then writes copies one bundle's slots and one leaf.
//!
//! What must hold: no leaf and no bundle is empty; a slot's first score and number are its leaf's; the numbers add up; scores are no NaN.

mod leaf;

use super::End;
use super::texts::{MAX_SHORT_BYTES, Texts};
use crate::data::shareable::Shareable;
use leaf::{Held, Leaf, MAX_PAIRS};
use std::sync::Arc;

/// The most slots of a bundle.
const BUNDLE_SLOTS: usize = 256;
/// Freeing more leaves than this stalls the event loop noticeably.
const COSTLY_LEAVES: usize = 64;
/// An order with more pairs than this is not small.
const QUICK_PAIRS: usize = 1000;

/// See the module's description.
#[derive(Debug, Default)]
pub(super) struct Order {
    bundles: Vec<Bundle>,
    len: usize,
    texts: Texts,
}

#[derive(Debug)]
struct Bundle {
    slots: Shareable<Vec<Slot>>,
    /// Number of pairs.
    len: usize,
}

#[derive(Clone, Debug)]
struct Slot {
    first: f64,
    len: usize,
    leaf: Arc<Leaf>,
}

/// A score and its member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'a> {
    pub score: f64,
    leaf: &'a Arc<Leaf>,
    at: usize,
    texts: &'a Texts,
}

impl<'a> Pair<'a> {
    #[inline]
    pub fn member(&self) -> &'a [u8] {
        self.leaf.member(self.at, self.texts)
    }

    /// The number of the member, if it is long.
    pub fn number(&self) -> Option<u32> {
        self.leaf.held(self.at).number()
    }

    /// Whether it comes before these.
    #[inline]
    fn is_before(&self, score: f64, member: &[u8]) -> bool {
        self.score < score || (self.score == score && self.member() < member)
    }
}

/// Where a pair stands, or would: in which bundle, slot and place of its leaf. The place may be the one behind the leaf's last.
#[derive(Clone, Copy, Debug)]
struct Place {
    bundle: usize,
    slot: usize,
    within: usize,
}

impl Place {
    /// That of the first pair.
    const START: Place = Place {
        bundle: 0,
        slot: 0,
        within: 0,
    };

    /// The place behind, in the same leaf.
    fn behind(self) -> Self {
        Place {
            within: self.within + 1,
            ..self
        }
    }
}

impl Slot {
    fn new(leaf: Leaf) -> Self {
        Slot {
            first: leaf.score(0),
            len: leaf.len(),
            leaf: Arc::new(leaf),
        }
    }

    #[inline]
    fn head<'a>(&'a self, texts: &'a Texts) -> Pair<'a> {
        Pair {
            score: self.first,
            leaf: &self.leaf,
            at: 0,
            texts,
        }
    }

    #[inline]
    fn pair<'a>(&'a self, at: usize, texts: &'a Texts) -> Pair<'a> {
        Pair {
            score: self.leaf.score(at),
            leaf: &self.leaf,
            at,
            texts,
        }
    }

    /// Changes the leaf, which is not empty afterwards.
    fn change<T>(&mut self, change: impl FnOnce(&mut Leaf) -> T) -> T {
        let leaf = Arc::make_mut(&mut self.leaf);
        let outcome = change(leaf);
        (self.first, self.len) = (leaf.score(0), leaf.len());
        outcome
    }

    /// The number of pairs in the front for which `is_before` is true.
    fn partition_point(&self, texts: &Texts, is_before: impl Fn(Pair<'_>) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = usize::midpoint(low, high);
            match is_before(self.pair(middle, texts)) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}

impl Order {
    pub fn len(&self) -> usize {
        self.len
    }

    /// The long members.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The number of pairs in the front for which `is_before` is true, as it is for none behind them.
    pub fn rank_of(&self, is_before: impl Fn(Pair<'_>) -> bool) -> usize {
        self.number_of(self.partition_point(is_before))
    }

    /// The rank of a pair that is there.
    pub fn rank(&self, score: f64, member: &[u8]) -> usize {
        self.number_of(self.place_for(score, member))
    }

    /// Adds a pair that is not there; gives the member's number if it is long.
    pub fn insert(&mut self, score: f64, member: &[u8]) -> Option<u32> {
        let place = self.place_for(score, member);
        self.hold_at(place, score, member)
    }

    /// Adds a pair behind all others; gives the member's number if it is long.
    pub fn push_back(&mut self, score: f64, member: &[u8]) -> Option<u32> {
        let last = self.last_place();
        let place = last.map_or(Place::START, Place::behind);
        self.hold_at(place, score, member)
    }

    fn hold_at(&mut self, place: Place, score: f64, member: &[u8]) -> Option<u32> {
        let held = match member.len() {
            ..=MAX_SHORT_BYTES => Held::Short(member),
            _ => Held::Long(self.texts.add(member)),
        };
        self.insert_at(place, score, held);
        held.number()
    }

    /// Removes a pair that is there; gives the number that its member had.
    pub fn remove(&mut self, score: f64, member: &[u8]) -> Option<u32> {
        let place = self.place_of_pair(score, member);
        let number = self.pair(place).number();
        self.forget(place, 1);
        self.remove_run(place, 1);
        number
    }

    /// Gives another score to a pair that is there: in place, where its neighbours in the leaf allow it. Gives its member's number if it is long.
    pub fn rescore(&mut self, member: &[u8], old: f64, new: f64) -> Option<u32> {
        let place = self.place_of_pair(old, member);
        let number = self.pair(place).number();
        let slot = &self.bundles[place.bundle].slots[place.slot];
        let at = place.within;
        let is_before = |at| slot.pair(at, &self.texts).is_before(new, member);
        let stays = at > 0 && at + 1 < slot.len && is_before(at - 1) && !is_before(at + 1);
        if stays {
            let slots = self.bundles[place.bundle].slots.to_mut();
            slots[place.slot].change(|leaf| leaf.rescore(at, new));
            return number;
        }
        self.remove_run(place, 1);
        let place = self.place_for(new, member);
        self.insert_at(place, new, number.map_or(Held::Short(member), Held::Long));
        number
    }

    /// Removes the `count` pairs from rank `start` on, which there are.
    pub fn remove_range(&mut self, start: usize, count: usize) {
        let mut left = count;
        while left > 0 {
            let place = self.place_of(start).expect("the pairs are there");
            self.forget(place, left);
            left -= self.remove_run(place, left);
        }
    }

    /// The `count` pairs from rank `start` on, which there are, beginning with the one at the `from` end.
    pub fn range(&self, start: usize, count: usize, from: End) -> Pairs<'_> {
        let first = match from {
            End::Lowest => start,
            End::Highest => (start + count).saturating_sub(1),
        };
        let place = self.place_of(first).filter(|_| count > 0);
        let mut pairs = Pairs {
            order: self,
            slot: None,
            place: place.unwrap_or(Place::START),
            left: count,
            from,
        };
        if let Some(place) = place {
            pairs.slot = self.slot(place);
        }
        pairs
    }

    /// A copy that later writes do not change. Costs a step for some ten thousands of pairs.
    pub fn freeze(&mut self) -> Self {
        let freeze = |bundle: &mut Bundle| Bundle {
            slots: bundle.slots.freeze(),
            len: bundle.len,
        };
        Order {
            bundles: self.bundles.iter_mut().map(freeze).collect(),
            len: self.len,
            texts: self.texts.freeze(),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        /// The strong and the weak count in front of what an `Arc` holds.
        const ARC_BYTES: usize = 2 * size_of::<usize>();
        let leaf = |slot: &Slot| ARC_BYTES + size_of::<Leaf>() + slot.leaf.heap_bytes();
        let bundle = |bundle: &Bundle| {
            bundle.slots.capacity() * size_of::<Slot>()
                + bundle.slots.iter().map(leaf).sum::<usize>()
        };
        let bundles: usize = self.bundles.iter().map(bundle).sum();
        bundles + self.bundles.capacity() * size_of::<Bundle>() + self.texts.heap_bytes()
    }

    pub fn is_quick_to_encode(&self, max_bytes: usize) -> bool {
        self.len <= QUICK_PAIRS && self.heap_bytes() <= max_bytes
    }

    pub fn is_costly_to_free(&self) -> bool {
        self.bundles.len() > 1
            || self
                .bundles
                .first()
                .is_some_and(|bundle| bundle.slots.len() > COSTLY_LEAVES)
    }

    fn slot(&self, place: Place) -> Option<&Slot> {
        self.bundles.get(place.bundle)?.slots.get(place.slot)
    }

    /// The place of the first pair for which `is_before` is false. Behind the last pair of a leaf rather than before the first of the next.
    fn partition_point(&self, is_before: impl Fn(Pair<'_>) -> bool) -> Place {
        let mut place = self.slot_for(&is_before);
        if let Some(slot) = self.slot(place) {
            place.within = slot.partition_point(&self.texts, is_before);
        }
        place
    }

    /// The start of the slot in which that place is.
    fn slot_for(&self, is_before: impl Fn(Pair<'_>) -> bool) -> Place {
        let starts_before = |bundle: &Bundle| is_before(bundle.slots[0].head(&self.texts));
        let bundle = self
            .bundles
            .partition_point(starts_before)
            .saturating_sub(1);
        let slots = self
            .bundles
            .get(bundle)
            .map_or(&[][..], |bundle| &bundle.slots);
        let slot = slots
            .partition_point(|slot| is_before(slot.head(&self.texts)))
            .saturating_sub(1);
        Place {
            bundle,
            slot,
            within: 0,
        }
    }

    /// The place where a pair stands, or would. Behind the last pair of a leaf rather than before the first of the next. The ends are tried
    /// first: where scores are times, what is new or moves comes last, and what moves was first.
    fn place_for(&self, score: f64, member: &[u8]) -> Place {
        let is_before = |pair: Pair<'_>| pair.is_before(score, member);
        let first = self.slot(Place::START);
        if first.is_none_or(|slot| !is_before(slot.head(&self.texts))) {
            return Place::START;
        }
        let last = self.last_place().filter(|last| is_before(self.pair(*last)));
        if let Some(last) = last {
            return last.behind();
        }
        let mut place = self.slot_for(is_before);
        if let Some(slot) = self.slot(place) {
            place.within = slot.leaf.place_for(score, member, &self.texts);
        }
        place
    }

    /// The place of the last pair.
    fn last_place(&self) -> Option<Place> {
        let slots = &self.bundles.last()?.slots;
        Some(Place {
            bundle: self.bundles.len() - 1,
            slot: slots.len() - 1,
            within: slots.last()?.len - 1,
        })
    }

    /// The place of a pair that is there.
    fn place_of_pair(&self, score: f64, member: &[u8]) -> Place {
        let place = self.place_for(score, member);
        self.normal(place).expect("the pair is there")
    }

    /// The pair at a place that is not behind a leaf's last.
    fn pair(&self, place: Place) -> Pair<'_> {
        self.bundles[place.bundle].slots[place.slot].pair(place.within, &self.texts)
    }

    /// Forgets the texts of long members that `remove_run` is about to remove.
    fn forget(&mut self, place: Place, count: usize) {
        let (bundle, texts) = (&self.bundles[place.bundle], &mut self.texts);
        let is_whole = is_whole(bundle, place, count);
        let slots = match is_whole {
            true => &bundle.slots[..],
            false => &bundle.slots[place.slot..=place.slot],
        };
        for slot in slots {
            let end = if is_whole {
                slot.len
            } else {
                slot.len.min(place.within + count)
            };
            let numbers = (place.within..end).filter_map(|at| slot.leaf.held(at).number());
            numbers.for_each(|number| texts.remove(number));
        }
    }

    /// How many pairs stand before a place.
    fn number_of(&self, place: Place) -> usize {
        let Some(bundle) = self.bundles.get(place.bundle) else {
            return 0;
        };
        let bundles = self.bundles[..place.bundle].iter().map(|bundle| bundle.len);
        let slots = bundle.slots[..place.slot].iter().map(|slot| slot.len);
        bundles.sum::<usize>() + slots.sum::<usize>() + place.within
    }

    /// The place of the pair of this rank.
    fn place_of(&self, rank: usize) -> Option<Place> {
        let mut left = rank;
        for (bundle, inner) in self.bundles.iter().enumerate() {
            if left >= inner.len {
                left -= inner.len;
                continue;
            }
            for (slot, inner) in inner.slots.iter().enumerate() {
                if left < inner.len {
                    return Some(Place {
                        bundle,
                        slot,
                        within: left,
                    });
                }
                left -= inner.len;
            }
        }
        None
    }

    /// The place itself, or the first of the next leaf for the one behind a leaf's last.
    fn normal(&self, place: Place) -> Option<Place> {
        if place.within < self.slot(place)?.len {
            return Some(place);
        }
        let in_bundle = place.slot + 1 < self.bundles[place.bundle].slots.len();
        let next = Place {
            bundle: place.bundle + usize::from(!in_bundle),
            slot: if in_bundle { place.slot + 1 } else { 0 },
            within: 0,
        };
        (next.bundle < self.bundles.len()).then_some(next)
    }

    fn insert_at(&mut self, place: Place, score: f64, member: Held<'_>) {
        self.len += 1;
        let Some(bundle) = self.bundles.get_mut(place.bundle) else {
            self.bundles.push(Bundle {
                slots: Shareable::Owned(vec![Slot::new(Leaf::of(score, member))]),
                len: 1,
            });
            return;
        };
        bundle.len += 1;
        let slots = bundle.slots.to_mut();
        let is_at_end = place.slot + 1 == slots.len();
        insert_into(slots, (place.slot, place.within), score, member);
        if slots.len() > BUNDLE_SLOTS {
            // What grows at its end leaves full bundles behind.
            let kept = if is_at_end {
                BUNDLE_SLOTS
            } else {
                BUNDLE_SLOTS / 2
            };
            self.split_bundle(place.bundle, kept);
        }
    }

    fn split_bundle(&mut self, at: usize, kept: usize) {
        let bundle = &mut self.bundles[at];
        let upper = bundle.slots.to_mut().split_off(kept);
        let len = upper.iter().map(|slot| slot.len).sum();
        bundle.len -= len;
        let slots = Shareable::Owned(upper);
        self.bundles.insert(at + 1, Bundle { slots, len });
    }

    /// Removes up to `count` pairs of one leaf, or a whole bundle, from a place on; gives how many.
    fn remove_run(&mut self, place: Place, count: usize) -> usize {
        let bundle = &mut self.bundles[place.bundle];
        if is_whole(bundle, place, count) {
            let removed = self.bundles.remove(place.bundle).len;
            self.len -= removed;
            return removed;
        }
        let slots = bundle.slots.to_mut();
        let slot = &mut slots[place.slot];
        let removed = count.min(slot.len - place.within);
        bundle.len -= removed;
        self.len -= removed;
        if removed == slot.len {
            slots.remove(place.slot);
        } else {
            slot.change(|leaf| leaf.remove(place.within, removed));
            join_leaves(slots, place.slot);
        }
        self.join_bundles(place.bundle);
        removed
    }

    /// Joins a bundle of few slots to the next if both fit in half a bundle.
    fn join_bundles(&mut self, at: usize) {
        let len = self.bundles[at].slots.len();
        let fits = |next: &Bundle| len + next.slots.len() <= BUNDLE_SLOTS / 2;
        if len < BUNDLE_SLOTS / 4 && self.bundles.get(at + 1).is_some_and(fits) {
            let mut next = self.bundles.remove(at + 1);
            self.bundles[at].len += next.len;
            self.bundles[at].slots.to_mut().extend(next.slots.take());
        }
    }
}

/// Whether the `count` pairs from a place of a bundle on are all of it, or more.
fn is_whole(bundle: &Bundle, place: Place, count: usize) -> bool {
    place.slot == 0 && place.within == 0 && bundle.len <= count
}

/// Puts a pair into the leaf of a slot, at a place in it; into a leaf of its own, or one that is split, where it has no room.
fn insert_into(slots: &mut Vec<Slot>, (at, within): (usize, usize), score: f64, member: Held<'_>) {
    let slot = &mut slots[at];
    if slot.len < MAX_PAIRS {
        return slot.change(|leaf| leaf.insert(within, score, member));
    }
    let len = slot.len;
    if within == 0 || within == len {
        let at = at + usize::from(within > 0);
        return slots.insert(at, Slot::new(Leaf::of(score, member)));
    }
    let upper = slot.change(|leaf| leaf.split_off(len / 2));
    slots.insert(at + 1, Slot::new(upper));
    match within.checked_sub(len / 2) {
        Some(within) if within > 0 => insert_into(slots, (at + 1, within), score, member),
        _ => insert_into(slots, (at, within), score, member),
    }
}

/// Joins a leaf of few pairs to the next if both fit in half a leaf.
fn join_leaves(slots: &mut Vec<Slot>, at: usize) {
    let Some([slot, next]) = slots.get(at..at + 2) else {
        return;
    };
    if slot.len < MAX_PAIRS / 4 && slot.len + next.len <= MAX_PAIRS / 2 {
        let next = slots.remove(at + 1);
        slots[at].change(|leaf| leaf.append(&next.leaf));
    }
}

/// Pairs in a row, in either direction.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'a> {
    order: &'a Order,
    /// The slot that the walk is in; none where there is nothing to walk over.
    slot: Option<&'a Slot>,
    /// The next pair's.
    place: Place,
    left: usize,
    from: End,
}

impl Pairs<'_> {
    /// Moves on to the neighbouring pair, which there is.
    #[inline]
    fn step(&mut self, slot: &Slot) {
        match self.from {
            End::Lowest if self.place.within + 1 < slot.len => self.place.within += 1,
            End::Highest if self.place.within > 0 => self.place.within -= 1,
            _ => self.step_over(),
        }
    }

    fn step_over(&mut self) {
        let (order, place) = (self.order, &mut self.place);
        match self.from {
            End::Lowest => {
                place.within = usize::MAX;
                *place = order.normal(*place).expect("there is another pair");
            }
            End::Highest if place.slot > 0 => place.slot -= 1,
            End::Highest => {
                place.bundle -= 1;
                place.slot = order.bundles[place.bundle].slots.len() - 1;
            }
        }
        self.slot = order.slot(*place);
        if let (End::Highest, Some(slot)) = (self.from, self.slot) {
            self.place.within = slot.len - 1;
        }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    #[inline]
    fn next(&mut self) -> Option<Pair<'a>> {
        let slot = self.slot.filter(|_| self.left > 0)?;
        let pair = slot.pair(self.place.within, &self.order.texts);
        self.left -= 1;
        if self.left > 0 {
            self.step(slot);
        }
        Some(pair)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
