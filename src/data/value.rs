//! What a key holds. Adding a data type is one variant here; the compiler lists the places that must know it.

use super::{List, StrValue, Stream};

/// A value of any type.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Str(StrValue),
    /// A list.
    List(Box<List>),
    /// A stream.
    Stream(Box<Stream>),
}

/// A data type that a key can hold.
pub trait Kind: Sized {
    /// The value as this type, if it is of it.
    fn of(value: &Value) -> Option<&Self>;
    /// The value as this type, if it is of it.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
}

macro_rules! kinds {
    ($($variant:ident: $type:ty),*) => {$(
        impl Kind for $type {
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

kinds!(Str: StrValue, List: List, Stream: Stream);

impl Value {
    /// The type's name, as TYPE says it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Str(_) => "string",
            Value::List(_) => "list",
            Value::Stream(_) => "stream",
        }
    }

    /// The encoding's name, as OBJECT ENCODING says it.
    pub fn encoding_name(&self) -> &'static str {
        match self {
            Value::Str(string) => string.encoding_name(),
            Value::List(list) => list.encoding_name(),
            Value::Stream(_) => "stream",
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Value::Str(string) => string.heap_bytes(),
            Value::List(list) => size_of::<List>() + list.heap_bytes(),
            Value::Stream(stream) => size_of::<Stream>() + stream.heap_bytes(),
        }
    }

    /// True when freeing it would stall the event loop.
    pub fn is_costly_to_free(&self) -> bool {
        match self {
            Value::Str(_) => false,
            Value::List(list) => list.is_costly_to_free(),
            Value::Stream(stream) => stream.is_costly_to_free(),
        }
    }
}
