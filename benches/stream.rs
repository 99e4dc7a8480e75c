//! What the stream structure itself costs: appending, reading, and delivering to a group and acknowledging.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use millstream::data::stream::{Direction, Group, Id, Log, NodeLimits, Reading, Stream};

const ENTRIES: u64 = 100_000;
const GROUP_READ: u64 = 100;
/// As ids come when a million entries are added a second.
const IDS_PER_MS: u64 = 1000;

fn id(at: u64) -> Id {
    Id::new(1_700_000_000_000 + at / IDS_PER_MS, at % IDS_PER_MS)
}

fn filled() -> Stream {
    let mut stream = Stream::new();
    append_all(&mut stream);
    stream
}

fn append_all(stream: &mut Stream) {
    let value = [b'x'; 32];
    for at in 0..ENTRIES {
        stream
            .log
            .append(id(at), &[(b"data", &value)], NodeLimits::default());
    }
}

/// Reads everything through a group, `GROUP_READ` entries at a time, acknowledging what was read each time.
fn read_and_ack(log: &Log, group: &mut Group) {
    let consumer = group.add_consumer(b"c", 0);
    let reading = Reading {
        consumer,
        now_ms: 1,
        limit: GROUP_READ,
        pending: true,
    };
    let mut ids = Vec::with_capacity(GROUP_READ as usize);
    loop {
        ids.clear();
        group.read(log, reading, |entry| ids.push(entry.id));
        if ids.is_empty() {
            return;
        }
        for &id in &ids {
            assert!(group.ack(id));
        }
    }
}

fn benches(c: &mut Criterion) {
    let mut bench = c.benchmark_group("stream");
    bench
        .throughput(Throughput::Elements(ENTRIES))
        .sample_size(20);
    bench.bench_function("append", |b| {
        b.iter_batched_ref(Stream::new, append_all, BatchSize::PerIteration)
    });
    let stream = filled();
    let read = |stream: &Stream| -> usize {
        stream
            .log
            .range(Id::MIN, Id::MAX)
            .flat_map(|entry| entry.fields())
            .map(|(_, value)| value.len())
            .sum()
    };
    bench.bench_function("range", |b| b.iter(|| read(&stream)));
    bench.bench_function("range_rev", |b| {
        b.iter(|| stream.log.range_rev(Id::MIN, Id::MAX).count())
    });
    bench.bench_function("freeze", |b| {
        b.iter(|| {
            stream
                .log
                .freeze(Id::MIN, Id::MAX, Direction::Forward, u64::MAX)
                .len()
        })
    });
    bench.bench_function("group_read_ack", |b| {
        b.iter_batched_ref(
            || Group::new(Id::MIN, Some(0)),
            |group| read_and_ack(&stream.log, group),
            BatchSize::PerIteration,
        )
    });
    bench.finish();
}

criterion_group!(stream, benches);
criterion_main!(stream);
