//! Clients that err, lie, dawdle or vanish: each gets what Redis would give it, nobody else notices, memory stays bounded, and what
//! limits do is counted.

mod common;

use common::{Client, Random, Server, encode};
use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

const MEGABYTE: usize = 1024 * 1024;

/// What is sent, what Redis 8.2.3 answers, and whether it closes the connection then.
const EXCHANGES: &[(&[u8], &[u8], bool)] = &[
    (b"*x\r\nPING\r\n", b"-ERR Protocol error: invalid multibulk length\r\n", true),
    (b"*\r\nPING\r\n", b"-ERR Protocol error: invalid multibulk length\r\n", true),
    (b"*+1\r\nPING\r\n", b"-ERR Protocol error: invalid multibulk length\r\n", true),
    (b"*01\r\nPING\r\n", b"-ERR Protocol error: invalid multibulk length\r\n", true),
    (b"*2147483648\r\nPING\r\n", b"-ERR Protocol error: invalid multibulk length\r\n", true),
    (b"*99999999999999999999\r\n", b"-ERR Protocol error: invalid multibulk length\r\n", true),
    (b"*-1\r\nPING\r\n", b"+PONG\r\n", false),
    (b"*-2147483648\r\nPING\r\n", b"+PONG\r\n", false),
    (b"*0\r\nPING\r\n", b"+PONG\r\n", false),
    (b"*2147483647\r\n$4\r\nPING\r\n", b"", false),
    (b"*1\r\n$x\r\nPING\r\n", b"-ERR Protocol error: invalid bulk length\r\n", true),
    (b"*1\r\n$-1\r\nPING\r\n", b"-ERR Protocol error: invalid bulk length\r\n", true),
    (b"*1\r\n$\r\nPING\r\n", b"-ERR Protocol error: invalid bulk length\r\n", true),
    (b"*1\r\n$536870913\r\n", b"-ERR Protocol error: invalid bulk length\r\n", true),
    (b"*1\r\n$9223372036854775808\r\n", b"-ERR Protocol error: invalid bulk length\r\n", true),
    (b"*1\r\n*1\r\n*1\r\n*1\r\n", b"-ERR Protocol error: expected '$', got '*'\r\n", true),
    (b"*1\r\n:4\r\nPING\r\n", b"-ERR Protocol error: expected '$', got ':'\r\n", true),
    (b"*1\r\n\xff4\r\nPING\r\n", b"-ERR Protocol error: expected '$', got '\xff'\r\n", true),
    (b"*1\r\n\n4\r\nPING\r\n", b"-ERR Protocol error: expected '$', got ' '\r\n", true),
    (
        b"*1\r\n$0\r\n\r\nPING\r\n",
        b"-ERR unknown command '', with args beginning with: \r\n+PONG\r\n",
        false,
    ),
    (b"*1\r\n$4\r\nPINGxxPING\r\n", b"+PONG\r\n+PONG\r\n", false),
    (b"*1\rx$4\r\nPING\r\nPING\r\n", b"+PONG\r\n+PONG\r\n", false),
    (
        b"PING\r\nPING\r\n*x\r\nPING\r\n",
        b"+PONG\r\n+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n",
        true,
    ),
    (
        b"SET k v\r\n*1\r\n!\r\n",
        b"+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n",
        true,
    ),
    (b"ECHO \"a\r\n", b"-ERR Protocol error: unbalanced quotes in request\r\n", true),
    (b"ECHO 'a\r\n", b"-ERR Protocol error: unbalanced quotes in request\r\n", true),
    (b"ECHO \"a\"b\r\n", b"-ERR Protocol error: unbalanced quotes in request\r\n", true),
    (b"ECHO a\"b c\"\r\nPING\r\n", b"$4\r\nab c\r\n+PONG\r\n", false),
    (b"ECHO \"\\x41\\n\\q\\x4\"\r\nPING\r\n", b"$5\r\nA\nqx4\r\n+PONG\r\n", false),
    (b"ECHO 'a\\'b'\r\nPING\r\n", b"$3\r\na'b\r\n+PONG\r\n", false),
    (b"\r\n\n \r\nPING\r\n", b"+PONG\r\n", false),
    (b"PING\nPING\r\n", b"+PONG\r\n+PONG\r\n", false),
    (
        b"PING\x0b\r\nPING\r\n",
        b"-ERR unknown command 'PING\x0b', with args beginning with: \r\n+PONG\r\n",
        false,
    ),
    (
        b"\xff\xfe\r\nPING\r\n",
        b"-ERR unknown command '\xff\xfe', with args beginning with: \r\n+PONG\r\n",
        false,
    ),
    (
        b"*2\r\n$5\r\nfo\r\no\r\n$3\r\na\r\n\r\nPING\r\n",
        b"-ERR unknown command 'fo  o', with args beginning with: 'a  ' \r\n+PONG\r\n",
        false,
    ),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"", true),
    (b"POST / HTTP/1.1\r\nPING\r\n", b"", true),
    (b"P\0ING\r\nPING\r\n", b"", false),
    (b"*1\0\r\nPING\r\n", b"", false),
    (b"QUIT\r\nPING\r\n", b"+OK\r\n", true),
    (
        b"MULTI\r\nEXEC a\r\nEXEC\r\n",
        b"+OK\r\n-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n\
          -ERR EXEC without MULTI\r\n",
        false,
    ),
];

