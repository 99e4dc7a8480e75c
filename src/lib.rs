//! Millstream: streams, work queues and pub/sub on the Redis protocol, a thread per core.
#![deny(unsafe_code)]
pub mod base;
pub mod command;
pub mod config;
pub mod data;
pub mod keyspace;
pub mod pubsub;
pub mod resp;
pub mod script;
pub mod server;
pub mod storage;
pub mod tls;
