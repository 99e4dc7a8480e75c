//! Reading a connection and executing what has arrived.

use super::connection::{Connection, Halt, Partial, Socket};
use crate::command::Shared;
use crate::command::dispatch::{self, Env, Next};
use crate::resp::{Limits, OwnedRequest, Parsed, Parser, Reply};
use rustix::buffer::spare_capacity;
use rustix::net::RecvFlags;
use std::io;

/// Room made for each read behind an incomplete request that is longer than `SHORT_BYTES`.
const READ_BYTES: usize = 16 * 1024;

/// An incomplete request up to this length is copied to the core's buffer, whose room is larger, and goes on there.
const SHORT_BYTES: usize = 32 * 1024;

/// Replies beyond which a connection's further requests wait until what there is has been offered to the socket, so that limits on
/// output act however much one read brings.
const OUTPUT_BYTES: usize = 1024 * 1024;

/// The same for a client that has yet to authenticate: one that lets more gather is closed.
const OUTPUT_BYTES_UNAUTHENTICATED: usize = 17 * 1024;

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Bytes; more may be waiting.
    Full,
    /// Bytes; the socket is empty for now.
    Drained,
    /// Nothing yet.
    Nothing,
    /// The peer has closed, or the connection is broken.
    Closed,
}

/// Reads once and executes all whole requests; returns what the read brought and how many bytes.
pub fn read_and_execute(
    connection: &mut Connection,
    scratch: &mut Vec<u8>,
    parser: &mut Parser,
    env: &mut Env<'_, '_>,
) -> (Read, usize) {
    let Some(mut partial) = connection.partial.take() else {
        scratch.clear();
        return read_behind(connection, scratch, parser, env);
    };
    let (read, n) = match partial.parser.filling() {
        Some(argument) => receive(connection, argument),
        None if partial.bytes.len() <= SHORT_BYTES => {
            scratch.clear();
            scratch.extend_from_slice(&partial.bytes);
            let (read, n) = read_behind(connection, scratch, &mut partial.parser, env);
            if n > 0 {
                return (read, n);
            }
            (read, n)
        }
        None => {
            partial.bytes.reserve(READ_BYTES);
            receive(connection, &mut partial.bytes)
        }
    };
    if connection.is_killed() {
        // What has just arrived stands in the request already, which may be whole with it.
        return (Read::Closed, 0);
    }
    // Whole requests may wait here even if nothing has arrived: those a crowded inbox held up. A large argument beyond the
    // limit is left as it is, for its client to be closed, even if one read brought all of it.
    if partial.parser.filled_bytes() as u64 <= env.local.config.client_query_buffer_limit_bytes {
        execute_partial(connection, &mut partial, env);
    }
    restore(connection, partial);
    (read, n)
}

/// Reads behind what is in the core's buffer; if anything came, executes all whole requests there and keeps the rest.
fn read_behind(
    connection: &mut Connection,
    scratch: &mut Vec<u8>,
    parser: &mut Parser,
    env: &mut Env<'_, '_>,
) -> (Read, usize) {
    let (read, n) = receive(connection, scratch);
    if n > 0 {
        let rest = execute_all(connection, scratch, parser, env);
        keep_rest(connection, &scratch[rest.0..rest.1], parser);
    }
    (read, n)
}

/// Executes what arrived while the connection could not go on: first the request that was held up by a pause, if any.
pub fn execute_kept(
    connection: &mut Connection,
    paused: Option<Box<OwnedRequest>>,
    env: &mut Env<'_, '_>,
) {
    if let Some(request) = paused {
        let next = dispatch::execute(
            env,
            &mut connection.session,
            request.as_request(),
            &mut connection.out,
        );
        connection.halt = match next {
            Next::Continue => Halt::None,
            Next::Abort => return abort(connection),
            Next::Blocked => Halt::Blocked,
            Next::Long(rest) => Halt::Long(rest),
            Next::Paused => Halt::Paused(request),
        };
    }
    let is_over = connection.session.closing || connection.is_killed();
    if is_over || !matches!(connection.halt, Halt::None) {
        return;
    }
    if let Some(mut partial) = connection.partial.take() {
        execute_partial(connection, &mut partial, env);
        restore(connection, partial);
    }
}

fn execute_partial(connection: &mut Connection, partial: &mut Partial, env: &mut Env<'_, '_>) {
    let (start, end) = execute_all(connection, &partial.bytes, &mut partial.parser, env);
    partial.bytes.truncate(end);
    partial.bytes.drain(..start);
}

