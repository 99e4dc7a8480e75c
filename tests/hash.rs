//! Hashes whose fields expire in great numbers: what is announced, and what a command has to do for it.

mod common;

use common::{Client, Server};
use std::time::{Duration, Instant};

/// More than enough for fields to go that have some milliseconds to live.
const A_WHILE: Duration = Duration::from_millis(200);

/// Sets so many fields `f0` ..., which then expire all at once.
fn set_fields(client: &mut Client, count: usize) {
    let names: Vec<_> = (0..count).map(|number| format!("f{number}")).collect();
    for names in names.chunks(500) {
        let set = format!("HSET h {} value", names.join(" value "));
        assert_eq!(client.call(&set), format!(":{}", names.len()));
    }
    let expire = format!("HPEXPIRE h 1 FIELDS {count} {}", names.join(" "));
    assert!(client.call(&expire).ends_with(":1"));
    std::thread::sleep(A_WHILE);
}

#[test]
fn a_key_whose_fields_expire_together_is_announced_once_a_visit() {
    for (fields, events) in [(900, 1), (2500, 3)] {
        let server = Server::start(&[
            "--threads",
            "1",
            "--enable-debug-command",
            "yes",
            "--notify-keyspace-events",
            "Eh",
        ]);
        let (mut client, mut listener) = (server.connect(), server.connect());
        listener.call("SUBSCRIBE __keyevent@0__:hexpired");
        assert_eq!(client.call("HSET h stays 1"), ":1");
        assert_eq!(client.call("DEBUG SET-ACTIVE-EXPIRE 0"), "+OK");
        set_fields(&mut client, fields);
        assert_eq!(client.call("DEBUG SET-ACTIVE-EXPIRE 1"), "+OK");
        client.await_info("expired_subkeys", fields as i64);
        for _ in 0..events {
            assert!(listener.reply().ends_with("$1 h"));
        }
        assert!(listener.is_silent_for(A_WHILE), "{fields} fields");
        assert_eq!(client.call("HGETALL h"), "*2 $5 stays $1 1");
    }
}

#[test]
fn a_command_that_names_fields_does_not_wait_for_all_that_have_expired() {
    const FIELDS: usize = 50_000;
    let server = Server::start(&[
        "--threads",
        "1",
        "--enable-debug-command",
        "yes",
        "--appendonly",
        "yes",
    ]);
    let mut client = server.connect();
    assert_eq!(client.call("DEBUG SET-ACTIVE-EXPIRE 0"), "+OK");
    assert_eq!(client.call("HSET h stays 1"), ":1");
    set_fields(&mut client, FIELDS);
    let mut most = 0;
    for (request, reply) in [
        ("HGET h stays", "$1 1"),
        ("HGET h f49999", "$-1"),
        ("HMGET h f49998 stays f49997", "*3 $-1 $1 1 $-1"),
        ("HEXISTS h f49996", ":0"),
        ("HSTRLEN h f49995", ":0"),
        ("HDEL h f49994 f49993", ":0"),
        ("HSET h f49992 new f49992 newer", ":1"),
        ("HSETNX h f49991 new", ":1"),
        ("HINCRBY h f49990 7", ":7"),
        ("HINCRBYFLOAT h f49989 7.5", "$3 7.5"),
        ("HPTTL h FIELDS 1 f49992", "*1 :-1"),
    ] {
        if request.starts_with("HPTTL") {
            most = client.info("expired_subkeys");
        }
        assert_eq!(client.call(request), reply, "{request}");
    }
    assert!((10..20_000).contains(&most), "{most} fields have gone");
    assert_eq!(client.call("HLEN h"), ":5");
    let digest = client.call("DEBUG DIGEST");
    assert_eq!(client.call("DEBUG LOADAOF"), "+OK");
    assert_eq!(client.call("DEBUG DIGEST"), digest);
}

#[test]
fn fields_expire_by_themselves_after_a_restart() {
    for log in ["yes", "no"] {
        let mut server = Server::start(&["--appendonly", log, "--save", ""]);
        let mut client = server.connect();
        assert_eq!(client.call("HSET h f v"), ":1");
        assert_eq!(client.call("HPEXPIRE h 1500 FIELDS 1 f"), "*1 :1");
        assert_eq!(client.call("SAVE"), "+OK");
        if log == "yes" {
            client.call("BGREWRITEAOF");
            while client.info("aof_rewrite_in_progress") == 1 {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        server.kill();
        server.must_survive = false;
        server.start_again(&[]);
        let mut client = server.connect();
        let deadline = Instant::now() + Duration::from_secs(10);
        while client.call("DBSIZE") != ":0" {
            assert!(Instant::now() < deadline, "it stays, appendonly {log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
