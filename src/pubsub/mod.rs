//! Channels and patterns: who listens to what.
//!
//! Two levels. The registry, shared by all cores, knows how many subscribers each core has for a channel or pattern.
//! Each core's `Listeners` know which of its connections they are. PUBLISH encodes once and hands one shared note to each
//! interested core while it holds the channel's stripe, so all subscribers of a channel see one order; the core fans out to its
//! own connections when it reads its inbox. A client's `Subscriptions` keep both in step, and who kills the client takes it out of the first.
//!
//! Lock order: channel stripe, then patterns; both after keyspace stripes.

mod listeners;
mod registry;
mod subscriptions;

pub use listeners::{Audience, Listeners};
pub use registry::{Registry, Subject};
pub use subscriptions::Subscriptions;

use crate::resp::Reply;
use bytes::Bytes;
use std::sync::Arc;

/// A channel or a pattern. All who listen to it share it.
pub type Name = Arc<[u8]>;

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
    fn message(kind: &[u8], subject: Subject, channel: &Name, payload: &[u8]) -> Self {
        Note {
            subject,
            name: channel.clone(),
            frame: frame(&[kind, channel, payload]),
        }
    }

    fn pattern(pattern: &Name, channel: &[u8], payload: &[u8]) -> Self {
        Note {
            subject: Subject::Pattern,
            name: pattern.clone(),
            frame: frame(&[b"pmessage", pattern, channel, payload]),
        }
    }

    /// Writes the message as a push (RESP3) or an array (RESP2).
    pub fn write(&self, reply: &mut Reply) {
        reply.raw(if reply.is_resp3() { b">" } else { b"*" });
        reply.raw_shared(&self.frame);
    }
}

fn frame(parts: &[&[u8]]) -> Bytes {
    // Exactly as much as is needed: so the vector becomes the shared buffer as it is.
    let line_bytes = |n: usize| 3 + n.checked_ilog10().map_or(1, |log| log as usize + 1);
    let bulk_bytes = |part: &&[u8]| line_bytes(part.len()) + part.len() + 2;
    let bytes = line_bytes(parts.len()) - 1 + parts.iter().map(bulk_bytes).sum::<usize>();
    let mut frame = Vec::with_capacity(bytes);
    let mut digits = itoa::Buffer::new();
    frame.extend_from_slice(digits.format(parts.len()).as_bytes());
    frame.extend_from_slice(b"\r\n");
    for part in parts {
        frame.push(b'$');
        frame.extend_from_slice(digits.format(part.len()).as_bytes());
        frame.extend_from_slice(b"\r\n");
        frame.extend_from_slice(part);
        frame.extend_from_slice(b"\r\n");
    }
    debug_assert_eq!(frame.len(), bytes);
    Bytes::from(frame)
}
