//! What stands beside a stream comes back with it, and whoever passes over it reads a sound stream.

use super::super::{Facts, Item, Limits, Options, Payload, Splitter, Writer, dump, opcode};
use super::*;
use crate::base::crc64;
use crate::data::Value;
use crate::data::stream::{
    Backoff, Delivery, Field, IdmpLimits, Log, NodeLimits, Order, References,
};
use proptest::prelude::*;

/// What the additions are of a stream.
fn seen(stream: &Stream) -> String {
    let scheduled: Vec<_> = stream
        .schedule
        .iter_from(Id::MIN)
        .map(|entry| (entry.id, owned(entry.fields())))
        .collect();
    let groups: Vec<_> = stream
        .groups
        .iter()
        .map(|(name, group)| group_seen(name, group))
        .collect();
    format!("{:?} {scheduled:?} {groups:?}", stream.policy)
}

fn owned<'a>(fields: impl Iterator<Item = Field<'a>>) -> Vec<(Vec<u8>, Vec<u8>)> {
    fields
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect()
}

fn group_seen(name: &[u8], group: &Group) -> String {
    let consumers: Vec<_> = group
        .consumers()
        .map(|(_, consumer)| {
            (
                &consumer.name,
                consumer.seen_time_ms,
                consumer.active_time_ms,
            )
        })
        .collect();
    let pending: Vec<_> = group
        .pending_from(Id::MIN)
        .map(|pending| {
            let owner = pending.consumer.map(|_| group.owner_name(pending));
            (pending.id, pending.time_ms, pending.delivery_count, owner)
        })
        .collect();
    let sorts = group.sorts(1 << 20);
    format!(
        "{name:?} {:?} {consumers:?} {pending:?} {sorts:?}",
        group.policy()
    )
}

fn any_text() -> impl Strategy<Value = Box<[u8]>> {
    prop::collection::vec(any::<u8>(), 0..12).prop_map(Into::into)
}

fn any_number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1u64..1000, 0..=i64::MAX as u64]
}

fn any_group_policy() -> impl Strategy<Value = GroupPolicy> {
    let backoff = (1u64..1 << 40, any::<u32>());
    let order = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Order::Whole)),
        1 => Just(Some(Order::Field(b"f"[..].into()))),
        1 => "[a-z]{1,9}".prop_map(|name| Some(Order::Field(name.into_bytes().into()))),
    ];
    let limits = (any_number(), any_number(), any_number());
    (limits, prop::option::of(backoff), any_text(), order).prop_map(
        |((ack_wait_ms, max_deliver, max_pending), backoff, dead_letter, order)| GroupPolicy {
            ack_wait_ms,
            backoff: backoff.map(|(min_ms, more_ms)| Backoff {
                min_ms,
                max_ms: min_ms + u64::from(more_ms),
            }),
            max_deliver,
            dead_letter,
            max_pending,
            order,
        },
    )
}

fn any_policy() -> impl Strategy<Value = StreamPolicy> {
    let references = prop_oneof![
        Just(References::Keep),
        Just(References::Delete),
        Just(References::Acked)
    ];
    let limits = (any_number(), any_number(), any_number());
    (limits, references, any::<bool>(), any::<bool>()).prop_map(
        |((max_len, max_age_ms, max_bytes), references, rejects, deletes_acked)| StreamPolicy {
            max_len,
            max_age_ms,
            max_bytes,
            references,
            rejects,
            deletes_acked,
            idmp: IdmpLimits {
                duration_s: 1 + max_age_ms % 86_400,
                max_size: 100,
            },
        },
    )
}

/// Names that consumers have, the first of which stands for nobody where it is free.
const NAMES: [&[u8]; 3] = [b"", b"-", b"a"];

prop_compose! {
    /// A group of some of the consumers, with entries of theirs and of nobody's, in the stream and out of it.
    fn any_group()(
        present: [bool; 3],
        pending in prop::collection::btree_map(
            1u64..50, (prop::option::of(0usize..3), 0u64..1 << 21, any_number()), 0..20,
        ),
        policy in any_group_policy(),
        has_policy: bool,
    ) -> Group {
        let mut group = Group::new(Id::new(40, 0), None);
        let slots: Vec<_> = (0..3)
            .map(|at| present[at].then(|| group.add_consumer(NAMES[at], 1000 + at as u64)))
            .collect();
        for (ms, (owner, time_ms, count)) in pending {
            let id = Id::new(ms, 0);
            match owner.and_then(|owner| slots[owner]) {
                Some(consumer) => group.deliver(Delivery { id, time_ms, count, consumer }),
                None => group.take_on(id, time_ms, count),
            }
        }
        if has_policy {
            group.set_policy(policy, &log());
        }
        group
    }
}

