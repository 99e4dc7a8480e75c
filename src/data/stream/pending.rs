//! Pending entries: delivered to a consumer and not yet acknowledged.
//!
//! They live in pages of a slab; a slot keeps its place as long as it is in use, so that indexes can name it in four
//! bytes. Pages are given back only when no slot is in use: a group that catches up costs nothing.

use super::id::Id;

/// Names a consumer within its group.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConsumerSlot(pub(super) u32);

/// An entry that a consumer was given and has not acknowledged.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The entry.
    pub id: Id,
    /// When it was last delivered.
    pub delivery_time_ms: u64,
    /// How often it was delivered.
    pub delivery_count: u64,
    /// Whose it is.
    pub consumer: ConsumerSlot,
}

/// Slots in a page: as many as make a page an allocator's size class.
const PAGE_SLOTS: usize = 256;
/// No slot.
const NIL: u32 = u32::MAX;

/// A slab of pending entries. The free slots are chained through `delivery_count`.
#[derive(Clone, Debug)]
pub(super) struct PendingSlab {
    pages: Vec<Vec<Pending>>,
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
        let pages = self.pages.len();
        if self
            .pages
            .last()
            .is_none_or(|page| page.len() == PAGE_SLOTS)
        {
            // A first page grows as it needs to: most groups are small.
            self.pages.push(if pages == 0 {
                Vec::new()
            } else {
                Vec::with_capacity(PAGE_SLOTS)
            });
        }
        let page = self.pages.last_mut().expect("just made sure of");
        page.push(pending);
        let slot = (self.pages.len() - 1) * PAGE_SLOTS + self.pages[self.pages.len() - 1].len() - 1;
        assert!(
            slot < NIL as usize,
            "a group holds at most 2^32 - 1 pending entries"
        );
        slot as u32
    }

    /// Frees a slot in use.
    #[inline]
    pub fn remove(&mut self, slot: u32) {
        self.used -= 1;
        if self.used == 0 {
            self.pages.truncate(1);
            self.pages[0].clear();
            self.free = NIL;
            return;
        }
        let next = self.free;
        self.get_mut(slot).delivery_count = u64::from(next);
        self.free = slot;
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &Pending {
        &self.pages[slot as usize / PAGE_SLOTS][slot as usize % PAGE_SLOTS]
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut Pending {
        &mut self.pages[slot as usize / PAGE_SLOTS][slot as usize % PAGE_SLOTS]
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        let slots: usize = self.pages.iter().map(Vec::capacity).sum();
        slots * size_of::<Pending>() + self.pages.capacity() * size_of::<Vec<Pending>>()
    }
}
