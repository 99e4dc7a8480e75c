//! Blocked clients: served first come first served over all cores, each element once, whoever else reaches for it.

use crate::common::{Client, Random, Server};
use crate::{elements, in_parallel, start};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Makes a client wait, and returns once it does.
fn wait_on(client: &mut Client, command: &str, watcher: &mut Client, waiting: i64) {
    client.send(command);
    watcher.await_info("blocked_clients", waiting);
}

#[test]
fn nobody_slips_past_those_who_wait() {
    const WAITERS: usize = 200;
    let server = start();
    let mut watcher = server.connect();
    let mut waiters: Vec<Client> = (0..WAITERS).map(|_| server.connect()).collect();
    for (number, waiter) in waiters.iter_mut().enumerate() {
        // The targets lie on all stripes, where others keep their cores busy.
        let command = match number % 3 {
            0 => "BLPOP queue 0".to_owned(),
            1 => format!("BLMOVE queue done{number} LEFT RIGHT 0"),
            _ => format!("BLMPOP 0 2 queue other{number} LEFT"),
        };
        wait_on(waiter, &command, &mut watcher, number as i64 + 1);
    }
    let pushed = AtomicUsize::new(0);
    in_parallel(&server, 8, |number, mut client| {
        while pushed.load(Ordering::SeqCst) < WAITERS {
            match number {
                0 => {
                    let element = pushed.load(Ordering::SeqCst);
                    assert_eq!(client.call(&format!("RPUSH queue {element}")), ":1");
                    pushed.fetch_add(1, Ordering::SeqCst);
                }
                1..5 => assert_eq!(client.call("LPOP queue"), "$-1", "it was somebody else's"),
                5 => {
                    let reply = crate::exec(&mut client, &["LLEN queue", "LPOP queue"]);
                    assert_eq!(reply, "*2 :0 $-1");
                }
                _ => {
                    let keys: Vec<_> = (0..WAITERS).map(|key| format!("done{key}")).collect();
                    client.call(&format!("EXISTS {}", keys.join(" ")));
                }
            }
        }
    });
    for (number, waiter) in waiters.iter_mut().enumerate() {
        let element = number.to_string();
        let bulk = format!("${} {element}", element.len());
        let expected = match number % 3 {
            0 => format!("*2 $5 queue {bulk}"),
            1 => bulk,
            _ => format!("*2 $5 queue *1 {bulk}"),
        };
        assert_eq!(waiter.reply(), expected);
    }
    assert_eq!(watcher.info("blocked_clients"), 0);
}

#[test]
fn chains_of_moves_lose_and_double_nothing() {
    const ELEMENTS: usize = 3000;
    const STAGES: usize = 5;
    let server = start();
    let caught = AtomicUsize::new(0);
    let received = in_parallel(&server, STAGES + 4, |number, mut client| {
        let mut own = Vec::new();
        let mut catch = |reply: &str| {
            if let Some(element) = reply.rsplit(' ').next().filter(|_| !reply.ends_with("-1")) {
                own.push(element.parse::<usize>().expect("an element is a number"));
                caught.fetch_add(1, Ordering::SeqCst);
            }
        };
        let finished = || caught.load(Ordering::SeqCst) == ELEMENTS;
        match number {
            0 => {
                for element in 0..ELEMENTS {
                    client.send(&format!("RPUSH stage0 {element}"));
                }
                (0..ELEMENTS).for_each(|_| assert!(client.reply().starts_with(':')));
            }
            1..=STAGES => {
                let (from, to) = (number - 1, number);
                while !finished() {
                    client.call(&format!("BLMOVE stage{from} stage{to} LEFT RIGHT 0.05"));
                }
            }
            _ => {
                while !finished() {
                    let reply = match number % 3 {
                        0 => client.call("LPOP stage2"),
                        1 => client.call(&format!("BLPOP stage{STAGES} 0.05")),
                        _ => client.call(&format!("BRPOP stage{STAGES} stage3 0.05")),
                    };
                    catch(&reply);
                }
            }
        }
        own
    });
    let mut all = received.concat();
    all.sort_unstable();
    assert_eq!(all, (0..ELEMENTS).collect::<Vec<_>>());
}

