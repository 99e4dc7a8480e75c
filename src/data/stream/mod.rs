//! Streams: append-only runs of entries, and the groups that read them.
//!
//! A [`Stream`] is a deque of blocks in id order. A block (`block.rs`) is a packed run of entries: the field names they
//! share stand once, an id costs nothing when it follows the one before, values stand raw behind their length. So an
//! entry with one field costs its value and two bytes. Entries are found by a binary search over the blocks and a walk
//! inside one; appending touches the last block only, and allocates once a block.
//!
//! Blocks are shared by `Arc`. To [`freeze`](Stream::freeze) a range is to clone the `Arc`s; whoever writes to a block
//! that is shared copies that one block first. Deleting marks an entry in its block, and a block with no live entry
//! is dropped.
//!
//! Beside the blocks stands a ledger of where Redis would have cut its own nodes (`nodes.rs`), because approximate
//! trimming and XINFO show them. The two meet in one rule: all entries of the newest block share their names with the
//! newest node, so one comparison tells whether an entry must bring names of its own.
//!
//! What must hold: ids grow; `len` is the sum of the live entries, of the blocks and of the nodes; every block
//! has a live entry; `first_id` is that of the first live entry, or `0-0`; `last_id` is at least every id that the
//! stream ever had.
//!
//! This room knows no clock (ids and times come in), no protocol and no error text.

mod block;
mod group;
mod id;
mod index;
mod nodes;
mod pending;
mod progress;
mod range;
mod trim;
mod varint;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use block::Fields;
pub use group::{Consumer, Group, Groups};
pub use id::Id;
pub use nodes::NodeLimits;
pub use pending::{ConsumerSlot, Pending};
pub use range::{Entries, EntriesRev, EntryRef, Frozen};
pub use trim::{References, Trim, TrimTo};

use block::Block;
use nodes::{Footprint, Nodes};
use range::Blocks;

