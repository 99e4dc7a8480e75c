use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::block::Block;
use super::*;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

const SMALL: NodeLimits = NodeLimits {
    max_entries: 7,
    max_bytes: 300,
};

fn append(stream: &mut Stream, id: Id, fields: &Fields, limits: NodeLimits) {
    let fields: Vec<Field> = fields
        .iter()
        .map(|(name, value)| (&name[..], &value[..]))
        .collect();
    stream.log.append(id, &fields, limits);
}

fn owned(entry: EntryRef) -> (Id, Fields) {
    (
        entry.id,
        entry
            .fields()
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect(),
    )
}

/// Reads with a pause after every third entry.
fn read_in_slices(mut frozen: Frozen) -> Vec<(Id, Fields)> {
    let mut entries = Vec::new();
    while !frozen.is_empty() {
        let (mut slice, left) = (0, frozen.len());
        frozen.read(|entry| {
            slice += 1;
            entries.push(owned(entry));
            slice < 3
        });
        assert!(frozen.len() < left);
    }
    entries
}

/// A stream of entries `1-1` to `count-1`, one node for each `nodes_of`.
fn counted(count: u64, nodes_of: u32) -> Stream {
    let mut stream = Stream::new();
    for ms in 1..=count {
        let limits = NodeLimits {
            max_entries: nodes_of.into(),
            max_bytes: 0,
        };
        append(
            &mut stream,
            Id::new(ms, 1),
            &vec![(b"f".to_vec(), b"v".to_vec())],
            limits,
        );
    }
    stream
}

fn all_ms(stream: &Stream) -> Vec<u64> {
    stream
        .log
        .range(Id::MIN, Id::MAX)
        .map(|entry| entry.id.ms)
        .collect()
}

fn trim(to: TrimTo, references: References) -> Trim {
    Trim {
        to,
        approximate: false,
        limit: 0,
        references,
    }
}

/// What must hold of every stream, whatever was done to it.
fn check(stream: &Stream) {
    assert_eq!(
        stream.log.len,
        stream
            .log
            .blocks
            .iter()
            .map(|block| u64::from(block.live()))
            .sum::<u64>()
    );
    let live_in_nodes: u64 = (0..stream.log.nodes.len())
        .map(|at| u64::from(stream.log.nodes.get(at).unwrap().live))
        .sum();
    assert_eq!(stream.log.len, live_in_nodes);
    let before_newest = stream.log.blocks.iter().rev().skip(1);
    assert!(before_newest.into_iter().all(|block| block.live() > 0));
    let first = stream
        .log
        .range(Id::MIN, Id::MAX)
        .next()
        .map_or(Id::MIN, |entry| entry.id);
    assert_eq!(stream.log.first_id, first);
    let newest = stream.log.range_rev(Id::MIN, Id::MAX).next();
    assert_eq!(
        stream.log.newest_id(),
        newest.map_or(Id::MIN, |entry| entry.id)
    );
}

#[derive(Clone, Debug)]
enum Op {
    Append {
        ms: u64,
        seq: u64,
        fields: Fields,
    },
    Delete(usize),
    Trim {
        keep: usize,
        by_id: bool,
        approximate: bool,
        limit: u64,
        references: u8,
    },
    Deliver {
        group: usize,
        consumer: u8,
        count: usize,
    },
    Ack {
        group: usize,
        at: usize,
    },
    Range {
        from: usize,
        to: usize,
    },
    Freeze,
}

fn fields() -> impl Strategy<Value = Fields> {
    let value = prop_oneof![
        "[a-z]{0,40}".prop_map(String::into_bytes),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        (0usize..2000).prop_map(|len| vec![b'x'; len]),
    ];
    prop_oneof![
        6 => value.clone().prop_map(|value| vec![(b"field".to_vec(), value)]),
        1 => prop::collection::vec(("[ab]{0,2}".prop_map(String::into_bytes), value), 1..5),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (prop_oneof![Just(0u64), 0u64..300, any::<u32>().prop_map(u64::from)], prop_oneof![Just(1u64), 0u64..200], fields())
            .prop_map(|(ms, seq, fields)| Op::Append { ms, seq, fields }),
        3 => any::<usize>().prop_map(Op::Delete),
        1 => (any::<usize>(), any::<bool>(), any::<bool>(), 0u64..20, 0u8..3)
            .prop_map(|(keep, by_id, approximate, limit, references)| Op::Trim { keep, by_id, approximate, limit, references }),
        3 => (0usize..2, 0u8..3, 0usize..5).prop_map(|(group, consumer, count)| Op::Deliver { group, consumer, count }),
        2 => (0usize..2, any::<usize>()).prop_map(|(group, at)| Op::Ack { group, at }),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Op::Range { from, to }),
        1 => Just(Op::Freeze),
    ]
}