/// 40 entries.
fn log() -> Log {
    let mut stream = Stream::new();
    for ms in 1..=40 {
        let value = [b'0' + (ms % 3) as u8];
        stream
            .log
            .append(Id::new(ms, 0), &[(b"f", &value)], NodeLimits::default());
    }
    stream.log
}

prop_compose! {
    fn any_stream()(
        groups in prop::collection::vec(any_group(), 0..4),
        policy in any_policy(),
        has_policy: bool,
        scheduled in prop::collection::vec(
            (any_number(), prop::collection::vec((any_text(), any_text()), 1..4)), 0..20,
        ),
    ) -> Stream {
        let mut stream = Stream { log: log(), ..Stream::default() };
        for (name, group) in (b'a'..).zip(groups) {
            stream.groups.insert([name].into(), group);
        }
        if has_policy {
            stream.policy = policy;
        }
        for (ms, fields) in scheduled {
            let fields: Vec<Field<'_>> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            let id = stream.schedule.free_id(ms).expect("few wait");
            assert!(stream.schedule.add(id, &fields));
        }
        stream
    }
}

fn stream_of(value: Value) -> Stream {
    match value {
        Value::Stream(stream) => *stream,
        _ => panic!("a stream"),
    }
}

fn restored(payload: &[u8]) -> Result<Stream> {
    let value = Payload::of(payload).expect("its footer is right");
    value
        .value(&Limits::default())
        .map(|value| stream_of(value.expect("a stream is never empty")))
}

fn file_of(value: &Value, compress: bool) -> Vec<u8> {
    let options = Options {
        compress,
        checksum: true,
    };
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    let facts = Facts {
        expires_ms: Some(7),
        ..Facts::default()
    };
    writer.entry(0, b"key", facts, value).unwrap();
    writer.finish().unwrap()
}

