//! Reading entries: both ways through a range of ids, and from a frozen copy.

use std::collections::VecDeque;
use std::sync::Arc;

use super::block::{Block, Cursor, Fields, Head};
use super::id::Id;

/// A stream's blocks in id order.
pub(super) type Blocks = VecDeque<Arc<Block>>;

/// One live entry, borrowed from its block.
#[derive(Clone, Copy, Debug)]
pub struct EntryRef<'a> {
    /// Its id.
    pub id: Id,
    block: &'a Block,
    head: Head,
}

impl<'a> EntryRef<'a> {
    /// Its fields, in the order in which they were added.
    #[inline]
    pub fn fields(&self) -> Fields<'a> {
        self.block.fields(&self.head)
    }
}

/// The index of the first block that ends at `id` or later.
pub(super) fn first_block_from(blocks: &Blocks, id: Id) -> usize {
    match blocks.back() {
        // New entries are what is mostly read.
        Some(tail) if tail.first() <= id => blocks.len() - usize::from(id <= tail.last()),
        _ => blocks.partition_point(|block| block.last() < id),
    }
}

/// The live entries of an id range, oldest first.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    blocks: &'a Blocks,
    block: usize,
    cursor: Option<Cursor>,
    start: Id,
    end: Id,
}

impl<'a> Entries<'a> {
    pub(super) fn new(blocks: &'a Blocks, start: Id, end: Id) -> Entries<'a> {
        Entries {
            blocks,
            block: first_block_from(blocks, start),
            cursor: None,
            start,
            end,
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = EntryRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<EntryRef<'a>> {
        loop {
            let block: &'a Block = self.blocks.get(self.block)?;
            let cursor = self.cursor.get_or_insert_with(|| block.start());
            let Some(head) = block.take(cursor) else {
                self.block += 1;
                self.cursor = None;
                continue;
            };
            if head.id > self.end {
                self.block = self.blocks.len();
                return None;
            }
            if !head.deleted && head.id >= self.start {
                return Some(EntryRef {
                    id: head.id,
                    block,
                    head,
                });
            }
        }
    }
}

/// The live entries of an id range, newest first.
#[derive(Clone, Debug)]
pub struct EntriesRev<'a> {
    blocks: &'a Blocks,
    /// One past the next block to decode.
    block: usize,
    /// What the block above holds in the range and has not been given out.
    heads: Vec<Head>,
    start: Id,
    end: Id,
}

impl<'a> EntriesRev<'a> {
    pub(super) fn new(blocks: &'a Blocks, start: Id, end: Id) -> EntriesRev<'a> {
        let block = match blocks.back() {
            Some(tail) if tail.first() <= end => blocks.len(),
            _ => blocks.partition_point(|block| block.first() <= end),
        };
        EntriesRev {
            blocks,
            block,
            heads: Vec::new(),
            start,
            end,
        }
    }

    /// Blocks are packed forwards only, so the next one is decoded whole.
    fn decode_block_below(&mut self) -> Option<()> {
        self.block = self.block.checked_sub(1)?;
        let block = &self.blocks[self.block];
        if block.last() < self.start {
            self.block = 0;
            return None;
        }
        let mut cursor = block.start();
        while let Some(head) = block.take(&mut cursor).filter(|head| head.id <= self.end) {
            if !head.deleted && head.id >= self.start {
                self.heads.push(head);
            }
        }
        Some(())
    }
}

impl<'a> Iterator for EntriesRev<'a> {
    type Item = EntryRef<'a>;

    fn next(&mut self) -> Option<EntryRef<'a>> {
        loop {
            if let Some(head) = self.heads.pop() {
                return Some(EntryRef {
                    id: head.id,
                    block: &self.blocks[self.block],
                    head,
                });
            }
            self.decode_block_below()?;
        }
    }
}

/// An id range of a stream as it was at one moment, whatever becomes of the stream.
///
/// It shares the blocks; a writer that comes upon a shared block copies that block.
#[derive(Clone, Debug)]
pub struct Frozen {
    blocks: Blocks,
    start: Id,
    end: Id,
    len: u64,
}

impl Frozen {
    pub(super) fn new(blocks: &Blocks, start: Id, end: Id) -> Frozen {
        let from = first_block_from(blocks, start);
        let blocks: Blocks = blocks
            .iter()
            .skip(from)
            .take_while(|block| block.first() <= end)
            .cloned()
            .collect();
        let len = blocks.iter().map(|block| block.count(start, end)).sum();
        Frozen {
            blocks,
            start,
            end,
            len,
        }
    }

    /// How many entries it has.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entries, oldest first. To go on after a pause, start behind the last id seen.
    pub fn entries(&self, start: Id) -> Entries<'_> {
        Entries::new(&self.blocks, start.max(self.start), self.end)
    }

    /// The entries, newest first. To go on after a pause, end before the last id seen.
    pub fn entries_rev(&self, end: Id) -> EntriesRev<'_> {
        EntriesRev::new(&self.blocks, self.start, end.min(self.end))
    }
}
