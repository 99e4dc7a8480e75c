//! The rows, a file per family.

mod acl;
mod bitmap;
mod cluster;
mod connection;
mod generic;
mod hash;
mod list;
mod pubsub;
mod scripting;
mod server;
mod set;
mod stream;
mod string;
mod transactions;
mod zset;

use super::Spec;

/// All of them.
pub(super) const FAMILIES: [&[Spec]; 15] = [
    acl::ROWS,
    bitmap::ROWS,
    cluster::ROWS,
    connection::ROWS,
    generic::ROWS,
    hash::ROWS,
    list::ROWS,
    pubsub::ROWS,
    scripting::ROWS,
    server::ROWS,
    set::ROWS,
    stream::ROWS,
    string::ROWS,
    transactions::ROWS,
    zset::ROWS,
];
