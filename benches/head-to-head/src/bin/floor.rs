//! The floor: the least a server with these socket calls can cost.
//!
//! One epoll loop that reads a connection, finds where each request ends, answers every request with
//! the same bytes, and writes once per connection and turn. It knows no command, no key and no data,
//! so what Redis or Millstream cost above it is what their work costs.
//!
//! Usage: `floor PORT REPLY`, where REPLY may hold `\r` and `\n` as escapes.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX);
const READ_BYTES: usize = 16 * 1024;

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(reply)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: floor PORT REPLY"));
    };
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let reply = reply.replace("\\r", "\r").replace("\\n", "\n");
    serve(port, reply.as_bytes())
}

fn serve(port: u16, reply: &[u8]) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::bind(([127, 0, 0, 1], port).into())?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut scratch = vec![0; READ_BYTES];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut connections)?;
                continue;
            }
            let slot = &mut connections[event.token().0];
            if slot
                .as_mut()
                .is_some_and(|connection| turn(connection, reply, &mut scratch).is_err())
            {
                *slot = None;
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    connections: &mut Vec<Option<Connection>>,
) -> io::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nodelay(true)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry()
            .register(&mut stream, Token(connections.len()), interest)?;
        connections.push(Some(Connection {
            stream,
            input: Vec::new(),
            output: Vec::new(),
        }));
    }
}

/// Reads what is there, answers each whole request, writes what the socket takes.
/// An error means that the peer has left or sent what is not a request.
fn turn(connection: &mut Connection, reply: &[u8], scratch: &mut [u8]) -> io::Result<()> {
    loop {
        let read = match connection.stream.read(scratch) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        };
        answer(connection, reply, &scratch[..read])?;
        // A short read has emptied the socket; asking again would only cost a system call.
        if read < scratch.len() {
            break;
        }
    }
    while !connection.output.is_empty() {
        match connection.stream.write(&connection.output) {
            Ok(written) => drop(connection.output.drain(..written)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn answer(connection: &mut Connection, reply: &[u8], bytes: &[u8]) -> io::Result<()> {
    let joined;
    let input = if connection.input.is_empty() {
        bytes
    } else {
        connection.input.extend_from_slice(bytes);
        joined = std::mem::take(&mut connection.input);
        &joined
    };
    let mut at = 0;
    while let Some(end) = request_end(&input[at..])? {
        connection.output.extend_from_slice(reply);
        at += end;
    }
    connection.input.extend_from_slice(&input[at..]);
    Ok(())
}

/// Where the first whole request ends, if it is all there.
fn request_end(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some((arguments, mut at)) = header(bytes, b'*')? else {
        return Ok(None);
    };
    for _ in 0..arguments {
        let Some((length, used)) = header(&bytes[at..], b'$')? else {
            return Ok(None);
        };
        at += used + length + 2;
        if at > bytes.len() {
            return Ok(None);
        }
    }
    Ok(Some(at))
}

/// A line of `sign`, digits, CR LF: the number and the line's length.
fn header(bytes: &[u8], sign: u8) -> io::Result<Option<(usize, usize)>> {
    let Some((&first, digits)) = bytes.split_first() else {
        return Ok(None);
    };
    if first != sign {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut number = 0usize;
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + usize::from(byte - b'0'),
            _ => return Ok((digits.len() > at + 1).then_some((number, at + 3))),
        }
    }
    Ok(None)
}
