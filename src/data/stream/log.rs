//! The entries of a stream: packed blocks, and what is known of them all.
//!
//! What must hold: ids grow; `len` is the sum of the live entries, of the blocks and of the nodes; every block but the newest has
//! a live entry; `bytes` is the sum of the blocks' payloads; `first_id` and `newest_id` are those of the first and last live entry, or `0-0`; `last_id` is at least every
//! id in the blocks.

use std::sync::Arc;

use super::Field;
use super::block::{Before, Block};
use super::id::Id;
use super::nodes::{self, Node, NodeLimits, Nodes};
use super::range::{self, Blocks, Direction, Entries, EntriesRev, EntryRef, Finder, Frozen};
use super::varint;

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Log {
    pub(super) blocks: Blocks,
    pub(super) nodes: Nodes,
    pub(super) len: u64,
    pub(super) bytes: u64,
    pub(super) first_id: Id,
    pub(super) newest_id: Id,
    pub(super) last_id: Id,
    pub(super) max_deleted_id: Id,
    pub(super) entries_added: u64,
}

impl Log {
    /// A copy that later writes do not change.
    pub fn freeze(&mut self) -> Log {
        Log {
            blocks: self.blocks.freeze(),
            nodes: self.nodes.freeze(),
            ..*self
        }
    }

    /// How many entries it has.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Bytes of the names and values of its entries, as they were given: shared names count for each entry.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The id of its first entry, `0-0` without any.
    pub fn first_id(&self) -> Id {
        self.first_id
    }

