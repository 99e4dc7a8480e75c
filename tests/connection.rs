//! Connections about themselves and each other, on one core and across several.

mod common;

use common::{Client, Server};
use std::time::{Duration, Instant};

/// Long enough for a reply that would come, short enough for a test.
const A_WHILE: Duration = Duration::from_millis(150);

/// One field of a line of CLIENT LIST.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    line.split_ascii_whitespace()
        .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {name} in {line}"))
}

/// The line of a client as another one sees it.
fn line_of(observer: &mut Client, id: &str) -> String {
    observer.call(&format!("CLIENT LIST ID {id}"))
}

/// Asks again and again until the answer is the expected one: other cores see a client's state a turn later.
fn eventually(expected: &str, mut ask: impl FnMut() -> String) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = ask();
        if answer == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{answer} instead of {expected}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_client_is_listed_as_it_is() {
    let server = Server::start(&["--threads", "2"]);
    let (mut observer, mut client) = (server.connect(), server.connect());
    let id = client.id();
    client.call("HELLO 3 SETNAME worker");
    client.call("CLIENT SETINFO lib-name some-lib");
    client.call("CLIENT SETINFO LIB-VER 1.2.3");
    client.call("SELECT 5");
    client.call("WATCH a b");
    client.call("MULTI");
    client.call("PING");
    for (name, expected) in [
        ("name", "worker"),
        ("lib-name", "some-lib"),
        ("lib-ver", "1.2.3"),
        ("db", "5"),
        ("resp", "3"),
        ("watch", "2"),
        ("multi", "1"),
        ("flags", "x"),
        ("cmd", "ping"),
        ("user", "default"),
        ("tot-cmds", "7"),
    ] {
        eventually(expected, || {
            field(&line_of(&mut observer, &id), name).to_string()
        });
    }
}

#[test]
fn kill_closes_on_every_core_and_spares_the_killer() {
    let server = Server::start(&["--threads", "4"]);
    let mut killer = server.connect();
    let mut others: Vec<Client> = (0..12).map(|_| server.connect()).collect();
    let ids: Vec<String> = others.iter_mut().map(Client::id).collect();
    assert_eq!(killer.call(&format!("CLIENT KILL ID {}", ids[0])), ":1");
    assert!(others[0].is_closed());
    assert_eq!(killer.call(&format!("CLIENT KILL ID {}", ids[0])), ":0");
    assert_eq!(killer.call("CLIENT KILL TYPE normal"), ":11");
    assert!(others[1..].iter_mut().all(Client::is_closed));
    assert_eq!(killer.call("CLIENT KILL USER default"), ":0");
    assert_eq!(killer.call("CLIENT KILL USER default SKIPME no"), ":1");
    assert!(killer.is_closed());
}

#[test]
fn nothing_of_a_killed_client_is_executed() {
    for threads in ["1", "2"] {
        let server = Server::start(&["--threads", threads, "--busy-reply-threshold", "50"]);
        let mut killer = server.connect();
        let mut paused = server.connect();
        let id = paused.id();
        assert_eq!(killer.call("CLIENT PAUSE 60000 WRITE"), "+OK");
        paused.send("SET k v");
        assert!(paused.is_silent_for(A_WHILE));
        killer.send_raw(format!("CLIENT KILL ID {id}\r\nCLIENT UNPAUSE\r\n").as_bytes());
        assert_eq!(killer.reply(), ":1");
        assert_eq!(killer.reply(), "+OK");
        assert!(paused.is_closed());
        assert_eq!(killer.call("EXISTS k"), ":0");
    }
}

#[test]
fn nothing_behind_the_wait_of_a_killed_client_is_executed() {
    let server = Server::start(&["--threads", "1"]);
    let (mut killer, mut waiting) = (server.connect(), server.connect());
    let id = waiting.id();
    waiting.send_raw(b"BLPOP q 0\r\nSET k v\r\n");
    server.await_blocked(1);
    killer.send_raw(format!("CLIENT UNBLOCK {id}\r\nCLIENT KILL ID {id}\r\n").as_bytes());
    assert_eq!(killer.reply(), ":1");
    assert_eq!(killer.reply(), ":1");
    assert_eq!(killer.call("EXISTS k"), ":0");
    assert!(waiting.rest().is_some());
}

