//! Standing retention: what a stream's policy does not let it keep, or take.
//!
//! Limits of length and bytes bind the number of entries and the bytes of their names and values; a last entry stays, whatever it
//! takes. With `References::Acked` the oldest entries that no group needs go, and the others stay beyond the limits until they are settled.

use super::Stream;
use super::group::Group;
use super::id::Id;
use super::policy::StreamPolicy;
use super::trim::{References, Trim, TrimTo, Trimmed};

/// How far groups have settled what they read. While it is the same, nothing else has become free to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settled {
    read_by_all: Id,
    settlements: u64,
    groups: usize,
}

/// Entries that one look asks at most whether a group needs them, so that it takes a millisecond or so.
const ASKED_PER_LOOK: usize = 8192;

/// A round over the entries that are too old, those that a group needs included, in stretches of one look each.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sweep {
    /// Where it goes on.
    next: Id,
    /// What was settled when it began.
    began_at: Option<Settled>,
    /// All that was too old by then has been asked.
    is_over: bool,
}

impl Sweep {
    /// True in the midst of a round.
    pub fn is_under_way(&self) -> bool {
        self.began_at.is_some() && !self.is_over
    }
}

impl StreamPolicy {
    /// True if it limits what the stream keeps.
    #[inline]
    pub fn retains(&self) -> bool {
        self.max_len | self.max_age_ms | self.max_bytes != 0
    }

    fn limits_size(&self) -> bool {
        self.max_len | self.max_bytes != 0
    }

    /// True if entries may go without anything being added.
    pub fn acts_by_itself(&self) -> bool {
        self.max_age_ms > 0 || (self.references == References::Acked && self.limits_size())
    }

    /// True if a stream of `len` entries with `bytes` has more than it may.
    fn is_exceeded(&self, len: u64, bytes: u64) -> bool {
        (self.max_len > 0 && len > self.max_len) || (self.max_bytes > 0 && bytes > self.max_bytes)
    }
}

impl Stream {
    /// True if an entry of `bytes` is refused. One that is to be `scheduled` finds those that are scheduled before it.
    pub fn refuses(&self, bytes: u64, scheduled: bool) -> bool {
        let (waiting, waiting_bytes) = match scheduled {
            true => (self.schedule.len() as u64, self.schedule.payload_bytes()),
            false => (0, 0),
        };
        let (len, held) = (self.log.len() + waiting, self.log.bytes() + waiting_bytes);
        self.policy.rejects && self.policy.is_exceeded(len + 1, held + bytes)
    }

    /// True if it has more entries or bytes than its policy lets it keep.
    pub fn exceeds_its_size(&self) -> bool {
        !self.policy.rejects
            && self.log.len() > 1
            && self.policy.is_exceeded(self.log.len(), self.log.bytes())
    }

    /// Drops what is beyond the limits of length and bytes, as far as one addition may be held up for it.
    #[inline]
    pub fn drop_excess(&mut self) -> Trimmed {
        /// Entries that are asked whether a group needs them.
        const MOST_ASKED: usize = 1024;
        self.drop_excess_among(MOST_ASKED)
    }

    /// Drops all that is beyond the limits of length and bytes.
    pub fn drop_all_excess(&mut self) -> Trimmed {
        self.drop_excess_among(usize::MAX)
    }

    #[inline]
    fn drop_excess_among(&mut self, most_asked: usize) -> Trimmed {
        if !self.exceeds_its_size() {
            return Trimmed::default();
        }
        match self.policy.references {
            References::Acked => self.drop_settled_excess(most_asked),
            references => {
                let left = self.log.len() - self.excess();
                self.trim(&exactly(TrimTo::MaxLen(left), references))
            }
        }
    }

    /// How many of the oldest entries are too many.
    fn excess(&self) -> u64 {
        let (mut len, mut bytes) = (self.log.len(), self.log.bytes());
        for entry in self.log.range(Id::MIN, Id::MAX) {
            if len == 1 || !self.policy.is_exceeded(len, bytes) {
                break;
            }
            len -= 1;
            bytes -= entry.payload_bytes();
        }
        self.log.len() - len
    }

