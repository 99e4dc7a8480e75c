//! Streams on their way to files and back: node by node, as Redis keeps them.
//!
//! Entries go from a file's node into blocks at once. Deleted ones are left behind on both ways: what a node remembers of them is their number
//! and size, which count when it is asked whether it is full.

use std::sync::Arc;

use super::block::{Before, Block};
use super::id::Id;
use super::log::Log;
use super::varint;
use crate::base::num::MAX_I64_DIGITS;
use crate::data::list::Item;

impl Log {
    /// The nodes that have live entries, in order: the id that opened each, and how many live entries it has.
    pub fn nodes(&self) -> impl Iterator<Item = (Id, u32)> {
        self.nodes
            .iter()
            .filter(|node| node.live > 0)
            .map(|node| (node.first, node.live))
    }
}

/// The ids in a file do not grow, or its counters contradict its entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Disorder;

/// What is known of a node when all its entries have been read.
#[derive(Clone, Copy, Debug)]
pub struct NodeEnd {
    /// The id of its last entry, deleted or not.
    pub last: Id,
    /// Entries that are not deleted.
    pub live: u32,
    /// All entries.
    pub total: u32,
    /// Bytes of its listpack.
    pub bytes: u32,
}

/// Builds a log from a file's nodes.
#[derive(Debug, Default)]
pub struct LogLoader {
    log: Log,
    tail: Option<Block>,
    /// The names that the node's entries share, as a block has them.
    names: Vec<u8>,
    names_count: u32,
    /// Bytes of those names alone.
    names_bytes: usize,
    /// The tail's entries share other names than the node's.
    needs_block: bool,
    /// The id that opened the node.
    first: Id,
}

impl LogLoader {
    /// Begins a node under its first id with the names that its entries share.
    pub fn begin_node<'a>(
        &mut self,
        first: Id,
        names: impl ExactSizeIterator<Item = Item<'a>>,
    ) -> Result<(), Disorder> {
        let before = self.log.nodes.back_first();
        if before.is_some_and(|before| first <= before) || first < self.log.newest_id {
            return Err(Disorder);
        }
        let count = names.len() as u32;
        self.names.clear();
        self.names_bytes = names.map(|name| put(&mut self.names, name)).sum();
        self.names_count = count;
        self.needs_block = self
            .tail
            .as_ref()
            .is_none_or(|tail| !tail.begins_with_names(count, &self.names));
        self.first = first;
        Ok(())
    }

    /// Adds a live entry of the node: its values, or with `own_names` each name and its value in turn.
    #[inline]
    pub fn entry(&mut self, id: Id, own_names: bool, texts: &[Item<'_>]) -> Result<(), Disorder> {
        if id < self.first || (self.log.len > 0 && id <= self.log.newest_id) {
            return Err(Disorder);
        }
        debug_assert!(own_names || texts.len() == self.names_count as usize);
        let mut bytes: usize = texts.iter().map(size).sum();
        let fields = texts.len() / 2;
        if own_names {
            bytes += varint::size(fields);
        }
        let tail = self.tail.as_mut().filter(|_| !self.needs_block);
        if !tail.is_some_and(|tail| tail.make_room(bytes)) {
            self.next_block(id, bytes);
        }
        let tail = self.tail.as_mut().expect("made where there was none");
        let out = tail.begin(id, own_names);
        if own_names {
            varint::put(out, fields as u64);
        }
        let mut payload_bytes = 0;
        for text in texts {
            payload_bytes += put(out, *text);
        }
        if !own_names {
            payload_bytes += self.names_bytes;
        }
        tail.count_payload(payload_bytes);
        self.log.bytes += payload_bytes as u64;
        if self.log.len == 0 {
            self.log.first_id = id;
        }
        self.log.len += 1;
        self.log.newest_id = id;
        Ok(())
    }

    /// Seals the tail and begins another one, with room for an entry of `bytes`.
    #[cold]
    fn next_block(&mut self, id: Id, bytes: usize) {
        let before = self.tail.as_ref().map(|tail| Before {
            block_bytes: tail.live_bytes(),
            spare_bytes: self.log.bytes,
        });
        let names = (self.names_count, &*self.names);
        let block = Block::of_encoded_names(id, names, bytes, before);
        if let Some(full) = self.tail.take() {
            self.keep(full);
        }
        self.needs_block = false;
        self.tail = Some(block);
    }

    fn keep(&mut self, mut block: Block) {
        block.seal();
        self.log.blocks.push_back(Arc::new(block));
    }

    /// Ends the node.
    pub fn end_node(&mut self, end: NodeEnd) {
        let last = end.last.max(self.first);
        self.log
            .nodes
            .push([self.first, last], end.live, end.total, end.bytes);
    }

    /// Adds what another loader has read, all of which follows.
    pub fn append(&mut self, mut next: LogLoader) -> Result<(), Disorder> {
        let (before, node) = (&self.log, next.log.nodes.front());
        let follows = |first: Id| {
            first >= before.newest_id && before.nodes.back_first().is_none_or(|last| last < first)
        };
        let repeats = next.log.len > 0 && before.len > 0 && next.log.first_id <= before.newest_id;
        if node.is_some_and(|node| !follows(node.first)) || repeats {
            return Err(Disorder);
        }
        if let Some(tail) = std::mem::replace(&mut self.tail, next.tail.take()) {
            self.keep(tail);
        }
        while let Some(block) = next.log.blocks.pop_front() {
            self.log.blocks.push_back(block);
        }
        self.log.nodes.append(next.log.nodes);
        if self.log.len == 0 {
            self.log.first_id = next.log.first_id;
        }
        self.log.newest_id = self.log.newest_id.max(next.log.newest_id);
        self.log.len += next.log.len;
        self.log.bytes += next.log.bytes;
        Ok(())
    }

    /// How many live entries have been added.
    pub fn len(&self) -> u64 {
        self.log.len
    }

    /// Whether none has been added.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The log with what is known of it as a whole.
    pub fn finish(
        mut self,
        last_id: Id,
        entries_added: u64,
        max_deleted_id: Id,
    ) -> Result<Log, Disorder> {
        if last_id < self.log.newest_id || entries_added < self.log.len {
            return Err(Disorder);
        }
        if let Some(mut tail) = self.tail.take() {
            tail.seal();
            self.log.blocks.push_back(Arc::new(tail));
        }
        self.log
            .set_progress(last_id, entries_added, max_deleted_id);
        Ok(self.log)
    }
}

/// Bytes that `put` takes.
#[inline]
fn size(text: &Item<'_>) -> usize {
    match text {
        // Long enough for any; the few bytes too many only matter at a block's end.
        Item::Int(_) => 1 + MAX_I64_DIGITS,
        Item::Text(text) => varint::size(text.len()) + text.len(),
        Item::Shared(text) => varint::size(text.len()) + text.len(),
    }
}

/// Appends a text behind its length, which is returned.
#[inline]
fn put(out: &mut Vec<u8>, text: Item<'_>) -> usize {
    let mut digits = itoa::Buffer::new();
    let text = text.as_bytes(&mut digits);
    varint::put_bytes(out, text);
    text.len()
}
