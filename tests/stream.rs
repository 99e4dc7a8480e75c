//! Streams where time and order matter: who is served when, what a wait survives, what a long reply shows, and that
//! each entry reaches one consumer and no two.

mod common;

use common::{Client, Server};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Long enough for a reply that should not come to have come.
const QUIET: Duration = Duration::from_millis(60);

fn with_threads(test: impl Fn(&Server)) {
    for threads in ["1", "4"] {
        test(&Server::start(&["--threads", threads]));
    }
}

/// A client that has sent the command and is blocked by it.
fn waiting(server: &Server, command: &str) -> Client {
    let (mut client, mut observer) = (server.connect(), server.connect());
    let before = blocked_clients(&mut observer);
    client.send(command);
    let deadline = Instant::now() + Duration::from_secs(20);
    while blocked_clients(&mut observer) == before {
        assert!(Instant::now() < deadline, "{command} does not block");
        std::thread::sleep(Duration::from_millis(1));
    }
    client
}

fn blocked_clients(observer: &mut Client) -> usize {
    let info = observer.call("INFO clients");
    let (_, count) = info
        .split_once(" blocked_clients:")
        .expect("INFO tells the blocked clients");
    let digits = count.split(' ').next().and_then(|count| count.parse().ok());
    digits.expect("a number")
}

#[test]
fn one_entry_reaches_every_waiting_reader_and_one_of_a_group() {
    with_threads(|server| {
        let mut producer = server.connect();
        assert_eq!(producer.call("XADD s 1-1 f v"), "$3 1-1");
        assert_eq!(producer.call("XGROUP CREATE s g $"), "+OK");
        let mut readers = [(); 3].map(|()| waiting(server, "XREAD BLOCK 0 STREAMS s $"));
        let read = |consumer| format!("XREADGROUP GROUP g {consumer} BLOCK 0 STREAMS s >");
        let mut first = waiting(server, &read("first"));
        let mut second = waiting(server, &read("second"));
        assert_eq!(producer.call("XADD s 2-1 f v"), "$3 2-1");
        let reply = "*1 *2 $1 s *1 *2 $3 2-1 *2 $1 f $1 v";
        for reader in &mut readers {
            assert_eq!(reader.reply(), reply);
        }
        assert_eq!(first.reply(), reply);
        assert!(second.is_silent_for(QUIET));
        assert_eq!(producer.call("XADD s 3-1 f v"), "$3 3-1");
        assert_eq!(second.reply(), reply.replace("2-1", "3-1"));
        let pending = "*4 :2 $3 2-1 $3 3-1 *2 *2 $5 first $1 1 *2 $6 second $1 1";
        assert_eq!(producer.call("XPENDING s g"), pending);
    });
}

