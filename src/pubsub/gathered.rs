//! Messages that a core has published to its own connections and has yet to hand to them: they need not go through its inbox.
//!
//! ```text
//! frames   *3 message c 1 | *3 message c 2 | *3 message d 1 | ...
//! starts   where each frame begins
//! runs     c from the first frame on, d from the third, ...
//! ```
//!
//! Messages in a row to the same audience are one run, which each who hears it takes as a whole.
//!
//! **Order.** All who listen to a channel hear its messages in one order, that of the channel's lock. So a core hands over what it has gathered
//! before it reads its inbox, and gathers only while nothing waits there: what another core published before would come too late.

use super::{Heard, Name, Subject};
use crate::resp::Reply;
use std::ops::Range;

/// Bytes beyond which whoever publishes lets others go first: more than a turn gathers of short messages, since who has to stop in the midst of its
/// requests hears their replies in parts.
const CROWDED_BYTES: usize = 1024 * 1024;
/// The buffer is kept up to this size.
const KEPT_BYTES: usize = CROWDED_BYTES / 4;

/// See the module's description.
#[derive(Debug, Default)]
pub struct Gathered {
    frames: Vec<u8>,
    starts: Vec<usize>,
    runs: Vec<Head>,
}

/// What the messages of a run have in common.
#[derive(Debug)]
struct Head {
    subject: Subject,
    name: Name,
    /// Number of its first frame.
    first: usize,
    /// Of its last frame: the bytes before the payload, and the payload's.
    head_bytes: usize,
    payload_bytes: usize,
}

/// Messages to one audience.
#[derive(Debug)]
pub struct Run<'a> {
    /// What the receivers subscribed to.
    pub subject: Subject,
    /// The channel or pattern itself.
    pub name: &'a Name,
    frames: &'a [u8],
    /// Where each begins, and what that is to be counted from.
    starts: &'a [usize],
    base: usize,
}

impl Gathered {
    /// True when there is nothing to hand over.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// True when whoever publishes should let others go first.
    pub fn is_crowded(&self) -> bool {
        self.frames.len() > CROWDED_BYTES
    }

    pub(super) fn add(&mut self, heard: Heard<'_>) {
        let start = self.frames.len();
        let goes_on = self
            .runs
            .last()
            .is_some_and(|run| heard.is_to(run.subject, &run.name));
        if !goes_on {
            self.runs.push(Head {
                subject: heard.subject,
                name: heard.name.clone(),
                first: self.starts.len(),
                head_bytes: 0,
                payload_bytes: 0,
            });
        }
        let run = self.runs.last_mut().expect("one was just pushed");
        // Behind a pattern comes the channel, which may be another.
        if goes_on && heard.matched.is_none() && run.payload_bytes == heard.payload.len() {
            let before = self.starts[self.starts.len() - 1];
            self.frames
                .extend_from_within(before..before + run.head_bytes);
        } else {
            self.frames.push(b'*');
            heard.append_head(&mut self.frames);
            run.head_bytes = self.frames.len() - start;
            run.payload_bytes = heard.payload.len();
        }
        self.frames.extend_from_slice(heard.payload);
        self.frames.extend_from_slice(b"\r\n");
        self.starts.push(start);
    }

    /// The runs, in order.
    pub fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        self.runs.iter().enumerate().map(|(number, run)| {
            let next = self.runs.get(number + 1);
            let range = run.first..next.map_or(self.starts.len(), |next| next.first);
            let base = self.starts[range.start];
            let end = self.starts.get(range.end).copied();
            Run {
                subject: run.subject,
                name: &run.name,
                frames: &self.frames[base..end.unwrap_or(self.frames.len())],
                starts: &self.starts[range],
                base,
            }
        })
    }

    /// All was handed over.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.frames.shrink_to(KEPT_BYTES);
        self.starts.clear();
        self.runs.clear();
    }
}

impl Run<'_> {
    /// Writes the messages as pushes (RESP3) or arrays (RESP2).
    pub fn write(&self, reply: &mut Reply) {
        if !reply.is_resp3() {
            return reply.raw(self.frames);
        }
        for number in 0..self.starts.len() {
            reply.raw(b">");
            reply.raw(&self.frames[self.range(number)][1..]);
        }
    }

    fn range(&self, number: usize) -> Range<usize> {
        let end = self.starts.get(number + 1);
        let end = end.map_or(self.frames.len(), |end| end - self.base);
        self.starts[number] - self.base..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Version;

    fn heard<'a>(name: &'a Name, payload: &'a [u8]) -> Heard<'a> {
        Heard {
            subject: Subject::Channel,
            name,
            matched: None,
            payload,
        }
    }

    fn written(run: &Run<'_>, version: Version) -> String {
        let mut reply = Reply::new(version);
        run.write(&mut reply);
        String::from_utf8(reply.gathered(&mut Vec::new()).to_vec())
            .expect("what was published is ASCII")
    }

    #[test]
    fn messages_to_the_same_audience_are_one_run() {
        let (c, d): (Name, Name) = (b"c"[..].into(), b"d"[..].into());
        let mut gathered = Gathered::default();
        for (name, payload) in [(&c, "12"), (&c, "34"), (&c, "5"), (&d, "6"), (&c, "7")] {
            gathered.add(heard(name, payload.as_bytes()));
        }
        gathered.add(Heard {
            subject: Subject::Pattern,
            matched: Some(b"d"),
            ..heard(&c, b"8")
        });
        let runs: Vec<_> = gathered.runs().collect();
        let names: Vec<&[u8]> = runs.iter().map(|run| &run.name[..]).collect();
        assert_eq!(names, [b"c", b"d", b"c", b"c"]);
        let one = |channel: &str, payload: &str| {
            let bytes = payload.len();
            format!("3\r\n$7\r\nmessage\r\n$1\r\n{channel}\r\n${bytes}\r\n{payload}\r\n")
        };
        assert_eq!(
            written(&runs[0], Version::Resp2),
            format!("*{}*{}*{}", one("c", "12"), one("c", "34"), one("c", "5"))
        );
        assert_eq!(
            written(&runs[0], Version::Resp3),
            format!(">{}>{}>{}", one("c", "12"), one("c", "34"), one("c", "5"))
        );
        assert_eq!(
            written(&runs[1], Version::Resp3),
            format!(">{}", one("d", "6"))
        );
        assert_eq!(
            written(&runs[3], Version::Resp2),
            "*4\r\n$8\r\npmessage\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\n8\r\n"
        );
        gathered.clear();
        assert!(gathered.is_empty() && gathered.runs().next().is_none());
    }
}
