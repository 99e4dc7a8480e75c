//! Pending entries: delivered to a consumer and not yet acknowledged.
//!
//! They live in pages of a slab; a slot keeps its place as long as it is in use, so that indexes can name it in four
//! bytes. Pages are given back only when no slot is in use: a group that catches up costs next to nothing. To freeze the slab is
//! to share its pages.

use std::num::NonZeroU32;

use super::id::Id;
use super::order::ClassSlot;
use crate::data::shareable::Shareable;

/// Names a consumer within its group.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConsumerSlot(NonZeroU32);

impl ConsumerSlot {
    /// The name of the consumer at a place of its group's slab.
    pub(super) fn at(place: usize) -> ConsumerSlot {
        let number = u32::try_from(place + 1).expect("fewer consumers than 2^32");
        ConsumerSlot(NonZeroU32::new(number).expect("one more than a place"))
    }

    #[inline]
    pub(super) fn place(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// A delivery: whose an entry becomes, when, and how often it has been delivered by then.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// The entry.
    pub id: Id,
    /// When it is delivered.
    pub time_ms: u64,
    /// How often it has been delivered.
    pub count: u64,
    /// Whose it is.
    pub consumer: ConsumerSlot,
}

/// An entry that a group has taken on and that is not settled: a lease on it that a consumer holds, or the wait for its next one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    /// The entry.
    pub id: Id,
    /// Of a lease: when it was delivered. Else: when it is due, 0 for at once.
    pub time_ms: u64,
    /// How often it was delivered.
    pub delivery_count: u64,
    /// Whose it is, if anybody's.
    pub consumer: Option<ConsumerSlot>,
    pub(super) class: Option<ClassSlot>,
    pub(super) standing: Standing,
}

impl Pending {
    pub(super) fn leased(id: Id, time_ms: u64, count: u64, consumer: ConsumerSlot) -> Pending {
        Pending {
            id,
            time_ms,
            delivery_count: count,
            consumer: Some(consumer),
            class: None,
            standing: Standing::Leased,
        }
    }

    /// How often it will have been delivered with one delivery more: as many as Redis can count at most.
    pub fn next_count(&self) -> u64 {
        (self.delivery_count + 1).min(MAX_DELIVERY_COUNT)
    }

    /// How long ago it was delivered. Of what is nobody's, -1 if it is due, and how long it is yet to wait below 0 if it is not.
    pub fn idle_ms(&self, now_ms: u64) -> i64 {
        match self.consumer {
            Some(_) => now_ms.saturating_sub(self.time_ms) as i64,
            None if self.time_ms <= now_ms => -1,
            None => -((self.time_ms - now_ms) as i64),
        }
    }

    /// True if it has been idle for `min_idle_ms`, so that it may be claimed; what is nobody's and due always may.
    pub fn is_idle_for(&self, min_idle_ms: u64, now_ms: u64) -> bool {
        match self.consumer {
            Some(_) => now_ms.saturating_sub(self.time_ms) >= min_idle_ms,
            None => self.time_ms <= now_ms,
        }
    }
}

/// What a pending entry waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// Its consumer, until its lease runs out: it stands among the group's leases.
    Leased,
    /// Its time: it stands among what is due.
    Due,
    /// An earlier entry of its class.
    Blocked,
    /// Somebody who sees to it: it is not served again.
    Parked,
}

const _: () = assert!(size_of::<Pending>() == 48);

/// The most deliveries that are counted: the greatest number that a reply takes.
pub const MAX_DELIVERY_COUNT: u64 = i64::MAX as u64;

/// Slots in a page.
const PAGE_SLOTS: usize = 1024;
/// The most room that a slab keeps when nothing is pending any more, in slots.
const KEPT_SLOTS: usize = 128;
/// No slot.
const NIL: u32 = u32::MAX;

/// A slab of pending entries. The free slots are chained through `delivery_count`.
#[derive(Debug)]
pub(super) struct PendingSlab {
    pages: Vec<Shareable<Vec<Pending>>>,
    free: u32,
    used: usize,
}

impl Default for PendingSlab {
    fn default() -> Self {
        PendingSlab {
            pages: Vec::new(),
            free: NIL,
            used: 0,
        }
    }
}

impl PendingSlab {
    /// A copy that later writes do not change.
    pub fn freeze(&mut self) -> PendingSlab {
        PendingSlab {
            pages: self.pages.iter_mut().map(Shareable::freeze).collect(),
            ..*self
        }
    }

    #[inline]
    pub fn insert(&mut self, pending: Pending) -> u32 {
        self.used += 1;
        if self.free != NIL {
            let slot = self.free;
            let place = self.get_mut(slot);
            let next = place.delivery_count as u32;
            *place = pending;
            self.free = next;
            return slot;
        }
        self.push(pending)
    }

    fn push(&mut self, pending: Pending) -> u32 {
        let full = |page: &Shareable<Vec<Pending>>| page.len() == PAGE_SLOTS;
        if self.pages.last().is_none_or(full) {
            // A first page grows as it needs to: most groups are small.
            let page = match self.pages.len() {
                0 => Vec::new(),
                _ => Vec::with_capacity(PAGE_SLOTS),
            };
            self.pages.push(Shareable::Owned(page));
        }
        let number = self.pages.len() - 1;
        let page = self.pages[number].to_mut();
        if page.len() == page.capacity() {
            let room = (page.len() + 1).next_power_of_two().max(4);
            page.reserve_exact(room - page.len());
        }
        let slot = number * PAGE_SLOTS + page.len();
        assert!(
            slot < NIL as usize,
            "a group holds at most 2^32 - 1 pending entries"
        );
        page.push(pending);
        slot as u32
    }

    /// Frees a slot in use.
    #[inline]
    pub fn remove(&mut self, slot: u32) {
        self.used -= 1;
        if self.used == 0 {
            self.give_back();
            return;
        }
        let next = self.free;
        self.get_mut(slot).delivery_count = u64::from(next);
        self.free = slot;
    }

    /// Keeps no more than a little room for what comes next.
    fn give_back(&mut self) {
        self.pages.truncate(1);
        self.free = NIL;
        match &mut self.pages[0] {
            Shareable::Owned(page) if page.capacity() <= KEPT_SLOTS => page.clear(),
            _ => self.pages.clear(),
        }
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &Pending {
        &self.pages[slot as usize / PAGE_SLOTS][slot as usize % PAGE_SLOTS]
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut Pending {
        &mut self.pages[slot as usize / PAGE_SLOTS].to_mut()[slot as usize % PAGE_SLOTS]
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        let slots: usize = self.pages.iter().map(|page| page.capacity()).sum();
        slots * size_of::<Pending>() + self.pages.capacity() * size_of::<Shareable<Vec<Pending>>>()
    }
}
