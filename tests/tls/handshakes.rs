//! Who gets in: certificates, versions, and those who do not speak TLS at all.

use crate::Secured;
use crate::common::{Client, Server, encode};
use crate::peer::Peer;
use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Long enough for a reply that would come.
const A_WHILE: Duration = Duration::from_millis(300);
/// What happens without waiting for a handshake to run out of time takes no longer, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(9);

fn is_refused(secured: &Secured, name: &str) -> bool {
    let config = secured.certificates.client_config(name);
    let mut peer = Peer::connect(secured.port, config);
    peer.try_call("PING").is_err()
}

#[test]
fn only_clients_with_a_right_certificate_get_in() {
    let secured = Secured::start(&[]);
    assert_eq!(secured.connect().call("PING"), "+PONG");
    assert!(is_refused(&secured, "stranger"));
    assert!(is_refused(&secured, "expired"));
    assert!(secured.connect_anonymously().try_call("PING").is_err());
    let mut client = secured.connect();
    let info = client.call("INFO");
    assert!(info.contains(" tls_handshakes:2 "), "{info}");
    assert!(info.contains(" tls_handshakes_failed:3 "), "{info}");
    assert!(info.contains(&format!(
        " listener2:name=tls,bind=127.0.0.1,bind=-::1,port={} ",
        secured.port
    )));
    assert!(info.contains(&format!(" tcp_port:{} ", secured.server.port)));
    assert!(info.contains(" connected_clients:1 "), "{info}");
}

#[test]
fn certificates_may_be_optional_or_not_wanted() {
    let optional = Secured::start(&["--tls-auth-clients", "optional"]);
    assert_eq!(optional.connect_anonymously().call("PING"), "+PONG");
    assert_eq!(optional.connect().call("PING"), "+PONG");
    assert!(is_refused(&optional, "stranger"));
    assert!(is_refused(&optional, "expired"));
    let explicit = Secured::start(&["--tls-auth-clients", "yes"]);
    assert_eq!(explicit.connect().call("PING"), "+PONG");
    assert!(is_refused(&explicit, "stranger"));
    assert!(is_refused(&explicit, "expired"));
    assert!(explicit.connect_anonymously().try_call("PING").is_err());
    let unwanted = Secured::start(&["--tls-auth-clients", "no"]);
    assert_eq!(unwanted.connect_anonymously().call("PING"), "+PONG");
    // A certificate that nobody asks for is not looked at.
    for name in ["client", "stranger", "expired"] {
        let config = unwanted.certificates.client_config(name);
        assert_eq!(Peer::connect(unwanted.port, config).call("PING"), "+PONG");
    }
}

