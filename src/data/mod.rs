//! The values a key can hold, as plain data structures.
//!
//! No protocol, no clock, no I/O, no error text: commands resolve times, ids and texts first and name what went wrong.

pub mod bits;
mod chunked;
pub mod hash;
pub mod list;
mod row;
pub mod set;
mod shareable;
pub mod stream;
pub mod string;
pub mod table;
mod value;
mod varint;
pub mod zset;

pub use hash::Hash;
pub use list::List;
pub use row::Row;
pub use set::Set;
pub use stream::Stream;
pub use string::StrValue;
pub use table::Table;
pub use value::{Kind, Value};
pub use zset::ZSet;
