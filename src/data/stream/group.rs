//! Consumer groups: how far each has read, who its consumers are, and what they have not settled.
//!
//! A pending entry stands once in the group's slab and is found by id through the group's index. What else points at it depends on
//! what it waits for:
//!
//! ```text
//!              by id    its consumer's    by time
//!   leased       x            x           leases: when delivered, so the lease that runs out first is the first
//!   due          x                        due: when it is due
//!   blocked      x                        (its class brings it back: order.rs)
//!   parked       x                        (somebody else has to)
//! ```
//!
//! So what comes next is at the front of one of two indexes, whatever the number of entries, and a change of policy moves nothing but what is
//! parked or blocked. Every index holds exactly the slots that it should; a leased entry has a living consumer, no other has one.

mod lease;
mod ordered;

pub use lease::Sorts;
pub use ordered::Passed;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use slab::Slab;

use super::id::Id;
use super::index::Index;
use super::log::Log;
use super::order::Classes;
use super::pending::{ConsumerSlot, Delivery, Pending, PendingSlab, Standing};
use super::policy::GroupPolicy;
use super::range::EntryRef;
use crate::data::shareable::Shareable;

/// The groups of a stream by name.
pub type Groups = BTreeMap<Box<[u8]>, Group>;

/// A consumer group.
#[derive(Debug, Default)]
pub struct Group {
    /// The last entry delivered to any consumer.
    pub last_id: Id,
    /// How many entries the stream had ever had up to `last_id`, where that is known.
    pub entries_read: Option<u64>,
    /// What happened in it since it was made or loaded.
    pub totals: Totals,
    policy: GroupPolicy,
    slab: PendingSlab,
    pending: Index,
    leases: Index,
    due: Index,
    parked: usize,
    blocked: usize,
    consumers: Slab<Consumer>,
    /// Consumers in the order of their names.
    consumer_order: Vec<ConsumerSlot>,
    /// With an order only.
    classes: Shareable<Classes>,
    /// Calls that delivered entries, counted.
    calls: u64,
    /// Leases that had run out by then have been judged.
    judged_ms: u64,
    /// Something is due that has yet to be judged: it came to be so otherwise than by time.
    judges_due: bool,
    /// Entries that ceased to be pending, counted.
    settlements: u64,
}

/// What happened in a group, counted.
#[derive(Clone, Copy, Default, Debug)]
pub struct Totals {
    /// Entries delivered for the first time.
    pub delivered: u64,
    /// Entries delivered again.
    pub redelivered: u64,
    /// Entries acknowledged.
    pub acked: u64,
    /// Entries that consumers gave back.
    pub nacked: u64,
    /// Entries moved to the dead-letter stream.
    pub dead_lettered: u64,
    /// Entries that could not be moved there.
    pub dead_letter_failures: u64,
}

/// A member of a group.
#[derive(Debug)]
pub struct Consumer {
    /// Its name within the group.
    pub name: Arc<[u8]>,
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

