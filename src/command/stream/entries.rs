//! Entries as replies, long ones in slices.

use std::collections::VecDeque;

use crate::command::{DONE, Flow, LongReply, Outcome};
use crate::data::stream::{EntryRef, Field, Frozen, Id};
use crate::resp::Reply;

/// A reply whose blocks take more than this is written in slices of about this size, outside any lock.
pub const SLICE_BYTES: usize = 64 * 1024;

/// One entry: its id, and its fields as one flat list.
pub fn write_entry(reply: &mut Reply, entry: EntryRef<'_>) {
    write_fields(reply, entry.id, entry.fields());
}

/// The same of an entry that stands elsewhere.
pub fn write_fields<'a>(
    reply: &mut Reply,
    id: Id,
    fields: impl ExactSizeIterator<Item = Field<'a>>,
) {
    reply.array(2);
    write_id_and_fields(reply, id, fields);
}

/// One entry as a read with CLAIM tells it: with how long it has been idle, and how often it was delivered.
pub fn write_claimed_entry(reply: &mut Reply, entry: EntryRef<'_>, idle_ms: u64, deliveries: u64) {
    reply.array(4);
    write_id_and_fields(reply, entry.id, entry.fields());
    reply.uint(idle_ms);
    reply.uint(deliveries);
}

fn write_id_and_fields<'a>(
    reply: &mut Reply,
    id: Id,
    fields: impl ExactSizeIterator<Item = Field<'a>>,
) {
    reply.bulk(&id.text());
    reply.array(fields.len() * 2);
    for (name, value) in fields {
        reply.bulk(name);
        reply.bulk(value);
    }
}

/// A list of entries, and the key it is for where the reply has several.
pub struct Part {
    /// Stands before the entries: of what key they are.
    pub key: Option<Box<[u8]>>,
    /// The entries.
    pub entries: Frozen,
}

/// Writes the parts, at once if they are small.
pub fn write_parts(reply: &mut Reply, parts: impl IntoIterator<Item = Part>) -> Outcome {
    let parts: VecDeque<Part> = parts.into_iter().collect();
    let bytes: u64 = parts.iter().map(|part| part.entries.bytes()).sum();
    let mut writer = PartWriter {
        parts,
        head_written: false,
    };
    if bytes > SLICE_BYTES as u64 {
        return Ok(Flow::Long(Box::new(writer)));
    }
    while !writer.write_some(reply) {}
    DONE
}

struct PartWriter {
    parts: VecDeque<Part>,
    /// Whether the head of the first part is out.
    head_written: bool,
}

impl LongReply for PartWriter {
    fn write_some(&mut self, reply: &mut Reply) -> bool {
        let enough = reply.len() + SLICE_BYTES;
        while let Some(part) = self.parts.front_mut() {
            if !std::mem::replace(&mut self.head_written, true) {
                write_head(reply, part);
            }
            part.entries.read(|entry| {
                write_entry(reply, entry);
                reply.len() < enough
            });
            if part.entries.is_empty() {
                self.parts.pop_front();
                self.head_written = false;
            }
            if reply.len() >= enough {
                break;
            }
        }
        self.parts.is_empty()
    }
}

fn write_head(reply: &mut Reply, part: &Part) {
    if let Some(key) = &part.key {
        write_key(reply, key);
    }
    reply.array(part.entries.len() as usize);
}

/// How many streams a reply of XREAD or XREADGROUP tells of.
pub fn write_key_count(reply: &mut Reply, keys: usize) {
    if reply.is_resp3() {
        reply.map(keys)
    } else {
        reply.array(keys)
    }
}

/// The key of the entries that follow: in a map as it is, otherwise at the head of a pair.
pub fn write_key(reply: &mut Reply, key: &[u8]) {
    if !reply.is_resp3() {
        reply.array(2);
    }
    reply.bulk(key);
}
