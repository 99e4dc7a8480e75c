//! Lists: work queues.
//!
//! | file | commands |
//! |---|---|
//! | `push` | LPUSH RPUSH LPUSHX RPUSHX |
//! | `pop` | LPOP RPOP LMPOP, and waiting: BLPOP BRPOP BLMPOP |
//! | `transfer` | LMOVE RPOPLPUSH, and waiting: BLMOVE BRPOPLPUSH |
//! | `transfer_many` | LMOVEM, and waiting: BLMOVEM |
//! | `read` | LLEN LRANGE LINDEX LPOS |
//! | `edit` | LSET LINSERT LREM LTRIM |

pub mod edit;
pub mod pop;
pub mod push;
pub mod read;
pub mod transfer;
pub mod transfer_many;

use super::error::SYNTAX;
use super::{Args, Ctx, Error, Keys};
use crate::data::list::{End, Limit};
use crate::keyspace::notify;

/// How large the list's chunks may grow.
pub(super) fn limit(ctx: &Ctx<'_, '_>) -> Limit {
    Limit::from_directive(ctx.local.config.list_max_listpack_size)
}

/// The next argument as an end of a list: LEFT or RIGHT.
fn end_word(args: &mut Args<'_>) -> Result<End, Error> {
    if args.keyword("LEFT") {
        Ok(End::Front)
    } else if args.keyword("RIGHT") {
        Ok(End::Back)
    } else {
        Err(SYNTAX)
    }
}

/// Turns a start and an end that count from either side, negative ones from the back, into a first index and a number
/// of elements of a list of `len`.
fn resolve_range(len: usize, start: i64, stop: i64) -> (usize, usize) {
    let len = len as i64;
    let from_front = |index: i64| {
        if index < 0 {
            len.saturating_add(index)
        } else {
            index
        }
    };
    let start = from_front(start).max(0);
    let stop = from_front(stop).min(len - 1);
    if start > stop {
        (0, 0)
    } else {
        (start as usize, (stop - start + 1) as usize)
    }
}

/// The place in a list of `len` that an index names which counts from the back if negative.
fn resolve_index(len: usize, index: i64) -> Option<usize> {
    let index = if index < 0 {
        index.checked_add(len as i64)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|index| *index < len)
}

/// Lets follow what follows from elements having been pushed at one end of `key`. Somebody may wait for so many.
fn pushed(keys: &mut Keys<'_, '_>, key: &[u8], end: End) {
    let event = match end {
        End::Front => "lpush",
        End::Back => "rpush",
    };
    keys.fed(key);
    keys.notify(notify::LIST, event, key);
}

/// Lets follow what follows from elements having been popped at one end of `key`.
fn popped(keys: &mut Keys<'_, '_>, key: &[u8], end: End, emptied: bool) {
    let event = match end {
        End::Front => "lpop",
        End::Back => "rpop",
    };
    shrunk(keys, key, event, emptied);
}

/// Lets follow what follows from `key` having lost elements, and perhaps all of them.
fn shrunk(keys: &mut Keys<'_, '_>, key: &[u8], event: &'static str, emptied: bool) {
    keys.notify(notify::LIST, event, key);
    if emptied {
        keys.remove(key);
        keys.notify(notify::GENERIC, "del", key);
    }
    keys.changed(key);
}
