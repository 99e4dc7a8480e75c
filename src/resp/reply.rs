//! The reply writer: values to RESP2 or RESP3 bytes, gathered until the connection writes them once a turn.
//!
//! Output is a chain: small replies are appended to `tail`; a large value is linked in as a shared buffer and never
//! copied. `mark` and `rollback` let a command that fails half-way leave nothing behind.
//!
//! ```text
//!   chunks: [ Bytes ][ Bytes ] ...   tail: Vec<u8>
//!             ^ `written` bytes of the first have been sent
//! ```

use bytes::Bytes;
use std::collections::VecDeque;
use std::io::IoSlice;

/// Values at least this long are linked in and not copied.
pub const SHARED_BULK_BYTES: usize = 16 * 1024;

/// The protocol version of a connection, chosen by HELLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// RESP2.
    #[default]
    Resp2,
    /// RESP3.
    Resp3,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Reply {
    chunks: VecDeque<Bytes>,
    chunk_bytes: usize,
    written: usize,
    tail: Vec<u8>,
    /// The protocol version replies are written in.
    pub version: Version,
}

/// A place in the output to roll back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    chunks: usize,
    tail: usize,
}

/// A place where the head of an aggregate of yet unknown length goes; see `Reply::open`.
#[must_use]
#[derive(Debug)]
pub struct Opening {
    kind: Aggregate,
    mark: Mark,
}

/// The aggregate types. In RESP2 a map is a flat array, and sets and pushes are arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// An ordered collection.
    Array,
    /// Pairs; its length counts pairs.
    Map,
    /// An unordered collection.
    Set,
    /// Out-of-band data.
    Push,
}

impl Reply {
    /// An empty output in `version`.
    pub fn new(version: Version) -> Self {
        Reply {
            version,
            ..Reply::default()
        }
    }

    /// True in RESP3.
    pub fn is_resp3(&self) -> bool {
        self.version == Version::Resp3
    }

    /// `+text`.
    pub fn simple(&mut self, text: &str) {
        self.tail.push(b'+');
        self.line(text.as_bytes());
    }

    /// `+OK`.
    pub fn ok(&mut self) {
        self.tail.extend_from_slice(b"+OK\r\n");
    }

    /// `-text`; `text` begins with the error's code. Line ends inside become spaces, so that the framing holds.
    pub fn error(&mut self, text: &[u8]) {
        self.tail.push(b'-');
        self.line_of(text);
    }

    fn line_of(&mut self, text: &[u8]) {
        let start = self.tail.len();
        self.line(text);
        let end = self.tail.len() - 2;
        for byte in &mut self.tail[start..end] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
    }

    /// `:n`.
    pub fn int(&mut self, n: i64) {
        self.header(b':', n);
    }

    /// An unsigned number: as an integer, which is what a reader can hold.
    pub fn uint(&mut self, n: u64) {
        self.tail.push(b':');
        self.line(itoa::Buffer::new().format(n).as_bytes());
    }

    /// `$len` and the data.
    #[inline(never)]
    pub fn bulk(&mut self, data: &[u8]) {
        self.header(b'$', data.len() as i64);
        self.line(data);
    }

    /// A bulk string of a shared buffer, linked in when large.
    pub fn bulk_shared(&mut self, data: &Bytes) {
        if data.len() < SHARED_BULK_BYTES {
            return self.bulk(data);
        }
        self.header(b'$', data.len() as i64);
        self.link(data.clone());
        self.tail.extend_from_slice(b"\r\n");
    }

    /// A number as a bulk string.
    pub fn bulk_int(&mut self, n: i64) {
        self.bulk(itoa::Buffer::new().format(n).as_bytes());
    }

    /// The absence of a value: `$-1`, in RESP3 `_`.
    pub fn null(&mut self) {
        self.tail.extend_from_slice(match self.version {
            Version::Resp2 => b"$-1\r\n",
            Version::Resp3 => b"_\r\n",
        });
    }

