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
//! length line. Memory is taken as bytes arrive, never because of a claimed count.

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
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MultibulkLength => "invalid multibulk length",
            Self::UnauthenticatedMultibulk => "unauthenticated multibulk length",
            Self::UnauthenticatedBulk => "unauthenticated bulk length",
            Self::BulkLength => "invalid bulk length",
            Self::ExpectedDollar(byte) => {
                return write!(f, "expected '$', got '{}'", char::from(*byte));
            }
            Self::CountLineTooLong => "too big mbulk count string",
            Self::BulkLineTooLong => "too big bulk count string",
            Self::InlineTooLong => "too big inline request",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
        })
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
}

/// Span lists longer than this are given back after the request.
const SPANS_KEPT: usize = 1024;

impl Parser {
    /// Looks at `input`, the bytes from the current request's first on.
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
        }
    }

    /// Forgets the request that was parsed and is ready for the next.
    pub fn reset(&mut self) {
        if self.spans.capacity() > SPANS_KEPT {
            self.spans = Vec::new();
        }
        self.spans.clear();
        self.large.clear();
        self.inline.clear();
        self.pos = 0;
        self.remaining = 0;
        self.bulk_bytes = None;
    }

    /// The buffer of a large argument that is being received: read into its spare capacity, and no further.
    pub fn filling(&mut self) -> Option<&mut Vec<u8>> {
        self.filling.as_mut()
    }

    /// Bytes held for arguments that have arrived or are arriving.
    pub fn held_bytes(&self) -> usize {
        self.large.iter().map(Bytes::len).sum::<usize>()
            + self.filling.as_ref().map_or(0, Vec::capacity)
            + self.spans.capacity() * size_of::<Span>()
    }

    fn parse_count(&mut self, input: &[u8], limits: Limits) -> Result<Option<u32>, ProtocolError> {
        if let Some((count, next)) = short_header(input, 0, b'*')
            && count <= MAX_ARGUMENTS_UNAUTHENTICATED as u32
        {
            self.pos = next;
            return Ok(Some(count));
        }
        let (count, next) = match length_line(input, 1) {
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
        while self.remaining > 0 {
            let Some((bulk_bytes, start)) = short_header(input, self.pos, b'$') else {
                return false;
            };
            let next = start + bulk_bytes as usize + 2;
            if next > input.len() {
                return false;
            }
            self.spans.push(Span {
                start: start as u32,
                len: bulk_bytes,
            });
            self.pos = next;
            self.remaining -= 1;
        }
        true
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
                return Ok(self.await_bulk(input, bulk_bytes));
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
                return match length_line(input, self.pos) {
                    Line::Incomplete => Ok(None),
                    Line::TooLong => Err(ProtocolError::BulkLineTooLong),
                    _ => Err(ProtocolError::ExpectedDollar(other)),
                };
            }
        }
        let (bulk_bytes, next) = match length_line(input, self.pos + 1) {
            Line::Incomplete => return Ok(None),
            Line::TooLong => return Err(ProtocolError::BulkLineTooLong),
            Line::Number(n, next) if (0..=limits.bulk_bytes).contains(&n) => (n, next),
            Line::Number(..) | Line::NotANumber => return Err(ProtocolError::BulkLength),
        };
        if bulk_bytes > MAX_BULK_UNAUTHENTICATED && !limits.authenticated {
            return Err(ProtocolError::UnauthenticatedBulk);
        }
        self.pos = next;
        self.bulk_bytes = Some(bulk_bytes as usize);
        Ok(self.bulk_bytes)
    }

    fn await_bulk(&mut self, input: &[u8], bulk_bytes: usize) -> Parsed {
        if bulk_bytes < LARGE_ARGUMENT_BYTES {
            return Parsed::Incomplete { keep: input.len() };
        }
        let mut buffer = Vec::with_capacity(bulk_bytes + 2);
        buffer.extend_from_slice(&input[self.pos..]);
        self.filling = Some(buffer);
        Parsed::Incomplete { keep: self.pos }
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
        self.filling = None;
        self.bulk_bytes = None;
        self.remaining -= 1;
        true
    }

    fn parse_inline(&mut self, input: &[u8]) -> Result<Parsed, ProtocolError> {
        let Some(offset) = memchr::memchr(b'\n', &input[self.pos..]) else {
            if input.len() > MAX_LINE_BYTES {
                return Err(ProtocolError::InlineTooLong);
            }
            self.pos = input.len();
            return Ok(Parsed::Incomplete { keep: input.len() });
        };
        let end = self.pos + offset;
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        split_inline(line, &mut self.inline, &mut self.spans)
            .ok_or(ProtocolError::UnbalancedQuotes)?;
        Ok(Parsed::Request { consumed: end + 1 })
    }
}

/// The number in a line of `sign`, one or two digits, CR LF, and where the next line begins. Looks at five bytes, which a
/// line of an unfinished request can lack: `None` for that and for everything else.
#[inline(always)]
fn short_header(input: &[u8], at: usize, sign: u8) -> Option<(u32, usize)> {
    let line: &[u8; 5] = input.get(at..)?.first_chunk()?;
    if line[0] != sign {
        return None;
    }
    let (first, second) = (line[1].wrapping_sub(b'0'), line[2].wrapping_sub(b'0'));
    if first > 9 {
        return None;
    }
    if line[2..4] == *b"\r\n" {
        return Some((u32::from(first), at + 4));
    }
    let short = first > 0 && second <= 9 && line[3..5] == *b"\r\n";
    short.then(|| (u32::from(first) * 10 + u32::from(second), at + 5))
}

enum Line {
    /// The number, and where the next line begins.
    Number(i64, usize),
    NotANumber,
    Incomplete,
    TooLong,
}

/// Reads the number from `at` to the line's end.
#[inline]
fn length_line(input: &[u8], at: usize) -> Line {
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
    unusual_length_line(input, at)
}

/// The rest of `length_line`: a line that is long, negative, malformed or not yet complete.
#[cold]
fn unusual_length_line(input: &[u8], at: usize) -> Line {
    let Some(len) = memchr::memchr(b'\r', &input[at..]) else {
        return if input.len() - at > MAX_LINE_BYTES {
            Line::TooLong
        } else {
            Line::Incomplete
        };
    };
    let next = at + len + 2;
    if input.len() < next {
        return Line::Incomplete;
    }
    match strict_i64(&input[at..at + len]) {
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
