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