    /// Drops entries that no group needs, of the oldest `most_asked`, until the rest is within the limits. Says at once that there are none
    /// while there can be none.
    fn drop_settled_excess(&mut self, most_asked: usize) -> Trimmed {
        let settled = self.settled();
        if self.exhausted_at == Some(settled) {
            return Trimmed::default();
        }
        let (trimmed, asked) = self.drop_settled(most_asked);
        let is_exhausted = asked < most_asked && self.exceeds_its_size();
        self.exhausted_at = is_exhausted.then_some(settled);
        trimmed
    }

    /// Says what went, and how many entries were asked.
    fn drop_settled(&mut self, most_asked: usize) -> (Trimmed, usize) {
        /// Ids that are looked at before what is to go goes.
        const IDS_AT_ONCE: usize = 128;
        let end = self.read_by_all();
        let (mut start, mut asked) = (Some(Id::MIN), 0);
        let (mut trimmed, mut stayed) = (Trimmed::default(), false);
        while let Some(from) = start.filter(|_| asked < most_asked) {
            let entries = self.log.range(from, end).take(IDS_AT_ONCE);
            let ids: Vec<Id> = entries.map(|entry| entry.id).collect();
            start = ids.last().and_then(|last| last.next());
            asked += ids.len();
            for id in ids {
                if !self.exceeds_its_size() {
                    return (trimmed, asked);
                }
                self.drop_if_free(id, &mut trimmed, &mut stayed);
            }
        }
        (trimmed, asked)
    }

    fn settled(&self) -> Settled {
        let groups = self.groups.values();
        Settled {
            read_by_all: self.read_by_all(),
            settlements: groups.map(Group::settlements).sum(),
            groups: self.groups.len(),
        }
    }

    /// Drops the entries that are too old at `now_ms`; those that groups may need one stretch at a time.
    #[inline]
    pub fn drop_outlived(&mut self, now_ms: u64) -> Trimmed {
        match self.outlived_below_ms(now_ms) {
            Some(ms) if self.log.first_id().ms < ms && !self.log.is_empty() => {
                let (to, references) = (Id::new(ms, 0), self.policy.references);
                match references {
                    References::Acked => self.sweep_outlived(to, ASKED_PER_LOOK),
                    _ => self.trim(&exactly(TrimTo::MinId(to), references)),
                }
            }
            _ => Trimmed::default(),
        }
    }

    /// Drops those entries below `to` that no group needs, `most_asked` of them at most. Those that were needed are asked again when
    /// something has been settled since.
    fn sweep_outlived(&mut self, to: Id, most_asked: usize) -> Trimmed {
        let ids = self.next_stretch(to, most_asked);
        let mut stayed = ids.first().is_some_and(|&id| id > self.log.first_id());
        let mut trimmed = Trimmed::default();
        for id in ids {
            self.drop_if_free(id, &mut trimmed, &mut stayed);
        }
        trimmed
    }

    /// The entries that a sweep asks next.
    fn next_stretch(&mut self, to: Id, most_asked: usize) -> Vec<Id> {
        let settled = self.settled();
        let is_new = self.sweep.is_over && self.sweep.began_at != Some(settled);
        let mut sweep = if is_new { Sweep::default() } else { self.sweep };
        sweep.began_at = sweep.began_at.or(Some(settled));
        let end = to.prev().unwrap_or(Id::MIN).min(self.read_by_all());
        let entries = self.log.range(sweep.next, end).take(most_asked);
        let ids: Vec<Id> = entries.map(|entry| entry.id).collect();
        sweep.is_over = ids.len() < most_asked;
        let last_asked = ids.last().and_then(|last| last.next());
        sweep.next = last_asked.unwrap_or(sweep.next);
        self.sweep = sweep;
        ids
    }

    /// Drops an entry that all groups have read, if none has it pending; otherwise it has stayed.
    fn drop_if_free(&mut self, id: Id, trimmed: &mut Trimmed, stayed: &mut bool) {
        if self.is_pending(id) {
            *stayed = true;
        } else {
            self.log.remove(id);
            trimmed.add(id, *stayed);
        }
    }

    fn outlived_below_ms(&self, now_ms: u64) -> Option<u64> {
        let max_age_ms = Some(self.policy.max_age_ms).filter(|&ms| ms > 0)?;
        now_ms.checked_sub(max_age_ms)
    }

