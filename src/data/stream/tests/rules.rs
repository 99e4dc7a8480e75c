//! Rules of trimming, deleting and counting that Redis's clients can see.

use super::*;

#[test]
fn approximate_trims_drop_whole_nodes_within_the_limit() {
    let to = |max_len| Trim {
        to: TrimTo::MaxLen(max_len),
        approximate: true,
        limit: 0,
        references: References::Keep,
    };
    let mut stream = counted(10, 3);
    assert_eq!(stream.trim(&to(4)).count, 6);
    assert_eq!(all_ms(&stream), [7, 8, 9, 10]);
    assert_eq!(counted(10, 3).trim(&Trim { limit: 5, ..to(0) }).count, 3);
    assert_eq!(
        counted(10, 3)
            .trim(&Trim {
                references: References::Delete,
                ..to(0)
            })
            .count,
        0
    );
    let mut stream = counted(10, 3);
    stream.delete(Id::new(3, 1), References::Keep);
    let from = |ms| Trim {
        to: TrimTo::MinId(Id::new(ms, 1)),
        ..to(0)
    };
    assert_eq!(
        stream.trim(&from(3)).count,
        0,
        "a deleted entry still bounds its node"
    );
    assert_eq!(stream.trim(&from(4)).count, 2);
}

#[test]
fn exact_trims_leave_the_emptied_node_that_redis_leaves() {
    let mut stream = counted(10, 3);
    stream.delete(Id::new(3, 1), References::Keep);
    assert_eq!(
        stream
            .trim(&trim(TrimTo::MinId(Id::new(3, 1)), References::Keep))
            .count,
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
    assert_eq!(
        stream
            .trim(&trim(TrimTo::MaxLen(0), References::Keep))
            .count,
        7
    );
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
        group.deliver(Delivery {
            id: Id::new(ms, 1),
            time_ms: 0,
            count: 1,
            consumer,
        });
    }
    stream.groups.insert(b"g"[..].into(), group);
    assert_eq!(
        stream
            .trim(&trim(TrimTo::MinId(Id::new(9, 1)), References::Acked))
            .count,
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
        stream
            .trim(&trim(TrimTo::MaxLen(1), References::Acked))
            .count,
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
    group.deliver(Delivery {
        id,
        time_ms: 0,
        count: 1,
        consumer,
    });
    stream.groups.insert(b"h"[..].into(), group);
    assert_eq!(
        stream
            .trim(&trim(TrimTo::MaxLen(0), References::Acked))
            .count,
        9
    );
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
