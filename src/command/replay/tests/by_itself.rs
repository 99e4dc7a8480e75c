//! What streams do by themselves: it happens when it should, and a replay of the log brings back what came of it.

use super::*;
use crate::data::stream::{Id, References, Setting, StreamPolicy};

const NOW_MS: u64 = 1_700_000_000_000;

fn scheduled(engine: &mut Engine, key: &str) -> Vec<String> {
    engine.with_stream(key, |stream| {
        let entries = stream.schedule.iter_from(Id::MIN);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let told = entries.map(|entry| {
            let values = entry.fields().map(|(_, value)| text(value));
            format!("{} {}", entry.id, values.collect::<Vec<_>>().join(","))
        });
        told.collect()
    })
}

pub(super) fn ids(engine: &mut Engine, key: &str) -> Vec<String> {
    engine.with_stream(key, |stream| {
        let entries = stream.log.range(Id::MIN, Id::MAX);
        entries.map(|entry| entry.id.to_string()).collect()
    })
}

/// The words of commands that a log says in the open.
fn said(log: &str) -> String {
    let is_word = |line: &&str| *line == "$" || !line.starts_with(['*', '$']);
    let words = log.split("\r\n").filter(is_word);
    words.collect::<Vec<_>>().join(" ")
}

/// Replays what the engine logged, and compares also what waits.
fn assert_all_replays(engine: &mut Engine, key: &str) -> String {
    let log = engine.logged();
    assert_replays_to(engine, key, &log)
}

/// The same of what it has logged before.
pub(super) fn assert_replays_to(engine: &mut Engine, key: &str, log: &[u8]) -> String {
    let waiting = scheduled(engine, key);
    let mut again = replayed(log);
    again.local.replaying = true;
    let log = String::from_utf8_lossy(log).into_owned();
    assert_eq!(scheduled(&mut again, key), waiting, "{log}");
    engine.local.replaying = true;
    assert_eq!(ids(engine, key), ids(&mut again, key), "{log}");
    assert_eq!(engine.digest(), again.digest(), "{log}");
    engine.local.replaying = false;
    log
}

#[test]
fn scheduled_entries_wait_and_take_their_place() {
    let mut engine = Engine::new();
    let at = |ms: u64, seq: u64| format!("{}-{seq}", NOW_MS + ms);
    let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    assert_eq!(engine.call("XADD s +2000 f c"), bulk(&at(2000, 0)));
    let asked = format!("XADD s @{} f b", NOW_MS + 1000);
    assert_eq!(engine.call(&asked), bulk(&at(1000, 0)));
    assert_eq!(engine.call(&asked.replace(" b", " b2")), bulk(&at(1000, 1)));
    assert_eq!(engine.call("XADD s +3000 f gone"), bulk(&at(3000, 0)));
    assert_eq!(engine.call("XLEN s"), ":0\r\n");
    let cancel = format!("XDEL s {} 1-1", at(3000, 0));
    assert_eq!(engine.call(&cancel), ":1\r\n");
    assert_eq!(engine.call(&cancel), ":0\r\n");
    assert_eq!(engine.call("XADD s +0 f a"), bulk(&at(0, 0)));
    let log = assert_all_replays(&mut engine, "s");
    assert!(!log.contains('@') && !log.contains("XDEL"), "{log}");
    let mut engine = Engine::new();
    for words in ["XADD s +1000 f b", "XADD s +2000 f c", "XADD s 1-1 f a"] {
        engine.call(words);
    }
    engine.pass_ms(999);
    engine.tick();
    assert_eq!(ids(&mut engine, "s"), ["1-1"]);
    engine.pass_ms(1);
    engine.tick();
    assert_eq!(ids(&mut engine, "s"), ["1-1", &at(1000, 0)]);
    engine.pass_ms(5000);
    assert_eq!(engine.call("XLEN s"), ":3\r\n");
    assert_all_replays(&mut engine, "s");
}

