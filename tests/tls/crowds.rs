//! Those who never finish a handshake: they keep nobody out and are not kept for ever.

use crate::Secured;
use crate::common::Client;
use crate::peer::Peer;
use std::io::Write;
use std::time::{Duration, Instant};

/// Connections that stay half-open; the server may have some more descriptors than that.
const CROWD: usize = 3000;
/// What a client among them may wait for its first reply; most of it is other tests' doing.
const SERVED_WITHIN: Duration = Duration::from_secs(5);

fn is_served(peer: &mut Peer) {
    let began = Instant::now();
    assert_eq!(peer.call("PING"), "+PONG");
    assert!(began.elapsed() < SERVED_WITHIN, "{:?}", began.elapsed());
}

#[test]
fn who_never_finishes_keeps_nobody_out() {
    let secured = Secured::start(&["--maxclients", "20", "--enable-debug-command", "yes"]);
    let mut before = secured.connect();
    is_served(&mut before);
    let mut crowd: Vec<Client> = Vec::new();
    for n in 0..CROWD {
        let mut client = Client::connect(secured.port);
        // Some begin as if they meant it: the head of a record whose rest never comes.
        if n % 3 == 0 {
            client.send_raw(b"\x16\x03\x01\x02\x00\x01");
        }
        crowd.push(client);
        if n % 500 == 0 {
            is_served(&mut before);
            is_served(&mut secured.connect());
        }
    }
    let mut plain = secured.server.connect();
    assert_eq!(plain.call("PING"), "+PONG");
    is_served(&mut secured.connect());
    plain.await_info("connected_clients", 2);
    // In time, those that are left are closed too.
    assert_eq!(plain.call("DEBUG CLOCK PASS 11000"), "+OK");
    plain.await_info("tls_handshakes_failed", CROWD as i64);
    for client in &mut crowd {
        assert!(client.is_closed());
    }
    is_served(&mut before);
}

#[test]
fn a_handshake_byte_by_byte_is_still_one() {
    let secured = Secured::start(&["--tls-auth-clients", "no"]);
    let mut peer = secured.connect_anonymously();
    let mut hello = Vec::new();
    peer.stream.conn.write_tls(&mut hello).unwrap();
    for byte in hello {
        peer.stream.sock.write_all(&[byte]).unwrap();
    }
    is_served(&mut peer);
}

/// A crowd that sends a first message each, so that the server has to sign for every one, and then nothing more.
#[test]
fn who_makes_the_server_sign_stalls_nobody() {
    let secured = Secured::start(&[]);
    let mut before = secured.connect();
    is_served(&mut before);
    let mut crowd = Vec::new();
    for _ in 0..1500 {
        let mut peer = secured.connect();
        peer.stream.conn.write_tls(&mut peer.stream.sock).unwrap();
        crowd.push(peer);
    }
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(before.call("PING"), "+PONG");
    }
    assert!(began.elapsed() < SERVED_WITHIN, "{:?}", began.elapsed());
    is_served(&mut secured.connect());
}
