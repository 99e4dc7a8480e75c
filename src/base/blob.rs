//! Bytes on their way from a request into a value.

use bytes::Bytes;

/// Bytes borrowed from a request, or already shared because they were too large to copy.
#[derive(Clone, Copy, Debug)]
pub enum Blob<'a> {
    /// To be copied into the value.
    Slice(&'a [u8]),
    /// To be kept by reference where the value can.
    Shared(&'a Bytes),
}

impl<'a> Blob<'a> {
    /// The bytes themselves.
    pub fn as_slice(&self) -> &'a [u8] {
        match self {
            Blob::Slice(slice) => slice,
            Blob::Shared(bytes) => bytes,
        }
    }

    /// A shared copy; no bytes move if they are shared already.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Blob::Slice(slice) => Bytes::copy_from_slice(slice),
            Blob::Shared(bytes) => (*bytes).clone(),
        }
    }
}

impl<'a> From<&'a [u8]> for Blob<'a> {
    fn from(slice: &'a [u8]) -> Self {
        Blob::Slice(slice)
    }
}

impl<'a> From<&'a Bytes> for Blob<'a> {
    fn from(bytes: &'a Bytes) -> Self {
        Blob::Shared(bytes)
    }
}
