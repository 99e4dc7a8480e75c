//! The data types. They know no protocol, no clock, no I/O and no error text: commands resolve time, `*` and randomness first.

pub mod list;
pub mod stream;
pub mod string;
mod value;

pub use list::List;
pub use stream::Stream;
pub use string::StrValue;
pub use value::{Kind, Value};
