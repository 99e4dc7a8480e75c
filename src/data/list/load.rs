//! Lists on their way to files and back: chunks go over as they are.

use super::chunk::{Chunk, Packed};
use super::{End, Limit, List};
use crate::base::Blob;
use bytes::Bytes;
use std::sync::Arc;

/// A chunk as a file keeps it.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// Elements as a listpack has them, without its frame.
    Packed {
        /// The elements.
        entries: &'a [u8],
        /// How many there are.
        count: usize,
    },
    /// One large element by itself.
    Single(&'a [u8]),
}

impl List {
    /// The chunks in order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.chunks.iter().map(|chunk| match &**chunk {
            Chunk::Packed(packed) => Node::Packed {
                entries: packed.entries(),
                count: packed.count(),
            },
            Chunk::Single(bytes) => Node::Single(bytes),
        })
    }
}

/// Builds a list from the front on.
#[derive(Debug)]
pub struct Loader {
    list: List,
    limit: Limit,
}

impl Loader {
    /// For a list under this limit.
    pub fn new(limit: Limit) -> Self {
        let list = List {
            compact: false,
            ..List::new()
        };
        Self { list, limit }
    }

    /// Adds an element to the last chunk or a new one.
    pub fn push(&mut self, text: &[u8]) {
        self.list.push(End::Back, self.limit, Blob::Slice(text));
    }

    /// Adds a chunk of `count` sound entries, at least one, of which every canonical integer is an integer.
    pub fn push_packed(&mut self, entries: &[u8], count: usize) {
        let packed = Packed::of_entries(entries.to_vec(), count);
        self.push_chunk(Chunk::Packed(packed));
    }

    /// Adds an element as a chunk of its own.
    pub fn push_single(&mut self, text: Bytes) {
        self.push_chunk(Chunk::Single(Box::new(text)));
    }

    fn push_chunk(&mut self, chunk: Chunk) {
        self.list.len += chunk.count();
        self.list.chunks.push_back(Arc::new(chunk));
    }

    /// The list; `None` if it has no elements.
    pub fn finish(mut self) -> Option<List> {
        let Self { list, limit } = &mut self;
        if let (1, Some(Chunk::Packed(packed))) =
            (list.chunks.len(), list.chunks.front().map(|chunk| &**chunk))
        {
            list.compact = !limit.is_exceeded_by(packed.listpack_bytes(), packed.count());
        }
        (!self.list.is_empty()).then_some(self.list)
    }
}
