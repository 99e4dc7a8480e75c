//! Policies of streams and groups: how they are set, told, kept and given to what is made.

mod common;

use common::{Client, Server};

/// What XINFO QUEUE tells of a stream or group: whether the words stand in its reply, one after another.
fn tells(client: &mut Client, of: &str, words: &str) {
    let reply = client.call(&format!("XINFO QUEUE {of}"));
    assert!(reply.contains(words), "{words:?} is not in {reply:?}");
}

const STREAM: &str = "$6 maxlen :5 $6 maxage :0 $8 maxbytes :900 $10 references $6 DELREF \
                      $8 overflow $6 REJECT $5 onack $6 DELETE";
const STREAM_OFF: &str = "$13 idmp-duration :100 $12 idmp-maxsize :100 $6 maxlen :0 $6 maxage :0 $8 maxbytes :0 \
                          $10 references $7 KEEPREF $8 overflow $4 TRIM $5 onack $4 KEEP";
const GROUP: &str = "$7 ackwait :30000 $7 backoff *2 :100 :5000 $10 maxdeliver :3 $10 deadletter $1 d \
                     $10 maxpending :7 $5 order $1 *";
const GROUP_OFF: &str = "$7 ackwait :0 $7 backoff *2 :0 :0 $10 maxdeliver :0 $10 deadletter $0  \
                         $10 maxpending :0 $5 order $0 ";

fn set_all(client: &mut Client) {
    client.call("XADD s 1-1 f v");
    client.call("XGROUP CREATE s g 0");
    for command in [
        "XCFGSET s MAXLEN 5 onack delete DELREF",
        "XCFGSET s OVERFLOW REJECT MAXBYTES 900",
        "XCFGSET s GROUP g ORDER * BACKOFF 100 5000 MAXDELIVER 3",
        "XCFGSET s group g DEADLETTER d MAXPENDING 7 ackwait 30000",
    ] {
        assert_eq!(client.call(command), "+OK", "{command}");
    }
}

