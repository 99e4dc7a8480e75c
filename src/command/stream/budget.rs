//! MAXCOUNT and MAXSIZE: what one reply of XREAD or XREADGROUP may hold, over all its streams.
//!
//! The first entry is always given; before each further one it is asked whether the reply is full. Its size is that on the wire, but for two heads
//! that Redis writes only when it knows what they are to say, that of the whole and that of the list under way. So a stream may be found to
//! have entries, and then have no room for any: it is told with an empty list. A full reply has no further streams.
//!
//! What is only read is [admitted](Budget::admit) before it is written; what is delivered is written, and the reply
//! [measured](Budget::has_room), entry by entry.

use crate::data::stream::EntryRef;
use crate::resp::Reply;

/// What is left for the rest of a reply.
#[derive(Debug)]
pub struct Budget {
    entries: u64,
    /// The size at which the reply is full.
    max_bytes: u64,
    bytes: u64,
    /// No entry has been told.
    is_fresh: bool,
    /// How much of the reply does not count.
    uncounted_bytes: usize,
}

impl Budget {
    /// That of a reply of so many entries and bytes, of which so many do not count.
    pub fn new(max_entries: Option<u64>, max_bytes: Option<u64>, uncounted_bytes: usize) -> Budget {
        Budget {
            entries: max_entries.unwrap_or(u64::MAX),
            max_bytes: max_bytes.unwrap_or(u64::MAX),
            bytes: 0,
            is_fresh: true,
            uncounted_bytes,
        }
    }

    /// Whether there is a bound at all.
    pub fn is_bounded(&self) -> bool {
        self.entries != u64::MAX || self.bounds_size()
    }

    /// Whether the size is bounded.
    pub fn bounds_size(&self) -> bool {
        self.max_bytes != u64::MAX
    }

    /// How many entries are left.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// True if no further entry is to be told, and no further stream to be looked at.
    pub fn is_spent(&self) -> bool {
        self.entries == 0 || (!self.is_fresh && self.bytes >= self.max_bytes)
    }

    /// Whether the reply as far as it is written has room for an entry.
    pub fn has_room(&mut self, reply: &Reply) -> bool {
        self.bytes = reply.len().saturating_sub(self.uncounted_bytes) as u64;
        !self.is_spent()
    }

    /// So many entries have been told.
    pub fn told(&mut self, entries: u64) {
        self.is_fresh &= entries == 0;
        if self.entries != u64::MAX {
            self.entries -= entries;
        }
    }

    /// How many of these entries the stream at `key` may tell; they count as told.
    pub fn admit<'e>(
        &mut self,
        is_resp3: bool,
        key: &[u8],
        entries: impl Iterator<Item = EntryRef<'e>>,
    ) -> u64 {
        let pair = if is_resp3 { 0 } else { head_bytes(2) };
        self.add(pair + bulk_bytes(key.len()));
        let mut count = 0;
        for entry in entries {
            if self.is_spent() {
                break;
            }
            self.told(1);
            count += 1;
            // Where no size is set there is no need to look into entries.
            if self.bounds_size() {
                self.add(entry_bytes(entry));
            }
        }
        self.add(head_bytes(count));
        count
    }

    fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// The size of an entry as it is written.
fn entry_bytes(entry: EntryRef<'_>) -> u64 {
    let fields = entry.fields();
    let heads =
        head_bytes(2) + bulk_bytes(entry.id.text().len()) + head_bytes(2 * fields.len() as u64);
    fields.fold(heads, |bytes, (name, value)| {
        bytes + bulk_bytes(name.len()) + bulk_bytes(value.len())
    })
}

/// The size of a bulk string of `len` bytes.
fn bulk_bytes(len: usize) -> u64 {
    head_bytes(len as u64) + len as u64 + 2
}

/// The size of a line that says a length: a sign, the digits, the line's end.
fn head_bytes(len: u64) -> u64 {
    3 + u64::from(len.checked_ilog10().unwrap_or(0) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::stream::{Id, Log, NodeLimits};

    /// Four entries of 31 bytes each.
    fn log() -> Log {
        let mut log = Log::default();
        for ms in 1..=4 {
            log.append(Id::new(ms, 0), &[(b"f", b"v")], NodeLimits::default());
        }
        log
    }

    fn admit(budget: &mut Budget, log: &Log) -> u64 {
        budget.admit(false, b"k", log.range(Id::MIN, Id::MAX))
    }

    #[test]
    fn entries_are_counted_over_all_streams() {
        let log = log();
        let mut budget = Budget::new(Some(6), None, 0);
        assert_eq!(admit(&mut budget, &log), 4);
        assert!(!budget.is_spent());
        assert_eq!(admit(&mut budget, &log), 2);
        assert!(budget.is_spent());
    }

    #[test]
    fn the_first_entry_is_always_given() {
        let log = log();
        let mut budget = Budget::new(None, Some(1), 0);
        assert_eq!(budget.admit(false, b"k", log.range(Id::MAX, Id::MAX)), 0);
        assert!(!budget.is_spent());
        assert_eq!(admit(&mut budget, &log), 1);
        assert!(budget.is_spent());
    }

    #[test]
    fn size_is_that_on_the_wire() {
        let log = log();
        for (is_resp3, heads) in [(false, 11), (true, 7)] {
            for (max_bytes, count) in [(heads + 31, 1), (heads + 32, 2), (heads + 3 * 31 + 1, 4)] {
                let mut budget = Budget::new(None, Some(max_bytes), 0);
                let all = log.range(Id::MIN, Id::MAX);
                assert_eq!(budget.admit(is_resp3, b"k", all), count, "{max_bytes}");
            }
        }
        // A stream whose own head fills the reply is told with nothing.
        let mut budget = Budget::new(None, Some(11 + 4 * 31 + 5), 0);
        assert_eq!(admit(&mut budget, &log), 4);
        assert!(!budget.is_spent());
        assert_eq!(admit(&mut budget, &log), 0);
    }

    #[test]
    fn a_written_reply_is_measured() {
        let mut reply = Reply::default();
        reply.raw(b"*1\r\n");
        let mut budget = Budget::new(None, Some(8), reply.len());
        reply.raw(b"12345678");
        assert!(budget.has_room(&reply));
        budget.told(1);
        assert!(!budget.has_room(&reply));
        assert!(Budget::new(None, Some(9), 4).has_room(&reply));
    }
}
