//! Keys as time passes: expiry on time, and walks over a keyspace that changes.

mod common;

use common::{Client, Server};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn with_threads(test: impl Fn(&Server)) {
    for threads in ["1", "4"] {
        test(&Server::start(&[
            "--threads",
            threads,
            "--notify-keyspace-events",
            "KEA",
        ]));
    }
}

#[test]
fn an_expired_key_is_gone_and_said_to_be_within_ten_milliseconds() {
    with_threads(|server| {
        let (mut listener, mut client) = (server.connect(), server.connect());
        listener.call("SUBSCRIBE __keyevent@0__:expired");
        let mut best = Duration::MAX;
        for number in 0..10 {
            let begin = Instant::now();
            assert_eq!(client.call(&format!("SET k{number} v PX 30")), "+OK");
            assert!(listener.reply().ends_with(&format!("k{number}")));
            let late = begin.elapsed().saturating_sub(Duration::from_millis(30));
            assert!(begin.elapsed() >= Duration::from_millis(29), "too early");
            best = best.min(late);
            assert_eq!(client.call("DBSIZE"), ":0");
        }
        // A busy test machine delays some of them; a server that is late is late every time.
        assert!(best < Duration::from_millis(10), "{best:?} late at best");
    });
}

#[test]
fn many_keys_expire_without_anybody_looking() {
    with_threads(|server| {
        let mut client = server.connect();
        for number in 0..5000 {
            client.send(&format!("SET k{number} v PX {}", 20 + number % 100));
        }
        for _ in 0..5000 {
            assert_eq!(client.reply(), "+OK");
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while client.call("DBSIZE") != ":0" {
            assert!(Instant::now() < deadline, "keys outlive their time");
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}

fn scan_all(
    client: &mut Client,
    options: &str,
    mut each_step: impl FnMut(usize),
) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    let mut cursor = "0".to_owned();
    for step in 0.. {
        let reply = client.call(&format!("SCAN {cursor}{options}"));
        let words: Vec<&str> = reply.split(' ').collect();
        cursor = words[2].to_owned();
        for key in words[4..].iter().skip(1).step_by(2) {
            *seen.entry((*key).to_owned()).or_default() += 1;
        }
        each_step(step);
        if cursor == "0" {
            break;
        }
    }
    seen
}

#[test]
fn a_walk_meets_every_lasting_key_once_whatever_comes_and_goes() {
    with_threads(|server| {
        let (mut walker, mut other) = (server.connect(), server.connect());
        for number in 0..2000 {
            other.call(&format!("SET lasting:{number} v"));
            other.call(&format!("SET passing:{number} v"));
        }
        let seen = scan_all(&mut walker, " COUNT 50", |step| {
            for number in step * 20..step * 20 + 20 {
                other.call(&format!("DEL passing:{number}"));
                other.call(&format!("SET coming:{number} v"));
                other.call(&format!("SET lasting:{} new", number % 2000));
            }
        });
        for number in 0..2000 {
            assert_eq!(
                seen.get(&format!("lasting:{number}")),
                Some(&1),
                "lasting:{number}"
            );
        }
    });
}

#[test]
fn a_walk_can_be_narrowed_by_name_and_type() {
    with_threads(|server| {
        let (mut walker, mut other) = (server.connect(), server.connect());
        for number in 0..500 {
            other.call(&format!("SET text:{number} v"));
            other.call(&format!("RPUSH list:{number} v"));
        }
        assert_eq!(
            scan_all(&mut walker, " TYPE list COUNT 7", |_| ()).len(),
            500
        );
        assert_eq!(scan_all(&mut walker, " MATCH text:1?", |_| ()).len(), 10);
        assert_eq!(
            scan_all(&mut walker, " MATCH text:* TYPE list", |_| ()).len(),
            0
        );
    });
}

#[test]
fn a_random_key_is_some_key() {
    with_threads(|server| {
        let mut client = server.connect();
        assert_eq!(client.call("RANDOMKEY"), "$-1");
        for number in 0..20 {
            client.call(&format!("SET k{number:02} v"));
        }
        let drawn: BTreeMap<String, ()> =
            (0..500).map(|_| (client.call("RANDOMKEY"), ())).collect();
        assert!(drawn.keys().all(|key| key.starts_with("$3 k")));
        assert!(
            drawn.len() > 15,
            "only {} of 20 keys are ever drawn",
            drawn.len()
        );
    });
}

#[test]
fn flushing_and_swapping_databases_reaches_watchers_and_waiters() {
    with_threads(|server| {
        let (mut watcher, mut other) = (server.connect(), server.connect());
        watcher.call("SET k v");
        watcher.call("WATCH k");
        assert_eq!(other.call("FLUSHALL"), "+OK");
        watcher.call("MULTI");
        watcher.call("PING");
        assert_eq!(watcher.call("EXEC"), "*-1");

        watcher.send("BLPOP queue 0");
        assert!(watcher.is_silent_for(Duration::from_millis(50)));
        other.call("SELECT 1");
        other.call("RPUSH queue job");
        assert_eq!(other.call("SWAPDB 0 1"), "+OK");
        assert_eq!(watcher.reply(), "*2 $5 queue $3 job");
    });
}

#[test]
fn a_transaction_answers_no_more_than_there_is_room_for() {
    let server = Server::start(&["--threads", "1"]);
    let mut client = server.connect();
    assert_eq!(client.call("SADD s member"), ":1");
    let endless = "SRANDMEMBER s -9000000000000000000";
    for request in ["MULTI", "INCR k", endless, "INCR k"] {
        assert!(client.call(request).starts_with('+'), "{request}");
    }
    let refusal = "-ERR the reply is too large for a script or a transaction";
    assert_eq!(client.call("EXEC"), format!("*3 :1 {refusal} :2"));
}

#[test]
fn an_endless_reply_in_a_transaction_is_refused_at_once() {
    let server = Server::start(&["--threads", "1"]);
    let mut client = server.connect();
    client.call("SADD s member");
    client.call("HSET h field value");
    client.call("ZADD z 1 member");
    let endless = [
        "HRANDFIELD h -4611686018427387903 WITHVALUES",
        "SRANDMEMBER s -9000000000000000000",
        "ZRANDMEMBER z -4611686018427387903 WITHSCORES",
    ];
    client.call("MULTI");
    for request in endless {
        assert_eq!(client.call(request), "+QUEUED");
    }
    let began = Instant::now();
    let refusal = "-ERR the reply is too large for a script or a transaction";
    let reply = client.call("EXEC");
    assert_eq!(reply, format!("*3 {refusal} {refusal} {refusal}"));
    let script: &[u8] = b"return redis.call('hrandfield', 'h', -4611686018427387903)";
    let reply = client.call_args(&[b"EVAL", script, b"0"]);
    assert!(reply.starts_with(refusal), "{reply}");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_digest_of_a_value_is_a_simple_string() {
    let server = Server::start(&["--threads", "1", "--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.call("SET k v");
    let digests = client.call("DEBUG DIGEST-VALUE k none");
    let zero = "0".repeat(40);
    assert!(digests.starts_with("*2 +"), "{digests}");
    assert!(digests.ends_with(&format!(" +{zero}")), "{digests}");
}
