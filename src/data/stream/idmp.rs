//! Idempotent production (IDMP): what a stream remembers of its producers' messages, so that a message sent twice is added once.
//!
//! A producer has an id (pid), and gives each message one (iid); the stream notes which entry the message became. Of each producer it remembers the
//! latest messages in the order in which they came: so many at most, and from the front none whose entry is older than so long. A
//! message is forgotten when its time is over, whether it has been dropped yet or not; so copies of a stream agree at any time.
//!
//! ```text
//!   pid -> [ oldest .. newest ]   forgotten from the left, by time or because there are too many
//!   pid -> [ ... ]                a producer of whom nothing is remembered is gone
//! ```
//!
//! A stream that never heard of it holds one null pointer. A freeze shares all; the first write afterwards copies the list of producers, and
//! of those only the one that is written to.
//!
//! Knows no clock: a *horizon* comes in, the time up to which entries are old (Unix milliseconds, as in their ids), or none if nothing is.

use ahash::RandomState;
use hashbrown::HashTable;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

use super::Field;
use super::id::Id;

/// What is remembered, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct IdmpCounts {
    /// Producers of whom messages are remembered.
    pub producers: u64,
    /// Those messages.
    pub messages: u64,
    /// Messages there ever were.
    pub added: u64,
    /// How often one came again.
    pub duplicates: u64,
}

/// See the head of this file.
#[derive(Clone, Debug, Default)]
pub struct Idmp(Option<Box<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    added: u64,
    duplicates: u64,
    producers: Arc<Producers>,
    /// No message is older, by the entry that it became.
    oldest_ms: Option<u64>,
}

type Producers = BTreeMap<Arc<[u8]>, Arc<Producer>>;

impl Idmp {
    /// Whether nothing tells it from that of a stream whose producers are anonymous.
    pub fn is_unused(&self) -> bool {
        self.0.as_ref().is_none_or(|state| {
            [state.added, state.duplicates] == [0, 0] && state.producers.is_empty()
        })
    }

    /// Forgets all messages, as if time had.
    pub fn forget_all(&mut self) {
        if let Some(state) = &mut self.0 {
            state.producers = Arc::default();
            state.oldest_ms = None;
        }
    }

    /// The entry that a message became, if it is remembered.
    pub fn find(&mut self, pid: &[u8], iid: &[u8], horizon_ms: Option<u64>) -> Option<Id> {
        let state = self.0.as_mut()?;
        let producer = state.producers.get(pid)?;
        if producer.begins_by(horizon_ms) {
            state.change(pid, |producer| producer.forget_by(horizon_ms));
        }
        state.producers.get(pid)?.find(iid)
    }

    /// Remembers that a message became this entry. If the message is remembered already, it was forgotten when this was noted first, and with it
    /// all before it.
    pub fn record(&mut self, pid: &[u8], iid: &[u8], id: Id, max_size: u64) {
        let state = self.state();
        state.added += 1;
        state.oldest_ms = Some(state.oldest_ms.map_or(id.ms, |ms| ms.min(id.ms)));
        state.change(pid, |producer| {
            producer.forget_through(iid);
            producer.push(iid, id);
            if producer.messages.len() as u64 > max_size {
                producer.forget_first();
            }
        });
    }

    /// A message came again.
    pub fn count_duplicate(&mut self) {
        self.state().duplicates += 1;
    }

    /// Says how many messages there ever were, and how often one came again.
    pub fn set_totals(&mut self, added: u64, duplicates: u64) {
        if added != 0 || duplicates != 0 || self.0.is_some() {
            let state = self.state();
            (state.added, state.duplicates) = (added, duplicates);
        }
    }

    /// Drops what is forgotten.
    pub fn expire(&mut self, horizon_ms: Option<u64>) {
        let Some(state) = self.0.as_mut() else {
            return;
        };
        let is_due = |oldest_ms| horizon_ms.is_some_and(|horizon_ms| oldest_ms <= horizon_ms);
        if !state.oldest_ms.is_some_and(is_due) {
            return;
        }
        let begins_by = |producer: &Producer| producer.begins_by(horizon_ms);
        Arc::make_mut(&mut state.producers).retain(|_, producer| {
            if begins_by(producer) {
                Arc::make_mut(producer).forget_by(horizon_ms);
            }
            !producer.messages.is_empty()
        });
        let firsts = state.producers.values();
        let firsts = firsts.filter_map(|producer| producer.messages.front());
        state.oldest_ms = firsts.map(|message| message.id.ms).min();
    }

