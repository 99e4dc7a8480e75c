//! Access control across cores, transactions, files and restarts. Replies and rules are compared with Redis's by the differential scripts.

mod common;

use common::{Client, Server};

const NO_KEY: &str = "-NOPERM No permissions to access a key";

/// A client that speaks for a user with these rules, whose password does not matter.
fn client_of(server: &Server, user: &str, rules: &str) -> Client {
    let mut admin = server.connect();
    let set = admin.call(&format!("ACL SETUSER {user} reset on nopass {rules}"));
    assert_eq!(set, "+OK", "{rules}");
    let mut client = server.connect();
    assert_eq!(client.call(&format!("AUTH {user} x")), "+OK");
    client
}

#[test]
fn a_change_holds_on_every_core_for_the_next_command() {
    let server = Server::start(&["--threads", "4"]);
    let mut admin = server.connect();
    let mut clients: Vec<Client> = (0..8)
        .map(|_| client_of(&server, "ann", "~* +@all"))
        .collect();
    for turn in 0..50 {
        let rule = if turn % 2 == 0 { "-get" } else { "+@all" };
        assert_eq!(admin.call(&format!("ACL SETUSER ann {rule}")), "+OK");
        for client in &mut clients {
            let denied = client.call("GET k").starts_with("-NOPERM");
            assert_eq!(denied, turn % 2 == 0, "turn {turn}");
        }
    }
}

#[test]
fn no_way_around_the_rules_leads_through_a_transaction() {
    let server = Server::start(&["--threads", "2"]);
    let mut admin = server.connect();
    let mut client = client_of(&server, "ann", "~mine* +@all -flushall");
    admin.call("SET other secret");
    assert_eq!(client.call("MULTI"), "+OK");
    assert_eq!(client.call("GET other"), NO_KEY);
    assert_eq!(client.call("GET mine"), "+QUEUED");
    assert!(client.call("EXEC").starts_with("-EXECABORT"));
    // What was queued by one user is run for another.
    client_of(&server, "bob", "~* +@all");
    let mut bob = client_of(&server, "bob", "~* +@all");
    for command in ["MULTI", "AUTH ann x", "GET other", "FLUSHALL", "GET mine"] {
        bob.call(command);
    }
    let replies = bob.call("EXEC");
    assert_eq!(
        replies.matches("-NOPERM ACLs rules changed").count(),
        2,
        "{replies}"
    );
    // And what was queued before the rules changed.
    client.call("MULTI");
    client.call("SET mine 1");
    admin.call("ACL SETUSER ann resetkeys ~elsewhere");
    assert!(
        client
            .call("EXEC")
            .contains("no permission to touch the specified keys")
    );
    assert_eq!(admin.call("EXISTS mine"), ":0");
    assert_eq!(admin.call("GET other"), "$6 secret");
}

#[test]
fn who_waits_is_served_only_what_it_still_may_have() {
    let server = Server::start(&["--threads", "2"]);
    let mut admin = server.connect();
    let mut client = client_of(&server, "ann", "~jobs +@all");
    client.send("BLPOP jobs 0");
    server.await_blocked(1);
    admin.call("ACL SETUSER ann resetkeys");
    assert_eq!(admin.call("RPUSH jobs a"), ":1");
    assert_eq!(client.reply(), NO_KEY);
    assert_eq!(admin.call("LLEN jobs"), ":1");
}

#[test]
fn who_waits_in_other_ways_gets_nothing_it_may_not_have_any_more() {
    let server = Server::start(&["--threads", "2"]);
    let mut admin = server.connect();
    admin.call("XGROUP CREATE stream g $ MKSTREAM");
    for (wait, taken_away, feed, left) in [
        (
            "BLMOVE list mine LEFT LEFT 0",
            "~list ~stream",
            "RPUSH list a",
            "LLEN list",
        ),
        (
            "BLMOVE list mine LEFT LEFT 0",
            "-blmove",
            "RPUSH list a",
            "LLEN list",
        ),
        ("BZPOPMIN set 0", "%R~set", "ZADD set 1 a", "ZCARD set"),
        (
            "XREADGROUP GROUP g c BLOCK 0 STREAMS stream >",
            "%W~stream",
            "XADD stream * f v",
            "XLEN stream",
        ),
    ] {
        admin.call("DEL list set");
        let mut client = client_of(&server, "ann", "~list ~mine ~set ~stream +@all");
        client.send(wait);
        server.await_blocked(1);
        let keys = if taken_away.starts_with('-') {
            ""
        } else {
            "resetkeys "
        };
        assert_eq!(
            admin.call(&format!("ACL SETUSER ann {keys}{taken_away}")),
            "+OK"
        );
        admin.call(feed);
        let reply = client.reply();
        assert!(reply.starts_with("-NOPERM"), "{wait}: {reply}");
        assert_eq!(admin.call(left), ":1", "{wait}");
        assert_eq!(admin.call("EXISTS mine"), ":0");
    }
    let pending = admin.call("XPENDING stream g");
    assert!(pending.starts_with("*4 :0 "), "{pending}");
}