#[test]
fn rings_of_moves_do_not_lock_each_other_up() {
    const TURNS: usize = 300;
    const SIZE: usize = 6;
    let server = start();
    let mut client = server.connect();
    for place in 0..SIZE {
        client.call(&format!("RPUSH ring{place} token{place}"));
    }
    in_parallel(&server, SIZE, |number, mut client| {
        for _ in 0..TURNS {
            let to = (number + 1) % SIZE;
            let moved = client.call(&format!("BLMOVE ring{number} ring{to} LEFT RIGHT 20"));
            assert!(moved.contains("token"), "nothing comes round: {moved}");
        }
    });
    let mut tokens = Vec::new();
    for place in 0..SIZE {
        let reply = client.call(&format!("LRANGE ring{place} 0 -1"));
        tokens.extend(elements(&reply).into_iter().map(str::to_owned));
    }
    tokens.sort();
    assert_eq!(
        tokens,
        (0..SIZE)
            .map(|place| format!("token{place}"))
            .collect::<Vec<_>>()
    );
}

#[test]
fn ends_of_waits_race_with_pushes_and_nothing_is_lost() {
    const ELEMENTS: usize = 2500;
    const WAITERS: usize = 6;
    let server = start();
    let stop = AtomicUsize::new(0);
    let ids: Vec<AtomicUsize> = (0..WAITERS).map(|_| AtomicUsize::new(0)).collect();
    let mut random = Random::from_env();
    let seeds = std::sync::Mutex::new((0..WAITERS + 2).map(|_| random.fork()).collect::<Vec<_>>());
    let outcomes: Vec<(usize, usize, usize)> =
        in_parallel(&server, WAITERS + 2, |number, mut client| {
            let mut random = seeds
                .lock()
                .expect("nobody panicked")
                .pop()
                .expect("one for each");
            let (mut got, mut told, mut unblocked) = (0, 0, 0);
            match number {
                0 => {
                    for _ in 0..ELEMENTS {
                        client.call(&format!("RPUSH q{} x", random.below(3)));
                    }
                    stop.store(1, Ordering::SeqCst);
                }
                1 => {
                    while stop.load(Ordering::SeqCst) == 0 {
                        let id = ids[random.below(WAITERS)].load(Ordering::SeqCst);
                        if client.call(&format!("CLIENT UNBLOCK {id} ERROR")) == ":1" {
                            unblocked += 1;
                        }
                    }
                }
                _ => {
                    let id = client.call("CLIENT ID")[1..]
                        .parse()
                        .expect("an id is a number");
                    ids[number - 2].store(id, Ordering::SeqCst);
                    while stop.load(Ordering::SeqCst) == 0 {
                        let reply = client.call("BLPOP q0 q1 q2 0.001");
                        match reply.as_str() {
                            "*-1" => {}
                            "-UNBLOCKED client unblocked via CLIENT UNBLOCK" => told += 1,
                            reply => {
                                assert!(reply.ends_with(" $1 x"), "{reply}");
                                got += 1;
                            }
                        }
                    }
                }
            }
            (got, told, unblocked)
        });
    let sum = |part: fn(&(usize, usize, usize)) -> usize| outcomes.iter().map(part).sum::<usize>();
    let mut client = server.connect();
    let left: usize = (0..3)
        .map(|key| {
            client.call(&format!("LLEN q{key}"))[1..]
                .parse::<usize>()
                .expect("a length is a number")
        })
        .sum();
    assert_eq!(sum(|outcome| outcome.0) + left, ELEMENTS);
    assert_eq!(
        sum(|outcome| outcome.1),
        sum(|outcome| outcome.2),
        "told and reported differ"
    );
    assert_eq!(client.info("blocked_clients"), 0);
}

