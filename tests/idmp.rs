//! Messages of producers: added once, whatever happens in between, and forgotten in time. Replies are compared with Redis in `redis-compat`.

mod common;

use common::{Client, Server};
use std::time::{Duration, Instant};

fn names(reply: &str, field: &str) -> String {
    let mut words = reply.split_whitespace();
    words.find(|word| *word == field).expect("XINFO names it");
    words.next().expect("a value follows").to_owned()
}

/// Producers, messages, messages ever, repetitions.
fn counts(client: &mut Client, key: &str) -> [String; 4] {
    let reply = client.call(&format!("XINFO STREAM {key}"));
    [
        "pids-tracked",
        "iids-tracked",
        "iids-added",
        "iids-duplicates",
    ]
    .map(|field| names(&reply, field))
}

#[test]
fn a_message_is_known_again_after_every_kind_of_restart() {
    for arguments in [
        &["--appendonly", "yes"][..],
        &["--appendonly", "yes", "--aof-use-rdb-preamble", "no"],
        &["--appendonly", "no"],
    ] {
        let mut server = Server::start(&[arguments, &["--threads", "2"]].concat());
        let mut client = server.connect();
        client.call("XADD s IDMP p i * f v");
        client.call("XCFGSET s IDMP-MAXSIZE 500");
        let ids = ["IDMP p i", "IDMP q i", "IDMPAUTO p"]
            .map(|message| client.call(&format!("XADD s {message} MAXLEN 1 * f v")));
        client.call("XADD s IDMP q i * f v");
        let before = counts(&mut client, "s");
        for round in 0..2 {
            match arguments.contains(&"no") && arguments.len() == 2 {
                true => assert_eq!(client.call("SAVE"), "+OK"),
                false if round == 1 => {
                    client.call("BGREWRITEAOF");
                    client.await_info("aof_rewrite_in_progress", 0);
                }
                false => {}
            }
            server.terminate();
            server.start_again(&[]);
            client = server.connect();
            assert_eq!(counts(&mut client, "s"), before, "{arguments:?}");
        }
        let again = ["IDMP p i", "IDMP q i", "IDMPAUTO p"]
            .map(|message| client.call(&format!("XADD s {message} MAXLEN 1 * f v")));
        assert_eq!(again, ids, "{arguments:?}");
        assert_eq!(client.call("XLEN s"), ":1");
    }
}

#[test]
fn what_is_forgotten_is_dropped_though_nobody_asks() {
    let server = Server::start(&["--threads", "2", "--stream-idmp-duration", "1"]);
    let mut client = server.connect();
    for producer in 0..200 {
        client.send(&format!("XADD s IDMP p{producer} i MAXLEN 1 * f v"));
    }
    (0..200).for_each(|_| drop(client.reply()));
    let bytes = |client: &mut Client| -> u64 {
        let reply = client.call("MEMORY USAGE s");
        reply.trim_start_matches(':').parse().expect("a number")
    };
    let full = bytes(&mut client);
    let deadline = Instant::now() + Duration::from_secs(20);
    while bytes(&mut client) > full / 4 {
        assert!(Instant::now() < deadline, "{full} bytes stay");
        std::thread::sleep(Duration::from_millis(50));
    }
    let expected = ["0", "0", "200", "0"].map(|number| format!(":{number}"));
    assert_eq!(counts(&mut client, "s"), expected);
}

#[test]
fn a_message_for_later_is_scheduled_once() {
    let server = Server::start(&["--threads", "2"]);
    let mut client = server.connect();
    let id = client.call("XADD s IDMP p i +200000 f v");
    assert_eq!(client.call("XADD s IDMP p i +300000 f v"), id);
    assert_eq!(client.call("XADD s IDMP p i * f v"), id);
    assert!(client.call("XSCHEDULED s").starts_with("*1 "));
    assert_eq!(client.call("XLEN s"), ":0");
    assert_eq!(
        counts(&mut client, "s"),
        [":1", ":1", ":1", ":2"].map(str::to_owned)
    );
}

#[test]
fn a_full_stream_answers_what_it_has_taken() {
    let server = Server::start(&["--threads", "2"]);
    let mut client = server.connect();
    let id = client.call("XADD s IDMP p i * f v");
    client.call("XCFGSET s MAXLEN 1 OVERFLOW REJECT");
    assert_eq!(client.call("XADD s IDMP p i * f v"), id);
    let refused = client.call("XADD s IDMP p j * f v");
    assert!(refused.starts_with("-FULL"), "{refused}");
    assert_eq!(counts(&mut client, "s")[2], ":1");
}