#[test]
fn options_are_set_and_switched_off_one_by_one() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    set_all(&mut client);
    tells(&mut client, "s", STREAM);
    tells(&mut client, "s", GROUP);
    tells(&mut client, "s g", GROUP);
    client.call("XCFGSET s MAXLEN 0 MAXBYTES 0 KEEPREF OVERFLOW TRIM ONACK KEEP");
    tells(&mut client, "s", STREAM_OFF);
    client.call("XCFGSET s GROUP g ACKWAIT 0 BACKOFF 0 MAXDELIVER 0 MAXPENDING 0");
    let off = [
        b"XCFGSET",
        &b"s"[..],
        b"GROUP",
        b"g",
        b"ORDER",
        b"",
        b"DEADLETTER",
        b"",
    ];
    assert_eq!(client.call_args(&off), "+OK");
    tells(&mut client, "s g", GROUP_OFF);
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    set_all(&mut client);
    client.call("SET str v");
    let no_group = "-NOGROUP No such key 's' or consumer group 'no'";
    for (command, reply) in [
        (
            "XCFGSET",
            "-ERR wrong number of arguments for 'xcfgset' command",
        ),
        ("XCFGSET no", "-ERR no such key"),
        ("XCFGSET no FOO", "-ERR no such key"),
        ("XCFGSET no GROUP g ACKWAIT 1", "-ERR no such key"),
        (
            "XCFGSET str MAXLEN 1",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("XCFGSET s", "-ERR At least one parameter must be specified"),
        (
            "XCFGSET s GROUP g",
            "-ERR At least one parameter must be specified",
        ),
        ("XCFGSET s GROUP", "-ERR syntax error"),
        ("XCFGSET s GROUP no ACKWAIT 1", no_group),
        ("XCFGSET s GROUP no FOO", no_group),
        ("XCFGSET s MAXLEN 1 FOO 1", "-ERR syntax error"),
        ("XCFGSET s MAXLEN 1 ACKWAIT 1", "-ERR syntax error"),
        ("XCFGSET s MAXLEN 1 GROUP g ACKWAIT 1", "-ERR syntax error"),
        ("XCFGSET s GROUP g MAXLEN 1", "-ERR syntax error"),
        ("XCFGSET s MAXLEN", "-ERR syntax error"),
        ("XCFGSET s MAXLEN 1 MAXAGE -1", "-ERR invalid MAXAGE"),
        ("XCFGSET s maxlen x", "-ERR invalid MAXLEN"),
        (
            "XCFGSET s MAXBYTES 9223372036854775808",
            "-ERR invalid MAXBYTES",
        ),
        ("XCFGSET s OVERFLOW DROP", "-ERR invalid OVERFLOW"),
        ("XCFGSET s ONACK no", "-ERR invalid ONACK"),
        (
            "XCFGSET s MAXLEN 1 MAXLEN 1",
            "-ERR MAXLEN specified multiple times",
        ),
        (
            "XCFGSET s KEEPREF ACKED",
            "-ERR REFERENCES specified multiple times",
        ),
        (
            "XCFGSET s IDMP-DURATION 0",
            "-ERR IDMP-DURATION must be between 1 and 86400 seconds",
        ),
        (
            "XCFGSET s IDMP-DURATION x",
            "-ERR value is not an integer or out of range",
        ),
        (
            "XCFGSET s IDMP-MAXSIZE 10001",
            "-ERR IDMP-MAXSIZE must be between 1 and 10000 entries",
        ),
        (
            "XCFGSET s IDMP-MAXSIZE 1 IDMP-MAXSIZE 1",
            "-ERR IDMP-MAXSIZE specified multiple times",
        ),
        (
            "XCFGSET s GROUP g ACKWAIT 1 BACKOFF 2 1",
            "-ERR invalid BACKOFF",
        ),
        ("XCFGSET s GROUP g BACKOFF 1 x", "-ERR invalid BACKOFF"),
        ("XCFGSET s GROUP g BACKOFF 1", "-ERR syntax error"),
        (
            "XCFGSET s GROUP g ACKWAIT 1 DEADLETTER s",
            "-ERR invalid DEADLETTER",
        ),
        ("XCFGSET s GROUP g MAXDELIVER -3", "-ERR invalid MAXDELIVER"),
        (
            "XCFGSET s GROUP g MAXPENDING many",
            "-ERR invalid MAXPENDING",
        ),
        ("XINFO QUEUE no", "-ERR no such key"),
        (
            "XINFO QUEUE s no",
            "-NOGROUP No such consumer group 'no' for key name 's'",
        ),
        (
            "XINFO QUEUE s g g",
            "-ERR unknown subcommand or wrong number of arguments for 'QUEUE'. Try XINFO HELP.",
        ),
        (
            "XINFO QUEUE str",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
    ] {
        assert_eq!(client.call(command), reply, "{command}");
    }
    tells(&mut client, "s", STREAM);
    tells(&mut client, "s g", GROUP);
}

#[test]
fn policies_survive_a_restart_with_the_log() {
    let mut server = Server::start(&[]);
    let mut client = server.connect();
    set_all(&mut client);
    // The name that the group's dead letters were to go to.
    client.call("RENAME s d");
    assert_eq!(client.call("XCFGSET d GROUP g MAXDELIVER 3"), "+OK");
    client.call("XCFGSET d IDMP-DURATION 7");
    server.terminate();
    let log = server.dir.join("appendonlydir/appendonly.aof.1.incr.aof");
    let log = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
    assert!(!log.contains("XCFGSET"), "Redis would have to know it");
    server.start_again(&[]);
    let mut client = server.connect();
    tells(&mut client, "d", "$13 idmp-duration :7");
    tells(&mut client, "d", STREAM);
    tells(&mut client, "d g", GROUP);
}

#[test]
fn a_policy_is_no_change_of_the_entries() {
    let server = Server::start(&["--notify-keyspace-events", "KEA"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    set_all(&mut client);
    let mut listener = server.connect();
    listener.call("PSUBSCRIBE *");
    client.call("WATCH s");
    other.call("XCFGSET s MAXLEN 9");
    other.call("XCFGSET s GROUP g ACKWAIT 9");
    client.call("MULTI");
    client.call("PING");
    assert_eq!(client.call("EXEC"), "*1 +PONG");
    other.call("DEL s");
    assert!(listener.reply().contains("$3 del"));
}

#[test]
fn a_queue_is_told_in_numbers() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    for id in ["1-1", "2-1", "3-1", "4-1", "5-1"] {
        client.call(&format!("XADD s {id} f v"));
    }
    client.call("XGROUP CREATE s g 0");
    client.call("XGROUP CREATE s other 0");
    client.call("XREADGROUP GROUP g c COUNT 3 STREAMS s >");
    client.call("XACK s g 2-1");
    // Where entries are gone from the midst, XINFO GROUPS cannot tell the lag.
    client.call("XDEL s 4-1");
    client.call("XGROUP SETID s g 3-1");
    let groups = client.call("XINFO GROUPS s");
    assert!(groups.contains("$3 lag $-1"), "{groups}");
    tells(
        &mut client,
        "s g",
        "$5 ready :1 $6 leased :2 $7 delayed :0 $6 parked :0 $7 blocked :0 $9 scheduled :0",
    );
    tells(
        &mut client,
        "s g",
        "$3 lag :1 $9 delivered :3 $5 acked :1 $11 redelivered :0 $6 nacked :0 $13 dead-lettered :0 \
         $20 dead-letter-failures :0 $8 rejected :0",
    );
    tells(&mut client, "s", "$6 length :4 $5 bytes :");
    tells(
        &mut client,
        "s",
        "$9 scheduled :0 $8 rejected :0 $6 groups *2 *",
    );
    // A lease that has run out is to be served before what is new.
    client.call("XCFGSET s GROUP g ACKWAIT 1000");
    client.call("DEBUG CLOCK PASS 1000");
    tells(&mut client, "s g", "$5 ready :3 $6 leased :0");
    client.call("XGROUP CREATE empty g $ MKSTREAM");
    tells(&mut client, "empty g", "$16 oldest-ready-age $-1 $3 lag :0");
    client.call("XADD empty * f v");
    client.call("DEBUG CLOCK PASS 5000");
    let reply = client.call("XINFO QUEUE empty g");
    let (_, age) = reply.split_once("oldest-ready-age :").unwrap();
    let age_ms: u64 = age.split(' ').next().unwrap().parse().unwrap();
    assert!((5000..60_000).contains(&age_ms), "{age_ms}");
    client.call("HELLO 3");
    let reply = client.call("XINFO QUEUE s g");
    assert!(
        reply.starts_with("%22 $4 name $1 g $7 ackwait :1000"),
        "{reply}"
    );
    let reply = client.call("XINFO QUEUE s");
    assert!(reply.starts_with("%13 $13 idmp-duration :100"), "{reply}");
    assert!(reply.contains("$6 groups *2 %22 $4 name"), "{reply}");
}

/// The value of a directive.
fn configured(client: &mut Client, name: &str) -> String {
    let reply = client.call(&format!("CONFIG GET {name}"));
    let mut parts = reply.splitn(5, ' ').skip(4);
    parts.next().unwrap_or_default().to_owned()
}

fn configure(client: &mut Client, name: &str, value: &str) -> String {
    client.call_args(&[b"CONFIG", b"SET", name.as_bytes(), value.as_bytes()])
}

const RULES: &str = "* MAXLEN 100 MAXAGE 5\njobs:* MAXLEN 7";
const GROUP_RULES: &str = "jobs:* w* ACKWAIT 9 DEADLETTER jobs:dead\n* * MAXPENDING 8";

#[test]
fn what_is_made_gets_the_policies_of_all_rules_that_match() {
    let mut server = Server::start(&["--threads", "2"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    client.call("XADD jobs:old 1-1 f v");
    client.call("XGROUP CREATE jobs:old w 0");
    assert_eq!(configure(&mut client, "stream-policy", RULES), "+OK");
    assert_eq!(
        configure(&mut client, "stream-group-policy", GROUP_RULES),
        "+OK"
    );
    assert_eq!(configured(&mut other, "stream-policy"), RULES);
    assert_eq!(configured(&mut other, "stream-group-policy"), GROUP_RULES);
    other.call("XADD jobs:old 2-1 f v");
    other.call("XADD jobs:a * f v");
    other.call("XGROUP CREATE jobs:a w $");
    other.call("XGROUP CREATE logs w1 $ MKSTREAM");
    other.call("XGROUP CREATE jobs:dead w 0 MKSTREAM");
    let look = |client: &mut Client| {
        tells(client, "jobs:old", "$6 maxlen :0 $6 maxage :0");
        tells(client, "jobs:old w", "$7 ackwait :0");
        tells(client, "jobs:a", "$6 maxlen :7 $6 maxage :5");
        tells(client, "jobs:a w", "$7 ackwait :9");
        tells(
            client,
            "jobs:a w",
            "$10 deadletter $9 jobs:dead $10 maxpending :8",
        );
        tells(client, "logs", "$6 maxlen :100 $6 maxage :5");
        tells(client, "logs w1", "$7 ackwait :0");
        tells(client, "logs w1", "$10 deadletter $0  $10 maxpending :8");
        tells(client, "jobs:dead w", "$7 ackwait :9");
        tells(
            client,
            "jobs:dead w",
            "$10 deadletter $0  $10 maxpending :8",
        );
    };
    look(&mut client);
    server.terminate();
    // The log says what the rules came to: other rules now change nothing.
    server.start_again(&[
        "--stream-policy",
        "*",
        "MAXLEN",
        "1",
        "--stream-group-policy",
        "* * ACKWAIT 1",
    ]);
    let mut client = server.connect();
    look(&mut client);
    assert_eq!(configured(&mut client, "stream-policy"), "* MAXLEN 1");
    assert_eq!(
        configured(&mut client, "stream-group-policy"),
        "* * ACKWAIT 1"
    );
    assert_eq!(configure(&mut client, "stream-policy", ""), "+OK");
    assert_eq!(configured(&mut client, "stream-policy"), "");
    client.call("XADD new * f v");
    tells(&mut client, "new", STREAM_OFF);
}

#[test]
fn a_restored_stream_keeps_what_it_has() {
    let server = Server::start(&["--stream-policy", "made", "MAXLEN", "9"]);
    let mut client = server.connect();
    client.call("XADD plain 1-1 f v");
    client.send("DUMP plain");
    let dump = client.raw_reply();
    let start = dump.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let dump = &dump[start..dump.len() - 2];
    assert_eq!(client.call_args(&[b"RESTORE", b"made", b"0", dump]), "+OK");
    tells(&mut client, "made", STREAM_OFF);
    client.call("DEL made");
    client.call("XADD made 1-1 f v");
    tells(&mut client, "made", "$6 maxlen :9");
}

#[test]
fn bad_rules_are_refused_with_what_would_be_right() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    configure(&mut client, "stream-policy", RULES);
    for (value, problem) in [
        ("jobs", "'jobs': an option has to follow the key-pattern"),
        (
            "a MAXLEN 1\nb MAXLEN many",
            "'b MAXLEN many': invalid MAXLEN: it is given as MAXLEN n",
        ),
    ] {
        let failed = "-ERR CONFIG SET failed (possibly related to argument 'stream-policy') - ";
        assert_eq!(
            configure(&mut client, "stream-policy", value),
            format!("{failed}{problem}")
        );
    }
    let refusal = configure(&mut client, "stream-group-policy", "a g MAXLEN 1");
    assert!(
        refusal.contains("'MAXLEN' is no option: there are ACKWAIT ms, BACKOFF"),
        "{refusal}"
    );
    assert_eq!(configured(&mut client, "stream-policy"), RULES);
    let refusal = configure(&mut client, "stream-autogroup", "yes");
    assert!(
        refusal.ends_with("argument(s) must be one of the following: no, 0, $"),
        "{refusal}"
    );
}

#[test]
fn rules_stand_in_the_file_a_line_each() {
    let path = std::env::temp_dir().join(format!("millstream-rules-{}.conf", std::process::id()));
    let file = path.to_str().unwrap();
    let text = "stream-policy * MAXLEN 100 MAXAGE 5\nhz 10\nstream-policy jobs:* maxlen 7\n\
                stream-autogroup $\nstream-group-policy \"a b\" * ORDER \"\"\n";
    std::fs::write(&path, text).unwrap();
    let server = Server::start_with_file(file, &[]);
    let mut client = server.connect();
    assert_eq!(configured(&mut client, "stream-policy"), RULES);
    assert_eq!(
        configured(&mut client, "stream-group-policy"),
        "\"a b\" * ORDER \"\""
    );
    assert_eq!(configured(&mut client, "stream-autogroup"), "$");
    assert_eq!(client.call("CONFIG REWRITE"), "+OK");
    let rewritten = std::fs::read_to_string(&path).unwrap();
    assert!(rewritten.starts_with(text), "{rewritten}");
    configure(
        &mut client,
        "stream-policy",
        "a MAXLEN 1\nb ACKED\nc MAXLEN 2",
    );
    configure(&mut client, "stream-group-policy", "");
    assert_eq!(client.call("CONFIG REWRITE"), "+OK");
    let rewritten = std::fs::read_to_string(&path).unwrap();
    let expected = "stream-policy a MAXLEN 1\nstream-policy b ACKED\nstream-policy c MAXLEN 2\nhz 10\n\
                    stream-autogroup $\nstream-group-policy \"\"\n";
    assert!(rewritten.starts_with(expected), "{rewritten}");
    drop(server);
    let mut server = Server::start_with_file(file, &[]);
    // Its file will be wrong.
    server.must_survive = false;
    let mut client = server.connect();
    assert_eq!(
        configured(&mut client, "stream-policy"),
        "a MAXLEN 1\nb ACKED\nc MAXLEN 2"
    );
    std::fs::write(
        &path,
        "hz 10\nstream-policy jobs:* MAXLEN 7\nstream-policy jobs:* MAXLAN 7\n",
    )
    .unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_millstream"))
        .arg(file)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        errors.contains(&format!("{file}, line 3: stream-policy jobs:* MAXLAN 7")),
        "{errors}"
    );
    assert!(
        errors.contains("'MAXLAN' is no option: there are IDMP-DURATION"),
        "{errors}"
    );
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_missing_group_is_made_where_that_is_wanted() {
    let mut server = Server::start(&["--stream-group-policy", "* * ACKWAIT 9"]);
    let mut client = server.connect();
    client.call("XADD s 1-1 f v");
    client.call("SET str v");
    let no_group = |key: &str| {
        format!(
            "-NOGROUP No such key '{key}' or consumer group 'g' in XREADGROUP with GROUP option"
        )
    };
    assert_eq!(
        client.call("XREADGROUP GROUP g c STREAMS s >"),
        no_group("s")
    );
    configure(&mut client, "stream-autogroup", "$");
    for bad in [
        "STREAMS s str > >",
        "STREAMS s $",
        "STREAMS s new > +",
        "STREAMS new s > x",
    ] {
        let reply = client.call(&format!("XREADGROUP GROUP g c {bad}"));
        assert!(reply.starts_with('-'), "{reply}");
        assert_eq!(client.call("EXISTS new"), ":0");
        assert_eq!(client.call("XINFO GROUPS s"), "*0");
    }
    assert_eq!(client.call("XREADGROUP GROUP g c STREAMS s new > >"), "*-1");
    let mut reader = server.connect();
    reader.send("XREADGROUP GROUP g c BLOCK 0 STREAMS s other > >");
    client.await_info("blocked_clients", 1);
    client.call("XADD s 2-1 f v");
    let entry = |id| format!("*1 *2 $1 s *1 *2 $3 {id} *2 $1 f $1 v");
    assert_eq!(reader.reply(), entry("2-1"));
    configure(&mut client, "stream-autogroup", "0");
    assert_eq!(
        client.call("XREADGROUP GROUP h c COUNT 1 STREAMS s >"),
        entry("1-1")
    );
    assert_eq!(
        client.call("XREADGROUP GROUP h c STREAMS s2 0"),
        "*1 *2 $2 s2 *0"
    );
    server.terminate();
    server.start_again(&[]);
    let mut client = server.connect();
    for (key, last) in [("s", "2-1"), ("new", "0-0"), ("other", "0-0")] {
        let groups = client.call(&format!("XINFO GROUPS {key}"));
        assert!(groups.contains("$4 name $1 g $9 consumers :1"), "{groups}");
        assert!(
            groups.contains(&format!("$17 last-delivered-id $3 {last}")),
            "{groups}"
        );
        tells(&mut client, &format!("{key} g"), "$7 ackwait :9");
    }
    tells(&mut client, "s2 h", "$7 ackwait :9");
    // What a reader waits for is made again when it is gone.
    configure(&mut client, "stream-autogroup", "0");
    client.call("XACK s g 2-1");
    let mut reader = server.connect();
    reader.send("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    client.await_info("blocked_clients", 1);
    client.call("DEL s");
    client.call("XADD s 1-1 f v");
    assert_eq!(reader.reply(), entry("1-1"));
}

#[test]
fn an_entry_that_a_stream_would_refuse_makes_none() {
    let mut server = Server::start(&[
        "--stream-policy",
        "*",
        "MAXBYTES",
        "4",
        "OVERFLOW",
        "REJECT",
    ]);
    let mut client = server.connect();
    for id in ["*", "+60000"] {
        let reply = client.call(&format!("XADD s {id} field value"));
        assert_eq!(reply, "-FULL stream is at its limit");
        assert_eq!(client.call("EXISTS s"), ":0");
    }
    assert!(client.call("XADD later +60000 f v").starts_with('$'));
    client.call("XADD dead * f v");
    client.call("XGROUP CREATE dead g 0");
    client.call("XCFGSET dead GROUP g MAXDELIVER 1 DEADLETTER letters");
    client.call("XREADGROUP GROUP g c STREAMS dead >");
    let id = client.call("XINFO STREAM dead");
    let (_, id) = id.split_once("last-generated-id $15 ").unwrap();
    assert_eq!(
        client.call(&format!("XNACK dead g FATAL IDS 1 {}", &id[..15])),
        ":1"
    );
    assert_eq!(client.call("EXISTS letters"), ":0");
    tells(&mut client, "dead g", "$20 dead-letter-failures :1");
    server.terminate();
    server.start_again(&["--stream-policy", ""]);
    let mut client = server.connect();
    tells(&mut client, "later", "$8 maxbytes :4");
    tells(&mut client, "later", "$9 scheduled :1");
    assert_eq!(client.call("EXISTS s"), ":0");
}
