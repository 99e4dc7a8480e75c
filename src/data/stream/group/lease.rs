//! Leases that run out, entries given back, and what is to be served next.

use super::{Group, by_time};
use crate::data::stream::Id;
use crate::data::stream::log::Log;
use crate::data::stream::order::{ClassKey, Classes};
use crate::data::stream::pending::{Delivery, Pending, Standing};
use crate::data::stream::policy::GroupPolicy;

/// How many entries of a group there are of each sort.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Sorts {
    /// To be served at once.
    pub ready: usize,
    /// With a consumer whose lease runs.
    pub leased: usize,
    /// Waiting for their time.
    pub delayed: usize,
    /// Waiting for an earlier entry of their class.
    pub blocked: usize,
    /// Not served again.
    pub parked: usize,
}

impl Group {
    /// Gives an entry back: it is nobody's, and due at `due_ms`, 0 for at once. Says whether it was pending.
    pub fn release(&mut self, id: Id, due_ms: u64, delivery_count: u64) -> bool {
        let Some(slot) = self.find(id) else {
            return false;
        };
        self.unlink(slot, None);
        let pending = self.slab.get_mut(slot);
        pending.time_ms = due_ms;
        pending.delivery_count = delivery_count;
        pending.consumer = None;
        self.put_in_line(slot);
        true
    }

    /// Says how often a pending entry has been delivered.
    pub fn recount(&mut self, id: Id, delivery_count: u64) {
        if let Some(slot) = self.find(id) {
            self.slab.get_mut(slot).delivery_count = delivery_count;
        }
    }

    /// Takes on an entry that is not pending, for nobody yet; due at `due_ms`, 0 for at once. Of an order, `classify` is told next.
    pub fn take_on(&mut self, id: Id, due_ms: u64, delivery_count: u64) {
        self.take_on_in_class(id, due_ms, delivery_count, None);
    }

    pub(super) fn take_on_in_class(
        &mut self,
        id: Id,
        due_ms: u64,
        delivery_count: u64,
        key: Option<ClassKey>,
    ) {
        assert!(self.find(id).is_none(), "an entry is taken on once");
        let slot = self.slab.insert(Pending {
            id,
            time_ms: due_ms,
            delivery_count,
            consumer: None,
            class: None,
            standing: Standing::Blocked,
        });
        self.pending.insert(slot, |slot| self.slab.get(slot).id);
        if let Some(key) = key {
            self.enter_class(slot, key);
        }
        self.put_in_line(slot);
    }

    /// Lists an entry that is nobody's among those that are due, or behind the entries of its class. No index but the ids has it.
    fn put_in_line(&mut self, slot: u32) {
        match self.slab.get(slot).class {
            Some(class) => {
                self.slab.get_mut(slot).standing = Standing::Blocked;
                self.blocked += 1;
                self.refresh_class(class);
            }
            None => self.make_due(slot),
        }
    }

    /// Lists an entry among those that are due. Of what has a class, its class decides that.
    pub(super) fn make_due(&mut self, slot: u32) {
        self.slab.get_mut(slot).standing = Standing::Due;
        self.judges_due |= self.is_spent(self.slab.get(slot));
        self.due.insert(slot, by_time(&self.slab));
    }

    /// Sets an entry aside: it stays pending, for nobody, and is not served again until somebody claims it, gives it back, or the policy
    /// changes.
    pub fn park(&mut self, id: Id) {
        let Some(slot) = self.find(id) else {
            return;
        };
        self.unlink(slot, None);
        let pending = self.slab.get_mut(slot);
        pending.consumer = None;
        pending.time_ms = 0;
        pending.standing = Standing::Parked;
        let class = pending.class;
        self.parked += 1;
        if let Some(class) = class {
            self.refresh_class(class);
        }
    }

    /// True if an entry was set aside.
    pub fn is_parked(&self, pending: &Pending) -> bool {
        pending.standing == Standing::Parked
    }

    /// What is to be served first at `now_ms`: the lease that ran out first, or what is due. What is not to be delivered again is passed
    /// over. Without a policy, nobody but a CLAIM asks for what was given back for at once.
    pub fn first_due(&self, now_ms: u64) -> Option<&Pending> {
        let pending = |slot: u32| self.slab.get(slot);
        let least_ms = u64::from(self.policy.is_off());
        let due = self
            .due
            .iter_from((least_ms, Id::MIN), by_time(&self.slab))
            .map(pending)
            .take_while(|due| due.time_ms <= now_ms)
            .find(|due| !self.is_spent(due));
        let lease = self
            .run_out(0, now_ms)
            .find(|lease| !self.is_spent(lease) && self.is_first(lease));
        match (due, lease) {
            (Some(due), Some(lease)) if self.runs_out_ms(lease.time_ms) < due.time_ms => {
                Some(lease)
            }
            (due, lease) => due.or(lease),
        }
    }