/// Keeps the partial request, unless nothing of it is left.
fn restore(connection: &mut Connection, mut partial: Box<Partial>) {
    if !partial.bytes.is_empty() || partial.parser.filling().is_some() {
        if partial.bytes.capacity() > 4 * READ_BYTES.max(partial.bytes.len()) {
            partial.bytes.shrink_to(READ_BYTES.max(partial.bytes.len()));
        }
        connection.partial = Some(partial);
    }
}

fn keep_rest(connection: &mut Connection, rest: &[u8], parser: &mut Parser) {
    if !rest.is_empty() || parser.filling().is_some() {
        connection.partial = Some(Box::new(Partial {
            bytes: rest.to_vec(),
            parser: std::mem::take(parser),
        }));
    }
}

/// True when a client that has yet to authenticate lets replies gather.
fn is_abusive(connection: &Connection, shared: &Shared) -> bool {
    connection.out.len() > OUTPUT_BYTES_UNAUTHENTICATED && !connection.session.is_let_in(shared)
}

/// The connection closes, and what it was to be sent is dropped.
fn abort(connection: &mut Connection) {
    tracing::debug!("closing client {} for what it sends", connection.session.id);
    connection.out = Reply::new(connection.session.version);
    connection.session.closing = true;
}

/// Reads into the spare capacity of `buffer`.
fn receive(connection: &mut Connection, buffer: &mut Vec<u8>) -> (Read, usize) {
    debug_assert!(buffer.len() < buffer.capacity());
    let received = match &mut connection.socket {
        Socket::Tls(stream) => stream.receive(buffer),
        plain => receive_plain(plain, buffer),
    };
    // What a client sends after another has heard that it is killed must not be executed.
    match received.1 > 0 && connection.is_killed() {
        true => (Read::Closed, 0),
        false => received,
    }
}

fn receive_plain(socket: &Socket, buffer: &mut Vec<u8>) -> (Read, usize) {
    let room = buffer.capacity() - buffer.len();
    let received = rustix::net::recv(socket, spare_capacity(buffer), RecvFlags::empty());
    match received.map(|(n, _)| n).map_err(io::Error::from) {
        Ok(0) => (Read::Closed, 0),
        Ok(n) if n == room => (Read::Full, n),
        Ok(n) => (Read::Drained, n),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => (Read::Nothing, 0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => (Read::Full, 0),
        Err(_) => (Read::Closed, 0),
    }
}

/// Executes the whole requests in `input`; returns where the first byte still needed is, and the last.
fn execute_all(
    connection: &mut Connection,
    input: &[u8],
    parser: &mut Parser,
    env: &mut Env<'_, '_>,
) -> (usize, usize) {
    let mut start = 0;
    let bulk_bytes = env.local.config.proto_max_bulk_len_bytes as i64;
    while start < input.len() || parser.filling().is_some() {
        let limits = Limits {
            bulk_bytes,
            authenticated: connection.session.is_let_in(env.shared),
        };
        let consumed = match parser.parse(&input[start..], limits) {
            Ok(Parsed::Request { consumed }) => consumed,
            Ok(Parsed::Incomplete { keep }) => return (start, start + keep),
            Err(error) => {
                connection.out.error(&error.text());
                env.shared.stats[env.local.core].error(b"ERR");
                connection.session.closing = true;
                parser.reset();
                return (input.len(), input.len());
            }
        };
        let request = parser.request(&input[start..]);
        let next = dispatch::execute(env, &mut connection.session, request, &mut connection.out);
        if let Next::Paused = next {
            connection.halt = Halt::Paused(Box::new(request.to_owned()));
        }
        parser.reset();
        start += consumed;
        if env.meter.is_time_over() {
            env.now = env.shared.clock.now();
        }
        match next {
            Next::Continue if connection.session.closing || connection.is_killed() => {
                return (input.len(), input.len());
            }
            Next::Continue if env.local.yielding => return (start, input.len()),
            Next::Continue if is_abusive(connection, env.shared) => {
                env.shared.stats[env.local.core].output_limit_closed.add(1);
                abort(connection);
                return (input.len(), input.len());
            }
            Next::Continue if connection.out.len() > OUTPUT_BYTES => {
                env.local.yielding = true;
                return (start, input.len());
            }
            Next::Continue => {}
            Next::Abort => {
                abort(connection);
                return (input.len(), input.len());
            }
            Next::Blocked => {
                connection.halt = Halt::Blocked;
                return (start, input.len());
            }
            Next::Long(rest) => {
                connection.halt = Halt::Long(rest);
                return (start, input.len());
            }
            Next::Paused => return (start, input.len()),
        }
    }
    (start, input.len())
}
