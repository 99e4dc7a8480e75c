//! Handshakes of TLS: connections that are not yet clients.
//!
//! Whoever comes to the TLS port is a client only when its handshake is over. Until then it has no id, stands in no list and takes no place within
//! `maxclients`, so that those who never finish keep nobody out. What they can take is bounded in three ways:
//! - their number ([`MOST`]): another one takes the place of the oldest, which a peer that goes on, and so takes milliseconds, seldom is;
//! - their time ([`TIME_MS`]);
//! - their share of a turn: a step may cost a signature, so a core takes only as many in one turn as `max-new-tls-connections-per-cycle` says, and
//!   serves its clients between them.

use super::super::connection::Socket;
use super::super::tls::{Shaken, TlsStream};
use super::clients::Ends;
use super::{Core, FIRST_HANDSHAKE};
use mio::unix::SourceFd;
use mio::{Interest, Token};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

/// Handshakes under way on all cores.
pub const MOST: usize = 1024;
/// What each core may have under way, however many cores there are.
const LEAST_OF_A_CORE: usize = 16;
/// What a handshake may take.
const TIME_MS: i64 = 10_000;
/// Failures are logged once in this time; the others are counted.
const COMPLAINT_INTERVAL_MS: i64 = 1000;

struct Handshake {
    stream: Box<TlsStream>,
    ends: Ends,
    until_ms: i64,
    /// It is on the list of those that may go on.
    is_due: bool,
    /// The peer sends no more: no further event tells of what there is to read, and of the end behind it.
    peer_closed: bool,
}

/// A core's handshakes.
#[derive(Default)]
pub struct Handshakes {
    /// By number, the oldest first. None has the number of another, however long ago that was: events that came before its end may be looked at
    /// after it.
    under_way: BTreeMap<usize, Handshake>,
    begun: usize,
    most: usize,
    /// Those that may go on. Some may have gone.
    due: VecDeque<usize>,
    /// When the next failure may be logged.
    next_complaint_ms: i64,
    /// Failures since the last that was logged.
    unlogged: u64,
}

impl Handshakes {
    /// None yet, on one core of so many.
    pub fn new(cores: usize) -> Self {
        Handshakes {
            most: (MOST / cores).max(LEAST_OF_A_CORE),
            ..Handshakes::default()
        }
    }

    /// The socket has news, maybe that the peer sends no more.
    pub fn wake(&mut self, number: usize, peer_closed: bool) {
        if let Some(handshake) = self.under_way.get_mut(&number) {
            handshake.peer_closed |= peer_closed;
            if !std::mem::replace(&mut handshake.is_due, true) {
                self.due.push_back(number);
            }
        }
    }

    /// All may have news.
    pub fn wake_all(&mut self) {
        let all: Vec<usize> = self.under_way.keys().copied().collect();
        for number in all {
            self.wake(number, false);
        }
    }

    /// True if some may go on.
    pub fn are_due(&self) -> bool {
        !self.due.is_empty()
    }

    fn next_due(&mut self) -> Option<(usize, &mut Handshake)> {
        while let Some(number) = self.due.pop_front() {
            let handshake = self.under_way.get_mut(&number);
            if handshake.is_some_and(|handshake| std::mem::take(&mut handshake.is_due)) {
                return Some((number, self.under_way.get_mut(&number)?));
            }
        }
        None
    }

    /// The number of the oldest, and until when it may take.
    fn oldest(&self) -> Option<(usize, i64)> {
        let (&number, handshake) = self.under_way.first_key_value()?;
        Some((number, handshake.until_ms))
    }

    fn complain(&mut self, now_ms: i64, addr: &str, why: &dyn Display) {
        if now_ms < self.next_complaint_ms {
            self.unlogged += 1;
            return;
        }
        self.next_complaint_ms = now_ms + COMPLAINT_INTERVAL_MS;
        match std::mem::take(&mut self.unlogged) {
            0 => tracing::warn!("no TLS with {addr}: {why}"),
            unlogged => tracing::warn!("no TLS with {addr}: {why} (nor with {unlogged} before it)"),
        }
    }
}

impl Core {
    /// Begins a handshake with whoever has connected.
    pub(super) fn begin_handshake(&mut self, stream: TcpStream) -> io::Result<()> {
        let acceptor = self.shared.tls.load();
        let acceptor = acceptor.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        let session = acceptor.accept().map_err(io::Error::other)?;
        let (socket, ends) = self.set_up_tcp(stream)?;
        if self.handshakes.under_way.len() >= self.handshakes.most
            && let Some((oldest, _)) = self.handshakes.oldest()
        {
            self.fail_handshake(oldest, &"too many others came before it was over");
        }
        let number = self.handshakes.begun;
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        let fd = socket.as_fd().as_raw_fd();
        registry.register(
            &mut SourceFd(&fd),
            Token(FIRST_HANDSHAKE + number),
            interest,
        )?;
        let handshake = Handshake {
            stream: Box::new(TlsStream::new(Arc::new(socket), session)),
            ends,
            until_ms: self.now.steady_ms + TIME_MS,
            is_due: false,
            peer_closed: false,
        };
        self.handshakes.begun += 1;
        self.handshakes.under_way.insert(number, handshake);
        Ok(())
    }

    /// Takes a turn's steps.
    pub(super) fn shake_hands(&mut self) {
        for _ in 0..self.local.config.max_new_tls_connections_per_cycle {
            let Some((number, handshake)) = self.handshakes.next_due() else {
                return;
            };
            match handshake.stream.shake() {
                Ok(Shaken::Waiting) if !handshake.peer_closed => {}
                Ok(Shaken::Waiting | Shaken::More) => self.handshakes.wake(number, false),
                Ok(Shaken::Done) => self.finish_handshake(number),
                Err(error) => self.fail_handshake(number, &error),
            }
        }
    }

    /// Whoever has come to an end of its handshake becomes a client, whose first requests may have come along.
    fn finish_handshake(&mut self, number: usize) {
        let Some(handshake) = self.handshakes.under_way.remove(&number) else {
            return;
        };
        self.shared.stats[self.local.core].tls_handshakes.add(1);
        if let Some(token) = self.welcome(Socket::Tls(handshake.stream), handshake.ends) {
            let connection = &mut self.connections[token];
            connection.peer_closed = handshake.peer_closed;
            connection.readable = true;
            self.readable.push(token);
            self.list_for_writing(token);
        }
    }

    fn fail_handshake(&mut self, number: usize, why: &dyn Display) {
        let Some(handshake) = self.handshakes.under_way.remove(&number) else {
            return;
        };
        self.shared.stats[self.local.core]
            .tls_handshakes_failed
            .add(1);
        self.handshakes
            .complain(self.now.steady_ms, &handshake.ends.addr, why);
        self.leave();
    }

    /// Ends those handshakes that take too long.
    pub(super) fn end_late_handshakes(&mut self) {
        while let Some((oldest, until_ms)) = self.handshakes.oldest()
            && until_ms <= self.now.steady_ms
        {
            self.fail_handshake(oldest, &"it was not over in time");
        }
    }
}
