//! A connection whose requests are timed from when they were due, answered or not the ones before.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Result;
use crate::client::Client;
use crate::reply::Framer;

/// One never-blocking connection for small requests and small replies.
#[derive(Debug)]
pub struct Timed {
    stream: TcpStream,
    /// When the requests not answered yet were due, oldest first.
    due: VecDeque<Instant>,
    input: Vec<u8>,
}

impl Timed {
    /// Connects to a server on this machine.
    pub fn connect(port: u16) -> Result<Timed> {
        let stream = Client::connect(port)?.stream;
        stream.set_nonblocking(true)?;
        Ok(Timed {
            stream,
            due: VecDeque::new(),
            input: Vec::new(),
        })
    }

    /// Sends a request that should have gone at `due`.
    pub fn send(&mut self, request: &[u8], due: Instant) -> Result<()> {
        self.due.push_back(due);
        Ok(self.stream.write_all(request)?)
    }

    /// Says that something will come unasked, which is due now.
    pub fn await_push(&mut self, due: Instant) {
        self.due.push_back(due);
    }

    /// Whether something is to come.
    pub fn is_waiting(&self) -> bool {
        !self.due.is_empty()
    }

    /// Takes the replies that have come, each with the time since its request was due; how many.
    pub fn take(&mut self, mut reply: impl FnMut(&[u8], Duration) -> Result<()>) -> Result<usize> {
        if self.due.is_empty() {
            return Ok(0);
        }
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => return Err("the server closed a timed connection".into()),
            Ok(read) => self.input.extend_from_slice(&bytes[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error.into()),
        }
        let mut taken = 0;
        // A fresh framer each time: what is kept is a small reply, looked at from its beginning.
        while let (length, true) = Framer::default().advance(&self.input) {
            let due = self.due.pop_front().ok_or("a reply nobody asked for")?;
            reply(&self.input[..length], due.elapsed())?;
            self.input.drain(..length);
            taken += 1;
        }
        Ok(taken)
    }
}