/// The stream of a file that has one, read in parts.
fn loaded(file: &[u8], part_bytes: usize) -> Stream {
    let mut splitter = Splitter::new(file).unwrap();
    splitter.cut_streams(part_bytes);
    let mut parts = Vec::new();
    loop {
        match splitter.next().unwrap().expect("its record comes last") {
            Item::Part(part) => parts.push(part.decode().unwrap()),
            Item::Record(record) if parts.is_empty() => {
                return stream_of(record.decode(&Limits::default()).unwrap().unwrap());
            }
            Item::Record(record) => return stream_of(record.decode_behind(parts).unwrap()),
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn additions_come_back(stream in any_stream(), compress: bool, part_bytes in 1usize..400) {
        let expected = seen(&stream);
        let value = Value::from(stream);
        let file = file_of(&value, compress);
        let back = loaded(&file, part_bytes);
        prop_assert_eq!(&seen(&back), &expected);
        prop_assert_eq!(file_of(&back.into(), compress), file);
        let payload = dump(&value, compress);
        let back = restored(&payload).unwrap();
        prop_assert_eq!(&seen(&back), &expected);
        prop_assert_eq!(dump(&back.into(), compress), payload);
    }

    #[test]
    fn damaged_additions_are_refused_or_read(stream in any_stream(), at in any::<prop::sample::Index>(), byte: u8) {
        let payload = dump(&stream.into(), false);
        let mut body = payload[..payload.len() - 8].to_vec();
        let place = at.index(body.len() - 2);
        body[place] = byte;
        if let Ok(stream) = restored(&summed(body)) {
            let expected = seen(&stream);
            let back = restored(&dump(&stream.into(), true)).unwrap();
            prop_assert_eq!(seen(&back), expected);
        }
    }
}

/// A payload with its checksum.
fn summed(mut body: Vec<u8>) -> Vec<u8> {
    let crc = crc64::update(0, &body);
    body.extend_from_slice(&crc.to_le_bytes());
    body
}

/// The payload of a stream with these sections behind it.
fn with_sections(stream: Stream, sections: &[&[u8]]) -> Vec<u8> {
    let payload = dump(&stream.into(), false);
    let (value, version) = payload[..payload.len() - 8].split_at(payload.len() - 10);
    let mut body = value.to_vec();
    for section in sections {
        let section = [&[NO_TEXT][..], section].concat();
        let mut encoder = Encoder::new(false);
        encoder.aux(&mut body, SECTION_FIELD, &section).unwrap();
    }
    body.extend_from_slice(version);
    summed(body)
}

fn with_a_group() -> Stream {
    let mut stream = Stream {
        log: log(),
        ..Stream::default()
    };
    let mut group = Group::new(Id::new(2, 0), Some(2));
    group.take_on(Id::new(1, 0), 0, 3);
    group.take_on(Id::new(2, 0), 5000, 1);
    stream.groups.insert(b"g"[..].into(), group);
    stream
}

#[test]
fn sections_that_are_not_sound_are_refused() {
    let problem = |sections: &[&[u8]]| {
        let error = restored(&with_sections(with_a_group(), sections)).unwrap_err();
        error.to_string()
    };
    for (section, sentence) in [
        (&b""[..], "in the midst"),
        (b"Z", "(section 'Z'): a later one has written it"),
        (b"P\x02\x06MAXLEN", "in the midst"),
        (b"P\x01\x06MAXLEN", "a value that it cannot have"),
        (b"P\x02\x06MAXLEN\x02-1", "a value that it cannot have"),
        (b"P\x01\x03NEW", "an option that this version does not know"),
        (
            b"G\x00\x02\x06MAXLEN\x011",
            "an option that this version does not know",
        ),
        (b"G\x01\x00", "of a group that"),
        (b"N\x01", "of a group that"),
        (b"S\x05\x00\x00", "without fields"),
        (
            b"S\x05\x00\x01\x01f\x00\x05\x00\x01\x01f\x00",
            "two of one id",
        ),
        (b"S\x05\x00\x01\x01f\x05v", "in the midst"),
        (
            b"S\x05\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff",
            "in the midst",
        ),
    ] {
        let found = problem(&[section]);
        assert!(found.contains(sentence), "{section:?}: {found}");
    }
    let empty_group = || {
        let mut stream = Stream::new();
        stream.groups.insert(b"g"[..].into(), Group::default());
        stream
    };
    let found = restored(&with_sections(empty_group(), &[b"N\x00"])).unwrap_err();
    assert!(found.to_string().contains("stands for nobody"), "{found}");
}

/// Who passes over what stands beside the record sees a consumer that has what is nobody's.
#[test]
fn without_what_stands_beside_it_a_stream_is_whole() {
    let taken = |mut stream: Stream| {
        let group = stream.groups.get_mut(&b"g"[..]).unwrap();
        let slot = group.add_consumer(b"", 900);
        group.consumer_mut(slot).active_time_ms = Some(900);
        stream
    };
    for (stream, name, consumers) in [
        (with_a_group(), &b""[..], 1),
        (taken(with_a_group()), b"-", 2),
    ] {
        let mut encoder = Encoder::new(false);
        let mut body = vec![19];
        encoder.value(&mut body, &stream.into()).unwrap();
        body.extend_from_slice(&[10, 0]);
        let back = restored(&summed(body)).unwrap();
        let group = &back.groups[&b"g"[..]];
        assert_eq!(group.consumers().len(), consumers);
        let slot = group.find_consumer(name).unwrap();
        let pending = group.consumer_pending_from(slot, Id::MIN);
        let ids: Vec<u64> = pending.map(|pending| pending.id.ms).collect();
        assert_eq!(ids, [1, 2]);
        assert_eq!(group.pending(Id::new(1, 0)).unwrap().delivery_count, 3);
    }
}

#[test]
fn a_stream_without_additions_has_no_sections() {
    let mut stream = Stream {
        log: log(),
        ..Stream::default()
    };
    let mut group = Group::new(Id::new(1, 0), Some(1));
    for (name, active_time_ms) in [(b"a", Some(1000)), (b"b", None)] {
        let slot = group.add_consumer(name, 1000);
        group.consumer_mut(slot).active_time_ms = active_time_ms;
    }
    stream.groups.insert(b"g"[..].into(), group);
    let mut out = Vec::new();
    write(&mut Encoder::new(false), &mut out, &stream).unwrap();
    let name = [&[opcode::AUX, 23][..], b"millstream-active-times"].concat();
    assert_eq!(out, [&name[..], b"\x071000 -1"].concat());
    stream.groups.clear();
    out.clear();
    write(&mut Encoder::new(false), &mut out, &stream).unwrap();
    assert!(out.is_empty());
}

/// Notes the longest piece that is written at once.
#[derive(Default)]
struct Longest {
    longest: usize,
    all: Vec<u8>,
}

impl Write for Longest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.longest = self.longest.max(bytes.len());
        self.all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn however_much_is_scheduled_little_is_held_of_it() {
    let mut stream = Stream::new();
    for at in 0..100_000u64 {
        let value = at.to_string();
        let fields = [(&b"job"[..], value.as_bytes())];
        assert!(stream.schedule.add(Id::new(1 << 41, at), &fields));
    }
    let expected = seen(&stream);
    let value = Value::from(stream);
    let mut out = Longest::default();
    let never = "memory takes all";
    Encoder::new(false)
        .entry(&mut out, b"key", Facts::default(), &value)
        .expect(never);
    assert!(out.all.len() > 2_000_000);
    assert!(out.longest < SECTION_BYTES + 100, "{} at once", out.longest);
    assert_eq!(seen(&loaded(&file_of(&value, true), 1)), expected);
}
