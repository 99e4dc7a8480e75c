//! A plain blocking client, for preparing a server and for asking it afterwards whether the work was done.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use crate::Result;
use crate::reply::{Cursor, Framer, request};

/// Requests in one round trip of [`Client::fill`].
const FILL_BATCH: usize = 500;

/// A connection that asks and waits.
#[derive(Debug)]
pub struct Client {
    /// The socket, for those who time single system calls.
    pub stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    /// Connects to a server on this machine.
    pub fn connect(port: u16) -> Result<Client> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        // Where nobody listens, TCP connects a socket to itself if it happens to be given that very port.
        if stream.local_addr()? == stream.peer_addr()? {
            return Err("nobody listens".into());
        }
        stream.set_nodelay(true)?;
        Ok(Client {
            stream,
            input: Vec::new(),
        })
    }

    /// Sends one command and returns its reply's bytes.
    pub fn ask(&mut self, command: &str) -> Result<Vec<u8>> {
        let arguments: Vec<&[u8]> = command.split_whitespace().map(str::as_bytes).collect();
        self.stream.write_all(&request(&arguments))?;
        self.reply()
    }

    /// Sends one command and fails unless the reply is exactly `expected`.
    pub fn expect(&mut self, command: &str, expected: &str) -> Result<()> {
        let reply = self.ask(command)?;
        if reply != expected.as_bytes() {
            let reply = reply.escape_ascii();
            return Err(format!("{command}: expected {expected:?}, got {reply}").into());
        }
        Ok(())
    }

    /// The integer that a field of INFO holds.
    pub fn info(&mut self, section: &str, field: &str) -> Result<u64> {
        let reply = self.ask(&format!("INFO {section}"))?;
        let text = Cursor(&reply)
            .bulk()
            .map(String::from_utf8_lossy)
            .unwrap_or_default();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(value
            .ok_or(format!("INFO {section} has no {field}"))?
            .trim()
            .parse()?)
    }

    /// Sends `command` `count` times, batched, ignoring what the replies say.
    pub fn fill(&mut self, count: usize, mut command: impl FnMut(&mut Vec<u8>)) -> Result<()> {
        let mut left = count;
        while left > 0 {
            let batch = left.min(FILL_BATCH);
            let mut bytes = Vec::new();
            (0..batch).for_each(|_| command(&mut bytes));
            self.stream.write_all(&bytes)?;
            for _ in 0..batch {
                self.reply()?;
            }
            left -= batch;
        }
        Ok(())
    }

    /// Sends a request without waiting.
    pub fn send(&mut self, request: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(request)?)
    }

    /// Waits for the next whole reply.
    pub fn reply(&mut self) -> Result<Vec<u8>> {
        let (mut framer, mut framed) = (Framer::default(), 0);
        loop {
            let (used, whole) = framer.advance(&self.input[framed..]);
            framed += used;
            if whole {
                return Ok(self.input.drain(..framed).collect());
            }
            let mut bytes = [0; 16 * 1024];
            let read = self.stream.read(&mut bytes)?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            self.input.extend_from_slice(&bytes[..read]);
        }
    }
}
