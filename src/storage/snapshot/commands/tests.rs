//! The commands that tell a stream with everything that no Redis has.

use super::*;
use crate::data::Stream;
use crate::data::hash::{Keeps, Limits};
use crate::data::stream::{
    Backoff, Delivery, Group, GroupPolicy, NodeLimits, Order, References, StreamPolicy,
};
use crate::keyspace::Usage;
use crate::keyspace::effects::Annotation;
use crate::resp::{FrameParser, Scanned};

/// The commands, a line each; hidden ones behind a `#`, moments before what they belong to.
fn told(record: Record<'_>) -> Vec<String> {
    let mut bytes = Vec::new();
    write_record(&mut bytes, record).unwrap();
    let (mut lines, mut hidden, mut rest) = (Vec::new(), Vec::new(), &bytes[..]);
    let mut moment = String::new();
    while !rest.is_empty() {
        if rest[0] != b'#' {
            let (line, taken) = words(rest);
            lines.push(format!("{}{line}", std::mem::take(&mut moment)));
            rest = &rest[taken..];
            continue;
        }
        let end = memchr::memchr(b'\n', rest).unwrap() + 1;
        match Annotation::parse(rest[..end].trim_ascii_end()).unwrap() {
            Annotation::Moment(at) => moment = format!("[{}] ", at.unix_ms),
            Annotation::Hidden { bytes, goes_on } => {
                hidden.extend(bytes);
                if !goes_on {
                    let (line, taken) = words(&hidden);
                    assert_eq!(taken, hidden.len());
                    lines.push(format!("# {}{line}", std::mem::take(&mut moment)));
                    hidden.clear();
                }
            }
            Annotation::ForRedis | Annotation::Other => panic!("no other is written"),
        }
        rest = &rest[end..];
    }
    lines
}

/// The first command of these bytes, and its length.
fn words(bytes: &[u8]) -> (String, usize) {
    let mut parser = FrameParser::default();
    let Scanned::Whole { bytes: taken } = parser.scan(bytes) else {
        panic!("a whole command")
    };
    let request = parser.request(bytes);
    let words: Vec<_> = request
        .iter()
        .map(|word| word.escape_ascii().to_string())
        .collect();
    let words = words.iter().map(|word| match word.as_str() {
        "" => "''",
        word => word,
    });
    (words.collect::<Vec<_>>().join(" "), taken)
}

fn group() -> Group {
    let mut group = Group::new(Id::new(4, 0), Some(4));
    let consumer = group.add_consumer(b"", 900);
    group.consumer_mut(consumer).active_time_ms = Some(900);
    let delivery = |ms| Delivery {
        id: Id::new(ms, 0),
        time_ms: 800,
        count: 1,
        consumer,
    };
    group.deliver(delivery(1));
    group.take_on(Id::new(2, 0), 0, 3);
    group.take_on(Id::new(3, 0), 0, 3);
    group.take_on(Id::new(4, 0), 5000, i64::MAX as u64);
    group
}

fn stream() -> Stream {
    let mut stream = Stream::new();
    for ms in 1..=4 {
        let fields = [(&b"f"[..], &b"v"[..])];
        stream
            .log
            .append(Id::new(ms, 0), &fields, NodeLimits::default());
    }
    let mut group = group();
    let policy = GroupPolicy {
        ack_wait_ms: 30_000,
        backoff: Some(Backoff {
            min_ms: 100,
            max_ms: 9000,
        }),
        order: Some(Order::Whole),
        ..GroupPolicy::default()
    };
    group.set_policy(policy, &stream.log);
    stream.groups.insert(b"g"[..].into(), group);
    stream.schedule.add(Id::new(1 << 42, 3), &[(b"job", b"")]);
    stream.policy = StreamPolicy {
        max_len: 1000,
        references: References::Acked,
        rejects: true,
        ..StreamPolicy::default()
    };
    stream
}

#[test]
fn what_no_redis_has_is_hidden_and_the_rest_is_plain() {
    let told = told(Record {
        key: b"s",
        deadline_ms: NEVER,
        usage: Usage::new(0, 0),
        value: &stream().into(),
    });
    let added = (1..=4).map(|ms| format!("XADD s {ms}-0 f v"));
    let rest = [
        "XSETID s 4-0 ENTRIESADDED 4 MAXDELETEDID 0-0",
        "XGROUP CREATE s g 4-0 ENTRIESREAD 4",
        "[900] XGROUP CREATECONSUMER s g ''",
        "[900] XCLAIM s g '' 0 1-0 TIME 800 RETRYCOUNT 1 JUSTID FORCE",
        "XCLAIM s g - 0 2-0 TIME 0 RETRYCOUNT 3 JUSTID FORCE",
        "XCLAIM s g - 0 3-0 TIME 0 RETRYCOUNT 3 JUSTID FORCE",
        "# XNACK s g SILENT IDS 2 2-0 3-0 RETRYCOUNT 3 FORCE DELAY 0",
        "XCLAIM s g - 0 4-0 TIME 5000 RETRYCOUNT 9223372036854775807 JUSTID FORCE",
        "# [4999] XNACK s g SILENT IDS 1 4-0 RETRYCOUNT 9223372036854775807 FORCE DELAY 1",
        "# XGROUP DELCONSUMER s g -",
        "# XCFGSET s GROUP g ACKWAIT 30000 BACKOFF 100 9000 MAXDELIVER 0 DEADLETTER '' MAXPENDING 0 ORDER *",
        "# XADD s @4398046511104-3 job ''",
        "# XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 100 MAXLEN 1000 MAXAGE 0 MAXBYTES 0 ACKED OVERFLOW REJECT ONACK KEEP",
    ];
    let expected: Vec<String> = added.chain(rest.map(String::from)).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_hash_is_told_so_that_its_order_comes_back() {
    let mut hash = Hash::new();
    for name in [&b"a"[..], b"b", b"c", b"d"] {
        hash.set(
            Limits::default(),
            name.into(),
            (&b"1"[..]).into(),
            Keeps::Value,
        );
    }
    for (name, expires_ms) in [(b"d", 5), (b"b", 7), (b"c", 5)] {
        hash.set_expiry_ms(name, Some(expires_ms));
    }
    let told = told(Record {
        key: b"h",
        deadline_ms: 9,
        usage: Usage::new(0, 0),
        value: &hash.into(),
    });
    let expected = [
        "HSET h c 1 d 1 b 1 a 1",
        "HPEXPIREAT h 7 FIELDS 1 b",
        "HPEXPIREAT h 5 FIELDS 1 d",
        "HPEXPIREAT h 5 FIELDS 1 c",
        "PEXPIREAT h 9",
    ];
    assert_eq!(told, expected);
}

#[test]
fn many_entries_are_given_back_in_bounded_commands() {
    let mut stream = Stream::new();
    let mut group = Group::new(Id::new(100, 0), None);
    for ms in 1..=100 {
        let fields = [(&b"f"[..], &b"v"[..])];
        stream
            .log
            .append(Id::new(ms, 0), &fields, NodeLimits::default());
        group.take_on(Id::new(ms, 0), 0, 1);
    }
    stream.groups.insert(b"g"[..].into(), group);
    let told = told(Record {
        key: b"s",
        deadline_ms: NEVER,
        usage: Usage::new(0, 0),
        value: &stream.into(),
    });
    let nacks = told.iter().filter(|line| line.contains("XNACK"));
    let counts: Vec<_> = nacks.map(|line| line.split(' ').nth(6).unwrap()).collect();
    assert_eq!(counts, ["64", "36"]);
}