/// What commands that name no forbidden key might reach it by.
const WAYS_AROUND: [&str; 24] = [
    "COPY mine:s other",
    "RENAME mine:s other",
    "RENAMENX mine:s other2",
    "MOVE other 1",
    "SMOVE mine:set other m",
    "LMOVE mine:list other LEFT LEFT",
    "BLMOVE other mine:list LEFT LEFT 0",
    "LMPOP 2 mine:none other LEFT",
    "BITOP NOT other mine:s",
    "SUNIONSTORE other mine:set",
    "SUNIONSTORE mine:copy other",
    "ZUNIONSTORE mine:z 2 mine:z other",
    "ZRANGESTORE other mine:z 0 -1",
    "SORT mine:list BY other*",
    "SORT mine:list BY nosort GET other*",
    "SORT mine:list STORE other",
    "XREAD STREAMS mine other 0 0",
    "XREADGROUP GROUP g c STREAMS mine other > >",
    "XCFGSET mine GROUP g DEADLETTER other",
    "XREDRIVE mine TO other",
    "FCALL peek 0 other",
    "FCALL peek 1 mine:s other",
    "EVAL #script 0 other",
    "EVAL_RO #script 1 mine:s other",
];

#[test]
fn no_way_around_the_rules_leads_through_what_commands_reach_for() {
    let server = Server::start(&["--threads", "2"]);
    let mut admin = server.connect();
    let library = "#!lua name=l\nredis.register_function{function_name='peek', callback=function(k,a) return redis.call('LLEN',a[1]) end, flags={'no-writes'}}";
    assert_eq!(
        admin.call_args(&[b"FUNCTION", b"LOAD", library.as_bytes()]),
        "$1 l"
    );
    for command in [
        "RPUSH other secret",
        "XGROUP CREATE mine g 0 MKSTREAM",
        "SET mine:s v",
        "SADD mine:set m",
        "RPUSH mine:list 1",
        "ZADD mine:z 1 m",
    ] {
        assert!(!admin.call(command).starts_with('-'), "{command}");
    }
    let before = admin.call("DUMP other");
    let mut ann = client_of(&server, "ann", "~mine* +@all");
    let call = |client: &mut Client, words: &str| {
        let script = "return redis.call('LLEN', ARGV[1])";
        let words: Vec<&[u8]> = words
            .split(' ')
            .map(|word| if word == "#script" { script } else { word })
            .map(str::as_bytes)
            .collect();
        client.call_args(&words)
    };
    for way in WAYS_AROUND {
        let reply = call(&mut ann, way);
        assert!(reply.contains("permission"), "{way}: {reply}");
        // Neither does it by way of a transaction, or of a script.
        ann.call("MULTI");
        call(&mut ann, way);
        let reply = ann.call("EXEC");
        let denied = reply.starts_with("-EXECABORT") || reply.contains("permission");
        assert!(denied, "{way} in a transaction: {reply}");
    }
    assert_eq!(admin.call("DUMP other"), before);
    assert_eq!(admin.call("EXISTS other2 mine:copy"), ":0");
}

