//! What is written is read again as it was; what is damaged is refused. Exchange with real servers is tested in `redis-compat/files`.

use super::*;
use crate::base::{Blob, crc64};
use crate::data::hash::{self, Hash, Keeps};
use crate::data::list::{End, Limit};
use crate::data::stream::{Delivery, Group, Id, IdmpLimits, NodeLimits, References, Trim, TrimTo};
use crate::data::{List, Set, StrValue, Stream, Value, ZSet, zset};
use proptest::prelude::*;
use std::io::Read;

/// Everything that commands can show of a value.
fn seen(value: &Value) -> String {
    match value {
        Value::Str(string) => format!(
            "{} {:?}",
            string.encoding_name(),
            string.as_bytes(&mut itoa::Buffer::new())
        ),
        Value::List(list) => {
            let items: Vec<_> = list.iter(End::Front).map(|item| item.to_vec()).collect();
            // A list judges an element before it is framed, who reads it afterwards: at the limit, as in Redis, both are right.
            const LIMIT_BYTES: usize = 8192;
            const FRAME_BYTES: usize = 16;
            let bytes: usize = items.iter().map(Vec::len).sum();
            let framed_bytes = bytes + FRAME_BYTES * (items.len() + 1);
            let at_limit = (bytes..=framed_bytes).contains(&LIMIT_BYTES);
            let encoding = (!at_limit).then(|| list.encoding_name());
            format!("{encoding:?} {items:?}")
        }
        Value::Set(set) => {
            let mut members: Vec<_> = set.iter().map(|member| member.to_vec()).collect();
            members.sort();
            format!("{members:?}")
        }
        Value::Hash(hash) => hash_seen(hash),
        Value::ZSet(zset) => zset_seen(zset),
        Value::Stream(stream) => stream_seen(stream),
    }
}

/// A hash whose fields expire no more is written as one whose fields never did.
fn hash_seen(hash: &Hash) -> String {
    let fields = hash.iter();
    let mut fields: Vec<_> = fields
        .map(|field| (field.name.to_vec(), field.value.to_vec(), field.expires_ms))
        .collect();
    let name = hash.encoding_name();
    if name == "hashtable" {
        fields.sort();
    }
    format!("{} {fields:?}", name.strip_suffix("ex").unwrap_or(name))
}

/// One that is read again may be packed again, which makes zeros positive.
fn zset_seen(zset: &ZSet) -> String {
    let elements = zset.iter(zset::End::Lowest);
    let pairs: Vec<_> = elements
        .map(|element| (element.score + 0.0, element.member.to_vec()))
        .collect();
    format!("{pairs:?}")
}

fn stream_seen(stream: &Stream) -> String {
    let log = &stream.log;
    let entries: Vec<_> = log
        .range(Id::MIN, Id::MAX)
        .map(|entry| {
            (
                entry.id,
                entry
                    .fields()
                    .map(|(name, value)| (name.to_vec(), value.to_vec()))
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let ids = [
        log.first_id(),
        log.newest_id(),
        log.last_id(),
        log.max_deleted_id(),
    ];
    let groups: Vec<_> = stream
        .groups
        .iter()
        .map(|(name, group)| (name, group_seen(group)))
        .collect();
    let remembered = stream.idmp.remembered(None);
    let remembered: Vec<_> = remembered
        .map(|(pid, messages)| (pid, messages.collect::<Vec<_>>()))
        .collect();
    let idmp = (stream.policy.idmp, stream.idmp.counts(None), remembered);
    format!(
        "{entries:?} {ids:?} {} {} {} {groups:?} {idmp:?}",
        log.len(),
        log.entries_added(),
        log.node_count()
    )
}

fn group_seen(group: &Group) -> String {
    let consumers: Vec<_> = group
        .consumers()
        .map(|(slot, consumer)| {
            let pending: Vec<_> = group
                .consumer_pending_from(slot, Id::MIN)
                .map(|entry| entry.id)
                .collect();
            (
                &consumer.name,
                consumer.seen_time_ms,
                consumer.active_time_ms,
                pending,
            )
        })
        .collect();
    let pending: Vec<_> = group
        .pending_from(Id::MIN)
        .map(|entry| (entry.id, entry.time_ms, entry.delivery_count))
        .collect();
    format!(
        "{} {:?} {pending:?} {consumers:?}",
        group.last_id, group.entries_read
    )
}

fn any_text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..60),
        2 => (any::<i64>(), 0u32..64).prop_map(|(value, shift)| (value >> shift).to_string().into_bytes()),
        1 => ("[a-c]{1,9}", 0usize..600).prop_map(|(word, times)| word.repeat(times).into_bytes()),
    ]
}

