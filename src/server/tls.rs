//! One connection's TLS: its bytes between the socket and rustls.
//!
//! ```text
//! socket --fetch--> records in rustls --process--> plaintext in rustls --take--> buffer for requests
//! socket <--flush-- records in rustls <--encrypt-- replies
//! ```
//!
//! Events of the socket tell of records, not of plaintext, so nothing may stay behind that no event would tell of again: a read says that there is
//! nothing left only when rustls holds no plaintext and the socket is empty. rustls holds at most one read of plaintext (16 KB), a record that is not
//! whole (18 KB, 64 KB in a handshake), and [`UNSENT_BYTES`] of records that the socket would not take.

use super::connection::Written;
use super::reading::Read;
use crate::resp::Reply;
use mio::net::TcpStream;
use rustls::ServerConnection;
use std::io::{self, BufRead, IoSlice, Write};
use std::sync::Arc;

/// Plaintext is encrypted while less than this waits for the socket.
const UNSENT_BYTES: usize = 64 * 1024;
/// Slices of replies that are encrypted at once.
const SLICES: usize = 64;
/// Reads of a socket for one read of a connection: each takes some kilobytes, and may bring records without any plaintext.
const FETCHES: usize = 32;

/// How far a handshake has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shaken {
    /// It is over: requests may come.
    Done,
    /// It is the peer's turn.
    Waiting,
    /// There is more to read.
    More,
}

/// See the module's description.
#[derive(Debug)]
pub struct TlsStream {
    /// The socket, to be registered with a poll.
    pub socket: Arc<TcpStream>,
    session: ServerConnection,
    /// Nothing more can be read: what was read before may still have to be taken.
    ended: bool,
}

impl TlsStream {
    /// A connection whose handshake is about to begin.
    pub fn new(socket: Arc<TcpStream>, mut session: ServerConnection) -> Self {
        session.set_buffer_limit(Some(UNSENT_BYTES));
        TlsStream {
            socket,
            session,
            ended: false,
        }
    }

    /// Carries the handshake on as far as the peer lets it.
    pub fn shake(&mut self) -> io::Result<Shaken> {
        let mut socket_is_empty = false;
        for _ in 0..FETCHES {
            self.flush()?;
            if !self.session.is_handshaking() {
                return Ok(Shaken::Done);
            }
            if socket_is_empty {
                return Ok(Shaken::Waiting);
            }
            socket_is_empty = self.fetch()?;
        }
        Ok(Shaken::More)
    }

    /// Reads into the spare capacity of `buffer`.
    pub fn receive(&mut self, buffer: &mut Vec<u8>) -> (Read, usize) {
        let before = buffer.len();
        let mut socket_is_empty = false;
        for _ in 0..FETCHES {
            self.take(buffer);
            let taken = buffer.len() - before;
            if buffer.len() == buffer.capacity() {
                return (Read::Full, taken);
            }
            match (self.ended, socket_is_empty, taken) {
                (true, _, 0) => return (Read::Closed, 0),
                (true, ..) => return (Read::Full, taken),
                (false, true, 0) => return (Read::Nothing, 0),
                (false, true, _) => return (Read::Drained, taken),
                (false, false, _) => {}
            }
            match self.fetch() {
                Ok(is_empty) => socket_is_empty = is_empty,
                Err(_) => self.ended = true,
            }
        }
        (Read::Full, buffer.len() - before)
    }

    /// Sends as much of `out` as the socket takes; returns how it ended and how many bytes of `out` are taken care of.
    pub fn write(&mut self, out: &mut Reply) -> (Written, usize) {
        let mut taken = 0;
        loop {
            match self.encrypt(out) {
                Ok(n) => taken += n,
                Err(_) => return (Written::Broken, taken),
            }
            match self.flush() {
                Ok(true) if out.is_empty() => return (Written::All, taken),
                Ok(true) => {}
                Ok(false) => return (Written::Some, taken),
                Err(_) => return (Written::Broken, taken),
            }
        }
    }

    /// True while the socket has yet to take records.
    pub fn has_unsent(&self) -> bool {
        self.session.wants_write()
    }

    /// Tells the peer that nothing more will come, as far as the socket takes that.
    pub fn say_goodbye(&mut self) {
        self.session.send_close_notify();
        // It is closed in any case.
        let _ = self.flush();
    }

    /// Reads the socket once and decrypts what came; true if the socket is empty for now.
    fn fetch(&mut self) -> io::Result<bool> {
        let mut tap = Tap {
            socket: &self.socket,
            is_empty: false,
        };
        let read = self.session.read_tls(&mut tap);
        let is_empty = tap.is_empty;
        match read {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(error),
        }
        let processed = self.session.process_new_packets();
        // There may be something to answer: the next step of a handshake, new keys, or what is wrong.
        let flushed = self.flush();
        let state = processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.ended |= state.peer_has_closed();
        flushed.map(|_| is_empty)
    }

    /// Moves plaintext into the spare capacity of `buffer`.
    fn take(&mut self, buffer: &mut Vec<u8>) {
        let mut reader = self.session.reader();
        while buffer.len() < buffer.capacity() {
            // Without plaintext it is an error that there is none yet, or the end.
            let plain = reader.fill_buf().unwrap_or_default();
            let n = plain.len().min(buffer.capacity() - buffer.len());
            if n == 0 {
                return;
            }
            buffer.extend_from_slice(&plain[..n]);
            reader.consume(n);
        }
    }

    /// Makes records of `out` until enough of them wait for the socket.
    fn encrypt(&mut self, out: &mut Reply) -> io::Result<usize> {
        let mut encrypted = 0;
        while !out.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = out.fill_slices(&mut slices);
            let n = self.session.writer().write_vectored(&slices[..count])?;
            if n == 0 {
                break;
            }
            encrypted += n;
            out.advance(n);
        }
        Ok(encrypted)
    }

    /// Sends records; true when none are left.
    fn flush(&mut self) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut &*self.socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// The socket as rustls reads it. A read that fills less than its room has emptied it.
struct Tap<'a> {
    socket: &'a TcpStream,
    is_empty: bool,
}

impl io::Read for Tap<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let n = io::Read::read(&mut self.socket, room)?;
        self.is_empty = n < room.len();
        Ok(n)
    }
}
