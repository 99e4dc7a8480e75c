//! What every room may use and that knows nobody: text to number and back, glob patterns.

pub mod float;
pub mod glob;
pub mod histogram;
pub mod longdouble;
pub mod num;
pub mod version;