#[test]
fn nothing_behind_the_script_of_a_killed_client_is_executed() {
    let server = Server::start(&["--threads", "2", "--busy-reply-threshold", "50"]);
    let mut killers: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    let mut running = server.connect();
    let id = running.id();
    let mut requests = common::encode(&[b"EVAL", b"while true do end", b"1", b"s"]);
    requests.extend(common::encode(&[b"SET", b"k", b"v"]));
    running.send_raw(&requests);
    // Those of the script's core are refused.
    let kill = format!("CLIENT KILL ID {id}");
    let kills = |killer: &mut Client| killer.call(&kill) == ":1";
    assert!(killers.iter_mut().any(kills));
    eventually("+OK", || killers[0].call("SCRIPT KILL"));
    assert!(running.rest().is_some());
    assert_eq!(killers[0].call("EXISTS k"), ":0");
}

#[test]
fn kill_by_address_and_by_type() {
    let server = Server::start(&["--threads", "2"]);
    let (mut killer, mut victim, mut listener) =
        (server.connect(), server.connect(), server.connect());
    listener.call("SUBSCRIBE news");
    // Connected is not yet served: only a client that was answered is known to the server.
    victim.call("PING");
    let addr = victim.stream.local_addr().expect("it is connected");
    assert_eq!(killer.call(&format!("CLIENT KILL {addr}")), "+OK");
    assert!(victim.is_closed());
    assert_eq!(
        killer.call(&format!("CLIENT KILL {addr}")),
        "-ERR No such client"
    );
    eventually(":1", || killer.call("CLIENT KILL TYPE pubsub"));
    assert!(listener.is_closed());
}

#[test]
fn a_pause_holds_writes_or_everything_and_ends() {
    let server = Server::start(&["--threads", "2"]);
    let mut clients: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    assert_eq!(clients[0].call("CLIENT PAUSE 60000 WRITE"), "+OK");
    for client in &mut clients {
        assert_eq!(client.call("GET k"), "$-1");
        client.send("SET k v");
        assert!(client.is_silent_for(A_WHILE));
    }
    let mut rescuer = server.connect();
    assert_eq!(rescuer.call("CLIENT UNPAUSE"), "+OK");
    for client in &mut clients {
        assert_eq!(client.reply(), "+OK");
    }
    let start = Instant::now();
    assert_eq!(rescuer.call("CLIENT PAUSE 400"), "+OK");
    for client in &mut clients {
        client.send("PING");
    }
    for client in &mut clients {
        assert_eq!(client.reply(), "+PONG");
    }
    let waited = start.elapsed();
    assert!(
        waited >= Duration::from_millis(400) && waited < Duration::from_secs(5),
        "{waited:?}"
    );
}

#[test]
fn a_pause_is_neither_shortened_nor_weakened() {
    let server = Server::start(&["--threads", "1"]);
    let (mut a, mut b) = (server.connect(), server.connect());
    assert_eq!(a.call("CLIENT PAUSE 600 WRITE"), "+OK");
    assert_eq!(a.call("CLIENT PAUSE 1 ALL"), "+OK");
    b.send("GET k");
    assert!(b.is_silent_for(Duration::from_millis(300)));
    assert_eq!(b.reply(), "$-1");
}

#[test]
fn unblock_ends_a_wait_on_another_core() {
    let server = Server::start(&["--threads", "4"]);
    let mut unblocker = server.connect();
    for _ in 0..8 {
        let mut waiter = server.connect();
        let id = waiter.id();
        assert_eq!(unblocker.call(&format!("CLIENT UNBLOCK {id}")), ":0");
        waiter.send("BLPOP none 0");
        eventually(":1", || unblocker.call(&format!("CLIENT UNBLOCK {id}")));
        assert_eq!(waiter.reply(), "*-1");
        waiter.send("BLPOP none 0");
        eventually(":1", || {
            unblocker.call(&format!("CLIENT UNBLOCK {id} ERROR"))
        });
        assert_eq!(
            waiter.reply(),
            "-UNBLOCKED client unblocked via CLIENT UNBLOCK"
        );
    }
}

