//! command
pub mod table;