    /// Leases that ran out after `after_ms` and no later than `now_ms`, in the order in which they did.
    pub(super) fn run_out(&self, after_ms: u64, now_ms: u64) -> impl Iterator<Item = &Pending> {
        let wait_ms = self.policy.ack_wait_ms;
        let leases = (wait_ms > 0).then(|| self.leases_younger_than(wait_ms, after_ms));
        let leases = leases.into_iter().flatten();
        leases.take_while(move |lease| self.runs_out_ms(lease.time_ms) <= now_ms)
    }

    /// Leases that at `at_ms` had not lasted for `age_ms` yet, in the order in which they were given.
    fn leases_younger_than(&self, age_ms: u64, at_ms: u64) -> impl Iterator<Item = &Pending> {
        let start = match at_ms.checked_sub(age_ms) {
            Some(delivered_ms) => (delivered_ms.saturating_add(1), Id::MIN),
            None => (0, Id::MIN),
        };
        let leases = self.leases.iter_from(start, by_time(&self.slab));
        leases.map(|slot| self.slab.get(slot))
    }

    /// True if an entry has been delivered as often as it may be.
    pub fn is_spent(&self, pending: &Pending) -> bool {
        self.policy.is_spent(pending.delivery_count)
    }

    /// Entries, `limit` at most, whose last attempt has ended by `now_ms`: of those whose lease or rest has ended since the last call, and of
    /// those that came to be due otherwise.
    pub fn take_spent(&mut self, now_ms: u64, limit: usize) -> Vec<Id> {
        if self.policy.max_deliver == 0 {
            return Vec::new();
        }
        let came_after_ms = match self.judges_due {
            true => 0,
            false => self.judged_ms.saturating_add(1),
        };
        let due = self
            .due
            .iter_from((came_after_ms, Id::MIN), by_time(&self.slab))
            .map(|slot| self.slab.get(slot))
            .take_while(|due| due.time_ms <= now_ms);
        let leases = self.run_out(self.judged_ms, now_ms);
        let spent = due.chain(leases).filter(|pending| self.is_spent(pending));
        let ids: Vec<Id> = spent.map(|pending| pending.id).take(limit).collect();
        if ids.len() < limit {
            self.judged_ms = now_ms;
            self.judges_due = false;
        }
        ids
    }

    /// Leases that were given in the future, by a clock that was put back before a restart, begin now: they would run for too long. Says
    /// which.
    pub fn begin_future_leases(&mut self, now_ms: u64) -> Vec<Delivery> {
        let mut begun = Vec::new();
        while let Some(slot) = self.leases.last().filter(|_| self.policy.ack_wait_ms > 0) {
            let Pending {
                id,
                time_ms,
                delivery_count,
                consumer,
                ..
            } = *self.slab.get(slot);
            let Some(consumer) = consumer.filter(|_| time_ms > now_ms) else {
                break;
            };
            let delivery = Delivery {
                id,
                time_ms: now_ms,
                count: delivery_count,
                consumer,
            };
            self.deliver(delivery);
            begun.push(delivery);
        }
        begun
    }

    /// When the next entry is to be served, if nothing happens before.
    pub fn next_due_ms(&self) -> Option<u64> {
        let time_ms = |slot: u32| self.slab.get(slot).time_ms;
        let due = self.due.first().map(time_ms);
        let lease = self.leases.first().filter(|_| self.policy.ack_wait_ms > 0);
        let runs_out = lease.map(|slot| self.runs_out_ms(time_ms(slot)));
        due.into_iter().chain(runs_out).min()
    }

    /// When the first entry comes that is not to be served by `now_ms`, if nothing happens before; `now_ms` if one is to be judged first.
    pub fn next_due_after(&self, now_ms: u64) -> Option<u64> {
        if self.judges_due {
            return Some(now_ms);
        }
        let behind_now = (now_ms.saturating_add(1), Id::MIN);
        let due = self.due.iter_from(behind_now, by_time(&self.slab)).next();
        let due = due.map(|slot| self.slab.get(slot).time_ms);
        let wait_ms = self.policy.ack_wait_ms;
        if wait_ms == 0 {
            return due;
        }
        let lease = self.leases_younger_than(wait_ms, now_ms).next();
        let runs_out = lease.map(|lease| self.runs_out_ms(lease.time_ms));
        due.into_iter().chain(runs_out).min()
    }