/// The plainest thing that behaves like a stream.
#[derive(Default)]
struct Model {
    entries: BTreeMap<Id, Fields>,
    pending: [BTreeMap<Id, u8>; 2],
    last_read: [Id; 2],
    deleted: BTreeSet<Id>,
}

impl Model {
    fn nth(&self, at: usize) -> Option<Id> {
        let at = at % self.entries.len().max(1);
        self.entries.keys().nth(at).copied()
    }

    fn trim(&mut self, to: TrimTo, references: References) {
        let mut excess = match to {
            TrimTo::MaxLen(len) => self.entries.len().saturating_sub(len as usize),
            TrimTo::MinId(id) => self.entries.range(..id).count(),
        };
        assert_ne!(references, References::Acked);
        while excess > 0 {
            let (id, _) = self.entries.pop_first().unwrap();
            if references == References::Delete {
                for pending in &mut self.pending {
                    pending.remove(&id);
                }
            }
            excess -= 1;
        }
    }
}

const GROUPS: [&[u8]; 2] = [b"g0", b"g1"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_map(ops in prop::collection::vec(op(), 1..400)) {
        let mut stream = Stream::new();
        let mut model = Model::default();
        for name in GROUPS {
            stream.groups.insert(name.into(), Group::new(Id::MIN, Some(0)));
        }
        let mut frozen: Option<(Frozen, BTreeMap<Id, Fields>)> = None;
        for op in ops {
            apply(&mut stream, &mut model, op, &mut frozen);
            check(&stream);
        }
        prop_assert!(stream.log.range(Id::MIN, Id::MAX).map(owned).eq(model.entries.clone()));
        prop_assert!(stream.log.range_rev(Id::MIN, Id::MAX).map(owned).eq(model.entries.clone().into_iter().rev()));
        for (name, pending) in GROUPS.iter().zip(&model.pending) {
            let group = &stream.groups[*name];
            prop_assert!(group.pending_from(Id::MIN).map(|pending| pending.id).eq(pending.keys().copied()));
            for (slot, consumer) in group.consumers() {
                let own: Vec<Id> = group.consumer_pending_from(slot, Id::MIN).map(|pending| pending.id).collect();
                let name = consumer.name[0];
                let expected: Vec<Id> = pending.iter().filter(|(_, owner)| **owner == name).map(|(id, _)| *id).collect();
                prop_assert_eq!(own, expected);
            }
        }
        if let Some((frozen, expected)) = frozen {
            prop_assert!(read_in_slices(frozen).into_iter().eq(expected));
        }
    }
}

