//! What entries and pending entries take.

use super::*;
use crate::data::stream::block::Block;

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
        blocks.sum::<usize>() + stream.log.blocks.heap_bytes() + stream.log.nodes.heap_bytes();
    let per_entry = total as f64 / ENTRIES as f64;
    println!("{per_entry:.2} bytes an entry");
    assert!(per_entry <= 36.5, "{per_entry} bytes an entry");
    assert!(total.abs_diff(stream.heap_bytes()) < total / 50);
}

/// A stream of entries of so many bytes each.
fn of_large(entries: u64, bytes: usize) -> Stream {
    let ids: Vec<Id> = (1..=entries).map(|ms| Id::new(ms, 0)).collect();
    of_large_at(&ids, bytes)
}

fn of_large_at(ids: &[Id], bytes: usize) -> Stream {
    let mut stream = Stream::new();
    let value = vec![b'x'; bytes];
    for id in ids {
        let fields = [(&b"data"[..], &value[..])];
        stream.log.append(*id, &fields, NodeLimits::default());
    }
    stream
}

#[test]
fn large_entries_share_pages() {
    const PAGE_BYTES: usize = 4096;
    for bytes in [1024, 3000, 5000, 16 * 1024, 40_000] {
        let stream = of_large(1000, bytes);
        let blocks = stream.log.blocks.iter();
        let pages = blocks.map(|block| block.live_bytes().div_ceil(PAGE_BYTES));
        let paid = (pages.sum::<usize>() * PAGE_BYTES) as f64 / (1000 * bytes) as f64;
        assert!(paid < 1.12, "{bytes}: {paid}");
        let held = stream.heap_bytes() as f64 / (1000 * bytes) as f64;
        assert!(held < 1.12, "{bytes}: {held}");
    }
    for entries in 1..8 {
        let held = of_large(entries, 16 * 1024).heap_bytes();
        assert!(held <= (2 * entries as usize) * 17_000, "{entries}: {held}");
    }
}

#[test]
fn what_large_entries_took_comes_back_when_they_are_deleted() {
    let mut stream = of_large(1000, 16 * 1024);
    let whole = stream.heap_bytes();
    for at in (1..=1000).filter(|at| at % 8 != 0) {
        stream.delete(Id::new(at, 0), References::Keep);
    }
    let left = stream.heap_bytes();
    assert!(left < whole / 3, "{left} of {whole}");
    assert_eq!(stream.log.range(Id::MIN, Id::MAX).count(), 125);
    stream.log.drop_blocks_below(Id::new(1000, 0));
    let left = stream.log.blocks.iter().map(|block| block.heap_bytes());
    let left: Vec<usize> = left.collect();
    assert!(left.iter().sum::<usize>() < 2 * 17_000, "{left:?}");
}

#[test]
fn a_short_stream_of_large_entries_holds_little_more_than_it_has() {
    for (kept, bytes, most) in [
        (1, 5000, 1.3),
        (1, 9000, 1.3),
        (2, 16_000, 1.3),
        (10, 5000, 1.5),
        (40, 5000, 1.5),
    ] {
        let value = vec![b'x'; bytes];
        let mut stream = of_large(kept, bytes);
        let mut held = 0;
        for at in kept + 1..kept + 200 {
            let fields = [(&b"data"[..], &value[..])];
            stream
                .log
                .append(Id::new(at, 0), &fields, NodeLimits::default());
            stream.delete(Id::new(at - kept, 0), References::Keep);
            // It may have had other plans before.
            if at > 3 * kept {
                let blocks = stream.log.blocks.iter();
                held = held.max(blocks.map(|block| block.heap_bytes()).sum());
            }
        }
        let paid = held as f64 / (kept as usize * bytes) as f64;
        assert!(paid < most, "{kept} of {bytes}: {paid}");
    }
}

#[test]
fn large_entries_whose_stream_is_always_read_leave_no_room_unused() {
    let mut stream = Stream::new();
    let mut frozen = Vec::new();
    for at in 1..=100 {
        let fields = [(&b"data"[..], &[b'x'; 9000][..])];
        stream
            .log
            .append(Id::new(at, 0), &fields, NodeLimits::default());
        frozen.push(stream.freeze());
    }
    let paid = stream.heap_bytes() as f64 / 900_000.0;
    assert!(paid < 1.1, "{paid}");
}

#[test]
fn ids_are_the_same_when_a_block_was_written_anew() {
    let ids = [(7, 0), (7, 1), (7, 2), (7, 9), (8, 0), (8, 3), (9, 5)];
    let ids = ids.map(|(ms, seq)| Id::new(ms, seq));
    // So many before them that there is one block for them, which begins with each of them in turn.
    for (earlier, left) in
        (90..100).flat_map(|count| (1u32..1 << ids.len()).map(move |left| (count, left)))
    {
        let all: Vec<Id> = (1..=earlier)
            .map(|seq| Id::new(1, seq))
            .chain(ids)
            .collect();
        let mut stream = of_large_at(&all, 3000);
        let is_left = |at: &usize| left & (1 << at) != 0;
        for at in (0..ids.len()).filter(|at| !is_left(at)) {
            stream.delete(ids[at], References::Keep);
        }
        stream
            .log
            .append(Id::new(9, 6), &[(b"data", b"x")], NodeLimits::default());
        let expected = (0..ids.len())
            .filter(is_left)
            .map(|at| ids[at])
            .chain([Id::new(9, 6)]);
        let expected: Vec<Id> = expected.collect();
        let entries = stream.log.range(ids[0], Id::MAX);
        assert_eq!(entries.map(|entry| entry.id).collect::<Vec<_>>(), expected);
        let backwards = stream.log.range_rev(ids[0], Id::MAX);
        assert!(
            backwards
                .map(|entry| entry.id)
                .eq(expected.into_iter().rev())
        );
    }
}

#[test]
fn one_entry_of_a_large_block_is_no_long_reply() {
    let stream = of_large(1000, 16 * 1024);
    let (id, forward) = (Id::new(500, 0), Direction::Forward);
    let bytes = stream.log.freeze_range(id, Id::MAX, forward, 1).bytes();
    assert!((16_384..17_000).contains(&bytes), "{bytes}");
    let bytes = stream.log.freeze_range(id, Id::MAX, forward, 20).bytes();
    assert!((320_000..340_000).contains(&bytes), "{bytes}");
}

#[test]
fn a_block_of_large_entries_is_not_copied_for_one_more() {
    let mut stream = of_large(100, 16 * 1024);
    let blocks = stream.log.block_count();
    let frozen = stream.freeze();
    let fields = [(&b"data"[..], &[b'x'; 16 * 1024][..])];
    stream
        .log
        .append(Id::new(101, 0), &fields, NodeLimits::default());
    assert_eq!(stream.log.block_count(), blocks + 1);
    assert_eq!((frozen.log.len(), stream.log.len()), (100, 101));
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
        group.deliver(Delivery {
            id: Id::new(at, 0),
            time_ms: at,
            count: 1,
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
