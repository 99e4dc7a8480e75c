//! A client that speaks TLS and shows raw replies.

use crate::common::{encode, frame_end};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// How long anything may take before a test fails.
const TIMEOUT: Duration = Duration::from_secs(20);

pub struct Peer {
    pub stream: StreamOwned<ClientConnection, TcpStream>,
    received: Vec<u8>,
}

impl Peer {
    /// A connection whose handshake begins with the first thing that is sent.
    pub fn connect(port: u16, config: Arc<ClientConfig>) -> Peer {
        let socket = TcpStream::connect(("127.0.0.1", port)).expect("the server accepts");
        Peer::over(socket, config)
    }

    /// The same over a connection that there is already.
    pub fn over(socket: TcpStream, config: Arc<ClientConfig>) -> Peer {
        socket
            .set_nodelay(true)
            .expect("a fresh socket takes options");
        for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
            set(&socket, Some(TIMEOUT)).expect("the timeout is not zero");
        }
        let name = ServerName::try_from("localhost").expect("it is the name of a host");
        let session = ClientConnection::new(config, name).expect("the configuration is whole");
        Peer {
            stream: StreamOwned::new(session, socket),
            received: Vec::new(),
        }
    }

    /// Sends a command given as words, and returns its reply with its line ends as single spaces.
    pub fn call(&mut self, command: &str) -> String {
        self.try_call(command).expect("the server answers")
    }

    pub fn try_call(&mut self, command: &str) -> io::Result<String> {
        self.try_send(command)?;
        self.try_reply()
    }

    pub fn send(&mut self, command: &str) {
        self.try_send(command).expect("the server reads");
    }

    fn try_send(&mut self, command: &str) -> io::Result<()> {
        let args: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        self.stream.write_all(&encode(&args))
    }

    pub fn send_args(&mut self, args: &[&[u8]]) {
        self.stream
            .write_all(&encode(args))
            .expect("the server reads");
    }

    pub fn reply(&mut self) -> String {
        self.try_reply().expect("the server answers")
    }

    fn try_reply(&mut self) -> io::Result<String> {
        let raw = self.raw_reply()?;
        let text = String::from_utf8_lossy(&raw).into_owned();
        Ok(text.trim_end_matches("\r\n").replace("\r\n", " "))
    }

    /// The next reply or push, as it comes.
    pub fn raw_reply(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            if let Some(end) = frame_end(&self.received, 0) {
                return Ok(self.received.drain(..end).collect());
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => self.received.extend_from_slice(&buffer[..n]),
            }
        }
    }

    /// True if the server ends the connection in order, having sent nothing more.
    pub fn is_closed_in_order(&mut self) -> bool {
        self.received.is_empty() && matches!(self.stream.read(&mut [0]), Ok(0))
    }

    /// The server's own certificate.
    pub fn server_certificate(&self) -> CertificateDer<'static> {
        let chain = self.stream.conn.peer_certificates();
        chain.expect("the handshake is over")[0]
            .clone()
            .into_owned()
    }

    pub fn version(&self) -> ProtocolVersion {
        let version = self.stream.conn.protocol_version();
        version.expect("the handshake is over")
    }

    pub fn handshake_kind(&self) -> HandshakeKind {
        let kind = self.stream.conn.handshake_kind();
        kind.expect("the handshake is over")
    }
}
