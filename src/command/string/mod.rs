//! Strings.
//!
//! | file | commands |
//! |---|---|
//! | `get` | GET MGET STRLEN GETRANGE SUBSTR GETDEL GETEX |
//! | `set` | SET SETNX SETEX PSETEX GETSET |
//! | `write` | MSET MSETNX APPEND SETRANGE |
//! | `incr` | INCR DECR INCRBY DECRBY INCRBYFLOAT |
//! | `lcs` | LCS |
//! | `options` | what SET and GETEX are told beside key and value |

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

/// Refuses a string that would grow by `more` bytes beyond what a client may send.
fn check_len(ctx: &Ctx<'_, '_>, len: usize, more: usize) -> Result<(), Error> {
    let fits = len
        .checked_add(more)
        .is_some_and(|total| total as u64 <= ctx.local.config.proto_max_bulk_len_bytes);
    if fits { Ok(()) } else { Err(STRING_TOO_LONG) }
}
