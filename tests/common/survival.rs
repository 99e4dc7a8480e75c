//! What a scenario leaves behind must survive: restarted from its log, from its rewritten log and from a snapshot, a server has the same
//! state, told by DEBUG DIGEST.
//!
//! Runs when a test lets go of its server and `MILLSTREAM_SURVIVAL` is set. A test whose server cannot be asked at its end (it has
//! stopped, needs a password, keeps everybody waiting, persists nothing) is left alone.

use super::{Client, Server};
use std::time::{Duration, Instant};

/// True when the tests are asked to run so.
pub fn is_wanted() -> bool {
    std::env::var_os("MILLSTREAM_SURVIVAL").is_some()
}

/// What a server needs to be asked at its end.
pub const DIRECTIVES: [&str; 2] = ["--enable-debug-command", "yes"];

/// How long a server at the end of its test may take to answer.
const LAST_REPLY_TIMEOUT: Duration = Duration::from_secs(5);
const SAVE_TIMEOUT: Duration = Duration::from_secs(60);
/// Keys that die earlier than this could die between two looks; they are made to stay.
const SOON_MS: i64 = 120_000;
const LOG: [&str; 2] = ["--appendonly", "yes"];
const SNAPSHOT: [&str; 2] = ["--appendonly", "no"];

/// Panics unless the state survives.
pub fn check(server: &mut Server) {
    let Some(before) = last_digest(server) else {
        return;
    };
    expect_same(server, &before, "the log", &LOG);
    rewrite(server);
    expect_same(server, &before, "the rewritten log", &LOG);
    save(server);
    expect_same(server, &before, "a snapshot", &SNAPSHOT);
}

fn expect_same(server: &mut Server, before: &str, way: &str, directives: &[&str]) {
    assert_eq!(server.terminate(), Some(0), "the server stops in order");
    server.start_again(directives);
    let after = digest(&mut server.connect());
    if after.as_deref() != Some(before) {
        server.keep_directory();
        panic!(
            "the state is not the same after a restart from {way}; see {}",
            server.dir.display()
        );
    }
}

fn rewrite(server: &Server) {
    let mut client = server.connect();
    // The scenario may have left one under way.
    await_rewrites(&mut client);
    let ordered = client.call("BGREWRITEAOF");
    assert!(ordered.starts_with('+'), "{ordered}");
    await_rewrites(&mut client);
    let info = client.call("INFO persistence");
    assert!(info.contains("aof_last_bgrewrite_status:ok"), "{info}");
}

fn save(server: &Server) {
    let mut client = server.connect();
    // What was loaded may have been enough for a save point.
    await_end_of(&mut client, &["rdb_bgsave_in_progress"]);
    assert_eq!(client.call("SAVE"), "+OK");
}

fn await_rewrites(client: &mut Client) {
    await_end_of(
        client,
        &["aof_rewrite_in_progress", "aof_rewrite_scheduled"],
    );
}

/// Waits until these fields of INFO are all 0.
fn await_end_of(client: &mut Client, fields: &[&str]) {
    let deadline = Instant::now() + SAVE_TIMEOUT;
    while fields.iter().any(|field| client.info(field) > 0) {
        assert!(Instant::now() < deadline, "{fields:?} does not end");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The digest of a server whose test is over, None if it does not tell.
fn last_digest(server: &mut Server) -> Option<String> {
    if server.has_ended() {
        return None;
    }
    // One whose process is about to end may have stopped listening.
    let mut client = Client::try_connect(server.port)?;
    let persists = ask(&mut client, "CONFIG GET appendonly")?.ends_with("yes");
    // Nothing is evicted between two looks.
    ask(&mut client, "CONFIG SET maxmemory 0")?;
    digest(&mut client).filter(|_| persists)?;
    let databases = ask(&mut client, "INFO keyspace")?;
    for line in databases.split_whitespace() {
        let Some((db, _)) = line
            .split_once(":keys=")
            .filter(|_| !line.contains("expires=0"))
        else {
            continue;
        };
        ask(&mut client, &format!("SELECT {}", &db[2..]))?;
        make_stay(&mut client)?;
    }
    ask(&mut client, "SELECT 0")?;
    digest(&mut client)
}

fn make_stay(client: &mut Client) -> Option<()> {
    client.send("KEYS *");
    let keys = bulks(&client.raw_reply_within(LAST_REPLY_TIMEOUT)?);
    for key in keys {
        client.send_args(&[b"PTTL", &key]);
        let left: i64 = client.reply_within(LAST_REPLY_TIMEOUT)?[1..].parse().ok()?;
        if (0..SOON_MS).contains(&left) {
            client.send_args(&[b"PERSIST", &key]);
            client.reply_within(LAST_REPLY_TIMEOUT)?;
        }
    }
    Some(())
}

/// The elements of an array of bulk strings.
fn bulks(mut rest: &[u8]) -> Vec<Vec<u8>> {
    let count = number_of_line(&mut rest);
    let mut element = || {
        let length = number_of_line(&mut rest);
        let (element, behind) = rest.split_at(length);
        rest = &behind[b"\r\n".len()..];
        element.to_vec()
    };
    (0..count).map(|_| element()).collect()
}

/// Takes a line off, a letter and a number.
fn number_of_line(rest: &mut &[u8]) -> usize {
    let end = rest.windows(2).position(|pair| pair == b"\r\n");
    let (line, behind) = rest.split_at(end.expect("a frame has lines"));
    *rest = &behind[2..];
    let digits = std::str::from_utf8(&line[1..]).ok();
    let number = digits.and_then(|digits| digits.parse().ok());
    number.expect("a length is a number")
}

fn digest(client: &mut Client) -> Option<String> {
    ask(client, "DEBUG DIGEST")
}

/// A reply that is no error and comes in time.
fn ask(client: &mut Client, command: &str) -> Option<String> {
    client.send(command);
    client
        .reply_within(LAST_REPLY_TIMEOUT)
        .filter(|reply| !reply.starts_with('-'))
}
