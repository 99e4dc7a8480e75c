//! The values a key can hold, as plain data structures.
//!
//! No protocol, no clock, no I/O, no error text: commands resolve times, ids and texts first and name what went wrong.

pub mod bits;
mod chunked;
pub mod list;
mod shareable;
pub mod stream;
pub mod string;
mod value;

pub use list::List;
pub use stream::Stream;
pub use string::StrValue;
pub use value::{Kind, Value};
