//! Streams: append-only logs of entries, and the groups that read them.
//!
//! The [`Log`] is a deque of blocks in id order. A block (`block.rs`) is a packed run of entries: the field names they
//! share stand once, an id costs nothing when it follows the one before, values stand raw behind their length. So an
//! entry with one field costs its value and two bytes. Entries are found by a binary search over the blocks and a walk
//! inside one; appending touches the last block only, and allocates once a block.
//!
//! Blocks are shared by `Arc`. To [`freeze`](Log::freeze) a range is to clone the `Arc`s; whoever writes to a block
//! that is shared copies that one block first. Deleting marks an entry in its block, and a block with no live entry
//! is dropped.
//!
//! Beside the blocks stands a ledger of where Redis would have cut its own nodes (`nodes.rs`), because approximate
//! trimming and XINFO show them. The two meet in one rule: all entries of the newest block share their names with the
//! newest node, so one comparison tells whether an entry must bring names of its own.
//!
//! A [`Group`] knows how far it has read and what its consumers have not acknowledged (`group.rs`). Log and groups are
//! apart, so that a group can change while entries are read; what concerns both is here and in `trim.rs`.
//!
//! This room knows no clock (ids and times come in), no protocol and no error text.

mod block;
mod group;
mod id;
mod index;
mod log;
mod nodes;
mod pending;
mod progress;
mod range;
mod trim;
mod varint;

#[cfg(test)]
mod tests;

pub use block::Fields;
pub use group::{Consumer, Group, Groups, Reading};
pub use id::{Id, IdText, IdWriter};
pub use log::Log;
pub use nodes::NodeLimits;
pub use pending::{ConsumerSlot, Pending};
pub use range::{Direction, Entries, EntriesRev, EntryRef, Frozen};
pub use trim::{References, Trim, TrimTo};

/// The name and the value of one field of an entry.
pub type Field<'a> = (&'a [u8], &'a [u8]);

/// A stream. See the head of this file.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Its entries.
    pub log: Log,
    /// Its consumer groups.
    pub groups: Groups,
}

/// What became of one entry that was to be removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// The stream has no such entry.
    Missing,
    /// A group has not read or not acknowledged it.
    Referenced,
}

impl Stream {
    /// An empty stream.
    pub fn new() -> Stream {
        Stream::default()
    }

    /// Removes an entry as a command that names it does: `max_deleted_id` remembers. As in Redis, groups are asked first:
    /// an id may be referenced, and its references deleted, where the entry itself is missing.
    pub fn delete(&mut self, id: Id, references: References) -> Removal {
        match references {
            References::Acked if self.is_referenced(id) => return Removal::Referenced,
            References::Delete => {
                for group in self.groups.values_mut() {
                    group.ack(id);
                }
            }
            _ => {}
        }
        if self.log.entry(id).is_none() {
            return Removal::Missing;
        }
        self.log.remove(id);
        self.log.max_deleted_id = self.log.max_deleted_id.max(id);
        Removal::Removed
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
    fn delete_references(&mut self, start: Id, end: Id) {
        for group in self
            .groups
            .values_mut()
            .filter(|group| group.pending_len() > 0)
        {
            for entry in self.log.range(start, end) {
                group.ack(entry.id);
            }
        }
    }

    /// Whether freeing it takes long enough to be done aside.
    pub fn is_costly_to_free(&self) -> bool {
        const CHEAP_BLOCKS: usize = 64;
        const CHEAP_PENDING: usize = 4096;
        let pending = || self.groups.values().map(Group::pending_len).sum::<usize>();
        self.log.block_count() > CHEAP_BLOCKS
            || self.groups.len() > CHEAP_BLOCKS
            || pending() > CHEAP_PENDING
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        let groups = self
            .groups
            .iter()
            .map(|(name, group)| name.len() + size_of::<Group>() + group.heap_bytes());
        self.log.heap_bytes() + groups.sum::<usize>()
    }
}
