//! What a replay of the log brings back.

mod by_itself;
mod old_words;

use super::*;
use crate::base::clock::Clock;
use crate::base::inbox::Inbox;
use crate::command::expire;
use crate::command::reaper::Reaper;
use crate::command::shared::Boot;
use crate::config::{Config, ConfigCell};
use crate::data::{Kind, Stream};
use crate::keyspace::effects::Annotation;
use crate::keyspace::log::Batch;
use crate::resp::{Limits, Parsed, Parser};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const LIMITS: Limits = Limits {
    bulk_bytes: 1 << 20,
    authenticated: true,
};

/// A server without sockets.
struct Engine {
    shared: &'static Shared,
    local: Local,
    session: Session,
    clock_us: Arc<AtomicI64>,
}

impl Engine {
    fn new() -> Self {
        let poll = mio::Poll::new().expect("there are descriptors");
        let inbox = Inbox::new(poll.registry(), mio::Token(0)).expect("there are descriptors");
        let clock_us = Arc::new(AtomicI64::new(1_700_000_000_000_000));
        let boot = Boot {
            run_id: String::new(),
            started_ms: 0,
            cores: 1,
            port: 0,
            tls_port: 0,
            executable: String::new(),
            supervised: "no",
        };
        let mut config = Config::default();
        config.enable_debug_command = crate::config::DebugAccess::Yes;
        let shared: &'static Shared = Box::leak(Box::new(Shared::new(
            (16, 1),
            Clock::Manual(clock_us.clone()),
            ConfigCell::new(config),
            [inbox].into(),
            Reaper::start().expect("there is room for a thread"),
            boot,
        )));
        shared.keyspace.log().set_recording(true);
        let mut local = Replayer::new(shared).local;
        local.replaying = false;
        let record = ClientRecord::new((1, -1, Peer::none()), (0, 0), Default::default(), 0);
        Engine {
            shared,
            local,
            session: Session::new(record, 0),
            clock_us,
        }
    }

    fn call(&mut self, words: &str) -> String {
        self.call_args(&words.split(' ').collect::<Vec<_>>())
    }

    fn call_args(&mut self, args: &[impl AsRef<[u8]>]) -> String {
        let request = OwnedRequest::from_args(args.iter().map(AsRef::as_ref));
        let mut reply = Reply::default();
        self.within(|env, session| {
            dispatch::execute(env, session, request.as_request(), &mut reply);
        });
        String::from_utf8_lossy(reply.since(Reply::default().mark())).into_owned()
    }

    fn within(&mut self, work: impl FnOnce(&mut Env<'_, '_>, &mut Session)) {
        let mut locked = Locked::new(&self.shared.keyspace);
        let mut env = Env {
            shared: self.shared,
            local: &mut self.local,
            locked: &mut locked,
            changes: &mut Changes::default(),
            now: self.shared.clock.now(),
            meter: Meter::start(&self.shared.stats[0], &self.shared.config.load()),
        };
        work(&mut env, &mut self.session);
    }

    /// What is due by now happens.
    fn tick(&mut self) {
        self.within(|env, _| {
            expire::expire_due(env);
        });
    }

    /// Looks at a stream, or changes it, as no command does.
    fn with_stream<R>(&mut self, key: &str, work: impl FnOnce(&mut Stream) -> R) -> R {
        let mut result = None;
        self.within(|env, _| {
            let stripe = env.shared.keyspace.stripe_of(key.as_bytes());
            env.locked.acquire_one(stripe);
            let mut keys = env.keys(0);
            let entry = keys.find(key.as_bytes()).expect("the key is there");
            result = Some(work(Stream::of_mut(&mut entry.value).expect("a stream")));
        });
        result.expect("it was worked on")
    }

    fn pass_ms(&self, ms: i64) {
        self.clock_us.fetch_add(ms * 1000, Ordering::Relaxed);
    }

    fn logged(&self) -> Vec<u8> {
        let mut batch = Batch::default();
        let log = self.shared.keyspace.log();
        log.take(&mut batch);
        assert_eq!(log.waiting_bytes(), 0, "a test logs little");
        batch.bytes
    }

    fn digest(&mut self) -> String {
        self.call("DEBUG DIGEST")
    }
}

