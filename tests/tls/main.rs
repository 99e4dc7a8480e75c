//! TLS: who gets in, what goes through, and what those who do neither can do to others.

#[path = "../common/mod.rs"]
mod common;

mod certificates;
mod changing;
mod crowds;
mod handshakes;
mod peer;
mod traffic;

use certificates::Certificates;
use common::{Server, free_port};
use peer::Peer;

/// A server with a port for TLS, and the certificates around it.
struct Secured {
    server: Server,
    port: u16,
    certificates: Certificates,
}

impl Secured {
    fn start(arguments: &[&str]) -> Secured {
        let certificates = Certificates::new();
        let port = free_port();
        let tls_port = port.to_string();
        let mut all = vec!["--threads", "2", "--tls-port", &tls_port];
        let files = certificates.directives();
        all.extend(files.iter().map(String::as_str));
        all.extend(arguments);
        Secured {
            server: Server::start(&all),
            port,
            certificates,
        }
    }

    /// A client with the certificate of `client`.
    fn connect(&self) -> Peer {
        Peer::connect(self.port, self.certificates.client_config("client"))
    }

    /// One that shows none.
    fn connect_anonymously(&self) -> Peer {
        Peer::connect(self.port, self.certificates.anonymous_config())
    }
}
