//! The bodies of the fuzz targets on samples with a few changes, so that every test run exercises them. MILLSTREAM_SEED, which is printed, makes a
//! run come again.

#[path = "../common/mod.rs"]
mod common;

#[path = "../../fuzz/bodies/acl.rs"]
mod acl;
#[path = "../../fuzz/bodies/config.rs"]
mod config;
#[path = "../../fuzz/bodies/glob.rs"]
mod glob;
#[path = "../../fuzz/bodies/script.rs"]
mod script;
#[path = "../../fuzz/bodies/snapshot.rs"]
mod snapshot;

use common::{Random, Server};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Inputs for each body.
const INPUTS: usize = 3000;

/// What bytes are replaced by: ends of ranges, and what has a meaning in one format or another.
const TOKENS: [&[u8]; 24] = [
    b"",
    b"*",
    b"[",
    b"]",
    b"\\",
    b"?",
    b"^",
    b"-1",
    b"0",
    b"9223372036854775807",
    b"18446744073709551616",
    b"\n",
    b" ",
    b"\"",
    b"(",
    b")",
    b"\x00",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x81\x00\x00\x00\x01\x00\x00\x00\x00",
    b"\xdf\x7f\xff\xff\xff",
    b"{",
    b"1e400",
    b"\\ud800",
];

/// A sample with a few changes.
fn change(random: &mut Random, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut input = samples[random.below(samples.len())].clone();
    for _ in 0..1 + random.below(6) {
        let at = random.below(input.len() + 1);
        let to = (at + random.below(9)).min(input.len());
        match random.below(6) {
            0 if at < input.len() => input[at] = random.below(256) as u8,
            1 => drop(input.splice(at..to, [])),
            2 => drop(input.splice(at..to, TOKENS[random.below(TOKENS.len())].iter().copied())),
            3 => {
                let again = input[at..to].repeat(1 + random.below(40));
                drop(input.splice(at..at, again));
            }
            4 => {
                let other = &samples[random.below(samples.len())];
                let from = random.below(other.len() + 1);
                input.truncate(at);
                input.extend(&other[from..]);
            }
            _ => drop(input.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
        }
    }
    input
}

/// Gives a body many inputs, and shows that which it fails on.
fn feed(body: fn(&[u8]), samples: &[Vec<u8>]) {
    let mut random = Random::from_env();
    samples.iter().for_each(|sample| body(sample));
    for _ in 0..INPUTS {
        let input = change(&mut random, samples);
        let ran = catch_unwind(AssertUnwindSafe(|| body(&input)));
        assert!(ran.is_ok(), "it failed on b\"{}\"", input.escape_ascii());
    }
}

fn texts(samples: &[&str]) -> Vec<Vec<u8>> {
    samples
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect()
}

#[test]
fn rules_of_users() {
    let samples = [
        "on >secret ~* &* +@all",
        "off nopass %R~a* %W~b* (~c +@read -get) resetchannels &news.* -@all +config|get +@string",
        "user ann on #9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 ~a -@all\nuser default on nopass ~* &* +@all\n",
        "reset clearselectors sanitize-payload skip-sanitize-payload allkeys resetkeys allcommands nocommands",
    ];
    feed(acl::run, &texts(&samples));
}

#[test]
fn configurations() {
    let samples = [
        "port 6379\nbind 127.0.0.1 -::1\nsave 3600 1 300 100\nappendonly yes\n",
        "# a comment\nmaxmemory 100mb\nclient-output-buffer-limit pubsub 32mb 8mb 60\nnotify-keyspace-events KEA\n",
        "requirepass \"a \\x00 b\"\nrename-command FLUSHALL ''\nuser ann on nopass ~* +@all\n",
        "stream-policy jobs:* MAXLEN 100 ACKED\nstream-group-policy * * ACKWAIT 30000 DEADLETTER dead\ntls-protocols \"TLSv1.2 TLSv1.3\"\n",
    ];
    feed(config::run, &texts(&samples));
}

#[test]
fn patterns() {
    let samples = [
        "*a*b*c*d*e*f\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "h[^e-k]llo[\\]]?\nhallo]x",
        "plain\nplain",
        "[a-z]*[0-9]*\\*\nabc123*",
    ];
    feed(glob::run, &texts(&samples));
}

#[test]
fn decoders_of_scripts() {
    let mut samples = texts(&[
        "{\"a\": [1, 2.5e3, null, true, \"\\u00e9\\ud83d\\ude00\"], \"b\": {}}",
        "<i4>Hs4c0xlb",
        "[[[[[[[[1]]]]]]]]",
    ]);
    samples.push(
        b"\x82\xa1a\x93\x01\xcb\x40\x04\x00\x00\x00\x00\x00\x00\xc0\xa1b\xd9\x03abc".to_vec(),
    );
    samples.push(b"\xdc\x00\x03\xff\xd0\x80\xcf\xff\xff\xff\xff\xff\xff\xff\xff".to_vec());
    feed(script::run, &samples);
}

#[test]
fn snapshots_and_payloads() {
    let mut server = Server::start(&["--threads", "1", "--enable-debug-command", "yes"]);
    let mut client = server.connect();
    for command in [
        "SET string value",
        "SET number 12345",
        "RPUSH list a b 3 dddddddddddddddddddddddddddddddd",
        "SADD numbers 1 2 3 70000",
        "SADD words a b c",
        "ZADD scores 1 a 2.5 b inf c",
        "HSET hash f v g w",
        "HPEXPIRE hash 100000000 FIELDS 1 f",
        "XADD stream 1-1 f v",
        "XADD stream 2-1 f v g w",
        "XGROUP CREATE stream g 0",
        "XCFGSET stream GROUP g ACKWAIT 30000 DEADLETTER dead",
        "XREADGROUP GROUP g c COUNT 1 STREAMS stream >",
        "XADD stream @99999999999999 later v",
        "SAVE",
    ] {
        let reply = client.call(command);
        assert!(!reply.starts_with('-'), "{command}: {reply}");
    }
    let mut samples = vec![std::fs::read(server.dir.join("dump.rdb")).expect("it was saved")];
    for key in [
        "string", "number", "list", "numbers", "words", "scores", "hash", "stream",
    ] {
        client.send(&format!("DUMP {key}"));
        let reply = client.raw_reply();
        let begin = reply
            .iter()
            .position(|byte| *byte == b'\n')
            .expect("a bulk string")
            + 1;
        samples.push(reply[begin..reply.len() - 2].to_vec());
    }
    server.must_survive = false;
    feed(snapshot::run, &samples);
}
