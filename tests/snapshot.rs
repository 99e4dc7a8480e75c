//! Snapshots: taken while clients write, they show one moment; what is refused, what is scheduled, what SHUTDOWN saves.

mod common;

use common::{Client, Server};
use millstream::data::{StrValue, Value};
use millstream::storage::rdb::{Item, Limits, Splitter};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Keys of a database with their values.
type Keys = BTreeMap<String, Value>;

/// What a snapshot holds, by database.
fn read(path: &Path) -> BTreeMap<u64, Keys> {
    let file = File::open(path).expect("the snapshot is there");
    let mut splitter = Splitter::new(file).expect("it begins as it should");
    let mut dbs: BTreeMap<u64, Keys> = BTreeMap::new();
    while let Some(item) = splitter.next().expect("it is sound") {
        if let Item::Record(record) = item {
            let value = record.decode(&Limits::default()).expect("it is sound");
            let key = String::from_utf8_lossy(&record.key).into_owned();
            let value = value.expect("no key holds an empty value");
            let before = dbs.entry(record.db).or_default().insert(key, value);
            assert!(before.is_none(), "{:?} stands there twice", record.key);
        }
    }
    dbs
}

/// A size or a number: the value of a counter, how much anything else holds.
fn measure(value: &Value) -> i64 {
    match value {
        Value::Str(text) => text.as_i64().unwrap_or(-1),
        Value::List(list) => list.len() as i64,
        Value::Set(set) => set.len() as i64,
        Value::Hash(hash) => hash.len() as i64,
        Value::Stream(stream) => stream.log.len() as i64,
        _ => panic!("a value that no test here writes"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => {
            let mut digits = itoa::Buffer::new();
            String::from_utf8_lossy(StrValue::as_bytes(text, &mut digits)).into_owned()
        }
        _ => panic!("a string was expected"),
    }
}

/// Runs commands as one transaction.
fn transact(client: &mut Client, commands: impl IntoIterator<Item = String>) {
    client.send("MULTI");
    let mut count = 1;
    for command in commands {
        client.send(&command);
        count += 1;
    }
    client.send("EXEC");
    for _ in 0..count {
        client.reply();
    }
    let replies = client.reply();
    assert!(!replies.contains("-ERR"), "{replies}");
}

/// What a client does again and again; the number is that of the round.
type Write = dyn Fn(&mut Client, u64) + Sync;

/// Saves again and again while `write` runs, until it has been seen `rounds` times.
fn save_during(
    server: &Server,
    rounds: usize,
    writers: &[&Write],
    check: impl Fn(&BTreeMap<u64, Keys>),
) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for write in writers {
            let (stop, mut client) = (&stop, server.connect());
            scope.spawn(move || {
                let mut turn = 0;
                while !stop.load(Relaxed) {
                    write(&mut client, turn);
                    turn += 1;
                }
            });
        }
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut client = server.connect();
            for round in 0..rounds {
                std::thread::sleep(Duration::from_millis(20));
                if round % 2 == 0 {
                    assert_eq!(client.call("SAVE"), "+OK");
                } else {
                    assert_eq!(client.call("BGSAVE"), "+Background saving started");
                    client.await_info("rdb_bgsave_in_progress", 0);
                }
                check(&read(&server.dir.join("dump.rdb")));
            }
        }));
        stop.store(true, Relaxed);
        checked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

fn start(arguments: &[&str]) -> Server {
    let always = [
        "--save",
        "",
        "--appendonly",
        "no",
        "--enable-debug-command",
        "yes",
    ];
    Server::start(&[&always, arguments].concat())
}

#[test]
fn a_snapshot_shows_one_moment_across_all_keys() {
    const COUNTERS: usize = 40;
    let server = start(&[]);
    let mut client = server.connect();
    client.call("DEBUG POPULATE 100000 filler 40");
    let grow = |client: &mut Client, turn: u64| {
        let counters = (0..COUNTERS).map(|counter| format!("INCR counter:{counter}"));
        let more = ["RPUSH list x".into(), format!("XADD stream * turn {turn}")];
        transact(client, counters.chain(more));
    };
    let change = |client: &mut Client, turn: u64| {
        client.call(&format!("APPEND filler:{} more", turn * 7919 % 100_000));
        client.call(&format!("DEL filler:{}", turn * 104_729 % 100_000));
    };
    let mut first = server.connect();
    grow(&mut first, 0);
    save_during(&server, 8, &[&grow, &grow, &change], |dbs| {
        let keys = &dbs[&0];
        let list = measure(&keys["list"]);
        assert!(list > 0);
        assert_eq!(measure(&keys["stream"]), list);
        for counter in 0..COUNTERS {
            assert_eq!(measure(&keys[&format!("counter:{counter}")]), list);
        }
    });
}