#[test]
fn replies_can_be_turned_off() {
    let server = Server::start(&["--threads", "1"]);
    let mut client = server.connect();
    for command in [
        "CLIENT REPLY SKIP",
        "SET a 1",
        "GET a",
        "CLIENT REPLY OFF",
        "SET a 2",
        "FOO",
    ] {
        client.send(command);
    }
    assert_eq!(client.call("CLIENT REPLY ON"), "$1 1");
    assert_eq!(client.reply(), "+OK");
    assert_eq!(client.call("GET a"), "$1 2");
}

#[test]
fn monitors_see_what_ran_without_secrets() {
    let server = Server::start(&["--threads", "2", "--requirepass", "secret"]);
    let (mut monitor, mut client) = (server.connect(), server.connect());
    monitor.call("AUTH secret");
    assert_eq!(monitor.call("MONITOR"), "+OK");
    let mut seen = |expected: &str| {
        let line = monitor.reply();
        assert!(line.ends_with(expected), "{line} instead of {expected}");
    };
    client.call("AUTH default secret");
    seen("\"AUTH\" \"(redacted)\" \"(redacted)\"");
    client.call("HELLO 2 AUTH default secret");
    seen("\"HELLO\" \"2\" \"AUTH\" \"(redacted)\" \"(redacted)\"");
    client.call("SELECT 3");
    client.call("MULTI");
    client.call("SET k v");
    client.call("EXEC");
    for expected in [
        "\"SELECT\" \"3\"",
        "\"MULTI\"",
        "\"SET\" \"k\" \"v\"",
        "\"EXEC\"",
    ] {
        seen(expected);
    }
    client.call("CONFIG SET requirepass other");
    client.call("PING");
    seen("\"PING\"");
}

#[test]
fn shutdown_stops_the_server() {
    let mut server = Server::start(&["--threads", "2"]);
    let (mut client, mut bystander) = (server.connect(), server.connect());
    bystander.call("PING");
    client.send("SHUTDOWN NOSAVE");
    assert!(client.is_closed());
    assert!(bystander.is_closed());
    assert_eq!(server.await_exit(), Some(0));
}

/// A list so long that LRANGE answers it in slices, and how many bytes that answer has.
fn fill_a_long_list(client: &mut Client) -> usize {
    const ELEMENTS: usize = 40_000;
    let element = vec![b'x'; 100];
    let mut args: Vec<&[u8]> = vec![b"RPUSH", b"long"];
    args.extend(std::iter::repeat_n(element.as_slice(), ELEMENTS));
    assert_eq!(client.call_args(&args), format!(":{ELEMENTS}"));
    format!("*{ELEMENTS}\r\n").len() + ELEMENTS * ("$100\r\n".len() + 100 + "\r\n".len())
}

