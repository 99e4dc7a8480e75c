//! Changes while the server runs: certificates by CONFIG SET, sessions that are resumed or not.

use crate::Secured;
use crate::peer::Peer;
use rustls::HandshakeKind;

const REFUSAL: &str = "Unable to update TLS configuration. Check server logs.";

#[test]
fn a_certificate_changes_for_connections_to_come() {
    let secured = Secured::start(&[]);
    let certificates = &secured.certificates;
    let mut before = secured.connect();
    assert_eq!(before.call("PING"), "+PONG");
    let first = before.server_certificate();
    certificates.issue("server2");
    let (crt, key) = (
        certificates.path("server2.crt"),
        certificates.path("server2.key"),
    );
    let set = format!("CONFIG SET tls-cert-file {crt} tls-key-file {key}");
    assert_eq!(before.call(&set), "+OK");
    assert_eq!(before.call("PING"), "+PONG");
    let mut after = secured.connect();
    assert_eq!(after.call("PING"), "+PONG");
    assert_eq!(after.server_certificate(), certificates.read("server2.crt"));
    assert_ne!(after.server_certificate(), first);
    // The same files, with something else in them.
    certificates.issue("server2");
    assert_eq!(after.call(&set), "+OK");
    let mut renewed = secured.connect();
    assert_eq!(renewed.call("PING"), "+PONG");
    assert_eq!(
        renewed.server_certificate(),
        certificates.read("server2.crt")
    );
    assert_ne!(renewed.server_certificate(), after.server_certificate());
}

#[test]
fn a_change_that_is_wrong_changes_nothing() {
    let secured = Secured::start(&[]);
    let certificates = &secured.certificates;
    let mut peer = secured.connect();
    let files = peer.call("CONFIG GET tls-*");
    certificates.write("broken.crt", "nothing");
    for (name, value) in [
        ("tls-cert-file", certificates.path("broken.crt")),
        ("tls-cert-file", certificates.path("client.crt")),
        ("tls-key-file", certificates.path("client.key")),
        ("tls-key-file", "/nosuch".into()),
        ("tls-ca-cert-file", String::new()),
        ("tls-protocols", "SSLv3".into()),
        ("tls-ciphers", "NULL".into()),
    ] {
        let set: [&[u8]; 6] = [
            b"CONFIG",
            b"SET",
            name.as_bytes(),
            value.as_bytes(),
            b"hz",
            b"20",
        ];
        peer.send_args(&set);
        let expected =
            format!("-ERR CONFIG SET failed (possibly related to argument '{name}') - {REFUSAL}");
        assert_eq!(peer.reply(), expected);
    }
    assert_eq!(peer.call("CONFIG GET tls-*"), files);
    assert_eq!(peer.call("CONFIG GET hz"), "*2 $2 hz $2 10");
    let mut other = secured.connect();
    assert_eq!(other.call("PING"), "+PONG");
    assert_eq!(other.server_certificate(), certificates.read("server.crt"));
}

#[test]
fn who_is_asked_for_a_certificate_changes() {
    let secured = Secured::start(&[]);
    assert!(secured.connect_anonymously().try_call("PING").is_err());
    let mut admin = secured.connect();
    assert_eq!(admin.call("CONFIG SET tls-auth-clients no"), "+OK");
    let mut anonymous = secured.connect_anonymously();
    assert_eq!(anonymous.call("PING"), "+PONG");
    assert_eq!(admin.call("CONFIG SET tls-auth-clients yes"), "+OK");
    assert!(secured.connect_anonymously().try_call("PING").is_err());
    assert_eq!(anonymous.call("PING"), "+PONG");
}

#[test]
fn sessions_are_resumed_where_they_may_be() {
    let secured = Secured::start(&[]);
    let config = secured.certificates.client_config("client");
    let connect = || {
        let mut peer = Peer::connect(secured.port, config.clone());
        assert_eq!(peer.call("PING"), "+PONG");
        peer
    };
    assert_eq!(connect().handshake_kind(), HandshakeKind::Full);
    let mut resumed = connect();
    assert_eq!(resumed.handshake_kind(), HandshakeKind::Resumed);
    // After a change nobody may rely on what was checked before it.
    assert_eq!(resumed.call("CONFIG SET tls-session-cache-size 10"), "+OK");
    assert_eq!(connect().handshake_kind(), HandshakeKind::Full);
    assert_eq!(connect().handshake_kind(), HandshakeKind::Resumed);
    assert_eq!(resumed.call("CONFIG SET tls-session-caching no"), "+OK");
    for _ in 0..2 {
        assert_eq!(connect().handshake_kind(), HandshakeKind::Full);
    }
}
