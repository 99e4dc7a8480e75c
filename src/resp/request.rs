//! A parsed request: its arguments, borrowed from the buffer they arrived in or, for large ones, from a buffer of
//! their own.

use crate::base::Blob;
use bytes::Bytes;

/// Where an argument lies: in the request's bytes, or, when `start` is `LARGE`, at index `len` of the large arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub start: u32,
    pub len: u32,
}

pub(super) const LARGE: u32 = u32::MAX;

/// A request's arguments, the command's name first. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) spans: &'a [Span],
    pub(super) large: &'a [Bytes],
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
        self.resolve(self.spans[index])
    }

    /// The arguments from `index` on, in order.
    #[inline]
    pub fn args_from(
        &self,
        index: usize,
    ) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let request = *self;
        self.spans[index..]
            .iter()
            .map(move |&span| request.resolve(span))
    }

    #[inline]
    fn resolve(&self, span: Span) -> &'a [u8] {
        if span.start == LARGE {
            &self.large[span.len as usize]
        } else {
            &self.bytes[span.start as usize..][..span.len as usize]
        }
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
        }
    }

    /// Bytes it occupies on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.len()
            + size_of_val(&*self.spans)
            + self.large.iter().map(Bytes::len).sum::<usize>()
    }
}
