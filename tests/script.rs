//! Scripts and functions beside other clients: nobody sees half of one, one that runs for long can be killed, and what they leave is there after
//! a restart. What they answer is compared with Redis elsewhere.

mod common;

use common::{Client, Server};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longer than any reply takes.
const PATIENCE: Duration = Duration::from_secs(20);
const KILLED: &str = "-ERR Script killed by user with SCRIPT KILL...";
const BUSY: &str =
    "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";

fn eval(client: &mut Client, script: &str, keys: &[&str], args: &[&str]) -> String {
    let count = keys.len().to_string();
    let mut words = vec!["EVAL", script, &count];
    words.extend(keys.iter().chain(args));
    let words: Vec<&[u8]> = words.into_iter().map(str::as_bytes).collect();
    client.call_args(&words)
}

/// Begins a script that does not end, and waits until the server says that it is busy.
fn spin(server: &Server, key: &str) -> Client {
    let mut spinning = server.connect();
    let words: [&[u8]; 4] = [b"EVAL", b"while true do end", b"1", key.as_bytes()];
    spinning.send_args(&words);
    await_busy(server, key);
    spinning
}

/// Waits until a script holds the stripe of `key` for long.
fn await_busy(server: &Server, key: &str) {
    let mut other = server.connect();
    let deadline = Instant::now() + Duration::from_secs(20);
    while other.call(&format!("GET {key}")) != BUSY {
        assert!(Instant::now() < deadline, "it is busy in time");
    }
}

#[test]
fn a_script_that_waits_for_a_time_ends_once_the_server_is_busy() {
    let server = Server::start(&["--threads", "1", "--busy-reply-threshold", "50"]);
    let waits = "local t = redis.call('TIME')[1] repeat until redis.call('TIME')[1] ~= t return 1";
    let reply = server
        .connect()
        .call_args(&[b"EVAL", waits.as_bytes(), b"0"]);
    assert_eq!(reply, ":1");
}

#[test]
fn a_long_script_can_be_killed_however_many_cores_there_are() {
    for threads in ["1", "2"] {
        let arguments = ["--threads", threads, "--busy-reply-threshold", "50"];
        let server = Server::start(&arguments);
        let mut old = server.connect();
        assert_eq!(old.call("SET k v"), "+OK");
        assert!(old.call("SCRIPT KILL").starts_with("-NOTBUSY"));
        let mut spinning = spin(&server, "k");
        assert_eq!(old.call("GET k"), BUSY);
        assert_eq!(old.call("SET k w"), BUSY);
        let mut new = server.connect();
        assert_eq!(new.call("SCRIPT KILL"), "+OK");
        assert!(spinning.reply().starts_with(KILLED));
        assert_eq!(old.call("GET k"), "$1 v");
        assert_eq!(spinning.call("GET k"), "$1 v");
    }
}

#[test]
fn who_connects_while_a_script_runs_is_answered_by_whichever_core() {
    for threads in ["1", "2", "3"] {
        let arguments = ["--threads", threads, "--busy-reply-threshold", "50"];
        let server = Server::start(&arguments);
        let mut spinning = server.connect();
        spinning.send_args(&[b"EVAL", b"while true do end", b"1", b"k"]);
        let mut clients: Vec<Client> = (0..12).map(|_| server.connect()).collect();
        for client in &mut clients {
            client.send("GET k");
        }
        for client in &mut clients {
            assert!([BUSY, "$-1"].contains(&client.reply().as_str()));
        }
        assert_eq!(clients[11].call("SCRIPT KILL"), "+OK");
        assert!(spinning.reply().starts_with(KILLED));
        assert_eq!(clients[0].call("GET k"), "$-1");
    }
}

#[test]
fn a_full_memory_does_not_wait_for_a_script_either() {
    for threads in ["1", "2"] {
        let server = Server::start(&[
            "--threads",
            threads,
            "--busy-reply-threshold",
            "50",
            "--maxmemory",
            "1mb",
            "--maxmemory-policy",
            "allkeys-lru",
        ]);
        let mut clients: Vec<Client> = (0..4).map(|_| server.connect()).collect();
        let mut spinning = spin(&server, "k");
        for client in &mut clients {
            assert!(client.call("SET k v").starts_with('-'));
        }
        assert_eq!(clients[3].call("SCRIPT KILL"), "+OK");
        assert!(spinning.reply().starts_with(KILLED));
    }
}