    /// The id of its newest entry, `0-0` without any.
    pub fn newest_id(&self) -> Id {
        self.newest_id
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

    /// Overrides what was learnt from the entries. `last_id` is at least that of the newest entry.
    pub fn set_progress(&mut self, last_id: Id, entries_added: u64, max_deleted_id: Id) {
        assert!(last_id >= self.newest_id);
        if self.blocks.back().is_some_and(|tail| last_id < tail.last()) {
            self.drop_dead_tail();
        }
        if let Some(tail) = self.blocks.back_mut().filter(|tail| last_id < tail.last()) {
            Arc::make_mut(tail).forget_dead_end();
        }
        self.nodes.forget_behind(last_id);
        self.last_id = last_id;
        self.entries_added = entries_added;
        self.max_deleted_id = max_deleted_id;
    }

    /// Appends an entry. `id` is greater than `last_id`.
    #[inline]
    pub fn append(&mut self, id: Id, fields: &[Field<'_>], limits: NodeLimits) {
        debug_assert!(id > self.last_id);
        let sizes = Sizes::of(fields);
        if let Some(node) = self.nodes.newest()
            && !node.is_full_for(sizes.payload_bytes, limits)
            && let Some(tail) = self.blocks.back_mut()
            && tail.shares_names(fields)
            && let Some(tail) = with_room(tail, sizes.packed_bytes)
        {
            tail.push(id, fields, false);
            node.extend(id, fields, sizes.listpack_bytes, false);
        } else {
            self.append_slowly(id, fields, sizes, limits);
        }
        if self.len == 0 {
            self.first_id = id;
        }
        self.len += 1;
        self.bytes += sizes.payload_bytes as u64;
        self.entries_added += 1;
        self.last_id = id;
        self.newest_id = id;
    }

    /// Appends an entry that opens a node or a block, or that has names of its own.
    #[cold]
    #[inline(never)]
    fn append_slowly(&mut self, id: Id, fields: &[Field<'_>], sizes: Sizes, limits: NodeLimits) {
        let spare_bytes = self.spare_bytes();
        let is_open = |node: &&mut Node| !node.is_full_for(sizes.payload_bytes, limits);
        let node = self.nodes.newest().filter(is_open);
        let tail = self.blocks.back_mut();
        let shares_names = tail.as_ref().is_some_and(|tail| tail.shares_names(fields));
        let Some(tail) = tail.filter(|_| shares_names || node.is_some()) else {
            // All of the newest block share their names with the newest node.
            self.nodes.open(id, fields, sizes.listpack_bytes);
            let tail = self.blocks.back_mut();
            let before = tail.map(|tail| before(tail, spare_bytes));
            let names = fields.iter().map(|(name, _)| *name);
            let block = Block::new(id, names, sizes.packed_bytes, before);
            return self.push_block(block, id, fields, false);
        };
        match node {
            Some(node) => node.extend(id, fields, sizes.listpack_bytes, !shares_names),
            None => self.nodes.open(id, fields, sizes.listpack_bytes),
        }
        let names_bytes = if shares_names {
            0
        } else {
            own_names_bytes(fields)
        };
        let fields_bytes = sizes.packed_bytes + names_bytes;
        if let Some(tail) = with_room(tail, fields_bytes) {
            return tail.push(id, fields, !shares_names);
        }
        let before = before(tail, spare_bytes);
        let block = Block::new(id, tail.names(), fields_bytes, Some(before));
        self.push_block(block, id, fields, !shares_names);
    }

    /// Room for entries to come that it may have: one that has only grown will go on so.
    fn spare_bytes(&self) -> u64 {
        match self.len == self.entries_added {
            true => self.bytes,
            false => self.bytes / 4,
        }
    }

    /// Seals the tail and appends an entry to a fresh block, which has room for it.
    fn push_block(&mut self, mut block: Block, id: Id, fields: &[Field<'_>], own_names: bool) {
        block.push(id, fields, own_names);
        self.drop_dead_tail();
        if let Some(full) = self.blocks.back_mut().and_then(Arc::get_mut) {
            full.seal();
        }
        self.blocks.push_back(Arc::new(block));
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

    /// Finds entries one by one.
    pub fn finder(&self) -> Finder<'_> {
        Finder::new(self)
    }

    /// A copy of the entries with ids in `start..=end` that later writes do not change: the first `limit` of them in
    /// the direction given. Costs no more than a count of its blocks.
    pub fn freeze_range(&self, start: Id, end: Id, direction: Direction, limit: u64) -> Frozen {
        Frozen::new(&self.blocks, start..=end, direction, limit)
    }

    /// How many entries have ids from `start` on; stops counting at `limit`.
    pub fn count_from(&self, start: Id, limit: u64) -> u64 {
        let from = range::first_block_from(&self.blocks, start);
        let mut count = 0;
        for block in self.blocks.iter_from(from) {
            count += block.count(start, Id::MAX);
            if count >= limit {
                return limit;
            }
        }
        count
    }

    /// Removes a live entry.
    pub(super) fn remove(&mut self, id: Id) {
        let place = range::first_block_from(&self.blocks, id);
        let newest = self.blocks.after(place) == self.blocks.end();
        let block = Arc::make_mut(&mut self.blocks[place]);
        let head = block.find(id).expect("the entry is there");
        self.bytes -= block.payload_bytes();
        block.delete(&head);
        self.bytes += block.payload_bytes();
        if block.live() == 0 && !newest {
            self.blocks.remove(place);
        }
        if self.nodes.delete(id) {
            self.drop_dead_tail();
        }
        self.tighten();
        self.len -= 1;
        if id == self.newest_id {
            let newest = self.range_rev(Id::MIN, Id::MAX).next();
            self.newest_id = newest.map_or(Id::MIN, |entry| entry.id);
        }
        if id == self.first_id {
            self.update_first_id();
        }
    }

    /// Drops the newest block if it has no live entry, when its names are no more of use.
    fn drop_dead_tail(&mut self) {
        if self.blocks.back().is_some_and(|tail| tail.live() == 0) {
            self.blocks.pop_back();
        }
    }

    /// Finds the first entry again, after the one that was it went.
    pub(super) fn update_first_id(&mut self) {
        let first = self.range(Id::MIN, Id::MAX).next();
        self.first_id = first.map_or(Id::MIN, |entry| entry.id);
        if self.len == 0 {
            self.newest_id = Id::MIN;
        }
    }

    /// Drops the entries below `id` from the blocks; the caller has counted them.
    pub(super) fn drop_blocks_below(&mut self, id: Id) {
        while let Some(block) = self.blocks.front().filter(|block| block.last() < id) {
            self.bytes -= block.payload_bytes();
            self.blocks.pop_front();
        }
        if let Some(block) = self.blocks.front_mut().filter(|block| block.first() < id) {
            let block = Arc::make_mut(block);
            self.bytes -= block.payload_bytes();
            block.drop_below(id);
            self.bytes += block.payload_bytes();
            if block.live() == 0 && self.blocks.len() > 1 {
                self.blocks.pop_front();
            }
        }
        self.tighten();
    }

    /// Gives back room of the newest block if that is all that is left.
    fn tighten(&mut self) {
        if self.blocks.len() == 1
            && let Some(tail) = self.blocks.back_mut().and_then(Arc::get_mut)
        {
            tail.tighten();
        }
    }

    /// Drops all entries from the blocks.
    pub(super) fn drop_blocks(&mut self) {
        self.blocks.clear();
        self.bytes = 0;
    }

    /// How many blocks it has: what freeing it costs.
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        const ARC_COUNTS_BYTES: usize = 2 * size_of::<usize>();
        let block_bytes =
            |block: &Arc<Block>| block.heap_bytes() + size_of::<Block>() + ARC_COUNTS_BYTES;
        self.blocks.iter().map(block_bytes).sum::<usize>()
            + self.blocks.heap_bytes()
            + self.nodes.heap_bytes()
    }
}

/// What a block comes after that comes after `tail`.
fn before(tail: &mut Arc<Block>, spare_bytes: u64) -> Before {
    Before {
        block_bytes: Arc::get_mut(tail).map_or(0, |tail| tail.live_bytes()),
        spare_bytes,
    }
}

/// The block, if there is room in it for an entry whose fields take `fields_bytes`. One of large entries that somebody still reads is not copied
/// for that.
#[inline]
fn with_room(block: &mut Arc<Block>, fields_bytes: usize) -> Option<&mut Block> {
    if block.is_large() && Arc::get_mut(block).is_none() {
        return None;
    }
    let block = Arc::make_mut(block);
    block.make_room(fields_bytes).then_some(block)
}

/// What an entry takes, without its id and names of its own.
#[derive(Clone, Copy)]
struct Sizes {
    /// Plain bytes of all names and values.
    payload_bytes: usize,
    /// The values in a listpack.
    listpack_bytes: usize,
    /// The values in a block.
    packed_bytes: usize,
}

impl Sizes {
    #[inline]
    fn of(fields: &[Field<'_>]) -> Sizes {
        let mut sizes = Sizes {
            payload_bytes: 0,
            listpack_bytes: 0,
            packed_bytes: 0,
        };
        for (name, value) in fields {
            sizes.payload_bytes += name.len() + value.len();
            sizes.listpack_bytes += nodes::element_size(value);
            sizes.packed_bytes += varint::size(value.len()) + value.len();
        }
        sizes
    }
}

/// What an entry takes to bring its names.
fn own_names_bytes(fields: &[Field<'_>]) -> usize {
    let names = fields
        .iter()
        .map(|(name, _)| varint::size(name.len()) + name.len());
    varint::size(fields.len()) + names.sum::<usize>()
}
