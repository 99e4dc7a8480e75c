//! Consumer groups: how far each has read, who its consumers are, and what they have not acknowledged.
//!
//! A pending entry stands once in the group's slab and is found by id through two indexes, the group's and its
//! consumer's. Both hold exactly the slots in use, and every pending entry belongs to one living consumer.

use std::collections::BTreeMap;

use slab::Slab;

use super::id::Id;
use super::index::Index;
use super::log::Log;
use super::pending::{ConsumerSlot, Pending, PendingSlab};
use super::range::EntryRef;

/// The groups of a stream by name.
pub type Groups = BTreeMap<Box<[u8]>, Group>;

/// A consumer group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The last entry delivered to any consumer.
    pub last_id: Id,
    /// How many entries the stream had ever had up to `last_id`, where that is known.
    pub entries_read: Option<u64>,
    slab: PendingSlab,
    pending: Index,
    consumers: Slab<Consumer>,
    /// Consumers in the order of their names.
    consumer_order: Vec<ConsumerSlot>,
}

/// A member of a group.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its name within the group.
    pub name: Box<[u8]>,
    /// When it last tried to read or claim.
    pub seen_time_ms: u64,
    /// When it last got an entry, if ever.
    pub active_time_ms: Option<u64>,
    pending: Index,
}

/// How a consumer reads what is new to its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Who reads.
    pub consumer: ConsumerSlot,
    /// When.
    pub now_ms: u64,
    /// At most so many entries.
    pub limit: u64,
    /// Whether the entries become pending, to be acknowledged.
    pub pending: bool,
}

impl Consumer {
    /// How many entries it has not acknowledged.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }
}

impl Group {
    /// A group that has read up to `last_id`.
    pub fn new(last_id: Id, entries_read: Option<u64>) -> Group {
        Group {
            last_id,
            entries_read,
            ..Group::default()
        }
    }

    /// The consumer of this name.
    pub fn find_consumer(&self, name: &[u8]) -> Option<ConsumerSlot> {
        self.consumer_position(name)
            .ok()
            .map(|at| self.consumer_order[at])
    }

    /// Adds a consumer whose name the group does not have yet.
    pub fn add_consumer(&mut self, name: &[u8], now_ms: u64) -> ConsumerSlot {
        let at = self.consumer_position(name).expect_err("the name is new");
        let slot = self.consumers.insert(Consumer {
            name: name.into(),
            seen_time_ms: now_ms,
            active_time_ms: None,
            pending: Index::default(),
        });
        let slot = ConsumerSlot(u32::try_from(slot).expect("fewer consumers than 2^32"));
        self.consumer_order.insert(at, slot);
        slot
    }

    /// Removes a consumer and all its pending entries; says how many those were.
    pub fn remove_consumer(&mut self, slot: ConsumerSlot) -> usize {
        let consumer = self.consumers.remove(slot.0 as usize);
        self.consumer_order.retain(|&other| other != slot);
        let slab = &mut self.slab;
        for pending in consumer.pending.iter() {
            let id = slab.get(pending).id;
            self.pending.remove(&id, |slot| slab.get(slot).id);
            slab.remove(pending);
        }
        consumer.pending.len()
    }

    /// A consumer of this group.
    pub fn consumer(&self, slot: ConsumerSlot) -> &Consumer {
        &self.consumers[slot.0 as usize]
    }

    /// A consumer of this group, to note what it does.
    pub fn consumer_mut(&mut self, slot: ConsumerSlot) -> &mut Consumer {
        &mut self.consumers[slot.0 as usize]
    }

