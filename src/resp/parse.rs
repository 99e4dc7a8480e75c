//! The request parser: bytes to arguments, resumable at any byte.
//!
//! The caller keeps the bytes from the first of the current request on and calls `parse` as more arrive; the parser
//! remembers how far it came, so no byte is looked at twice. Arguments are positions in the caller's bytes; nothing is
//! allocated but the span list, which is used again for every request.
//!
//! An argument of `LARGE_ARGUMENT_BYTES` or more that has not arrived whole gets a buffer of exactly its size
//! (`filling`), which the caller reads into straight from the socket, so a large value is copied once, by the kernel:
//!
//! ```text
//!   *3 $3 SET $1 k $1000000 | aaaaaaaaaa...            the bytes before | stay with the caller,
//!                           ^ keep                     those after it go to `filling`
//! ```
//!
//! Bounds: `Limits::bulk_bytes` for one argument, `MAX_ARGUMENTS` for their number, `MAX_LINE_BYTES` for an inline request or a
//! length line, `MAX_REQUEST_BYTES` for all that is not large. Memory is taken as bytes arrive, never because of a claimed count; a
//! claimed length reserves addresses, which cost nothing until bytes arrive.
//!
//! A NUL hides the rest of a line, its end included, as it does from Redis: such a line never ends.

use super::inline::split_inline;
use super::request::{LARGE, Request, Span};
use bytes::Bytes;
use std::fmt;

/// An argument of this size or more is received in a buffer of its own.
pub const LARGE_ARGUMENT_BYTES: usize = 32 * 1024;
/// The most arguments a request may have.
pub const MAX_ARGUMENTS: i64 = i32::MAX as i64;
/// The longest inline request or length line.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// The most arguments of a request by a client that has yet to authenticate.
pub const MAX_ARGUMENTS_UNAUTHENTICATED: i64 = 10;
/// The longest argument by a client that has yet to authenticate.
pub const MAX_BULK_UNAUTHENTICATED: i64 = 16_384;

/// The most bytes of one request outside its large arguments.
pub const MAX_REQUEST_BYTES: usize = 1 << 30;

/// What a connection may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest argument, `proto-max-bulk-len`.
    pub bulk_bytes: i64,
    /// False narrows the limits to what a handshake needs.
    pub authenticated: bool,
}

/// How far a call of `parse` came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A whole request, which `Parser::request` returns; the next one begins after `consumed` bytes.
    Request {
        /// Bytes of the input that belong to this request.
        consumed: usize,
    },
    /// More is needed. The first `keep` bytes must be passed again, followed by what arrives; the rest has been taken.
    Incomplete {
        /// Bytes of the input still needed.
        keep: usize,
    },
}

/// The stream of bytes is not RESP; the connection is answered with this and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// The argument count is no number or too large.
    MultibulkLength,
    /// More arguments than a client may send before it authenticates.
    UnauthenticatedMultibulk,
    /// A longer argument than a client may send before it authenticates.
    UnauthenticatedBulk,
    /// An argument's length is no number, negative or above the limit.
    BulkLength,
    /// An argument begins with this byte and not with `$`.
    ExpectedDollar(u8),
    /// A line of the argument count does not end.
    CountLineTooLong,
    /// A line of an argument's length does not end.
    BulkLineTooLong,
    /// An inline request does not end.
    InlineTooLong,
    /// An inline request has a quote that does not close.
    UnbalancedQuotes,
    /// The request exceeds `MAX_REQUEST_BYTES`, or there is no room for an argument.
    RequestTooLarge,
}

impl ProtocolError {
    /// What the client is told.
    pub fn text(self) -> Vec<u8> {
        let mut text = b"ERR Protocol error: ".to_vec();
        text.extend_from_slice(match self {
            Self::MultibulkLength => b"invalid multibulk length",
            Self::UnauthenticatedMultibulk => b"unauthenticated multibulk length",
            Self::UnauthenticatedBulk => b"unauthenticated bulk length",
            Self::BulkLength => b"invalid bulk length",
            Self::ExpectedDollar(_) => b"expected '$', got '",
            Self::CountLineTooLong => b"too big mbulk count string",
            Self::BulkLineTooLong => b"too big bulk count string",
            Self::InlineTooLong => b"too big inline request",
            Self::UnbalancedQuotes => b"unbalanced quotes in request",
            Self::RequestTooLarge => b"too big request",
        });
        if let Self::ExpectedDollar(byte) = self {
            text.extend_from_slice(&[byte, b'\'']);
        }
        text
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text()))
    }
}

