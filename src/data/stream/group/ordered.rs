//! Groups with an order: one consumer at a time holds entries of a class, and they follow one another.

use super::{Group, Reading, by_time, remove};
use crate::data::stream::Id;
use crate::data::stream::log::Log;
use crate::data::stream::order::{ClassKey, ClassSlot};
use crate::data::stream::pending::{ConsumerSlot, Delivery, Pending, Standing};
use crate::data::stream::policy::{GroupPolicy, Order};
use crate::data::stream::range::EntryRef;

/// Entries that wait for others of their class, where the policy does not bound what is pending.
const BLOCKED_WITHOUT_MAX_PENDING: usize = 10_000;

/// What became of an entry that is new to the group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passed {
    /// It is the consumer's.
    Delivered,
    /// It waits for an earlier entry of its class.
    Skipped,
}

impl GroupPolicy {
    /// The value that an entry is ordered by, if it is.
    pub(super) fn class_of<'a>(&self, entry: &EntryRef<'a>) -> Option<&'a [u8]> {
        match self.order.as_ref()? {
            Order::Whole => Some(b""),
            Order::Field(name) => entry
                .fields()
                .find(|(other, _)| **other == **name)
                .map(|(_, value)| value),
        }
    }
}

impl Group {
    /// A consumer begins to be given entries: what it gets from now on it may get several of a class of.
    pub fn begin_call(&mut self) {
        self.calls += 1;
    }

    /// Delivers entries that are new to the group, `reading.limit` at most, and takes on those that have to wait for others. Each goes to
    /// `each`. What is pending already stays as it is.
    pub fn read_in_order<'a>(
        &mut self,
        log: &'a Log,
        reading: Reading,
        mut each: impl FnMut(EntryRef<'a>, Passed),
    ) {
        let Some(start) = self.last_id.next() else {
            return;
        };
        let mut left = reading.limit;
        for entry in log.range(start, Id::MAX) {
            if left == 0 || !self.may_pass_more() {
                break;
            }
            let key = self.key_of(&entry);
            if self.find(entry.id).is_some() {
                // See `has_taken_ahead`.
                self.pass(log, entry.id);
                continue;
            }
            let passed = match key.and_then(|key| self.classes.find(key)) {
                Some(class) if !self.is_held_by_this_call(class) => Passed::Skipped,
                _ => Passed::Delivered,
            };
            self.pass(log, entry.id);
            match passed {
                Passed::Skipped => self.take_on_in_class(entry.id, 0, 0, key),
                Passed::Delivered => {
                    if reading.pending {
                        self.deliver_in_class(entry.id, &reading, key);
                    }
                    self.totals.delivered += 1;
                    left -= 1;
                }
            }
            each(entry, passed);
        }
    }

    fn key_of(&self, entry: &EntryRef<'_>) -> Option<ClassKey> {
        let value = self.policy.class_of(entry)?;
        Some(self.classes.key(value))
    }

    /// Whether further entries may be read and, if need be, taken on to wait.
    fn may_pass_more(&self) -> bool {
        let is_bounded = self.policy.max_pending > 0;
        let whole = (self.policy.order == Some(Order::Whole))
            .then(|| self.classes.find(self.classes.key(b"")))
            .flatten();
        let whole_is_taken = whole.is_some_and(|class| !self.is_held_by_this_call(class));
        self.has_room()
            && (is_bounded || self.blocked < BLOCKED_WITHOUT_MAX_PENDING)
            && !whole_is_taken
    }

    /// True if all unsettled entries of a class were delivered by the call under way.
    fn is_held_by_this_call(&self, class: ClassSlot) -> bool {
        let class = self.classes.class(class);
        class.leases == class.slots().len() && class.call == self.calls
    }

    fn deliver_in_class(&mut self, id: Id, reading: &Reading, key: Option<ClassKey>) {
        self.deliver(Delivery {
            id,
            time_ms: reading.now_ms,
            count: 1,
            consumer: reading.consumer,
        });
        if let (Some(key), Some(slot)) = (key, self.find(id)) {
            let class = self.enter_class(slot, key);
            self.classes.to_mut().class_mut(class).call = self.calls;
        }
    }

    /// Leases an entry that is due to a consumer; what is left of its class waits. Gives the next entry of the class, if it waited for
    /// nothing else and may follow in the same call.
    pub fn redeliver(&mut self, delivery: Delivery) -> Option<Id> {
        let (id, now_ms) = (delivery.id, delivery.time_ms);
        match delivery.count {
            // It has waited for others until now.
            0 | 1 => self.totals.delivered += 1,
            _ => self.totals.redelivered += 1,
        }
        self.deliver(delivery);
        let slot = self.find(id)?;
        let class = self.slab.get(slot).class?;
        self.classes.to_mut().class_mut(class).call = self.calls;
        let next = self.behind(class, id).next()?;
        let follows =
            next.standing == Standing::Blocked && next.time_ms <= now_ms && !self.is_spent(next);
        follows.then_some(next.id)
    }

    /// True if a consumer may claim an entry: of a class, those before it must be its own.
    pub fn may_take(&self, pending: &Pending, consumer: ConsumerSlot) -> bool {
        pending
            .class
            .is_none_or(|class| self.holds_before(class, pending.id, consumer))
    }

    /// The same for an entry that is not pending yet.
    pub fn may_take_on(&self, entry: &EntryRef<'_>, consumer: ConsumerSlot) -> bool {
        let class = self.key_of(entry).and_then(|key| self.classes.find(key));
        class.is_none_or(|class| self.holds_before(class, entry.id, consumer))
    }