#[test]
fn no_other_entry_gets_a_promised_id() {
    let mut engine = Engine::new();
    engine.call("XADD s +1000 f first");
    let first = format!("{}-0", NOW_MS + 1000);
    let refused = engine.call(&format!("XADD s {first} f v"));
    assert!(
        refused.starts_with("-ERR The ID specified in XADD"),
        "{refused}"
    );
    let next = format!("{}-1", NOW_MS + 1000);
    let open = engine.call(&format!("XADD s {}-* f v", NOW_MS + 1000));
    assert!(open.contains(&next), "{open}");
    // One that was overtaken before it was scheduled, and one beside it.
    engine.call(&format!("XADD s {}-0 f v", NOW_MS + 5000));
    engine.call("XADD s +1000 f second");
    engine.call("XADD s +5000 f third");
    let waiting = scheduled(&mut engine, "s");
    let expected = [(1000, 0), (1000, 2), (5000, 1)].map(|(ms, seq)| (NOW_MS + ms, seq));
    for (waiting, (ms, seq)) in waiting.iter().zip(expected) {
        assert!(waiting.starts_with(&format!("{ms}-{seq} ")), "{waiting}");
    }
    let automatic = engine.call("XADD s * f v");
    assert!(
        automatic.contains(&format!("{}-2", NOW_MS + 5000)),
        "{automatic}"
    );
    assert_all_replays(&mut engine, "s");
    let mut engine = Engine::new();
    engine.call("XADD s +1000 f first");
    engine.call(&format!("XADD s {}-0 f v", NOW_MS + 5000));
    engine.call("XADD s +5000 f third");
    engine.pass_ms(1000);
    engine.tick();
    let told = [5000, 5000].map(|ms| NOW_MS + ms);
    let expected = [format!("{}-0", told[0]), format!("{}-2", told[1])];
    assert_eq!(ids(&mut engine, "s"), expected, "the first was overtaken");
    assert_eq!(scheduled(&mut engine, "s").len(), 1);
    let log = engine.logged();
    let mut again = replayed(&log);
    again.local.replaying = true;
    assert_eq!(scheduled(&mut again, "s").len(), 1);
    assert_eq!(ids(&mut again, "s"), expected);
}

#[test]
fn what_takes_its_place_is_logged_beside_the_request_that_met_it() {
    for (request, logged) in [
        ("XLEN s", "XADD s ID f v "),
        (
            "XGROUP CREATE s g 0",
            "MULTI XADD s ID f v XGROUP CREATE s g 0 EXEC ",
        ),
        ("XDEL s 1-1", "MULTI XADD s ID f v XDEL s 1-1 EXEC "),
        ("XADD s 5-5 f v", "XADD s ID f v "),
    ] {
        let mut engine = Engine::new();
        engine.call("XADD s 1-1 f v");
        engine.call("XADD s +10 f v");
        engine.logged();
        engine.pass_ms(10);
        engine.call(request);
        let log = String::from_utf8_lossy(&engine.logged()).into_owned();
        let id = format!("{}-0", NOW_MS + 10);
        assert_eq!(said(&log), logged.replace("ID", &id), "{request}");
    }
}

#[test]
fn a_stream_that_begins_with_what_is_scheduled_is_there_for_every_redis() {
    let mut engine = Engine::new();
    engine.call("SET first 1");
    engine.call("XADD s MAXLEN 5 +10 f v");
    assert_eq!(engine.call("XADD none NOMKSTREAM +10 f v"), "$-1\r\n");
    let log = assert_all_replays(&mut engine, "s");
    let open: Vec<&str> = log.lines().filter(|line| !line.starts_with('#')).collect();
    let open = said(&open.join("\r\n"));
    let group = "MULTI XGROUP CREATE s scheduled $ MKSTREAM XGROUP DESTROY s scheduled EXEC";
    assert!(open.ends_with(group), "{open}");
}

#[test]
fn an_id_of_a_time_to_come_is_a_number() {
    let mut engine = Engine::new();
    for id in [
        "+",
        "@",
        "+x",
        "@x",
        "+-1",
        "@-1",
        "+1-1",
        "@1-1",
        "@1-*",
        "+ 1",
        "++1",
        "@18446744073709551616",
        "+18446744073709551615",
    ] {
        let reply = engine.call_args(&["XADD", "s", id, "f", "v"]);
        assert_eq!(
            reply, "-ERR Invalid stream ID specified as stream command argument\r\n",
            "{id}"
        );
    }
    assert_eq!(engine.call("EXISTS s"), ":0\r\n");
}