#[test]
fn vanishing_waiters_leave_the_line_and_their_places_are_not_confused() {
    const ROUNDS: usize = 400;
    let server = start();
    let gone = AtomicUsize::new(0);
    let taken: Vec<usize> = in_parallel(&server, 6, |number, mut client| {
        let mut got = 0;
        for round in 0..ROUNDS {
            match number {
                0 | 1 => {
                    let mut waiter = server.connect();
                    waiter.send("BLPOP queue elsewhere 0");
                    if round % 2 == 0 {
                        waiter.vanish();
                    }
                    gone.fetch_add(1, Ordering::SeqCst);
                }
                2 => {
                    // A connection that takes the place of one that is gone hears nothing that was meant for that.
                    let mut fresh = server.connect();
                    let word = format!("{number}-{round}");
                    assert_eq!(
                        fresh.call(&format!("ECHO {word}")),
                        format!("${} {word}", word.len())
                    );
                }
                3 => {
                    assert!(
                        client
                            .call(&format!("RPUSH queue {round}"))
                            .starts_with(':')
                    );
                }
                _ => {
                    if client.call("LPOP queue") != "$-1" {
                        got += 1;
                    }
                }
            }
        }
        got
    });
    let mut client = server.connect();
    client.await_info("connected_clients", 1);
    assert_eq!(client.info("blocked_clients"), 0);
    let left: usize = client.call("LLEN queue")[1..]
        .parse()
        .expect("a length is a number");
    assert!(taken.iter().sum::<usize>() + left <= ROUNDS);
    client.call("DEL queue");
    client.call("RPUSH queue last");
    assert_eq!(client.call("LPOP queue"), "$4 last");
}

#[test]
fn a_peer_that_hangs_up_right_after_blocking_takes_nothing() {
    let server = start();
    let mut client = server.connect();
    for _ in 0..50 {
        let mut waiter = server.connect();
        waiter.send("BLPOP queue 0");
        waiter
            .stream
            .shutdown(std::net::Shutdown::Write)
            .expect("it is connected");
        assert_eq!(waiter.rest(), Some(Vec::new()));
    }
    client.await_info("blocked_clients", 0);
    assert_eq!(client.call("RPUSH queue x"), ":1");
    assert_eq!(client.call("LPOP queue"), "$1 x");
}

#[test]
fn what_is_pushed_after_a_crowd_has_hung_up_is_not_for_it() {
    const WAITERS: usize = 300;
    let server = start();
    let mut client = server.connect();
    for round in 0..4 {
        let mut waiters: Vec<Client> = (0..WAITERS).map(|_| server.connect()).collect();
        for (number, waiter) in waiters.iter_mut().enumerate() {
            waiter.send(match number % 3 {
                0 => "BRPOP queue 0",
                1 => "BZPOPMIN set 0",
                _ => "BLMPOP 0 2 other queue LEFT",
            });
        }
        client.await_info("blocked_clients", WAITERS as i64);
        // Half of the rounds they hang up in order, half by a reset.
        match round % 2 {
            0 => drop(waiters),
            _ => waiters.into_iter().for_each(Client::vanish),
        }
        for number in 0..WAITERS {
            client.send(&format!("RPUSH queue {number}"));
            client.send(&format!("ZADD set {number} {number}"));
        }
        (0..2 * WAITERS).for_each(|_| assert!(client.reply().starts_with(':')));
        assert_eq!(client.call("LLEN queue"), format!(":{WAITERS}"));
        assert_eq!(client.call("ZCARD set"), format!(":{WAITERS}"));
        client.await_info("blocked_clients", 0);
        client.call("DEL queue set");
    }
}

#[test]
fn a_killed_waiter_is_served_nothing_more() {
    let server = start();
    let (mut client, mut watcher) = (server.connect(), server.connect());
    for _ in 0..50 {
        let mut waiter = server.connect();
        let id = waiter.id();
        wait_on(&mut waiter, "BLPOP queue 0", &mut watcher, 1);
        client.send(&format!("CLIENT KILL ID {id}"));
        client.send("RPUSH queue x");
        assert_eq!(client.reply(), ":1");
        assert_eq!(client.reply(), ":1");
        assert_eq!(client.call("LPOP queue"), "$1 x");
        watcher.await_info("blocked_clients", 0);
    }
}

/// The longest timeout that a clock can show `margin_ms` from now, but not after that.
fn nearly_for_ever(margin_ms: u64) -> u64 {
    let since_epoch = std::time::UNIX_EPOCH.elapsed().expect("it is past 1970");
    i64::MAX.unsigned_abs() - since_epoch.as_millis() as u64 - margin_ms
}

