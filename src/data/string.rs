//! A string value: an integer, a short text inline, a text on the heap, or a large one shared with whoever reads it.
//!
//! | held as | when |
//! |---|---|
//! | `Int` | the text is a canonical `i64` and was set as a whole |
//! | `Inline` | up to [`INLINE_BYTES`] bytes |
//! | `Heap` | more, exactly as long as the text |
//! | `Growing` | the text was changed in place: has room to grow |
//! | `Shared` | from [`SHARE_BYTES`] on: received once, kept and sent without another copy |
//!
//! How the text is held is this file's business. What Redis would call it (OBJECT ENCODING) depends on more: a text is
//! `embstr` if it was set as a whole and fits beside its key in one cache line, and `raw` once it did not fit or was changed
//! in place, until it is set again. So that is a mark on the value, see [`StrValue::settle_beside`].

use crate::base::Blob;
use crate::base::num::{MAX_I64_DIGITS, parse_i64};
use bytes::Bytes;

/// Texts up to this long need no allocation.
pub const INLINE_BYTES: usize = 21;
/// Texts from this size on are kept in a shared buffer.
pub const SHARE_BYTES: usize = 16 * 1024;

/// The longest text that is ever embedded.
const EMBED_MAX_BYTES: usize = 44;
/// What key, text and expiry may take together for the text to be embedded beside the key.
const EMBED_ROOM_BYTES: usize = 41;
/// What an expiry takes of that room.
const EXPIRY_BYTES: usize = 8;

/// See the file's head.
#[derive(Clone, Debug)]
pub struct StrValue(Held);

#[derive(Clone, Debug)]
enum Held {
    Int(i64),
    Inline {
        raw: bool,
        len: u8,
        bytes: [u8; INLINE_BYTES],
    },
    Heap {
        raw: bool,
        text: Box<[u8]>,
    },
    #[expect(
        clippy::box_collection,
        reason = "boxed, as the next, to keep every string value three words"
    )]
    Growing(Box<Vec<u8>>),
    Shared(Box<Bytes>),
}

const _: () = assert!(size_of::<StrValue>() == 24);

impl From<i64> for StrValue {
    fn from(value: i64) -> Self {
        Self(Held::Int(value))
    }
}

impl StrValue {
    /// The value as SET keeps it: a canonical integer as a number, any other text as a text.
    pub fn new(text: Blob) -> Self {
        match integer(text.as_slice()) {
            Some(value) => Self::from(value),
            None => Self::text(text),
        }
    }

    /// The value kept as a text, even if it reads as an integer.
    pub fn text(text: Blob) -> Self {
        let slice = text.as_slice();
        Self(match slice.len() {
            len @ 0..=INLINE_BYTES => inline(false, len, |bytes| bytes.copy_from_slice(slice)),
            len if len < SHARE_BYTES => Held::Heap {
                raw: len > EMBED_MAX_BYTES,
                text: slice.into(),
            },
            _ => Held::Shared(Box::new(text.to_bytes())),
        })
    }