    pub(super) fn runs_out_ms(&self, delivered_ms: u64) -> u64 {
        delivered_ms.saturating_add(self.policy.ack_wait_ms)
    }

    /// True if the lease on an entry has run out.
    pub fn has_run_out(&self, pending: &Pending, now_ms: u64) -> bool {
        pending.consumer.is_some()
            && self.policy.ack_wait_ms > 0
            && self.runs_out_ms(pending.time_ms) <= now_ms
    }

    /// Leases in the order in which they were given, and before them what is nobody's and due.
    pub fn by_idleness(&self, now_ms: u64) -> impl Iterator<Item = &Pending> {
        let due = self.due.iter().map(|slot| self.slab.get(slot));
        let leases = self.leases.iter().map(|slot| self.slab.get(slot));
        due.take_while(move |due| due.time_ms <= now_ms)
            .chain(leases)
    }

    /// When the next lease will have been idle for so long that has not by now.
    pub fn next_idle_for(&self, min_idle_ms: u64, now_ms: u64) -> Option<u64> {
        let lease = self.leases_younger_than(min_idle_ms, now_ms).next()?;
        Some(lease.time_ms.saturating_add(min_idle_ms))
    }

    /// True if further entries may be taken on.
    pub fn has_room(&self) -> bool {
        self.room() > 0
    }

    /// Whether settling an entry may let another one be delivered: the next of its class, or one that there is room for then.
    pub fn makes_way(&self) -> bool {
        self.policy.max_pending > 0 || self.policy.order.is_some()
    }

    /// How many further entries may be taken on.
    pub fn room(&self) -> u64 {
        match self.policy.max_pending {
            0 => u64::MAX,
            max => max.saturating_sub(self.pending.len() as u64),
        }
    }

    /// How many entries there are of each sort. A step for each lease that has run out and each entry that is due.
    pub fn sorts(&self, now_ms: u64) -> Sorts {
        let pending = |slot: u32| self.slab.get(slot);
        let due = self.due.iter().map(pending);
        let due = due.take_while(|pending| pending.time_ms <= now_ms).count();
        let leases = self.leases.iter().map(pending);
        let out = leases
            .take_while(|pending| self.has_run_out(pending, now_ms))
            .count();
        Sorts {
            ready: due + out,
            leased: self.leases.len() - out,
            delayed: self.due.len() - due,
            blocked: self.blocked,
            parked: self.parked,
        }
    }

    /// What is to be served at `now_ms`, in no order. A step for each of it.
    pub fn ready(&self, now_ms: u64) -> impl Iterator<Item = &Pending> {
        let pending = |slot: u32| self.slab.get(slot);
        let due = self.due.iter().map(pending);
        let leases = self.leases.iter().map(pending);
        due.take_while(move |pending| pending.time_ms <= now_ms)
            .chain(leases.take_while(move |pending| self.has_run_out(pending, now_ms)))
    }

    /// Another policy is in force. What was set aside is in line again, to be judged by it. A step for each pending entry where the order
    /// changes or something is parked.
    pub fn set_policy(&mut self, policy: GroupPolicy, log: &Log) {
        let reorders = policy.order != self.policy.order;
        self.policy = policy;
        (self.judged_ms, self.judges_due) = (0, self.policy.max_deliver > 0);
        if reorders {
            self.reorder(log);
        }
        if self.parked > 0 {
            let parked = |slot: &u32| self.slab.get(*slot).standing == Standing::Parked;
            let slots: Vec<u32> = self.pending.iter().filter(parked).collect();
            self.parked = 0;
            for slot in slots {
                self.put_in_line(slot);
            }
        }
    }

    /// Tells every pending entry's class anew.
    fn reorder(&mut self, log: &Log) {
        let slots: Vec<u32> = self.pending.iter().collect();
        *self.classes.to_mut() = Classes::default();
        for &slot in &slots {
            self.slab.get_mut(slot).class = None;
            if self.slab.get(slot).standing == Standing::Blocked {
                self.blocked -= 1;
                self.make_due(slot);
            }
        }
        if self.policy.order.is_none() {
            return;
        }
        for slot in slots {
            if let Some(entry) = log.entry(self.slab.get(slot).id) {
                self.classify(&entry);
            }
        }
    }
}