#[test]
fn replies_and_closes_are_those_of_redis() {
    let server = Server::start(&["--threads", "2"]);
    for &(sent, expected, closes) in EXCHANGES {
        let mut client = server.connect();
        client.send_raw(sent);
        let shown = sent.escape_ascii();
        if closes {
            let received = client
                .rest()
                .unwrap_or_else(|| panic!("{shown}: not closed"));
            assert_eq!(
                received.escape_ascii().to_string(),
                expected.escape_ascii().to_string(),
                "to {shown}"
            );
        } else {
            let received = client.receive_exactly(expected.len());
            assert_eq!(
                received.escape_ascii().to_string(),
                expected.escape_ascii().to_string(),
                "to {shown}"
            );
            assert!(is_open(&client), "{shown}: closed");
        }
    }
    assert_eq!(server.connect().call("GET k"), "$1 v");
}

/// True unless the server has closed or sent something more.
fn is_open(client: &Client) -> bool {
    client
        .stream
        .set_nonblocking(true)
        .expect("an open socket takes options");
    let nothing = client.stream.peek(&mut [0]).map_err(|error| error.kind());
    client
        .stream
        .set_nonblocking(false)
        .expect("an open socket takes options");
    nothing == Err(ErrorKind::WouldBlock)
}

#[test]
fn any_split_of_requests_gives_the_same_replies() {
    let server = Server::start(&["--threads", "2"]);
    let mut random = Random::from_env();
    let large = vec![b'z'; 100_000];
    let mut requests = Vec::new();
    requests.extend(encode(&[b"SET", b"large", &large]));
    requests.extend(b"ECHO \"in \\x6cine\"\r\n\r\n*0\r\n");
    requests.extend(encode(&[
        b"MSET",
        b"a",
        &large[..40_000],
        b"b",
        &large[..32_768],
        b"c",
        b"",
    ]));
    requests.extend(encode(&[b"STRLEN", b"large"]));
    requests.extend(encode(&[b"NOSUCH", b"x\r\ny"]));
    requests.extend(encode(&[b"MULTI"]));
    requests.extend(encode(&[b"GET", b"b"]));
    requests.extend(encode(&[b"EXEC"]));
    requests.extend(encode(&[
        b"RPUSH",
        b"\r\n*1\r\n",
        b"$4\r\n",
        &large[..50_000],
    ]));
    requests.extend(encode(&[b"LRANGE", b"\r\n*1\r\n", b"0", b"-1"]));
    requests.extend(b"DEL \"\\r\\n*1\\r\\n\"\r\nPING\r\nQUIT\r\n");
    let mut replies = None;
    for round in 0..30 {
        let mut client = server.connect();
        let mut rest = &requests[..];
        while !rest.is_empty() {
            let most = match round {
                0 => rest.len(),
                _ => [1, 7, 300, 40_000][random.below(4)].min(rest.len()),
            };
            let (piece, tail) = rest.split_at(1 + random.below(most));
            client.stream.write_all(piece).expect("the server reads");
            rest = tail;
        }
        let received = client.rest().expect("QUIT closes");
        assert!(received.ends_with(b"+PONG\r\n+OK\r\n"));
        assert_eq!(&received, replies.get_or_insert_with(|| received.clone()));
    }
}