    /// Length of the text in bytes.
    pub fn len(&self) -> usize {
        match &self.0 {
            Held::Int(value) => itoa::Buffer::new().format(*value).len(),
            _ => self.bytes().len(),
        }
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text; a number is printed into `digits`.
    #[inline]
    pub fn as_bytes<'a>(&'a self, digits: &'a mut itoa::Buffer) -> &'a [u8] {
        match &self.0 {
            Held::Int(value) => digits.format(*value).as_bytes(),
            _ => self.bytes(),
        }
    }

    /// The text where it is large enough to be kept as a shared buffer: cheap to clone.
    pub fn as_shared(&self) -> Option<&Bytes> {
        match &self.0 {
            Held::Shared(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The number that the text is, if it is a canonical integer.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Held::Int(value) => Some(*value),
            _ => integer(self.bytes()),
        }
    }

    /// Adds `tail` at the end; gives the new length.
    pub fn append(&mut self, tail: &[u8]) -> usize {
        let len = self.len();
        self.edit(len + tail.len(), |text| text[len..].copy_from_slice(tail));
        len + tail.len()
    }

    /// Writes `patch`, which is not empty, at `offset`, filling up with zero bytes before it; gives the new length.
    pub fn set_range(&mut self, offset: usize, patch: &[u8]) -> usize {
        debug_assert!(
            !patch.is_empty(),
            "an empty patch changes nothing, not even the encoding"
        );
        let end = offset + patch.len();
        let len = self.len().max(end);
        self.edit(len, |text| text[offset..end].copy_from_slice(patch));
        len
    }

    /// What Redis calls the way the string is kept.
    pub fn encoding_name(&self) -> &'static str {
        match self.0 {
            Held::Int(_) => "int",
            Held::Inline { raw: false, .. } | Held::Heap { raw: false, .. } => "embstr",
            _ => "raw",
        }
    }

    /// Notes that the value was placed beside a key of this length, with or without an expiry: an embedded text that
    /// does not fit there is `raw` from now on.
    pub fn settle_beside(&mut self, key_len: usize, expires: bool) {
        let taken = key_len + if expires { EXPIRY_BYTES } else { 0 };
        match &mut self.0 {
            Held::Inline { raw, len, .. } => *raw |= taken + usize::from(*len) > EMBED_ROOM_BYTES,
            Held::Heap { raw, text } => *raw |= taken + text.len() > EMBED_ROOM_BYTES,
            _ => {}
        }
    }

    /// Makes a copy that shares what is large. A text that was growing is shared from then on, and moves only if it
    /// grows again while the copy lives.
    pub fn freeze(&mut self) -> Self {
        if let Held::Growing(text) = &mut self.0
            && text.len() >= SHARE_BYTES
        {
            self.0 = Held::Shared(Box::new(Bytes::from(std::mem::take(&mut **text))));
        }
        self.clone()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Held::Int(_) | Held::Inline { .. } => 0,
            Held::Heap { text, .. } => text.len(),
            Held::Growing(text) => size_of::<Vec<u8>>() + text.capacity(),
            Held::Shared(text) => size_of::<Bytes>() + text.len(),
        }
    }

    /// The text of what is no number.
    #[inline]
    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Held::Int(_) => unreachable!("numbers are told apart before"),
            Held::Inline { len, bytes, .. } => &bytes[..usize::from(*len)],
            Held::Heap { text, .. } => text,
            Held::Growing(text) => text,
            Held::Shared(text) => text,
        }
    }

    /// Makes the text `len` bytes long, no shorter than it is, with zero bytes at the end, and lets `change` write into it.
    pub fn edit(&mut self, len: usize, change: impl FnOnce(&mut [u8])) {
        if len <= INLINE_BYTES {
            let mut digits = itoa::Buffer::new();
            let old = self.as_bytes(&mut digits);
            self.0 = inline(true, len, |bytes| {
                bytes[..old.len()].copy_from_slice(old);
                change(bytes);
            });
            return;
        }
        let mut text = match std::mem::replace(&mut self.0, Held::Int(0)) {
            Held::Growing(text) => text,
            Held::Shared(text) => Box::new(
                text.try_into_mut()
                    .map_or_else(|text| text.to_vec(), Vec::from),
            ),
            Held::Heap { text, .. } => Box::new(text.into_vec()),
            held => Box::new(StrValue(held).as_bytes(&mut itoa::Buffer::new()).to_vec()),
        };
        text.resize(len, 0);
        change(&mut text);
        self.0 = Held::Growing(text);
    }
}

fn integer(text: &[u8]) -> Option<i64> {
    if text.len() <= MAX_I64_DIGITS {
        parse_i64(text)
    } else {
        None
    }
}