/// A stream. See the head of this file.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    blocks: Blocks,
    nodes: Nodes,
    len: u64,
    first_id: Id,
    last_id: Id,
    max_deleted_id: Id,
    entries_added: u64,
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

    /// How many entries it has.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The id of its first entry, `0-0` without any.
    pub fn first_id(&self) -> Id {
        self.first_id
    }

    /// The greatest id it has or had, or was set to.
    pub fn last_id(&self) -> Id {
        self.last_id
    }

    /// The greatest id that was deleted one by one; trimming does not count.
    pub fn max_deleted_id(&self) -> Id {
        self.max_deleted_id
    }

    /// How many entries it ever had.
    pub fn entries_added(&self) -> u64 {
        self.entries_added
    }

    /// The number of nodes that Redis would have.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The number of radix tree nodes that Redis would find them by.
    pub fn radix_tree_nodes(&self) -> usize {
        self.nodes.radix_tree_nodes()
    }

    /// Overrides what was learnt from the entries. The caller has seen that the values fit them.
    pub fn set_progress(&mut self, last_id: Id, entries_added: u64, max_deleted_id: Id) {
        self.last_id = last_id;
        self.entries_added = entries_added;
        self.max_deleted_id = max_deleted_id;
    }

    /// Appends an entry. `id` is greater than `last_id`.
    #[inline]
    pub fn append<'a, F>(&mut self, id: Id, fields: F, limits: NodeLimits)
    where
        F: ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone,
    {
        debug_assert!(id > self.last_id);
        let mut footprint = Footprint::default();
        let mut values_bytes = 0;
        for (name, value) in fields.clone() {
            footprint.add(name, value);
            values_bytes += varint::size(value.len()) + value.len();
        }
        let names = fields.clone().map(|(name, _)| name);
        let same_names = self
            .blocks
            .back()
            .is_some_and(|block| block.shares_names(names.clone()));
        if self.blocks.is_empty() || self.nodes.must_open(footprint.payload_bytes, limits) {
            self.nodes.open(id, footprint);
            self.open_block(id, names, values_bytes, same_names);
            self.tail().push(id, fields, false);
        } else {
            self.nodes.extend(id, footprint, same_names);
            let own_names_bytes = if same_names {
                0
            } else {
                own_names_bytes(names)
            };
            self.make_room(id, values_bytes + own_names_bytes);
            self.tail().push(id, fields, !same_names);
        }
        if self.len == 0 {
            self.first_id = id;
        }
        self.len += 1;
        self.entries_added += 1;
        self.last_id = id;
    }

    /// Readies the tail for the first entry of a node, whose names the tail's entries must share.
    fn open_block<'a>(
        &mut self,
        id: Id,
        names: impl ExactSizeIterator<Item = &'a [u8]>,
        values_bytes: usize,
        same_names: bool,
    ) {
        if same_names {
            return self.make_room(id, values_bytes);
        }
        let first = self.blocks.is_empty();
        self.push_block(Block::new(id, names, values_bytes, first));
    }

    /// Readies the tail for an entry whose fields take `fields_bytes`.
    #[inline]
    fn make_room(&mut self, id: Id, fields_bytes: usize) {
        let tail = self
            .blocks
            .back_mut()
            .expect("a node without blocks is not added to");
        if tail.has_room(fields_bytes) {
            Arc::make_mut(tail).reserve(fields_bytes);
        } else {
            let block = tail.new_alike(id, fields_bytes);
            self.push_block(block);
        }
    }

    fn push_block(&mut self, block: Block) {
        if let Some(full) = self.blocks.back_mut() {
            Arc::make_mut(full).seal();
        }
        self.blocks.push_back(Arc::new(block));
    }

    #[inline]
    fn tail(&mut self) -> &mut Block {
        Arc::make_mut(self.blocks.back_mut().expect("just made room in it"))
    }

    /// The entries with ids in `start..=end`, oldest first.
    #[inline]
    pub fn range(&self, start: Id, end: Id) -> Entries<'_> {
        Entries::new(&self.blocks, start, end)
    }

    /// The entries with ids in `start..=end`, newest first.
    pub fn range_rev(&self, start: Id, end: Id) -> EntriesRev<'_> {
        EntriesRev::new(&self.blocks, start, end)
    }

    /// The entry with this id.
    pub fn entry(&self, id: Id) -> Option<EntryRef<'_>> {
        self.range(id, id).next()
    }

    /// A copy of the entries with ids in `start..=end` that later writes do not change. Costs no more than a count of
    /// its blocks.
    pub fn freeze(&self, start: Id, end: Id) -> Frozen {
        Frozen::new(&self.blocks, start, end)
    }

    /// Removes an entry as a command that names it does: `max_deleted_id` remembers.
    pub fn delete(&mut self, id: Id, references: References) -> Removal {
        if self.entry(id).is_none() {
            return Removal::Missing;
        }
        match references {
            References::Acked if self.is_referenced(id) => return Removal::Referenced,
            References::Delete => self.delete_references(id, id),
            _ => {}
        }
        self.remove(id);
        self.max_deleted_id = self.max_deleted_id.max(id);
        if id == self.first_id {
            self.update_first_id();
        }
        Removal::Removed
    }

    /// Removes a live entry.
    fn remove(&mut self, id: Id) {
        let at = range::first_block_from(&self.blocks, id);
        let block = Arc::make_mut(&mut self.blocks[at]);
        let head = block.find(id).expect("the entry is there");
        block.delete(&head);
        if block.live() == 0 {
            self.blocks.remove(at);
        }
        self.nodes.delete(id);
        self.len -= 1;
    }

    fn update_first_id(&mut self) {
        self.first_id = self
            .range(Id::MIN, Id::MAX)
            .next()
            .map_or(Id::MIN, |entry| entry.id);
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
        let entries = Entries::new(&self.blocks, start, end);
        for group in self
            .groups
            .values_mut()
            .filter(|group| group.pending_len() > 0)
        {
            for entry in entries.clone() {
                group.ack(entry.id);
            }
        }
    }

    /// How many blocks it has: what freeing it costs.
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        const ARC_COUNTS_BYTES: usize = 2 * size_of::<usize>();
        let blocks = self
            .blocks
            .iter()
            .map(|block| block.heap_bytes() + size_of::<Block>() + ARC_COUNTS_BYTES);
        let groups = self
            .groups
            .iter()
            .map(|(name, group)| name.len() + size_of::<Group>() + group.heap_bytes());
        blocks.sum::<usize>()
            + self.blocks.capacity() * size_of::<Arc<Block>>()
            + self.nodes.heap_bytes()
            + groups.sum::<usize>()
    }
}

/// What an entry takes to bring its names.
fn own_names_bytes<'a>(names: impl ExactSizeIterator<Item = &'a [u8]>) -> usize {
    varint::size(names.len())
        + names
            .map(|name| varint::size(name.len()) + name.len())
            .sum::<usize>()
}
