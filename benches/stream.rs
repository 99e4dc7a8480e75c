//! What the stream structure itself costs: appending, reading, delivering to a group and acknowledging, and being frozen.

use std::time::Duration;

use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use millstream::data::stream::{Delivery, Direction, Group, Id, Log, NodeLimits, Reading, Stream};

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
                .freeze_range(Id::MIN, Id::MAX, Direction::Forward, u64::MAX)
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

/// A stream whose freezing would show: a snapshot does it under the lock.
const LARGE_ENTRIES: u64 = 5_000_000;
const LARGE_PENDING: u64 = 1_000_000;

fn large() -> Stream {
    let mut stream = Stream::new();
    for at in 0..LARGE_ENTRIES {
        let fields = [(&b"data"[..], &[b'x'; 32][..])];
        stream.log.append(id(at), &fields, NodeLimits::default());
    }
    let mut group = Group::new(Id::MIN, Some(0));
    let consumer = group.add_consumer(b"c", 0);
    let reading = Reading {
        consumer,
        now_ms: 1,
        limit: LARGE_PENDING,
        pending: true,
    };
    group.read(&stream.log, reading, |_| {});
    stream.groups.insert(b"g"[..].into(), group);
    stream
}

/// A group of as many consumers as come together where each process takes a new name; each has an entry pending.
fn crowd() -> Group {
    const CONSUMERS: u64 = 10_000;
    let mut group = Group::new(Id::MIN, None);
    for at in 0..CONSUMERS {
        let consumer = group.add_consumer(format!("consumer-{at}").as_bytes(), 0);
        group.deliver(Delivery {
            id: id(at),
            time_ms: 1,
            count: 1,
            consumer,
        });
    }
    group
}

/// The first writes after a freeze: an append, an acknowledgement, and another one far from the first.
fn write_here_and_there(stream: &mut Stream, round: u64) {
    let fields = [(&b"data"[..], &[b'x'; 32][..])];
    let next = id(LARGE_ENTRIES + round);
    stream.log.append(next, &fields, NodeLimits::default());
    let group = stream.groups.get_mut(&b"g"[..]).expect("has one group");
    assert!(group.ack(id(round)));
    assert!(group.ack(id(LARGE_PENDING / 2 + round)));
}

fn freezing(c: &mut Criterion) {
    let mut bench = c.benchmark_group("large_stream");
    bench.sampling_mode(SamplingMode::Flat).sample_size(10);
    bench.warm_up_time(Duration::from_millis(1));
    bench.measurement_time(Duration::from_millis(1));
    bench.bench_function("first_freeze", |b| {
        b.iter_batched_ref(large, Stream::freeze, BatchSize::PerIteration)
    });
    bench.bench_function("first_freeze_10_000_consumers", |b| {
        b.iter_batched_ref(crowd, Group::freeze, BatchSize::PerIteration)
    });
    let mut stream = large();
    let mut round = 0;
    bench.measurement_time(Duration::from_millis(200));
    bench.bench_function("freeze_again", |b| {
        b.iter_batched(
            || {
                round += 1;
                round
            },
            |round| {
                let frozen = stream.freeze();
                write_here_and_there(&mut stream, round);
                frozen
            },
            BatchSize::PerIteration,
        )
    });
    bench.finish();
}

criterion_group!(stream, benches, freezing);
criterion_main!(stream);