enum Piece<'a> {
    Annotation(Annotation),
    Request(Request<'a>),
}

/// Gives the pieces of a log to `take`.
fn each_piece(log: &[u8], mut take: impl FnMut(Piece<'_>)) {
    let (mut parser, mut rest) = (Parser::default(), log);
    while !rest.is_empty() {
        if rest[0] == b'#' {
            let end = rest.windows(2).position(|two| two == b"\r\n");
            let end = end.expect("an annotation ends with its line");
            let annotation = Annotation::parse(&rest[..end]).expect("it is sound");
            take(Piece::Annotation(annotation));
            rest = &rest[end + 2..];
            continue;
        }
        let Ok(Parsed::Request { consumed }) = parser.parse(rest, LIMITS) else {
            panic!("a log consists of requests");
        };
        take(Piece::Request(parser.request(rest)));
        parser.reset();
        rest = &rest[consumed..];
    }
}

/// Replays a log into a fresh engine.
fn replayed(log: &[u8]) -> Engine {
    let engine = Engine::new();
    engine.shared.keyspace.log().set_recording(false);
    let mut replayer = Replayer::new(engine.shared);
    each_piece(log, |piece| {
        match piece {
            Piece::Annotation(annotation) => replayer.annotate(annotation),
            Piece::Request(request) => replayer.apply(request),
        }
        .expect("it replays")
    });
    assert!(!replayer.is_in_transaction());
    engine
}

/// A command as a log has it.
fn frame(words: &str) -> String {
    let args = words.split(' ');
    let head = format!("*{}\r\n", args.clone().count());
    args.fold(head, |frame, arg| {
        format!("{frame}${}\r\n{arg}\r\n", arg.len())
    })
}

/// The commands of a log, hidden ones in brackets.
fn said(log: &[u8]) -> Vec<String> {
    let mut commands = Vec::new();
    each_piece(log, |piece| match piece {
        Piece::Annotation(Annotation::Hidden { bytes, .. }) => {
            commands.extend(said(&bytes).iter().map(|command| format!("[{command}]")));
        }
        Piece::Annotation(_) => {}
        Piece::Request(request) => {
            let words: Vec<_> = request.iter().map(String::from_utf8_lossy).collect();
            commands.push(words.join(" "));
        }
    });
    commands
}

fn assert_replays(engine: &mut Engine) -> String {
    let log = engine.logged();
    let text = String::from_utf8_lossy(&log).into_owned();
    let mut again = replayed(&log);
    // What is forgotten with time is compared at one time; keys stay.
    let now_us = engine.clock_us.load(Ordering::Relaxed);
    again.clock_us.store(now_us, Ordering::Relaxed);
    again.local.replaying = true;
    if engine.digest() != again.digest() {
        engine.local.replaying = true;
        for db in 0..2 {
            for key in ["k0", "k1", "k2", "k3", "l0", "l1", "l2", "s0", "s1"] {
                for ask in ["PEXPIRETIME", "GET", "XINFO STREAM", "LRANGE"] {
                    let words = match ask {
                        "XINFO STREAM" => format!("XINFO STREAM {key} FULL"),
                        "LRANGE" => format!("LRANGE {key} 0 -1"),
                        _ => format!("{ask} {key}"),
                    };
                    for one in [&mut *engine, &mut again] {
                        one.call(&format!("SELECT {db}"));
                    }
                    let (left, right) = (engine.call(&words), again.call(&words));
                    if left != right {
                        println!("db {db} {words}: {left:?} {right:?}");
                    }
                }
            }
        }
        panic!("{}", text.replace("\r\n", " "));
    }
    text
}

#[test]
fn what_cannot_be_replayed_as_it_was_sent_is_logged_otherwise() {
    for (before, words, logged) in [
        ("", "XADD s * f v", "XADD s 1700000000000-0 f v"),
        ("", "XADD s 7-* f v", "XADD s 7-0 f v"),
        (
            "XADD s 1-1 f v",
            "XADD s MAXLEN 1 2-1 f v",
            "XADD s MAXLEN = 1 2-1 f v",
        ),
        (
            "XADD s 1-1 f v",
            "XADD s MAXLEN ~ 1 2-1 f v",
            "XADD s 2-1 f v",
        ),
        ("SET k v", "EXPIRE k 10", "PEXPIREAT k 1700000010000"),
        ("SET k v", "EXPIRE k -1", "DEL k"),
        ("SET k v", "GETEX k EX 1", "PEXPIREAT k 1700000001000"),
        ("SET k v", "GETDEL k", "DEL k"),
        ("", "SET k v EX 5", "SET k v PXAT 1700000005000"),
        ("", "PSETEX k 5 v", "SET k v PXAT 1700000000005"),
        ("", "INCRBYFLOAT k 0.5", "SET k 0.5 KEEPTTL"),
        ("RPUSH l a b", "BLPOP l 0", "LPOP l"),
        ("RPUSH l a b", "BLMPOP 0 2 x l RIGHT COUNT 9", "RPOP l 9"),
        (
            "RPUSH l a b",
            "BLMOVE l m LEFT RIGHT 0",
            "LMOVE l m LEFT RIGHT",
        ),
        ("RPUSH l a b", "BRPOPLPUSH l m 0", "LMOVE l m RIGHT LEFT"),
        ("SET k v", "SET k w NX", ""),
        (
            "",
            "XGROUP CREATE s g $ MKSTREAM",
            "XGROUP CREATE s g $ MKSTREAM",
        ),
        ("", "DEL k", ""),
        (
            "RPUSH l a b c",
            "LMOVEM l m LEFT LEFT EXACTLY 2 OBO",
            "MULTI LPOP l 2 LPUSH m a b EXEC",
        ),
        (
            "RPUSH l a b c",
            "LMOVEM l m RIGHT RIGHT COUNT 2 BULK",
            "MULTI RPOP l 2 RPUSH m b c EXEC",
        ),
        (
            "RPUSH l a b",
            "LMOVEM l m LEFT RIGHT",
            "LMOVE l m LEFT RIGHT",
        ),
        (
            "RPUSH l a b",
            "LMOVEM l l LEFT LEFT COUNT 9 OBO",
            "MULTI RPUSH l b a LPOP l 2 EXEC",
        ),
    ] {
        let mut engine = Engine::new();
        engine.call("SET first 1");
        if !before.is_empty() {
            engine.call(before);
        }
        engine.logged();
        engine.call(words);
        let log = engine.logged();
        assert_eq!(said(&log).join(" "), logged, "{words}");
    }
}

#[test]
fn what_producers_sent_is_hidden_behind_what_they_added() {
    let mut engine = Engine::new();
    engine.call("SET first 1");
    for (words, logged) in [
        (
            "XADD s IDMP p i * f v",
            &[
                "MULTI",
                "XADD s 1700000000000-0 f v",
                "[XIDMPRECORD s p i 1700000000000-0]",
                "EXEC",
            ][..],
        ),
        (
            "XADD s IDMP p i * f v",
            &["[XIDMPRECORD s p i 1700000000000-0]"],
        ),
        (
            "XCFGSET s IDMP-MAXSIZE 7",
            &[
                "[XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 7 MAXLEN 0 MAXAGE 0 MAXBYTES 0 KEEPREF OVERFLOW TRIM ONACK KEEP]",
            ],
        ),
        ("XCFGSET s IDMP-MAXSIZE 7", &[]),
        (
            "XIDMPRECORD s q i 1700000000000-0",
            &["[XIDMPRECORD s q i 1700000000000-0]"],
        ),
        ("XIDMPRECORD s q i 1700000000000-0", &[]),
    ] {
        engine.logged();
        assert!(!engine.call(words).starts_with('-'), "{words}");
        assert_eq!(said(&engine.logged()), logged, "{words}");
    }
}

/// Redis logs the options themselves, with the id that it gave, and what came again as it was sent.
#[test]
fn what_redis_logs_of_producers_is_understood() {
    let commands = [
        "XADD s IDMP p i 1700000000000-0 f v",
        "XADD s IDMP p i * f v",
        "XADD s IDMPAUTO p 1700000000000-1 f v",
        "XADD s IDMPAUTO p * f v",
        // The message had been forgotten when it came again.
        "XADD s IDMP p i 1700000000000-2 f v",
        "XADD t 1-1 f v",
        "XCFGSET t IDMP-MAXSIZE 7",
        "XIDMPRECORD t p i 1-1",
    ];
    let log: String = commands.into_iter().map(frame).collect();
    let mut engine = replayed(log.as_bytes());
    let numbers = |reply: String| -> String {
        let lines = reply.split("\r\n").filter(|line| line.starts_with(':'));
        lines.collect()
    };
    assert_eq!(engine.call("XLEN s"), ":3\r\n");
    let known = engine.call("XADD s IDMPAUTO p * f v");
    assert_eq!(known, "$15\r\n1700000000000-1\r\n");
    let known = engine.call("XADD s IDMP p i * f v");
    assert_eq!(known, "$15\r\n1700000000000-2\r\n");
    // length, keys, nodes, added; seconds, size, producers, messages, messages ever, repetitions; groups
    let seen = numbers(engine.call("XINFO STREAM s"));
    assert_eq!(seen, ":3:1:2:3:100:100:1:2:3:4:0");
    let seen = numbers(engine.call("XINFO STREAM t"));
    assert_eq!(seen, ":1:1:2:1:100:7:0:0:1:0:0");
}

#[test]
fn a_stream_keeps_what_the_configuration_said_when_it_was_made() {
    let mut engine = Engine::new();
    engine.call("CONFIG SET stream-idmp-maxsize 7 stream-idmp-duration 9");
    engine.local.config = engine.shared.config.load();
    engine.call("XADD s0 * f v");
    engine.call("XGROUP CREATE s1 g $ MKSTREAM");
    for key in ["s0", "s1"] {
        let reply = engine.call(&format!("XINFO STREAM {key}"));
        assert!(reply.contains(":9\r\n$12\r\nidmp-maxsize\r\n:7"), "{reply}");
    }
    assert_replays(&mut engine);
}

#[test]
fn groups_come_back_as_they_were() {
    let mut engine = Engine::new();
    engine.call("XGROUP CREATE s g 0 MKSTREAM");
    for n in 1..=250 {
        engine.call(&format!("XADD s {n}-0 f {n}"));
    }
    for words in [
        "XREADGROUP GROUP g a COUNT 100 STREAMS s >",
        "XREADGROUP GROUP g b COUNT 10 STREAMS s >",
        "XREADGROUP GROUP g b NOACK COUNT 10 STREAMS s >",
        "XREADGROUP GROUP g idle STREAMS s 0",
        "XREADGROUP GROUP g a COUNT 7 STREAMS s 0",
        "XACK s g 1-0 2-0 3-0",
        "XDEL s 5-0 6-0",
        "XCLAIM s g c 0 5-0 7-0 8-0 9-0",
        "XCLAIM s g c 0 200-0 FORCE JUSTID LASTID 201-0",
        "XAUTOCLAIM s g d 0 6-0 COUNT 5",
        "XACKDEL s g DELREF IDS 1 10-0",
        "XGROUP CREATECONSUMER s g later",
        "XGROUP DELCONSUMER s g b",
        "XTRIM s MAXLEN ~ 120",
        "XTRIM s MINID 140-0 DELREF",
        "XSETID s 900-0 ENTRIESADDED 1000",
    ] {
        engine.pass_ms(13);
        assert!(!engine.call(words).starts_with('-'), "{words}");
    }
    let log = assert_replays(&mut engine);
    assert!(log.len() < 20_000, "{} bytes", log.len());
}

/// What a log says was allowed when it was done, whatever the configuration allows now.
#[test]
fn the_longest_string_of_now_does_not_bind_the_log() {
    let log = [frame("SETRANGE k 300 x"), frame("APPEND k y")].concat();
    let engine = Engine::new();
    let mut config = Config::default();
    config.proto_max_bulk_len_bytes = 100;
    let mut replayer = Replayer::new(engine.shared);
    replayer.local.config = Arc::new(config);
    each_piece(log.as_bytes(), |piece| {
        if let Piece::Request(request) = piece {
            replayer.apply(request).expect("it is the log's");
        }
    });
}

/// What a log leaves where commands of other servers are passed over: the keys there are, and those that are not known.
fn left_of(log: &[&str], base: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut engine = Engine::new();
    engine.shared.keyspace.log().set_recording(false);
    let mut replayer = Replayer::new(engine.shared);
    let mut config = Config::default();
    config.skip_unknown_types = true;
    replayer.local.config = Arc::new(config);
    let mut left_out = LeftOut::default();
    for key in base {
        left_out.add(0, key.as_bytes().to_vec().into(), "hash");
    }
    replayer.leave_out(left_out);
    for words in log {
        let request = OwnedRequest::from_args(words.split(' ').map(str::as_bytes));
        replayer.apply(request.as_request()).expect(words);
    }
    let unknown = Replay::left_out(&mut replayer).keys.into_keys();
    let unknown = unknown.map(|(db, key)| format!("{db} {}", key.escape_ascii()));
    let keys = engine.call("KEYS *");
    let keys = keys.trim_end().split("\r\n").skip(2).step_by(2);
    let mut keys: Vec<_> = keys.map(String::from).collect();
    keys.sort();
    (keys, unknown.collect())
}

#[test]
fn what_is_not_known_is_left_out_and_nothing_else() {
    let base = ["h"];
    for (log, keys, unknown) in [
        ("SET x 1|SET d 2|BITOP OR d x h|APPEND d c", "x", "0 d,0 h"),
        ("SET x 1|BITOP OR h x y", "h,x", ""),
        ("SADD s 1|SUNIONSTORE t s h|SADD t 2", "s", "0 h,0 t"),
        ("SADD s 1|SMOVE s h 1", "", "0 h,0 s"),
        ("SORT h STORE sl|RPUSH sl 9", "", "0 h,0 sl"),
        ("RPUSH l 2 1|SORT l BY w_* STORE sl", "l", "0 h,0 sl"),
        ("RPUSH l 2 1|SORT l STORE x STORE h", "h,l", ""),
        ("SET t old|TS.ADD i 1 2|RENAME i t", "", "0 h,0 t"),
        ("RENAME h h2|SET k v", "k", "0 h2"),
        ("RENAME h t|SET t 1", "t", ""),
        ("COPY h t DB 3|DEL h", "", "3 t"),
        ("MOVE h 4|SET h 1", "h", "4 h"),
        ("SWAPDB 0 5", "", "5 h"),
        ("FLUSHDB", "", ""),
        ("DEL other h", "", ""),
        ("EXPIRE h 10|PERSIST h", "", "0 h"),
        ("SET h 1|APPEND h 2", "h", ""),
        ("SET h 1 KEEPTTL", "", "0 h"),
        ("SET h 1 XX", "", "0 h"),
        ("RPUSH a 1 2|LMOVE h a LEFT LEFT", "", "0 a,0 h"),
        ("MULTI|SET d 1|PFADD d 9 1|EXEC", "", "0 d,0 h"),
        ("FT.CREATE x|SET LOAD 1", "LOAD", "0 FT.CREATE,0 h"),
    ] {
        let words: Vec<&str> = log.split('|').collect();
        let left = left_of(&words, &base);
        let left = (left.0.join(","), left.1.join(","));
        assert_eq!(left, (keys.into(), unknown.into()), "{log}");
    }
}

/// What Redis 8.4 and later log of conditions is obeyed, and logged here in words that older ones know.
#[test]
fn conditions_are_replayed_and_logged_plainly() {
    let log = [
        "SET a 1",
        "SET a 2 IFEQ 1",
        "SET b 1 IFNE 2",
        "SET c 1",
        "DELEX c IFEQ 1",
        "MSETEX 2 d 1 e 2 NX KEEPTTL",
    ];
    let mut engine = replayed(log.map(frame).concat().as_bytes());
    let values = engine.call("MGET a b c d e").replace("\r\n", " ");
    assert_eq!(values, "*5 $1 2 $1 1 $-1 $1 1 $1 2 ");
    engine.shared.keyspace.log().set_recording(true);
    engine.call("SELECT 0");
    for (words, logged) in [
        ("SET a 3 IFEQ 2", "SET a 3"),
        ("SET a 3 IFEQ 9", ""),
        ("SET a 4 IFNE 9 KEEPTTL", "SET a 4 KEEPTTL"),
        ("SET a 5 IFEQ 4 PX 5", "SET a 5 PXAT 1700000000005"),
        ("DELEX b IFEQ 1", "DEL b"),
        ("MSETEX 2 x 1 y 2", "MULTI,SET x 1,SET y 2,EXEC"),
        ("MSETEX 1 x 1 PX 5", "SET x 1 PXAT 1700000000005"),
    ] {
        engine.call(words);
        let mut told = said(&engine.logged());
        told.retain(|command| !command.starts_with("SELECT"));
        assert_eq!(told.join(","), logged, "{words}");
    }
}

#[test]
fn what_becomes_of_fields_is_logged_at_the_times_it_comes_to() {
    let mut engine = Engine::new();
    for (words, logged) in [
        ("HSET h a 1 b 2", "HSET h a 1 b 2"),
        ("HINCRBYFLOAT h a 0.5", "HSET h a 1.5"),
        (
            "HPEXPIRE h 50 FIELDS 3 a b c",
            "HPEXPIREAT h 1700000000050 FIELDS 2 a b",
        ),
        ("HPEXPIRE h 40 GT FIELDS 1 a", ""),
        (
            "HINCRBYFLOAT h a 0.5",
            "MULTI,HSET h a 2,HPEXPIREAT h 1700000000050 FIELDS 1 a,EXEC",
        ),
        ("HGETEX h PERSIST FIELDS 2 b c", "HPERSIST h FIELDS 1 b"),
        (
            "HGETEX h PX 9 FIELDS 2 b c",
            "HPEXPIREAT h 1700000000009 FIELDS 1 b",
        ),
        ("HEXPIRE h 0 FIELDS 2 b c", "HDEL h b"),
        ("HSETEX h FXX FIELDS 1 c 1", ""),
        ("HSETEX h FNX FIELDS 1 c 1", "HSET h c 1"),
        (
            "HSETEX h PX 7 FIELDS 2 c 2 d 3",
            "MULTI,HSET h c 2 d 3,HPEXPIREAT h 1700000000007 FIELDS 2 c d,EXEC",
        ),
        (
            "HSETEX h KEEPTTL FIELDS 2 c 4 e 5",
            "MULTI,HSET h c 4 e 5,HPEXPIREAT h 1700000000007 FIELDS 1 c,EXEC",
        ),
        ("HSETEX h PX 0 FIELDS 2 e 1 f 2", "HDEL h e f"),
        ("HGETDEL h FIELDS 2 d x", "HDEL h d"),
    ] {
        engine.call(words);
        let mut told = said(&engine.logged());
        told.retain(|command| !command.starts_with("SELECT"));
        assert_eq!(told.join(","), logged, "{words}");
    }
    engine.pass_ms(60);
    assert_eq!(engine.call("HGETALL h"), "*0\r\n");
    let told = said(&engine.logged());
    assert_eq!(told.join(","), "HDEL h c a");
}

#[test]
fn a_transaction_is_one_group_across_databases() {
    let mut engine = Engine::new();
    for words in [
        "MULTI",
        "SET a 1",
        "MOVE a 3",
        "SELECT 3",
        "APPEND a 2",
        "LPUSH l x",
        "EXEC",
    ] {
        engine.call(words);
    }
    engine.call("INCR n");
    let log = assert_replays(&mut engine);
    assert_eq!(log.matches("MULTI").count(), 1);
    assert!(log.find("EXEC").expect("it ends") < log.find("INCR").expect("it is logged"));
}

#[test]
fn a_key_whose_time_was_up_stays_until_the_log_removes_it() {
    let mut engine = Engine::new();
    engine.call("SET k v PX 50");
    engine.call("APPEND k w");
    engine.pass_ms(100);
    engine.call("APPEND k x");
    assert_eq!(engine.call("GET k"), "$1\r\nx\r\n");
    let log = assert_replays(&mut engine);
    assert!(log.contains("DEL"), "{log}");
}

#[test]
fn an_unfinished_transaction_leaves_no_trace() {
    let mut engine = Engine::new();
    engine.call("SET a 1");
    for words in ["MULTI", "SET a 2", "SET b 2", "EXEC"] {
        engine.call(words);
    }
    let log = engine.logged();
    let end = log.len() - b"*1\r\n$4\r\nEXEC\r\n".len();
    let fresh = Engine::new();
    let mut replayer = Replayer::new(fresh.shared);
    let (mut parser, mut rest) = (Parser::default(), &log[..end]);
    while let Ok(Parsed::Request { consumed }) = parser.parse(rest, LIMITS) {
        replayer.apply(parser.request(rest)).expect("it replays");
        parser.reset();
        rest = &rest[consumed..];
    }
    assert!(replayer.is_in_transaction());
    let mut fresh = fresh;
    assert_eq!(fresh.call("MGET a b"), "*2\r\n$1\r\n1\r\n$-1\r\n");
}

/// A generator of numbers below a bound.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn random_commands_replay_to_the_same_state() {
    const TEMPLATES: &[&str] = &[
        "SET K N",
        "SET K N PX T",
        "SET K N KEEPTTL",
        "SETEX K 1 N",
        "GETEX K PX T",
        "GETEX K PERSIST",
        "GETDEL K",
        "APPEND K N",
        "INCR K",
        "INCRBYFLOAT K 1.5",
        "SETRANGE K 3 N",
        "MSET K N K N",
        "MSETNX K N K N",
        "DEL K K",
        "PEXPIRE K T",
        "PEXPIRE K T GT",
        "PERSIST K",
        "RENAME K K",
        "RENAMENX K K",
        "COPY K K REPLACE",
        "MOVE K 1",
        "SELECT 1",
        "SELECT 0",
        "SWAPDB 0 1",
        "RPUSH L N N",
        "LPUSH L N",
        "LPOP L",
        "RPOP L 2",
        "LMPOP 2 L L LEFT COUNT 2",
        "BLPOP L L 0.01",
        "BLMOVE L L LEFT RIGHT 0.01",
        "BLMPOP 0.01 1 L RIGHT",
        "SETBIT K N 1",
        "BITFIELD K SET u8 N N INCRBY i5 3 N",
        "BITFIELD K OVERFLOW FAIL INCRBY u1 N 5",
        "BITOP XOR K K K",
        "BITOP DIFF K K K",
        "BITOP ONE K K K K",
        "SADD M N N a",
        "SADD M N",
        "SREM M N N",
        "SMOVE M M N",
        "SPOP M",
        "SPOP M 2",
        "SUNIONSTORE M M M",
        "SDIFFSTORE M M M",
        "SINTERSTORE M M M",
        "SORT L DESC STORE L",
        "SORT M ALPHA BY K* GET # GET K* STORE L",
        "LTRIM L 1 3",
        "LSET L 0 N",
        "LINSERT L AFTER 3 N",
        "LREM L 1 3",
        "HSET H F N F N",
        "HSETNX H F N",
        "HDEL H F F",
        "HGET H F",
        "HINCRBY H F N",
        "HINCRBYFLOAT H F 1.5",
        "HPEXPIRE H T FIELDS 2 F F",
        "HPEXPIRE H T GT FIELDS 1 F",
        "HPEXPIRE H 0 FIELDS 1 F",
        "HPERSIST H FIELDS 1 F",
        "HGETEX H PX T FIELDS 1 F",
        "HGETEX H PERSIST FIELDS 2 F F",
        "HGETDEL H FIELDS 1 F",
        "HSETEX H PX T FIELDS 2 F N F N",
        "HSETEX H FXX KEEPTTL FIELDS 2 F N F N",
        "HSETEX H FNX PX 0 FIELDS 1 F N",
        "RENAME H H",
        "COPY H H REPLACE",
        "XADD S * f N",
        "XADD S * f N g N",
        "XADD S MAXLEN ~ 20 * f N",
        "XADD S MAXLEN 9 * f N",
        "XADD S MINID ~ 170 ACKED * f N",
        "XADD S MAXLEN 5 ACKED * f N",
        "XADD S IDMP p N * f N",
        "XADD S IDMP q N MAXLEN 5 * f v",
        "XADD S IDMPAUTO p * f N",
        "XADD S IDMPAUTO p * f v",
        "XCFGSET S IDMP-MAXSIZE N",
        "XCFGSET S IDMP-DURATION 1",
        "LMOVEM L L LEFT LEFT COUNT 2 OBO",
        "LMOVEM L L RIGHT LEFT EXACTLY 3 BULK",
        "LMOVEM L L RIGHT RIGHT COUNT 9 OBO",
        "XTRIM S MAXLEN 4 DELREF",
        "XTRIM S MAXLEN ~ 3",
        "XGROUP CREATE S g 0 MKSTREAM",
        "XGROUP CREATE S h $",
        "XREADGROUP GROUP g a COUNT 3 STREAMS S >",
        "XREADGROUP GROUP g b COUNT 9 STREAMS S S > >",
        "XREADGROUP GROUP h c NOACK STREAMS S >",
        "XREADGROUP GROUP g a COUNT 2 STREAMS S 0",
        "XAUTOCLAIM S g b 10 0 COUNT 2",
        "XAUTOCLAIM S g a 0 - JUSTID",
        "XGROUP DELCONSUMER S g a",
        "XGROUP SETID S g $",
        "XGROUP DESTROY S h",
        "FLUSHDB",
        "MULTI",
        "EXEC",
        "EXEC",
        "DISCARD",
    ];
    for seed in 1..=300 {
        let mut random = Random(seed);
        let mut engine = Engine::new();
        for _ in 0..400 {
            let template = TEMPLATES[random.below(TEMPLATES.len() as u64) as usize];
            let words: Vec<String> = template
                .split(' ')
                .map(|word| match word {
                    "K" => format!("k{}", random.below(4)),
                    "L" => format!("l{}", random.below(3)),
                    "M" => format!("m{}", random.below(3)),
                    "S" => format!("s{}", random.below(2)),
                    "H" => format!("h{}", random.below(2)),
                    "F" => format!("f{}", random.below(5)),
                    "N" => random.below(100).to_string(),
                    "T" => (random.below(40) + 1).to_string(),
                    word => word.into(),
                })
                .collect();
            engine.call(&words.join(" "));
            engine.pass_ms(random.below(10) as i64);
        }
        engine.call("DISCARD");
        println!("seed {seed}");
        assert_replays(&mut engine);
    }
}
