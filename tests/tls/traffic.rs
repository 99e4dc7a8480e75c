//! What goes through: pipelines, large values, slow readers, messages, waits.

use crate::Secured;
use std::io::Write;
use std::time::Duration;

const LARGE: usize = 1_000_000;

#[test]
fn a_pipeline_in_one_piece_and_byte_by_byte() {
    let secured = Secured::start(&[]);
    let mut peer = secured.connect();
    let request = b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n";
    peer.stream.write_all(&request.repeat(5000)).unwrap();
    for n in 1..=5000 {
        assert_eq!(peer.reply(), format!(":{n}"));
    }
    for byte in request {
        peer.stream.write_all(&[*byte]).unwrap();
    }
    assert_eq!(peer.reply(), ":5001");
}

#[test]
fn large_values_both_ways() {
    let secured = Secured::start(&[]);
    let mut peer = secured.connect();
    for size in [1, 4095, 16_384, 16_385, 65_536, LARGE, 20 * LARGE] {
        let value: Vec<u8> = (0..size).map(|n| (n * 7 % 251) as u8).collect();
        peer.send_args(&[b"SET", b"large", &value]);
        assert_eq!(peer.reply(), "+OK");
        peer.send("GET large");
        let reply = peer.raw_reply().unwrap();
        let head = format!("${size}\r\n");
        assert!(
            reply.starts_with(head.as_bytes()) && reply[head.len()..].starts_with(&value),
            "{size} bytes"
        );
    }
}

/// Replies gather while the client does not read; then they come, in order and whole.
#[test]
fn a_slow_reader_gets_everything() {
    let secured = Secured::start(&[]);
    let mut peer = secured.connect();
    let value = vec![b'v'; LARGE];
    peer.send_args(&[b"SET", b"large", &value]);
    assert_eq!(peer.reply(), "+OK");
    for n in 0..40 {
        peer.send("GET large");
        peer.send(&format!("ECHO {n}"));
    }
    let mut other = secured.server.connect();
    for _ in 0..100 {
        assert_eq!(other.call("PING"), "+PONG");
        std::thread::sleep(Duration::from_millis(2));
    }
    for n in 0..40 {
        assert_eq!(
            peer.raw_reply().unwrap().len(),
            LARGE + "$1000000\r\n\r\n".len()
        );
        let text = n.to_string();
        assert_eq!(peer.reply(), format!("${} {n}", text.len()));
    }
}

#[test]
fn messages_cross_between_plain_and_tls_clients() {
    let secured = Secured::start(&[]);
    let mut subscribers: Vec<_> = (0..4).map(|_| secured.connect()).collect();
    for subscriber in &mut subscribers {
        assert!(subscriber.call("HELLO 3").starts_with('%'));
        assert_eq!(
            subscriber.call("SUBSCRIBE news"),
            ">3 $9 subscribe $4 news :1"
        );
    }
    let mut plain = secured.server.connect();
    for n in 0..500 {
        assert_eq!(plain.call(&format!("PUBLISH news {n:03}")), ":4");
    }
    let large = vec![b'm'; 300_000];
    assert_eq!(plain.call_args(&[b"PUBLISH", b"news", &large]), ":4");
    for subscriber in &mut subscribers {
        for n in 0..500 {
            assert_eq!(
                subscriber.reply(),
                format!(">3 $7 message $4 news $3 {n:03}")
            );
        }
        assert!(subscriber.raw_reply().unwrap().len() > large.len());
        assert_eq!(subscriber.call("PING"), "+PONG");
    }
}

#[test]
fn blocked_clients_are_served() {
    let secured = Secured::start(&[]);
    let mut blocked: Vec<_> = (0..4).map(|_| secured.connect()).collect();
    for (n, peer) in blocked.iter_mut().enumerate() {
        peer.send(&format!("BLPOP list{n} 20"));
    }
    secured.server.await_blocked(4);
    let mut pusher = secured.connect();
    for n in 0..4 {
        assert_eq!(pusher.call(&format!("RPUSH list{n} element")), ":1");
    }
    for (n, peer) in blocked.iter_mut().enumerate() {
        assert_eq!(peer.reply(), format!("*2 $5 list{n} $7 element"));
    }
    assert_eq!(blocked[0].call("BLPOP none 0.05"), "*-1");
    blocked[1].send("BLPOP none 0");
    // What comes while a client waits is executed when it does no more.
    blocked[1].send("PING");
    secured.server.await_blocked(1);
    assert_eq!(pusher.call("LPUSH none x"), ":1");
    assert_eq!(blocked[1].reply(), "*2 $4 none $1 x");
    assert_eq!(blocked[1].reply(), "+PONG");
}

#[test]
fn clients_are_listed_and_killed_like_others() {
    let secured = Secured::start(&[]);
    let (mut peer, mut observer) = (secured.connect(), secured.server.connect());
    let id = peer.call("CLIENT ID").trim_start_matches(':').to_string();
    let line = observer.call(&format!("CLIENT LIST ID {id}"));
    let port = secured.port;
    assert!(
        line.contains(&format!(" laddr=127.0.0.1:{port} ")) && line.contains(" flags=N "),
        "{line}"
    );
    assert_eq!(observer.call(&format!("CLIENT KILL ID {id}")), ":1");
    assert!(peer.is_closed_in_order());
}

#[test]
fn a_blocked_client_that_goes_is_forgotten() {
    let secured = Secured::start(&[]);
    let mut peer = secured.connect();
    peer.send("BLPOP list 0");
    secured.server.await_blocked(1);
    drop(peer);
    secured.server.await_blocked(0);
    let mut observer = secured.server.connect();
    observer.await_info("connected_clients", 1);
}

#[test]
fn a_server_that_stops_says_goodbye() {
    let mut secured = Secured::start(&[]);
    let mut peer = secured.connect();
    assert_eq!(peer.call("SET k v"), "+OK");
    assert_eq!(secured.server.terminate(), Some(0));
    assert!(peer.is_closed_in_order());
}