fn any_list() -> impl Strategy<Value = Value> {
    let limit = prop_oneof![
        Just(Limit::default()),
        Just(Limit::Entries(3)),
        Just(Limit::Bytes(64))
    ];
    (
        prop::collection::vec((any_text(), any::<bool>()), 1..40),
        limit,
    )
        .prop_map(|(texts, limit)| {
            let mut list = List::new();
            for (text, front) in texts {
                let end = if front { End::Front } else { End::Back };
                list.push(end, limit, Blob::Slice(&text));
            }
            list.into()
        })
}

fn any_hash() -> impl Strategy<Value = Value> {
    let expiry = prop::option::weighted(0.3, 1..9i64);
    let field = (any_text(), expiry, any::<bool>());
    prop::collection::btree_map(any_text(), field, 1..40).prop_map(|fields| {
        let (limits, mut hash) = (hash::Limits::default(), Hash::new());
        for (name, (value, expires_ms, persists)) in fields {
            hash.set(
                limits,
                Blob::Slice(&name),
                Blob::Slice(&value),
                Keeps::Value,
            );
            hash.set_expiry_ms(&name, expires_ms);
            if persists {
                hash.set_expiry_ms(&name, None);
            }
        }
        hash.into()
    })
}

fn any_zset() -> impl Strategy<Value = Value> {
    let score = prop_oneof![
        any::<i16>().prop_map(f64::from),
        any::<f64>().prop_filter("a score", |score| !score.is_nan()),
        prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e18, 0.1]),
    ];
    let pairs = prop::collection::btree_map(any_text(), score, 1..40);
    pairs.prop_map(|pairs| {
        let limits = zset::Limits::default();
        let swapped = pairs.into_iter().map(|(member, score)| (score, member));
        ZSet::of_pairs(limits, swapped.collect()).into()
    })
}

/// One step of what befalls a stream.
#[derive(Clone, Debug)]
enum Event {
    Add {
        ms: u64,
        seq: u64,
        names: usize,
        values: Vec<Vec<u8>>,
    },
    Delete(prop::sample::Index),
    Trim(u64),
    Read {
        group: u8,
        consumer: u8,
        count: u64,
        at_ms: u64,
        pending: bool,
    },
    Ack {
        group: u8,
        at: prop::sample::Index,
    },
    Seen {
        group: u8,
        consumer: u8,
        at_ms: u64,
    },
    Progress(u64),
    Count {
        group: u8,
        read: Option<u64>,
    },
    Message {
        pid: u8,
        iid: Vec<u8>,
        at_ms: u64,
    },
    Remember(IdmpLimits),
}

fn any_event() -> impl Strategy<Value = Event> {
    let add = (
        0u64..3,
        0u64..3,
        0usize..5,
        prop::collection::vec(any_text(), 2),
    );
    prop_oneof![
        20 => add.prop_map(|(ms, seq, names, values)| Event::Add { ms, seq, names, values }),
        3 => any::<prop::sample::Index>().prop_map(Event::Delete),
        1 => (0u64..30).prop_map(Event::Trim),
        3 => (0u8..3, 0u8..4, 1u64..20, 0u64..1 << 42, any::<bool>())
            .prop_map(|(group, consumer, count, at_ms, pending)| Event::Read { group, consumer, count, at_ms, pending }),
        2 => (0u8..3, any::<prop::sample::Index>()).prop_map(|(group, at)| Event::Ack { group, at }),
        1 => (0u8..3, 0u8..6, 0u64..1 << 42).prop_map(|(group, consumer, at_ms)| Event::Seen { group, consumer, at_ms }),
        1 => (0u64..50).prop_map(Event::Progress),
        1 => (0u8..3, prop::option::of(0u64..200)).prop_map(|(group, read)| Event::Count { group, read }),
        1 => (0u8..3, any_text(), 0u64..1 << 42).prop_map(|(pid, iid, at_ms)| Event::Message { pid, iid, at_ms }),
        1 => (1u64..86_401, 1u64..10)
            .prop_map(|(duration_s, max_size)| Event::Remember(IdmpLimits { duration_s, max_size })),
    ]
}

