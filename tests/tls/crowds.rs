//! Crowds of those who never finish what they begin, a handshake or a request: they keep nobody out.

use crate::Secured;
use crate::common::{Client, Server};
use crate::peer::Peer;
use millstream::base::process;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connections that do not go on, if the system allows as many.
const CROWD: usize = 10_000;
/// What a client among them may wait for its first reply; most of it is other tests' doing.
const SERVED_WITHIN: Duration = Duration::from_secs(9);

/// One crowd at a time, and how many may be in it: each is a descriptor here and one in the server.
fn crowd() -> (MutexGuard<'static, ()>, usize) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let allowed = process::allow_clients(CROWD as u32 + 2000) as usize;
    (alone, CROWD.min(allowed.saturating_sub(2000)).max(500))
}

fn is_served(peer: &mut Peer) {
    let began = Instant::now();
    assert_eq!(peer.call("PING"), "+PONG");
    assert!(began.elapsed() < SERVED_WITHIN, "{:?}", began.elapsed());
}

#[test]
fn who_never_finishes_keeps_nobody_out() {
    let (_alone, size) = crowd();
    let secured = Secured::start(&["--maxclients", "20", "--enable-debug-command", "yes"]);
    let mut before = secured.connect();
    is_served(&mut before);
    let mut crowd: Vec<Client> = Vec::new();
    for n in 0..size {
        let mut client = Client::connect(secured.port);
        // Some begin as if they meant it: the head of a record whose rest never comes.
        if n % 3 == 0 {
            client.send_raw(b"\x16\x03\x01\x02\x00\x01");
        }
        crowd.push(client);
        if n % 1000 == 0 {
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
    plain.await_info("tls_handshakes_failed", size as i64);
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
    let _alone = crowd();
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

/// Plain clients are clients from the beginning, so they take places within `maxclients`, but little else.
#[test]
fn who_never_finishes_a_request_costs_little() {
    let (_alone, size) = crowd();
    let maxclients = (size + 100).to_string();
    let server = Server::start(&["--threads", "2", "--maxclients", &maxclients]);
    let mut before = server.connect();
    let bytes_before = server.resident_bytes();
    let mut crowd: Vec<Client> = Vec::new();
    for n in 0..size {
        let mut client = server.connect();
        client.send_raw(b"*2\r\n$3\r\nGE");
        crowd.push(client);
        if n % 1000 == 0 {
            let began = Instant::now();
            assert_eq!(before.call("PING"), "+PONG");
            assert_eq!(server.connect().call("PING"), "+PONG");
            assert!(began.elapsed() < SERVED_WITHIN, "{:?}", began.elapsed());
        }
    }
    before.await_info("connected_clients", size as i64 + 1);
    let bytes_each = server.resident_bytes().saturating_sub(bytes_before) / size;
    assert!(bytes_each < 16 * 1024, "{bytes_each} bytes each");
    for client in crowd.iter_mut().step_by(97) {
        client.send_raw(b"T\r\n$1\r\nk\r\n");
        assert_eq!(client.reply(), "$-1");
    }
}
