//! One client's connection: its socket, what has arrived but not been executed, what is to be sent, its session.
//!
//! An idle connection holds no buffers: requests are parsed in the core's own receive buffer, and only an incomplete rest
//! is copied here; replies are written into the core's spare output, which stays here only if the socket would not take all.

use super::tls::TlsStream;
use crate::command::peer::{Peer, SharedSocket};
use crate::command::{LongReply, Session};
use crate::resp::{OwnedRequest, Parser, Reply};
use mio::net::{TcpStream, UnixStream};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::net::SendFlags;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Slices of one vectored write.
const WRITE_SLICES: usize = 64;

/// A client's socket. It is shared so that other cores may look whether its peer is there.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(Arc<TcpStream>),
    /// TCP with TLS, after the handshake.
    Tls(Box<TlsStream>),
    /// The Unix socket.
    Unix(Arc<UnixStream>),
}

impl Socket {
    /// Registers with a core's poll, for edges of both kinds.
    pub fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        let fd = self.as_fd().as_raw_fd();
        match self {
            // It has been since its handshake began, for another token.
            Socket::Tls(_) => registry.reregister(&mut SourceFd(&fd), token, interest),
            _ => registry.register(&mut SourceFd(&fd), token, interest),
        }
    }

    /// Takes the socket out of the poll. Closing the descriptor does, too.
    pub fn deregister(&self, registry: &Registry) -> io::Result<()> {
        registry.deregister(&mut SourceFd(&self.as_fd().as_raw_fd()))
    }

    /// Its other end.
    pub fn peer(&self) -> Peer {
        let socket: SharedSocket = match self {
            Socket::Tcp(stream) => stream.clone(),
            Socket::Tls(stream) => stream.socket.clone(),
            Socket::Unix(stream) => stream.clone(),
        };
        Peer::of(&socket)
    }

    /// Sends as much of `out` as the socket takes; returns how it ended and the bytes sent.
    pub fn write(&mut self, out: &mut Reply) -> (Written, usize) {
        if let Socket::Tls(stream) = self {
            return stream.write(out);
        }
        let mut sent = 0;
        while !out.is_empty() {
            match self.write_once(out).map_err(io::Error::from) {
                Ok(0) => return (Written::Broken, sent),
                Ok(n) => {
                    sent += n;
                    out.advance(n);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return (Written::Some, sent);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return (Written::Broken, sent),
            }
        }
        (Written::All, sent)
    }

    /// One system call; most replies stand in one piece, and for them `send` costs less than `writev`.
    fn write_once(&self, out: &Reply) -> rustix::io::Result<usize> {
        if let Some(bytes) = out.single_slice() {
            return rustix::net::send(self, bytes, SendFlags::NOSIGNAL);
        }
        let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
        let count = out.fill_slices(&mut slices);
        rustix::io::writev(self, &slices[..count])
    }

    /// True while something that was written has yet to be sent.
    pub fn has_unsent(&self) -> bool {
        matches!(self, Socket::Tls(stream) if stream.has_unsent())
    }

    /// Says what is to be said before the socket is closed.
    pub fn say_goodbye(&mut self) {
        if let Socket::Tls(stream) = self {
            stream.say_goodbye();
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Tcp(stream) => stream.as_fd(),
            Socket::Tls(stream) => stream.socket.as_fd(),
            Socket::Unix(stream) => stream.as_fd(),
        }
    }
}

/// Why a connection is not reading requests.
#[derive(Debug, Default)]
pub enum Halt {
    /// It is reading.
    #[default]
    None,
    /// Its client waits on keys, or for time.
    Blocked,
    /// A long reply is being written.
    Long(Box<dyn LongReply>),
    /// Clients are paused; this request is the first to be executed after.
    Paused(Box<OwnedRequest>),
}

/// A request that has begun to arrive, and what arrived behind it.
#[derive(Debug, Default)]
pub struct Partial {
    /// Bytes from the request's first on.
    pub bytes: Vec<u8>,
    /// How far they have been parsed.
    pub parser: Parser,
}

impl Partial {
    /// Bytes received that are not yet arguments of a whole request.
    pub fn unparsed_bytes(&self) -> usize {
        self.bytes.len() - self.parser.parsed_bytes() + self.parser.filled_bytes()
    }
}

/// See the module's description.
#[derive(Debug)]
pub struct Connection {
    /// The socket.
    pub socket: Socket,
    /// The client as commands see it.
    pub session: Session,
    /// What has arrived but not been executed.
    pub partial: Option<Box<Partial>>,
    /// What is to be sent.
    pub out: Reply,
    /// Messages that came in the midst of a long reply: they follow it.
    pub held: Option<Box<Reply>>,
    /// The log's offset that has to be durable before anything is sent or further requests are read; 0 for none.
    pub hold_until: u64,
    /// Why it is not reading.
    pub halt: Halt,
    /// The socket may have more to read.
    pub readable: bool,
    /// The peer sends no more.
    pub peer_closed: bool,
    /// It is on the core's list of connections to write.
    pub listed: bool,
    /// Since when its output has been above the soft limit, steady milliseconds.
    pub over_soft_since_ms: Option<i64>,
    /// Its last sign of life, steady milliseconds.
    pub active_ms: i64,
}

/// How a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Everything has been sent.
    All,
    /// The socket takes no more for now.
    Some,
    /// The connection is broken.
    Broken,
}

impl Connection {
    /// A connection of a new client.
    pub fn new(socket: Socket, session: Session, now_ms: i64) -> Self {
        Connection {
            socket,
            out: Reply::new(session.version),
            session,
            partial: None,
            held: None,
            hold_until: 0,
            halt: Halt::None,
            readable: false,
            peer_closed: false,
            listed: false,
            over_soft_since_ms: None,
            active_ms: now_ms,
        }
    }

    /// True once CLIENT KILL has chosen it, on whichever core.
    pub fn is_killed(&self) -> bool {
        self.session.record.doomed.load(Ordering::Acquire)
    }

    /// True while its replies wait for the log.
    pub fn is_held(&self) -> bool {
        self.hold_until != 0
    }

    /// True while there is something to send.
    pub fn has_output(&self) -> bool {
        !self.out.is_empty() || self.socket.has_unsent()
    }

    /// Bytes that wait to be sent.
    pub fn output_bytes(&self) -> usize {
        self.out.len() + self.held.as_ref().map_or(0, |held| held.len())
    }

    /// Bytes received that belong to no command yet, and those of commands that MULTI has queued.
    pub fn query_bytes(&self) -> usize {
        let unparsed = self
            .partial
            .as_ref()
            .map_or(0, |partial| partial.unparsed_bytes());
        unparsed + self.session.multi.as_ref().map_or(0, |multi| multi.bytes)
    }

    /// True for a client that can neither send nor wait for anything any more: its peer has hung up.
    pub fn is_forsaken(&self) -> bool {
        self.peer_closed
            && (self.session.closing || matches!(self.halt, Halt::Blocked | Halt::Paused(_)))
    }
}
