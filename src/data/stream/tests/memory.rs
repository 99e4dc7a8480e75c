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
    let mut stream = Stream::new();
    let value = vec![b'x'; bytes];
    for at in 1..=entries {
        let fields = [(&b"data"[..], &value[..])];
        stream
            .log
            .append(Id::new(at, 0), &fields, NodeLimits::default());
    }
    stream
}

#[test]
fn large_entries_share_pages() {
    const PAGE_BYTES: usize = 4096;
    for bytes in [1024, 3000, 5000, 16 * 1024, 40_000] {
        let stream = of_large(1000, bytes);
        let blocks = stream.log.blocks.iter();
        let pages = blocks.map(|block| block.len_bytes().div_ceil(PAGE_BYTES));
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
    assert!(stream.heap_bytes() < 5 * 17_000);
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
