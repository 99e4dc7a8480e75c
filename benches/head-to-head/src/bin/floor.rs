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

#[path = "../framing.rs"]
mod framing;

use framing::Answers;

const LISTENER: Token = Token(usize::MAX);
const READ_BYTES: usize = 16 * 1024;

struct Connection {
    stream: TcpStream,
    answers: Answers,
}

fn main() -> io::Result<()> {
    let (port, reply) = framing::arguments("floor PORT REPLY")?;
    serve(port, &reply)
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
            answers: Answers::default(),
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
        connection.answers.take(&scratch[..read], reply)?;
        // A short read has emptied the socket; asking again would only cost a system call.
        if read < scratch.len() {
            break;
        }
    }
    let output = &mut connection.answers.output;
    while !output.is_empty() {
        match connection.stream.write(output) {
            Ok(written) => drop(output.drain(..written)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
