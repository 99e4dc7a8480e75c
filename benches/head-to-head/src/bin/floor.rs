//! The floor: the least a server with these socket calls can cost.
//!
//! One epoll loop that reads a connection, finds where each request ends, answers every request with
//! the same bytes, and writes once per connection and turn. It knows no command, no key and no data,
//! so what Redis or Millstream cost above it is what their work costs.
//!
//! Usage: `floor PORT REPLY [CONFIRMATION MESSAGE]`, where texts may hold `\r` and `\n` as escapes. With a MESSAGE it also forwards: the
//! connection whose first request says SUBSCRIBE is answered CONFIRMATION, and gets a MESSAGE for each request of the others, written
//! once a turn.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

#[path = "../framing.rs"]
mod framing;

use framing::Answers;

const LISTENER: Token = Token(usize::MAX);
const READ_BYTES: usize = 16 * 1024;
/// How the request of one who listens begins.
const SUBSCRIBES: &[u8] = b"*2\r\n$9\r\nSUBSCRIBE";

struct Connection {
    stream: TcpStream,
    answers: Answers,
}

fn main() -> io::Result<()> {
    let (port, replies) = framing::arguments("floor PORT REPLY [CONFIRMATION MESSAGE]")?;
    let text = |at: usize| replies.get(at).cloned().unwrap_or_default();
    let texts = Texts {
        reply: text(0),
        confirmation: text(1),
        message: text(2),
    };
    serve(port, &texts)
}

/// What is said.
struct Texts {
    reply: Vec<u8>,
    confirmation: Vec<u8>,
    message: Vec<u8>,
}

fn serve(port: u16, texts: &Texts) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::bind(([127, 0, 0, 1], port).into())?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut subscriber = None;
    let mut scratch = vec![0; READ_BYTES];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        let mut messages = 0;
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut connections)?;
                continue;
            }
            let slot = &mut connections[event.token().0];
            let Some(connection) = slot else {
                continue;
            };
            match turn(connection, texts, &mut scratch) {
                Ok(Turn::Requests(requests)) => messages += requests,
                Ok(Turn::Subscribed) => subscriber = Some(event.token().0),
                Err(_) => *slot = None,
            }
        }
        if let Some(Some(connection)) = subscriber.map(|at: usize| &mut connections[at])
            && messages > 0
        {
            for _ in 0..messages {
                connection.answers.output.extend(&texts.message);
            }
            write(connection)?;
        }
    }
}

/// What a connection has done in a turn.
enum Turn {
    /// It has sent so many requests.
    Requests(usize),
    /// It wants the messages.
    Subscribed,
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
fn turn(connection: &mut Connection, texts: &Texts, scratch: &mut [u8]) -> io::Result<Turn> {
    let mut turn = Turn::Requests(0);
    loop {
        let read = match connection.stream.read(scratch) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        };
        let subscribes = !texts.message.is_empty() && scratch[..read].starts_with(SUBSCRIBES);
        let reply = match subscribes {
            true => &texts.confirmation,
            false => &texts.reply,
        };
        let requests = connection.answers.take(&scratch[..read], reply)?;
        match &mut turn {
            _ if subscribes => turn = Turn::Subscribed,
            Turn::Requests(count) => *count += requests,
            Turn::Subscribed => {}
        }
        // A short read has emptied the socket; asking again would only cost a system call.
        if read < scratch.len() {
            break;
        }
    }
    write(connection)?;
    Ok(turn)
}

/// Writes what the socket takes.
fn write(connection: &mut Connection) -> io::Result<()> {
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