#[test]
fn databases_and_names_may_change_while_a_snapshot_is_taken() {
    const KEYS: usize = 60;
    let server = start(&[]);
    let mut client = server.connect();
    client.call("DEBUG POPULATE 50000 filler 40");
    for (db, mark) in [(1, "a"), (2, "b")] {
        client.call(&format!("SELECT {db}"));
        for key in 0..KEYS {
            client.call(&format!("SET {mark}:{key} {mark}"));
        }
    }
    client.call("SELECT 0");
    client.call("SET here:0 wanderer");
    let swap = |client: &mut Client, _: u64| drop(client.call("SWAPDB 1 2"));
    let refill = |client: &mut Client, turn: u64| {
        if turn == 0 {
            client.call("SELECT 3");
        }
        match turn % 3 {
            0 => transact(
                client,
                (0..KEYS).map(|key| format!("SET refilled:{key} {turn}")),
            ),
            1 => drop(client.call("FLUSHDB")),
            _ => transact(
                client,
                (0..KEYS).map(|key| format!("SET refilled:{key} {turn} PX 1")),
            ),
        }
    };
    let rename = |client: &mut Client, turn: u64| {
        assert_eq!(
            client.call(&format!("RENAME here:{turn} here:{}", turn + 1)),
            "+OK"
        );
    };
    save_during(&server, 8, &[&swap, &refill, &rename], |dbs| {
        let (first, second) = (&dbs[&1], &dbs[&2]);
        let mark = first.keys().next().expect("it is full")[..1].to_owned();
        let other = if mark == "a" { "b" } else { "a" };
        for (keys, mark) in [(first, &*mark), (second, other)] {
            assert_eq!(keys.len(), KEYS);
            assert!(
                keys.iter()
                    .all(|(key, value)| key.starts_with(mark) && text(value) == mark)
            );
        }
        if let Some(refilled) = dbs.get(&3) {
            let turns: Vec<String> = refilled.values().map(text).collect();
            assert!(turns.iter().all(|turn| *turn == turns[0]), "{turns:?}");
        }
        let wanderers = dbs[&0].iter().filter(|(key, _)| key.starts_with("here:"));
        assert_eq!(
            wanderers.map(|(_, value)| text(value)).collect::<Vec<_>>(),
            ["wanderer"]
        );
    });
}

#[test]
fn flushed_data_is_in_the_snapshot_that_had_begun() {
    let server = start(&["--rdbcompression", "no"]);
    let mut client = server.connect();
    client.call("DEBUG POPULATE 200000 key 100");
    client.send("BGSAVE");
    client.send("FLUSHALL");
    client.send("SET after 1");
    assert_eq!(client.reply(), "+Background saving started");
    assert_eq!(client.reply(), "+OK");
    client.reply();
    client.await_info("rdb_bgsave_in_progress", 0);
    let dbs = read(&server.dir.join("dump.rdb"));
    assert_eq!(dbs[&0].len(), 200_000);
    assert!(!dbs[&0].contains_key("after"));
}

#[test]
fn a_save_that_fails_is_told_and_leaves_the_file_before() {
    let server = start(&[]);
    let mut client = server.connect();
    client.call("SET kept 1");
    assert_eq!(client.call("SAVE"), "+OK");
    // Nothing can be put in the place of a directory that is not empty.
    let place = server.dir.join("dump.rdb");
    let aside = server.dir.join("aside.rdb");
    std::fs::rename(&place, &aside).expect("it can be renamed");
    std::fs::create_dir_all(place.join("occupied")).expect("it can be made");
    assert_eq!(
        client.call_args(&[b"CONFIG", b"SET", b"save", b"3600 1000"]),
        "+OK"
    );
    assert_eq!(client.call("SAVE"), "-ERR");
    assert!(
        client
            .call("INFO persistence")
            .contains("rdb_last_bgsave_status:err")
    );
    let refusal = client.call("SET other 1");
    assert!(refusal.starts_with("-MISCONF "), "{refusal}");
    assert!(client.call("PING").starts_with("-MISCONF "));
    assert_eq!(client.call("GET kept"), "$1 1");
    client.call("CONFIG SET stop-writes-on-bgsave-error no");
    assert_eq!(client.call("SET other 1"), "+OK");
    client.call("CONFIG SET stop-writes-on-bgsave-error yes");
    std::fs::remove_dir_all(&place).expect("it can be removed");
    assert_eq!(client.call("SAVE"), "+OK");
    assert_eq!(client.call("SET other 2"), "+OK");
    let leftovers = std::fs::read_dir(&server.dir).expect("it is there");
    let temporary = |name: &str| name.contains("temp-");
    assert!(
        !leftovers
            .flatten()
            .any(|entry| temporary(&entry.file_name().to_string_lossy()))
    );
}