fn any_stream() -> impl Strategy<Value = Value> {
    let limits = prop_oneof![
        Just(NodeLimits::default()),
        Just(NodeLimits {
            max_entries: 3,
            max_bytes: 0
        }),
        Just(NodeLimits {
            max_entries: 0,
            max_bytes: 100
        }),
    ];
    (prop::collection::vec(any_event(), 0..150), limits).prop_map(|(events, limits)| {
        let mut stream = Stream::new();
        events
            .iter()
            .for_each(|event| apply(&mut stream, event, limits));
        stream.into()
    })
}

/// What entries are made of: mostly the first.
const NAMES: [[&[u8]; 2]; 5] = [
    [b"a", b"b"],
    [b"a", b"b"],
    [b"a", b"b"],
    [b"7", b"-1"],
    [b"a", b"a longer name"],
];

fn apply(stream: &mut Stream, event: &Event, limits: NodeLimits) {
    let ids: Vec<Id> = stream
        .log
        .range(Id::MIN, Id::MAX)
        .map(|entry| entry.id)
        .collect();
    match event {
        Event::Add {
            ms,
            seq,
            names,
            values,
        } => {
            let last = stream.log.last_id();
            let id = match ms {
                0 => Id::new(last.ms, last.seq + 1 + seq),
                _ => Id::new(last.ms + ms, *seq),
            };
            let fields = [
                (NAMES[*names][0], &*values[0]),
                (NAMES[*names][1], &*values[1]),
            ];
            stream.log.append(id, &fields[..1 + names % 2], limits);
        }
        Event::Delete(at) if !ids.is_empty() => {
            stream.delete(*at.get(&ids), References::Keep);
        }
        Event::Trim(len) => {
            stream.trim(&Trim {
                to: TrimTo::MaxLen(*len),
                approximate: false,
                limit: 0,
                references: References::Keep,
            });
        }
        Event::Read {
            group,
            consumer,
            count,
            at_ms,
            pending,
        } => {
            let slot = joined(stream, *group, *consumer, *at_ms);
            let group = stream.groups.get_mut(&[*group][..]).expect("joined");
            group.consumer_mut(slot).active_time_ms = Some(*at_ms);
            let reading = crate::data::stream::Reading {
                consumer: slot,
                now_ms: *at_ms,
                limit: *count,
                pending: *pending,
            };
            group.read(&stream.log, reading, |_| {});
        }
        Event::Ack { group, at } => {
            if let Some(group) = stream.groups.get_mut(&[*group][..]) {
                let pending: Vec<Id> = group.pending_from(Id::MIN).map(|entry| entry.id).collect();
                if !pending.is_empty() {
                    group.ack(*at.get(&pending));
                }
            }
        }
        Event::Seen {
            group,
            consumer,
            at_ms,
        } => {
            joined(stream, *group, *consumer, *at_ms);
        }
        Event::Progress(more) => {
            let log = &mut stream.log;
            let last = Id::new(log.newest_id().ms, log.newest_id().seq + more);
            let (added, deleted) = (log.entries_added() + more, log.max_deleted_id());
            log.set_progress(last, added, deleted);
        }
        Event::Count { group, read } => {
            if let Some(group) = stream.groups.get_mut(&[*group][..]) {
                group.entries_read = *read;
            }
        }
        Event::Message { pid, iid, at_ms } => {
            stream.idmp.record(
                &[*pid],
                iid,
                Id::new(*at_ms, 7),
                stream.policy.idmp.max_size,
            );
            stream.idmp.count_duplicate();
        }
        Event::Remember(limits) => {
            stream.policy.idmp = *limits;
            stream.idmp.forget_all();
        }
        Event::Delete(_) => {}
    }
}

fn joined(
    stream: &mut Stream,
    group: u8,
    consumer: u8,
    at_ms: u64,
) -> crate::data::stream::ConsumerSlot {
    let group = stream.groups.entry([group].into()).or_default();
    match group.find_consumer(&[consumer]) {
        Some(slot) => slot,
        None => group.add_consumer(&[consumer], at_ms),
    }
}