    /// The absence of an array: `*-1`, in RESP3 `_`.
    pub fn null_array(&mut self) {
        self.tail.extend_from_slice(match self.version {
            Version::Resp2 => b"*-1\r\n",
            Version::Resp3 => b"_\r\n",
        });
    }

    /// A truth value: `:1` or `:0`, in RESP3 `#t` or `#f`.
    pub fn bool(&mut self, value: bool) {
        self.tail.extend_from_slice(match (self.version, value) {
            (Version::Resp2, true) => b":1\r\n",
            (Version::Resp2, false) => b":0\r\n",
            (Version::Resp3, true) => b"#t\r\n",
            (Version::Resp3, false) => b"#f\r\n",
        });
    }

    /// A double given as its text: a bulk string, in RESP3 `,text`.
    pub fn double(&mut self, text: &[u8]) {
        if self.is_resp3() {
            self.tail.push(b',');
            self.line(text);
        } else {
            self.bulk(text);
        }
    }

    /// Text for people: a bulk string, in RESP3 a verbatim string of format `txt`.
    pub fn verbatim(&mut self, text: &[u8]) {
        self.verbatim_of(*b"txt", text);
    }

    /// Text of some format: a bulk string, in RESP3 a verbatim string.
    pub fn verbatim_of(&mut self, format: [u8; 3], text: &[u8]) {
        if self.is_resp3() {
            self.header(b'=', text.len() as i64 + 4);
            self.tail.extend_from_slice(&format);
            self.tail.push(b':');
            self.line(text);
        } else {
            self.bulk(text);
        }
    }

    /// A number of any size, given as its text: a bulk string, in RESP3 `(text`.
    pub fn big_number(&mut self, text: &[u8]) {
        if self.is_resp3() {
            self.tail.push(b'(');
            self.line(text);
        } else {
            self.bulk(text);
        }
    }

    /// `+text`, whose line ends become spaces, so that the framing holds.
    pub fn status(&mut self, text: &[u8]) {
        self.tail.push(b'+');
        self.line_of(text);
    }

