//! Reading entries: both ways through a range of ids, and from a frozen copy.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
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

/// From which end entries are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// An id range of a stream as it was at one moment, whatever becomes of the stream.
///
/// It shares the blocks; a writer that comes upon a shared block copies that block.
#[derive(Clone, Debug)]
pub struct Frozen {
    blocks: Blocks,
    start: Id,
    end: Id,
    direction: Direction,
    len: u64,
}

impl Frozen {
    pub(super) fn new(
        blocks: &Blocks,
        ids: RangeInclusive<Id>,
        direction: Direction,
        limit: u64,
    ) -> Frozen {
        let (start, end) = ids.into_inner();
        let mut frozen = Frozen {
            blocks: Blocks::new(),
            start,
            end,
            direction,
            len: 0,
        };
        let from = first_block_from(blocks, start);
        match direction {
            Direction::Forward => {
                let within = blocks
                    .range(from..)
                    .take_while(|block| block.first() <= end);
                frozen.share(within, limit, |blocks, block| blocks.push_back(block));
            }
            Direction::Backward => {
                let to = blocks
                    .partition_point(|block| block.first() <= end)
                    .max(from);
                frozen.share(blocks.range(from..to).rev(), limit, |blocks, block| {
                    blocks.push_front(block)
                });
            }
        }
        frozen.len = frozen.len.min(limit);
        frozen
    }

    /// Shares as many blocks as hold `limit` entries.
    fn share<'a>(
        &mut self,
        blocks: impl Iterator<Item = &'a Arc<Block>>,
        limit: u64,
        add: impl Fn(&mut Blocks, Arc<Block>),
    ) {
        for block in blocks {
            if self.len >= limit {
                return;
            }
            self.len += block.count(self.start, self.end);
            add(&mut self.blocks, block.clone());
        }
    }

    /// How many entries are left to read.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of the blocks it shares: about what its entries take.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.heap_bytes()).sum()
    }

    /// Gives entries to `each` until it says false or none is left. The next call goes on behind the last one given.
    pub fn read(&mut self, each: impl FnMut(EntryRef<'_>) -> bool) {
        let last = match self.direction {
            Direction::Forward => read_some(
                Entries::new(&self.blocks, self.start, self.end),
                &mut self.len,
                each,
            ),
            Direction::Backward => read_some(
                EntriesRev::new(&self.blocks, self.start, self.end),
                &mut self.len,
                each,
            ),
        };
        match (last, self.direction) {
            (None, _) => {}
            (Some(last), Direction::Forward) => self.start = last.next().unwrap_or(last),
            (Some(last), Direction::Backward) => self.end = last.prev().unwrap_or(last),
        }
    }
}

/// Gives at most `left` entries to `each`, until it says false; returns the id of the last one.
fn read_some<'a>(
    entries: impl Iterator<Item = EntryRef<'a>>,
    left: &mut u64,
    mut each: impl FnMut(EntryRef<'a>) -> bool,
) -> Option<Id> {
    let mut last = None;
    for entry in entries {
        if *left == 0 {
            break;
        }
        *left -= 1;
        last = Some(entry.id);
        if !each(entry) {
            break;
        }
    }
    last
}
