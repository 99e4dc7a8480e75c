//! The log: what is acknowledged is on disk, and what happens when the disk fails.

mod common;

use common::{Client, Server};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn increment(server: &Server, number: u32) -> PathBuf {
    let name = format!("appendonlydir/appendonly.aof.{number}.incr.aof");
    server.dir.join(name)
}

fn content(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).expect("the file is there")).into_owned()
}

/// Waits until `is_so`; panics with `what` if it does not come true.
fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_new_log_has_the_files_that_redis_makes() {
    let mut server = Server::start(&["--threads", "2"]);
    let mut client = server.connect();
    assert_eq!(client.call("SET key value"), "+OK");
    server.terminate();
    let dir = server.dir.join("appendonlydir");
    assert_eq!(
        content(&dir.join("appendonly.aof.manifest")),
        "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    );
    assert!(content(&dir.join("appendonly.aof.1.base.rdb")).starts_with("REDIS00"));
    assert_eq!(
        content(&increment(&server, 1)),
        "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n"
    );
}

#[test]
fn always_answers_when_it_is_written() {
    let server = Server::start(&["--appendfsync", "always", "--threads", "2"]);
    let mut clients: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for round in 0..200 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(&format!("RPUSH list <{round}.{number}>"));
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert!(client.reply().starts_with(':'));
            if round % 50 == 0 {
                let log = content(&increment(&server, 1));
                assert!(log.contains(&format!("<{round}.{number}>")));
            }
        }
    }
}