    /// The head of an array of `len` elements, which follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.aggregate(Aggregate::Array, len);
    }

    /// The head of a map of `pairs` pairs, which follow as key, value, key, value.
    pub fn map(&mut self, pairs: usize) {
        self.aggregate(Aggregate::Map, pairs);
    }

    /// The head of a set of `len` elements, which follow.
    pub fn set(&mut self, len: usize) {
        self.aggregate(Aggregate::Set, len);
    }

    /// The head of a push of `len` elements, which follow.
    pub fn push(&mut self, len: usize) {
        self.aggregate(Aggregate::Push, len);
    }

    /// The head of an aggregate of `len` elements or pairs, which follow.
    pub fn aggregate(&mut self, kind: Aggregate, len: usize) {
        let len = len as i64;
        match (self.version, kind) {
            (Version::Resp2, Aggregate::Map) => self.header(b'*', len * 2),
            (Version::Resp2, _) | (_, Aggregate::Array) => self.header(b'*', len),
            (_, Aggregate::Map) => self.header(b'%', len),
            (_, Aggregate::Set) => self.header(b'~', len),
            (_, Aggregate::Push) => self.header(b'>', len),
        }
    }

    /// Begins an aggregate whose length is known only when it is complete; end it with `close`.
    pub fn open(&mut self, kind: Aggregate) -> Opening {
        Opening {
            kind,
            mark: self.mark(),
        }
    }

    /// Ends an aggregate of `len` elements or pairs: its head goes in front of what was written since `open`.
    pub fn close(&mut self, opening: Opening, len: usize) {
        let Opening { kind, mark } = opening;
        let mut head = Reply::new(self.version);
        head.aggregate(kind, len);
        if self.chunks.len() == mark.chunks {
            self.tail
                .splice(mark.tail..mark.tail, head.tail)
                .for_each(drop);
            return;
        }
        // What stood before the opening has become the front part of a chunk.
        let first = self.chunks[mark.chunks].split_off(mark.tail);
        self.chunks.insert(mark.chunks + 1, first);
        self.chunk_bytes += head.tail.len();
        self.chunks.insert(mark.chunks + 1, Bytes::from(head.tail));
    }

    /// Bytes that are already RESP.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
    }

    /// Links in a shared buffer of bytes that are already RESP; copies it when small.
    pub fn raw_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED_BULK_BYTES {
            self.raw(bytes);
        } else {
            self.link(bytes.clone());
        }
    }

    /// Appends all of `other`.
    pub fn append(&mut self, mut other: Reply) {
        debug_assert_eq!(other.written, 0);
        for chunk in other.chunks.drain(..) {
            self.raw_shared(&chunk);
        }
        self.raw(&other.tail);
    }

    /// Where the output ends now.
    pub fn mark(&self) -> Mark {
        Mark {
            chunks: self.chunks.len(),
            tail: self.tail.len(),
        }
    }

    /// Takes back all that was written since `mark`.
    pub fn rollback(&mut self, mark: Mark) {
        if self.chunks.len() > mark.chunks {
            let rest = self.chunks.split_off(mark.chunks);
            self.chunk_bytes -= rest.iter().map(Bytes::len).sum::<usize>();
            self.tail.clear();
            self.tail.extend_from_slice(&rest[0][..mark.tail]);
        } else {
            self.tail.truncate(mark.tail);
        }
    }

    /// The bytes written since `mark`, when none of them was linked in.
    pub fn since(&self, mark: Mark) -> &[u8] {
        if self.chunks.len() == mark.chunks {
            &self.tail[mark.tail..]
        } else {
            &[]
        }
    }

    /// All bytes in one piece; gathered in `scratch` if they do not stand in one.
    pub fn gathered<'a>(&'a self, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        if self.chunks.is_empty() {
            return &self.tail;
        }
        scratch.clear();
        for chunk in &self.chunks {
            scratch.extend_from_slice(chunk);
        }
        scratch.extend_from_slice(&self.tail);
        scratch
    }

    /// Forgets all that was written; the buffer is kept within a bound.
    pub fn clear(&mut self) {
        const KEPT_BYTES: usize = 64 * 1024;
        self.chunks.clear();
        self.chunk_bytes = 0;
        self.written = 0;
        self.tail.clear();
        self.tail.shrink_to(KEPT_BYTES);
    }

    /// Bytes still to be sent.
    pub fn len(&self) -> usize {
        self.chunk_bytes - self.written + self.tail.len()
    }

    /// True when nothing is left to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of linked buffers.
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// The unsent bytes, when they stand in one piece.
    #[inline]
    pub fn single_slice(&self) -> Option<&[u8]> {
        self.chunks.is_empty().then_some(&self.tail[..])
    }

    /// The unsent bytes as slices for one vectored write, at most `slices.len()` of them; returns how many were set.
    pub fn fill_slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut skip = self.written;
        let parts = self
            .chunks
            .iter()
            .map(|chunk| &chunk[std::mem::take(&mut skip)..])
            .chain(std::iter::once(&self.tail[..]).filter(|tail| !tail.is_empty()));
        let mut count = 0;
        for (slot, part) in slices.iter_mut().zip(parts) {
            *slot = IoSlice::new(part);
            count += 1;
        }
        count
    }

    /// Removes `n` bytes from the front: they have been sent.
    pub fn advance(&mut self, mut n: usize) {
        debug_assert!(n <= self.len());
        while let Some(first) = self.chunks.front() {
            let left = first.len() - self.written;
            if n < left {
                self.written += n;
                return;
            }
            n -= left;
            self.chunk_bytes -= first.len();
            self.written = 0;
            self.chunks.pop_front();
        }
        if n == self.tail.len() {
            self.tail.clear();
        } else if n > 0 {
            self.freeze_tail();
            self.written = n;
        }
    }

    /// Gives memory back when the buffer has grown beyond `keep_bytes`; only for an empty output.
    #[inline]
    pub fn shrink(&mut self, keep_bytes: usize) {
        debug_assert!(self.is_empty());
        if self.tail.capacity() > keep_bytes {
            self.tail = Vec::new();
        }
        if self.chunks.capacity() > 0 {
            self.chunks = VecDeque::new();
        }
    }

    fn link(&mut self, data: Bytes) {
        self.freeze_tail();
        self.chunk_bytes += data.len();
        self.chunks.push_back(data);
    }

    fn freeze_tail(&mut self) {
        if !self.tail.is_empty() {
            self.chunk_bytes += self.tail.len();
            self.chunks
                .push_back(Bytes::from(std::mem::take(&mut self.tail)));
        }
    }

    #[inline(always)]
    fn header(&mut self, kind: u8, n: i64) {
        let digit = |n: i64| b'0' + n as u8;
        match n {
            0..10 => self.tail.extend_from_slice(&[kind, digit(n), b'\r', b'\n']),
            10..100 => {
                let (tens, ones) = (digit(n / 10), digit(n % 10));
                self.tail
                    .extend_from_slice(&[kind, tens, ones, b'\r', b'\n']);
            }
            _ => self.long_header(kind, n),
        }
    }

    fn long_header(&mut self, kind: u8, n: i64) {
        self.tail.push(kind);
        self.line(itoa::Buffer::new().format(n).as_bytes());
    }

    #[inline(always)]
    fn line(&mut self, text: &[u8]) {
        self.tail.reserve(text.len() + 2);
        self.tail.extend_from_slice(text);
        self.tail.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(reply: &Reply) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 64];
        let count = reply.fill_slices(&mut slices);
        slices[..count]
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect()
    }

    #[test]
    fn versions_differ_where_they_should() {
        let write = |version| {
            let mut reply = Reply::new(version);
            reply.map(1);
            reply.null();
            reply.null_array();
            reply.bool(true);
            reply.double(b"1.5");
            reply.verbatim(b"hi");
            reply.push(0);
            all(&reply)
        };
        assert_eq!(
            write(Version::Resp2),
            b"*2\r\n$-1\r\n*-1\r\n:1\r\n$3\r\n1.5\r\n$2\r\nhi\r\n*0\r\n"
        );
        assert_eq!(
            write(Version::Resp3),
            b"%1\r\n_\r\n_\r\n#t\r\n,1.5\r\n=6\r\ntxt:hi\r\n>0\r\n"
        );
    }

    #[test]
    fn deferred_heads_and_rollback_work_across_linked_buffers() {
        let large = Bytes::from(vec![b'x'; SHARED_BULK_BYTES]);
        let mut reply = Reply::default();
        reply.int(7);
        let mark = reply.mark();
        let opening = reply.open(Aggregate::Array);
        reply.bulk(b"a");
        reply.bulk_shared(&large);
        reply.close(opening, 2);
        let text = all(&reply);
        assert!(text.starts_with(b":7\r\n*2\r\n$1\r\na\r\n$16384\r\nxxx"));
        assert!(text.ends_with(b"xxx\r\n"));
        assert_eq!(text.len(), reply.len());
        reply.rollback(mark);
        assert_eq!(all(&reply), b":7\r\n");
        assert_eq!(reply.len(), 4);
    }

    #[test]
    fn advance_sends_every_byte_once() {
        let large = Bytes::from(vec![b'y'; SHARED_BULK_BYTES]);
        let mut reply = Reply::default();
        reply.bulk_shared(&large);
        reply.simple("tail");
        let whole = all(&reply);
        let mut sent = Vec::new();
        while !reply.is_empty() {
            let part = all(&reply);
            let n = part.len().min(1000);
            sent.extend_from_slice(&part[..n]);
            reply.advance(n);
        }
        assert_eq!(sent, whole);
    }
}