fn any_set() -> impl Strategy<Value = Value> {
    let limits = crate::data::set::Limits::default();
    let ints = (any::<i64>(), 0u32..64).prop_map(|(value, shift)| (value >> shift).to_string());
    let ints = prop::collection::vec(ints.prop_map(String::into_bytes), 1..40);
    let texts = prop::collection::vec(any_text(), 1..200);
    (prop_oneof![ints, texts], any::<bool>()).prop_map(move |(members, is_table)| {
        let mut set = match is_table {
            true => Set::table(),
            false => Set::expecting(&members[0], 1, limits),
        };
        for member in &members {
            set.add(Blob::Slice(member), limits);
        }
        set.into()
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any_text().prop_map(|text| StrValue::new(Blob::Slice(&text)).into()),
        any_list(),
        any_set(),
        any_hash(),
        any_zset(),
        any_stream(),
    ]
}

type Entry = (u64, Vec<u8>, Option<i64>, Value);

fn written(entries: &[Entry], compress: bool) -> Vec<u8> {
    let mut writer = Writer::new(
        Vec::new(),
        Options {
            compress,
            checksum: true,
        },
    )
    .unwrap();
    writer.aux("redis-ver", b"8.2.3").unwrap();
    writer.sizes(0, entries.len() as u64, 0).unwrap();
    for (db, key, expires_ms, value) in entries {
        let facts = Facts {
            expires_ms: *expires_ms,
            ..Facts::default()
        };
        writer.entry(*db, key, facts, value).unwrap();
    }
    writer.finish().unwrap()
}

/// Reads a file that gives a byte at a time, or all.
fn read(input: impl Read) -> Result<Vec<Entry>> {
    let mut splitter = Splitter::new(input)?;
    let mut entries = Vec::new();
    while let Some(item) = splitter.next()? {
        if let Item::Record(record) = item
            && let Some(value) = record.decode(&Limits::default())?
        {
            entries.push((record.db, record.key.to_vec(), record.expires_ms, value));
        }
    }
    Ok(entries)
}

/// Reads a file of which every stream comes in parts of so many bytes.
fn read_in_parts(file: &[u8], part_bytes: usize) -> Result<Vec<Entry>> {
    let mut splitter = Splitter::new(file)?;
    splitter.cut_streams(part_bytes);
    let (mut entries, mut parts) = (Vec::new(), Vec::new());
    while let Some(item) = splitter.next()? {
        let record = match item {
            Item::Record(record) => record,
            Item::Part(part) => {
                assert_eq!(part.number, parts.len());
                parts.push(part.decode()?);
                continue;
            }
            _ => continue,
        };
        assert_eq!(record.parts, parts.len());
        let value = match parts.is_empty() {
            true => record.decode(&Limits::default())?,
            false => Some(record.decode_behind(parts.drain(..))?),
        };
        if let Some(value) = value {
            entries.push((record.db, record.key.to_vec(), record.expires_ms, value));
        }
    }
    Ok(entries)
}

fn all_seen(entries: &[Entry]) -> Vec<(u64, &[u8], Option<i64>, String)> {
    entries
        .iter()
        .map(|(db, key, expires_ms, value)| (*db, &**key, *expires_ms, seen(value)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn files_come_back(
        entries in prop::collection::vec((0u64..3, any_text(), prop::option::of(any::<i64>()), any_value()), 0..6),
        compress: bool,
        part_bytes in 1usize..300,
    ) {
        let file = written(&entries, compress);
        let back = read(&*file).unwrap();
        prop_assert_eq!(all_seen(&back), all_seen(&entries));
        // The order of a table is its own affair.
        let in_order = entries.iter().all(|(.., value)| value.encoding_name() != "hashtable");
        if in_order {
            prop_assert_eq!(&written(&back, compress), &file);
        }
        let back = read_in_parts(&file, part_bytes).unwrap();
        prop_assert_eq!(all_seen(&back), all_seen(&entries));
        if in_order {
            prop_assert_eq!(&written(&back, compress), &file);
        }
    }

    /// Whether a damaged stream is refused, and what is read of it, does not depend on how it is cut.
    #[test]
    fn damaged_streams_are_judged_alike_in_parts(
        value in any_stream(), at in any::<prop::sample::Index>(), byte: u8,
    ) {
        let mut file = written(&[(0, b"s".to_vec(), None, value)], false);
        let end = file.len() - 8;
        // Zero stands for no checksum.
        file[end..].fill(0);
        file[at.index(end)] = byte;
        let (whole, cut) = (read(&*file), read_in_parts(&file, 1));
        prop_assert_eq!(whole.is_ok(), cut.is_ok());
        if let (Ok(whole), Ok(cut)) = (&whole, &cut) {
            prop_assert_eq!(all_seen(whole), all_seen(cut));
        }
    }

    #[test]
    fn dumps_come_back(value in any_value(), compress: bool) {
        let payload = dump(&value, compress);
        let back = Payload::of(&payload).unwrap().value(&Limits::default()).unwrap().unwrap();
        prop_assert_eq!(seen(&back), seen(&value));
        // The order of a table is its own affair.
        if value.encoding_name() != "hashtable" {
            prop_assert_eq!(dump(&back, compress), payload);
        }
    }

    #[test]
    fn streams_go_on_as_they_would_have(
        value in any_stream(), more in prop::collection::vec(any_event(), 0..40), in_parts: bool,
    ) {
        let entries = [(0, Vec::new(), None, value)];
        let file = written(&entries, true);
        let [(.., value)] = entries;
        let back = if in_parts {
            read_in_parts(&file, 1).unwrap().remove(0).3
        } else {
            let payload = dump(&value, true);
            Payload::of(&payload).unwrap().value(&Limits::default()).unwrap().unwrap()
        };
        let (Value::Stream(mut before), Value::Stream(mut after)) = (value, back) else { unreachable!() };
        for event in &more {
            apply(&mut before, event, NodeLimits { max_entries: 5, max_bytes: 0 });
            apply(&mut after, event, NodeLimits { max_entries: 5, max_bytes: 0 });
        }
        let shown = |stream: &Stream| stream_seen(stream).replace(&format!(" {} [", stream.log.node_count()), " [");
        prop_assert_eq!(shown(&before), shown(&after));
    }

    #[test]
    fn damaged_values_are_refused_or_read(value in any_value(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut payload = dump(&value, false);
        let len = payload.len() - 8;
        payload.truncate(len);
        payload[at.index(len - 2)] = byte;
        let crc = crc64::update(0, &payload);
        payload.extend_from_slice(&crc.to_le_bytes());
        if let Ok(Some(value)) = Payload::of(&payload).unwrap().value(&Limits::default()) {
            // Whatever it is, it is sound.
            let again = dump(&value, true);
            let back = Payload::of(&again).unwrap().value(&Limits::default()).unwrap().unwrap();
            prop_assert_eq!(seen(&back), seen(&value));
        }
    }
}

/// A small file with something of everything.
fn sample() -> Vec<u8> {
    let mut stream = Stream::new();
    for ms in 1..6 {
        stream.log.append(
            Id::new(ms, 0),
            &[(b"name", b"value"), (b"n", b"12")],
            NodeLimits {
                max_entries: 3,
                max_bytes: 0,
            },
        );
    }
    stream.delete(Id::new(2, 0), References::Keep);
    let mut group = Group::new(Id::new(3, 0), Some(3));
    let slot = group.add_consumer(b"alice", 1000);
    group.add_consumer(b"bob", 2000);
    group.deliver(Delivery {
        id: Id::new(3, 0),
        time_ms: 1000,
        count: 1,
        consumer: slot,
    });
    stream.groups.insert(b"group"[..].into(), group);
    let mut list = List::new();
    for text in ["a", "1000", "b"] {
        list.push(End::Back, Limit::default(), Blob::Slice(text.as_bytes()));
    }
    let text = StrValue::new(Blob::Slice(&[b'x'; 50]));
    written(
        &[
            (0, b"stream".to_vec(), None, stream.into()),
            (1, b"list".to_vec(), Some(1 << 41), list.into()),
            (0, b"text".to_vec(), None, text.into()),
        ],
        true,
    )
}

#[test]
fn no_prefix_of_a_file_is_taken_for_one() {
    let file = sample();
    assert_eq!(read(&*file).unwrap().len(), 3);
    for len in 0..file.len() {
        assert!(
            read(&file[..len]).unwrap_err().is_truncation(),
            "{len} bytes"
        );
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let file = sample();
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut broken = file.clone();
            broken[at] ^= 1 << bit;
            assert!(read(&*broken).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_file_without_a_checksum_is_read() {
    let mut file = sample();
    let len = file.len();
    file[len - 8..].fill(0);
    assert_eq!(read(&*file).unwrap().len(), 3);
}

/// A file of this version with these items, without a checksum.
fn file(header: &[u8], items: &[&[u8]]) -> Vec<u8> {
    [header, &items.concat(), &[opcode::END], &[0; 8]].concat()
}

#[test]
fn items_that_are_no_records_are_passed_over() {
    let key = b"\x00\x01k\x01v";
    let items: &[&[u8]] = &[
        b"\xfa\x03lua\x01x",
        b"\xf5\x05code!",
        // Module data: number, moment, an integer, a float, a double, a string.
        b"\xf7\x81\x00\x00\x00\x00\x00\x00\x04\x01\x02\x01\x02\x05\x03....\x04........\x05\x01s\x00",
        b"\xf4\x01\x02\x03",
        b"\xf2\x07\x02\x01a\x01b",
        b"\xfe\x03",
        b"\xfb\x01\x00",
        b"\xfd\x10\x00\x00\x00\xf8\x05\xf9\x07",
        b"\xf3\x01nnnn\x00",
        key,
    ];
    let bytes = file(b"REDIS0015", items);
    let mut splitter = Splitter::new(&*bytes).unwrap();
    let mut kinds = Vec::new();
    while let Some(item) = splitter.next().unwrap() {
        if let Item::Record(record) = &item {
            assert_eq!(
                (record.db, &*record.key, &*record.raw),
                (3, &b"k"[..], &b"\x01v"[..])
            );
            assert_eq!(
                (record.expires_ms, record.idle_s, record.frequency),
                (Some(16_000), Some(5), Some(7))
            );
            assert_eq!(record.offset, (bytes.len() - 11) as u64);
        }
        kinds.push(
            format!("{item:?}")
                .split(['(', ' '])
                .next()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(kinds, ["Aux", "Library", "ModuleData", "Sizes", "Record"]);
}

#[test]
fn sorted_sets_of_all_ages_are_read() {
    let expected = r#"[(-inf, [98]), (1.5, [97]), (inf, [99])]"#;
    let ziplist: &[u8] = b"\x0c\x01z\x24\x24\x00\x00\x00\x1e\x00\x00\x00\x06\x00\
        \x00\x01b\x03\x04-inf\x06\x01a\x03\x031.5\x05\x01c\x03\x03inf\xff";
    let listpack: &[u8] = b"\x11\x01z\x20\x20\x00\x00\x00\x06\x00\
        \x81b\x02\x84-inf\x05\x81a\x02\x831.5\x04\x81c\x02\x83inf\x04\xff";
    let out_of_order: &[u8] = b"\x11\x01z\x20\x20\x00\x00\x00\x06\x00\
        \x81c\x02\x83inf\x04\x81b\x02\x84-inf\x05\x81a\x02\x831.5\x04\xff";
    let scores: &[u8] = b"\x05\x01z\x03\x01c\0\0\0\0\0\0\xf0\x7f\x01a\0\0\0\0\0\0\xf8\x3f\
        \x01b\0\0\0\0\0\0\xf0\xff";
    let texts: &[u8] = b"\x03\x01z\x03\x01a\x031.5\x01b\xff\x01c\xfe";
    for item in [ziplist, listpack, out_of_order, scores, texts] {
        let entries = read(&*file(b"REDIS0012", &[item])).unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(seen(&entries[0].3), expected);
    }
    let twice: &[u8] = b"\x03\x01z\x02\x01a\x031.5\x01a\xff";
    let no_number: &[u8] = b"\x03\x01z\x02\x01a\x031.5\x01b\xfd";
    let alone: &[u8] = b"\x11\x01z\x0a\x0a\x00\x00\x00\x01\x00\x81b\x02\xff";
    for item in [twice, no_number, alone] {
        assert!(read(&*file(b"REDIS0012", &[item])).is_err());
    }
}

#[test]
fn values_of_other_types_are_reported_and_passed_over() {
    let values: &[(&[u8], &[u8], &str)] = &[
        (
            b"REDIS0012",
            b"\x07\x01h\x05\x02\x09\x05\x01s\x00",
            "module value",
        ),
        (
            b"REDIS0015",
            b"\x1c\x01h\x03\x01\x05\x00\x01........\x01\x00\x01a\x02\x03\x01b",
            "array",
        ),
        (b"REDIS0015", b"\x21\x01h\x05", "gcra"),
    ];
    for (header, value, name) in values {
        let bytes = file(header, &[value, b"\x00\x01k\x01v"]);
        let mut splitter = Splitter::new(&*bytes).unwrap();
        let Some(Item::Record(record)) = splitter.next().unwrap() else {
            panic!("{value:?}")
        };
        let error = record.decode(&Limits::default()).unwrap_err();
        assert!(
            matches!(&error.problem, Problem::Unsupported { key, type_name } if key == b"h" && type_name == name)
        );
        let Some(Item::Record(record)) = splitter.next().unwrap() else {
            panic!("{value:?}")
        };
        assert_eq!(&*record.key, b"k");
        assert!(splitter.next().unwrap().is_none());
    }
}

/// Hashes as other servers have written them: a=1, b=two, and in some b expires at 33177117420000 or 9.
#[test]
fn hashes_are_read_in_all_their_forms() {
    let plain = "[([97], [49], None), ([98], [116, 119, 111], None)]";
    let far = "[([98], [116, 119, 111], Some(33177117420000)), ([97], [49], None)]";
    let soon = "[([98], [116, 119, 111], Some(9)), ([97], [49], None)]";
    let values: &[(&[u8], &[u8], &str)] = &[
        (b"REDIS0012", b"\x04\x01h\x02\x01a\xc0\x01\x01b\x03two", plain),
        (b"REDIS0002", b"\x09\x01h\x0f\x02\x01a\x01\x001\x01b\x03\x01two.\xff", plain),
        (
            b"REDIS0006",
            b"\x0d\x01h\x18\x18\0\0\0\x12\0\0\0\x04\0\0\x01a\x03\xf2\x02\x01b\x03\x03two\xff",
            plain,
        ),
        (
            b"REDIS0012",
            b"\x10\x01h\x14\x14\0\0\0\x04\0\x81a\x02\x01\x01\x81b\x02\x83two\x04\xff",
            plain,
        ),
        (b"REDIS0012", b"\x16\x01h\x02\x00\x01a\xc0\x01\x09\x01b\x03two", soon),
        (
            b"REDIS0012",
            b"\x18\x01h\xe0iL\xa6,\x1e\0\0\x02\x01\x01b\x03two\x00\x01a\xc0\x01",
            far,
        ),
        (
            b"REDIS0012",
            b"\x19\x01h\xe0iL\xa6,\x1e\0\0\x20\x20\0\0\0\x06\0\x81b\x02\x83two\x04\xf4\xe0iL\xa6,\x1e\0\0\t\x81a\x02\x01\x01\0\x01\xff",
            far,
        ),
        (
            b"VALKEY080",
            b"\x16\x01h\x02\x01a\xc0\x01\xff\xff\xff\xff\xff\xff\xff\xff\x01b\x03two\xe0iL\xa6,\x1e\0\0",
            far,
        ),
        (
            b"REDIS0015",
            b"\x1d\x01h\x00\x0d\x0d\0\0\0\x02\0\x81a\x02\x81b\x02\xff\x10\x10\0\0\0\x03\0\x07\x01\x01\x01\x83two\x04\xff",
            plain,
        ),
        (
            b"REDIS0015",
            b"\x1f\x01h\x01\x02\x01a\x01b\xc0\x01\x03two",
            plain,
        ),
        (
            b"REDIS0015",
            b"\xf2\x07\x02\x01a\x01b\x1e\x01h\x10\x10\0\0\0\x03\0\x07\x01\x01\x01\x83two\x04\xff",
            plain,
        ),
        (
            b"REDIS0015",
            b"\xf2\x07\x02\x01a\x01b\x20\x01h\x07\xc0\x01\x03two",
            plain,
        ),
    ];
    for (header, value, expected) in values {
        let bytes = file(header, &[value]);
        let entries = read(&*bytes).unwrap();
        let [(.., value)] = &entries[..] else {
            panic!("{value:?}")
        };
        assert_eq!(seen(value), format!("listpack {expected}"));
    }
}

#[test]
fn unknown_versions_and_types_are_refused() {
    let problem = |bytes: &[u8]| read(bytes).unwrap_err().problem;
    assert!(matches!(
        problem(&file(b"REDIS0016", &[])),
        Problem::Version(16)
    ));
    assert!(matches!(
        problem(&file(b"VALKEY081", &[])),
        Problem::Version(81)
    ));
    assert!(matches!(
        problem(&file(b"REDIS00x1", &[])),
        Problem::NotASnapshot
    ));
    assert!(matches!(
        problem(&file(b"*3\r\n$3\r\nS", &[])),
        Problem::NotASnapshot
    ));
    assert!(matches!(
        problem(&file(b"REDIS0012", &[b"\x08\x01k"])),
        Problem::UnknownType(8)
    ));
    assert!(matches!(
        problem(&file(b"VALKEY080", &[b"\x1a\x01k"])),
        Problem::UnknownType(26)
    ));
    assert!(
        read(&*file(b"VALKEY080", &[b"\xf3\x04name\x01\x05\x06"]))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn what_follows_a_snapshot_is_given_back() {
    let bytes = [&*sample(), b"*1\r\n$4\r\nPING\r\n"].concat();
    let mut splitter = Splitter::new(bytes.chain(&b"*1"[..])).unwrap();
    while splitter.next().unwrap().is_some() {}
    let (head, mut input) = splitter.into_rest();
    let mut rest = head.to_vec();
    input.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"*1\r\n$4\r\nPING\r\n*1");
}

#[test]
fn large_values_are_cut_whole() {
    let text = vec![b'x'; 3 << 20];
    let entries: Vec<Entry> = (0..4u8)
        .map(|key| {
            (
                0,
                vec![key],
                None,
                StrValue::new(Blob::Slice(&text[usize::from(key)..])).into(),
            )
        })
        .collect();
    for compress in [false, true] {
        let back = read(&*written(&entries, compress)).unwrap();
        assert!(all_seen(&back) == all_seen(&entries));
    }
}

/// The stream that a Redis 8.8 dumps with one entry that has been nacked, and ids of messages.
#[test]
fn what_newer_streams_have_is_kept() {
    let listpack = b"\x1d\x1d\x00\x00\x00\x0a\x00\x01\x01\x00\x01\x01\x01\x81f\x02\x00\x01\x02\x01\x00\x01\x00\x01\x81v\x02\x04\x01\xff";
    let id = b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01";
    let pending: &[u8] = b"\x05\x00\x00\x00\x00\x00\x00\x00\x02";
    let time = b"\x07\x00\x00\x00\x00\x00\x00\x00";
    let body = [
        &b"\x1b\x01\x10"[..],
        id,
        listpack,
        b"\x01\x01\x01\x01\x01\x00\x00\x01",
        // A group with one pending entry and one consumer, which has none.
        b"\x01\x01g\x01\x01\x01\x01",
        id,
        pending,
        b"\x01\x01c",
        time,
        time,
        b"\x00",
        b"\x01",
        id,
        // Message ids: 100 s, at most 50, one producer with one id; totals.
        b"\x40\x64\x32\x01\x01p\x01\x02id\x01\x01\x05\x00",
    ]
    .concat();
    let footer = b"\x0f\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let payload = [&body, &footer[..]].concat();
    let value = Payload::of(&payload)
        .unwrap()
        .value(&Limits::default())
        .unwrap()
        .unwrap();
    let Value::Stream(stream) = value else {
        panic!("a stream")
    };
    let group = &stream.groups[&b"g"[..]];
    assert_eq!(group.pending(Id::new(1, 1)).unwrap().consumer, None);
    assert_eq!(group.consumers().len(), 1);
    let limits = IdmpLimits {
        duration_s: 100,
        max_size: 50,
    };
    assert_eq!(stream.policy.idmp, limits);
    let counts = stream.idmp.counts(None);
    assert_eq!([counts.producers, counts.messages], [1, 1]);
    assert_eq!([counts.added, counts.duplicates], [5, 0]);
    let mut idmp = stream.idmp;
    assert_eq!(idmp.find(b"p", b"id", None), Some(Id::new(1, 1)));
}