fn apply(
    stream: &mut Stream,
    model: &mut Model,
    op: Op,
    frozen: &mut Option<(Frozen, BTreeMap<Id, Fields>)>,
) {
    match op {
        Op::Append { ms, seq, fields } => {
            let last = stream.log.last_id();
            let id = if ms == 0 {
                Id::new(last.ms, last.seq + seq.max(1))
            } else {
                Id::new(last.ms + ms, seq)
            };
            append(stream, id, &fields, SMALL);
            model.entries.insert(id, fields);
        }
        Op::Delete(at) => {
            if let Some(id) = model.nth(at) {
                assert_eq!(stream.delete(id, References::Keep), Removal::Removed);
                assert_eq!(stream.delete(id, References::Keep), Removal::Missing);
                model.entries.remove(&id);
                model.deleted.insert(id);
                assert_eq!(Some(&stream.log.max_deleted_id()), model.deleted.last());
            }
        }
        Op::Trim {
            keep,
            by_id,
            approximate,
            limit,
            references,
        } => {
            let Some(id) = model.nth(keep) else { return };
            let to = if by_id {
                TrimTo::MinId(id)
            } else {
                TrimTo::MaxLen((keep % (model.entries.len() + 1)) as u64)
            };
            let references =
                [References::Keep, References::Delete, References::Acked][references as usize];
            if approximate || references == References::Acked {
                approximate_trim(
                    stream,
                    model,
                    Trim {
                        to,
                        approximate,
                        limit,
                        references,
                    },
                );
            } else {
                stream.trim(&trim(to, references));
                model.trim(to, references);
            }
        }
        Op::Deliver {
            group,
            consumer,
            count,
        } => deliver(stream, model, group, consumer, count),
        Op::Ack { group, at } => {
            let pending = &mut model.pending[group];
            let id = pending.keys().nth(at % pending.len().max(1)).copied();
            if let Some(id) = id {
                let group = stream.groups.get_mut(GROUPS[group]).unwrap();
                assert!(group.ack(id) && !group.ack(id));
                pending.remove(&id);
            }
        }
        Op::Range { from, to } => {
            if let (Some(from), Some(to)) = (model.nth(from), model.nth(to)) {
                let (from, to) = (from.min(to), from.max(to));
                let expected = || {
                    model
                        .entries
                        .range(from..=to)
                        .map(|(id, fields)| (*id, fields.clone()))
                };
                assert!(stream.log.range(from, to).map(owned).eq(expected()));
                assert!(
                    stream
                        .log
                        .range_rev(from, to)
                        .map(owned)
                        .eq(expected().rev())
                );
                let limit = (from.ms ^ to.ms) % 50;
                let newest = stream.log.freeze(from, to, Direction::Backward, limit);
                assert!(
                    read_in_slices(newest)
                        .into_iter()
                        .eq(expected().rev().take(limit as usize))
                );
                let oldest = stream.log.freeze(from, to, Direction::Forward, limit);
                assert!(
                    read_in_slices(oldest)
                        .into_iter()
                        .eq(expected().take(limit as usize))
                );
                let left = model.entries.range(from..).count() as u64;
                assert_eq!(stream.log.count_from(from, limit), limit.min(left));
                assert_eq!(stream.log.entry(from).map(owned), expected().next());
            }
        }
        Op::Freeze => {
            *frozen = Some((
                stream
                    .log
                    .freeze(Id::MIN, Id::MAX, Direction::Forward, u64::MAX),
                model.entries.clone(),
            ))
        }
    }
}

/// Such a trim may leave more than was asked to remain; it must remove only what it may.
fn approximate_trim(stream: &mut Stream, model: &mut Model, trim: Trim) {
    let before = stream.log.len();
    let removed = stream.trim(&trim);
    assert_eq!(stream.log.len(), before - removed);
    assert!(!trim.approximate || trim.limit == 0 || removed <= trim.limit);
    let left: BTreeSet<Id> = stream
        .log
        .range(Id::MIN, Id::MAX)
        .map(|entry| entry.id)
        .collect();
    let gone: Vec<Id> = model
        .entries
        .keys()
        .filter(|id| !left.contains(id))
        .copied()
        .collect();
    assert_eq!(gone.len() as u64, removed);
    for id in gone {
        if trim.references == References::Acked {
            assert!((0..2).all(
                |group| id <= model.last_read[group] && !model.pending[group].contains_key(&id)
            ));
        }
        if let TrimTo::MinId(min_id) = trim.to {
            assert!(id < min_id);
        }
        model.entries.remove(&id);
    }
    if let TrimTo::MaxLen(len) = trim.to {
        assert!(removed == 0 || stream.log.len() >= len);
    }
}