    /// The consumers in the order of their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = (ConsumerSlot, &Consumer)> {
        self.consumer_order
            .iter()
            .map(|&slot| (slot, self.consumer(slot)))
    }

    fn consumer_position(&self, name: &[u8]) -> Result<usize, usize> {
        self.consumer_order
            .binary_search_by(|&slot| (*self.consumer(slot).name).cmp(name))
    }

    /// How many entries are pending in the whole group.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The least and the greatest id that is pending.
    pub fn pending_bounds(&self) -> Option<(Id, Id)> {
        Some((
            self.slab.get(self.pending.first()?).id,
            self.slab.get(self.pending.last()?).id,
        ))
    }

    /// The pending entry `id`.
    pub fn pending(&self, id: Id) -> Option<&Pending> {
        self.find(id).map(|slot| self.slab.get(slot))
    }

    /// The pending entry `id`, to note a delivery. Its id and consumer change by other ways only.
    pub fn pending_mut(&mut self, id: Id) -> Option<&mut Pending> {
        self.find(id).map(|slot| self.slab.get_mut(slot))
    }

    /// Pending entries of the group from `start` on, in id order.
    pub fn pending_from(&self, start: Id) -> impl Iterator<Item = &Pending> {
        self.pending
            .iter_from(start, |slot| self.slab.get(slot).id)
            .map(|slot| self.slab.get(slot))
    }

    /// Pending entries of one consumer from `start` on, in id order.
    pub fn consumer_pending_from(
        &self,
        consumer: ConsumerSlot,
        start: Id,
    ) -> impl Iterator<Item = &Pending> {
        let index = &self.consumer(consumer).pending;
        index
            .iter_from(start, |slot| self.slab.get(slot).id)
            .map(|slot| self.slab.get(slot))
    }

    /// Delivers entries that are new to the group, each of which goes to `each`.
    pub fn read<'a>(&mut self, log: &'a Log, reading: Reading, mut each: impl FnMut(EntryRef<'a>)) {
        let Reading {
            consumer,
            now_ms,
            limit,
            pending,
        } = reading;
        let Some(start) = self.last_id.next() else {
            return;
        };
        for entry in log.range(start, Id::MAX).take(limit as usize) {
            let id = entry.id;
            self.entries_read = log.entries_read_after(self.entries_read, self.last_id, id);
            self.last_id = id;
            if pending {
                self.deliver(Pending {
                    id,
                    delivery_time_ms: now_ms,
                    delivery_count: 1,
                    consumer,
                });
            }
            each(entry);
        }
    }

    /// Makes an entry pending, or takes it from whoever it is pending for.
    pub fn deliver(&mut self, pending: Pending) {
        let id = pending.id;
        if self
            .pending
            .last()
            .is_none_or(|last| self.slab.get(last).id < id)
        {
            let consumer = pending.consumer;
            let slot = self.slab.insert(pending);
            self.pending.push_last(slot);
            return self.own(slot, consumer);
        }
        match self.find(id) {
            Some(slot) => {
                self.transfer(slot, pending.consumer);
                *self.slab.get_mut(slot) = pending;
            }
            None => {
                let consumer = pending.consumer;
                let slot = self.slab.insert(pending);
                self.pending.insert(slot, |slot| self.slab.get(slot).id);
                self.own(slot, consumer);
            }
        }
    }

    /// Settles a pending entry. Says whether it was pending.
    pub fn ack(&mut self, id: Id) -> bool {
        let slab = &mut self.slab;
        let Some(slot) = self.pending.remove(&id, |slot| slab.get(slot).id) else {
            return false;
        };
        let owner = slab.get(slot).consumer.0 as usize;
        let removed = self.consumers[owner]
            .pending
            .remove(&id, |slot| slab.get(slot).id);
        assert_eq!(
            removed,
            Some(slot),
            "a pending entry stands with its consumer"
        );
        slab.remove(slot);
        true
    }

    /// Moves a pending entry to the index of another consumer.
    fn transfer(&mut self, slot: u32, to: ConsumerSlot) {
        let Pending {
            id, consumer: from, ..
        } = *self.slab.get(slot);
        if from != to {
            let slab = &self.slab;
            self.consumers[from.0 as usize]
                .pending
                .remove(&id, |slot| slab.get(slot).id);
            self.own(slot, to);
        }
    }

    /// Lists a pending entry under its consumer.
    fn own(&mut self, slot: u32, consumer: ConsumerSlot) {
        let slab = &self.slab;
        self.consumers[consumer.0 as usize]
            .pending
            .insert(slot, |slot| slab.get(slot).id);
    }

    fn find(&self, id: Id) -> Option<u32> {
        self.pending.find(&id, |slot| self.slab.get(slot).id)
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        let consumers = self
            .consumers
            .iter()
            .map(|(_, consumer)| consumer.name.len() + consumer.pending.heap_bytes());
        self.slab.heap_bytes()
            + self.pending.heap_bytes()
            + consumers.sum::<usize>()
            + self.consumers.capacity() * size_of::<Consumer>()
            + self.consumer_order.capacity() * size_of::<ConsumerSlot>()
    }
}