#[test]
fn memory_stays_within_its_limit_while_a_script_runs() {
    const ROOM: i64 = 8 << 20;
    let value = vec![b'x'; 1 << 20];
    let keys: Vec<String> = (0..40).map(|number| format!("{{b}}{number}")).collect();
    for policy in [
        "noeviction",
        "allkeys-lru",
        "allkeys-random",
        "volatile-ttl",
    ] {
        let arguments = ["--threads", "2", "--busy-reply-threshold", "50"];
        let server = Server::start(&[&arguments[..], &["--maxmemory-policy", policy]].concat());
        let mut clients: Vec<Client> = (0..4).map(|_| server.connect()).collect();
        // Nobody can have what would go first.
        assert_eq!(clients[0].call("SET {a} v EX 1000"), "+OK");
        let limit = clients[0].info("used_memory") + ROOM;
        clients[0].call(&format!("CONFIG SET maxmemory {limit}"));
        let mut spinning = spin(&server, "{a}");
        let is_free = |client: &mut Client| client.call("SET {b} v EX 2000") == "+OK";
        let free = clients.iter_mut().position(is_free);
        let other = &mut clients[free.expect("those of the other core go on")];
        let mut set =
            |key: &String| other.call_args(&[b"SET", key.as_bytes(), &value, b"EX", b"2000"]);
        let replies: Vec<String> = keys.iter().map(&mut set).collect();
        let refused = replies.iter().any(|reply| reply.starts_with("-OOM"));
        assert_eq!(refused, policy == "noeviction", "{policy}");
        let is_left = |key: &&String| other.call(&format!("EXISTS {key}")) == ":1";
        let left = keys.iter().filter(is_left).count();
        assert!((1..20).contains(&left), "{policy}: {left}");
        assert_eq!(server.connect().call("SCRIPT KILL"), "+OK");
        assert!(spinning.reply().starts_with(KILLED));
    }
}

#[test]
fn a_shutdown_that_saves_is_refused_while_a_script_runs() {
    let server = Server::start(&["--threads", "1", "--busy-reply-threshold", "50"]);
    let mut other = server.connect();
    let mut spinning = spin(&server, "k");
    assert_eq!(other.call("SHUTDOWN"), BUSY);
    assert_eq!(other.call("SHUTDOWN SAVE"), BUSY);
    assert_eq!(other.call("SCRIPT KILL"), "+OK");
    assert!(spinning.reply().starts_with(KILLED));
    assert_eq!(other.call("PING"), "+PONG");
}

#[test]
fn a_shutdown_that_saves_waits_for_a_script_and_keeps_nobody_else() {
    // Whichever of them is dealt out to the core that accepts.
    for script_comes_first in [true, false] {
        let mut server = Server::start(&["--threads", "2", "--busy-reply-threshold", "300"]);
        let (mut first, mut second) = (server.connect(), server.connect());
        first.call("PING");
        second.call("PING");
        let (spinning, stopping) = match script_comes_first {
            true => (&mut first, &mut second),
            false => (&mut second, &mut first),
        };
        spinning.send_args(&[b"EVAL", b"while true do end", b"1", b"k"]);
        std::thread::sleep(Duration::from_millis(50));
        stopping.send("SHUTDOWN SAVE");
        std::thread::sleep(Duration::from_millis(500));
        let mut other = server.connect();
        other.send("SCRIPT KILL");
        assert_eq!(other.reply_within(PATIENCE).as_deref(), Some("+OK"));
        assert!(spinning.reply().starts_with(KILLED));
        assert_eq!(server.await_exit(), Some(0));
        assert!(server.dir.join("dump.rdb").exists());
    }
}