    /// When the first entry is too old.
    pub fn first_outlived_ms(&self) -> Option<u64> {
        if self.policy.max_age_ms == 0 || self.log.is_empty() {
            return None;
        }
        let last_ms = self
            .log
            .first_id()
            .ms
            .saturating_add(self.policy.max_age_ms);
        Some(last_ms.saturating_add(1))
    }
}

fn exactly(to: TrimTo, references: References) -> Trim {
    Trim {
        to,
        approximate: false,
        limit: 0,
        references,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::stream::{Delivery, NodeLimits};

    fn stream(policy: StreamPolicy, entries: u64) -> Stream {
        let mut stream = Stream {
            policy,
            ..Stream::new()
        };
        (1..=entries).for_each(|ms| add(&mut stream, ms, 9));
        stream
    }

    /// Adds an entry of `bytes`, one of which is its name.
    fn add(stream: &mut Stream, ms: u64, bytes: usize) {
        let value = vec![b'v'; bytes - 1];
        let limits = NodeLimits {
            max_entries: 3,
            max_bytes: 0,
        };
        stream.log.append(Id::new(ms, 0), &[(b"n", &value)], limits);
    }

    fn all_ms(stream: &Stream) -> Vec<u64> {
        let entries = stream.log.range(Id::MIN, Id::MAX);
        entries.map(|entry| entry.id.ms).collect()
    }

    fn read_all(stream: &mut Stream, pending: &[u64]) {
        let group = group_that_read(stream.log.last_id().ms, pending);
        stream.groups.insert(b"g"[..].into(), group);
    }

    fn group_that_read(last_ms: u64, pending: &[u64]) -> Group {
        let mut group = Group::new(Id::new(last_ms, 0), None);
        let consumer = group.add_consumer(b"c", 0);
        for &ms in pending {
            group.deliver(Delivery {
                id: Id::new(ms, 0),
                time_ms: 0,
                count: 1,
                consumer,
            });
        }
        group
    }

    #[test]
    fn the_oldest_go_until_length_and_bytes_are_within_their_limits() {
        let policy = StreamPolicy {
            max_len: 8,
            max_bytes: 50,
            ..StreamPolicy::default()
        };
        let mut stream = stream(policy, 10);
        assert_eq!(stream.log.bytes(), 90);
        assert_eq!(stream.drop_excess().count, 5);
        assert_eq!((stream.log.len(), stream.log.bytes()), (5, 45));
        assert_eq!(stream.drop_excess().count, 0);
        add(&mut stream, 11, 1000);
        assert_eq!(stream.drop_excess().count, 5);
        assert_eq!(all_ms(&stream), [11], "the newest stays");
        assert_eq!(stream.drop_excess().count, 0);
    }

    #[test]
    fn references_go_with_what_they_refer_to_if_they_are_to() {
        let policy = StreamPolicy {
            max_len: 2,
            references: References::Delete,
            ..StreamPolicy::default()
        };
        let mut stream = stream(policy, 10);
        read_all(&mut stream, &[1, 4, 8, 9]);
        assert_eq!(stream.drop_excess().count, 8);
        assert_eq!(stream.groups[&b"g"[..]].pending_len(), 1);
    }

    #[test]
    fn what_a_group_needs_stays_until_it_is_settled() {
        let policy = StreamPolicy {
            max_len: 4,
            references: References::Acked,
            ..StreamPolicy::default()
        };
        let mut stream = stream(policy, 10);
        read_all(&mut stream, &[1, 2, 3, 5, 6, 9]);
        assert_eq!(stream.drop_excess().count, 4);
        assert_eq!(all_ms(&stream), [1, 2, 3, 5, 6, 9]);
        assert_eq!(stream.drop_excess(), Trimmed::default());
        stream.groups.get_mut(&b"g"[..]).unwrap().ack(Id::new(5, 0));
        let one = Trimmed {
            count: 1,
            behind: vec![Id::new(5, 0)],
            ..Trimmed::default()
        };
        assert_eq!(stream.drop_excess(), one);
        add(&mut stream, 11, 9);
        assert_eq!(stream.drop_excess().count, 0, "11 is unread");
        stream.groups.clear();
        assert_eq!(stream.drop_excess().count, 2);
        assert_eq!(all_ms(&stream), [3, 6, 9, 11]);
    }

    #[test]
    fn what_is_too_old_goes() {
        let policy = StreamPolicy {
            max_age_ms: 5,
            ..StreamPolicy::default()
        };
        let mut stream = stream(policy, 10);
        assert_eq!(stream.first_outlived_ms(), Some(7));
        assert_eq!(stream.drop_outlived(6).count, 0);
        assert_eq!(stream.drop_outlived(7).count, 1);
        assert_eq!(stream.drop_outlived(100).count, 9);
        assert_eq!(stream.first_outlived_ms(), None);
    }

    #[test]
    fn what_is_too_old_and_needed_is_asked_in_stretches_and_again_when_something_is_settled() {
        let policy = StreamPolicy {
            max_age_ms: 1,
            references: References::Acked,
            ..StreamPolicy::default()
        };
        let mut stream = stream(policy, 10);
        read_all(&mut stream, &[1, 2, 3, 7]);
        let to = Id::new(9, 0);
        let sweep = |stream: &mut Stream, to| {
            let count = stream.sweep_outlived(to, 4).count;
            (count, stream.sweep.is_under_way())
        };
        assert_eq!(sweep(&mut stream, to), (1, true), "of 1 to 4");
        assert_eq!(sweep(&mut stream, to), (3, true), "of 5 to 8");
        assert_eq!(sweep(&mut stream, to), (0, false));
        assert_eq!(all_ms(&stream), [1, 2, 3, 7, 9, 10]);
        assert_eq!(sweep(&mut stream, to), (0, false), "nothing was settled");
        stream.groups.get_mut(&b"g"[..]).unwrap().ack(Id::new(2, 0));
        assert_eq!(sweep(&mut stream, to), (1, true));
        assert_eq!(sweep(&mut stream, to), (0, false));
        assert_eq!(sweep(&mut stream, Id::new(10, 0)), (1, false), "9 has aged");
        assert_eq!(all_ms(&stream), [1, 3, 7, 10]);
    }

    #[test]
    fn a_replay_drops_what_a_sweep_did_whatever_is_settled_in_its_midst() {
        let policy = StreamPolicy {
            max_age_ms: 1,
            references: References::Acked,
            ..StreamPolicy::default()
        };
        let (mut live, mut replayed) = (stream(policy.clone(), 20), stream(policy, 20));
        let mut sweep = |settled: &[u64]| {
            for stream in [&mut live, &mut replayed] {
                let group = stream.groups.entry(b"g"[..].into());
                let group = group.or_insert_with(|| group_that_read(20, &[1, 2, 3, 5, 6, 9, 13]));
                for &ms in settled {
                    group.ack(Id::new(ms, 0));
                }
            }
            let went = live.sweep_outlived(Id::new(16, 0), 4);
            let left = TrimTo::MaxLen(live.log.len() + went.behind.len() as u64);
            replayed.trim(&exactly(left, References::Keep));
            for &id in &went.behind {
                replayed.delete(id, References::Keep);
            }
            assert_eq!(all_ms(&live), all_ms(&replayed));
            all_ms(&live)
        };
        assert_eq!(sweep(&[])[..4], [1, 2, 3, 5], "4 has gone");
        assert_eq!(sweep(&[2])[..5], [1, 2, 3, 5, 6], "2 has stayed");
        for _ in 0..3 {
            sweep(&[]);
        }
        assert_eq!(sweep(&[])[..5], [1, 3, 5, 6, 9]);
    }

    #[test]
    fn a_full_stream_refuses_and_drops_nothing() {
        let policy = StreamPolicy {
            max_len: 3,
            max_bytes: 40,
            rejects: true,
            ..StreamPolicy::default()
        };
        let mut stream = stream(policy, 2);
        assert!(!stream.refuses(22, false) && stream.refuses(23, false));
        assert!(stream.schedule.add(Id::new(20, 0), &[(b"n", b"v")]));
        assert!(!stream.refuses(1, false) && stream.refuses(1, true));
        (3..=9).for_each(|ms| add(&mut stream, ms, 9));
        assert_eq!(stream.drop_excess().count, 0);
        assert!(stream.refuses(0, false));
    }
}
