//! The rows, a file per family.

mod acl;
mod cluster;
mod connection;
mod generic;
mod list;
mod pubsub;
mod scripting;
mod server;
mod stream;
mod string;
mod transactions;

use super::Spec;

/// All of them.
pub(super) const FAMILIES: [&[Spec]; 11] = [
    acl::ROWS,
    cluster::ROWS,
    connection::ROWS,
    generic::ROWS,
    list::ROWS,
    pubsub::ROWS,
    scripting::ROWS,
    server::ROWS,
    stream::ROWS,
    string::ROWS,
    transactions::ROWS,
];