#[test]
fn a_second_interrupt_stops_at_once_whatever_a_script_does() {
    let arguments = ["--threads", "1", "--busy-reply-threshold", "0"];
    let mut server = Server::start(&[&arguments[..], &["--save", "900 1"]].concat());
    server.must_survive = false;
    let mut spinning = server.connect();
    spinning.send_args(&[b"EVAL", b"while true do end", b"1", b"k"]);
    std::thread::sleep(Duration::from_millis(50));
    let pid = server.pid().to_string();
    for _ in 0..2 {
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args(["-INT", &pid]).status().is_ok());
        std::thread::sleep(Duration::from_millis(200));
    }
    let deadline = Instant::now() + PATIENCE;
    while !server.has_ended() {
        assert!(Instant::now() < deadline, "it ends in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn no_half_of_a_script_is_kept_however_the_server_stops() {
    const SCRIPT: &[u8] = b"redis.call('incr', 'a') for i = 1, 3e7 do end redis.call('incr', 'b')";
    for threads in ["1", "2"] {
        let arguments = ["--threads", threads, "--busy-reply-threshold", "50"];
        let mut server = Server::start(&arguments);
        server.keep_directory();
        for (no_save, kept) in [(false, "*2 $1 1 $1 1"), (true, "*2 $1 1 $1 1")] {
            let mut running = server.connect();
            let mut other = server.connect();
            running.send_args(&[b"EVAL", SCRIPT, b"0"]);
            let deadline = Instant::now() + Duration::from_secs(20);
            while other.call("GET a") != BUSY {
                assert!(Instant::now() < deadline, "it is busy in time");
            }
            match no_save {
                true => {
                    other.send("SHUTDOWN NOSAVE");
                    assert_eq!(server.await_exit(), Some(0));
                }
                false => assert_eq!(server.terminate(), Some(0)),
            }
            server.start_again(&arguments);
            assert_eq!(
                server.connect().call("MGET a b"),
                kept,
                "no save: {no_save}"
            );
        }
    }
}

#[test]
fn what_comes_for_a_client_after_its_long_script_reaches_it() {
    let server = Server::start(&["--threads", "1", "--busy-reply-threshold", "50"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    client.call("HELLO 3");
    client.call("SUBSCRIBE news");
    let mut requests = common::encode(&[b"BLPOP", b"nothing", b"0.05"]);
    let long = b"for i = 1, 3e7 do end return 1";
    requests.extend(common::encode(&[b"EVAL", long, b"0"]));
    client.send_raw(&requests);
    assert_eq!(client.reply(), "_");
    assert_eq!(client.reply(), ":1");
    assert_eq!(other.call("PUBLISH news now"), ":1");
    assert_eq!(client.reply(), ">3 $7 message $4 news $3 now");
}

#[test]
fn who_hangs_up_during_its_long_script_is_served_nothing() {
    let server = Server::start(&["--threads", "1", "--busy-reply-threshold", "50"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    let mut requests = common::encode(&[b"EVAL", b"while true do end", b"1", b"k"]);
    requests.extend(common::encode(&[b"BLPOP", b"list", b"0"]));
    client.send_raw(&requests);
    await_busy(&server, "k");
    drop(client);
    // The server hears of that in the midst of the script.
    std::thread::sleep(Duration::from_millis(50));
    other.send_raw(b"SCRIPT KILL\r\n");
    assert_eq!(other.reply(), "+OK");
    assert_eq!(other.call("RPUSH list x"), ":1");
    assert_eq!(other.call("LRANGE list 0 -1"), "*1 $1 x");
    other.await_info("connected_clients", 1);
}

#[test]
fn a_leap_of_the_wall_clock_counts_for_what_a_script_holds_too() {
    const HOUR_MS: u128 = 3_600_000;
    let arguments = ["--threads", "2", "--busy-reply-threshold", "50"];
    let server = Server::start(&[&arguments[..], &["--enable-debug-command", "yes"]].concat());
    let now = std::time::UNIX_EPOCH.elapsed().expect("it is later");
    let date = now.as_millis() + HOUR_MS;
    // Whichever core runs the script, the other one looks after one of these.
    let keys = ["a", "b"];
    let mut waiting = keys.map(|key| {
        let mut client = server.connect();
        client.call(&format!("XADD {key} @{date} f v"));
        client.send(&format!("XREAD BLOCK 0 STREAMS {key} $"));
        client
    });
    server.await_blocked(2);
    let step = (2 * HOUR_MS).to_string();
    let mut requests = common::encode(&[b"DEBUG", b"CLOCK", b"STEP", step.as_bytes()]);
    requests.extend(common::encode(&[
        b"EVAL",
        b"while true do end",
        b"2",
        b"a",
        b"b",
    ]));
    let mut spinning = server.connect();
    spinning.send_raw(&requests);
    await_busy(&server, "a");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.connect().call("SCRIPT KILL"), "+OK");
    for client in &mut waiting {
        let reply = client.reply_within(PATIENCE);
        assert!(reply.is_some_and(|reply| reply.contains("$1 v")));
    }
}

#[test]
fn the_log_is_switched_after_a_long_script_and_nobody_waits_for_that() {
    let arguments = ["--threads", "2", "--busy-reply-threshold", "50"];
    let server = Server::start(&[&arguments[..], &["--appendonly", "yes"]].concat());
    let mut others: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    for setting in ["no", "yes"] {
        let mut spinning = spin(&server, "b");
        // Those of the script's own core are refused.
        let set = format!("CONFIG SET appendonly {setting}");
        let is_set = |client: &mut Client| {
            client.send(&set);
            client.reply_within(PATIENCE).as_deref() == Some("+OK")
        };
        assert!(others.iter_mut().any(is_set));
        assert!(
            others
                .iter_mut()
                .any(|other| other.call("SET a v") == "+OK")
        );
        assert_eq!(others[0].call("SCRIPT KILL"), "+OK");
        assert!(spinning.reply().starts_with(KILLED));
        // It is looked at now and then.
        std::thread::sleep(Duration::from_millis(500));
    }
    // One that was off and is on again needs a new base.
    let mut observer = server.connect();
    observer.await_info("aof_rewrites", 1);
    observer.await_info("aof_rewrite_in_progress", 0);
}

#[test]
fn what_was_logged_before_a_long_script_does_not_wait_for_it() {
    const ROUNDS: usize = 20;
    const SLOW: Duration = Duration::from_millis(300);
    let arguments = ["--threads", "2", "--busy-reply-threshold", "50"];
    let always = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = Server::start(&[&arguments[..], &always].concat());
    let mut others: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    let mut slow = 0;
    for _ in 0..ROUNDS {
        let mut requests = common::encode(&[b"SET", b"a", b"v"]);
        requests.extend(common::encode(&[b"EVAL", b"while true do end", b"1", b"b"]));
        let mut spinning = server.connect();
        spinning.send_raw(&requests);
        std::thread::sleep(Duration::from_millis(20));
        let began = Instant::now();
        assert!(
            others
                .iter_mut()
                .any(|other| other.call("SET c v") == "+OK")
        );
        slow += usize::from(began.elapsed() > SLOW);
        await_busy(&server, "b");
        assert_eq!(others[0].call("SCRIPT KILL"), "+OK");
        assert_eq!(spinning.reply(), "+OK");
        assert!(spinning.reply().starts_with(KILLED));
    }
    // The writer sleeps for up to a second unless it is woken; a busy machine may be slow now and then.
    assert!(slow <= ROUNDS / 3, "{slow} were slow");
}

#[test]
fn who_wrote_before_a_long_script_hears_of_it_meanwhile() {
    const ROUNDS: usize = 20;
    let arguments = ["--threads", "1", "--busy-reply-threshold", "50"];
    let always = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = Server::start(&[&arguments[..], &always].concat());
    let (mut writing, mut other) = (server.connect(), server.connect());
    let mut unheard = 0;
    for _ in 0..ROUNDS {
        let mut spinning = server.connect();
        assert_eq!(spinning.call("PING"), "+PONG");
        writing.send("SET a v");
        spinning.send("EVAL while(true)do(function()end)()end 1 b");
        let heard = writing.reply_within(Duration::from_millis(500));
        unheard += usize::from(heard.is_none());
        await_busy(&server, "b");
        assert_eq!(other.call("SCRIPT KILL"), "+OK");
        assert_eq!(heard.unwrap_or_else(|| writing.reply()), "+OK");
        assert!(spinning.reply().starts_with(KILLED));
    }
    assert!(unheard <= ROUNDS / 10, "{unheard} had to wait");
}

#[test]
fn a_long_script_behind_a_wait_for_the_log_keeps_nobody_waiting() {
    let arguments = ["--threads", "1", "--busy-reply-threshold", "50"];
    let server = Server::start(&[&arguments[..], &["--appendonly", "yes"]].concat());
    let long: &[u8] = b"for i = 1, 3e7 do end return 1";
    let mut clients: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    for client in &mut clients {
        let wait: &[&[u8]] = &[b"WAITAOF", b"1", b"0", b"0"];
        let requests: [&[&[u8]]; 3] = [&[b"SET", b"a", b"1"], wait, &[b"EVAL", long, b"0"]];
        client.send_raw(&requests.map(common::encode).concat());
    }
    for client in &mut clients {
        assert_eq!(client.reply(), "+OK");
        assert_eq!(client.reply(), "*2 :1 :0");
        // One that goes on in the midst of another's script is told so.
        assert!([":1", BUSY].contains(&client.reply().as_str()));
    }
}

#[test]
fn who_is_paused_while_its_effects_become_durable_goes_on_after_the_pause() {
    const ROUNDS: usize = 10;
    let arguments = ["--threads", "1", "--busy-reply-threshold", "50"];
    let always = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = Server::start(&[&arguments[..], &always].concat());
    let (mut client, mut spinning) = (server.connect(), server.connect());
    let mut other = server.connect();
    assert_eq!(spinning.call("PING"), "+PONG");
    for _ in 0..ROUNDS {
        let pause: &[&[u8]] = &[b"CLIENT", b"PAUSE", b"100000", b"WRITE"];
        let set: &[&[u8]] = &[b"SET", b"a", b"1"];
        client.send_raw(&[set, pause, set].map(common::encode).concat());
        spinning.send_args(&[b"EVAL_RO", b"while true do end", b"1", b"b"]);
        await_busy(&server, "b");
        assert_eq!(other.call("SCRIPT KILL"), "+OK");
        assert!(spinning.reply().starts_with(KILLED));
        assert_eq!(client.reply(), "+OK");
        assert_eq!(client.reply(), "+OK");
        assert!(client.is_silent_for(Duration::from_millis(50)));
        assert_eq!(other.call("CLIENT UNPAUSE"), "+OK");
        assert_eq!(client.reply(), "+OK");
    }
}

#[test]
fn keys_that_expire_in_the_midst_of_a_script_are_told_of() {
    let arguments = ["--threads", "1", "--busy-reply-threshold", "50"];
    let server = Server::start(&[&arguments[..], &["--notify-keyspace-events", "Ex"]].concat());
    let (mut listener, mut other) = (server.connect(), server.connect());
    listener.call("SUBSCRIBE __keyevent@0__:expired");
    assert_eq!(other.call("SET {b} v PX 200"), "+OK");
    let mut spinning = spin(&server, "{a}");
    std::thread::sleep(Duration::from_millis(250));
    assert_eq!(other.call("WATCH {b}"), "+OK");
    assert_eq!(other.call("SCRIPT KILL"), "+OK");
    assert!(spinning.reply().starts_with(KILLED));
    let told = listener.reply_within(PATIENCE);
    assert!(told.is_some_and(|told| told.ends_with("$3 {b}")));
}

#[test]
fn a_pause_of_writes_holds_up_scripts() {
    let server = Server::start(&["--threads", "2"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    assert_eq!(other.call("CLIENT PAUSE 100000 WRITE"), "+OK");
    assert_eq!(eval_ro(&mut client, "return 1"), ":1");
    client.send("EVAL return(redis.call('incr',KEYS[1])) 1 k");
    assert_eq!(other.call("EXISTS k"), ":0");
    assert!(client.is_silent_for(Duration::from_millis(100)));
    assert_eq!(other.call("CLIENT UNPAUSE"), "+OK");
    assert_eq!(client.reply(), ":1");
}

fn eval_ro(client: &mut Client, script: &str) -> String {
    client.call_args(&[b"EVAL_RO", script.as_bytes(), b"0"])
}

#[test]
fn a_script_that_has_written_is_not_killed_but_the_server_goes_down() {
    let mut server = Server::start(&["--threads", "1", "--busy-reply-threshold", "50"]);
    server.must_survive = false;
    let mut spinning = server.connect();
    let script: &[u8] = b"redis.call('set', KEYS[1], 1) while true do end";
    spinning.send_args(&[b"EVAL", script, b"1", b"k"]);
    let mut other = server.connect();
    let deadline = Instant::now() + Duration::from_secs(20);
    while other.call("GET k") != BUSY {
        assert!(Instant::now() < deadline, "it is busy in time");
    }
    assert!(other.call("SCRIPT KILL").starts_with("-UNKILLABLE"));
    other.send("SHUTDOWN NOSAVE");
    assert_eq!(server.await_exit(), Some(0));
    assert!(spinning.is_closed());
}

#[test]
fn a_shutdown_without_saving_keeps_all_of_the_scripts_that_were_answered() {
    const BATCH: usize = 500;
    let mut server = Server::start(&["--threads", "2", "--appendonly", "yes"]);
    let mut ordering = server.connect();
    let answered: Vec<usize> = std::thread::scope(|scope| {
        let counting = |number: usize| {
            let (key, server) = (format!("k{number}"), &server);
            let script: &[u8] = b"redis.call('incr', KEYS[1]) for i = 1, 3e4 do end return 1";
            let request = common::encode(&[b"EVAL", script, b"1", key.as_bytes()]).repeat(BATCH);
            let mut client = server.connect();
            scope.spawn(move || {
                let mut answered = 0;
                while client.stream.write_all(&request).is_ok() {
                    let replies = (0..BATCH).map_while(|_| client.reply_within(PATIENCE));
                    answered += replies.filter(|reply| reply == ":1").count();
                }
                answered
            })
        };
        let threads: Vec<_> = (0..4).map(counting).collect();
        std::thread::sleep(Duration::from_millis(500));
        ordering.send("SHUTDOWN NOSAVE");
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|answered| answered.expect("it ends")).collect()
    });
    assert_eq!(server.await_exit(), Some(0));
    server.start_again(&[]);
    let mut client = server.connect();
    for (number, answered) in answered.into_iter().enumerate() {
        let reply = client.call(&format!("GET k{number}"));
        let kept = reply.rsplit(' ').next().and_then(|kept| kept.parse().ok());
        let kept: usize = kept.unwrap_or(0);
        assert!(kept >= answered, "{answered} answered, {kept} kept");
    }
}

#[test]
fn a_transaction_whose_script_is_cut_off_is_neither_kept_nor_answered() {
    let mut server = Server::start(&["--threads", "2", "--busy-reply-threshold", "50"]);
    server.must_survive = false;
    let mut client = server.connect();
    assert_eq!(client.call("SET k before"), "+OK");
    assert_eq!(client.call("MULTI"), "+OK");
    assert_eq!(client.call("SET k half"), "+QUEUED");
    let script: &[u8] = b"redis.call('set', KEYS[1], 1) while true do end";
    assert_eq!(client.call_args(&[b"EVAL", script, b"1", b"k"]), "+QUEUED");
    assert_eq!(client.call("SET k whole"), "+QUEUED");
    client.send("EXEC");
    await_busy(&server, "k");
    let mut other = server.connect();
    other.send("SHUTDOWN NOSAVE");
    assert_eq!(server.await_exit(), Some(0));
    assert!(client.is_closed());
    server.start_again(&[]);
    assert_eq!(server.connect().call("GET k"), "$6 before");
}

#[test]
fn who_needs_nothing_of_a_long_script_goes_on() {
    let server = Server::start(&["--threads", "2", "--busy-reply-threshold", "50"]);
    // The newest client is dealt out to the core that has the fewest.
    let mut clients: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    let mut spinning = spin(&server, "{a}");
    let undisturbed = clients
        .iter_mut()
        .filter_map(|client| {
            client.send("SET {b} v");
            client.reply_within(Duration::from_secs(5))
        })
        .filter(|reply| reply == "+OK")
        .count();
    assert!(undisturbed > 0, "those of the other core");
    let mut other = server.connect();
    assert_eq!(other.call("SCRIPT KILL"), "+OK");
    assert!(spinning.reply().starts_with(KILLED));
}

#[test]
fn nobody_sees_half_a_script() {
    const ACCOUNTS: usize = 16;
    const RUN: Duration = Duration::from_secs(2);
    let server = Server::start(&["--threads", "4"]);
    let mut client = server.connect();
    let names: Vec<String> = (0..ACCOUNTS)
        .map(|number| format!("account:{number}"))
        .collect();
    for name in &names {
        client.call(&format!("SET {name} 100"));
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for worker in 0..6 {
            let (server, names, stop) = (&server, &names, &stop);
            scope.spawn(move || {
                let mut client = server.connect();
                let mut turn = worker;
                while !stop.load(Ordering::Relaxed) {
                    turn += 7;
                    let (from, to) = (&*names[turn % ACCOUNTS], &*names[(turn * 3 + 1) % ACCOUNTS]);
                    move_one(&mut client, worker, (from, to));
                }
            });
        }
        for _ in 0..2 {
            let (server, names, stop) = (&server, &names, &stop);
            scope.spawn(move || {
                let mut client = server.connect();
                let sum = "local s = 0 for i = 1, #ARGV do s = s + redis.call('get', ARGV[i]) end return s";
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                while !stop.load(Ordering::Relaxed) {
                    let total = eval(&mut client, sum, &[], &names);
                    assert_eq!(total, format!(":{}", ACCOUNTS * 100));
                }
            });
        }
        std::thread::sleep(RUN);
        stop.store(true, Ordering::Relaxed);
    });
}

/// Moves one from account to account: by a script that declares its keys, one that declares none or one of them, or a transaction.
fn move_one(client: &mut Client, way: usize, (from, to): (&str, &str)) {
    const BY_KEYS: &str = "redis.call('decr', KEYS[1]) return redis.call('incr', KEYS[2])";
    const BY_ARGS: &str = "redis.call('decr', ARGV[1]) return redis.call('incr', ARGV[2])";
    let reply = match way {
        0 | 1 => eval(client, BY_KEYS, &[from, to], &[]),
        2 | 3 => eval(client, BY_ARGS, &[], &[from, to]),
        4 => eval(client, BY_ARGS, &[to], &[from, to]),
        _ => {
            client.call("MULTI");
            client.call(&format!("DECR {from}"));
            client.call(&format!("INCR {to}"));
            client.call("EXEC")
        }
    };
    assert!(!reply.contains("-"), "{reply}");
}

#[test]
fn libraries_are_there_after_a_restart() {
    let library: &[u8] =
        b"#!lua name=l\nredis.register_function('f', function(keys, args) return redis.call('set', keys[1], args[1]) end)";
    let mut server = Server::start(&["--threads", "2", "--appendonly", "yes"]);
    server.keep_directory();
    let mut client = server.connect();
    assert_eq!(client.call_args(&[b"FUNCTION", b"LOAD", library]), "$1 l");
    assert_eq!(client.call("FCALL f 1 k first"), "+OK");
    for (number, prepare) in ["", "BGREWRITEAOF", "CONFIG SET aof-use-rdb-preamble no"]
        .into_iter()
        .enumerate()
    {
        let mut client = server.connect();
        if !prepare.is_empty() {
            client.call(prepare);
            client.call("BGREWRITEAOF");
            client.await_info("aof_rewrite_in_progress", 0);
        }
        server.terminate();
        server.await_exit();
        server.start_again(&[]);
        let mut client = server.connect();
        assert_eq!(client.info("number_of_functions"), 1, "{prepare}");
        assert_eq!(client.call(&format!("FCALL f 1 k {number}")), "+OK");
        assert_eq!(client.call("GET k"), format!("$1 {number}"));
    }
    std::fs::remove_dir_all(&server.dir).expect("it is ours");
}

#[test]
fn who_is_fed_during_a_long_script_is_served_after_it() {
    for in_transaction in [false, true] {
        let server = Server::start(&["--threads", "2", "--busy-reply-threshold", "50"]);
        let mut others: Vec<Client> = (0..4).map(|_| server.connect()).collect();
        // The feeder holds the stripe of one key, the script that of the other.
        others[0].send("BLPOP a b 0");
        server.await_blocked(1);
        let mut spinning = server.connect();
        if in_transaction {
            assert_eq!(spinning.call("MULTI"), "+OK");
        }
        spinning.send_args(&[b"EVAL", b"while true do end", b"1", b"b"]);
        if in_transaction {
            spinning.send("EXEC");
        }
        await_busy(&server, "b");
        let fed = others[1..]
            .iter_mut()
            .any(|feeder| feeder.call("RPUSH a x") == ":1");
        assert!(fed, "by a client of the other core");
        assert!(others[0].is_silent_for(Duration::from_millis(50)));
        assert_eq!(others[1].call("SCRIPT KILL"), "+OK");
        assert_eq!(others[0].reply(), "*2 $1 a $1 x");
    }
}

#[test]
fn what_a_script_does_itself_is_not_charged_to_its_commands() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let script = "for i = 1, 3000000 do end return redis.call('GET', KEYS[1])";
    assert_eq!(eval(&mut client, script, &["k"], &[]), "$-1");
    let stats = client.call("INFO commandstats");
    let usec = |command: &str| -> u64 {
        let (_, figures) = stats
            .split_once(&format!("cmdstat_{command}:calls=1,usec="))
            .expect("it was called once");
        let (usec, _) = figures.split_once(',').expect("more follows");
        usec.parse().expect("a number")
    };
    assert!(usec("eval") > 1000, "{stats}");
    assert!(usec("get") < usec("eval") / 4, "{stats}");
}
