//! data
pub mod stream;
