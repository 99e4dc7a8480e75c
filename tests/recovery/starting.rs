//! A server that starts on data: what clients see meanwhile, and how it ends when it cannot.

use crate::common::{Client, Server, free_port};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A data directory, removed at the end.
struct Data(PathBuf);

impl Data {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("millstream-{name}-{}", std::process::id()));
        std::fs::create_dir_all(path.join("appendonlydir")).expect("it is writable");
        Data(path)
    }

    /// One with a log of this content.
    fn with_log(name: &str, log: &[u8]) -> Self {
        let data = Data::new(name);
        let manifest = "file appendonly.aof.1.incr.aof seq 1 type i\n";
        std::fs::write(data.log("manifest"), manifest).expect("it is writable");
        std::fs::write(data.log("1.incr.aof"), log).expect("it is writable");
        data
    }

    fn log(&self, end: &str) -> PathBuf {
        self.0
            .join("appendonlydir")
            .join(format!("appendonly.aof.{end}"))
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn set(number: usize) -> Vec<u8> {
    format!("*3\r\n$3\r\nSET\r\n$8\r\n{number:08}\r\n$1\r\nv\r\n").into_bytes()
}

/// Elements of a list that is searched from end to end again and again.
const ELEMENTS: usize = 50_000;
const SEARCHES: usize = 7_000;

/// A log that takes a while, so that those who ask meanwhile are not left to wait for its end.
fn long_log() -> Vec<u8> {
    let elements = "$7\r\nelement\r\n".repeat(ELEMENTS);
    let push = format!(
        "*{}\r\n$5\r\nRPUSH\r\n$4\r\nlist\r\n{elements}",
        ELEMENTS + 2
    );
    let search =
        "*5\r\n$7\r\nLINSERT\r\n$4\r\nlist\r\n$6\r\nBEFORE\r\n$7\r\nnothing\r\n$1\r\nx\r\n";
    (push + &search.repeat(SEARCHES)).into_bytes()
}

fn millstream(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.args(arguments);
    command
}

fn run(dir: &Path, arguments: &[&str]) -> Output {
    let port = free_port().to_string();
    let dir = dir.display().to_string();
    let mut command = millstream(&["--port", &port, "--dir", &dir]);
    command.args(arguments).output().expect("it runs")
}

fn check(dir: &Path) -> (Option<i32>, String) {
    let output = millstream(&["--check"]).arg(dir).output().expect("it runs");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

fn connect(port: u16) -> Client {
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens");
        std::thread::sleep(Duration::from_millis(1));
    }
    Client::connect(port)
}

#[test]
fn clients_hear_that_the_data_is_being_loaded() {
    const LOADING: &str = "-LOADING Redis is loading the dataset in memory";
    let data = Data::with_log("loading", &long_log());
    let port = free_port();
    let dir = data.0.display().to_string();
    let mut server = millstream(&["--port", &port.to_string(), "--dir", &dir, "--save", ""])
        .spawn()
        .expect("it starts");
    let mut client = connect(port);
    for command in [
        "PING",
        "GET 00000000",
        "DBSIZE",
        "SAVE",
        "FLUSHALL",
        "WAIT 0 0",
    ] {
        assert_eq!(client.call(command), LOADING, "{command}");
    }
    for (command, reply) in [
        ("ECHO x", "$1 x"),
        ("SELECT 1", "+OK"),
        ("WATCH a", "+OK"),
        ("MULTI", "+OK"),
        ("SELECT 0", "+QUEUED"),
        ("GET a", LOADING),
        (
            "EXEC",
            "-EXECABORT Transaction discarded because of previous errors.",
        ),
        ("SELECT 0", "+OK"),
    ] {
        assert_eq!(client.call(command), reply, "{command}");
    }
    assert_eq!(client.info("loading"), 1);
    let total = std::fs::metadata(data.log("1.incr.aof"))
        .expect("it is there")
        .len();
    assert_eq!(client.info("loading_total_bytes"), total as i64);
    let deadline = Instant::now() + Duration::from_secs(120);
    while client.call("PING") == LOADING {
        assert!(Instant::now() < deadline, "it takes too long");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(client.call("LLEN list"), format!(":{ELEMENTS}"));
    assert_eq!(client.info("loading"), 0);
    client.send("SHUTDOWN NOSAVE");
    assert!(server.wait().expect("it ends").success());
}

#[test]
fn a_load_can_be_stopped() {
    let log = long_log();
    let data = Data::with_log("stopped", &log);
    let port = free_port();
    let dir = data.0.display().to_string();
    let mut server = millstream(&["--port", &port.to_string(), "--dir", &dir])
        .spawn()
        .expect("it starts");
    let mut client = connect(port);
    assert!(client.call("PING").starts_with("-LOADING"));
    let pid = server.id().to_string();
    Command::new("kill").arg(pid).status().expect("kill runs");
    assert_eq!(server.wait().expect("it ends").code(), Some(0));
    assert!(std::fs::read(data.log("1.incr.aof")).expect("it is there") == log);
    assert!(!data.0.join("dump.rdb").exists());
}

#[test]
fn damage_stops_the_start() {
    let log = [set(1), b"garbage".to_vec(), set(2)].concat();
    let data = Data::with_log("damaged", &log);
    let output = run(&data.0, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let offset = set(1).len();
    for part in [
        "1.incr.aof",
        &format!("offset {offset}"),
        "the log is corrupt",
        "truncate -s",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(std::fs::read(data.log("1.incr.aof")).expect("it is there") == log);
    let (code, said) = check(&data.0);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the log is corrupt"), "{said}");
}

#[test]
fn a_torn_tail_is_reported_and_cut() {
    let log = [&set(1)[..], &set(2), b"*3\r\n$3\r\nSE"].concat();
    let data = Data::with_log("torn", &log);
    let (code, said) = check(&data.0);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the last 10 bytes"), "{said}");
    let output = run(&data.0, &["--aof-load-truncated", "no"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(std::fs::read(data.log("1.incr.aof")).expect("it is there") == log);
    let dir = data.0.display().to_string();
    let mut server = Server::start(&["--dir", &dir]);
    assert_eq!(server.connect().call("DBSIZE"), ":2");
    server.terminate();
    let (code, said) = check(&data.0);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("string: 2"), "{said}");
}

/// Two servers would cut and overwrite each other's log. Whoever only looks is let in.
#[test]
fn a_directory_has_one_server() {
    let data = Data::with_log("locked", &set(1));
    let dir = data.0.display().to_string();
    let mut server = Server::start(&["--dir", &dir]);
    let output = run(&data.0, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains(&format!(
            "cannot use the directory {dir}: another server is using it"
        )),
        "{said}"
    );
    let (code, said) = check(&data.0);
    assert_eq!(code, Some(0), "{said}");
    server.kill();
    let again = Server::start(&["--dir", &dir]);
    assert_eq!(again.connect().call("DBSIZE"), ":1");
}

#[test]
fn unknown_types_are_left_out_when_asked() {
    let data = Data::new("unknown");
    let body = b"REDIS0010\x21\x01h\x05\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0";
    std::fs::write(data.0.join("dump.rdb"), body).expect("it is writable");
    let output = run(&data.0, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("\"h\"") && said.contains("--skip-unknown-types"),
        "{said}"
    );
    let dir = data.0.display().to_string();
    let mut server = Server::start(&["--dir", &dir, "--skip-unknown-types"]);
    let mut client = server.connect();
    assert_eq!(client.call("KEYS *"), "*1 $1 k");
    client.await_info("aof_rewrites", 1);
    client.await_info("aof_rewrite_in_progress", 0);
    server.terminate();
    // The base has been rewritten without it, and the snapshot at the end.
    let (code, said) = check(&data.0);
    assert_eq!(code, Some(0), "{said}");
    let kept = data.0.join("before-skip-1/dump.rdb");
    assert!(std::fs::read(kept).expect("it is kept") == body);
}

#[test]
fn a_snapshot_is_kept_before_one_without_the_unknown_types_takes_its_place() {
    let data = Data::new("unknown-snapshot");
    let body = |key| format!("REDIS0010\x21\x01{key}\x05").into_bytes();
    let body = |key| [&body(key)[..], b"\xff\0\0\0\0\0\0\0\0"].concat();
    let dir = data.0.display().to_string();
    let kept = |number| std::fs::read(data.0.join(format!("before-skip-{number}/dump.rdb")));
    for (number, key) in [(1, "h"), (1, "h"), (2, "i")] {
        std::fs::write(data.0.join("dump.rdb"), body(key)).expect("it is writable");
        let arguments = [
            "--dir",
            &dir,
            "--appendonly",
            "no",
            "--skip-unknown-types",
            "yes",
        ];
        let mut server = Server::start(&arguments);
        assert_eq!(server.connect().call("SET k v"), "+OK");
        assert_eq!(server.connect().call("SAVE"), "+OK");
        server.terminate();
        assert!(std::fs::read(data.0.join("dump.rdb")).expect("it is there") != body(key));
        assert!(kept(number).expect("it is kept") == body(key));
    }
    assert!(kept(3).is_err(), "the same is not kept twice");
}

/// The last increment is written on, and its torn end cut: what is kept does not change with it.
#[test]
fn a_log_is_kept_as_it_was() {
    let hash = b"*4\r\n$6\r\nTS.ADD\r\n$1\r\nh\r\n$1\r\nf\r\n$1\r\nv\r\n";
    let log = [&set(1)[..], hash, &set(2), b"*3\r\n$3\r\nSE"].concat();
    let data = Data::with_log("unknown-log", &log);
    let manifest = std::fs::read(data.log("manifest")).expect("it is there");
    let dir = data.0.display().to_string();
    let mut server = Server::start(&["--dir", &dir, "--skip-unknown-types"]);
    let mut client = server.connect();
    assert_eq!(client.call("SET k v"), "+OK");
    client.await_info("aof_rewrites", 1);
    client.await_info("aof_rewrite_in_progress", 0);
    server.terminate();
    let kept = |end: &str| {
        let folder = data.0.join("before-skip-1/appendonlydir");
        std::fs::read(folder.join(format!("appendonly.aof.{end}"))).expect("it is kept")
    };
    assert!(kept("1.incr.aof") == log);
    assert!(kept("manifest") == manifest);
    let (code, said) = check(&data.0);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("string: 3"), "{said}");
}

#[test]
fn commands_of_unknown_types_are_passed_over_when_asked() {
    let data = Data::new("unknown-commands");
    // What the snapshot before the commands held is left out as well, under whatever name.
    let base =
        b"REDIS0010\x21\x01b\x05\xff\0\0\0\0\0\0\0\0*3\r\n$6\r\nRENAME\r\n$1\r\nb\r\n$2\r\nb2\r\n";
    let log = b"*4\r\n$6\r\nTS.ADD\r\n$1\r\nh\r\n$1\r\nf\r\n$1\r\nv\r\n*3\r\n$6\r\nRENAME\r\n$1\r\nh\r\n$1\r\ni\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    let path = data.0.join("appendonly.aof");
    std::fs::write(&path, log).expect("it is writable");
    let output = run(&data.0, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    std::fs::write(&path, [&base[..], log].concat()).expect("it is writable");
    assert!(
        said.contains("'TS.ADD'") && said.contains("--skip-unknown-types"),
        "{said}"
    );
    let dir = data.0.display().to_string();
    let server = Server::start(&["--dir", &dir, "--skip-unknown-types"]);
    let mut client = server.connect();
    assert_eq!(client.call("KEYS *"), "*1 $1 k");
    client.await_info("aof_rewrites", 1);
    client.await_info("aof_rewrite_in_progress", 0);
}

/// A library that another server ran is data: it is not left out without a word, nor lost by the next save.
#[test]
fn a_library_that_cannot_be_run_stops_the_start() {
    let code = "#!lua name=l\nserver.register_function('f', function() return 1 end)";
    let length = [0x40, code.len() as u8];
    let body = [
        b"REDIS0010\xf5",
        &length[..],
        code.as_bytes(),
        b"\xff\0\0\0\0\0\0\0\0",
    ]
    .concat();
    let log = format!(
        "*3\r\n$8\r\nFUNCTION\r\n$4\r\nLOAD\r\n${}\r\n{code}\r\n",
        code.len()
    );
    let data = [
        Data::new("library"),
        Data::with_log("logged-library", log.as_bytes()),
    ];
    std::fs::write(data[0].0.join("dump.rdb"), &body).expect("it is writable");
    for data in &data {
        let output = run(&data.0, &[]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("nonexistent global variable 'server'"),
            "{said}"
        );
        let dir = data.0.display().to_string();
        let mut server = Server::start(&["--dir", &dir, "--skip-unknown-types"]);
        assert_eq!(server.connect().call("FUNCTION LIST"), "*0");
        server.terminate();
        assert!(data.0.join("before-skip-1").is_dir());
    }
}

#[test]
fn a_log_without_its_manifest_is_not_sound() {
    let data = Data::with_log("no-manifest", &set(1));
    assert_eq!(check(&data.0).0, Some(0));
    std::fs::remove_file(data.log("manifest")).expect("it is there");
    let (code, said) = check(&data.0);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("manifest is missing"), "{said}");
}

#[test]
fn a_reload_forgets_libraries_and_is_no_part_of_a_transaction() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    assert_eq!(client.call("SET a 1"), "+OK");
    let code = "#!lua name=l\nredis.register_function('f', function() return 1 end)";
    assert_eq!(
        client.call_args(&[b"FUNCTION", b"LOAD", code.as_bytes()]),
        "$1 l"
    );
    assert_eq!(client.call("SET b 1"), "+OK");
    assert_eq!(client.call("DEBUG LOADAOF"), "+OK");
    assert_eq!(client.call("DBSIZE"), ":2");
    assert_eq!(client.call("FCALL f 0"), ":1");
    for command in ["DEBUG RELOAD", "DEBUG LOADAOF"] {
        client.call("MULTI");
        client.call("SET c 1");
        client.call(command);
        let replies = client.call("EXEC");
        assert!(
            replies.starts_with("*2 +OK -ERR DEBUG RELOAD and"),
            "{replies}"
        );
    }
}

/// Whoever ordered it hears so, however soon after the order it is called off.
#[test]
fn a_shutdown_that_is_called_off_is_answered() {
    let server = Server::start(&["--threads", "2"]);
    let (mut orders, mut calls_off) = (server.connect(), server.connect());
    // A save of these takes longer than it takes to call it off.
    let fill = "for i = 1, 200000 do redis.call('SET', i, i) end";
    orders.call_args(&[b"EVAL", fill.as_bytes(), b"0"]);
    for _ in 0..30 {
        orders.send("SHUTDOWN SAVE");
        while calls_off.call("SHUTDOWN ABORT") != "+OK" {}
        let reply = orders.reply();
        assert!(
            reply.starts_with("-ERR Errors trying to SHUTDOWN"),
            "{reply}"
        );
    }
}

#[test]
fn data_comes_back_after_a_kill_and_a_reload() {
    let data = Data::new("back");
    let dir = data.0.display().to_string();
    let arguments = [
        "--dir",
        &dir,
        "--enable-debug-command",
        "yes",
        "--appendfsync",
        "always",
    ];
    let server = Server::start(&arguments);
    let mut client = server.connect();
    for command in [
        "SET text 1 PX 1000000",
        "RPUSH list a b c",
        "XADD stream 1-1 f v",
        "XGROUP CREATE stream g 0",
        "XREADGROUP GROUP g c STREAMS stream >",
        "SELECT 3",
        "SET other 2",
    ] {
        client.call(command);
    }
    let digest = client.call("DEBUG DIGEST");
    for reload in [
        "DEBUG RELOAD",
        "DEBUG LOADAOF",
        "DEBUG RELOAD NOSAVE",
        "DEBUG RELOAD NOFLUSH MERGE",
    ] {
        assert_eq!(client.call(reload), "+OK", "{reload}");
        assert_eq!(client.call("DEBUG DIGEST"), digest, "{reload}");
        client.await_info("aof_rewrite_in_progress", 0);
    }
    drop(server);
    let server = Server::start(&arguments);
    assert_eq!(server.connect().call("DEBUG DIGEST"), digest);
}

#[test]
fn what_cannot_be_merged_is_left_out_as_a_whole() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.call("MSET a 1 b 2 c 3 d 4 e 5 f 6");
    assert_eq!(client.call("SAVE"), "+OK");
    assert_eq!(client.call("FLUSHALL"), "+OK");
    assert_eq!(client.call("SET d x"), "+OK");
    assert!(client.call("DEBUG RELOAD NOSAVE NOFLUSH").starts_with('-'));
    assert_eq!(client.call("DBSIZE"), ":1");
    assert_eq!(client.call("GET d"), "$1 x");
    assert_eq!(client.call("DEBUG RELOAD NOSAVE NOFLUSH MERGE"), "+OK");
    assert_eq!(client.call("MGET a d f"), "*3 $1 1 $1 4 $1 6");
}

#[test]
fn who_stops_right_after_a_reload_has_what_was_loaded() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.call("DEBUG POPULATE 200000");
    assert_eq!(client.call("SAVE"), "+OK");
    assert_eq!(client.call("FLUSHALL"), "+OK");
    assert_eq!(client.call("DEBUG RELOAD NOSAVE"), "+OK");
    assert_eq!(server.terminate(), Some(0));
    server.start_again(&["--appendonly", "yes"]);
    assert_eq!(server.connect().call("DBSIZE"), ":200000");
}

#[test]
fn a_directory_that_is_not_there_is_not_sound() {
    let (code, said) = check(Path::new("no-such-directory"));
    assert_eq!(
        (code, said.as_str()),
        (Some(1), "no directory no-such-directory\n")
    );
}
