//! What the entries that a walk meets are written as.

use super::output::Output;
use crate::data::Value;
use crate::keyspace::{Entry, Usage};
use std::io;

/// Why encoding into memory does not fail.
pub(super) const MEMORY_TAKES_ALL: &str = "memory takes what is written to it";

/// An entry as it is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The key.
    pub key: &'a [u8],
    /// When it expires, Unix milliseconds, or `NEVER`.
    pub deadline_ms: i64,
    /// How it was used.
    pub usage: Usage,
    /// What it holds.
    pub value: &'a Value,
}

impl<'a> Record<'a> {
    /// The record of an entry.
    pub fn of(entry: &'a Entry) -> Self {
        Record {
            key: &entry.key,
            deadline_ms: entry.deadline_ms(),
            usage: entry.usage(),
            value: &entry.value,
        }
    }
}

/// Writes records, in any order, into an [`Output`].
pub trait Format: Send {
    /// Writes the source of a library of functions; before any record.
    fn library(&mut self, source: &[u8]) -> io::Result<()>;
    /// Encodes a record into memory, to be written later.
    fn encode(&mut self, record: Record<'_>, into: &mut Vec<u8>);
    /// Writes records of database `db` that were encoded before.
    fn encoded(&mut self, db: usize, records: &[u8]) -> io::Result<()>;
    /// Writes a record of database `db`, however large, without holding it in memory as a whole.
    fn record(&mut self, db: usize, record: Record<'_>) -> io::Result<()>;
    /// Writes what stands at the end.
    fn finish(self: Box<Self>) -> io::Result<Output>;
}