#[test]
fn a_letter_is_sent_only_where_its_sender_may_write() {
    let server = Server::start(&["--threads", "2"]);
    let mut admin = server.connect();
    let mut ann = client_of(&server, "ann", "~mine* +@all");
    admin.call("XADD other 1-0 f v");
    ann.call("XADD mine 1-0 f forged dead-stream other dead-group g dead-id 9-0");
    ann.call("XADD mine 2-0 f honest dead-stream mine:jobs dead-group g dead-id 9-0");
    assert_eq!(ann.call("XREDRIVE mine"), "*2 :-1 :2");
    assert_eq!(admin.call("XLEN other"), ":1");
    assert_eq!(admin.call("XLEN mine:jobs"), ":1");
    assert_eq!(admin.call("XREDRIVE mine"), "*1 :2");
    assert_eq!(admin.call("XLEN other"), ":2");
    // Where letters go is said by who may write there, be it by a payload.
    admin.call("XGROUP CREATE elsewhere g 0 MKSTREAM");
    admin.call("XCFGSET elsewhere GROUP g DEADLETTER other");
    admin.send("DUMP elsewhere");
    let dumped = admin.raw_reply();
    let begin = dumped.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let payload = &dumped[begin..dumped.len() - 2];
    let restored = ann.call_args(&[b"RESTORE", b"mine:copy", b"0", payload]);
    assert!(restored.starts_with("-NOPERM"), "{restored}");
    assert_eq!(
        admin.call_args(&[b"RESTORE", b"mine:copy", b"0", payload]),
        "+OK"
    );
    // Nor by a copy of what may only be read.
    admin.call("ACL SETUSER ann %R~elsewhere");
    let copied = ann.call("COPY elsewhere mine:copied");
    assert!(copied.starts_with("-NOPERM"), "{copied}");
    assert_eq!(admin.call("COPY elsewhere mine:copied"), ":1");
    ann.call("XGROUP CREATE mine g 0");
    assert_eq!(ann.call("XCFGSET mine GROUP g DEADLETTER mine:dead"), "+OK");
    assert_eq!(ann.call("COPY mine mine:twin"), ":1");
    assert!(
        ann.call("XCFGSET mine GROUP g DEADLETTER other")
            .starts_with("-NOPERM")
    );
    assert_eq!(admin.call("XCFGSET mine GROUP g DEADLETTER other"), "+OK");
    assert_eq!(ann.call("XCFGSET mine GROUP g MAXDELIVER 2"), "+OK");
}