    /// True if a consumer holds all of a class that come before `id`.
    fn holds_before(&self, class: ClassSlot, id: Id, consumer: ConsumerSlot) -> bool {
        let slots = self.classes.class(class).slots().iter();
        let mut before = slots
            .map(|&slot| self.slab.get(slot))
            .take_while(|other| other.id < id);
        before.all(|other| other.consumer == Some(consumer))
    }

    /// The entries of a class behind `id`.
    fn behind(&self, class: ClassSlot, id: Id) -> impl Iterator<Item = &Pending> {
        let slots = self.classes.class(class).slots();
        let at = slots.partition_point(|&other| self.slab.get(other).id <= id);
        slots[at..].iter().map(|&slot| self.slab.get(slot))
    }

    /// Who loses an entry of a class loses what follows it: gives back the leased entries of its class behind `id`, but for what `spares` is
    /// true of. Says which, and how often each has been delivered: a delivery whose lease still runs does not count.
    pub fn release_followers(
        &mut self,
        id: Id,
        now_ms: u64,
        spares: impl Fn(&Pending) -> bool,
    ) -> Vec<(Id, u64)> {
        let Some(class) = self.pending(id).and_then(|pending| pending.class) else {
            return Vec::new();
        };
        // Mostly there is no other lease, and leases come first: so few are looked at.
        let is_leased = |other: &&Pending| other.consumer.is_some();
        let own = usize::from(self.pending(id).as_ref().is_some_and(is_leased));
        let others = self.classes.class(class).leases - own;
        let followers = self
            .behind(class, id)
            .filter(is_leased)
            .take(others)
            .filter(|other| !spares(other));
        let lost: Vec<(Id, u64)> = followers
            .map(|other| {
                let undone = u64::from(!self.has_run_out(other, now_ms));
                (other.id, other.delivery_count.saturating_sub(undone))
            })
            .collect();
        for &(id, count) in &lost {
            self.release(id, 0, count);
        }
        lost
    }

    /// A lease that has run out holds up an earlier entry of its class that is nobody's: gives back what does, as `release_followers` does.
    pub fn release_held_up(&mut self, now_ms: u64) -> Vec<(Id, u64)> {
        let holds_up = |lease: &&Pending| {
            lease.class.is_some_and(|class| {
                let first = self.classes.class(class).slots()[0];
                self.slab.get(first).standing == Standing::Blocked
            })
        };
        let leases = self.run_out(0, now_ms).filter(holds_up);
        let lost: Vec<(Id, u64)> = leases
            .map(|lease| (lease.id, lease.delivery_count))
            .collect();
        for &(id, count) in &lost {
            self.release(id, 0, count);
        }
        lost
    }

    /// Enters a pending entry into its class, where it has one and is not in it yet.
    pub fn classify(&mut self, entry: &EntryRef<'_>) {
        let Some(key) = self.key_of(entry) else {
            return;
        };
        let slot = self.find(entry.id);
        if let Some(slot) = slot.filter(|&slot| self.slab.get(slot).class.is_none()) {
            let class = self.enter_class(slot, key);
            self.refresh_class(class);
        }
    }

    /// Enters a pending entry that is in no class.
    pub(super) fn enter_class(&mut self, slot: u32, key: ClassKey) -> ClassSlot {
        let classes = self.classes.to_mut();
        let class = classes.find_or_add(key);
        let slab = &mut self.slab;
        slab.get_mut(slot).class = Some(class);
        let Pending { id, standing, .. } = *slab.get(slot);
        let entered = classes.class_mut(class);
        entered.insert(slot, |other| slab.get(other).id < id);
        entered.leases += usize::from(standing == Standing::Leased);
        if standing == Standing::Due {
            self.block(slot);
        }
        class
    }

    /// Takes an entry that is being forgotten out of its class, and brings on what waited for it.
    pub(super) fn leave_class(&mut self, slot: u32, class: ClassSlot) {
        let (classes, slab) = (self.classes.to_mut(), &self.slab);
        let id = slab.get(slot).id;
        let left = classes.class_mut(class);
        left.remove(slot, |other| slab.get(other).id < id);
        if left.slots().is_empty() {
            classes.forget(class);
        } else {
            self.refresh_class(class);
        }
    }

    /// True if an entry need not wait for another one of its class.
    pub(super) fn is_first(&self, pending: &Pending) -> bool {
        pending.class.is_none_or(|class| {
            let first = self.classes.class(class).slots()[0];
            self.slab.get(first).id == pending.id
        })
    }

    /// Makes the first entry of a class due if nobody holds any of it, and no other.
    pub(super) fn refresh_class(&mut self, class: ClassSlot) {
        let found = self.classes.class(class);
        let (first, due) = (found.slots()[0], found.due);
        let waits = match self.slab.get(first).standing {
            Standing::Blocked | Standing::Due => found.leases == 0,
            Standing::Leased | Standing::Parked => false,
        };
        let wanted = waits.then_some(first);
        if wanted == due {
            return;
        }
        if let Some(slot) = due {
            self.block(slot);
        }
        if let Some(slot) = wanted {
            self.blocked -= 1;
            self.make_due(slot);
        }
        self.classes.to_mut().class_mut(class).due = wanted;
    }

    fn block(&mut self, slot: u32) {
        let Pending { id, time_ms, .. } = *self.slab.get(slot);
        remove(&mut self.due, slot, (time_ms, id), by_time(&self.slab));
        self.slab.get_mut(slot).standing = Standing::Blocked;
        self.blocked += 1;
    }
}
