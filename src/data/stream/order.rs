//! Classes: entries of a group that are delivered one after another, because a field of theirs has the same value.
//!
//! ```text
//!   class "eu"   [ 5-0 leased ][ 7-0 leased ][ 9-0 blocked ]      held by one consumer, 2 leases
//!   class "us"   [ 6-0 due    ][ 8-0 blocked ]                    free: its first entry is due, or parked
//! ```
//!
//! A class exists while the group has an unsettled entry of it, and is told by a hash of the value: two values of one hash, which
//! hardly are, would wait for each other and be delivered in order all the same. What must hold: its entries stand in id order; all its leases are
//! one consumer's and come before the rest; an entry that is not leased is due or parked if it is the first and blocked otherwise.
//! The slots are those of the group's slab, which `group.rs` keeps.

use ahash::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use slab::Slab;
use smallvec::SmallVec;

/// Names a class within its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ClassSlot(u32);

/// What tells a class among those of its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ClassKey(u64);

/// The entries of one class that are not settled.
#[derive(Clone, Debug)]
pub(super) struct Class {
    key: ClassKey,
    line: Line,
    /// How many of its entries are leased.
    pub leases: usize,
    /// The one that is due.
    pub due: Option<u32>,
    /// The call that leased the last of them.
    pub call: u64,
}

/// Slots in order, of which mostly the first is taken out, and mostly there is one.
#[derive(Clone, Default, Debug)]
struct Line {
    slots: SmallVec<[u32; 4]>,
    /// How many at the front have been taken out.
    gone: usize,
}

/// The classes of a group.
#[derive(Clone, Default, Debug)]
pub(super) struct Classes {
    by_key: HashTable<u32>,
    slab: Slab<Class>,
    hasher: RandomState,
}

impl Class {
    /// The slots of its entries, at least one, in the order of their ids.
    pub fn slots(&self) -> &[u32] {
        &self.line.slots[self.line.gone..]
    }

    /// Adds the slot of an entry, behind those that `is_before` is true of.
    pub fn insert(&mut self, slot: u32, is_before: impl Fn(u32) -> bool) {
        let at = match self.slots().last() {
            Some(&last) if !is_before(last) => {
                self.slots().partition_point(|&other| is_before(other))
            }
            _ => self.slots().len(),
        };
        self.line.slots.insert(self.line.gone + at, slot);
    }

    /// Takes a slot out, which is behind those that `is_before` is true of.
    pub fn remove(&mut self, slot: u32, is_before: impl Fn(u32) -> bool) {
        let at = self.slots().partition_point(|&other| is_before(other));
        assert_eq!(self.slots().get(at), Some(&slot), "a class has its entries");
        let Line { slots, gone } = &mut self.line;
        if at > 0 {
            slots.remove(*gone + at);
            return;
        }
        *gone += 1;
        if *gone > slots.len() / 2 {
            slots.drain(..*gone);
            *gone = 0;
        }
    }
}

impl Classes {
    /// What tells the class of a value.
    pub fn key(&self, value: &[u8]) -> ClassKey {
        ClassKey(self.hasher.hash_one(value))
    }

    /// The class of this key, if it has an entry.
    pub fn find(&self, key: ClassKey) -> Option<ClassSlot> {
        let is_it = |&slot: &u32| self.slab[slot as usize].key == key;
        self.by_key.find(key.0, is_it).copied().map(ClassSlot)
    }

    /// The class of this key.
    pub fn find_or_add(&mut self, key: ClassKey) -> ClassSlot {
        let slab = &mut self.slab;
        let is_it = |&slot: &u32| slab[slot as usize].key == key;
        match self
            .by_key
            .entry(key.0, is_it, |&slot| slab[slot as usize].key.0)
        {
            Entry::Occupied(found) => ClassSlot(*found.get()),
            Entry::Vacant(place) => {
                let slot = slab.insert(Class {
                    key,
                    line: Line::default(),
                    leases: 0,
                    due: None,
                    call: 0,
                });
                let slot = u32::try_from(slot).expect("no more classes than pending entries");
                place.insert(slot);
                ClassSlot(slot)
            }
        }
    }

    pub fn class(&self, slot: ClassSlot) -> &Class {
        &self.slab[slot.0 as usize]
    }

    pub fn class_mut(&mut self, slot: ClassSlot) -> &mut Class {
        &mut self.slab[slot.0 as usize]
    }

    /// Forgets a class that has no entry left.
    pub fn forget(&mut self, slot: ClassSlot) {
        let class = self.slab.remove(slot.0 as usize);
        assert!(class.slots().is_empty(), "what is unsettled has a class");
        self.by_key
            .find_entry(class.key.0, |&other| other == slot.0)
            .expect("every class is found by its key")
            .remove();
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        let spilled = |(_, class): (usize, &Class)| match class.line.slots.spilled() {
            true => class.line.slots.capacity() * size_of::<u32>(),
            false => 0,
        };
        self.slab.iter().map(spilled).sum::<usize>()
            + self.slab.capacity() * size_of::<Class>()
            + self.by_key.allocation_size()
    }
}