#[test]
fn long_replies_and_waits_are_dropped_like_any_other() {
    let server = Server::start(&["--threads", "2"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    fill_a_long_list(&mut client);
    client.send("CLIENT REPLY OFF");
    client.send("LRANGE long 0 -1");
    assert_eq!(client.call("CLIENT REPLY ON"), "+OK");
    client.send("CLIENT REPLY SKIP");
    client.send("LRANGE long 0 -1");
    assert_eq!(client.call("PING"), "+PONG");
    client.send("CLIENT REPLY SKIP");
    client.send("BLPOP nothing 0.05");
    assert_eq!(client.call("PING"), "+PONG");
    client.send("CLIENT REPLY SKIP");
    client.send("BLPOP queue 0");
    other.await_info("blocked_clients", 1);
    other.call("RPUSH queue job");
    assert_eq!(client.call("PING"), "+PONG");
    assert_eq!(client.call("EXISTS queue"), ":0");
}

#[test]
fn messages_do_not_break_into_a_long_reply() {
    const MESSAGES: usize = 20;
    let server = Server::start(&["--threads", "2"]);
    let (mut listener, mut publisher) = (server.connect(), server.connect());
    let reply_bytes = fill_a_long_list(&mut publisher);
    listener.call("HELLO 3");
    listener.call("SUBSCRIBE news");
    // Nothing is read meanwhile, so most of the reply has yet to be written when the messages come.
    listener.send("LRANGE long 0 -1");
    std::thread::sleep(A_WHILE);
    for _ in 0..MESSAGES {
        assert_eq!(publisher.call("PUBLISH news now"), ":1");
    }
    let reply = listener.receive_exactly(reply_bytes);
    assert!(reply.starts_with(b"*40000\r\n$100\r\n") && !reply.contains(&b'>'));
    for _ in 0..MESSAGES {
        assert_eq!(listener.reply(), ">3 $7 message $4 news $3 now");
    }
    assert_eq!(listener.call("PING"), "+PONG");
}

#[test]
fn what_was_sent_before_closing_is_executed() {
    let server = Server::start(&["--threads", "1"]);
    let (mut client, mut observer) = (server.connect(), server.connect());
    client.call_args(&[b"SET", b"blob", &[b'x'; 100_000]]);
    let mut requests = common::encode(&[b"GET", b"blob"]).repeat(500);
    requests.extend(common::encode(&[b"SET", b"done", b"1"]));
    client.send_raw(&requests);
    client.close_sending();
    eventually(":1", || observer.call("EXISTS done"));
}

#[test]
fn monitors_and_waiting_clients_are_not_idle() {
    let server = Server::start(&["--threads", "1", "--timeout", "1"]);
    let (mut waiter, mut monitor) = (server.connect(), server.connect());
    assert_eq!(monitor.call("MONITOR"), "+OK");
    waiter.send("BLPOP queue 0");
    std::thread::sleep(Duration::from_millis(1800));
    server.connect().call("RPUSH queue job");
    assert_eq!(waiter.reply(), "*2 $5 queue $3 job");
    assert_eq!(waiter.call("PING"), "+PONG");
    assert!(monitor.reply().contains("\"BLPOP\""));
    assert!(monitor.reply().contains("\"RPUSH\""));
}

#[test]
fn a_core_with_nothing_to_do_sleeps() {
    /// In hundredths of a second: without sleep there would be sixty of each core.
    const TICKS: u64 = 20;
    let server = Server::start(&["--threads", "2", "--busy-poll-us", "1000"]);
    let mut client = server.connect();
    // So often that its core has come to expect that the next comes at once.
    for _ in 0..2000 {
        assert_eq!(client.call("PING"), "+PONG");
    }
    let before = server.cpu_ticks();
    std::thread::sleep(Duration::from_millis(600));
    let spent = server.cpu_ticks() - before;
    assert!(spent < TICKS, "{spent}");
    assert_eq!(client.call("PING"), "+PONG");
}

#[test]
fn what_is_due_in_a_pause_is_not_there_but_goes_when_it_ends() {
    let server = Server::start(&["--threads", "2", "--notify-keyspace-events", "Ex"]);
    let (mut client, mut listener) = (server.connect(), server.connect());
    listener.call("SUBSCRIBE __keyevent@0__:expired");
    client.call("SET k v PX 100");
    client.call("SET l v PX 100");
    assert_eq!(client.call("CLIENT PAUSE 60000 WRITE"), "+OK");
    std::thread::sleep(2 * A_WHILE);
    assert_eq!(client.call("GET k"), "$-1");
    assert_eq!(client.call("EXISTS k l"), ":0");
    assert_eq!(client.call("TTL k"), ":-2");
    assert_eq!(client.call("KEYS *"), "*0");
    assert_eq!(client.call("RANDOMKEY"), "$-1");
    assert_eq!(client.call("DBSIZE"), ":2");
    assert_eq!(client.info("expired_keys"), 0);
    assert!(listener.is_silent_for(A_WHILE));
    let mut writer = server.connect();
    writer.send("SET k new");
    assert!(writer.is_silent_for(A_WHILE));
    assert_eq!(client.call("CLIENT UNPAUSE"), "+OK");
    assert_eq!(writer.reply(), "+OK");
    client.await_info("expired_keys", 2);
    assert!(listener.reply().contains("expired"));
    assert!(listener.reply().contains("expired"));
    assert_eq!(client.call("GET k"), "$3 new");
    assert_eq!(client.call("DBSIZE"), ":1");
    // So it is when a pause ends by itself.
    client.call("SET l v PX 50");
    assert_eq!(client.call("CLIENT PAUSE 300"), "+OK");
    std::thread::sleep(A_WHILE);
    assert!(listener.is_silent_for(Duration::from_millis(50)));
    assert!(listener.reply().ends_with("$1 l"));
}

#[test]
fn a_transaction_that_begins_a_pause_writes_over_what_is_due() {
    let server = Server::start(&["--threads", "1", "--enable-debug-command", "yes"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    assert_eq!(client.call("DEBUG SET-ACTIVE-EXPIRE 0"), "+OK");
    client.call("SET k v PX 1");
    std::thread::sleep(A_WHILE);
    client.call("MULTI");
    client.call("CLIENT PAUSE 60000 WRITE");
    client.call("GET k");
    client.call("SET k new");
    client.call("APPEND k er");
    assert_eq!(client.call("EXEC"), "*4 +OK $-1 +OK :5");
    assert_eq!(other.call("GET k"), "$5 newer");
    assert_eq!(other.call("DBSIZE"), ":1");
}

#[test]
fn who_is_held_up_by_a_pause_counts_as_blocked() {
    let server = Server::start(&["--threads", "2"]);
    let mut observer = server.connect();
    let mut held: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    let id = held[0].id();
    assert_eq!(observer.call("CLIENT PAUSE 60000 WRITE"), "+OK");
    for client in &mut held {
        client.send("SET k v");
    }
    observer.await_info("blocked_clients", 3);
    let line = line_of(&mut observer, &id);
    assert_eq!(field(&line, "flags"), "b");
    assert_eq!(field(&line, "cmd"), "set");
    // Looking after them every now and then does not let them out.
    for _ in 0..20 {
        assert_eq!(observer.info("blocked_clients"), 3);
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(held.pop());
    observer.await_info("blocked_clients", 2);
    assert_eq!(observer.call(&format!("CLIENT UNBLOCK {id}")), ":0");
    assert_eq!(observer.call("CLIENT UNPAUSE"), "+OK");
    for client in &mut held {
        assert_eq!(client.reply(), "+OK");
    }
    observer.await_info("blocked_clients", 0);
    eventually("N", || {
        field(&line_of(&mut observer, &id), "flags").to_owned()
    });
    // Who was held up and asks is not held up any more.
    assert_eq!(observer.call("CLIENT PAUSE 300 ALL"), "+OK");
    assert_eq!(held[0].info("blocked_clients"), 0);
}

#[test]
fn nothing_is_written_once_a_pause_has_been_granted() {
    for in_transaction in [false, true] {
        let server = Server::start(&["--threads", "4"]);
        // Each on a core of its own, one after another.
        let mut clients: Vec<_> = (0..4).map(|_| server.connect()).collect();
        let script = "for i = 1, 20000000 do end redis.call('SET', KEYS[1], 'script') return 1";
        clients[0].send_args(&[b"EVAL", script.as_bytes(), b"1", b"{k}"]);
        std::thread::sleep(Duration::from_millis(20));
        // It waits for what the script holds.
        if in_transaction {
            assert_eq!(clients[1].call("MULTI"), "+OK");
            let script = b"return redis.call('INCR', KEYS[1])";
            clients[1].call_args(&[b"EVAL", script, b"1", b"{k}n"]);
        }
        let ends = ["INCR {k}n", "EXEC"][usize::from(in_transaction)];
        clients[1].send(ends);
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(clients[2].call("CLIENT PAUSE 60000 WRITE"), "+OK");
        let before = clients[3].call("MGET {k} {k}n");
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(clients[3].call("MGET {k} {k}n"), before);
        assert_eq!(clients[2].call("CLIENT UNPAUSE"), "+OK");
        assert_eq!(clients[0].reply(), ":1");
        assert_eq!(
            clients[1].reply(),
            [":1", "*1 :1"][usize::from(in_transaction)]
        );
    }
}

#[test]
fn what_expired_during_a_pause_is_made_anew_once() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    assert_eq!(client.call("SET key:0 old PX 50"), "+OK");
    assert_eq!(client.call("CLIENT PAUSE 60000 WRITE"), "+OK");
    std::thread::sleep(Duration::from_millis(80));
    assert_eq!(client.call("DEBUG POPULATE 1 key 10"), "+OK");
    assert_eq!(client.call("DBSIZE"), ":1");
    assert_eq!(client.call("CLIENT UNPAUSE"), "+OK");
    assert_eq!(client.call("DEBUG LOADAOF"), "+OK");
    assert_eq!(client.call("STRLEN key:0"), ":10");
}