#[test]
fn nobody_is_told_of_what_its_own_client_has_not_heard_of() {
    // What is seen takes long to write.
    const BIG: usize = 16 * 1024 * 1024;
    let server = Server::start(&["--appendfsync", "always", "--threads", "2"]);
    let (mut writer, mut reader) = (server.connect(), server.connect());
    let big = "x".repeat(BIG);
    let smaller =
        "-ERR The ID specified in XADD is equal or smaller than the target stream top item";
    for (round, (write, question, answer)) in [
        ("MSET key1 v big", "GET key1", "$1 v"),
        ("MSET key2 v big", "GETEX key2", "$1 v"),
        ("XADD s 1-1 big", "XADD s NOMKSTREAM 0-1 f v", smaller),
        (
            "MSET key3 v big",
            "SCAN 0 MATCH *3 COUNT 1000",
            "*2 $1 0 *1 $4 key3",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        writer.send(&format!("{write} {big}"));
        let deadline = Instant::now() + Duration::from_secs(10);
        while reader.call(question) != answer {
            assert!(Instant::now() < deadline, "{question} does not see it");
        }
        let log = std::fs::metadata(increment(&server, 1)).expect("it is there");
        assert!(log.len() as usize > BIG * (round + 1), "{question}");
        writer.reply();
    }
}

#[test]
fn held_clients_go_on_with_what_they_sent_meanwhile() {
    let server = Server::start(&["--appendfsync", "always", "--threads", "2"]);
    let (mut feeder, mut taker) = (server.connect(), server.connect());
    for _ in 0..50 {
        taker.send("SET before 1");
        taker.send("BLPOP queue 0");
        taker.send("INCR after");
        taker.send("GET before");
        feeder.call("RPUSH queue element");
        assert_eq!(taker.reply(), "+OK");
        assert!(taker.reply().contains("element"));
        assert!(taker.reply().starts_with(':'));
        assert_eq!(taker.reply(), "$1 1");
    }
    // A client that only sends is not starved of its replies.
    let many = 20_000;
    for _ in 0..many {
        feeder.send("INCR counter");
    }
    for expected in 1..=many {
        assert_eq!(feeder.reply(), format!(":{expected}"));
    }
}

#[test]
fn a_change_of_policy_lets_held_clients_go() {
    let server = Server::start(&["--appendfsync", "always", "--threads", "2"]);
    let (mut writer, mut admin) = (server.connect(), server.connect());
    for policy in ["no", "always", "everysec", "always", "no", "everysec"].repeat(5) {
        writer.send("INCR counter");
        assert_eq!(
            admin.call(&format!("CONFIG SET appendfsync {policy}")),
            "+OK"
        );
        assert!(writer.reply().starts_with(':'));
    }
    assert_eq!(admin.call("CONFIG SET appendonly no"), "+OK");
    assert_eq!(writer.call("SET unlogged 1"), "+OK");
    assert_eq!(admin.info("aof_enabled"), 0);
    await_that("the log ends", || {
        !content(&increment(&server, 1)).is_empty()
    });
    assert!(!content(&increment(&server, 1)).contains("unlogged"));
}

#[test]
fn what_a_reply_told_of_outlives_the_process() {
    // Nothing is synced, which cores would have to keep away from.
    let arguments = ["--threads", "2", "--appendfsync", "no"];
    let mut server = Server::start(&arguments);
    for round in 1..=5 {
        let mut clients: Vec<_> = (0..8).map(|_| server.connect()).collect();
        let mut waiting = server.connect();
        waiting.send("BLPOP fed 0");
        server.await_blocked(1);
        for (number, client) in clients.iter_mut().enumerate() {
            // A transaction over stripes, behind much that is answered with it.
            client.send_raw(&b"INCR filler\r\n".repeat(100));
            for command in ["MULTI", "INCR a", "INCR b", "EXEC"] {
                client.send(command);
            }
            if number == 7 {
                client.send("RPUSH fed x");
            }
        }
        for client in &mut clients {
            (0..103).for_each(|_| drop(client.reply()));
            assert!(client.reply().starts_with("*2"));
        }
        assert_eq!(waiting.reply(), "*2 $3 fed $1 x");
        server.kill();
        server.start_again(&arguments);
        let mut client = server.connect();
        let told = format!("${} {}", (8 * round).to_string().len(), 8 * round);
        assert_eq!(client.call("GET a"), told);
        assert_eq!(client.call("GET b"), told);
        assert_eq!(client.call("LLEN fed"), ":0");
    }
}

#[test]
fn waitaof_waits_for_the_disk() {
    let server = Server::start(&["--threads", "2"]);
    let mut client = server.connect();
    assert_eq!(client.call("WAITAOF 1 0 0"), "*2 :1 :0");
    // The first sync may be at once, the next not within a second.
    for _ in 0..2 {
        assert_eq!(client.call("SET key value"), "+OK");
        assert_eq!(client.call("WAITAOF 1 0 5000"), "*2 :1 :0");
    }
    client.send("SET key value");
    client.send("WAITAOF 1 0 1");
    client.send("WAITAOF 0 1 1");
    client.send("WAITAOF 1 0 0");
    assert_eq!(client.reply(), "+OK");
    assert_eq!(client.reply(), "*2 :0 :0");
    assert_eq!(client.reply(), "*2 :0 :0");
    assert_eq!(client.reply(), "*2 :1 :0");
    assert_eq!(client.call("WAITAOF 1 1 10"), "*2 :1 :0");
    let mut other = server.connect();
    client.send("SET key value");
    client.send("WAITAOF 1 0 0");
    assert_eq!(client.reply(), "+OK");
    assert_eq!(other.call("CONFIG SET appendonly no"), "+OK");
    let without = "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    assert_eq!(client.reply(), without);
    assert_eq!(client.call("WAITAOF 1 0 0"), without);
    assert_eq!(client.call("WAITAOF 0 0 0"), "*2 :0 :0");
}

#[test]
fn waitaof_does_not_take_the_kernels_word() {
    let server = Server::start(&["--appendfsync", "no", "--threads", "2"]);
    let mut client = server.connect();
    assert_eq!(client.call("SET key value"), "+OK");
    assert_eq!(client.call("WAITAOF 1 0 100"), "*2 :0 :0");
    client.send("WAITAOF 1 0 0");
    let mut admin = server.connect();
    assert_eq!(admin.call("CONFIG SET appendfsync everysec"), "+OK");
    assert_eq!(client.reply(), "*2 :1 :0");
}

const FULL: &str = "MISCONF Errors writing to the AOF file: File too large";

/// A server whose files may not become larger than 20 kB, until `prlimit` allows it.
fn cramped(policy: &str) -> Server {
    let shell = format!(
        "trap '' XFSZ; ulimit -S -f 40; exec {} \"$@\"",
        env!("CARGO_BIN_EXE_millstream")
    );
    let mut command = Command::new("sh");
    command.args(["-c", &shell, "millstream"]);
    Server::start_by(command, &["--appendfsync", policy, "--threads", "2"])
}

fn fill(client: &mut Client) {
    let value = "x".repeat(1000);
    for _ in 0..30 {
        client.send(&format!("RPUSH filler {value}"));
    }
}

#[test]
fn a_failing_disk_stops_writes_until_it_heals() {
    let server = cramped("everysec");
    let (mut client, mut queuing) = (server.connect(), server.connect());
    assert_eq!(client.call("SET key value"), "+OK");
    assert_eq!(queuing.call("MULTI"), "+OK");
    assert_eq!(queuing.call("SET key other"), "+QUEUED");
    fill(&mut client);
    // The disk may have failed before the last of them was there.
    let taken = (0..30).filter(|_| client.reply().starts_with(':')).count();
    await_that("writes are refused", || client.call("DEL none") != ":0");
    for refused in [
        "SET key other",
        "LPOP none",
        "BLPOP none 1",
        "PING",
        "FLUSHALL",
    ] {
        assert_eq!(client.call(refused), format!("-{FULL}"), "{refused}");
    }
    assert_eq!(client.call("PUBLISH channel message"), ":0");
    assert_eq!(client.call("GET key"), "$5 value");
    assert_eq!(
        queuing.call("EXEC"),
        format!("-EXECABORT Transaction discarded because of: {FULL}")
    );
    assert_eq!(queuing.call("MULTI"), "+OK");
    assert_eq!(queuing.call("SET key other"), format!("-{FULL}"));
    assert!(
        queuing
            .call("EXEC")
            .starts_with("-EXECABORT Transaction discarded because of previous")
    );
    assert!(
        client
            .call("INFO persistence")
            .contains("aof_last_write_status:err")
    );
    let unlimited = Command::new("prlimit")
        .args(["--pid", &server.pid().to_string(), "--fsize=unlimited"])
        .status();
    assert!(unlimited.expect("prlimit runs").success());
    await_that("writes are taken again", || {
        client.call("SET key healed") == "+OK"
    });
    assert!(
        client
            .call("INFO persistence")
            .contains("aof_last_write_status:ok")
    );
    await_that("all is in the log", || {
        let log = content(&increment(&server, 1));
        log.matches("RPUSH").count() == taken && log.contains("healed")
    });
}

#[test]
fn a_reply_that_cannot_be_promised_is_not_given() {
    let server = cramped("always");
    let mut client = server.connect();
    fill(&mut client);
    let mut answered = 0;
    while let Some(reply) = client.reply_within(Duration::from_secs(10)) {
        match reply.as_str() {
            reply if reply.starts_with(':') => answered += 1,
            reply => assert_eq!(reply, format!("-{FULL}")),
        }
    }
    let log = content(&increment(&server, 1));
    assert!(log.matches("RPUSH").count() >= answered);
    let mut other = server.connect();
    assert_eq!(other.call("SET key value"), format!("-{FULL}"));
    assert_eq!(other.call("CONFIG SET appendonly no"), "+OK");
    await_that("the way out works", || other.call("SET key value") == "+OK");
}

fn manifest(server: &Server) -> String {
    let path = server.dir.join("appendonlydir/appendonly.aof.manifest");
    std::fs::read_to_string(path).unwrap_or_default()
}

fn names(server: &Server) -> Vec<String> {
    let dir = std::fs::read_dir(server.dir.join("appendonlydir")).expect("it is there");
    let mut names: Vec<String> = dir
        .map(|entry| entry.expect("it can be read").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_log_is_turned_on_and_rewritten_while_clients_write() {
    let server = Server::start(&["--appendonly", "no", "--threads", "2"]);
    let (mut client, mut admin) = (server.connect(), server.connect());
    assert_eq!(client.call("SET before 1"), "+OK");
    assert_eq!(admin.call("CONFIG SET appendonly yes"), "+OK");
    let listed = |number: u32| {
        format!(
            "file appendonly.aof.{number}.base.rdb seq {number} type b\n\
             file appendonly.aof.{number}.incr.aof seq {number} type i\n"
        )
    };
    await_that("the log begins", || {
        assert_eq!(client.call("INCR counter").as_bytes()[0], b':');
        manifest(&server) == listed(1)
    });
    for number in 2..5 {
        admin.await_info("aof_rewrite_in_progress", 0);
        assert!(
            admin
                .call("BGREWRITEAOF")
                .starts_with("+Background append only file rewriting")
        );
        await_that("the log is rewritten", || {
            client.call("INCR counter");
            manifest(&server) == listed(number)
        });
        assert_eq!(
            names(&server),
            [
                format!("appendonly.aof.{number}.base.rdb"),
                format!("appendonly.aof.{number}.incr.aof"),
                "appendonly.aof.manifest".into()
            ]
        );
    }
    admin.await_info("aof_rewrite_in_progress", 0);
    assert_eq!(client.call("SET after 1"), "+OK");
    await_that("it is in the log", || {
        content(&increment(&server, 4)).contains("after")
    });
    assert_eq!(admin.info("aof_enabled"), 1);
    assert!(admin.info("aof_current_size") >= admin.info("aof_base_size"));
}

/// A server whose log has just been turned off, to be turned on again; with keys, and `always` for what it will be worth.
fn without_log(keys: u32) -> (Server, Client) {
    let directives = ["--save", "", "--enable-debug-command", "yes"];
    let policy = ["--appendfsync", "always", "--threads", "2"];
    let server = Server::start(&[&directives[..], &policy].concat());
    let mut client = server.connect();
    assert_eq!(client.call("CONFIG SET appendonly no"), "+OK");
    assert_eq!(
        client.call(&format!("DEBUG POPULATE {keys} key 100")),
        "+OK"
    );
    (server, client)
}

/// Where a base is until the log's writer takes it: a directory there keeps every base from being written.
fn obstacle(server: &Server) -> PathBuf {
    let name = "appendonlydir/temp-millstream-base.snapshot";
    server.dir.join(name)
}

fn obstruct(server: &Server) {
    std::fs::create_dir_all(obstacle(server).join("occupied")).expect("it can be made");
}

fn clear(server: &Server) {
    std::fs::remove_dir_all(obstacle(server)).expect("it is there");
}

#[test]
fn a_log_that_was_turned_on_promises_nothing_before_its_base() {
    let (mut server, mut client) = without_log(100);
    obstruct(&server);
    assert_eq!(client.call("CONFIG SET appendonly yes"), "+OK");
    assert_eq!(client.call("SET key value"), "+OK");
    assert_eq!(client.call("WAITAOF 1 0 100"), "*2 :0 :0");
    for order in ["SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN SAVE"] {
        let refused = "-ERR Errors trying to SHUTDOWN. Check logs.";
        assert_eq!(client.call(order), refused);
    }
    // An attempt at the base may be under way just then.
    let load = |client: &mut Client| {
        let reply = client.call("DEBUG LOADAOF");
        (reply != "-ERR Background save already in progress").then_some(reply)
    };
    let loaded = std::iter::repeat_with(|| load(&mut client))
        .flatten()
        .next();
    let refused = "-ERR Error trying to load the AOF files, check server logs.";
    assert_eq!(loaded.as_deref(), Some(refused));
    clear(&server);
    // Attempts that fail become rare.
    client.call("BGREWRITEAOF");
    assert_eq!(client.call("WAITAOF 1 0 0"), "*2 :1 :0");
    server.kill();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(client.call("DBSIZE"), ":101");
    obstruct(&server);
    client.send("CONFIG SET appendonly no");
    client.send("CONFIG SET appendonly yes");
    client.send("SHUTDOWN FORCE");
    assert!(client.reply() == "+OK" && client.reply() == "+OK" && client.is_closed());
}

#[test]
fn a_signal_to_stop_waits_for_the_base() {
    let (mut server, mut client) = without_log(300_000);
    assert_eq!(client.call("CONFIG SET appendonly yes"), "+OK");
    assert_eq!(server.terminate(), Some(0));
    server.start_again(&[]);
    let mut client = server.connect();
    client.await_info("loading", 0);
    assert_eq!(client.call("DBSIZE"), ":300000");
}

#[test]
fn waitaof_waits_for_a_log_that_waits_for_a_snapshot() {
    let (mut server, mut client) = without_log(300_000);
    client.send("BGSAVE");
    client.send("CONFIG SET appendonly yes");
    client.send("SET key value");
    client.send("WAITAOF 1 0 0");
    assert_eq!(client.reply(), "+Background saving started");
    assert_eq!(
        (client.reply(), client.reply()),
        ("+OK".into(), "+OK".into())
    );
    assert_eq!(client.reply(), "*2 :1 :0");
    server.kill();
    server.start_again(&[]);
    let mut client = server.connect();
    client.await_info("loading", 0);
    assert_eq!(client.call("DBSIZE"), ":300001");
}

#[test]
fn whatever_began_a_log_its_base_is_tried_until_it_is_there() {
    let (server, mut client) = without_log(1);
    let before = manifest(&server);
    obstruct(&server);
    // A rewrite comes before the server itself looks what is to be done.
    for order in ["MULTI", "CONFIG SET appendonly yes", "EXEC", "BGREWRITEAOF"] {
        client.send(order);
    }
    for reply in ["+OK", "+QUEUED", "*1 +OK"] {
        assert_eq!(client.reply(), reply);
    }
    assert!(client.reply().starts_with("+Background append only file"));
    await_that("the base fails", || {
        client.info("aof_rewrites_consecutive_failures") > 0
    });
    clear(&server);
    assert_eq!(client.call("WAITAOF 1 0 0"), "*2 :1 :0");
    assert_ne!(manifest(&server), before);
}

#[test]
fn several_elements_are_moved_in_words_that_every_redis_knows() {
    let mut server = Server::start(&["--threads", "2"]);
    let mut client = server.connect();
    let many: Vec<String> = (0..3000).map(|number| number.to_string()).collect();
    client.call(&format!("RPUSH a {}", many.join(" ")));
    client.call("EXPIRE a 1000");
    client.call("LMOVEM a b LEFT LEFT COUNT 2500 OBO");
    client.call("LMOVEM a a RIGHT RIGHT COUNT 500 OBO");
    client.call("LMOVEM a b RIGHT LEFT EXACTLY 2 BULK");
    let state =
        |client: &mut Client| ["LRANGE a 0 -1", "LRANGE b 0 -1"].map(|read| client.call(read));
    let before = state(&mut client);
    server.terminate();
    assert!(!content(&increment(&server, 1)).contains("LMOVEM"));
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(state(&mut client), before);
    assert_ne!(client.call("TTL a"), ":-1");
}

#[test]
fn a_group_has_read_in_the_log_what_it_has_read() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.call("XADD s 1-0 f v");
    assert_eq!(client.call("XGROUP CREATE s g 0 ENTRIESREAD 4"), "+OK");
    assert_eq!(client.call("XGROUP CREATE s h 0 MKSTREAM"), "+OK");
    assert_eq!(client.call("XGROUP SETID s h 0 ENTRIESREAD 5"), "+OK");
    assert_eq!(client.call("XGROUP SETID s g 0 entriesread -1"), "+OK");
    assert_eq!(client.call("WAITAOF 1 0 0"), "*2 :1 :0");
    let log = content(&increment(&server, 1));
    assert_eq!(
        log.matches("ENTRIESREAD\r\n$1\r\n1\r\n").count(),
        2,
        "{log}"
    );
    assert!(log.contains("entriesread\r\n$2\r\n-1\r\n"), "{log}");
}

#[test]
fn nothing_is_taken_or_saved_in_the_midst_of_a_replay() {
    let mut server = Server::start(&["--threads", "2", "--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.call("DEBUG POPULATE 20000");
    let deadline = Instant::now() + Duration::from_secs(2);
    let counts: Vec<_> = std::thread::scope(|scope| {
        let connect = |_| server.connect();
        let counting = (0..3).map(connect).enumerate().map(|(number, mut client)| {
            scope.spawn(move || {
                let mut count = 0;
                while Instant::now() < deadline {
                    let reply = client.call(&format!("INCR c{number}"));
                    if !reply.starts_with("-LOADING") {
                        count += 1;
                        assert_eq!(reply, format!(":{count}"));
                    }
                }
                count
            })
        });
        let counting: Vec<_> = counting.collect();
        let mut rewriting = server.connect();
        scope.spawn(move || {
            while Instant::now() < deadline {
                rewriting.call("BGREWRITEAOF");
            }
        });
        while Instant::now() < deadline {
            client.call("DEBUG LOADAOF");
        }
        counting
            .into_iter()
            .map(|count| count.join().expect("it counts"))
            .collect()
    });
    client.await_info("aof_rewrite_in_progress", 0);
    assert_eq!(client.call("DBSIZE"), ":20003");
    server.terminate();
    server.start_again(&[]);
    let mut client = server.connect();
    for (number, count) in counts.into_iter().enumerate() {
        assert_eq!(
            client.call(&format!("INCR c{number}")),
            format!(":{}", count + 1)
        );
    }
}