#[test]
fn who_may_not_listen_any_more_hears_nothing_more() {
    let server = Server::start(&["--threads", "4"]);
    let mut admin = server.connect();
    for _ in 0..20 {
        let mut client = client_of(&server, "ann", "&news +@all");
        client.call("SUBSCRIBE news");
        admin.send_raw(b"ACL SETUSER ann resetchannels\r\nPUBLISH news x\r\n");
        assert_eq!(admin.reply(), "+OK");
        admin.reply();
        let rest = client.rest().expect("it is closed");
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

#[test]
fn who_is_removed_is_closed() {
    let server = Server::start(&["--threads", "4"]);
    let mut admin = server.connect();
    let mut clients: Vec<Client> = (0..8)
        .map(|_| client_of(&server, "ann", "~* +@all"))
        .collect();
    clients[0].send("BLPOP nothing 0");
    server.await_blocked(1);
    assert_eq!(admin.call("ACL DELUSER ann bob"), ":1");
    for client in &mut clients {
        assert!(client.is_closed());
    }
    assert_eq!(
        server.connect().call("AUTH ann x"),
        "-WRONGPASS invalid username-password pair or user is disabled."
    );
}

#[test]
fn before_a_password_nothing_runs_but_the_handshake() {
    let server = Server::start(&["--requirepass", "secret"]);
    let mut client = server.connect();
    for command in [
        "GET k",
        "ACL WHOAMI",
        "CONFIG GET *",
        "SUBSCRIBE x",
        "MULTI",
        "MONITOR",
        "NOSUCH",
    ] {
        let reply = client.call(command);
        assert!(
            reply.starts_with("-NOAUTH") || reply.starts_with("-ERR unknown"),
            "{command}: {reply}"
        );
    }
    let many = vec![b"x".as_slice(); 11];
    client.send_args(&many);
    assert_eq!(
        client.reply(),
        "-ERR Protocol error: unauthenticated multibulk length"
    );
    let mut client = server.connect();
    client.send_args(&[b"AUTH", &[b'x'; 16_385]]);
    assert_eq!(
        client.reply(),
        "-ERR Protocol error: unauthenticated bulk length"
    );
    let mut client = server.connect();
    assert_eq!(client.call("AUTH default secret"), "+OK");
    assert_eq!(client.call("ACL WHOAMI"), "$7 default");
}

fn scratch(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("millstream-acl-{name}-{}", std::process::id()))
}

#[test]
fn users_are_kept_in_a_file_of_their_own() {
    let path = scratch("users");
    std::fs::write(
        &path,
        "user ann on >x ~a* +get (~b* +set)\nuser zoe on nopass\n",
    )
    .expect("writable");
    let file = path.display().to_string();
    let mut server = Server::start(&["--threads", "2", "--aclfile", &file]);
    let mut admin = server.connect();
    let mut ann = server.connect();
    assert_eq!(ann.call("AUTH ann x"), "+OK");
    assert_eq!(ann.call("GET a"), "$-1");
    let mut zoe = server.connect();
    assert_eq!(zoe.call("AUTH zoe x"), "+OK");
    admin.call("ACL SETUSER bob on >y %R~c* &n +@read");
    assert_eq!(admin.call("ACL SAVE"), "+OK");
    let saved = std::fs::read_to_string(&path).expect("it is there");
    assert_eq!(saved.lines().count(), 4, "{saved}");
    let listed = admin.call("ACL LIST");
    // A file with an error changes nothing, one without changes all.
    std::fs::write(&path, "user ann on >x ~a* +get\nuser bob +nosuch\n").expect("writable");
    assert!(
        admin
            .call("ACL LOAD")
            .contains("Error in applying operation '+nosuch'")
    );
    assert_eq!(admin.call("ACL LIST"), listed);
    std::fs::write(
        &path,
        saved.replace("~a*", "~d*").replace("user zoe", "user yan"),
    )
    .expect("writable");
    assert_eq!(admin.call("ACL LOAD"), "+OK");
    assert!(zoe.is_closed());
    assert_eq!(ann.call("GET a"), NO_KEY);
    assert_eq!(ann.call("GET d"), "$-1");
    let listed = admin.call("ACL LIST");
    server.kill();
    server.start_again(&[]);
    assert_eq!(server.connect().call("ACL LIST"), listed);
    drop(server);
    std::fs::remove_file(&path).expect("it is there");
}

#[test]
fn users_are_written_with_the_configuration() {
    let path = scratch("configuration");
    std::fs::write(&path, "# mine\nuser ann on nopass ~a* +get\nhz 20\n").expect("writable");
    let file = path.display().to_string();
    let listed = {
        let server = Server::start_with_file(&file, &[]);
        let mut admin = server.connect();
        admin.call("ACL SETUSER ann +set (%R~b +@all)");
        admin.call("ACL SETUSER bob on >y &n");
        assert_eq!(admin.call("CONFIG REWRITE"), "+OK");
        admin.call("ACL LIST")
    };
    let text = std::fs::read_to_string(&path).expect("it is there");
    assert!(text.starts_with("# mine\nuser ann on nopass"), "{text}");
    assert_eq!(text.matches("user ").count(), 3, "{text}");
    let server = Server::start_with_file(&file, &[]);
    assert_eq!(server.connect().call("ACL LIST"), listed);
    drop(server);
    std::fs::remove_file(&path).expect("it is there");
}

#[test]
fn renamed_commands_are_logged_by_their_own_names() {
    let renamed = [
        "--rename-command",
        "RPUSH",
        "push",
        "--rename-command",
        "FLUSHALL",
        "",
    ];
    let mut server = Server::start(&[&["--appendonly", "yes"][..], &renamed].concat());
    let mut client = server.connect();
    assert!(
        client
            .call("RPUSH k a")
            .starts_with("-ERR unknown command 'RPUSH'")
    );
    assert!(
        client
            .call("FLUSHALL")
            .starts_with("-ERR unknown command 'FLUSHALL'")
    );
    assert_eq!(client.call("Push k a"), ":1");
    client.call("MULTI");
    client.call("push k b");
    assert_eq!(client.call("EXEC"), "*1 :2");
    client.send("BLPOP waiting 0");
    server.await_blocked(1);
    assert_eq!(server.connect().call("PUSH waiting x"), ":1");
    assert_eq!(client.reply(), "*2 $7 waiting $1 x");
    client.send("SHUTDOWN");
    server.await_exit();
    server.start_again(&[]);
    assert_eq!(server.connect().call("LRANGE k 0 -1"), "*2 $1 a $1 b");
}

#[test]
fn renamed_commands_are_known_by_their_own_names_after_a_long_script_too() {
    let arguments = [
        "--appendonly",
        "yes",
        "--threads",
        "1",
        "--busy-reply-threshold",
        "50",
        "--rename-command",
        "RPUSH",
        "push",
        "--rename-command",
        "BLPOP",
        "await",
    ];
    let mut server = Server::start(&arguments);
    let (mut client, mut other) = (server.connect(), server.connect());
    client.send_args(&[b"EVAL", b"while true do end", b"1", b"k"]);
    let busy = |reply: &str| reply.starts_with("-BUSY");
    while !busy(&other.call("GET k")) {}
    assert_eq!(other.call("SCRIPT KILL"), "+OK");
    assert!(client.reply().starts_with("-ERR Script killed"));
    client.send("AWAIT waiting 0");
    server.await_blocked(1);
    assert_eq!(other.call("PUSH waiting x"), ":1");
    assert_eq!(client.reply(), "*2 $7 waiting $1 x");
    assert_eq!(other.call("PUSH k a"), ":1");
    assert_eq!(server.terminate(), Some(0));
    server.start_again(&[]);
    assert_eq!(server.connect().call("LRANGE k 0 -1"), "*1 $1 a");
}