fn deliver(stream: &mut Stream, model: &mut Model, at: usize, consumer: u8, count: usize) {
    let from = stream.groups[GROUPS[at]].last_id.next().unwrap();
    let ids: Vec<Id> = stream
        .log
        .range(from, Id::MAX)
        .take(count)
        .map(|entry| entry.id)
        .collect();
    let group = stream.groups.get_mut(GROUPS[at]).unwrap();
    let slot = group
        .find_consumer(&[consumer])
        .unwrap_or_else(|| group.add_consumer(&[consumer], 0));
    for id in ids {
        group.deliver(Pending {
            id,
            delivery_time_ms: 0,
            delivery_count: 1,
            consumer: slot,
        });
        group.last_id = id;
        model.pending[at].insert(id, consumer);
        model.last_read[at] = id;
    }
    // Now and then somebody claims the oldest.
    if let (true, Some((id, _))) = (count == 0, model.pending[at].first_key_value()) {
        let id = *id;
        group.deliver(Pending {
            id,
            delivery_time_ms: 1,
            delivery_count: 2,
            consumer: slot,
        });
        model.pending[at].insert(id, consumer);
        assert_eq!(
            group.pending(id).map(|pending| pending.delivery_count),
            Some(2)
        );
    }
}

#[test]
fn approximate_trims_drop_whole_nodes_within_the_limit() {
    let to = |max_len| Trim {
        to: TrimTo::MaxLen(max_len),
        approximate: true,
        limit: 0,
        references: References::Keep,
    };
    let mut stream = counted(10, 3);
    assert_eq!(stream.trim(&to(4)), 6);
    assert_eq!(all_ms(&stream), [7, 8, 9, 10]);
    assert_eq!(counted(10, 3).trim(&Trim { limit: 5, ..to(0) }), 3);
    assert_eq!(
        counted(10, 3).trim(&Trim {
            references: References::Delete,
            ..to(0)
        }),
        0
    );
    let mut stream = counted(10, 3);
    stream.delete(Id::new(3, 1), References::Keep);
    let from = |ms| Trim {
        to: TrimTo::MinId(Id::new(ms, 1)),
        ..to(0)
    };
    assert_eq!(
        stream.trim(&from(3)),
        0,
        "a deleted entry still bounds its node"
    );
    assert_eq!(stream.trim(&from(4)), 2);
}

#[test]
fn exact_trims_leave_the_emptied_node_that_redis_leaves() {
    let mut stream = counted(10, 3);
    stream.delete(Id::new(3, 1), References::Keep);
    assert_eq!(
        stream.trim(&trim(TrimTo::MinId(Id::new(3, 1)), References::Keep)),
        2
    );
    assert_eq!(
        (
            stream.log.len(),
            stream.log.node_count(),
            stream.log.radix_tree_nodes()
        ),
        (7, 4, 10)
    );
    assert_eq!(stream.log.first_id(), Id::new(4, 1));
    assert_eq!(stream.trim(&trim(TrimTo::MaxLen(0), References::Keep)), 7);
    assert_eq!(
        (stream.log.node_count(), stream.log.radix_tree_nodes()),
        (0, 1)
    );
}

#[test]
fn acked_trims_pass_over_what_a_group_still_needs() {
    let mut stream = counted(10, 3);
    let mut group = Group::new(Id::new(10, 1), None);
    let consumer = group.add_consumer(b"c", 0);
    for ms in [4, 6, 9, 10] {
        group.deliver(Pending {
            id: Id::new(ms, 1),
            delivery_time_ms: 0,
            delivery_count: 1,
            consumer,
        });
    }
    stream.groups.insert(b"g"[..].into(), group);
    assert_eq!(
        stream.trim(&trim(TrimTo::MinId(Id::new(9, 1)), References::Acked)),
        6
    );
    assert_eq!(all_ms(&stream), [4, 6, 9, 10]);
    assert_eq!(stream.log.node_count(), 3);
    assert_eq!(
        stream.delete(Id::new(6, 1), References::Acked),
        Removal::Referenced
    );
    assert_eq!(
        stream.delete(Id::new(6, 1), References::Delete),
        Removal::Removed
    );
    assert_eq!(stream.groups[&b"g"[..]].pending_len(), 3);
    assert_eq!(
        stream.trim(&trim(TrimTo::MaxLen(1), References::Acked)),
        0,
        "nothing in the first node may go"
    );
}

