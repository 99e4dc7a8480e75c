//! Commands on several keys and transactions happen at one moment.

use crate::common::Random;
use crate::{elements, exec, in_parallel, start};

#[test]
fn increments_under_watch_are_never_lost() {
    const CLIENTS: usize = 8;
    const INCREMENTS: usize = 150;
    let server = start();
    let lost_races: usize = in_parallel(&server, CLIENTS, |_, mut client| {
        let mut lost = 0;
        for _ in 0..INCREMENTS {
            loop {
                client.call("WATCH counter mirror");
                let value: i64 = match client.call("GET counter").split_once(' ') {
                    Some((_, value)) => value.parse().expect("the counter is a number"),
                    None => 0,
                };
                let next = format!("SET counter {}", value + 1);
                let reply = exec(&mut client, &[&next, "INCR mirror"]);
                if reply == "*-1" {
                    lost += 1;
                    continue;
                }
                assert_eq!(reply, format!("*2 +OK :{}", value + 1));
                break;
            }
        }
        lost
    })
    .into_iter()
    .sum();
    let total = CLIENTS * INCREMENTS;
    let expected = format!("${} {total}", total.to_string().len());
    assert_eq!(server.connect().call("GET counter"), expected);
    assert!(lost_races > 0, "clients that never meet show nothing");
}

#[test]
fn many_keys_change_together() {
    const ROUNDS: usize = 400;
    let server = start();
    let keys: Vec<String> = (0..12).map(|number| format!("key{number}")).collect();
    let read = format!("MGET {}", keys.join(" "));
    in_parallel(&server, 8, |number, mut client| {
        for round in 0..ROUNDS {
            let value = format!("{number}-{round}");
            if number < 2 {
                let pairs: Vec<_> = keys.iter().map(|key| format!("{key} {value}")).collect();
                assert_eq!(client.call(&format!("MSET {}", pairs.join(" "))), "+OK");
            } else if number < 4 {
                let sets: Vec<_> = keys
                    .iter()
                    .map(|key| format!("SET {key} {value}"))
                    .collect();
                let sets: Vec<_> = sets.iter().map(String::as_str).collect();
                exec(&mut client, &sets);
            } else if number == 4 {
                let deleted = client.call(&format!("DEL {}", keys.join(" ")));
                assert!(
                    [":0", ":12"].contains(&deleted.as_str()),
                    "{deleted} deleted"
                );
            } else if number == 5 && round % 8 == 0 {
                assert_eq!(client.call("FLUSHALL"), "+OK");
            } else {
                let reply = client.call(&read);
                let mut values = elements(&reply);
                assert!([0, 12].contains(&values.len()), "half done: {reply}");
                values.dedup();
                assert!(values.len() <= 1, "half done: {reply}");
            }
        }
    });
}

#[test]
fn transactions_see_one_moment() {
    const ROUNDS: usize = 400;
    let server = start();
    let mut client = server.connect();
    for account in 0..8 {
        client.call(&format!("SET account{account} 1000"));
    }
    let mut random = Random::from_env();
    let seeds = std::sync::Mutex::new((0..8).map(|_| random.fork()).collect::<Vec<_>>());
    let sum = |reply: &str| -> i64 {
        let amounts = elements(reply)
            .into_iter()
            .map(|amount| amount.parse::<i64>());
        amounts
            .map(|amount| amount.expect("an amount is a number"))
            .sum()
    };
    let every: Vec<_> = (0..8)
        .map(|account| format!("GET account{account}"))
        .collect();
    let every: Vec<_> = every.iter().map(String::as_str).collect();
    in_parallel(&server, 8, |number, mut client| {
        let mut random = seeds
            .lock()
            .expect("nobody panicked")
            .pop()
            .expect("one for each");
        for _ in 0..ROUNDS {
            if number < 5 {
                let (from, to) = (random.below(8), random.below(8));
                let amount = random.below(100);
                let take = format!("DECRBY account{from} {amount}");
                let give = format!("INCRBY account{to} {amount}");
                exec(&mut client, &[&take, &give]);
            } else {
                let reply = exec(&mut client, &every);
                assert_eq!(sum(&reply), 8000, "{reply}");
            }
        }
    });
}

