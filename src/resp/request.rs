//! A parsed request: its arguments, borrowed from the buffer they arrived in or, for large ones, from a buffer of
//! their own.

use crate::base::Blob;
use bytes::Bytes;
use std::ops::Range;

/// Where an argument lies: in the request's bytes, or, when `start` is `LARGE`, at index `len` of the large arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub start: u32,
    pub len: u32,
}

pub(super) const LARGE: u32 = u32::MAX;

/// Length of `\r\n$<len>\r\n`.
#[inline(always)]
fn header_bytes(len: u32) -> usize {
    match len {
        0..10 => 6,
        10..100 => 7,
        _ => 6 + len.ilog10() as usize,
    }
}

#[inline(always)]
fn resolve<'a>(bytes: &'a [u8], large: &'a [Bytes], span: Span) -> &'a [u8] {
    if span.start == LARGE {
        &large[span.len as usize]
    } else {
        &bytes[span.start as usize..][..span.len as usize]
    }
}

/// A request's arguments, the command's name first. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) spans: &'a [Span],
    pub(super) large: &'a [Bytes],
    /// All arguments lie in `bytes` one after the other, each behind its length, with whole line ends.
    pub(super) framed: bool,
}

impl<'a> Request<'a> {
    /// Number of arguments, the command's name included.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// True for the empty request (`*0`), which is answered by nothing.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `index`; panics beyond the end, as a slice does.
    #[inline]
    pub fn arg(&self, index: usize) -> &'a [u8] {
        resolve(self.bytes, self.large, self.spans[index])
    }

    /// The arguments from `index` on, in order.
    #[inline]
    pub fn args_from(
        &self,
        index: usize,
    ) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let (bytes, large) = (self.bytes, self.large);
        self.spans[index..]
            .iter()
            .map(move |&span| resolve(bytes, large, span))
    }

    /// The arguments of `range`, at least one, as they arrived: `\r\n$<length>\r\n<argument>` each. None where they did not
    /// arrive quite so, or do not lie in one place.
    #[inline(always)]
    pub fn framed(&self, range: Range<usize>) -> Option<&'a [u8]> {
        if !self.framed || range.is_empty() {
            return None;
        }
        let (first, last) = (self.spans[range.start], self.spans[range.end - 1]);
        let begin = first.start as usize - header_bytes(first.len);
        self.bytes
            .get(begin..last.start as usize + last.len as usize)
    }

    /// The request as it arrived, from its count to the last line end. None where it did not arrive as the log would have it, or does not lie in
    /// one place.
    #[inline(always)]
    pub fn whole(&self) -> Option<&'a [u8]> {
        let last = self.spans.last().filter(|_| self.framed)?;
        let end = last.start as usize + last.len as usize + 2;
        let whole = self.bytes.get(..end)?;
        whole.ends_with(b"\r\n").then_some(whole)
    }

    /// The same in two parts: what stands before argument `index` and its length, and what stands behind it.
    #[inline(always)]
    pub fn around(&self, index: usize) -> Option<(&'a [u8], &'a [u8])> {
        let whole = self.whole()?;
        let span = self.spans[index];
        let start = span.start as usize;
        // The line end before the length is that of the line before.
        let begin = start + 2 - header_bytes(span.len);
        Some((&whole[..begin], &whole[start + span.len as usize + 2..]))
    }

    /// Argument `index` as an owned buffer: shared without copying when it was received large.
    pub fn shared(&self, index: usize) -> Bytes {
        let span = self.spans[index];
        if span.start == LARGE {
            self.large[span.len as usize].clone()
        } else {
            Bytes::copy_from_slice(self.arg(index))
        }
    }

    /// Argument `index` if it was received into a buffer of its own, which can be kept without copying.
    pub fn large(&self, index: usize) -> Option<&'a Bytes> {
        let span = self.spans[index];
        (span.start == LARGE).then(|| &self.large[span.len as usize])
    }

    /// Argument `index` as what a value is made from: shared if it was received large, borrowed otherwise.
    #[inline]
    pub fn blob(&self, index: usize) -> Blob<'a> {
        let span = self.spans[index];
        if span.start == LARGE {
            Blob::Shared(&self.large[span.len as usize])
        } else {
            Blob::Slice(self.arg(index))
        }
    }

    /// All arguments in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        self.args_from(0)
    }

    /// A copy that outlives the receive buffer (large arguments are shared).
    pub fn to_owned(&self) -> OwnedRequest {
        let mut bytes = Vec::with_capacity(
            self.spans
                .iter()
                .filter(|span| span.start != LARGE)
                .map(|span| span.len as usize)
                .sum(),
        );
        let spans = self
            .spans
            .iter()
            .map(|&span| {
                if span.start == LARGE {
                    return span;
                }
                let start = bytes.len() as u32;
                bytes.extend_from_slice(&self.bytes[span.start as usize..][..span.len as usize]);
                Span {
                    start,
                    len: span.len,
                }
            })
            .collect();
        OwnedRequest {
            bytes: bytes.into(),
            spans,
            large: self.large.to_vec(),
        }
    }
}

/// A request being put together, in a buffer that is used again and again. It stands as the log has it:
///
/// ```text
///   *<arguments>\r\n [ $<length>\r\n<argument>\r\n ] ...
/// ```
#[derive(Debug, Default)]
pub struct RequestBuffer {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl RequestBuffer {
    /// Begins a request of `args` arguments, which follow.
    pub fn begin(&mut self, args: usize) {
        const KEPT_BYTES: usize = 64 * 1024;
        const KEPT_SPANS: usize = 1024;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.spans.clear();
        self.spans.shrink_to(KEPT_SPANS);
        self.header(b'*', args);
    }

    /// Adds an argument. None may be longer than what a request on the wire can hold, four gigabytes with all others.
    pub fn push(&mut self, arg: &[u8]) {
        self.header(b'$', arg.len());
        self.spans.push(Span {
            start: self.bytes.len() as u32,
            len: arg.len() as u32,
        });
        self.bytes.extend_from_slice(arg);
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn header(&mut self, kind: u8, n: usize) {
        if n < 10 {
            self.bytes
                .extend_from_slice(&[kind, b'0' + n as u8, b'\r', b'\n']);
            return;
        }
        self.bytes.push(kind);
        self.bytes
            .extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Its bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// True before anything was begun.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The request, borrowed.
    pub fn as_request(&self) -> Request<'_> {
        Request {
            bytes: &self.bytes,
            spans: &self.spans,
            large: &[],
            framed: true,
        }
    }
}

/// A request that owns its arguments: one queued in a transaction, or one that waits.
#[derive(Clone, Debug)]
pub struct OwnedRequest {
    bytes: Box<[u8]>,
    spans: Box<[Span]>,
    large: Vec<Bytes>,
}

impl OwnedRequest {
    /// Builds a request from its arguments.
    pub fn from_args<'a>(args: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut bytes = Vec::new();
        let spans = args
            .into_iter()
            .map(|arg| {
                let start = bytes.len() as u32;
                bytes.extend_from_slice(arg);
                Span {
                    start,
                    len: arg.len() as u32,
                }
            })
            .collect();
        OwnedRequest {
            bytes: bytes.into(),
            spans,
            large: Vec::new(),
        }
    }

    /// The request, borrowed.
    pub fn as_request(&self) -> Request<'_> {
        Request {
            bytes: &self.bytes,
            spans: &self.spans,
            large: &self.large,
            framed: false,
        }
    }

    /// Bytes it occupies on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.len()
            + size_of_val(&*self.spans)
            + self.large.iter().map(Bytes::len).sum::<usize>()
    }
}
