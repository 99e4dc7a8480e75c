//! What came after Redis 7.0 is logged in words that it knows, and what a Redis logs in its own way is understood.

use super::by_itself::assert_replays_to;
use super::*;
use crate::base::crc64;
use crate::data::StrValue;
use crate::storage::rdb;

/// The words that no Redis 7.0 takes where they stand, in what a log says in the open.
fn newer_words(log: &[u8]) -> Vec<String> {
    const NEWER: [&str; 9] = [
        "XDELEX", "XACKDEL", "KEEPREF", "DELREF", "ACKED", "DIFF", "DIFF1", "ANDOR", "ONE",
    ];
    let mut open = said(log);
    open.retain(|command| !command.starts_with('['));
    open.retain(|command| command.split(' ').any(|word| NEWER.contains(&word)));
    open
}

#[test]
fn a_limit_that_redis_logs_beside_an_exact_trim_is_passed_over() {
    let commands = [
        "XADD s 1-0 f v",
        "XADD s 2-0 f v",
        "XADD s 3-0 f v",
        "XADD s MAXLEN = 3 LIMIT 10 4-0 f v",
        "XTRIM s MAXLEN = 2 LIMIT 0",
        "XADD s MINID = 4-0 LIMIT 1 5-0 f v",
        "XADD s 6-0 f v",
        "XTRIM s MINID = 6-0 LIMIT 1",
    ];
    let log = commands.map(frame).concat();
    let mut engine = replayed(log.as_bytes());
    assert_eq!(by_itself::ids(&mut engine, "s"), ["6-0"]);
    for words in [
        "XADD s MAXLEN = 4 LIMIT 10 * f v",
        "XTRIM s MAXLEN = 4 LIMIT 0",
    ] {
        assert_eq!(
            engine.call(words),
            "-ERR syntax error, LIMIT cannot be used without the special ~ option\r\n"
        );
    }
}

#[test]
fn an_id_with_a_sign_that_redis_logs_as_it_was_sent_is_one() {
    let log = ["XADD s +150 f v", "XADD s +150-+7 f v"].map(frame);
    let mut engine = replayed(log.concat().as_bytes());
    assert_eq!(by_itself::ids(&mut engine, "s"), ["150-0", "150-7"]);
}

/// Of entries 1 to 6, both groups have read 1 to 5, g has 1, 2 and 4 pending, h has 2.
fn with_references() -> Engine {
    let mut engine = Engine::new();
    engine.call("CONFIG SET stream-node-max-entries 2");
    for ms in 1..=6 {
        engine.call(&format!("XADD s {ms}-0 f v"));
    }
    for words in [
        "XGROUP CREATE s g 0",
        "XGROUP CREATE s h 0",
        "XREADGROUP GROUP g c COUNT 5 STREAMS s >",
        "XREADGROUP GROUP h c COUNT 5 STREAMS s >",
        "XACK s g 3-0 5-0",
        "XACK s h 1-0 3-0 4-0 5-0",
    ] {
        engine.call(words);
    }
    engine
}

#[test]
fn what_became_of_references_is_logged_in_words_of_redis_7() {
    for (words, logged) in [
        (
            "XDELEX s DELREF IDS 3 1-0 2-0 9-0",
            "MULTI,XACK s g 1-0 2-0,XACK s h 2-0,XDEL s 1-0 2-0,EXEC",
        ),
        ("XDELEX s ACKED IDS 3 2-0 3-0 6-0", "XDEL s 3-0"),
        ("XDELEX s ACKED IDS 1 2-0", ""),
        ("XDELEX s IDS 2 2-0 9-0", "XDEL s 2-0"),
        (
            "XACKDEL s g IDS 2 2-0 3-0",
            "MULTI,XACK s g 2-0,XDEL s 2-0,EXEC",
        ),
        ("XACKDEL s g ACKED IDS 1 2-0", "XACK s g 2-0"),
        (
            "XACKDEL s g DELREF IDS 1 2-0",
            "MULTI,XACK s g 2-0,XACK s h 2-0,XDEL s 2-0,EXEC",
        ),
        (
            "XTRIM s MAXLEN 3 DELREF",
            "MULTI,XTRIM s MAXLEN = 3,XACK s g 1-0 2-0,XACK s h 2-0,EXEC",
        ),
        ("XTRIM s MINID 1-0 DELREF", ""),
        (
            "XADD s MINID 3-0 DELREF 7-0 f v",
            "MULTI,XADD s MAXLEN = 5 7-0 f v,XACK s g 1-0 2-0,XACK s h 2-0,EXEC",
        ),
        (
            "XADD s MAXLEN 2 ACKED 7-0 f v",
            "MULTI,XADD s 7-0 f v,XDEL s 3-0 5-0,[XSETID s 7-0 MAXDELETEDID -],EXEC",
        ),
        ("XTRIM s MAXLEN 5 ACKED", ""),
    ] {
        let mut engine = with_references();
        engine.logged();
        engine.call(words);
        let log = engine.logged();
        assert_eq!(said(&log).join(","), logged, "{words}");
    }
}

#[test]
fn what_the_oldest_of_an_acked_trim_were_is_said_by_their_number() {
    let mut engine = with_references();
    engine.call("XACK s g 1-0");
    engine.call("XDEL s 4-0");
    engine.logged();
    assert_eq!(engine.call("XTRIM s MAXLEN 2 ACKED"), ":3\r\n");
    let log = said(&engine.logged()).join(",");
    let hidden = "[XSETID s 6-0 MAXDELETEDID 4-0]";
    let expected = format!("MULTI,XTRIM s MAXLEN = 4,XDEL s 3-0 5-0,{hidden},EXEC");
    assert_eq!(log, expected);
}

