//! Random work on a stream and on plain maps, which must always agree; and copies frozen on the way, which must stay as they
//! were.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

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
    FreezeRange,
    Freeze,
    Thaw,
}

fn fields() -> impl Strategy<Value = Fields> {
    let value = prop_oneof![
        "[a-z]{0,40}".prop_map(String::into_bytes),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        (0usize..2000).prop_map(|len| vec![b'x'; len]),
        (0usize..50_000).prop_map(|len| vec![b'y'; len]),
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
        1 => Just(Op::FreezeRange),
        2 => Just(Op::Freeze),
        1 => Just(Op::Thaw),
    ]
}

/// The plainest thing that behaves like a stream.
#[derive(Clone, Default)]
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
        let mut copies = Copies::default();
        for op in &ops {
            apply(&mut stream, &mut model, op.clone(), &mut copies);
            check(&stream);
        }
        assert_agree(&stream, &model);
        for (range, expected) in copies.ranges {
            prop_assert!(read_in_slices(range).into_iter().eq(expected));
        }
        for (copy, expected) in &copies.streams {
            check(copy);
            assert_agree(copy, expected);
        }
        // What was frozen can itself be written to, and the stream it was taken from does not see it.
        if let Some((mut copy, mut expected)) = copies.streams.pop() {
            for op in ops {
                apply(&mut copy, &mut expected, op, &mut Copies::default());
                check(&copy);
            }
            assert_agree(&copy, &expected);
            assert_agree(&stream, &model);
        }
    }
}

/// What was frozen, and what it must still be when all is done.
#[derive(Default)]
struct Copies {
    ranges: Vec<(Frozen, BTreeMap<Id, Fields>)>,
    streams: Vec<(Stream, Model)>,
}

fn assert_agree(stream: &Stream, model: &Model) {
    let entries = || model.entries.clone().into_iter();
    let (forward, backward) = (
        stream.log.range(Id::MIN, Id::MAX),
        stream.log.range_rev(Id::MIN, Id::MAX),
    );
    assert!(forward.map(owned).eq(entries()));
    assert!(backward.map(owned).eq(entries().rev()));
    for (at, name) in GROUPS.iter().enumerate() {
        let group = &stream.groups[*name];
        let pending = &model.pending[at];
        assert_eq!(group.last_id, model.last_read[at]);
        let ids = |pending: &Pending| pending.id;
        assert!(
            group
                .pending_from(Id::MIN)
                .map(ids)
                .eq(pending.keys().copied())
        );
        for (slot, consumer) in group.consumers() {
            let own = group.consumer_pending_from(slot, Id::MIN).map(ids);
            let owned = pending
                .iter()
                .filter(|(_, owner)| **owner == consumer.name[0]);
            assert!(own.eq(owned.map(|(id, _)| *id)));
        }
    }
}

fn apply(stream: &mut Stream, model: &mut Model, op: Op, copies: &mut Copies) {
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
                let newest = stream
                    .log
                    .freeze_range(from, to, Direction::Backward, limit);
                assert!(
                    read_in_slices(newest)
                        .into_iter()
                        .eq(expected().rev().take(limit as usize))
                );
                let oldest = stream.log.freeze_range(from, to, Direction::Forward, limit);
                assert!(
                    read_in_slices(oldest)
                        .into_iter()
                        .eq(expected().take(limit as usize))
                );
                let left = model.entries.range(from..).count() as u64;
                assert_eq!(stream.log.count_from(from, limit), limit.min(left));
                assert_eq!(stream.log.entry(from).map(owned), expected().next());
                let (mut finder, entries) = (stream.log.finder(), model.entries.range(..to));
                for id in entries.map(|(id, _)| *id).chain([from, to]) {
                    let found = finder.find(id).map(|entry| entry.id);
                    assert_eq!(found, model.entries.contains_key(&id).then_some(id));
                }
            }
        }
        Op::FreezeRange => copies.ranges.push((
            stream
                .log
                .freeze_range(Id::MIN, Id::MAX, Direction::Forward, u64::MAX),
            model.entries.clone(),
        )),
        Op::Freeze => copies.streams.push((stream.freeze(), model.clone())),
        Op::Thaw => {
            copies.streams.pop();
        }
    }
}

/// Such a trim may leave more than was asked to remain; it must remove only what it may.
fn approximate_trim(stream: &mut Stream, model: &mut Model, trim: Trim) {
    let before = stream.log.len();
    let removed = stream.trim(&trim).count;
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
        group.deliver(Delivery {
            id,
            time_ms: 0,
            count: 1,
            consumer: slot,
        });
        group.last_id = id;
        model.pending[at].insert(id, consumer);
        model.last_read[at] = id;
    }
    // Now and then somebody claims the oldest.
    if let (true, Some((id, _))) = (count == 0, model.pending[at].first_key_value()) {
        let id = *id;
        group.deliver(Delivery {
            id,
            time_ms: 1,
            count: 2,
            consumer: slot,
        });
        model.pending[at].insert(id, consumer);
        assert_eq!(
            group.pending(id).map(|pending| pending.delivery_count),
            Some(2)
        );
    }
}
