//! What a frozen stream keeps, and what it shares.

use std::sync::Arc;

use super::*;

/// A stream of `entries`, each pending for one of two consumers.
fn pending_for_two(entries: u64) -> Stream {
    let mut stream = counted(entries, 100);
    let mut group = Group::new(Id::MIN, Some(0));
    let consumers = [b"a", b"b"].map(|name| group.add_consumer(name, 1));
    for (at, consumer) in consumers.into_iter().cycle().take(4).enumerate() {
        let reading = Reading {
            consumer,
            now_ms: 10 + at as u64,
            limit: entries.div_ceil(4),
            pending: true,
        };
        group.read(&stream.log, reading, |_| {});
        group.consumer_mut(consumer).active_time_ms = Some(reading.now_ms);
    }
    stream.groups.insert(b"g"[..].into(), group);
    stream
}

/// All that can be read of a stream.
fn everything(stream: &Stream) -> String {
    let entries: Vec<_> = stream.log.range(Id::MIN, Id::MAX).map(owned).collect();
    let log = &stream.log;
    let nodes: Vec<_> = log.nodes.from(Id::MIN).collect();
    let mut text = format!(
        "{entries:?} {nodes:?} {:?}",
        (
            log.len(),
            log.first_id(),
            log.newest_id(),
            log.last_id(),
            log.max_deleted_id(),
            log.entries_added()
        )
    );
    for (name, group) in &stream.groups {
        let pending: Vec<_> = group.pending_from(Id::MIN).collect();
        text += &format!(
            "{name:?} {:?} {:?} {pending:?}",
            group.last_id, group.entries_read
        );
        for (slot, consumer) in group.consumers() {
            let own: Vec<_> = group.consumer_pending_from(slot, Id::MIN).collect();
            let times = (consumer.seen_time_ms, consumer.active_time_ms);
            text += &format!("{:?} {times:?} {own:?}", consumer.name);
        }
    }
    text
}

fn id(ms: u64) -> Id {
    Id::new(ms, 1)
}

#[test]
fn a_frozen_stream_keeps_all_of_it_whatever_is_done_to_the_other() {
    const ENTRIES: u64 = 10_000;
    let works: [fn(&mut Stream); 9] = [
        |stream| {
            let value = vec![(b"f".to_vec(), b"v".to_vec())];
            append(stream, id(ENTRIES + 1), &value, NodeLimits::default());
        },
        |stream| assert_eq!(stream.delete(id(77), References::Delete), Removal::Removed),
        |stream| {
            assert_eq!(
                stream
                    .trim(&trim(TrimTo::MaxLen(3), References::Delete))
                    .count,
                ENTRIES - 3
            )
        },
        |stream| {
            let group = stream.groups.get_mut(&b"g"[..]).unwrap();
            assert!((1..=ENTRIES).rev().step_by(3).all(|ms| group.ack(id(ms))));
        },
        |stream| {
            let group = stream.groups.get_mut(&b"g"[..]).unwrap();
            assert!(group.release(id(5), 7, 2));
        },
        |stream| {
            let group = stream.groups.get_mut(&b"g"[..]).unwrap();
            let thief = group.add_consumer(b"c", 5);
            let claimed: Vec<Pending> = group.pending_from(Id::MIN).take(700).cloned().collect();
            for pending in claimed {
                group.deliver(Delivery {
                    id: pending.id,
                    time_ms: pending.time_ms,
                    count: pending.delivery_count,
                    consumer: thief,
                });
            }
        },
        |stream| {
            let group = stream.groups.get_mut(&b"g"[..]).unwrap();
            let consumer = group.find_consumer(b"a").unwrap();
            assert_eq!(group.remove_consumer(consumer), ENTRIES as usize / 2);
        },
        |stream| {
            stream.groups.clear();
        },
        |stream| stream.log.set_progress(id(2 * ENTRIES), 3 * ENTRIES, id(1)),
    ];
    for (at, work) in works.into_iter().enumerate() {
        let mut stream = pending_for_two(ENTRIES);
        let before = everything(&stream);
        let frozen = stream.freeze();
        work(&mut stream);
        assert!(everything(&stream) != before, "work {at} changes something");
        assert!(everything(&frozen) == before, "work {at}");
        drop(stream);
        assert!(everything(&frozen) == before, "work {at}, stream dropped");
    }
}

#[test]
fn a_frozen_stream_shares_every_block_that_is_not_written_to() {
    let mut stream = counted(100_000, 100);
    let frozen = stream.freeze();
    let differing = |stream: &Stream| {
        let pairs = stream.log.blocks.iter().zip(frozen.log.blocks.iter());
        pairs.filter(|(a, b)| !Arc::ptr_eq(a, b)).count()
    };
    assert!(stream.log.block_count() > 100);
    assert_eq!(differing(&stream), 0);
    stream.delete(id(50_000), References::Keep);
    assert_eq!(differing(&stream), 1);
    let value = vec![(b"f".to_vec(), b"v".to_vec())];
    append(&mut stream, id(100_001), &value, NodeLimits::default());
    assert_eq!(differing(&stream), 2);
}

#[test]
fn only_a_small_stream_is_quick_to_encode() {
    const BOUND: usize = 16 * 1024;
    assert!(Stream::new().is_quick_to_encode(BOUND));
    assert!(pending_for_two(100).is_quick_to_encode(BOUND));
    assert!(!counted(100_000, 100).is_quick_to_encode(BOUND));
    assert!(!pending_for_two(1000).is_quick_to_encode(BOUND));
    let mut stream = counted(1, 100);
    let group = stream.groups.entry(b"g"[..].into()).or_default();
    for name in 0..100u8 {
        group.add_consumer(&[name], 0);
    }
    assert!(!stream.is_quick_to_encode(BOUND));
}