#[test]
fn claims_take_no_memory_and_disturb_nobody() {
    let server = Server::start(&["--threads", "2"]);
    let mut bystander = server.connect();
    let before = server.resident_bytes();
    let mut liars: Vec<Client> = (0..400).map(|_| server.connect()).collect();
    for (number, liar) in liars.iter_mut().enumerate() {
        liar.send_raw(match number % 4 {
            0 => b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nabc",
            1 => b"*2147483647\r\n$4\r\nMGET\r\n$1\r\na\r\n",
            2 => b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n",
            _ => b"*2147483647\r\n$536870912\r\nPING",
        });
    }
    for _ in 0..200 {
        assert_eq!(bystander.call("PING"), "+PONG");
    }
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 32 * MEGABYTE, "{grown} bytes for claims");
    for liar in liars.into_iter().step_by(2) {
        liar.vanish();
    }
    bystander.await_info("connected_clients", 1);
}

#[test]
fn a_value_that_ends_at_its_claimed_size_is_kept_whole() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let value: Vec<u8> = (0..20 * MEGABYTE).map(|at| (at * 7 % 251) as u8).collect();
    assert_eq!(client.call_args(&[b"SET", b"k", &value]), "+OK");
    client.send("GET k");
    let reply = client.raw_reply();
    assert!(reply.ends_with(b"\r\n") && reply[reply.len() - 2 - value.len()..].starts_with(&value));
}

