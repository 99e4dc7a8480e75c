//! RESP2 replies: where one ends, and reading one that is whole.

/// Finds the end of a reply in bytes that arrive piecemeal, looking at each byte once.
///
/// It keeps no bytes: the caller keeps what [`Framer::advance`] did not consume (at most one
/// unfinished header line) and passes it again with more behind it.
#[derive(Debug)]
pub struct Framer {
    /// Values still to come before the reply is whole.
    values: u64,
    /// Bytes of a bulk string's body, with its CR LF, still to come.
    body: usize,
}

impl Default for Framer {
    fn default() -> Self {
        Framer { values: 1, body: 0 }
    }
}

impl Framer {
    /// Consumes bytes up to the end of the reply: how many, and whether the reply is whole.
    /// Once it is, the next call begins the next reply.
    pub fn advance(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        loop {
            let skipped = self.body.min(bytes.len() - at);
            self.body -= skipped;
            at += skipped;
            if self.body > 0 {
                return (at, false);
            }
            if self.values == 0 {
                *self = Framer::default();
                return (at, true);
            }
            let Some(line) = line_length(&bytes[at..]) else {
                return (at, false);
            };
            self.header(&bytes[at..at + line]);
            at += line;
        }
    }

    fn header(&mut self, line: &[u8]) {
        self.values -= 1;
        match line[0] {
            b'*' => self.values += u64::try_from(number(line)).unwrap_or(0),
            b'$' => self.body = usize::try_from(number(line)).map_or(0, |length| length + 2),
            _ => {}
        }
    }
}

/// Length of the first line, CR LF included, if it is all there.
fn line_length(bytes: &[u8]) -> Option<usize> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some(end + 1)
}

/// The number behind a header line's sign; -1, as for a null, when it is none.
fn number(line: &[u8]) -> i64 {
    let digits = line
        .get(1..line.len().saturating_sub(2))
        .unwrap_or_default();
    str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(-1)
}

/// A cursor over one whole reply; each step is `None` when the reply is of another shape.
#[derive(Debug)]
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    /// The element count of the array that begins here.
    pub fn array(&mut self) -> Option<usize> {
        usize::try_from(self.line(b'*')?).ok()
    }

    /// The bytes of the bulk string that begins here.
    pub fn bulk(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.line(b'$')?).ok()?;
        let (body, rest) = self.0.split_at_checked(length)?;
        self.0 = rest.strip_prefix(b"\r\n")?;
        Some(body)
    }

    /// The integer that begins here.
    pub fn integer(&mut self) -> Option<i64> {
        self.line(b':')
    }

    fn line(&mut self, sign: u8) -> Option<i64> {
        let (line, rest) = self.0.split_at_checked(line_length(self.0)?)?;
        self.0 = rest;
        (line[0] == sign).then(|| number(line))
    }
}

/// What each reply of a load must be.
#[derive(Debug, Clone)]
pub enum Expect {
    /// These very bytes.
    Exactly(Vec<u8>),
    /// An integer of at least one.
    Count,
    /// A bulk string that holds a stream id.
    StreamId,
}

impl Expect {
    /// Whether `reply` is as expected.
    pub fn admits(&self, reply: &[u8]) -> bool {
        match self {
            Expect::Exactly(bytes) => reply == bytes,
            Expect::Count => reply[0] == b':' && number(reply) >= 1,
            Expect::StreamId => Cursor(reply).bulk().is_some_and(is_stream_id),
        }
    }
}

fn is_stream_id(text: &[u8]) -> bool {
    let dashes = text.iter().filter(|&&byte| byte == b'-').count();
    dashes == 1
        && text
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'-')
        && text.len() > 2
}

/// Bytes of one request.
pub fn request(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_request(&mut bytes, arguments);
    bytes
}

/// Appends one request.
pub fn push_request(out: &mut Vec<u8>, arguments: &[&[u8]]) {
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_split_finds_the_same_ends() {
        let bytes = b"+OK\r\n*2\r\n$3\r\na\r\n\r\n*1\r\n:7\r\n$-1\r\n*-1\r\n*0\r\n-ERR no\r\n";
        let ends = [5, 26, 31, 36, 40, 49];
        for split in 0..=bytes.len() {
            let (mut framer, mut at, mut found) = (Framer::default(), 0, Vec::new());
            for limit in [split, bytes.len()] {
                loop {
                    let (used, whole) = framer.advance(&bytes[at..limit]);
                    at += used;
                    if !whole {
                        break;
                    }
                    found.push(at);
                }
            }
            assert_eq!(found, ends, "split at {split}");
        }
    }

    #[test]
    fn expectations_reject_what_differs() {
        assert!(Expect::StreamId.admits(b"$5\r\n123-0\r\n"));
        assert!(!Expect::StreamId.admits(b"-ERR no\r\n"));
        assert!(!Expect::StreamId.admits(b"$-1\r\n"));
        assert!(Expect::Count.admits(b":12\r\n"));
        assert!(!Expect::Count.admits(b":0\r\n"));
        assert!(!Expect::Exactly(b"+OK\r\n".to_vec()).admits(b"+OK\n\r"));
    }
}