#[test]
fn a_wait_that_ends_where_clocks_do_is_served_later() {
    const MARGIN_MS: u64 = 300;
    let server = start();
    let (mut client, mut watcher) = (server.connect(), server.connect());
    type Request = fn(u64) -> String;
    let commands: [(Request, &str, &str); 2] = [
        (
            |ms| format!("XREAD BLOCK {ms} STREAMS stream $"),
            "XADD stream 1-1 f v",
            "*1 *2 $6 stream *1 *2 $3 1-1 *2 $1 f $1 v",
        ),
        (
            |ms| format!("BLPOP list {}.{:03}", ms / 1000, ms % 1000),
            "RPUSH list x",
            "*2 $4 list $1 x",
        ),
    ];
    for (wait, feed, expected) in commands {
        let mut waiter = server.connect();
        loop {
            waiter.send(&wait(nearly_for_ever(MARGIN_MS)));
            if waiter.is_silent_for(std::time::Duration::from_millis(2 * MARGIN_MS)) {
                break;
            }
            // The machine was busy for too long.
            assert!(waiter.reply().starts_with("-ERR timeout is out of range"));
        }
        watcher.await_info("blocked_clients", 1);
        client.call(feed);
        assert_eq!(waiter.reply(), expected);
    }
}

#[test]
fn wake_ups_are_never_lost() {
    const ROUNDS: usize = 4000;
    let server = start();
    in_parallel(&server, 6, |number, mut client| {
        let (pair, side) = (number / 2, number % 2);
        for round in 0..ROUNDS {
            if (round + side) % 2 == 0 {
                assert_eq!(client.call(&format!("RPUSH ping{pair}-{side} x")), ":1");
            } else {
                let other = 1 - side;
                let reply = client.call(&format!("BLPOP ping{pair}-{other} 20"));
                assert_eq!(reply, format!("*2 $7 ping{pair}-{other} $1 x"));
            }
        }
    });
}

#[test]
fn a_list_serves_its_waiter_however_it_comes_to_be() {
    let server = start();
    let (mut client, mut watcher) = (server.connect(), server.connect());
    for (prepare, feed) in [
        ("RPUSH other x", "RENAME other queue"),
        ("RPUSH other x", "RENAMENX other queue"),
        ("RPUSH other x", "COPY other queue"),
        ("RPUSH other x", "LMOVE other queue LEFT LEFT"),
        ("RPUSH other x", "RPOPLPUSH other queue"),
        ("SELECT 1", "MOVE queue 0"),
        ("SELECT 1", "SWAPDB 0 1"),
        ("PING", "LPUSH queue x"),
    ] {
        client.call("FLUSHALL");
        client.call(prepare);
        if prepare.starts_with("SELECT") {
            client.call("RPUSH queue x");
        }
        let mut waiter = server.connect();
        wait_on(&mut waiter, "BLPOP nothing queue 0", &mut watcher, 1);
        client.call(feed);
        assert_eq!(waiter.reply(), "*2 $5 queue $1 x", "after {feed}");
        client.call("SELECT 0");
        watcher.await_info("blocked_clients", 0);
    }
}

#[test]
fn keys_that_become_ready_together_are_served_in_that_order() {
    const KEYS: usize = 20;
    let server = start();
    let (mut client, mut watcher) = (server.connect(), server.connect());
    let mut movers: Vec<Client> = (0..KEYS).map(|_| server.connect()).collect();
    for (number, mover) in movers.iter_mut().enumerate() {
        let command = format!("BLMOVE from{number} gathered LEFT RIGHT 0");
        wait_on(mover, &command, &mut watcher, number as i64 + 1);
    }
    let pushes: Vec<String> = (0..KEYS)
        .map(|number| number * 7 % KEYS)
        .map(|number| format!("RPUSH from{number} {number}"))
        .collect();
    let pushes: Vec<&str> = pushes.iter().map(String::as_str).collect();
    crate::exec(&mut client, &pushes);
    let expected: Vec<String> = (0..KEYS)
        .map(|number| (number * 7 % KEYS).to_string())
        .collect();
    assert_eq!(elements(&client.call("LRANGE gathered 0 -1")), expected);
}

#[test]
fn a_reply_that_is_to_be_skipped_is_skipped_when_it_comes() {
    let server = start();
    let (mut waiter, mut client) = (server.connect(), server.connect());
    waiter.send("CLIENT REPLY SKIP");
    waiter.send("BLPOP queue 0");
    client.await_info("blocked_clients", 1);
    assert_eq!(client.call("RPUSH queue x"), ":1");
    assert_eq!(waiter.call("PING"), "+PONG");
}

