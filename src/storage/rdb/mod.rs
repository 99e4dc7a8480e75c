//! RDB: Redis's format for snapshots and dumped values.
//!
//! ```text
//! file    "REDIS" version | item* | 0xff | CRC-64 of all before, or 0 for none
//! item    opcode and what belongs to it, or a record
//! record  [expiry] [idleness | frequency] type u8 | key string | value
//! ```
//! Numbers and strings are drawn in `cursor`, opcodes in [`opcode`], types in `kind`, listpacks in `listpack`, streams in `decode_stream`, dumps in `dump`.
//!
//! **What is written.** Version 10, that of Redis 7.0, which every later Redis and Valkey reads: strings, lists of listpacks, sets of strings and of
//! integers, hashes, sorted sets, and streams in the form that
//! has all counters. That form has no place for the time when a consumer last got an entry (Redis 7.2 added it), nor for what no Redis has:
//! policies, pending entries that are nobody's, scheduled entries. All that stands in AUX fields before the record, or behind the value of a dump
//! (`extra`): Redis and Valkey pass over both, this program takes them up, so nothing is lost here and nobody is kept from reading. Deleted
//! stream entries are not written; nothing shows them.
//!
//! **What is read.** Versions 1 to 15 (Redis up to 8.10) and Valkey's own (9), all forms of strings, lists, sets, hashes, sorted sets and streams. Values of other types are passed
//! over by their structure and reported.
//!
//! **The two stages.** A [`Splitter`] cuts a file into [`Record`]s without looking into values, which [`Record::decode`] does, on any thread. Writing is the
//! [`Writer`]'s, to which other threads may hand what their [`Encoder`]s have encoded.
//!
//! This room trusts no byte it reads: a damaged file gives an [`Error`] with the place, never a panic, and never takes more memory than the file's own
//! bytes justify.

mod cursor;
mod decode;
mod decode_hash;
mod decode_stream;
mod decode_zset;
mod dump;
mod encode;
mod encode_stream;
mod error;
mod extra;
mod kind;
mod libraries;
mod listpack;
mod lzf;
mod skip;
mod split;
mod write;
mod ziplist;

#[cfg(test)]
mod tests;

pub use decode::Limits;
pub use dump::{BadFooter, Payload, dump};
pub use encode::{Encoder, Facts};
pub use error::{Error, Problem, Result};
pub use extra::nobodys_name;
pub use kind::{Dialect, Kind, ListForm, Other, SetForm, StreamForm, ZSetForm};
pub use libraries::{NoLibraries, dump_libraries, load_libraries};
pub use split::{Item, Part, Record, Splitter};
pub use write::{Options, Writer};

/// The version of the format that is written: Redis 7.0's.
pub const VERSION: u32 = 10;

/// The bytes that begin items that are no records.
pub mod opcode {
    /// The names of a hash's fields, by a number.
    pub const HASH_TEMPLATE: u8 = 242;
    /// What modules know of the next key (Redis).
    pub const KEY_METADATA: u8 = 243;
    /// A slot on its way to a cluster's node (Valkey).
    pub const SLOT_IMPORT: u8 = 243;
    /// How many keys a cluster's slot has.
    pub const SLOT_SIZES: u8 = 244;
    /// A library of functions.
    pub const LIBRARY: u8 = 245;
    /// A library of functions, in a form that was given up before it was released.
    pub const LIBRARY_OF_A_CANDIDATE: u8 = 246;
    /// Data of a module apart from any key.
    pub const MODULE_DATA: u8 = 247;
    /// For how long the next key was not used.
    pub const IDLE: u8 = 248;
    /// How often the next key is used.
    pub const FREQUENCY: u8 = 249;
    /// A field of information.
    pub const AUX: u8 = 250;
    /// How many keys the database has.
    pub const SIZES: u8 = 251;
    /// When the next key expires, in milliseconds.
    pub const EXPIRES_MS: u8 = 252;
    /// When the next key expires, in seconds.
    pub const EXPIRES_S: u8 = 253;
    /// The database of the records that follow.
    pub const SELECT_DB: u8 = 254;
    /// The end.
    pub const END: u8 = 255;
}
