//! What both floors know of the protocol: where requests end. They answer each with the same bytes.

use std::io::{self, ErrorKind};

/// What has come from a connection and not been answered, and the answers that have not been sent.
#[derive(Debug, Default)]
pub struct Answers {
    /// The beginning of a request that is not whole.
    input: Vec<u8>,
    /// What is to be sent.
    pub output: Vec<u8>,
}

impl Answers {
    /// Takes bytes that have come and answers each whole request; returns how many there were. An error means that they are no requests.
    pub fn take(&mut self, bytes: &[u8], reply: &[u8]) -> io::Result<usize> {
        let joined;
        let input = if self.input.is_empty() {
            bytes
        } else {
            self.input.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.input);
            &joined
        };
        let (mut at, mut requests) = (0, 0);
        while let Some(end) = request_end(&input[at..])? {
            self.output.extend_from_slice(reply);
            at += end;
            requests += 1;
        }
        self.input.extend_from_slice(&input[at..]);
        Ok(requests)
    }
}

/// The port and the replies, of which `usage` tells more, from the command line.
pub fn arguments(usage: &str) -> io::Result<(u16, Vec<Vec<u8>>)> {
    let mut arguments = std::env::args().skip(1);
    let Some(port) = arguments.next() else {
        return Err(io::Error::other(format!("usage: {usage}")));
    };
    let port = port.parse().map_err(io::Error::other)?;
    let unescaped = |reply: String| reply.replace("\\r", "\r").replace("\\n", "\n");
    Ok((
        port,
        arguments.map(unescaped).map(String::into_bytes).collect(),
    ))
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
