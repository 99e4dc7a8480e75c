//! What the tests of streams share. `model.rs` compares random work with a plain map; the others show single rules.

mod freeze;
mod leases;
mod memory;
mod model;
mod rules;

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
    let payload_of = |entry: EntryRef| -> usize {
        let fields = entry.fields();
        fields.map(|(name, value)| name.len() + value.len()).sum()
    };
    let entries = stream.log.range(Id::MIN, Id::MAX);
    let payload = entries.map(payload_of).sum::<usize>() as u64;
    assert_eq!(stream.log.bytes(), payload);
    let in_blocks = stream.log.blocks.iter().map(|block| block.payload_bytes());
    assert_eq!(in_blocks.sum::<u64>(), payload);
    let live_in_nodes: u64 = stream
        .log
        .nodes
        .from(Id::MIN)
        .map(|node| u64::from(node.live))
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