#[test]
fn lists_keep_every_element_and_its_order() {
    const ELEMENTS: usize = 3000;
    let server = start();
    in_parallel(&server, 8, |number, mut client| {
        if number == 0 {
            for element in 0..ELEMENTS {
                client.send(&format!("RPUSH stage0 {element}"));
            }
            for _ in 0..ELEMENTS {
                assert!(client.reply().starts_with(':'));
            }
        } else if number < 7 {
            // Two movers for each of three stages.
            let stage = (number - 1) / 2;
            let command = format!("LMOVE stage{stage} stage{} LEFT RIGHT", stage + 1);
            while client.call("LLEN stage3") != format!(":{ELEMENTS}") {
                client.call(&command);
            }
        } else {
            let lengths = ["LLEN stage0", "LLEN stage1", "LLEN stage2", "LLEN stage3"];
            let mut total = 0;
            while total < ELEMENTS {
                let reply = exec(&mut client, &lengths);
                let now: usize = reply
                    .split(" :")
                    .skip(1)
                    .map(|length| length.parse::<usize>().expect("a length is a number"))
                    .sum();
                assert!(now >= total, "elements are gone: {reply} after {total}");
                total = now;
            }
        }
    });
    let reply = server.connect().call("LRANGE stage3 0 -1");
    let expected: Vec<String> = (0..ELEMENTS).map(|element| element.to_string()).collect();
    assert_eq!(elements(&reply), expected);
}

#[test]
fn a_renamed_key_is_always_somewhere_and_only_there() {
    const ROUNDS: usize = 600;
    let server = start();
    server.connect().call("RPUSH place0 it");
    in_parallel(&server, 6, |number, mut client| {
        for round in 0..ROUNDS {
            if number < 3 {
                let (from, to) = ((round + number) % 3, (round + number + 1) % 3);
                let renamed = client.call(&format!("RENAME place{from} place{to}"));
                assert!(
                    ["+OK", "-ERR no such key"].contains(&renamed.as_str()),
                    "{renamed}"
                );
            } else if number == 3 {
                assert_eq!(client.call("DBSIZE"), ":1");
            } else {
                assert_eq!(client.call("EXISTS place0 place1 place2"), ":1");
            }
        }
    });
}

#[test]
fn swapped_databases_and_copies_are_seen_whole() {
    const ROUNDS: usize = 300;
    let server = start();
    let mut client = server.connect();
    client.call("MSET a zero b zero");
    client.call("SELECT 1");
    client.call("MSET a one b one");
    in_parallel(&server, 6, |number, mut client| {
        for round in 0..ROUNDS {
            match number {
                0 => assert_eq!(client.call("SWAPDB 0 1"), "+OK"),
                1 => assert_eq!(client.call("COPY a copy REPLACE"), ":1"),
                2 => {
                    let commands = ["SELECT 0", "GET a", "SELECT 1", "GET a", "SELECT 0"];
                    let reply = exec(&mut client, &commands);
                    let one_each = [
                        "*5 +OK $4 zero +OK $3 one +OK",
                        "*5 +OK $3 one +OK $4 zero +OK",
                    ];
                    assert!(one_each.contains(&reply.as_str()), "{reply}");
                }
                3 if round % 4 == 0 => {
                    assert_eq!(client.call("COPY b gone DB 2 REPLACE"), ":1");
                    assert_eq!(client.call("SELECT 2"), "+OK");
                    assert_eq!(client.call("DEL gone"), ":1");
                    assert_eq!(client.call("SELECT 0"), "+OK");
                }
                _ => {
                    let reply = client.call("MGET a b");
                    let mut values = elements(&reply);
                    values.dedup();
                    assert_eq!(values.len(), 1, "half swapped: {reply}");
                }
            }
        }
    });
}

#[test]
fn groups_deliver_each_entry_once() {
    const ENTRIES: usize = 2000;
    let server = start();
    let mut client = server.connect();
    assert_eq!(client.call("XGROUP CREATE s g $ MKSTREAM"), "+OK");
    let mut received: Vec<String> = in_parallel(&server, 8, |number, mut client| {
        if number < 2 {
            for entry in 0..ENTRIES / 2 {
                client.call(&format!("XADD s * entry {number}-{entry}"));
            }
            return Vec::new();
        }
        let mut own = Vec::new();
        loop {
            let read = format!("XREADGROUP GROUP g c{number} COUNT 7 BLOCK 1000 STREAMS s >");
            let reply = client.call(&read);
            if reply == "*-1" {
                return own;
            }
            let words: Vec<&str> = reply.split(' ').collect();
            let entries = words.windows(3).filter(|pair| pair[0] == "entry");
            own.extend(entries.map(|pair| pair[2].to_owned()));
        }
    })
    .concat();
    received.sort();
    let count = received.len();
    received.dedup();
    assert_eq!((count, received.len()), (ENTRIES, ENTRIES));
    assert!(
        client
            .call("XPENDING s g")
            .starts_with(&format!("*4 :{ENTRIES} "))
    );
}