impl std::error::Error for ProtocolError {}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Parser {
    spans: Vec<Span>,
    large: Vec<Bytes>,
    /// The next byte to look at, counted from the request's first.
    pos: usize,
    /// Arguments still to come, once the count has been read.
    remaining: u32,
    /// The length of the argument whose data begins at `pos`, once its header has been read.
    bulk_bytes: Option<usize>,
    /// The large argument being received, with its line end.
    filling: Option<Vec<u8>>,
    /// Unescaped arguments of an inline request that had quotes.
    inline: Vec<u8>,
    /// The request is an inline one, has an argument in a buffer of its own, or a line end other than CR LF before its last.
    loose: bool,
}

/// Span lists longer than this are given back after the request.
const SPANS_KEPT: usize = 1024;

impl Parser {
    /// Looks at `input`, the bytes from the current request's first on.
    #[inline(always)]
    pub fn parse(&mut self, input: &[u8], limits: Limits) -> Result<Parsed, ProtocolError> {
        if self.remaining == 0 {
            match input.first() {
                None => return Ok(Parsed::Incomplete { keep: 0 }),
                Some(b'*') => {}
                Some(_) => return self.parse_inline(input),
            }
            match self.parse_count(input, limits)? {
                None => return Ok(Parsed::Incomplete { keep: input.len() }),
                Some(0) => return Ok(Parsed::Request { consumed: self.pos }),
                Some(count) => self.remaining = count,
            }
        }
        if self.bulk_bytes.is_none() && self.take_short_bulks(input) {
            return Ok(Parsed::Request { consumed: self.pos });
        }
        if input.len() > MAX_REQUEST_BYTES {
            return Err(ProtocolError::RequestTooLarge);
        }
        self.parse_bulks(input, limits)
    }

    /// The request that `parse` found at the start of `input`.
    pub fn request<'a>(&'a self, input: &'a [u8]) -> Request<'a> {
        Request {
            bytes: if self.inline.is_empty() {
                input
            } else {
                &self.inline
            },
            spans: &self.spans,
            large: &self.large,
            framed: !self.loose,
        }
    }

    /// Forgets the request that was parsed and is ready for the next.
    #[inline(always)]
    pub fn reset(&mut self) {
        if self.spans.capacity() > SPANS_KEPT {
            self.spans = Vec::new();
        }
        self.spans.clear();
        self.large.clear();
        self.inline.clear();
        self.filling = None;
        self.pos = 0;
        self.remaining = 0;
        self.bulk_bytes = None;
        self.loose = false;
    }

    /// The buffer of a large argument that is being received: read into its spare capacity, and no further.
    pub fn filling(&mut self) -> Option<&mut Vec<u8>> {
        self.filling.as_mut()
    }

    /// Bytes that have arrived of a large argument that is not complete.
    pub fn filled_bytes(&self) -> usize {
        self.filling.as_ref().map_or(0, Vec::len)
    }

    /// Bytes of the input that have been understood and belong to a request that is not complete.
    pub fn parsed_bytes(&self) -> usize {
        self.pos
    }

    #[inline(always)]
    fn parse_count(&mut self, input: &[u8], limits: Limits) -> Result<Option<u32>, ProtocolError> {
        if let Some(&[_, digit @ b'0'..=b'9', b'\r', b'\n']) = input.first_chunk() {
            self.pos = 4;
            return Ok(Some(u32::from(digit - b'0')));
        }
        let (count, next) = match length_line(input, 0) {
            Line::Incomplete => return Ok(None),
            Line::TooLong => return Err(ProtocolError::CountLineTooLong),
            Line::Number(count, next) if count <= MAX_ARGUMENTS => (count, next),
            Line::Number(..) | Line::NotANumber => return Err(ProtocolError::MultibulkLength),
        };
        if count > MAX_ARGUMENTS_UNAUTHENTICATED && !limits.authenticated {
            return Err(ProtocolError::UnauthenticatedMultibulk);
        }
        self.pos = next;
        Ok(Some(count.max(0) as u32))
    }