/// A transaction that does nothing for so long but hold `key`.
fn hold(client: &mut Client, key: &str, seconds: &str) {
    assert_eq!(client.call("MULTI"), "+OK");
    for command in [format!("GET {key}"), format!("DEBUG SLEEP {seconds}")] {
        assert_eq!(client.call(&command), "+QUEUED");
    }
    client.send("EXEC");
    std::thread::sleep(Duration::from_millis(30));
}

#[test]
fn a_wait_that_ends_waits_for_nobody_who_holds_its_key() {
    let server = Server::start(&["--threads", "2", "--enable-debug-command", "yes"]);
    let mut waiting: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    let mut holder = server.connect();
    waiting
        .iter_mut()
        .for_each(|client| client.send("BLPOP held 0.2"));
    hold(&mut holder, "held", "1.5");
    let began = Instant::now();
    let took = |client: &mut Client| {
        assert_eq!(client.reply(), "*-1");
        began.elapsed()
    };
    let took: Vec<Duration> = std::thread::scope(|scope| {
        let clients = waiting.iter_mut();
        let answers: Vec<_> = clients.map(|client| scope.spawn(|| took(client))).collect();
        let answers = answers.into_iter();
        answers
            .map(|answer| answer.join().expect("it is answered"))
            .collect()
    });
    // Whoever is on the core of the transaction waits for that.
    assert!(
        took.iter().any(|took| *took < Duration::from_millis(900)),
        "{took:?}"
    );
    assert_eq!(holder.reply(), "*2 $-1 +OK");
    // Nothing of the waits is left.
    assert_eq!(waiting[0].call("RPUSH held x"), ":1");
    assert_eq!(waiting[0].call("LLEN held"), ":1");
}

#[test]
fn who_is_made_to_wait_is_not_idle() {
    let server = Server::start(&["--timeout", "1", "--appendfsync", "always"]);
    let mut waiting = server.connect();
    waiting.send("BLPOP q 0");
    std::thread::sleep(Duration::from_millis(1500));
    let mut other = server.connect();
    assert_eq!(other.call("RPUSH q x"), ":1");
    assert_eq!(waiting.reply(), "*2 $1 q $1 x");
    assert_eq!(other.call("CLIENT PAUSE 2500"), "+OK");
    assert_eq!(server.connect().call("SET k v"), "+OK");
}

#[test]
fn time_goes_on_between_commands_that_arrived_together() {
    let server = Server::start(&["--threads", "1", "--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.send_raw(b"DEBUG SLEEP 0.4\r\nSET lock v PX 300 NX\r\nPTTL lock\r\n");
    assert_eq!(
        (client.reply(), client.reply()),
        ("+OK".into(), "+OK".into())
    );
    let left_ms: i64 = client.reply()[1..].parse().expect("a number");
    assert!(left_ms > 0, "it ran out before it was granted");
}

#[test]
fn what_a_busy_core_should_do_others_do() {
    const KEYS: usize = 16;
    let server = Server::start(&["--threads", "2", "--enable-debug-command", "yes"]);
    let mut busy = server.connect();
    assert_eq!(busy.call("CONFIG SET notify-keyspace-events Ex"), "+OK");
    let mut listening: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for client in &mut listening {
        client.call("SUBSCRIBE __keyevent@0__:expired");
    }
    for number in 0..KEYS {
        assert_eq!(busy.call(&format!("SET k:{number} v PX 300")), "+OK");
    }
    busy.send("DEBUG SLEEP 2.5");
    let began = Instant::now();
    let took = |client: &mut Client| {
        (0..KEYS).for_each(|_| drop(client.reply()));
        began.elapsed()
    };
    let took: Vec<Duration> = std::thread::scope(|scope| {
        let clients = listening.iter_mut();
        let all: Vec<_> = clients.map(|client| scope.spawn(|| took(client))).collect();
        let all = all.into_iter();
        all.map(|one| one.join().expect("it hears")).collect()
    });
    // Those on the busy core hear of it when that is over.
    assert!(
        took.iter().any(|took| *took < Duration::from_millis(1500)),
        "{took:?}"
    );
}
