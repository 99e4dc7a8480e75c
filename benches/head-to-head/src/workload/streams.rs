//! Adding to streams and reading them: one stream and a thousand, small values and large ones, one request in flight and many.

use super::Goal::AtMostOfBetter;
use super::{AN_ID, Expect, Repeat, VALUE, Workload, command, figure, keyed, paced};

/// Entries of the stream that is read; its ids are known, so that replies are.
const ENTRIES: usize = 10_000;
const MANY: usize = 1_000;

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    let mut all = Vec::new();
    for streams in [1, MANY] {
        for size in [32, 1 << 10, 16 << 10] {
            all.extend([1, 32, 128].map(|pipeline| add(streams, size, pipeline)));
        }
    }
    all.push(
        Workload::new(
            "xadd-maxlen-p32",
            "XADD MAXLEN ~ 1000 of 32 bytes to one stream, 32 requests in flight per connection",
            640_000,
            |stage| {
                let add = ["s", "MAXLEN", "~", "1000", "*", "f", VALUE];
                Repeat::of(32, vec![command("XADD", &add)], Expect::StreamId).play(stage)
            },
        )
        .floor(AN_ID),
    );
    all.push(
        Workload::new(
            "xadd-paced",
            "XADD at a fixed 20,000 a second, from when each was due",
            60_000,
            |stage| {
                let add = command("XADD", &["s", "*", "f", VALUE]);
                paced::run(stage, &add, &Expect::StreamId)
            },
        )
        .floor(AN_ID)
        .primary(figure::P99),
    );
    all.extend(
        [
            ("XREAD", 10, 32),
            ("XREAD", 100, 1),
            ("XRANGE", 10, 32),
            ("XRANGE", 100, 1),
        ]
        .map(read),
    );
    all
}

fn add(streams: usize, size: usize, pipeline: usize) -> Workload {
    let of_many = if streams == 1 { "" } else { "-1000" };
    let of_size = match size {
        32 => String::new(),
        _ => format!("-{}k", size >> 10),
    };
    let name = format!("xadd{of_many}{of_size}-p{pipeline}");
    let to = if streams == 1 {
        "one stream"
    } else {
        "1,000 streams in turn"
    };
    let about = format!("XADD of {size} bytes to {to}, {pipeline} in flight per connection");
    let operations = match (size, pipeline) {
        (32, 1) => 150_000,
        (32, _) => 655_360,
        (1024, 1) => 100_000,
        (1024, _) => 327_680,
        _ => 40_960,
    };
    let workload = Workload::new(name, about, operations, move |stage| {
        repeat(streams, size, pipeline).play(stage)
    })
    .floor(AN_ID);
    match (streams, size, pipeline) {
        (1, 32, 1) => workload
            .counted(8_000)
            .goal(AtMostOfBetter(figure::CPU, 0.85)),
        (1, 32, 32) => workload
            .counted(32_000)
            .goal(AtMostOfBetter(figure::CPU, 0.35))
            .goal(AtMostOfBetter(figure::INSTRUCTIONS, 0.12)),
        (MANY, 32, 32) => workload.counted(32_000),
        _ => workload,
    }
}

/// XADD of [`VALUE`] to so many streams in turn.
pub fn xadd(streams: usize, pipeline: usize) -> Repeat {
    repeat(streams, VALUE.len(), pipeline)
}

fn repeat(streams: usize, size: usize, pipeline: usize) -> Repeat {
    let value = VALUE.repeat(size / VALUE.len());
    let add = |key: &str| command("XADD", &[key, "*", "f", &value]);
    if streams == 1 {
        let repeat = Repeat::of(pipeline, vec![add("s")], Expect::StreamId);
        return repeat.leaves("XLEN s", |stage| stage.operations);
    }
    Repeat::of(pipeline, keyed(streams, add), Expect::StreamId)
        .leaves("DBSIZE", |stage| stage.operations.min(MANY))
}

fn read((name, count, pipeline): (&'static str, usize, usize)) -> Workload {
    let from = ENTRIES / 2;
    let entries = entries(from, count);
    let (words, reply) = match name {
        "XREAD" => {
            let after = format!("1-{}", from - 1);
            let words = ["COUNT", &count.to_string(), "STREAMS", "s", &after].map(String::from);
            (words, format!("*1\r\n*2\r\n$1\r\ns\r\n{entries}"))
        }
        _ => {
            let words = ["s", &format!("1-{from}"), "+", "COUNT", &count.to_string()];
            (words.map(String::from), entries)
        }
    };
    let expected = reply.clone();
    Workload::new(
        format!("{}-{count}-p{pipeline}", name.to_lowercase()),
        format!("{name} COUNT {count} from the middle of {ENTRIES} entries, {pipeline} in flight per connection"),
        1_600_000 / count,
        move |stage| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let add = |n| command("XADD", &["s", &format!("1-{n}"), "f", VALUE]);
            Repeat::of(pipeline, vec![command(name, &words)], Expect::Exactly(expected.clone().into()))
                .after((1..=ENTRIES).map(add).collect())
                .play(stage)
        },
    )
    .floor(reply)
}

/// `count` entries from 1-`from` on, as a reply tells them.
fn entries(from: usize, count: usize) -> String {
    let entry = |n| {
        let id = format!("1-{n}");
        let (length, size) = (id.len(), VALUE.len());
        format!("*2\r\n${length}\r\n{id}\r\n*2\r\n$1\r\nf\r\n${size}\r\n{VALUE}\r\n")
    };
    let entries: String = (from..from + count).map(entry).collect();
    format!("*{count}\r\n{entries}")
}
