//! From a data directory to a running server: what is whole comes back, what is torn is cut with a word, what is damaged stops the start.

#[path = "../common/mod.rs"]
mod common;

mod directory;
mod starting;