    /// Takes arguments as long as they are whole and their lengths have one or two digits, which every limit allows;
    /// true when none is left. Nearly all requests go no other way.
    #[inline]
    fn take_short_bulks(&mut self, input: &[u8]) -> bool {
        // A count stands before, so this is where a line ends.
        let (mut end, mut remaining) = (self.pos.wrapping_sub(2), self.remaining);
        while remaining > 0 {
            let Some((bulk_bytes, start)) = short_header(input, end) else {
                break;
            };
            let next_end = start + bulk_bytes as usize;
            if next_end + 2 > input.len() {
                break;
            }
            self.spans.push(Span {
                start: start as u32,
                len: bulk_bytes,
            });
            end = next_end;
            remaining -= 1;
        }
        (self.pos, self.remaining) = (end.wrapping_add(2), remaining);
        remaining == 0
    }

    /// Takes arguments of any length, whole or not.
    fn parse_bulks(&mut self, input: &[u8], limits: Limits) -> Result<Parsed, ProtocolError> {
        if self.filling.is_some() && !self.finish_filling() {
            return Ok(Parsed::Incomplete { keep: self.pos });
        }
        while self.remaining > 0 {
            let bulk_bytes = match self.bulk_bytes {
                Some(bulk_bytes) => bulk_bytes,
                None => match self.parse_bulk_header(input, limits)? {
                    None => return Ok(Parsed::Incomplete { keep: input.len() }),
                    Some(bulk_bytes) => bulk_bytes,
                },
            };
            if input.len() - self.pos < bulk_bytes + 2 {
                return self.await_bulk(input, bulk_bytes);
            }
            self.spans.push(Span {
                start: self.pos as u32,
                len: bulk_bytes as u32,
            });
            self.pos += bulk_bytes + 2;
            self.bulk_bytes = None;
            self.remaining -= 1;
        }
        Ok(Parsed::Request { consumed: self.pos })
    }

    fn parse_bulk_header(
        &mut self,
        input: &[u8],
        limits: Limits,
    ) -> Result<Option<usize>, ProtocolError> {
        match input.get(self.pos) {
            None => return Ok(None),
            Some(b'$') => {}
            Some(&other) => {
                // A line without an end is reported as such before its first byte is.
                return match unusual_length_line(input, self.pos) {
                    Line::Incomplete => Ok(None),
                    Line::TooLong => Err(ProtocolError::BulkLineTooLong),
                    _ => Err(ProtocolError::ExpectedDollar(other)),
                };
            }
        }
        let (bulk_bytes, next) = match length_line(input, self.pos) {
            Line::Incomplete => return Ok(None),
            Line::TooLong => return Err(ProtocolError::BulkLineTooLong),
            Line::Number(n, next) if (0..=limits.bulk_bytes).contains(&n) => (n, next),
            Line::Number(..) | Line::NotANumber => return Err(ProtocolError::BulkLength),
        };
        if bulk_bytes > MAX_BULK_UNAUTHENTICATED && !limits.authenticated {
            return Err(ProtocolError::UnauthenticatedBulk);
        }
        self.loose |= !input[..self.pos].ends_with(b"\r\n") || !input[..next].ends_with(b"\r\n");
        self.pos = next;
        self.bulk_bytes = Some(bulk_bytes as usize);
        Ok(self.bulk_bytes)
    }

    fn await_bulk(&mut self, input: &[u8], bulk_bytes: usize) -> Result<Parsed, ProtocolError> {
        if bulk_bytes < LARGE_ARGUMENT_BYTES {
            return Ok(Parsed::Incomplete { keep: input.len() });
        }
        let mut buffer = Vec::new();
        buffer
            .try_reserve_exact(bulk_bytes + 2)
            .map_err(|_| ProtocolError::RequestTooLarge)?;
        buffer.extend_from_slice(&input[self.pos..]);
        self.filling = Some(buffer);
        Ok(Parsed::Incomplete { keep: self.pos })
    }