#[test]
fn newer_ways_to_combine_bits_are_logged_as_what_came_of_them() {
    // a is 0x65, b is 0x63.
    for (words, logged, ttl) in [
        ("BITOP DIFF d a b", "SET d \u{4}", ":-1"),
        ("BITOP DIFF1 d a b", "SET d \u{2}", ":-1"),
        ("BITOP ANDOR d a b", "SET d a", ":-1"),
        ("BITOP ONE d a b", "SET d \u{6}", ":-1"),
        ("BITOP DIFF d none none", "DEL d", ":-2"),
        ("BITOP ONE other none none", "", ":100"),
        ("BITOP XOR d a b", "BITOP XOR d a b", ":-1"),
    ] {
        let mut engine = Engine::new();
        engine.call("MSET a e b c d old");
        engine.call("EXPIRE d 100");
        engine.logged();
        engine.call(words);
        assert_eq!(said(&engine.logged()).join(","), logged, "{words}");
        assert_eq!(engine.call("TTL d").trim_end(), ttl, "{words}");
    }
}

/// What DUMP would give, as of another version of the format.
fn dumped_as_of(version: u16, value: &str) -> Vec<u8> {
    let value = StrValue::new(crate::base::Blob::Slice(value.as_bytes()));
    let mut payload = rdb::dump(&value.into(), true);
    let end = payload.len() - size_of::<u64>() - size_of::<u16>();
    payload.truncate(end);
    payload.extend(version.to_le_bytes());
    let sum = crc64::update(0, &payload);
    payload.extend(sum.to_le_bytes());
    payload
}

#[test]
fn a_payload_of_a_newer_server_is_logged_as_our_own() {
    let own = dumped_as_of(rdb::VERSION as u16, "value");
    for (version, is_ours) in [(9, false), (10, false), (11, true), (12, true), (80, true)] {
        let sent = dumped_as_of(version, "value");
        for ttl in ["0", "5000"] {
            let mut engine = Engine::new();
            let request: [&[u8]; 6] = [b"RESTORE", b"k0", ttl.as_bytes(), &sent, b"IDLETIME", b"7"];
            assert_eq!(engine.call_args(&request), "+OK\r\n");
            let log = engine.logged();
            let logged = if is_ours { &own } else { &sent };
            let has = |payload: &[u8]| memchr::memmem::find(&log, payload).is_some();
            assert!(has(logged), "{version} {ttl}");
            let mut again = replayed(&log);
            assert_eq!(again.call("GET k0"), "$5\r\nvalue\r\n");
            assert_eq!(again.call("PEXPIRETIME k0"), engine.call("PEXPIRETIME k0"));
        }
    }
}

/// What a replay has to bring back of a stream beside what DEBUG DIGEST tells.
fn counters(engine: &mut Engine) -> Vec<u64> {
    engine.with_stream("s", |stream| {
        let deleted = stream.log.max_deleted_id();
        let groups = stream.groups.values();
        let of_groups = groups.flat_map(|group| [group.totals.acked, group.pending_len() as u64]);
        [stream.log.entries_added(), deleted.ms, deleted.seq]
            .into_iter()
            .chain(of_groups)
            .collect()
    })
}

#[test]
fn whatever_becomes_of_references_is_replayed_exactly_in_old_words() {
    const MODES: [&str; 3] = ["KEEPREF", "DELREF", "ACKED"];
    for seed in 1..=150 {
        let mut random = Random(seed);
        let mut engine = Engine::new();
        for words in [
            "CONFIG SET stream-node-max-entries 4",
            "XGROUP CREATE s g 0 MKSTREAM",
            "XGROUP CREATE s h 0",
            "XCFGSET s GROUP g ORDER f",
        ] {
            engine.call(words);
        }
        if seed % 3 == 0 {
            let mode = MODES[random.below(3) as usize];
            engine.call(&format!("XCFGSET s MAXLEN 9 MAXAGE 200 {mode}"));
        }
        for step in 0..120_u64 {
            let mode = MODES[random.below(3) as usize];
            let group = ["g", "h"][random.below(2) as usize];
            let mut few = by_itself::ids(&mut engine, "s");
            few.retain(|_| random.below(3) == 0);
            few.push(format!("{}-0", random.below(40)));
            let (count, few) = (few.len(), few.join(" "));
            let to = random.below(14);
            let words = match random.below(14) {
                0..3 => format!("XADD s * f {}", step % 3),
                3 => format!("XADD s MAXLEN {to} {mode} * f {}", step % 3),
                4 => format!(
                    "XADD s MINID {} {mode} +{to} f {step}",
                    1_700_000_000_300_u64
                ),
                5..8 => format!("XREADGROUP GROUP {group} c COUNT 6 STREAMS s >"),
                8 => format!("XACK s {group} {few}"),
                9 => format!("XDELEX s {mode} IDS {count} {few}"),
                10 => format!("XACKDEL s {group} {mode} IDS {count} {few}"),
                11 => format!("XTRIM s MAXLEN {to} {mode}"),
                12 => format!("XNACK s {group} FAIL IDS {count} {few} FORCE"),
                _ => format!("XTRIM s MINID {} {mode}", 1_700_000_000_000 + 3 * step),
            };
            engine.call(&words);
            engine.pass_ms(random.below(9) as i64);
            engine.tick();
        }
        let told = counters(&mut engine);
        let log = engine.logged();
        assert_eq!(newer_words(&log), [""; 0], "seed {seed}");
        let mut again = replayed(&log);
        assert_eq!(counters(&mut again), told, "seed {seed}");
        assert_replays_to(&mut engine, "s", &log);
    }
}
