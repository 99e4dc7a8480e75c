//! The rows, a file per family.

mod acl;
mod bitmap;
mod cluster;
mod connection;
mod generic;
mod list;
mod pubsub;
mod server;
mod set;
mod stream;
mod string;
mod transactions;

use super::Spec;

/// All of them.
pub(super) const FAMILIES: [&[Spec]; 12] = [
    acl::ROWS,
    bitmap::ROWS,
    cluster::ROWS,
    connection::ROWS,
    generic::ROWS,
    list::ROWS,
    pubsub::ROWS,
    server::ROWS,
    set::ROWS,
    stream::ROWS,
    string::ROWS,
    transactions::ROWS,
];