    /// Completes the large argument when all its bytes have arrived; false when they have not.
    fn finish_filling(&mut self) -> bool {
        let (Some(buffer), Some(bulk_bytes)) = (&mut self.filling, self.bulk_bytes) else {
            return false;
        };
        if buffer.len() < bulk_bytes + 2 {
            return false;
        }
        let mut argument = std::mem::take(buffer);
        argument.truncate(bulk_bytes);
        self.spans.push(Span {
            start: LARGE,
            len: self.large.len() as u32,
        });
        self.large.push(Bytes::from(argument));
        self.loose = true;
        self.filling = None;
        self.bulk_bytes = None;
        self.remaining -= 1;
        true
    }

    fn parse_inline(&mut self, input: &[u8]) -> Result<Parsed, ProtocolError> {
        let end = match memchr::memchr2(b'\n', 0, &input[self.pos..]) {
            Some(offset) if input[self.pos + offset] == b'\n' => self.pos + offset,
            found => {
                if input.len() > MAX_LINE_BYTES {
                    return Err(ProtocolError::InlineTooLong);
                }
                self.pos = found.map_or(input.len(), |offset| self.pos + offset);
                return Ok(Parsed::Incomplete { keep: input.len() });
            }
        };
        self.loose = true;
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        split_inline(line, &mut self.inline, &mut self.spans)
            .ok_or(ProtocolError::UnbalancedQuotes)?;
        Ok(Parsed::Request { consumed: end + 1 })
    }
}

/// The length in a line of `$`, one or two digits, CR LF, and where the next line begins; `end` is that of the line before, which is
/// CR LF too. Looks at seven bytes, which a request that is not all here can lack: `None` for that and for everything else.
#[inline(always)]
fn short_header(input: &[u8], end: usize) -> Option<(u32, usize)> {
    let line: &[u8; 7] = input.get(end..)?.first_chunk()?;
    if line[..2] != *b"\r\n" || line[2] != b'$' {
        return None;
    }
    let (first, second) = (line[3].wrapping_sub(b'0'), line[4].wrapping_sub(b'0'));
    if first > 9 {
        return None;
    }
    if line[4..6] == *b"\r\n" {
        return Some((u32::from(first), end + 6));
    }
    let short = first > 0 && second <= 9 && line[5..7] == *b"\r\n";
    short.then(|| (u32::from(first) * 10 + u32::from(second), end + 7))
}

enum Line {
    /// The number, and where the next line begins.
    Number(i64, usize),
    NotANumber,
    Incomplete,
    TooLong,
}

/// Reads the number between the type byte at `start` and the line's end.
#[inline]
fn length_line(input: &[u8], start: usize) -> Line {
    let at = start + 1;
    let mut value = 0i64;
    for (offset, &byte) in input[at..].iter().enumerate().take(10) {
        match byte {
            b'0'..=b'9' => value = value * 10 + i64::from(byte - b'0'),
            b'\r' if offset > 0 && (input[at] != b'0' || offset == 1) => {
                let next = at + offset + 2;
                return if input.len() < next {
                    Line::Incomplete
                } else {
                    Line::Number(value, next)
                };
            }
            _ => break,
        }
    }
    unusual_length_line(input, start)
}

/// The rest of `length_line`: a line that is long, negative, malformed or not yet complete.
#[cold]
fn unusual_length_line(input: &[u8], start: usize) -> Line {
    let end = match memchr::memchr2(b'\r', 0, &input[start..]) {
        Some(offset) if input[start + offset] == b'\r' => start + offset,
        _ if input.len() - start > MAX_LINE_BYTES => return Line::TooLong,
        _ => return Line::Incomplete,
    };
    let next = end + 2;
    if input.len() < next {
        return Line::Incomplete;
    }
    match input.get(start + 1..end).and_then(strict_i64) {
        Some(value) => Line::Number(value, next),
        None => Line::NotANumber,
    }
}

fn strict_i64(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !canonical {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
