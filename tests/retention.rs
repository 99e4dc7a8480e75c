//! Standing retention through a server: what goes on add, by the timer and on a change of policy, and what comes back after a restart.

mod common;

use common::{Client, Server};
use std::time::{Duration, Instant};

const DEBUG: [&str; 2] = ["--enable-debug-command", "yes"];
const FULL: &str = "-FULL stream is at its limit";

fn add(client: &mut Client, key: &str, entries: usize) {
    for entry in 0..entries {
        let reply = client.call(&format!("XADD {key} * n {entry}"));
        assert!(reply.starts_with('$'), "{reply}");
    }
}

/// Waits until the stream has so many entries.
fn await_length(client: &mut Client, key: &str, entries: usize) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let expected = format!(":{entries}");
    while client.call(&format!("XLEN {key}")) != expected {
        assert!(
            Instant::now() < deadline,
            "{key} does not come to {entries}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn length_and_bytes_are_kept_within_limits_on_add_and_when_they_are_set() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    add(&mut client, "s", 10);
    assert_eq!(client.call("XCFGSET s MAXLEN 4"), "+OK");
    assert_eq!(client.call("XLEN s"), ":4");
    add(&mut client, "s", 3);
    assert_eq!(client.call("XLEN s"), ":4");
    // An entry here has a name and a digit.
    assert_eq!(client.call("XCFGSET s MAXLEN 0 MAXBYTES 6"), "+OK");
    assert_eq!(client.call("XLEN s"), ":3");
    add(&mut client, "s", 5);
    assert_eq!(client.call("XLEN s"), ":3");
    client.call("XADD s * name a-value-beyond-the-limit");
    assert_eq!(client.call("XLEN s"), ":1");
    add(&mut client, "s", 1);
    assert_eq!(client.call("XLEN s"), ":1");
}

#[test]
fn age_is_kept_within_its_limit_by_the_timer() {
    let server = Server::start(&DEBUG);
    let mut client = server.connect();
    add(&mut client, "s", 1);
    client.call("XCFGSET s MAXAGE 200");
    await_length(&mut client, "s", 0);
    add(&mut client, "s", 2);
    client.call("DEBUG CLOCK PASS 150");
    add(&mut client, "s", 1);
    assert_eq!(client.call("XLEN s"), ":3");
    client.call("DEBUG CLOCK PASS 60");
    await_length(&mut client, "s", 1);
    client.call("XCFGSET s MAXAGE 0");
    client.call("DEBUG CLOCK PASS 10000");
    assert_eq!(client.call("XLEN s"), ":1");
    client.call("XCFGSET s MAXAGE 1000");
    await_length(&mut client, "s", 0);
}

#[test]
fn readers_keep_what_they_need_as_the_policy_says() {
    let server = Server::start(&DEBUG);
    let mut client = server.connect();
    for (mode, length, pending) in [("KEEPREF", 2, 5), ("DELREF", 2, 1), ("ACKED", 6, 5)] {
        client.call("DEL s");
        client.call("XGROUP CREATE s g 0 MKSTREAM");
        add(&mut client, "s", 5);
        client.call("XREADGROUP GROUP g c STREAMS s >");
        assert_eq!(client.call(&format!("XCFGSET s MAXLEN 2 {mode}")), "+OK");
        add(&mut client, "s", 1);
        assert_eq!(client.call("XLEN s"), format!(":{length}"), "{mode}");
        let summary = client.call("XPENDING s g");
        assert!(
            summary.starts_with(&format!("*4 :{pending} ")),
            "{mode}: {summary}"
        );
    }
    // Acknowledged, they go with the next look.
    let range = client.call("XRANGE s - +");
    let words = range.split(' ').filter(|word| word.contains('-'));
    let ids: Vec<&str> = words.take(5).collect();
    client.call(&format!("XACK s g {}", ids.join(" ")));
    client.call("DEBUG CLOCK PASS 1000");
    await_length(&mut client, "s", 2);
}

#[test]
fn a_full_stream_refuses() {
    let mut server = Server::start(&["--appendonly", "yes"]);
    let mut client = server.connect();
    add(&mut client, "s", 2);
    client.call("XCFGSET s MAXLEN 3 OVERFLOW REJECT");
    add(&mut client, "s", 1);
    for words in ["XADD s * f v", "XADD s +1000 f v", "XADD s MAXLEN 1 * f v"] {
        assert_eq!(client.call(words), FULL, "{words}");
    }
    let info = client.call("XINFO QUEUE s");
    assert!(info.contains("$8 rejected :3"), "{info}");
    assert!(info.contains("$5 bytes :6"), "{info}");
    server.terminate();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(client.call("XADD s * f v"), FULL);
    client.call("XTRIM s MAXLEN 2");
    assert!(client.call("XADD s +3600000 f v").starts_with('$'));
    assert_eq!(client.call("XADD s +3600000 f v"), FULL);
    add(&mut client, "s", 1);
    assert_eq!(client.call("XADD s * f v"), FULL);
    client.call("XCFGSET s MAXLEN 0 MAXBYTES 8");
    assert_eq!(client.call("XADD s * f vv"), FULL);
    add(&mut client, "s", 1);
}

#[test]
fn what_everybody_has_acknowledged_is_deleted() {
    let server = Server::start(&["--notify-keyspace-events", "KEA"]);
    let (mut client, mut listener) = (server.connect(), server.connect());
    for words in [
        "XADD s 1-1 f v",
        "XADD s 2-1 f v",
        "XGROUP CREATE s g 0",
        "XGROUP CREATE s h 0",
        "XCFGSET s ONACK DELETE",
        "XREADGROUP GROUP g c STREAMS s >",
        "XREADGROUP GROUP h c STREAMS s >",
    ] {
        assert!(!client.call(words).starts_with('-'), "{words}");
    }
    listener.call("SUBSCRIBE __keyevent@0__:xdel");
    assert_eq!(client.call("XACK s g 1-1 2-1"), ":2");
    assert_eq!(client.call("XLEN s"), ":2");
    assert_eq!(client.call("XACK s h 1-1 7-7"), ":1");
    assert!(listener.reply().ends_with("$1 s"));
    assert_eq!(client.call("XRANGE s - +"), "*1 *2 $3 2-1 *2 $1 f $1 v");
    assert_eq!(client.call("XACK s h 1-1"), ":0");
}

#[test]
fn what_went_is_gone_after_a_restart_and_the_limits_hold_on() {
    let mut server = Server::start(&["--appendonly", "yes"]);
    let mut client = server.connect();
    for mode in ["KEEPREF", "DELREF", "ACKED"] {
        let key = mode.to_lowercase();
        client.call(&format!("XGROUP CREATE {key} g 0 MKSTREAM"));
        client.call(&format!(
            "XCFGSET {key} MAXLEN 20 MAXBYTES 60 MAXAGE 3600000 {mode}"
        ));
        for round in 0..30 {
            add(&mut client, &key, 3);
            client.call(&format!("XREADGROUP GROUP g c COUNT 4 STREAMS {key} >"));
            if round % 3 == 0 {
                let pending = client.call(&format!("XPENDING {key} g - + 3"));
                let ids = pending.split(' ').filter(|word| word.contains('-'));
                client.call(&format!(
                    "XACK {key} g {}",
                    ids.collect::<Vec<_>>().join(" ")
                ));
            }
        }
    }
    let ask = |client: &mut Client| {
        ["keepref", "delref", "acked"].map(|key| {
            let (range, info) = (
                format!("XRANGE {key} - +"),
                format!("XINFO STREAM {key} FULL"),
            );
            client.call(&range) + &client.call(&info)
        })
    };
    let before = ask(&mut client);
    server.terminate();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(ask(&mut client), before);
    add(&mut client, "keepref", 25);
    assert_eq!(client.call("XLEN keepref"), ":20");
}

#[test]
fn what_has_aged_behind_many_that_are_needed_is_gone_after_a_restart_too() {
    // More than one look asks.
    const NEEDED: usize = 9000;
    const SETTLED: usize = 50;
    let mut server = Server::start(&[&DEBUG[..], &["--appendonly", "yes"]].concat());
    let mut client = server.connect();
    client.call("XGROUP CREATE s g 0 MKSTREAM");
    add(&mut client, "s", NEEDED);
    client.call(&format!("XREADGROUP GROUP g c COUNT {NEEDED} STREAMS s >"));
    add(&mut client, "s", 100);
    client.call("XREADGROUP GROUP g c NOACK STREAMS s >");
    client.call("XCFGSET s MAXAGE 100000 ACKED");
    let first = client.call(&format!("XRANGE s - + COUNT {SETTLED}"));
    client.call("DEBUG CLOCK PASS 200000");
    // Some are settled between two looks.
    for id in first.split(' ').filter(|word| word.contains('-')) {
        client.call(&format!("XACK s g {id}"));
        std::thread::sleep(Duration::from_millis(1));
    }
    await_length(&mut client, "s", NEEDED - SETTLED);
    let before = client.call("DEBUG DIGEST");
    server.terminate();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(client.call("XLEN s"), format!(":{}", NEEDED - SETTLED));
    assert_eq!(client.call("DEBUG DIGEST"), before);
}