    /// The least time of an entry that a producer's first message became, or less: no message is forgotten before.
    pub fn oldest_ms(&self) -> Option<u64> {
        self.0.as_ref()?.oldest_ms
    }

    /// What is remembered, in numbers.
    pub fn counts(&self, horizon_ms: Option<u64>) -> IdmpCounts {
        let Some(state) = self.0.as_ref() else {
            return IdmpCounts::default();
        };
        let mut counts = IdmpCounts {
            added: state.added,
            duplicates: state.duplicates,
            ..IdmpCounts::default()
        };
        for (_, messages) in self.remembered(horizon_ms) {
            counts.producers += 1;
            counts.messages += messages.count() as u64;
        }
        counts
    }

    /// The producers, in order of their ids, each with its messages, oldest first, and what they became.
    pub fn remembered(
        &self,
        horizon_ms: Option<u64>,
    ) -> impl Iterator<Item = (&[u8], impl ExactSizeIterator<Item = (&[u8], Id)>)> {
        let state = self.0.as_ref();
        let producers = state.into_iter().flat_map(|state| state.producers.iter());
        producers.filter_map(move |(pid, producer)| {
            let forgotten = producer.forgotten_by(horizon_ms);
            let messages = producer.messages.range(forgotten..);
            let pairs = messages.map(|message| (&*message.iid, message.id));
            (pairs.len() > 0).then_some((&**pid, pairs))
        })
    }

    /// A copy that later writes do not change.
    pub fn freeze(&mut self) -> Idmp {
        self.clone()
    }

    /// Producers that something is kept of.
    pub fn producers_len(&self) -> usize {
        self.0.as_ref().map_or(0, |state| state.producers.len())
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        const ARC_BYTES: usize = 2 * size_of::<usize>();
        let Some(state) = self.0.as_ref() else {
            return 0;
        };
        let each = 2 * ARC_BYTES + size_of::<(Arc<[u8]>, Arc<Producer>)>() + size_of::<Producer>();
        let producers = state.producers.iter();
        let producers = producers.map(|(pid, producer)| each + pid.len() + producer.heap_bytes());
        size_of::<State>() + ARC_BYTES + size_of::<Producers>() + producers.sum::<usize>()
    }

    fn state(&mut self) -> &mut State {
        self.0.get_or_insert_default()
    }
}

impl State {
    /// Changes what is known of a producer, which comes and goes with its messages.
    fn change(&mut self, pid: &[u8], change: impl FnOnce(&mut Producer)) {
        let producers = Arc::make_mut(&mut self.producers);
        if let Some(producer) = producers.get_mut(pid) {
            let producer = Arc::make_mut(producer);
            change(producer);
            if producer.messages.is_empty() {
                producers.remove(pid);
            }
            return;
        }
        let mut producer = Producer::default();
        change(&mut producer);
        if !producer.messages.is_empty() {
            producers.insert(pid.into(), Arc::new(producer));
        }
    }
}

/// A producer's messages.
#[derive(Clone, Debug, Default)]
struct Producer {
    /// Oldest first.
    messages: VecDeque<Message>,
    /// The number of the first of them, counted from the producer's first.
    first: u64,
    /// The numbers of the messages, by their ids.
    numbers: HashTable<u64>,
    hasher: RandomState,
    /// Bytes of all ids.
    iid_bytes: usize,
}

#[derive(Clone, Debug)]
struct Message {
    iid: Box<[u8]>,
    id: Id,
}

impl Producer {
    fn find(&self, iid: &[u8]) -> Option<Id> {
        let at = self.position(iid)?;
        Some(self.messages[at].id)
    }

    fn position(&self, iid: &[u8]) -> Option<usize> {
        let at = |number: &u64| (number - self.first) as usize;
        let hash = self.hasher.hash_one(iid);
        let found = self
            .numbers
            .find(hash, |number| *self.messages[at(number)].iid == *iid);
        found.map(at)
    }

    fn push(&mut self, iid: &[u8], id: Id) {
        let number = self.first + self.messages.len() as u64;
        self.messages.push_back(Message {
            iid: iid.into(),
            id,
        });
        self.iid_bytes += iid.len();
        let Producer {
            messages,
            first,
            numbers,
            hasher,
            ..
        } = self;
        numbers.insert_unique(hasher.hash_one(iid), number, |&number| {
            hasher.hash_one(&*messages[(number - *first) as usize].iid)
        });
    }

    fn forget_first(&mut self) {
        let Some(message) = self.messages.pop_front() else {
            return;
        };
        let hash = self.hasher.hash_one(&*message.iid);
        if let Ok(found) = self
            .numbers
            .find_entry(hash, |&number| number == self.first)
        {
            found.remove();
        }
        self.iid_bytes -= message.iid.len();
        self.first += 1;
    }