fn set_policy(engine: &mut Engine, policy: &StreamPolicy) {
    let settings = policy.settings();
    let words: Vec<_> = settings.iter().flat_map(Setting::words).collect();
    let words = words
        .iter()
        .map(|word| std::str::from_utf8(word.as_ref()).expect("a word"));
    let request: Vec<_> = ["XCFGSET", "s"].into_iter().chain(words).collect();
    assert_eq!(engine.call_args(&request), "+OK\r\n");
}

fn modes() -> [References; 3] {
    [References::Keep, References::Delete, References::Acked]
}

/// Random work on a stream whose policy has limits.
#[test]
fn what_retention_drops_is_dropped_again_by_a_replay() {
    let mut random = Random(7);
    for round in 0..60 {
        let mut engine = Engine::new();
        engine.call("CONFIG SET stream-node-max-entries 5");
        engine.call("XGROUP CREATE s g 0 MKSTREAM");
        engine.call("XGROUP CREATE s h 0");
        let policy = StreamPolicy {
            max_len: [0, 7, 20][random.below(3) as usize],
            max_bytes: [0, 60, 200][random.below(3) as usize],
            max_age_ms: [0, 50, 300][random.below(3) as usize],
            references: modes()[round % 3],
            deletes_acked: random.below(4) == 0,
            ..StreamPolicy::default()
        };
        set_policy(&mut engine, &policy);
        for step in 0..150 {
            let id = NOW_MS + random.below(400);
            let words = match random.below(14) {
                0..5 => format!("XADD s * f {step}"),
                5 => format!("XADD s +{} f {step}", random.below(60)),
                6 => format!("XADD s MAXLEN {} DELREF * f {step}", random.below(10)),
                7 => "XREADGROUP GROUP g c COUNT 4 STREAMS s >".into(),
                8 => "XREADGROUP GROUP h c COUNT 6 STREAMS s >".into(),
                9..11 => format!("XACK s g {id}-0 {}-0 {}-1", id + 1, id + 2),
                11 => {
                    let all = ids(&mut engine, "s");
                    let of = random.below(2);
                    format!("XACK s {} 1-1 {}", ["g", "h"][of as usize], all.join(" "))
                }
                12 => format!("XTRIM s MAXLEN {} ACKED", random.below(12)),
                _ => format!("XDEL s {id}-0"),
            };
            engine.call(words.trim_end());
            engine.pass_ms(random.below(9) as i64);
            engine.tick();
        }
        engine.with_stream("s", |stream| {
            let bytes = stream
                .log
                .range(Id::MIN, Id::MAX)
                .map(|entry| entry.payload_bytes());
            assert_eq!(stream.log.bytes(), bytes.sum::<u64>());
        });
        assert_all_replays(&mut engine, "s");
    }
}

#[test]
fn retention_drops_on_add_and_by_the_timer() {
    for references in modes() {
        let mut engine = Engine::new();
        engine.call("XGROUP CREATE s g $ MKSTREAM");
        engine.call("XGROUP DESTROY s g");
        let policy = StreamPolicy {
            max_len: 3,
            max_age_ms: 1000,
            references,
            ..StreamPolicy::default()
        };
        set_policy(&mut engine, &policy);
        (0..5).for_each(|_| drop(engine.call("XADD s * f v")));
        assert_eq!(engine.call("XLEN s"), ":3\r\n");
        engine.pass_ms(1000);
        engine.tick();
        assert_eq!(engine.call("XLEN s"), ":3\r\n");
        engine.pass_ms(1);
        engine.tick();
        assert_eq!(engine.call("XLEN s"), ":0\r\n");
        engine.call("XADD s * f v");
        engine.pass_ms(1001);
        engine.tick();
        assert_eq!(engine.call("XLEN s"), ":0\r\n", "the alarm is set anew");
        assert_all_replays(&mut engine, "s");
    }
}