fn inline(raw: bool, len: usize, write: impl FnOnce(&mut [u8])) -> Held {
    let mut bytes = [0; INLINE_BYTES];
    write(&mut bytes[..len]);
    Held::Inline {
        raw,
        len: len as u8,
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> StrValue {
        StrValue::new(Blob::Slice(text.as_bytes()))
    }

    fn text(value: &StrValue) -> Vec<u8> {
        value.as_bytes(&mut itoa::Buffer::new()).to_vec()
    }

    #[test]
    fn encodings_are_those_of_the_real_server() {
        assert_eq!(value("12").encoding_name(), "int");
        assert_eq!(value("9223372036854775807").encoding_name(), "int");
        assert_eq!(value("9223372036854775808").encoding_name(), "embstr");
        assert_eq!(value("00").encoding_name(), "embstr");
        assert_eq!(value(&"a".repeat(44)).encoding_name(), "embstr");
        assert_eq!(value(&"a".repeat(45)).encoding_name(), "raw");
        assert_eq!(StrValue::text(Blob::Slice(b"6")).encoding_name(), "embstr");
        let mut appended = value("12");
        appended.append(b"");
        assert_eq!(appended.encoding_name(), "raw");
        assert_eq!(appended.as_i64(), Some(12));
    }

    #[test]
    fn a_text_is_embedded_if_it_fits_beside_its_key() {
        for (key_len, expires, longest) in [
            (1, false, 40),
            (1, true, 32),
            (10, false, 31),
            (20, false, 21),
            (40, false, 1),
        ] {
            for (len, expected) in [(longest, "embstr"), (longest + 1, "raw")] {
                let mut value = value(&"a".repeat(len));
                value.settle_beside(key_len, expires);
                assert_eq!(
                    value.encoding_name(),
                    expected,
                    "key of {key_len}, text of {len}"
                );
            }
        }
        let mut empty = value("");
        empty.settle_beside(41, false);
        assert_eq!(empty.encoding_name(), "embstr");
        empty.settle_beside(42, false);
        assert_eq!(empty.encoding_name(), "raw");
        empty.settle_beside(1, false);
        assert_eq!(empty.encoding_name(), "raw", "raw is for good");
    }

    #[test]
    fn large_texts_are_shared_not_copied() {
        let received = Bytes::from(vec![7; SHARE_BYTES]);
        let mut value = StrValue::new(Blob::Shared(&received));
        assert_eq!(value.as_shared().unwrap().as_ptr(), received.as_ptr());
        drop(received);
        let before = value.as_shared().unwrap().as_ptr();
        let frozen = value.freeze();
        assert_eq!(frozen.as_shared().unwrap().as_ptr(), before);
        value.append(b"x");
        assert_eq!(text(&frozen).len(), SHARE_BYTES);
        assert_eq!(
            text(&value.freeze()),
            [&[7; SHARE_BYTES][..], b"x"].concat()
        );
    }

    proptest! {
        #[test]
        fn edits_do_to_the_value_what_they_do_to_a_text(
            start in prop_oneof!["[a-z]{0,50}", any::<i64>().prop_map(|value| value.to_string()), Just("x".repeat(SHARE_BYTES))],
            edits in prop::collection::vec((any::<bool>(), 0usize..60, "[a-z]{1,30}"), 0..8),
        ) {
            let mut model = start.clone().into_bytes();
            let mut value = value(&start);
            for (append, offset, patch) in edits {
                let len = if append {
                    model.extend(patch.bytes());
                    value.append(patch.as_bytes())
                } else {
                    model.resize(model.len().max(offset + patch.len()), 0);
                    model[offset..offset + patch.len()].copy_from_slice(patch.as_bytes());
                    value.set_range(offset, patch.as_bytes())
                };
                prop_assert_eq!(len, model.len());
                prop_assert_eq!(value.encoding_name(), "raw");
                prop_assert_eq!(value.freeze().len(), model.len());
                prop_assert_eq!(&text(&value), &model);
            }
        }
    }
}
