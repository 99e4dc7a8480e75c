//! Channels and patterns: who listens to what.
//!
//! Two levels. The registry, shared by all cores, knows how many subscribers each core has for a channel or pattern.
//! Each core's `Listeners` know which of its connections they are. PUBLISH hands one shared note to each interested core while it holds
//! the channel's stripe, so all subscribers of a channel see one order; the core fans out to its own connections when it reads its inbox.
//! To those of the publisher's own core the message goes past the inbox (`gathered`).
//! A client's `Subscriptions` keep both in step, and who kills the client takes it out of the first.
//!
//! Lock order: channel stripe, then patterns; both after keyspace stripes.

mod gathered;
mod listeners;
mod registry;
mod subscriptions;

pub use gathered::{Gathered, Run};
pub use listeners::{Audience, Listeners};
pub use registry::{Here, Registry, Subject};
pub use subscriptions::Subscriptions;

use crate::resp::Reply;
use bytes::Bytes;
use std::sync::Arc;

/// A channel or a pattern. All who listen to it share it.
pub type Name = Arc<[u8]>;

/// What is published.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Channel or shard channel.
    pub subject: Subject,
    /// Its name.
    pub channel: &'a [u8],
    /// What its subscribers are told.
    pub payload: &'a [u8],
}

/// A message on its way to the connections of one core.
#[derive(Clone, Debug)]
pub struct Note {
    /// What the receivers subscribed to.
    pub subject: Subject,
    /// The channel or pattern itself.
    pub name: Name,
    /// The frame without its type byte, which is `*` in RESP2 and `>` in RESP3.
    pub frame: Bytes,
}

impl Note {
    /// Writes the message as a push (RESP3) or an array (RESP2).
    pub fn write(&self, reply: &mut Reply) {
        reply.raw(if reply.is_resp3() { b">" } else { b"*" });
        reply.raw_shared(&self.frame);
    }
}

/// A message as those hear it who subscribed to `name`.
#[derive(Clone, Copy, Debug)]
struct Heard<'a> {
    subject: Subject,
    name: &'a Name,
    /// The channel, where `name` is a pattern.
    matched: Option<&'a [u8]>,
    payload: &'a [u8],
}

impl Heard<'_> {
    /// True if those who subscribed to `name` hear it.
    fn is_to(&self, subject: Subject, name: &Name) -> bool {
        // The registry gives out one and the same name as long as somebody listens to it.
        self.subject == subject && Arc::ptr_eq(self.name, name)
    }

    fn kind(&self) -> &'static [u8] {
        match self.subject {
            Subject::Channel => b"message",
            Subject::Pattern => b"pmessage",
            Subject::Shard => b"smessage",
        }
    }

    fn to_note(self) -> Note {
        // Exactly as much as is needed: so the vector becomes the shared buffer as it is.
        let line_bytes = |n: usize| 3 + n.checked_ilog10().map_or(1, |log| log as usize + 1);
        let bulk_bytes = |part: &[u8]| line_bytes(part.len()) + part.len() + 2;
        let parts = [self.kind(), self.name, self.payload].map(bulk_bytes);
        let bytes = 3 + parts.iter().sum::<usize>() + self.matched.map_or(0, bulk_bytes);
        let mut frame = Vec::with_capacity(bytes);
        self.append_head(&mut frame);
        frame.extend_from_slice(self.payload);
        frame.extend_from_slice(b"\r\n");
        debug_assert_eq!(frame.len(), bytes);
        Note {
            subject: self.subject,
            name: self.name.clone(),
            frame: Bytes::from(frame),
        }
    }

    /// Appends the frame without its type byte, up to the payload.
    fn append_head(&self, frame: &mut Vec<u8>) {
        let mut digits = itoa::Buffer::new();
        frame.push(if self.matched.is_some() { b'4' } else { b'3' });
        frame.extend_from_slice(b"\r\n");
        for part in [Some(self.kind()), Some(self.name), self.matched]
            .into_iter()
            .flatten()
        {
            frame.push(b'$');
            frame.extend_from_slice(digits.format(part.len()).as_bytes());
            frame.extend_from_slice(b"\r\n");
            frame.extend_from_slice(part);
            frame.extend_from_slice(b"\r\n");
        }
        frame.push(b'$');
        frame.extend_from_slice(digits.format(self.payload.len()).as_bytes());
        frame.extend_from_slice(b"\r\n");
    }
}