#[test]
fn keys_and_values_may_hold_any_byte() {
    let server = Server::start(&["--threads", "2"]);
    let mut client = server.connect();
    let every: Vec<u8> = (0..=255).collect();
    let names: [&[u8]; 5] = [b"", b"\0", b"\r\n", b"*3\r\n$3\r\n", &every];
    for name in names {
        let bulk =
            |bytes: &[u8]| [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        client.send_args(&[b"SET", name, &every]);
        assert_eq!(client.raw_reply(), b"+OK\r\n");
        client.send_args(&[b"GET", name]);
        assert_eq!(client.raw_reply(), bulk(&every));
        client.send_args(&[b"DEL", name]);
        assert_eq!(client.raw_reply(), b":1\r\n");
        client.send_args(&[b"XADD", name, b"1-1", name, name]);
        assert_eq!(client.raw_reply(), b"$3\r\n1-1\r\n");
        client.send_args(&[b"XRANGE", name, b"-", b"+"]);
        let entry = [
            &b"*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n"[..],
            &bulk(name),
            &bulk(name),
        ]
        .concat();
        assert_eq!(client.raw_reply(), entry);
        client.send_args(&[b"RENAME", name, b"renamed"]);
        assert_eq!(client.raw_reply(), b"+OK\r\n");
        client.send_args(&[b"RPUSH", name, name, &every]);
        assert_eq!(client.raw_reply(), b":2\r\n");
        client.send_args(&[b"LPOP", name]);
        assert_eq!(client.raw_reply(), bulk(name));
    }
    assert_eq!(client.call("DBSIZE"), ":6");
}

#[test]
fn absurd_numbers_are_errors_or_clamped() {
    let server = Server::start(&["--threads", "2"]);
    let mut client = server.connect();
    client.call("RPUSH l a b c");
    client.call("XADD s 1-1 f v");
    client.call("SET t text");
    for (command, reply) in [
        (
            "LRANGE l -9223372036854775808 9223372036854775807",
            "*3 $1 a $1 b $1 c",
        ),
        (
            "LRANGE l -9223372036854775809 1",
            "-ERR value is not an integer or out of range",
        ),
        ("LINDEX l -9223372036854775808", "$-1"),
        ("LPOP l -1", "-ERR value is out of range, must be positive"),
        (
            "LPOP l 99999999999999999999",
            "-ERR value is out of range, must be positive",
        ),
        (
            "LREM l -9223372036854775808 nothing",
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        ("LTRIM l 9223372036854775807 -9223372036854775808", "+OK"),
        ("EXISTS l", ":0"),
        (
            "GETRANGE t -9223372036854775808 9223372036854775807",
            "$4 text",
        ),
        (
            "SETRANGE t 536870912 x",
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ),
        (
            "SETRANGE t 9223372036854775807 x",
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ),
        ("SETRANGE t -1 x", "-ERR offset is out of range"),
        (
            "EXPIRE t 9223372036854775807",
            "-ERR invalid expire time in 'expire' command",
        ),
        ("PEXPIRE t -9223372036854775808", ":1"),
        (
            "XRANGE s - + COUNT 9223372036854775807",
            "*1 *2 $3 1-1 *2 $1 f $1 v",
        ),
        ("XRANGE s - + COUNT -9223372036854775808", "*-1"),
        (
            "XADD s 18446744073709551615-18446744073709551615 f v",
            "$41 18446744073709551615-18446744073709551615",
        ),
        (
            "XADD s * f v",
            "-ERR The stream has exhausted the last possible ID, unable to add more items",
        ),
        (
            "XTRIM s MAXLEN -1",
            "-ERR The MAXLEN argument must be >= 0.",
        ),
        (
            "XREAD COUNT 9223372036854775807 STREAMS s 1-0",
            "*1 *2 $1 s *2 *2 $3 1-1 *2 $1 f $1 v *2 $41 18446744073709551615-18446744073709551615 *2 $1 f $1 v",
        ),
        (
            "BLPOP l 9223372036854775807",
            "-ERR timeout is out of range",
        ),
        ("BLPOP l -1", "-ERR timeout is negative"),
        ("BLPOP l nan", "-ERR timeout is not a float or out of range"),
        ("LMPOP 9223372036854775807 l LEFT", "-ERR syntax error"),
        (
            "SELECT 9223372036854775807",
            "-ERR value is out of range, value must between -2147483648 and 2147483647",
        ),
        ("SCAN 18446744073709551616", "-ERR invalid cursor"),
        (
            "SCAN 18446744073709551615 COUNT 9223372036854775807",
            "*2 $1 0 *0",
        ),
    ] {
        assert_eq!(client.call(command), reply, "to {command}");
    }
}

#[test]
fn a_pattern_that_backtracks_does_not_hold_the_server_up() {
    let server = Server::start(&["--threads", "1"]);
    let mut client = server.connect();
    client.call(&format!("SET {} v", "a".repeat(5000)));
    let began = Instant::now();
    assert_eq!(client.call(&format!("KEYS {}b", "a*".repeat(50))), "*0");
    assert_eq!(client.call(&format!("KEYS {}b", "*".repeat(20_000))), "*0");
    assert_eq!(client.call(&format!("KEYS {}", "[".repeat(20_000))), "*0");
    assert_eq!(client.call(&format!("KEYS {}", "\\".repeat(20_000))), "*0");
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn peers_may_vanish_in_any_state() {
    let server = Server::start(&["--threads", "4"]);
    let mut bystander = server.connect();
    for key in 0..50 {
        bystander.call(&format!("RPUSH big {}", format!("{key}").repeat(5000)));
    }
    let states: &[&[u8]] = &[
        b"",
        b"*3\r\n$3\r\nSE",
        b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\nhalf of it",
        b"MULTI\r\nSET k v\r\n",
        b"MULTI\r\nSET k v\r\n*2\r\n$3\r\nGET\r\n$",
        b"WATCH a b c\r\nGET a\r\n",
        b"BLPOP q w e 0\r\n",
        b"BLMOVE q w LEFT RIGHT 0\r\nPING\r\n",
        b"XREAD BLOCK 0 STREAMS s $\r\n",
        b"XADD t 1 f v\r\nXGROUP CREATE t g $\r\nXREADGROUP GROUP g c BLOCK 0 STREAMS t >\r\n",
        b"SUBSCRIBE a b\r\nPSUBSCRIBE c*\r\nSSUBSCRIBE d\r\n",
        b"MONITOR\r\n",
        b"LRANGE big 0 -1\r\nLRANGE big 0 -1\r\nLRANGE big 0 -1\r\n",
        b"CLIENT REPLY OFF\r\nSET k v\r\n",
        b"SUBSCRIBE x\r\nQUIT\r\n",
        b"BLPOP q 0.01\r\n",
        b"HELLO 3\r\nSUBSCRIBE a\r\nBLPOP q 0\r\n",
    ];
    for round in 0..12 {
        for state in states {
            let mut client = server.connect();
            client.send_raw(state);
            match round % 3 {
                0 => client.vanish(),
                1 => drop(client),
                _ => {
                    client
                        .stream
                        .shutdown(std::net::Shutdown::Write)
                        .expect("it is connected");
                    assert!(
                        client.rest().is_some(),
                        "{}: not closed",
                        state.escape_ascii()
                    );
                }
            }
        }
        assert_eq!(bystander.call("PING"), "+PONG");
    }
    bystander.await_info("connected_clients", 1);
    assert_eq!(bystander.info("blocked_clients"), 0);
    assert_eq!(bystander.info("watching_clients"), 0);
    assert_eq!(bystander.info("pubsub_clients"), 0);
    assert_eq!(bystander.call("PUBSUB CHANNELS"), "*0");
    assert_eq!(bystander.call("PUBSUB NUMPAT"), ":0");
    assert_eq!(bystander.call("RPUSH q stays"), ":1");
    assert_eq!(bystander.call("LPOP q"), "$5 stays");
}

#[test]
fn a_slow_reader_is_closed_at_its_limit_and_counted() {
    let server = Server::start(&[
        "--threads",
        "2",
        "--client-output-buffer-limit",
        "normal",
        "8mb",
        "0",
        "0",
    ]);
    let mut client = server.connect();
    client.call_args(&[b"SET", b"k", &vec![b'x'; MEGABYTE]]);
    let before = server.resident_bytes();
    let mut slow = server.connect();
    for _ in 0..200 {
        if slow.stream.write_all(&b"GET k\r\n".repeat(1000)).is_err() {
            break;
        }
        assert_eq!(client.call("PING"), "+PONG");
    }
    client.await_info("client_output_buffer_limit_disconnections", 1);
    client.await_info("connected_clients", 1);
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 64 * MEGABYTE, "{grown} bytes for a slow reader");
}

#[test]
fn requests_beyond_the_query_limit_close_and_are_counted() {
    let server = Server::start(&["--threads", "2", "--client-query-buffer-limit", "1mb"]);
    let mut client = server.connect();
    let value = vec![b'x'; 2 * MEGABYTE];
    let mut large = server.connect();
    let _ = large.stream.write_all(&encode(&[b"SET", b"k", &value]));
    assert_eq!(large.rest(), Some(Vec::new()));
    client.await_info("client_query_buffer_limit_disconnections", 1);
    let mut queueing = server.connect();
    let _ = queueing.stream.write_all(b"MULTI\r\n");
    for _ in 0..30 {
        let _ = queueing
            .stream
            .write_all(&encode(&[b"SET", b"k", &value[..100_000]]));
    }
    let replies = queueing.rest().expect("the server closes");
    assert!(replies.starts_with(b"+OK\r\n+QUEUED\r\n"));
    client.await_info("client_query_buffer_limit_disconnections", 2);
    // What has been executed no longer counts.
    for _ in 0..30 {
        assert_eq!(client.call_args(&[b"SET", b"k", &value[..500_000]]), "+OK");
    }
    let many: Vec<&[u8]> = std::iter::once(&b"DEL"[..])
        .chain(std::iter::repeat_n(&b"abcdef"[..], 200_000))
        .collect();
    assert_eq!(client.call_args(&many), ":0");
}

#[test]
fn strangers_get_little_room() {
    let server = Server::start(&["--threads", "2", "--requirepass", "secret"]);
    let mut client = server.connect();
    assert_eq!(client.call("GET k"), "-NOAUTH Authentication required.");
    client.send_raw(b"*11\r\n");
    let expected = b"-ERR Protocol error: unauthenticated multibulk length\r\n".to_vec();
    assert_eq!(client.rest(), Some(expected));
    let mut client = server.connect();
    client.send_raw(b"*2\r\n$4\r\nAUTH\r\n$16385\r\n");
    let expected = b"-ERR Protocol error: unauthenticated bulk length\r\n".to_vec();
    assert_eq!(client.rest(), Some(expected));
    let mut flood = server.connect();
    let _ = flood.stream.write_all(&b"GET k\r\n".repeat(200_000));
    assert!(flood.rest().is_some(), "replies gather for a stranger");
    let mut friend = server.connect();
    friend.send_raw(b"AUTH secret\r\n");
    friend.send_raw(&encode(&[b"ECHO", &vec![b'x'; 20_000]]));
    assert_eq!(friend.reply(), "+OK");
    assert!(friend.reply().starts_with("$20000 "));
}

#[test]
fn clients_beyond_maxclients_are_told_and_counted() {
    let server = Server::start(&["--threads", "4", "--maxclients", "10"]);
    let mut clients: Vec<Client> = (0..10).map(|_| server.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.call("PING"), "+PONG");
    }
    for _ in 0..5 {
        let told = server.connect().rest();
        assert_eq!(
            told,
            Some(b"-ERR max number of clients reached\r\n".to_vec())
        );
    }
    assert_eq!(clients[0].info("rejected_connections"), 5);
    drop(clients.pop());
    clients[0].await_info("connected_clients", 9);
    assert_eq!(server.connect().call("PING"), "+PONG");
}

#[test]
fn connections_that_waited_for_a_descriptor_are_served_in_the_end() {
    let server = Server::start_with_descriptors(60, &["--threads", "2"]);
    let mut clients: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send("PING");
    }
    // Each leaves as it has been served, which makes room for another.
    for mut client in clients {
        assert_eq!(client.reply(), "+PONG");
    }
}

#[test]
fn a_half_request_may_take_its_time() {
    let server = Server::start(&["--threads", "1", "--timeout", "1"]);
    let (mut slow, mut idle, mut waiting) = (server.connect(), server.connect(), server.connect());
    waiting.send("BLPOP q 0");
    idle.send_raw(b"*2\r\n$4\r\nECHO\r\n$5\r\nhe");
    let request = encode(&[b"ECHO", b"there you are"]);
    for piece in request.chunks(request.len() / 3) {
        slow.send_raw(piece);
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(slow.reply(), "$13 there you are");
    assert!(idle.is_closed(), "an idle client is closed at its timeout");
    let mut producer = server.connect();
    assert_eq!(producer.call("RPUSH q x"), ":1");
    assert_eq!(waiting.reply(), "*2 $1 q $1 x");
}