#[test]
fn the_last_id_may_be_set_below_entries_that_are_gone() {
    let mut stream = counted(10, 3);
    stream
        .groups
        .insert(b"g"[..].into(), Group::new(Id::new(10, 1), None));
    let mut group = Group::new(Id::new(10, 1), None);
    let consumer = group.add_consumer(b"c", 0);
    let id = Id::new(8, 1);
    group.deliver(Pending {
        id,
        delivery_time_ms: 0,
        delivery_count: 1,
        consumer,
    });
    stream.groups.insert(b"h"[..].into(), group);
    assert_eq!(stream.trim(&trim(TrimTo::MaxLen(0), References::Acked)), 9);
    stream.log.set_progress(id, 10, Id::MIN);
    let next = Id::new(8, 2);
    append(
        &mut stream,
        next,
        &vec![(b"f".to_vec(), b"v".to_vec())],
        SMALL,
    );
    check(&stream);
    assert_eq!(
        stream
            .log
            .range(id, Id::MAX)
            .map(|entry| entry.id)
            .collect::<Vec<_>>(),
        [id, next]
    );
}

#[test]
fn lag_is_known_where_redis_knows_it() {
    let mut stream = counted(10, 3);
    let at = |ms, read| Group::new(Id::new(ms, 1), read);
    assert_eq!(stream.log.lag(&at(5, Some(5))), Some(5));
    assert_eq!(stream.log.lag(&at(5, None)), None);
    assert_eq!(stream.log.lag(&at(10, None)), Some(0));
    assert_eq!(stream.log.lag(&Group::new(Id::MIN, None)), Some(10));
    stream.delete(Id::new(4, 1), References::Keep);
    assert_eq!(stream.log.lag(&at(5, Some(5))), Some(5));
    stream.delete(Id::new(7, 1), References::Keep);
    assert_eq!(stream.log.lag(&at(5, Some(5))), None);
    assert_eq!(stream.log.lag(&at(7, Some(7))), None);
    assert_eq!(stream.log.lag(&at(8, Some(8))), Some(2));
    assert_eq!(Stream::new().log.lag(&at(3, None)), Some(0));
}

/// What an allocator of jemalloc's size classes takes for `bytes`.
fn class_bytes(bytes: usize) -> usize {
    let spacing = (bytes.next_power_of_two() / 8).max(16);
    bytes.next_multiple_of(spacing)
}

#[test]
fn an_entry_of_32_bytes_costs_36_and_a_half_at_most() {
    const ENTRIES: u64 = 500_000;
    let mut stream = Stream::new();
    let value = [b'x'; 32];
    for at in 0..ENTRIES {
        let id = Id::new(1_700_000_000_000 + at / 1000, at % 1000);
        stream
            .log
            .append(id, &[(b"data", &value)], NodeLimits::default());
    }
    let blocks = stream
        .log
        .blocks
        .iter()
        .map(|block| class_bytes(block.heap_bytes()) + class_bytes(size_of::<Block>() + 16));
    let total =
        blocks.sum::<usize>() + stream.log.blocks.capacity() * 8 + stream.log.nodes.heap_bytes();
    let per_entry = total as f64 / ENTRIES as f64;
    println!("{per_entry:.2} bytes an entry");
    assert!(per_entry <= 36.5, "{per_entry} bytes an entry");
    assert!(total.abs_diff(stream.heap_bytes()) < total / 50);
}

#[test]
fn a_pending_entry_costs_64_bytes_at_most() {
    const ENTRIES: u64 = 100_000;
    let mut group = Group::new(Id::MIN, None);
    let consumers: Vec<ConsumerSlot> = (0..4u8)
        .map(|name| group.add_consumer(&[name], 0))
        .collect();
    for at in 0..ENTRIES {
        let consumer = consumers[at as usize / 100 % 4];
        group.deliver(Pending {
            id: Id::new(at, 0),
            delivery_time_ms: at,
            delivery_count: 1,
            consumer,
        });
    }
    let per_entry = group.heap_bytes() as f64 / ENTRIES as f64;
    println!("{per_entry:.2} bytes a pending entry");
    assert!(per_entry <= 64.0, "{per_entry} bytes a pending entry");
    (0..ENTRIES).for_each(|at| assert!(group.ack(Id::new(at, 0))));
    assert!(
        group.heap_bytes() < ENTRIES as usize,
        "a group that caught up gives its memory back"
    );
}
