//! What a consumer is served in its turn: first what is due, in the order in which it came to be, then what is new, as far as the group's policy
//! allows. With CLAIM, what has been idle long enough takes the place of what is due.

use super::super::budget::Budget;
use super::super::entries::{write_claimed_entry, write_entry};
use super::super::logged::{Actor, Delivered, kept_for_redis, released};
use crate::command::Keys;
use crate::command::stream::{ack, group_changed};
use crate::data::stream::{Delivery, EntryRef, Group, Id, Log, Passed, Reading};
use crate::resp::Reply;
use crate::resp::reply::Aggregate;

/// What a call did to a group, for the log.
#[derive(Default)]
pub struct Served {
    /// How many entries were written.
    pub entries: u64,
    /// There were some, and the reply had no room for any.
    pub is_cut: bool,
    /// Whether the group has read on.
    pub read_new: bool,
    /// Entries that are the consumer's now.
    pub delivered: Vec<Delivered>,
    /// Entries that it lost by that to nobody.
    pub lost: Vec<Delivered>,
    /// Entries that were taken on, to wait for others.
    pub skipped: Vec<Delivered>,
    /// Entries that are pending no more.
    pub settled: Vec<Id>,
}

impl Served {
    /// A consumer's own entries again.
    pub fn own(delivered: Vec<Delivered>) -> Served {
        Served {
            delivered,
            ..Served::default()
        }
    }

    /// True if the log has no delivery to tell of.
    pub fn delivers_nothing(&self) -> bool {
        self.delivered.is_empty()
    }

    /// Logs all of it.
    pub fn log(&self, keys: &mut Keys<'_, '_>, actor: &Actor<'_>) {
        let place = (actor.key, actor.group);
        released(keys, place, &self.lost, 0);
        released(keys, place, &self.skipped, 0);
        kept_for_redis(keys, place, &self.skipped);
        actor.delivered(keys, &self.delivered, actor.now_ms);
        actor.settled(keys, &self.settled);
        ack::delete_needless(keys, actor.key, &self.settled);
        let touched = self.lost.len() + self.skipped.len() + self.settled.len();
        group_changed(keys, touched as u64);
    }
}

/// Whether a group gives what is new and nothing else.
#[inline]
pub fn is_plain(group: &Group, now_ms: u64) -> bool {
    let policy = group.policy();
    policy.order.is_none()
        && policy.max_pending == 0
        && group.first_due(now_ms).is_none()
        && !group.has_taken_ahead()
}

/// Writes the entries that it is the consumer's turn to get.
pub fn serve(
    reply: &mut Reply,
    (log, group): (&Log, &mut Group),
    (reading, claim_ms): (Reading, Option<u64>),
    budget: &mut Budget,
) -> Served {
    let opening = reply.open(Aggregate::Array);
    group.begin_call();
    let mut turn = Turn {
        log,
        group,
        reading,
        tells_idleness: claim_ms.is_some(),
        budget,
        served: Served::default(),
    };
    turn.served.is_cut = !turn.has_room(reply) && turn.has_entries(claim_ms);
    match claim_ms {
        Some(min_idle_ms) => turn.claim(reply, min_idle_ms),
        None => turn.redeliver(reply),
    }
    turn.read_on(reply);
    let Turn { group, served, .. } = turn;
    if !served.delivered.is_empty() {
        group.consumer_mut(reading.consumer).active_time_ms = Some(reading.now_ms);
    }
    reply.close(opening, served.entries as usize);
    served
}

struct Turn<'a> {
    log: &'a Log,
    group: &'a mut Group,
    reading: Reading,
    tells_idleness: bool,
    budget: &'a mut Budget,
    served: Served,
}

impl<'a> Turn<'a> {
    fn left(&self) -> u64 {
        self.reading.limit - self.served.entries
    }

    fn has_room(&mut self, reply: &Reply) -> bool {
        self.left() > 0 && self.budget.has_room(reply)
    }

    /// Whether there is something to serve, if there is room for it.
    fn has_entries(&self, claim_ms: Option<u64>) -> bool {
        let now_ms = self.reading.now_ms;
        let has_due = match claim_ms {
            Some(min_idle_ms) => self
                .group
                .by_idleness(now_ms)
                .next()
                .is_some_and(|pending| pending.is_idle_for(min_idle_ms, now_ms)),
            None => self.group.first_due(now_ms).is_some(),
        };
        has_due || (self.log.newest_id() > self.group.last_id && self.group.has_room())
    }

