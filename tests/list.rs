//! Lists where time and order matter: who is served when, what a served client does to others, what a wait survives.

mod common;

use common::Server;
use std::time::{Duration, Instant};

/// Long enough for a reply that should not come to have come.
const QUIET: Duration = Duration::from_millis(60);

fn with_threads(test: impl Fn(&Server)) {
    for threads in ["1", "4"] {
        test(&Server::start(&["--threads", threads]));
    }
}

#[test]
fn waiting_clients_are_served_in_order_of_arrival() {
    with_threads(|server| {
        let mut waiting: Vec<_> = (0..20).map(|_| server.connect()).collect();
        for (before, client) in waiting.iter_mut().enumerate() {
            client.send("BLPOP queue 0");
            server.await_blocked(before as i64 + 1);
        }
        let mut producer = server.connect();
        for number in 0..10 {
            assert_eq!(producer.call(&format!("RPUSH queue {number}")), ":1");
        }
        let rest: Vec<String> = (10..20).map(|number| number.to_string()).collect();
        assert_eq!(
            producer.call(&format!("RPUSH queue {}", rest.join(" "))),
            ":10"
        );
        for (number, client) in waiting.iter_mut().enumerate() {
            let text = number.to_string();
            assert_eq!(
                client.reply(),
                format!("*2 $5 queue ${} {text}", text.len())
            );
        }
        assert_eq!(producer.call("EXISTS queue"), ":0");
    });
}

#[test]
fn the_first_of_several_keys_in_the_order_asked_for_wins() {
    with_threads(|server| {
        let (mut waiting, mut producer) = (server.connect(), server.connect());
        waiting.send("BRPOP a b c 0");
        server.await_blocked(1);
        producer.send("MULTI");
        producer.send("RPUSH c 3");
        producer.send("RPUSH a 1");
        assert_eq!(producer.call("EXEC"), "+OK");
        let replies: Vec<_> = (0..3).map(|_| producer.reply()).collect();
        assert_eq!(replies, ["+QUEUED", "+QUEUED", "*2 :1 :1"]);
        assert_eq!(waiting.reply(), "*2 $1 a $1 1");
        assert_eq!(producer.call("LRANGE c 0 -1"), "*1 $1 3");
    });
}

#[test]
fn a_chain_of_blmoves_carries_an_element_from_list_to_list() {
    with_threads(|server| {
        let mut movers: Vec<_> = (0..10).map(|_| server.connect()).collect();
        for (number, mover) in movers.iter_mut().enumerate() {
            mover.send(&format!("BLMOVE l{number} l{} LEFT RIGHT 0", number + 1));
            server.await_blocked(number as i64 + 1);
        }
        let mut last = server.connect();
        last.send("BLPOP l10 0");
        server.await_blocked(11);
        let mut producer = server.connect();
        assert_eq!(producer.call("RPUSH l0 cargo"), ":1");
        assert_eq!(last.reply(), "*2 $3 l10 $5 cargo");
        for mover in &mut movers {
            assert_eq!(mover.reply(), "$5 cargo");
        }
        assert_eq!(producer.call("DBSIZE"), ":0");
    });
}

#[test]
fn a_blmove_onto_its_own_list_serves_the_next_in_line() {
    with_threads(|server| {
        let (mut rotating, mut popping, mut producer) =
            (server.connect(), server.connect(), server.connect());
        rotating.send("BLMOVE ring ring LEFT RIGHT 0");
        server.await_blocked(1);
        popping.send("BLPOP ring 0");
        server.await_blocked(2);
        assert_eq!(producer.call("RPUSH ring only"), ":1");
        assert_eq!(rotating.reply(), "$4 only");
        assert_eq!(popping.reply(), "*2 $4 ring $4 only");
    });
}

#[test]
fn a_wait_ends_on_time_and_leaves_nothing_behind() {
    with_threads(|server| {
        let (mut waiting, mut producer) = (server.connect(), server.connect());
        for (command, reply) in [
            ("BLPOP a 0.05", "*-1"),
            ("BLMOVE a b LEFT LEFT 0.05", "*-1"),
            ("BLMPOP 0.05 2 a b RIGHT", "*-1"),
        ] {
            let begin = Instant::now();
            assert_eq!(waiting.call(command), reply);
            let took = begin.elapsed();
            assert!(
                (48..2000).contains(&took.as_millis()),
                "{command} took {took:?}"
            );
        }
        assert_eq!(producer.call("RPUSH a kept"), ":1");
        assert_eq!(producer.call("LLEN a"), ":1");
    });
}