#[test]
fn both_versions_are_spoken_unless_one_is_not_to_be() {
    let anonymously = ["--tls-auth-clients", "no"];
    let both = Secured::start(&anonymously);
    for (version, name) in [
        (&TLS12, ProtocolVersion::TLSv1_2),
        (&TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let config = both.certificates.config_of_versions(&[version]);
        let mut peer = Peer::connect(both.port, config);
        assert_eq!(peer.call("PING"), "+PONG");
        assert_eq!(peer.version(), name);
        assert_eq!(peer.call("SET k v"), "+OK");
        assert_eq!(peer.call("QUIT"), "+OK");
        assert!(peer.is_closed_in_order());
    }
    let newer = Secured::start(&["--tls-auth-clients", "no", "--tls-protocols", "TLSv1.3"]);
    let config = newer.certificates.config_of_versions(&[&TLS12]);
    assert!(Peer::connect(newer.port, config).try_call("PING").is_err());
    assert_eq!(newer.connect_anonymously().call("PING"), "+PONG");
}

#[test]
fn plain_text_to_the_tls_port_is_refused() {
    let secured = Secured::start(&[]);
    for request in [
        "*1\r\n$4\r\nPING\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "\x16\x03\x01",
        "\0\0\0\0\0\0",
    ] {
        let began = Instant::now();
        let mut client = Client::connect(secured.port);
        client.send_raw(request.as_bytes());
        client.close_sending();
        let answer = client.rest().expect("it is closed");
        assert!(
            began.elapsed() < AT_ONCE,
            "{request:?}: {:?}",
            began.elapsed()
        );
        assert!(
            !answer.starts_with(b"+") && !answer.starts_with(b"-"),
            "{answer:?}"
        );
    }
    assert_eq!(secured.connect().call("PING"), "+PONG");
}

#[test]
fn tls_to_the_plain_port_is_refused() {
    let secured = Secured::start(&[]);
    let config = secured.certificates.client_config("client");
    let mut peer = Peer::connect(secured.server.port, config);
    peer.stream.sock.set_read_timeout(Some(A_WHILE)).unwrap();
    assert!(peer.try_call("PING").is_err());
    assert_eq!(secured.server.connect().call("PING"), "+PONG");
}

#[test]
fn the_plain_port_may_be_none() {
    let secured = Secured::start(&[]);
    let port = crate::common::free_port().to_string();
    let files = secured.certificates.directives();
    let dir = secured.server.dir.join("other");
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command
        .args(["--port", "0", "--tls-port", &port, "--dir"])
        .arg(dir)
        .args(files);
    let mut process = command
        .stdout(Stdio::null())
        .spawn()
        .expect("the server starts");
    let config = secured.certificates.client_config("client");
    let port = port.parse().unwrap();
    while Client::try_connect(port).is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let info = Peer::connect(port, config).call("INFO server");
    process.kill().expect("the process is ours");
    process.wait().expect("the process is ours");
    assert!(info.contains(&format!(" tcp_port:{port} ")), "{info}");
    assert!(!info.contains("listener0"), "{info}");
}

#[test]
fn a_start_that_cannot_speak_tls_says_why() {
    let secured = Secured::start(&[]);
    let certificates = &secured.certificates;
    let port = crate::common::free_port().to_string();
    let start = |changes: &[&str]| {
        let dir = secured.server.dir.join("never");
        let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
        command
            .args(["--port", "0", "--tls-port", &port, "--dir"])
            .arg(dir);
        command.args(certificates.directives()).args(changes);
        let ended = command.output().expect("the server ends");
        assert_eq!(ended.status.code(), Some(1));
        String::from_utf8_lossy(&ended.stdout).into_owned()
    };
    let said = start(&["--tls-cert-file", "/nosuch.crt"]);
    assert!(
        said.contains("tls-cert-file: '/nosuch.crt': No such file or directory"),
        "{said}"
    );
    let said = start(&["--tls-key-file", &certificates.path("client.key")]);
    assert!(
        said.contains("client.key' is not the key of the certificate in"),
        "{said}"
    );
    let said = start(&["--tls-protocols", "TLSv1.1"]);
    assert!(
        said.contains("tls-protocols: 'TLSv1.1' is not spoken here"),
        "{said}"
    );
    let said = start(&["--tls-ciphers", "RC4-SHA", "--tls-ca-cert-file", ""]);
    assert!(
        said.contains("tls-ciphers: 'RC4-SHA' leaves no cipher"),
        "{said}"
    );
}

#[test]
fn too_many_clients_are_told_so() {
    let secured = Secured::start(&["--maxclients", "2"]);
    let (mut one, mut two) = (secured.connect(), secured.connect());
    assert_eq!(
        (one.call("PING"), two.call("PING")),
        ("+PONG".into(), "+PONG".into())
    );
    let mut three = secured.connect();
    three.stream.flush().unwrap();
    assert_eq!(three.reply(), "-ERR max number of clients reached");
    assert!(three.is_closed_in_order());
}

#[test]
fn what_comes_with_the_end_of_a_handshake_is_executed_in_the_midst_of_a_script_too() {
    let secured = Secured::start(&["--threads", "1", "--busy-reply-threshold", "50"]);
    let mut spinning = Server::connect(&secured.server);
    spinning.send_args(&[b"EVAL", b"while true do end", b"1", b"k"]);
    let mut peer = secured.connect();
    let kill = encode(&[b"SCRIPT", b"KILL"]);
    loop {
        // What is written before the handshake goes out with its end.
        peer.stream.conn.writer().write_all(&kill).unwrap();
        peer.stream.flush().unwrap();
        match &*peer.reply() {
            "+OK" => break,
            reply => assert!(reply.starts_with("-NOTBUSY"), "{reply}"),
        }
        peer = secured.connect();
    }
    assert!(spinning.reply().starts_with("-ERR Script killed"));
}

#[test]
fn the_end_of_a_connection_is_answered() {
    let secured = Secured::start(&[]);
    let mut peer = secured.connect();
    assert_eq!(peer.call("PING"), "+PONG");
    peer.stream.conn.send_close_notify();
    peer.stream.flush().unwrap();
    assert!(
        matches!(peer.stream.read(&mut [0]), Ok(0)),
        "close_notify is answered by one"
    );
    let mut observer = Server::connect(&secured.server);
    observer.await_info("connected_clients", 1);
}
