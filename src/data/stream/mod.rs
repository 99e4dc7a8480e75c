//! Streams: append-only logs of entries, and the groups that read them.
//!
//! The [`Log`] is a deque of blocks in id order. A block (`block.rs`) is a packed run of entries: the field names they
//! share stand once, an id costs nothing when it follows the one before, values stand raw behind their length. So an
//! entry with one field costs its value and two bytes. Entries are found by a binary search over the blocks and a walk
//! inside one; appending touches the last block only, and allocates once a block.
//!
//! Blocks are shared by `Arc`. To [freeze a range](Log::freeze_range) is to clone the `Arc`s; whoever writes to a block
//! that is shared copies that one block first. Deleting marks an entry in its block, and a block with no live entry
//! is dropped. To [freeze a stream](Stream::freeze) as a whole is cheaper still: blocks, ledger, pending entries and indexes all stand
//! in chunks that are shared as they are (`data/chunked.rs`).
//!
//! Beside the blocks stands a ledger of where Redis would have cut its own nodes (`nodes.rs`), because approximate
//! trimming and XINFO show them. The two meet in one rule: all entries of the newest block share their names with the
//! newest node, so one comparison tells whether an entry must bring names of its own.
//!
//! A [`Group`] knows how far it has read and what its consumers have not acknowledged (`group.rs`). Log and groups are
//! apart, so that a group can change while entries are read; what concerns both is here and in `trim.rs`.
//!
//! What producers sent is remembered beside the entries, so that a message sent twice is added once (`idmp.rs`).
//!
//! This room knows no clock (ids and times come in), no protocol and no error text.

mod block;
mod group;
mod id;
mod idmp;
mod index;
mod load;
mod log;
mod nodes;
mod order;
mod pending;
mod policy;
mod progress;
mod range;
mod retention;
mod schedule;
mod settings;
mod trim;

#[cfg(test)]
mod tests;

use super::varint;

pub use block::{Fields, Names};
pub use group::{Consumer, Group, Groups, Passed, Reading, Sorts, Totals};
pub use id::{Id, IdText, MAX_ID_BYTES};
pub use idmp::{FIELDS_IID_BYTES, Idmp, IdmpCounts, iid_of_fields};
pub use load::{Disorder, LogLoader, NodeEnd};
pub use log::Log;
pub use nodes::NodeLimits;
pub use pending::{ConsumerSlot, Delivery, MAX_DELIVERY_COUNT, Pending};
pub use policy::{Backoff, GroupPolicy, IdmpLimits, Order, StreamPolicy};
pub use range::{Direction, Entries, EntriesRev, EntryRef, Finder, Frozen};
pub use retention::{Settled, Sweep};
pub use schedule::{Schedule, Scheduled};
pub use settings::{BadSetting, GroupSetting, Setting, Shown, StreamSetting};
pub use trim::{Acks, References, Trim, TrimTo, Trimmed};

/// The name and the value of one field of an entry.
pub type Field<'a> = (&'a [u8], &'a [u8]);

/// A stream. See the head of this file.
#[derive(Debug, Default)]
pub struct Stream {
    /// Its entries.
    pub log: Log,
    /// Its consumer groups.
    pub groups: Groups,
    /// What it remembers of its producers' messages.
    pub idmp: Idmp,
    /// Entries whose time has not come.
    pub schedule: Schedule,
    /// What it keeps, and for how long.
    pub policy: StreamPolicy,
    /// Entries refused because it was full, since it was made or loaded.
    pub rejected: u64,
    /// What was settled when nothing was left that retention could drop.
    pub exhausted_at: Option<Settled>,
    /// How far it has been swept of entries that are too old.
    pub sweep: Sweep,
    /// When it is to be looked at, steady milliseconds, as its database has it noted; a time too early does no harm.
    pub alarm_ms: Option<u64>,
}

/// What became of one entry that was to be removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// The stream has no such entry.
    Missing,
    /// The stream has no such entry, but groups had it pending, and have it no longer.
    MissingButReferenced,
    /// A group has not read or not acknowledged it.
    Referenced,
}

impl Stream {
    /// An empty stream.
    pub fn new() -> Stream {
        Stream::default()
    }

    /// A copy that later writes do not change, and that shares what neither side has written to since.
    pub fn freeze(&mut self) -> Stream {
        let groups = self.groups.iter_mut();
        Stream {
            log: self.log.freeze(),
            groups: groups
                .map(|(name, group)| (name.clone(), group.freeze()))
                .collect(),
            idmp: self.idmp.freeze(),
            schedule: self.schedule.freeze(),
            policy: self.policy.clone(),
            rejected: self.rejected,
            exhausted_at: self.exhausted_at,
            sweep: self.sweep,
            alarm_ms: None,
        }
    }

    /// All that it counts of what happened to it is 0.
    pub fn count_anew(&mut self) {
        self.rejected = 0;
        for group in self.groups.values_mut() {
            group.totals = Totals::default();
        }
    }

