//! Strict frames: commands as a log holds them, where nobody could be asked to send again.
//!
//! A frame is an array of bulk strings, `*<count>` with a count of at least one and lengths written in their one
//! canonical way, every line and every argument ended by CR LF. Anything else is malformed, and said to be so at the byte where it
//! begins; the parser for clients (`parse`) is laxer, because Redis is.
//!
//! The caller keeps the bytes from the frame's first on; the parser remembers how far it came, so no byte is looked at twice.
//!
//! Bounds: `MAX_ARGUMENTS` arguments, `MAX_FRAME_BYTES` in all. An argument may be longer than any client's: a value may stand there whole.

use super::parse::MAX_ARGUMENTS;
use super::request::{Request, Span};

/// The longest frame: positions in it have 32 bits.
pub const MAX_FRAME_BYTES: usize = u32::MAX as usize - 1;
/// Digits that a count or length may have.
const MAX_DIGITS: usize = 10;

/// How far a call of `scan` came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// A whole frame of so many bytes.
    Whole {
        /// Its length.
        bytes: usize,
    },
    /// The input is a proper prefix of a frame, which has at least so many bytes.
    Partial {
        /// Bytes, from the frame's first, without which it cannot be whole.
        wanted: usize,
    },
    /// The input is not a frame.
    Malformed {
        /// Where the first byte stands that no frame has there.
        at: usize,
        /// What should have stood there.
        expected: &'static str,
    },
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct FrameParser {
    spans: Vec<Span>,
    /// Bytes understood.
    pos: usize,
    /// Arguments yet to come; `None` before the count.
    remaining: Option<u32>,
}

impl FrameParser {
    /// Goes on with the frame that begins at `input`, of which more may have arrived since the last call.
    pub fn scan(&mut self, input: &[u8]) -> Scanned {
        match self.advance(input) {
            Ok(()) => Scanned::Whole { bytes: self.pos },
            Err(stop) => stop,
        }
    }

    /// Forgets the frame and is ready for the next.
    #[inline]
    pub fn reset(&mut self) {
        self.spans.clear();
        self.pos = 0;
        self.remaining = None;
    }

    /// The arguments of a whole frame, in the input that `scan` saw.
    #[inline]
    pub fn request<'a>(&'a self, input: &'a [u8]) -> Request<'a> {
        Request {
            bytes: input,
            spans: &self.spans,
            large: &[],
            framed: false,
        }
    }

    fn advance(&mut self, input: &[u8]) -> Result<(), Scanned> {
        let mut remaining = match self.remaining {
            Some(remaining) => remaining,
            None => {
                let (count, next) = number_line(input, 0, b'*')?;
                if !(1..=MAX_ARGUMENTS as usize).contains(&count) {
                    return Err(malformed(1, "a count of arguments"));
                }
                self.pos = next;
                count as u32
            }
        };
        self.remaining = Some(remaining);
        while remaining > 0 {
            let (bulk_bytes, start) = number_line(input, self.pos, b'$')?;
            let end = start + bulk_bytes;
            if end > MAX_FRAME_BYTES {
                return Err(malformed(self.pos + 1, "a length within bounds"));
            }
            expect(input, end, b"\r\n")?;
            self.spans.push(Span {
                start: start as u32,
                len: bulk_bytes as u32,
            });
            self.pos = end + 2;
            remaining -= 1;
            self.remaining = Some(remaining);
        }
        Ok(())
    }
}

fn malformed(at: usize, expected: &'static str) -> Scanned {
    Scanned::Malformed { at, expected }
}

fn expect(input: &[u8], at: usize, wanted: &[u8; 2]) -> Result<(), Scanned> {
    let there = input.get(at..).unwrap_or_default();
    match there {
        [a, b, ..] if [*a, *b] == *wanted => Ok(()),
        [] => Err(Scanned::Partial { wanted: at + 2 }),
        [a] if *a == wanted[0] => Err(Scanned::Partial { wanted: at + 2 }),
        [a, ..] if *a == wanted[0] => Err(malformed(at + 1, "the end of a line")),
        _ => Err(malformed(at, "the end of an argument")),
    }
}

