//! Sets.
//!
//! | file | commands |
//! |---|---|
//! | `edit` | SADD SREM SMOVE |
//! | `read` | SCARD SISMEMBER SMISMEMBER SMEMBERS SSCAN |
//! | `random` | SPOP SRANDMEMBER |
//! | `algebra` | SINTER SINTERCARD SUNION SDIFF SINTERSTORE SUNIONSTORE SDIFFSTORE |

pub mod algebra;
pub mod edit;
pub mod random;
pub mod read;

use super::Keys;
use crate::config::Config;
use crate::data::list::Item;
use crate::data::set::Limits;
use crate::keyspace::notify;
use crate::resp::Reply;

/// Up to which size sets are kept in compact forms.
pub fn limits(config: &Config) -> Limits {
    let size = |directive: u64| usize::try_from(directive).unwrap_or(usize::MAX);
    Limits {
        ints: size(config.set_max_intset_entries),
        packed: size(config.set_max_listpack_entries),
        member_bytes: size(config.set_max_listpack_value),
    }
}

fn write_member(reply: &mut Reply, member: Item<'_>) {
    match member {
        Item::Int(value) => reply.bulk_int(value),
        Item::Text(text) => reply.bulk(text),
        Item::Shared(bytes) => reply.bulk_shared(bytes),
    }
}

/// Lets follow what follows from `key` having lost members, and perhaps all of them.
fn shrunk(keys: &mut Keys<'_, '_>, key: &[u8], event: &'static str, emptied: bool) {
    keys.notify(notify::SET, event, key);
    if emptied {
        keys.remove(key);
        keys.notify(notify::GENERIC, "del", key);
    }
    keys.changed(key);
}
