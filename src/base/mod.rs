//! What every room stands on: numbers and text, patterns, hashing to slots, the clock, mailboxes between cores.
//! Knows nothing of commands, keys or sockets.

pub mod blob;
pub mod clock;
pub mod crc16;
pub mod crc64;
pub mod disk;
pub mod float;
pub mod gauge;
pub mod glob;
mod grisu;
pub mod histogram;
pub mod inbox;
pub mod longdouble;
pub mod num;
pub mod process;
pub mod random;
pub mod rng;
pub mod room;
pub mod sha1;
pub mod sha256;
#[doc(hidden)]
pub mod simdisk;
pub mod version;

pub use blob::Blob;
pub use rng::Rng;
