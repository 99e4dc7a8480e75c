//! The load: many connections in one epoll loop, each sending a batch of requests, waiting for all
//! of its replies, and sending the next. What is sent and what must come back is a [`Player`]'s.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Result;
use crate::client::Client;
use crate::reply::Framer;

const READ_BYTES: usize = 64 * 1024;
/// A load that hears nothing for this long has lost a reply.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

/// What the connections of a load say and expect to hear.
pub trait Player {
    /// Appends the connection's next batch to `out` and says how many replies it awaits.
    /// Zero ends the connection's part. A batch may be empty of bytes, as a subscriber's is.
    fn next(&mut self, connection: usize, out: &mut Vec<u8>) -> usize;

    /// Takes one whole reply and says whether it is right.
    fn reply(&mut self, connection: usize, reply: &[u8]) -> bool;
}

/// How long the batches of a load took, from the first byte sent to the last reply.
pub type BatchTimes = Histogram<u64>;

/// An empty histogram of nanoseconds up to a minute.
pub fn batch_times() -> BatchTimes {
    let minute_ns = 60_000_000_000;
    Histogram::new_with_max(minute_ns, 3).expect("the bounds are valid constants")
}

/// Connections to one server.
#[derive(Debug)]
pub struct Load {
    poll: Poll,
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    output: Vec<u8>,
    /// The beginning of a reply that is not whole.
    input: Vec<u8>,
    /// How much of `input` the framer has seen.
    framed: usize,
    framer: Framer,
    awaited: usize,
    /// When the batch was sent; none for batches that send nothing.
    sent: Option<Instant>,
}

impl Load {
    /// Opens `connections` new connections.
    pub fn connect(port: u16, connections: usize) -> Result<Load> {
        let mut load = Load {
            poll: Poll::new()?,
            connections: Vec::new(),
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        for _ in 0..connections {
            load.adopt(std::net::TcpStream::connect(address)?)?;
        }
        Ok(load)
    }

    /// Adds a connection that has already said something, such as SUBSCRIBE, and heard the reply.
    pub fn add(&mut self, client: Client) -> Result<()> {
        self.adopt(client.stream)
    }

    fn adopt(&mut self, stream: std::net::TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let token = Token(self.connections.len());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, token, interest)?;
        self.connections.push(Connection {
            stream,
            output: Vec::new(),
            input: Vec::new(),
            framed: 0,
            framer: Framer::default(),
            awaited: 0,
            sent: None,
        });
        Ok(())
    }

    /// Plays until every connection has ended its part.
    pub fn drive(&mut self, player: &mut impl Player) -> Result<BatchTimes> {
        let mut times = batch_times();
        let mut playing = 0;
        for (index, connection) in self.connections.iter_mut().enumerate() {
            playing += usize::from(connection.begin(index, player)?);
        }
        let mut events = Events::with_capacity(1024);
        let mut scratch = vec![0; READ_BYTES];
        while playing > 0 {
            match self.poll.poll(&mut events, Some(SILENCE_LIMIT)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if events.is_empty() {
                return Err(format!("no reply for {SILENCE_LIMIT:?}").into());
            }
            for event in &events {
                let index = event.token().0;
                let connection = &mut self.connections[index];
                connection.flush()?;
                if connection.read(index, player, &mut scratch, &mut times)? {
                    playing -= 1;
                }
            }
        }
        Ok(times)
    }
}

impl Connection {
    /// Sends the next batch; false if there is none.
    fn begin(&mut self, index: usize, player: &mut impl Player) -> Result<bool> {
        self.awaited = player.next(index, &mut self.output);
        self.sent = (!self.output.is_empty()).then(Instant::now);
        self.flush()?;
        Ok(self.awaited > 0)
    }

    fn flush(&mut self) -> Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(written) => drop(self.output.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what has come; true once the connection has ended its part.
    fn read(
        &mut self,
        index: usize,
        player: &mut impl Player,
        scratch: &mut [u8],
        times: &mut BatchTimes,
    ) -> Result<bool> {
        loop {
            let read = match self.stream.read(scratch) {
                Ok(0) => return Err("the server closed a connection of the load".into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            self.take(index, player, &scratch[..read])?;
            if self.awaited == 0 {
                if let Some(sent) = self.sent {
                    times.saturating_record(nanoseconds(sent.elapsed()));
                }
                if !self.begin(index, player)? {
                    return Ok(true);
                }
            }
            // A short read has emptied the socket.
            if read < scratch.len() {
                return Ok(false);
            }
        }
    }

    /// Hands each whole reply to the player; keeps what is not whole.
    fn take(&mut self, index: usize, player: &mut impl Player, bytes: &[u8]) -> Result<()> {
        let joined;
        let input = if self.input.is_empty() {
            bytes
        } else {
            self.input.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.input);
            &joined
        };
        let (mut start, mut framed) = (0, self.framed);
        loop {
            let (used, whole) = self.framer.advance(&input[framed..]);
            framed += used;
            if !whole {
                break;
            }
            let reply = &input[start..framed];
            let awaited = self
                .awaited
                .checked_sub(1)
                .ok_or_else(|| wrong("one too many", reply))?;
            self.awaited = awaited;
            if !player.reply(index, reply) {
                return Err(wrong("not what was expected", reply));
            }
            start = framed;
        }
        self.framed = framed - start;
        self.input.extend_from_slice(&input[start..]);
        Ok(())
    }
}

fn wrong(what: &str, reply: &[u8]) -> Box<dyn std::error::Error> {
    let shown = &reply[..reply.len().min(200)];
    format!("a reply is {what}: {}", shown.escape_ascii()).into()
}

/// A duration as a histogram value.
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    struct OnePing;

    impl Player for OnePing {
        fn next(&mut self, _connection: usize, out: &mut Vec<u8>) -> usize {
            out.extend_from_slice(b"PING\r\n");
            1
        }

        fn reply(&mut self, _connection: usize, reply: &[u8]) -> bool {
            reply == b"+PONG\r\n"
        }
    }

    /// What a load says of a server that answers `pieces` and leaves.
    fn complaint(pieces: &'static [&'static [u8]]) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for piece in pieces {
                stream.write_all(piece).unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
            // Left open until the load goes, so that nothing sent is lost to a reset.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let mut load = Load::connect(port, 1).unwrap();
        let error = load.drive(&mut OnePing).unwrap_err().to_string();
        drop(load);
        server.join().unwrap();
        error
    }

    #[test]
    fn wrong_replies_end_a_load() {
        assert_eq!(
            complaint(&[b"-ERR no\r\n"]),
            "a reply is not what was expected: -ERR no\\r\\n"
        );
        assert_eq!(
            complaint(&[b"+PO", b"NG\r", b"\n+PONG\r\n:1\r\n"]),
            "a reply is one too many: +PONG\\r\\n"
        );
    }
}