    fn forget_through(&mut self, iid: &[u8]) {
        for _ in 0..self.position(iid).map_or(0, |at| at + 1) {
            self.forget_first();
        }
    }

    fn forget_by(&mut self, horizon_ms: Option<u64>) {
        for _ in 0..self.forgotten_by(horizon_ms) {
            self.forget_first();
        }
    }

    /// How many of the first messages are forgotten when what became entries up to this time is.
    fn forgotten_by(&self, horizon_ms: Option<u64>) -> usize {
        let Some(horizon_ms) = horizon_ms else {
            return 0;
        };
        let is_old = |message: &&Message| message.id.ms <= horizon_ms;
        self.messages.iter().take_while(is_old).count()
    }

    /// Whether some are.
    fn begins_by(&self, horizon_ms: Option<u64>) -> bool {
        let first = self.messages.front();
        first.is_some_and(|first| horizon_ms.is_some_and(|horizon_ms| first.id.ms <= horizon_ms))
    }

    fn heap_bytes(&self) -> usize {
        self.messages.capacity() * size_of::<Message>()
            + self.numbers.allocation_size()
            + self.iid_bytes
    }
}

/// Bytes of an iid that is made of an entry.
pub const FIELDS_IID_BYTES: usize = 16;

/// The iid of a message that brings none: a hash of its fields, whatever their order. Redis keeps the same in its files.
///
/// ```text
///   pair    XXH3-128 of: name | length of the name, u64 | value
///   iid     low(sum) xor rotl(high(xor), 1) | high(sum) xor rotl(low(xor), 1)
///           sum and xor of the halves of all pairs; two u64, little endian
/// ```
pub fn iid_of_fields(fields: &[Field<'_>]) -> [u8; FIELDS_IID_BYTES] {
    let (mut sums, mut xors) = ([0u64; 2], [0u64; 2]);
    for (name, value) in fields {
        let mut hasher = Xxh3::new();
        hasher.update(name);
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(value);
        let hash = hasher.digest128();
        for (half, bits) in [hash as u64, (hash >> 64) as u64].into_iter().enumerate() {
            sums[half] = sums[half].wrapping_add(bits);
            xors[half] ^= bits;
        }
    }
    let low = sums[0] ^ xors[1].rotate_left(1);
    let high = sums[1] ^ xors[0].rotate_left(1);
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(ms: u64) -> Id {
        Id::new(ms, 0)
    }

    /// With messages of `p` by name and time, and room for so many.
    fn remembering(max_size: u64, messages: &[(&[u8], u64)]) -> Idmp {
        let mut idmp = Idmp::default();
        for (iid, ms) in messages {
            idmp.record(b"p", iid, id(*ms), max_size);
        }
        idmp
    }

    /// All that is remembered, as text.
    fn told(idmp: &Idmp, horizon_ms: u64) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let producers = idmp.remembered(Some(horizon_ms)).map(|(pid, messages)| {
            let messages: Vec<String> = messages
                .map(|(iid, id)| format!("{}={}", text(iid), id.ms))
                .collect();
            format!("{}[{}]", text(pid), messages.join(" "))
        });
        producers.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_message_is_found_with_its_producer() {
        let mut idmp = Idmp::default();
        assert!(idmp.is_unused());
        assert_eq!(idmp.find(b"p", b"i", None), None);
        for (pid, iid, ms) in [(b"p", b"i", 5), (b"p", b"j", 6), (b"q", b"i", 7)] {
            idmp.record(pid, iid, id(ms), 9);
        }
        assert_eq!(idmp.find(b"p", b"i", None), Some(id(5)));
        assert_eq!(idmp.find(b"q", b"i", None), Some(id(7)));
        assert_eq!(idmp.find(b"q", b"j", None), None);
        idmp.count_duplicate();
        let counts = IdmpCounts {
            producers: 2,
            messages: 3,
            added: 3,
            duplicates: 1,
        };
        assert_eq!(idmp.counts(None), counts);
        assert!(!idmp.is_unused());
        idmp.forget_all();
        assert_eq!(told(&idmp, 0), "");
        assert_eq!(idmp.counts(None).added, 3);
    }

    #[test]
    fn the_oldest_are_forgotten_when_there_are_too_many() {
        let mut idmp = remembering(2, &[(b"a", 1), (b"b", 2), (b"c", 3)]);
        assert_eq!(told(&idmp, 0), "p[b=2 c=3]");
        assert_eq!(idmp.find(b"p", b"a", None), None);
        assert_eq!(idmp.counts(None).added, 3);
    }

    #[test]
    fn time_forgets_from_the_front() {
        let mut idmp = remembering(9, &[(b"a", 10), (b"b", 15), (b"c", 12), (b"d", 19)]);
        idmp.record(b"q", b"a", id(11), 9);
        assert_eq!(idmp.oldest_ms(), Some(10));
        let at = [
            (9, "p[a=10 b=15 c=12 d=19] q[a=11]"),
            (10, "p[b=15 c=12 d=19] q[a=11]"),
            // What is old but behind a younger one is still remembered.
            (13, "p[b=15 c=12 d=19]"),
            (15, "p[d=19]"),
            (19, ""),
        ];
        for (horizon_ms, remembered) in at {
            assert_eq!(told(&idmp, horizon_ms), remembered);
            let mut expired = idmp.clone();
            expired.expire(Some(horizon_ms));
            assert_eq!(told(&expired, 0), remembered);
            let counts = expired.counts(None);
            assert_eq!(expired.producers_len() as u64, counts.producers);
            let found = |iid| idmp.clone().find(b"p", iid, Some(horizon_ms)).is_some();
            assert_eq!(
                [found(b"d"), found(b"c")],
                [horizon_ms < 19, horizon_ms < 15]
            );
        }
    }

    #[test]
    fn a_message_recorded_again_had_been_forgotten_and_all_before_it() {
        let mut idmp = remembering(9, &[(b"a", 1), (b"b", 2), (b"c", 3), (b"b", 4)]);
        assert_eq!(told(&idmp, 0), "p[c=3 b=4]");
        assert_eq!(idmp.find(b"p", b"b", None), Some(id(4)));
    }

    #[test]
    fn a_frozen_copy_keeps_what_it_had() {
        let mut idmp = remembering(3, &[(b"a", 1)]);
        idmp.record(b"q", b"a", id(2), 3);
        let frozen = idmp.freeze();
        let shared = |idmp: &Idmp| Arc::as_ptr(&idmp.0.as_ref().unwrap().producers[&b"q"[..]]);
        idmp.record(b"p", b"b", id(3), 3);
        assert_eq!(told(&frozen, 0), "p[a=1] q[a=2]");
        assert_eq!(told(&idmp, 0), "p[a=1 b=3] q[a=2]");
        assert_eq!(shared(&frozen), shared(&idmp));
        idmp.expire(Some(5));
        assert_eq!(told(&frozen, 0), "p[a=1] q[a=2]");
        assert_eq!(told(&idmp, 0), "");
    }

    #[test]
    fn the_order_of_fields_does_not_matter_and_their_borders_do() {
        let one = iid_of_fields(&[(b"a", b"1"), (b"b", b"2")]);
        assert_eq!(one, iid_of_fields(&[(b"b", b"2"), (b"a", b"1")]));
        assert_ne!(one, iid_of_fields(&[(b"a", b"2"), (b"b", b"1")]));
        assert_ne!(
            iid_of_fields(&[(b"ab", b"c")]),
            iid_of_fields(&[(b"a", b"bc")])
        );
    }

    /// What Redis 8.10.2 makes of them.
    #[test]
    fn fields_make_the_iid_that_they_make_in_redis() {
        let hex = |iid: [u8; FIELDS_IID_BYTES]| format!("{:032x}", u128::from_be_bytes(iid));
        let made = [
            (
                &[(&b"f"[..], &b"v"[..])][..],
                "6e95729ee727f0814aedffba55730079",
            ),
            (&[(b"", b"")], "1a9f7ebbaea1d61d30b6b8daa3e38da7"),
            (
                &[(b"a", b"1"), (b"a", b"1")],
                "7cd8847868842eaf3c2706c3f301a55b",
            ),
            (
                &[(b"other", b"\x00\xff"), (b"name", b"value")],
                "c3248b10ffc93036746476c55215d7cd",
            ),
        ];
        for (fields, iid) in made {
            assert_eq!(hex(iid_of_fields(fields)), iid);
        }
    }

    #[test]
    fn many_messages_are_found_after_many_were_forgotten() {
        let mut idmp = Idmp::default();
        for number in 0..1000u64 {
            idmp.record(b"p", &number.to_le_bytes(), id(number), 50);
        }
        for number in 0..1000u64 {
            let expected = (number >= 950).then_some(id(number));
            assert_eq!(idmp.find(b"p", &number.to_le_bytes(), None), expected);
        }
        assert!(idmp.heap_bytes() > 50 * 8);
    }
}
