//! Reading entries: both ways through a range of ids, and from a frozen copy.

use std::iter;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::block::{Block, Cursor, Fields, Head, Names};
use super::id::Id;
use super::log::Log;
use crate::data::chunked::{Chunked, Place};

/// Blocks whose `Arc`s are frozen, and copied for a writer, together.
const CHUNK_BLOCKS: usize = 512;

/// A stream's blocks in id order.
pub(super) type Blocks = Chunked<Arc<Block>, CHUNK_BLOCKS>;

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

    /// Bytes of its names and values.
    pub fn payload_bytes(&self) -> u64 {
        let fields = self.fields().map(|(name, value)| name.len() + value.len());
        fields.sum::<usize>() as u64
    }

    /// Whether it has names of its own.
    #[inline]
    pub fn has_own_names(&self) -> bool {
        self.head.own_names()
    }

    /// The names that those around it share.
    pub fn shared_names(&self) -> Names<'a> {
        self.block.names()
    }
}

/// The place of the first block that ends at `id` or later.
pub(super) fn first_block_from(blocks: &Blocks, id: Id) -> Place {
    match blocks.back() {
        // New entries are what is mostly read.
        Some(tail) if tail.last() < id => blocks.end(),
        Some(tail) if tail.first() <= id => blocks.last_place().expect("just seen"),
        _ => blocks.partition_point(|block| block.last() < id),
    }
}

/// The live entries of an id range, oldest first.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    blocks: &'a Blocks,
    /// The block that is being read, where it stands, and how far the reading is.
    block: Option<&'a Block>,
    place: Place,
    cursor: Cursor,
    start: Id,
    end: Id,
}

impl<'a> Entries<'a> {
    pub(super) fn new(blocks: &'a Blocks, start: Id, end: Id) -> Entries<'a> {
        let place = first_block_from(blocks, start);
        let block = blocks.get(place).map(|block| &**block);
        Entries {
            blocks,
            block,
            place,
            cursor: block.map_or_else(Cursor::default, Block::start),
            start,
            end,
        }
    }

    #[cold]
    #[inline(never)]
    fn enter_next_block(&mut self) {
        self.place = self.blocks.after(self.place);
        self.block = self.blocks.get(self.place).map(|block| &**block);
        self.cursor = self.block.map_or_else(Cursor::default, Block::start);
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = EntryRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<EntryRef<'a>> {
        loop {
            let block = self.block?;
            let Some(head) = block.take(&mut self.cursor) else {
                self.enter_next_block();
                continue;
            };
            if head.id > self.end {
                self.block = None;
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

/// Finds entries by their ids: at once where one follows the one found before, by a search otherwise.
#[derive(Clone, Debug)]
pub struct Finder<'a> {
    log: &'a Log,
    /// The entries behind those looked for, and the first of them.
    behind: Option<Entries<'a>>,
    next: Option<EntryRef<'a>>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(log: &'a Log) -> Finder<'a> {
        Finder {
            log,
            behind: None,
            next: None,
        }
    }

    /// The entry with this id.
    #[inline]
    pub fn find(&mut self, id: Id) -> Option<EntryRef<'a>> {
        if self.next.is_none_or(|next| next.id != id) {
            let mut from = self.log.range(id, Id::MAX);
            self.next = from.next();
            self.behind = Some(from);
        }
        let found = self.next.filter(|next| next.id == id)?;
        self.next = self.behind.as_mut().and_then(Entries::next);
        Some(found)
    }
}

/// The live entries of an id range, newest first.
#[derive(Clone, Debug)]
pub struct EntriesRev<'a> {
    blocks: &'a Blocks,
    /// Where the block stands that was decoded last, or the place behind the first to decode. None behind the last one.
    place: Option<Place>,
    /// What that block holds in the range and has not been given out.
    heads: Vec<Head>,
    start: Id,
    end: Id,
}

impl<'a> EntriesRev<'a> {
    pub(super) fn new(blocks: &'a Blocks, start: Id, end: Id) -> EntriesRev<'a> {
        let behind = match blocks.back() {
            Some(tail) if tail.first() <= end => blocks.end(),
            _ => blocks.partition_point(|block| block.first() <= end),
        };
        EntriesRev {
            blocks,
            place: Some(behind),
            heads: Vec::new(),
            start,
            end,
        }
    }

    /// Blocks are packed forwards only, so the next one is decoded whole.
    fn decode_block_below(&mut self) -> Option<()> {
        self.place = self.blocks.before(self.place?);
        let block = &self.blocks[self.place?];
        if block.last() < self.start {
            self.place = None;
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
                    block: &self.blocks[self.place?],
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
/// It shares the blocks; a writer that comes upon a shared block copies that block, or begins another one behind it.
#[derive(Debug)]
pub struct Frozen {
    blocks: Blocks,
    start: Id,
    end: Id,
    direction: Direction,
    len: u64,
    bytes: u64,
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
            blocks: Blocks::default(),
            start,
            end,
            direction,
            len: 0,
            bytes: 0,
        };
        let from = first_block_from(blocks, start);
        match direction {
            Direction::Forward => {
                let within = blocks
                    .iter_from(from)
                    .take_while(|block| block.first() <= end);
                frozen.share(within, limit, |blocks, block| blocks.push_back(block));
            }
            Direction::Backward => {
                let behind = blocks.partition_point(|block| block.first() <= end);
                let places = iter::successors(blocks.before(behind), |&at| blocks.before(at));
                let within = places
                    .take_while(|&at| at >= from)
                    .map(|place| &blocks[place]);
                frozen.share(within, limit, |blocks, block| blocks.push_front(block));
            }
        }
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
            let count = block.count(self.start, self.end).min(limit - self.len);
            let share = (block.payload_bytes() * count).checked_div(block.live().into());
            self.len += count;
            self.bytes += share.unwrap_or(0);
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

    /// About what the entries took that it had at first, bytes of their names and values.
    pub fn bytes(&self) -> u64 {
        self.bytes
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