#[test]
fn a_group_reader_hears_that_its_group_is_gone_and_a_plain_reader_waits_on() {
    let no_group = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";
    let wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    with_threads(|server| {
        let mut other = server.connect();
        for (command, reply) in [
            ("DEL s", no_group),
            ("XGROUP DESTROY s g", no_group),
            ("RENAME s moved", no_group),
            ("FLUSHALL", no_group),
            ("SET s v", wrong_type),
        ] {
            other.call("DEL s");
            assert_eq!(other.call("XGROUP CREATE s g $ MKSTREAM"), "+OK");
            let mut in_group = waiting(server, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
            let mut plain = waiting(server, "XREAD BLOCK 0 STREAMS s $");
            other.call(command);
            assert_eq!(in_group.reply(), reply, "after {command}");
            assert!(plain.is_silent_for(QUIET), "after {command}");
            other.call("DEL s");
            assert_eq!(other.call("XADD s 1-1 f v"), "$3 1-1");
            assert_eq!(plain.reply(), "*1 *2 $1 s *1 *2 $3 1-1 *2 $1 f $1 v");
        }
    });
}

#[test]
fn a_wait_ends_in_time_and_never_begins_in_a_transaction() {
    let server = Server::start(&["--threads", "1"]);
    let mut client = server.connect();
    assert_eq!(client.call("XREAD BLOCK 20 STREAMS s $"), "*-1");
    assert_eq!(client.call("MULTI"), "+OK");
    assert_eq!(client.call("XREAD BLOCK 0 STREAMS s $"), "+QUEUED");
    assert_eq!(client.call("EXEC"), "*1 *-1");
    let mut reader = waiting(&server, "XREAD BLOCK 0 STREAMS s +");
    client.send("MULTI");
    client.send("XADD s 1-1 f a");
    client.send("XADD s 1-2 f b");
    assert_eq!(client.call("EXEC"), "+OK");
    assert_eq!(reader.reply(), "*1 *2 $1 s *1 *2 $3 1-2 *2 $1 f $1 b");
}

#[test]
fn a_long_reply_shows_the_stream_as_it_was_when_it_was_asked_for() {
    const ENTRIES: usize = 40_000;
    let value = "v".repeat(250);
    with_threads(|server| {
        let (mut client, mut other) = (server.connect(), server.connect());
        for (command, ids) in [
            ("XRANGE s - +", 1..=ENTRIES),
            ("XREVRANGE s + -", 1..=ENTRIES),
            ("XREAD STREAMS s 0", 1..=ENTRIES),
            ("XRANGE s 10000 (40000-1 COUNT 25000", 10_000..=34_999),
        ] {
            other.call("DEL s");
            for number in 1..=ENTRIES {
                other.send(&format!("XADD s {number}-1 f {value}"));
            }
            (0..ENTRIES).for_each(|_| assert!(other.reply().starts_with('$')));
            client.send(command);
            client.stream.peek(&mut [0]).expect("the reply begins");
            other.call("XDEL s 30000-1");
            other.call("XTRIM s MINID 34000");
            other.call("XADD s * f v");
            let mut shown = ids_in(&client.reply());
            if command.starts_with("XREV") {
                shown.reverse();
            }
            assert!(shown.into_iter().eq(ids), "{command}");
        }
    });
}

/// The millisecond parts of the ids `ms-1` in a reply.
fn ids_in(reply: &str) -> Vec<usize> {
    let words = reply.split(' ');
    words
        .filter_map(|word| word.strip_suffix("-1")?.parse().ok())
        .collect()
}

#[test]
fn every_entry_reaches_one_consumer_of_each_group() {
    const PRODUCERS: usize = 4;
    const ENTRIES_EACH: usize = 2_000;
    with_threads(|server| {
        let mut client = server.connect();
        assert_eq!(client.call("XGROUP CREATE s g 0 MKSTREAM"), "+OK");
        let delivered: Vec<Vec<String>> = std::thread::scope(|scope| {
            for _ in 0..PRODUCERS {
                scope.spawn(|| produce(server.connect(), ENTRIES_EACH));
            }
            let consumers =
                ["a", "b", "c"].map(|name| scope.spawn(|| consume(server.connect(), name)));
            consumers
                .map(|consumer| consumer.join().expect("it does not panic"))
                .into()
        });
        let all: Vec<&String> = delivered.iter().flatten().collect();
        assert_eq!(all.len(), PRODUCERS * ENTRIES_EACH);
        assert_eq!(
            all.iter().collect::<BTreeSet<_>>().len(),
            all.len(),
            "none twice"
        );
        assert_eq!(client.call("XPENDING s g"), "*4 :0 $-1 $-1 *-1");
        let length = format!(":{}", PRODUCERS * ENTRIES_EACH);
        assert_eq!(client.call("XLEN s"), length);
        assert!(
            client
                .call("XINFO GROUPS s")
                .ends_with(&format!("entries-read {length} $3 lag :0"))
        );
    });
}

fn produce(mut client: Client, entries: usize) {
    let mut last = (0, 0);
    for number in 0..entries {
        let reply = client.call(&format!("XADD s * number {number}"));
        let id = reply
            .split(' ')
            .nth(1)
            .and_then(|id| id.split_once('-'))
            .expect("an id");
        let id: (u64, u64) = (
            id.0.parse().expect("a number"),
            id.1.parse().expect("a number"),
        );
        assert!(id > last, "ids grow");
        last = id;
    }
}

/// Reads and acknowledges until nothing comes for a while; returns the ids.
fn consume(mut client: Client, name: &str) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let read = format!("XREADGROUP GROUP g {name} COUNT 7 BLOCK 500 STREAMS s >");
        let reply = client.call(&read);
        if reply == "*-1" {
            return ids;
        }
        let got: Vec<&str> = reply.split(' ').filter(|word| word.contains('-')).collect();
        assert_eq!(
            client.call(&format!("XACK s g {}", got.join(" "))),
            format!(":{}", got.len())
        );
        ids.extend(got.into_iter().map(String::from));
    }
}