    fn freeze(&mut self) -> Consumer {
        Consumer {
            name: self.name.clone(),
            pending: self.pending.freeze(),
            ..*self
        }
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

    /// A copy that later writes do not change. Costs a step for each consumer and for a thousand pending entries.
    pub fn freeze(&mut self) -> Group {
        let consumers = self.consumers.iter_mut();
        Group {
            policy: self.policy.clone(),
            slab: self.slab.freeze(),
            pending: self.pending.freeze(),
            leases: self.leases.freeze(),
            due: self.due.freeze(),
            consumers: consumers
                .map(|(slot, consumer)| (slot, consumer.freeze()))
                .collect(),
            consumer_order: self.consumer_order.clone(),
            classes: self.classes.freeze(),
            ..*self
        }
    }

    /// What it does by itself.
    pub fn policy(&self) -> &GroupPolicy {
        &self.policy
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
        let place = self.consumers.insert(Consumer {
            name: name.into(),
            seen_time_ms: now_ms,
            active_time_ms: None,
            pending: Index::default(),
        });
        let slot = ConsumerSlot::at(place);
        self.consumer_order.insert(at, slot);
        slot
    }

    /// Removes a consumer and all its pending entries; says how many those were.
    pub fn remove_consumer(&mut self, slot: ConsumerSlot) -> usize {
        let ids: Vec<Id> = self.ids_of(slot);
        for &id in &ids {
            self.forget(id);
        }
        self.consumers.remove(slot.place());
        self.consumer_order.retain(|&other| other != slot);
        ids.len()
    }

    /// Removes a consumer and gives its pending entries back, to be due at once; says which those were, and how often each has been
    /// delivered.
    pub fn dismiss_consumer(&mut self, slot: ConsumerSlot) -> Vec<(Id, u64)> {
        let ids = self.ids_of(slot);
        let mut released = Vec::with_capacity(ids.len());
        for id in ids {
            let count = self.pending(id).map_or(0, |pending| pending.delivery_count);
            self.release(id, 0, count);
            released.push((id, count));
        }
        self.consumers.remove(slot.place());
        self.consumer_order.retain(|&other| other != slot);
        released
    }

    fn ids_of(&self, consumer: ConsumerSlot) -> Vec<Id> {
        let pending = self.consumer_pending_from(consumer, Id::MIN);
        pending.map(|pending| pending.id).collect()
    }

    /// A consumer of this group.
    pub fn consumer(&self, slot: ConsumerSlot) -> &Consumer {
        &self.consumers[slot.place()]
    }

    /// A consumer of this group, to note what it does.
    pub fn consumer_mut(&mut self, slot: ConsumerSlot) -> &mut Consumer {
        &mut self.consumers[slot.place()]
    }

    /// The name of whom a pending entry is leased to; empty for nobody.
    pub fn owner_name(&self, pending: &Pending) -> &[u8] {
        match pending.consumer {
            Some(slot) => &self.consumer(slot).name,
            None => b"",
        }
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

    /// How many entries have ceased to be pending.
    pub(super) fn settlements(&self) -> u64 {
        self.settlements
    }

    /// How many entries are pending in the whole group.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// How many of them are nobody's. A step for each consumer.
    pub fn unowned_len(&self) -> usize {
        let consumers = self.consumers.iter();
        let owned: usize = consumers.map(|(_, consumer)| consumer.pending_len()).sum();
        self.pending_len() - owned
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

    /// Delivers entries that are new to the group, each of which goes to `each`. For a group without an order. See `has_taken_ahead`.
    pub fn read<'a>(&mut self, log: &'a Log, reading: Reading, mut each: impl FnMut(EntryRef<'a>)) {
        debug_assert!(self.policy.order.is_none());
        let Some(start) = self.last_id.next() else {
            return;
        };
        let (has_taken_ahead, mut left) = (self.has_taken_ahead(), reading.limit);
        for entry in log.range(start, Id::MAX) {
            if left == 0 {
                break;
            }
            self.pass(log, entry.id);
            if has_taken_ahead && self.find(entry.id).is_some() {
                continue;
            }
            left -= 1;
            if reading.pending {
                self.deliver(Delivery {
                    id: entry.id,
                    time_ms: reading.now_ms,
                    count: 1,
                    consumer: reading.consumer,
                });
            }
            self.totals.delivered += 1;
            each(entry);
        }
    }

    /// Whether entries that it has yet to read may be pending already: they were given back before their turn, or the group was set back. A
    /// policy serves them when they are due, so that reading passes them over.
    #[inline]
    pub fn has_taken_ahead(&self) -> bool {
        let last = self.pending.last().map(|slot| self.slab.get(slot).id);
        last > Some(self.last_id) && !self.policy.is_off()
    }

    /// Notes that the group has read the entry `id`, the next one.
    fn pass(&mut self, log: &Log, id: Id) {
        self.entries_read = log.entries_read_after(self.entries_read, self.last_id, id);
        self.last_id = id;
    }

    /// Leases an entry to a consumer, whether it was pending or not, and whoever had it.
    pub fn deliver(&mut self, delivery: Delivery) {
        let Delivery {
            id,
            time_ms,
            count,
            consumer,
        } = delivery;
        if self.policy.max_deliver > 0 {
            // A lease that has run out by the time it is given is judged all the same.
            let runs_out_ms = self.runs_out_ms(time_ms);
            self.judged_ms = self.judged_ms.min(runs_out_ms.saturating_sub(1));
        }
        let last = self.pending.last();
        if last.is_none_or(|last| self.slab.get(last).id < id) {
            let slot = self
                .slab
                .insert(Pending::leased(id, time_ms, count, consumer));
            self.pending.push_last(slot);
            return self.lease(slot);
        }
        match self.find(id) {
            Some(slot) => {
                self.unlink(slot, Some(consumer));
                let is_owned = self.slab.get(slot).consumer == Some(consumer);
                let pending = self.slab.get_mut(slot);
                pending.time_ms = time_ms;
                pending.delivery_count = count;
                pending.consumer = Some(consumer);
                pending.standing = Standing::Leased;
                match is_owned {
                    true => self.leases.insert(slot, by_time(&self.slab)),
                    false => self.lease(slot),
                }
                if let Some(class) = self.slab.get(slot).class {
                    self.refresh_class(class);
                }
            }
            None => {
                let slot = self
                    .slab
                    .insert(Pending::leased(id, time_ms, count, consumer));
                self.pending.insert(slot, |slot| self.slab.get(slot).id);
                self.lease(slot);
            }
        }
    }

    /// Settles a pending entry. Says whether it was pending.
    pub fn ack(&mut self, id: Id) -> bool {
        let settled = self.forget(id);
        self.totals.acked += u64::from(settled);
        settled
    }

    /// Settles a pending entry that has become a dead letter. Says whether it was pending.
    pub fn settle_dead(&mut self, id: Id) -> bool {
        let settled = self.forget(id);
        self.totals.dead_lettered += u64::from(settled);
        settled
    }

    /// Takes an entry from those that are pending. Says whether it was.
    fn forget(&mut self, id: Id) -> bool {
        let slab = &self.slab;
        let Some(slot) = self.pending.remove(&id, |slot| slab.get(slot).id) else {
            return false;
        };
        self.unlink(slot, None);
        if let Some(class) = self.slab.get(slot).class {
            self.leave_class(slot, class);
        }
        self.slab.remove(slot);
        self.settlements += 1;
        true
    }

    /// Lists a leased entry among the leases and under its consumer.
    fn lease(&mut self, slot: u32) {
        let slab = &self.slab;
        self.leases.insert(slot, by_time(slab));
        let consumer = slab.get(slot).consumer.expect("a lease is somebody's");
        self.consumers[consumer.place()]
            .pending
            .insert(slot, |slot| slab.get(slot).id);
        if let Some(class) = slab.get(slot).class {
            self.classes.to_mut().class_mut(class).leases += 1;
        }
    }

    /// Takes an entry out of what points at it because of what it waits for, but leaves it with its consumer if that is `to`.
    fn unlink(&mut self, slot: u32, to: Option<ConsumerSlot>) {
        let slab = &self.slab;
        let Pending {
            id,
            time_ms,
            consumer,
            standing,
            class,
            ..
        } = *slab.get(slot);
        match standing {
            Standing::Leased => remove(&mut self.leases, slot, (time_ms, id), by_time(slab)),
            Standing::Due => {
                remove(&mut self.due, slot, (time_ms, id), by_time(slab));
                if let Some(class) = class {
                    self.classes.to_mut().class_mut(class).due = None;
                }
            }
            Standing::Parked => self.parked -= 1,
            Standing::Blocked => self.blocked -= 1,
        }
        let Some(owner) = consumer.filter(|_| consumer != to) else {
            return;
        };
        let owned = &mut self.consumers[owner.place()].pending;
        remove(owned, slot, id, |slot| slab.get(slot).id);
        if let Some(class) = class {
            self.classes.to_mut().class_mut(class).leases -= 1;
        }
    }

    fn find(&self, id: Id) -> Option<u32> {
        // What is new comes behind all that is pending.
        let last = self.pending.last()?;
        match id.cmp(&self.slab.get(last).id) {
            Ordering::Less => {}
            Ordering::Equal => return Some(last),
            Ordering::Greater => return None,
        }
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
            + self.leases.heap_bytes()
            + self.due.heap_bytes()
            + consumers.sum::<usize>()
            + self.consumers.capacity() * size_of::<Consumer>()
            + self.consumer_order.capacity() * size_of::<ConsumerSlot>()
            + self.classes.heap_bytes()
    }
}

/// The order of leases, and of what is due.
fn by_time(slab: &PendingSlab) -> impl Fn(u32) -> (u64, Id) {
    |slot| {
        let pending = slab.get(slot);
        (pending.time_ms, pending.id)
    }
}

/// Takes a slot out of an index that has it.
fn remove<K: Ord>(index: &mut Index, slot: u32, key: K, key_of: impl Fn(u32) -> K) {
    let removed = index.remove(&key, key_of);
    assert_eq!(removed, Some(slot), "an index has what it should");
}
