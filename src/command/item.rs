//! What elements of lists and fields of hashes are written as.

use crate::data::list::Item;
use crate::resp::Reply;

/// Writes an element as a bulk string.
#[inline]
pub fn write_item(reply: &mut Reply, item: Item<'_>) {
    match item {
        Item::Int(value) => reply.bulk_int(value),
        Item::Text(text) => reply.bulk(text),
        Item::Shared(bytes) => reply.bulk_shared(bytes),
    }
}

/// Writes an element, or null.
pub fn write_option(reply: &mut Reply, item: Option<Item<'_>>) {
    match item {
        Some(item) => write_item(reply, item),
        None => reply.null(),
    }
}