#[test]
fn what_is_due_is_saved_by_itself() {
    let server = start(&[]);
    let mut client = server.connect();
    client.call_args(&[b"CONFIG", b"SET", b"save", b"1 5"]);
    for key in 0..5 {
        client.call(&format!("SET key:{key} 1"));
    }
    assert_eq!(client.info("rdb_changes_since_last_save"), 5);
    client.await_info("rdb_saves", 1);
    client.await_info("rdb_bgsave_in_progress", 0);
    assert_eq!(client.info("rdb_changes_since_last_save"), 0);
    assert_eq!(read(&server.dir.join("dump.rdb"))[&0].len(), 5);
}

#[test]
fn the_server_saves_before_it_stops_if_it_saves_at_all() {
    for (order, points, saves) in [
        (Some("SHUTDOWN"), "", false),
        (Some("SHUTDOWN SAVE"), "", true),
        (Some("SHUTDOWN"), "3600 1", true),
        (Some("SHUTDOWN NOSAVE"), "3600 1", false),
        (None, "", false),
        (None, "3600 1", true),
    ] {
        let mut server = start(&[]);
        let mut client = server.connect();
        client.call_args(&[b"CONFIG", b"SET", b"save", points.as_bytes()]);
        client.call("SET kept 1");
        match order {
            Some(order) => {
                client.send(order);
                assert!(client.is_closed());
                assert_eq!(server.await_exit(), Some(0));
            }
            None => assert_eq!(server.terminate(), Some(0)),
        }
        let file = server.dir.join("dump.rdb");
        assert_eq!(file.exists(), saves, "{order:?} {points:?}");
        if saves {
            assert_eq!(read(&file)[&0].len(), 1);
        }
    }
}

#[test]
fn a_server_that_cannot_save_stays() {
    let server = start(&[]);
    std::fs::create_dir_all(server.dir.join("dump.rdb/occupied")).expect("it can be made");
    let mut client = server.connect();
    assert_eq!(
        client.call("SHUTDOWN SAVE"),
        "-ERR Errors trying to SHUTDOWN. Check logs."
    );
    assert_eq!(client.call("SET key 1"), "+OK");
    client.send("SHUTDOWN SAVE FORCE");
    assert!(client.is_closed());
}

/// The whole state as one number, and the names of the log's files that its manifest counts.
fn digest_and_files(client: &mut Client, server: &Server) -> (String, Vec<String>) {
    let manifest = server.dir.join("appendonlydir/appendonly.aof.manifest");
    let text = std::fs::read_to_string(manifest).expect("the log has a manifest");
    let names = text.lines().filter_map(|line| line.split(' ').nth(1));
    (
        client.call("DEBUG DIGEST"),
        names.map(String::from).collect(),
    )
}

