//! What a key holds. Adding a data type is one variant here; the compiler lists the places that must know it.

use super::{Hash, List, Set, StrValue, Stream, ZSet};

/// Values that take no more bytes than this are encoded as fast as frozen, near enough.
const QUICK_BYTES: usize = 16 * 1024;

/// A value of any type.
#[derive(Debug)]
pub enum Value {
    /// A string.
    Str(StrValue),
    /// A list.
    List(Box<List>),
    /// A set.
    Set(Box<Set>),
    /// A hash.
    Hash(Box<Hash>),
    /// A stream.
    Stream(Box<Stream>),
    /// A sorted set.
    ZSet(Box<ZSet>),
}

/// A data type that a key can hold.
pub trait Kind: Sized {
    /// The value as this type, if it is of it.
    fn of(value: &Value) -> Option<&Self>;
    /// The value as this type, if it is of it.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    /// When something happens to it by itself that whoever looks at it has to see.
    #[inline]
    fn next_due_ms(&self) -> Option<u64> {
        None
    }
}

macro_rules! kinds {
    ($($variant:ident: $type:ty $({ $($more:tt)* })?),*) => {$(
        impl Kind for $type {
            $($($more)*)?
            #[inline]
            fn of(value: &Value) -> Option<&Self> {
                match value {
                    Value::$variant(inner) => Some(inner),
                    _ => None,
                }
            }
            #[inline]
            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                match value {
                    Value::$variant(inner) => Some(inner),
                    _ => None,
                }
            }
        }
        impl From<$type> for Value {
            fn from(inner: $type) -> Self {
                Value::$variant(inner.into())
            }
        }
    )*};
}

kinds!(Str: StrValue, List: List, Set: Set, ZSet: ZSet, Hash: Hash {
    #[inline]
    fn next_due_ms(&self) -> Option<u64> {
        self.next_expiry_ms().map(|ms| ms.max(0).unsigned_abs())
    }
}, Stream: Stream {
    #[inline]
    fn next_due_ms(&self) -> Option<u64> {
        self.schedule.next_ms()
    }
});

impl Value {
    /// The type's name, as TYPE says it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Str(_) => "string",
            Value::List(_) => "list",
            Value::Set(_) => "set",
            Value::Hash(_) => "hash",
            Value::Stream(_) => "stream",
            Value::ZSet(_) => "zset",
        }
    }

    /// The encoding's name, as OBJECT ENCODING says it.
    pub fn encoding_name(&self) -> &'static str {
        match self {
            Value::Str(string) => string.encoding_name(),
            Value::List(list) => list.encoding_name(),
            Value::Set(set) => set.encoding_name(),
            Value::Hash(hash) => hash.encoding_name(),
            Value::Stream(_) => "stream",
            Value::ZSet(zset) => zset.encoding_name(),
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Value::Str(string) => string.heap_bytes(),
            Value::List(list) => size_of::<List>() + list.heap_bytes(),
            Value::Set(set) => size_of::<Set>() + set.heap_bytes(),
            Value::Hash(hash) => size_of::<Hash>() + hash.heap_bytes(),
            Value::Stream(stream) => size_of::<Stream>() + stream.heap_bytes(),
            Value::ZSet(zset) => size_of::<ZSet>() + zset.heap_bytes(),
        }
    }

    /// A copy that later writes to either do not change, and that shares what is large: a matter of microseconds, whatever the
    /// size.
    pub fn freeze(&mut self) -> Value {
        match self {
            Value::Str(string) => Value::Str(string.freeze()),
            Value::List(list) => list.freeze().into(),
            Value::Set(set) => set.freeze().into(),
            Value::Hash(hash) => hash.freeze().into(),
            Value::Stream(stream) => stream.freeze().into(),
            Value::ZSet(zset) => zset.freeze().into(),
        }
    }

    /// Whether it is small enough to be encoded under its stripe's lock instead of frozen. Says so without a walk over a
    /// large value.
    pub fn is_quick_to_encode(&self) -> bool {
        match self {
            Value::Str(string) => string.len() <= QUICK_BYTES,
            Value::List(list) => list.is_quick_to_encode(QUICK_BYTES),
            Value::Set(set) => set.is_quick_to_encode(QUICK_BYTES),
            Value::Hash(hash) => hash.is_quick_to_encode(QUICK_BYTES),
            Value::Stream(stream) => stream.is_quick_to_encode(QUICK_BYTES),
            Value::ZSet(zset) => zset.is_quick_to_encode(QUICK_BYTES),
        }
    }

    /// True when freeing it would stall the event loop.
    pub fn is_costly_to_free(&self) -> bool {
        match self {
            Value::Str(_) => false,
            Value::List(list) => list.is_costly_to_free(),
            Value::Set(set) => set.is_costly_to_free(),
            Value::Hash(hash) => hash.is_costly_to_free(),
            Value::Stream(stream) => stream.is_costly_to_free(),
            Value::ZSet(zset) => zset.is_costly_to_free(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Blob;
    use crate::data::hash::{Keeps, Limits};
    use crate::data::list::{End, Limit};
    use crate::data::stream::{Id, NodeLimits};

    fn string(len: usize) -> Value {
        StrValue::new(Blob::Slice(&vec![b'x'; len])).into()
    }

    fn list(len: usize) -> Value {
        let mut list = List::new();
        for _ in 0..len {
            list.push(End::Back, Limit::default(), Blob::Slice(b"element"));
        }
        list.into()
    }

    fn set(len: usize) -> Value {
        let mut set = Set::table();
        for number in 0..len {
            let member = number.to_string();
            set.add(Blob::Slice(member.as_bytes()), Default::default());
        }
        set.into()
    }

    fn hash(len: usize) -> Value {
        let mut hash = Hash::new();
        for number in 0..len {
            let name = number.to_string();
            let value = Blob::Slice(b"a value");
            hash.set(
                Limits::default(),
                name.as_bytes().into(),
                value,
                Keeps::Value,
            );
        }
        hash.into()
    }

    fn stream(len: u64) -> Value {
        let mut stream = Stream::new();
        for ms in 1..=len {
            let fields = [(&b"field"[..], &b"value"[..])];
            stream
                .log
                .append(Id::new(ms, 0), &fields, NodeLimits::default());
        }
        stream.into()
    }

    #[test]
    fn a_frozen_value_may_go_to_another_thread_and_end_there() {
        for mut value in [
            string(100_000),
            list(100_000),
            set(100_000),
            hash(100_000),
            stream(100_000),
        ] {
            let bytes = value.heap_bytes();
            let frozen = value.freeze();
            drop(value);
            let read = std::thread::spawn(move || (frozen.type_name(), frozen.heap_bytes()));
            let (name, frozen_bytes) = read.join().expect("does not panic");
            assert!(
                frozen_bytes.abs_diff(bytes) < 2000,
                "{name}: {frozen_bytes} of {bytes}"
            );
        }
    }

    #[test]
    fn small_values_are_quick_to_encode_and_large_ones_are_not() {
        for value in [string(100), list(100), set(100), hash(100), stream(100)] {
            assert!(value.is_quick_to_encode(), "{}", value.type_name());
        }
        for value in [
            string(20_000),
            list(20_000),
            set(20_000),
            hash(20_000),
            stream(20_000),
        ] {
            assert!(!value.is_quick_to_encode(), "{}", value.type_name());
        }
    }
}