    /// Whether something is to happen to it by itself.
    pub fn waits_for_time(&self) -> bool {
        !self.schedule.is_empty()
            || self.policy.acts_by_itself()
            || self.idmp.producers_len() > 0
            || self
                .groups
                .values()
                .any(|group| group.next_due_ms().is_some())
    }

    /// Removes an entry as a command that names it does: `max_deleted_id` remembers. As in Redis, groups are asked first:
    /// an id may be referenced, and its references deleted, where the entry itself is missing.
    pub fn delete(&mut self, id: Id, references: References) -> Removal {
        self.delete_noting(id, references, &mut Acks::default())
    }

    /// The same, and notes in which groups the entry was pending and is no longer.
    pub fn delete_noting(&mut self, id: Id, references: References, acks: &mut Acks) -> Removal {
        let mut was_referenced = false;
        match references {
            References::Acked if self.is_referenced(id) => return Removal::Referenced,
            References::Delete => {
                for (name, group) in &mut self.groups {
                    if group.ack(id) {
                        was_referenced = true;
                        acks.add(name, [id]);
                    }
                }
            }
            _ => {}
        }
        if self.log.entry(id).is_none() {
            return match was_referenced {
                true => Removal::MissingButReferenced,
                false => Removal::Missing,
            };
        }
        self.log.remove(id);
        self.log.max_deleted_id = self.log.max_deleted_id.max(id);
        Removal::Removed
    }

    /// The id behind the last that an entry may get, which no scheduled entry waits for.
    pub fn next_id(&self) -> Option<Id> {
        let next = self.log.last_id().next()?;
        match self.schedule.has(next) {
            true => self.schedule.free_id(next.ms),
            false => Some(next),
        }
    }

    /// The id of the next entry that is scheduled for this millisecond, which no other has.
    pub fn id_at(&self, ms: u64) -> Option<Id> {
        let free = self.schedule.free_id(ms)?;
        let (start, end) = (Id::new(ms, 0), Id::new(ms, u64::MAX));
        let used = match self.log.last_id() {
            last if last.ms == ms => Some(last),
            // Ids that were given out of turn lie behind.
            _ => self.log.range_rev(start, end).next().map(|entry| entry.id),
        };
        match used {
            Some(used) if used >= free => used.next().filter(|id| id.ms == ms),
            _ => Some(free),
        }
    }

    /// Removes a group, if it is there: what only it needed may go now.
    pub fn remove_group(&mut self, name: &[u8]) -> bool {
        let was_there = self.groups.remove(name).is_some();
        if was_there {
            self.exhausted_at = None;
            self.sweep = Sweep::default();
        }
        was_there
    }

    /// Whether some group has not read the entry, or not acknowledged it.
    pub fn is_referenced(&self, id: Id) -> bool {
        id > self.read_by_all() || self.is_pending(id)
    }

    /// The greatest id that every group has read up to.
    fn read_by_all(&self) -> Id {
        self.groups
            .values()
            .map(|group| group.last_id)
            .min()
            .unwrap_or(Id::MAX)
    }

    /// Whether the entry is pending in some group.
    fn is_pending(&self, id: Id) -> bool {
        self.groups
            .values()
            .any(|group| group.pending(id).is_some())
    }

    /// Takes the live entries with ids in `start..=end` from all groups' pending entries.
    fn delete_references(&mut self, start: Id, end: Id, acks: &mut Acks) {
        let groups = self.groups.iter_mut();
        for (name, group) in groups.filter(|(_, group)| group.pending_len() > 0) {
            let ids = self.log.range(start, end).map(|entry| entry.id);
            acks.add(name, ids.filter(|&id| group.ack(id)));
        }
    }

    /// Whether freeing it takes long enough to be done aside.
    pub fn is_costly_to_free(&self) -> bool {
        const CHEAP_BLOCKS: usize = 64;
        const CHEAP_PENDING: usize = 4096;
        let pending = || self.groups.values().map(Group::pending_len).sum::<usize>();
        self.log.block_count() > CHEAP_BLOCKS
            || self.groups.len() > CHEAP_BLOCKS
            || self.schedule.len() > CHEAP_PENDING
            || self.idmp.producers_len() > CHEAP_BLOCKS
            || pending() > CHEAP_PENDING
    }

    /// Whether it takes no more than `max_bytes`, which a large stream is not asked part by part.
    pub fn is_quick_to_encode(&self, max_bytes: usize) -> bool {
        const QUICK_PARTS: usize = 16;
        let groups = || self.groups.values();
        const QUICK_ENTRIES: usize = 256;
        self.log.block_count() <= QUICK_PARTS
            && self.schedule.len() <= QUICK_ENTRIES
            && self.groups.len() <= QUICK_PARTS
            && self.idmp.producers_len() <= QUICK_PARTS
            && groups().all(|group| group.consumers().len() <= QUICK_PARTS)
            && self.heap_bytes() <= max_bytes
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        let groups = self
            .groups
            .iter()
            .map(|(name, group)| name.len() + size_of::<Group>() + group.heap_bytes());
        self.log.heap_bytes()
            + groups.sum::<usize>()
            + self.schedule.heap_bytes()
            + self.idmp.heap_bytes()
    }
}