#[test]
fn a_client_that_vanishes_while_waiting_takes_no_element() {
    with_threads(|server| {
        let mut producer = server.connect();
        for _ in 0..5 {
            let mut vanishing = server.connect();
            vanishing.send("BLPOP queue 0");
            server.await_blocked(1);
            drop(vanishing);
            server.await_blocked(0);
        }
        let mut staying = server.connect();
        staying.send("BLPOP queue 0");
        server.await_blocked(1);
        assert_eq!(producer.call("RPUSH queue job"), ":1");
        assert_eq!(staying.reply(), "*2 $5 queue $3 job");
    });
}

#[test]
fn a_waiting_client_ignores_other_types_and_keys_that_vanish_again() {
    with_threads(|server| {
        let (mut waiting, mut other) = (server.connect(), server.connect());
        waiting.send("BLPOP k 0");
        server.await_blocked(1);
        assert_eq!(other.call("SET k text"), "+OK");
        assert_eq!(other.call("DEL k"), ":1");
        for command in ["MULTI", "RPUSH k gone", "DEL k"] {
            other.send(command);
        }
        assert_eq!(other.call("EXEC"), "+OK");
        assert_eq!(
            [other.reply(), other.reply(), other.reply()],
            ["+QUEUED", "+QUEUED", "*2 :1 :1"]
        );
        assert!(waiting.is_silent_for(QUIET));
        assert_eq!(other.call("RPUSH elsewhere x"), ":1");
        assert_eq!(other.call("RENAME elsewhere k"), "+OK");
        assert_eq!(waiting.reply(), "*2 $1 k $1 x");
    });
}

#[test]
fn a_move_that_cannot_arrive_is_refused_and_loses_nothing() {
    with_threads(|server| {
        let (mut waiting, mut other) = (server.connect(), server.connect());
        assert_eq!(other.call("SET destination text"), "+OK");
        waiting.send("BLMOVE source destination LEFT LEFT 0");
        server.await_blocked(1);
        assert_eq!(other.call("RPUSH source job"), ":1");
        assert!(waiting.reply().starts_with("-WRONGTYPE "));
        assert_eq!(other.call("LRANGE source 0 -1"), "*1 $3 job");
    });
}

#[test]
fn blocking_commands_do_not_block_in_a_transaction() {
    with_threads(|server| {
        let mut client = server.connect();
        for command in [
            "MULTI",
            "BLPOP k 0",
            "BLMOVE k l LEFT LEFT 0",
            "BLMPOP 0 1 k LEFT",
        ] {
            client.call(command);
        }
        assert_eq!(client.call("EXEC"), "*3 *-1 $-1 *-1");
    });
}

#[test]
fn a_long_range_arrives_whole_while_the_list_changes() {
    with_threads(|server| {
        let (mut reader, mut writer) = (server.connect(), server.connect());
        let elements: Vec<String> = (0..50_000)
            .map(|number| format!("element-{number:08}"))
            .collect();
        for some in elements.chunks(1000) {
            writer.call(&format!("RPUSH long {}", some.join(" ")));
        }
        reader.send("LRANGE long 0 -1");
        reader.send("PING");
        for _ in 0..1000 {
            writer.call("LPOP long");
            writer.call("RPUSH long new");
        }
        let range = reader.reply();
        // Between a pop and the push after it the list is one shorter.
        let count = range.matches("element-").count() + range.matches(" new").count();
        assert!((49_999..=50_000).contains(&count), "{count} elements");
        let first = range
            .split(' ')
            .nth(2)
            .and_then(|text| text.strip_prefix("element-"));
        let first: usize = first
            .and_then(|number| number.parse().ok())
            .expect("an element");
        let expected = elements[first..].iter();
        assert!(
            range
                .split(' ')
                .skip(2)
                .step_by(2)
                .take(expected.len())
                .eq(expected)
        );
        assert_eq!(reader.reply(), "+PONG");
    });
}