/// Reads `sign`, a canonical number and CR LF at `at`; returns the number and where the next line begins.
#[inline]
fn number_line(input: &[u8], at: usize, sign: u8) -> Result<(usize, usize), Scanned> {
    let line = input.get(at..).unwrap_or_default();
    let Some((&first, digits)) = line.split_first() else {
        return Err(Scanned::Partial { wanted: at + 4 });
    };
    if first != sign {
        return Err(malformed(at, if sign == b'*' { "'*'" } else { "'$'" }));
    }
    let mut number = 0usize;
    for (index, &byte) in digits.iter().enumerate() {
        let place = at + 1 + index;
        match byte {
            b'0'..=b'9' if index < MAX_DIGITS && !(index > 0 && number == 0) => {
                number = number * 10 + usize::from(byte - b'0');
            }
            b'\r' if index > 0 => {
                expect(input, place, b"\r\n")?;
                return Ok((number, place + 2));
            }
            _ => return Err(malformed(place, "a number")),
        }
    }
    Err(Scanned::Partial {
        wanted: input.len() + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\nab\r\n*1\r\n$1\r\n\r\n";

    fn scan(input: &[u8]) -> Scanned {
        FrameParser::default().scan(input)
    }

    #[test]
    fn arguments_of_a_whole_frame() {
        let mut parser = FrameParser::default();
        let input = [FRAME, b"*1\r\n"].concat();
        assert_eq!(parser.scan(&input), Scanned::Whole { bytes: FRAME.len() });
        let arguments: Vec<&[u8]> = parser.request(&input).iter().collect();
        assert_eq!(arguments, [&b"SET"[..], b"", b"ab\r\n*1\r\n$1\r\n"]);
        parser.reset();
        assert_eq!(
            parser.scan(b"*1\r\n$1\r\nx\r\n"),
            Scanned::Whole { bytes: 11 }
        );
    }

    /// Every prefix is partial, whether it is looked at afresh or as it grows, and never asks for more than the frame has.
    #[test]
    fn every_prefix_is_partial() {
        let mut growing = FrameParser::default();
        for end in 0..FRAME.len() {
            for scanned in [scan(&FRAME[..end]), growing.scan(&FRAME[..end])] {
                let Scanned::Partial { wanted } = scanned else {
                    panic!("{end}: {scanned:?}");
                };
                assert!((end + 1..=FRAME.len()).contains(&wanted), "{end}: {wanted}");
            }
        }
        assert_eq!(growing.scan(FRAME), Scanned::Whole { bytes: FRAME.len() });
    }

    /// The payload of a stream that a rewritten log restores may be longer than what 31 bits count.
    #[test]
    fn an_argument_may_fill_the_frame() {
        let scanned = scan(b"*1\r\n$4294967200\r\n");
        let wanted = 4_294_967_200 + 19;
        assert_eq!(scanned, Scanned::Partial { wanted });
    }

    #[test]
    fn what_is_no_frame() {
        for (input, place) in [
            (&b"PING\r\n"[..], 0),
            (b"*0\r\n", 1),
            (b"*-1\r\n", 1),
            (b"*+1\r\n", 1),
            (b"*01\r\n", 2),
            (b"*\r\n", 1),
            (b"*99999999999\r\n", 11),
            (b"*4000000000\r\n", 1),
            (b"*1\n$1\r\nx\r\n", 2),
            (b"*1\rx", 3),
            (b"*1\r\n:1\r\n", 4),
            (b"*1\r\n$4294967280\r\n", 5),
            (b"*1\r\n$-1\r\n", 5),
            (b"*1\r\n$1\r\nxx\r\n", 9),
            (b"*1\r\n$1\r\nx\r\0", 10),
            (b"\0\0\0\0", 0),
        ] {
            let Scanned::Malformed { at, .. } = scan(input) else {
                panic!("{}: {:?}", input.escape_ascii(), scan(input));
            };
            assert_eq!(at, place, "{}", input.escape_ascii());
        }
    }
}