    /// Serves what is due, and with an entry those of its class that waited for it.
    fn redeliver(&mut self, reply: &mut Reply) {
        let now_ms = self.reading.now_ms;
        let mut follower = None;
        while self.has_room(reply) {
            let next = follower.or_else(|| self.group.first_due(now_ms).map(|due| due.id));
            let Some(id) = next else {
                let held_up = self.group.release_held_up(now_ms);
                if held_up.is_empty() {
                    return;
                }
                self.served.lost.extend(held_up);
                continue;
            };
            follower = match self.log.entry(id) {
                Some(entry) => self.lease(reply, entry),
                None => {
                    self.settle(id);
                    None
                }
            };
        }
    }

    /// Leases a pending entry to the consumer and writes it. Gives the next one of its class that may follow.
    fn lease(&mut self, reply: &mut Reply, entry: EntryRef<'a>) -> Option<Id> {
        let Reading {
            consumer,
            now_ms,
            pending: stays,
            ..
        } = self.reading;
        let pending = self.group.pending(entry.id)?;
        let idle_ms = now_ms.saturating_sub(pending.time_ms);
        let (before, count) = (pending.delivery_count, pending.next_count());
        // Who claims what is its own loses nothing; whose lease has run out has lost what follows, too.
        let keeps = self.tells_idleness.then_some(consumer);
        let lost = self
            .group
            .release_followers(entry.id, now_ms, |other| other.consumer == keeps);
        self.served.lost.extend(lost);
        let next = self.group.redeliver(Delivery {
            id: entry.id,
            time_ms: now_ms,
            count,
            consumer,
        });
        self.write(reply, entry, (idle_ms, before));
        if stays || self.tells_idleness {
            self.served.delivered.push((entry.id, count));
            return next;
        }
        // Who does not acknowledge has it once.
        self.settle(entry.id);
        None
    }

    fn settle(&mut self, id: Id) {
        self.group.ack(id);
        self.served.settled.push(id);
    }

    /// Serves what has been idle for so long, whoever has it.
    fn claim(&mut self, reply: &mut Reply, min_idle_ms: u64) {
        let Reading {
            consumer, now_ms, ..
        } = self.reading;
        let held_up = self.group.release_held_up(now_ms);
        self.served.lost.extend(held_up);
        let (log, group) = (self.log, &*self.group);
        let idle = group
            .by_idleness(now_ms)
            .take_while(|pending| pending.is_idle_for(min_idle_ms, now_ms))
            .filter(|pending| !group.is_spent(pending) && group.may_take(pending, consumer))
            .filter_map(|pending| log.entry(pending.id));
        let entries: Vec<EntryRef<'a>> = idle.take(self.left() as usize).collect();
        for entry in entries {
            if !self.has_room(reply) {
                return;
            }
            // One that was its follower may have been given back meanwhile.
            self.lease(reply, entry);
        }
    }

    /// Delivers what is new to the group: at once, or where the reply has to be measured one after another.
    fn read_on(&mut self, reply: &mut Reply) {
        let before = self.group.last_id;
        let at_once = if self.budget.bounds_size() {
            1
        } else {
            u64::MAX
        };
        while self.has_room(reply) {
            let limit = self.left().min(self.group.room()).min(at_once);
            let told = self.served.entries;
            if limit == 0 || self.log.newest_id() <= self.group.last_id {
                break;
            }
            self.read_some(reply, limit);
            if self.served.entries == told {
                break;
            }
        }
        self.served.read_new = self.group.last_id != before;
    }

    fn read_some(&mut self, reply: &mut Reply, limit: u64) {
        let reading = Reading {
            limit,
            ..self.reading
        };
        let log = self.log;
        let mut passed = Vec::new();
        match self.group.policy().order {
            None => self.group.read(log, reading, |entry| {
                passed.push((entry, Passed::Delivered));
            }),
            Some(_) => self.group.read_in_order(log, reading, |entry, how| {
                passed.push((entry, how));
            }),
        }
        for (entry, how) in passed {
            match how {
                Passed::Skipped => self.served.skipped.push((entry.id, 0)),
                Passed::Delivered => {
                    self.write(reply, entry, (0, 0));
                    if reading.pending {
                        self.served.delivered.push((entry.id, 1));
                    }
                }
            }
        }
    }

    fn write(&mut self, reply: &mut Reply, entry: EntryRef<'_>, (idle_ms, count): (u64, u64)) {
        match self.tells_idleness {
            true => write_claimed_entry(reply, entry, idle_ms, count),
            false => write_entry(reply, entry),
        }
        self.served.entries += 1;
        self.budget.told(1);
    }
}