#[test]
fn what_a_group_needs_outlives_the_limits_until_it_is_acknowledged() {
    let mut engine = Engine::new();
    engine.call("XGROUP CREATE s g 0 MKSTREAM");
    let policy = StreamPolicy {
        max_len: 2,
        max_age_ms: 1000,
        references: References::Acked,
        ..StreamPolicy::default()
    };
    set_policy(&mut engine, &policy);
    (0..5).for_each(|_| drop(engine.call("XADD s * f v")));
    engine.call("XREADGROUP GROUP g c COUNT 4 STREAMS s >");
    engine.call(&format!("XACK s g {NOW_MS}-1"));
    engine.pass_ms(1000);
    engine.tick();
    let seqs = |engine: &mut Engine| {
        let seq = |id: String| id[id.len() - 1..].to_owned();
        ids(engine, "s").into_iter().map(seq).collect::<String>()
    };
    assert_eq!(seqs(&mut engine), "0234");
    engine.pass_ms(1000);
    engine.tick();
    assert_eq!(seqs(&mut engine), "0234");
    engine.call(&format!("XACK s g {NOW_MS}-0 {NOW_MS}-3"));
    engine.pass_ms(1000);
    engine.tick();
    assert_eq!(seqs(&mut engine), "24");
    assert_all_replays(&mut engine, "s");
}

#[test]
fn a_full_stream_refuses_what_is_added_but_not_what_was_scheduled() {
    let mut engine = Engine::new();
    engine.call("XADD s 1-1 f v");
    let policy = StreamPolicy {
        max_len: 3,
        rejects: true,
        ..StreamPolicy::default()
    };
    set_policy(&mut engine, &policy);
    engine.call("XADD s +10 f v");
    engine.call("XADD s +10 f v");
    const FULL: &str = "-FULL stream is at its limit\r\n";
    assert_eq!(engine.call("XADD s +10 f v"), FULL);
    engine.call("XADD s 2-1 f v");
    engine.call("XADD s 3-1 f v");
    assert_eq!(engine.call("XADD s 4-1 f v"), FULL);
    engine.pass_ms(10);
    assert_eq!(engine.call("XLEN s"), ":5\r\n");
    assert_eq!(engine.call("XADD s * f v"), FULL);
    assert_eq!(engine.with_stream("s", |stream| stream.rejected), 3);
    engine.call("XTRIM s MAXLEN 2");
    assert!(engine.call("XADD s * f v").starts_with('$'));
    assert_all_replays(&mut engine, "s");
}

#[test]
fn an_acknowledgement_deletes_what_no_other_group_needs() {
    let mut engine = Engine::new();
    engine.call("XGROUP CREATE s g 0 MKSTREAM");
    engine.call("XGROUP CREATE s h 0");
    engine.call("XCFGSET s ONACK DELETE");
    for ms in 1..=4 {
        engine.call(&format!("XADD s {ms}-1 f v"));
    }
    engine.call("XREADGROUP GROUP g c STREAMS s >");
    engine.call("XREADGROUP GROUP h c COUNT 3 STREAMS s >");
    assert_eq!(engine.call("XACK s g 1-1 2-1 4-1"), ":3\r\n");
    assert_eq!(engine.call("XLEN s"), ":4\r\n");
    engine.call("XDEL s 2-1");
    engine.logged();
    assert_eq!(engine.call("XACK s h 1-1 2-1 3-1 9-9"), ":3\r\n");
    let log = String::from_utf8_lossy(&engine.logged()).into_owned();
    assert_eq!(said(&log), "MULTI XACK s h 1-1 2-1 3-1 XDEL s 1-1 EXEC ");
    assert_eq!(
        ids(&mut engine, "s"),
        ["3-1", "4-1"],
        "3-1 is pending in g, 4-1 unread in h"
    );
}

#[test]
fn an_acked_trim_is_replayed_whatever_it_passed_over() {
    let mut engine = Engine::new();
    engine.call("CONFIG SET stream-node-max-entries 100");
    engine.call("XGROUP CREATE s g 0 MKSTREAM");
    for ms in 1..=300 {
        engine.call(&format!("XADD s {ms}-1 f v"));
    }
    engine.call("XREADGROUP GROUP g c STREAMS s >");
    for ms in 101..=150 {
        engine.call(&format!("XACK s g {ms}-1"));
    }
    assert_eq!(engine.call("XTRIM s MAXLEN 100 ACKED"), ":50\r\n");
    assert_all_replays(&mut engine, "s");
}
