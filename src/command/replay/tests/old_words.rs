//! What came after Redis 7.0 is logged in words that it knows, and what a Redis logs in its own way is understood.

use super::*;
use crate::base::crc64;
use crate::data::StrValue;
use crate::storage::rdb;

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
