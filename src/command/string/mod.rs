//! Strings.
//!
//! | file | commands |
//! |---|---|
//! | `get` | GET MGET STRLEN GETRANGE SUBSTR GETDEL GETEX |
//! | `set` | SET SETNX SETEX PSETEX GETSET |
//! | `compare` | DELEX DIGEST, and the conditions that SET shares with DELEX |
//! | `write` | MSET MSETNX MSETEX APPEND SETRANGE |
//! | `incr` | INCR DECR INCRBY DECRBY INCRBYFLOAT |
//! | `lcs` | LCS |
//! | `options` | what SET, MSETEX and GETEX are told beside key and value |

pub mod compare;
pub mod get;
pub mod incr;
pub mod lcs;
mod options;
pub mod set;
pub mod write;

use super::Ctx;
use super::error::{Error, STRING_TOO_LONG};
use crate::data::StrValue;
use crate::resp::Reply;

fn write_string(reply: &mut Reply, value: &StrValue) {
    match value.as_shared() {
        Some(bytes) => reply.bulk_shared(bytes),
        None => reply.bulk(value.as_bytes(&mut itoa::Buffer::new())),
    }
}

/// How long strings may become. What the log says was allowed when it was done.
pub(super) fn max_len(ctx: &Ctx<'_, '_>) -> u64 {
    match ctx.local.replaying {
        true => u64::MAX,
        false => ctx.local.config.proto_max_bulk_len_bytes,
    }
}

/// Refuses a string of `len` bytes and `more` if that is beyond `max_len`.
fn check_len(max_len: u64, len: usize, more: usize) -> Result<(), Error> {
    let fits = len
        .checked_add(more)
        .is_some_and(|total| total as u64 <= max_len);
    if fits { Ok(()) } else { Err(STRING_TOO_LONG) }
}