#[test]
fn a_rewritten_log_gives_back_what_was_there() {
    const LOGGED: [&str; 4] = ["--save", "", "--enable-debug-command", "yes"];
    let mut server = Server::start(&LOGGED);
    let mut client = server.connect();
    client.call("DEBUG POPULATE 20000 filler 40");
    client.call("XGROUP CREATE stream group 0 MKSTREAM");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for mark in 0..2 {
            let (stop, mut client) = (&stop, server.connect());
            scope.spawn(move || {
                let mut turn = 0u64;
                while !stop.load(Relaxed) {
                    turn += 1;
                    let commands = [
                        format!("XADD stream MAXLEN 500 * turn {turn}"),
                        format!(
                            "XREADGROUP GROUP group c{} COUNT 2 STREAMS stream >",
                            turn % 3
                        ),
                        format!("RPUSH list:{mark} {turn}"),
                        format!("SET filler:{} {turn} PX 10000000", turn * 7919 % 20_000),
                        format!("DEL filler:{}", turn * 104_729 % 20_000),
                        format!("INCR counter:{mark}"),
                    ];
                    match turn % 2 {
                        0 => transact(&mut client, commands),
                        _ => commands
                            .iter()
                            .for_each(|command| drop(client.call(command))),
                    }
                }
            });
        }
        for round in 0..6 {
            let preamble = if round % 2 == 0 { "yes" } else { "no" };
            client.call(&format!("CONFIG SET aof-use-rdb-preamble {preamble}"));
            assert_eq!(
                client.call("BGREWRITEAOF"),
                "+Background append only file rewriting started"
            );
            client.await_info("aof_rewrite_in_progress", 0);
            assert!(
                client
                    .call("INFO persistence")
                    .contains("aof_last_bgrewrite_status:ok")
            );
        }
        assert_eq!(client.call("CONFIG SET appendonly no"), "+OK");
        assert_eq!(client.call("CONFIG SET appendonly yes"), "+OK");
        client.await_info("aof_rewrite_in_progress", 0);
        client.await_info("aof_rewrite_scheduled", 0);
        stop.store(true, Relaxed);
    });
    let (digest, files) = digest_and_files(&mut client, &server);
    assert!(files[0].starts_with("appendonly.aof.8.base."), "{files:?}");
    assert_eq!(server.terminate(), Some(0));
    let dir = server.dir.to_string_lossy().into_owned();
    let again = Server::start(&[&LOGGED[..], &["--dir", &dir]].concat());
    let mut client = again.connect();
    client.await_info("loading", 0);
    assert_eq!(client.call("DEBUG DIGEST"), digest);
}

#[test]
fn a_rewrite_waits_for_a_save_and_a_save_for_a_rewrite() {
    let server = Server::start(&["--save", "", "--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.call("DEBUG POPULATE 300000 key 100");
    for command in ["BGSAVE", "BGSAVE", "BGREWRITEAOF", "SAVE"] {
        client.send(command);
    }
    assert_eq!(client.reply(), "+Background saving started");
    assert_eq!(client.reply(), "-ERR Background save already in progress");
    assert_eq!(
        client.reply(),
        "+Background append only file rewriting scheduled"
    );
    assert_eq!(client.reply(), "-ERR Background save already in progress");
    client.await_info("rdb_bgsave_in_progress", 0);
    client.await_info("aof_rewrites", 1);
    client.await_info("aof_rewrite_in_progress", 0);
    for command in [
        "BGREWRITEAOF",
        "BGREWRITEAOF",
        "BGSAVE",
        "BGSAVE SCHEDULE",
        "SAVE",
    ] {
        client.send(command);
    }
    assert_eq!(
        client.reply(),
        "+Background append only file rewriting started"
    );
    assert_eq!(
        client.reply(),
        "-ERR Background append only file rewriting already in progress"
    );
    let other = "-ERR Another child process is active (AOF?)";
    assert!(client.reply().starts_with(other));
    assert_eq!(client.reply(), "+Background saving scheduled");
    assert_eq!(client.reply(), "+OK");
    assert_eq!(client.info("aof_rewrite_in_progress"), 0);
    assert_eq!(client.info("rdb_bgsave_in_progress"), 0);
    assert_eq!(client.call("BGSAVE NOW"), "-ERR syntax error");
}

#[test]
fn a_transaction_may_turn_the_log_on() {
    const OFF: [&str; 4] = ["--save", "", "--enable-debug-command", "yes"];
    let mut server = Server::start(&[&OFF[..], &["--appendonly", "no"]].concat());
    let mut client = server.connect();
    client.call("SET before 1");
    let order = |value: &str| {
        let set = format!("CONFIG SET appendonly {value}");
        [set, "INCR counter".into(), "BGREWRITEAOF".into()]
    };
    transact(&mut client, order("yes"));
    client.await_info("aof_rewrites", 1);
    client.await_info("aof_rewrite_in_progress", 0);
    transact(&mut client, order("no"));
    transact(&mut client, order("yes"));
    client.call("SET after 1");
    client.await_info("aof_rewrite_scheduled", 0);
    client.await_info("aof_rewrite_in_progress", 0);
    let digest = client.call("DEBUG DIGEST");
    assert_eq!(server.terminate(), Some(0));
    let dir = server.dir.to_string_lossy().into_owned();
    let again = Server::start(&[&OFF[..], &["--dir", &dir]].concat());
    assert_eq!(again.connect().call("DEBUG DIGEST"), digest);
}
