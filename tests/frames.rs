//! Replies are frames to a decoder that is not ours: the crate `redis-protocol` reads one of each kind, in both versions.

mod common;

use common::Server;
use redis_protocol::{resp2, resp3};

/// Commands whose replies use every kind of frame there is.
const COMMANDS: [&str; 13] = [
    "SET k v",
    "GET k",
    "GET none",
    "NOSUCH",
    "DBSIZE",
    "RPUSH l a b c",
    "LRANGE l 0 -1",
    "LPOP none 1",
    "XADD s 1-1 f v",
    "XREAD STREAMS s 0",
    "XINFO STREAM s FULL",
    "CONFIG GET maxclients",
    "INFO server",
];

#[test]
fn another_decoder_reads_every_reply_in_resp2() {
    let server = Server::start(&["--threads", "1"]);
    let mut client = server.connect();
    // In RESP3 this one has sets of maps, as Redis has, which the decoder cannot hold.
    for command in COMMANDS.into_iter().chain(["COMMAND INFO get"]) {
        client.send(command);
        let raw = client.raw_reply();
        let (_, len) = resp2::decode::decode(&raw)
            .unwrap_or_else(|error| panic!("{command}: {error}"))
            .unwrap_or_else(|| panic!("{command}: incomplete"));
        assert_eq!(len, raw.len(), "{command}");
    }
}

#[test]
fn another_decoder_reads_every_reply_in_resp3() {
    let server = Server::start(&["--threads", "1"]);
    let mut client = server.connect();
    client.call("HELLO 3");
    for command in COMMANDS.into_iter().chain(["SUBSCRIBE news", "HELLO 3"]) {
        client.send(command);
        let raw = client.raw_reply();
        let (_, len) = resp3::decode::complete::decode(&raw)
            .unwrap_or_else(|error| panic!("{command}: {error}"))
            .unwrap_or_else(|| panic!("{command}: incomplete"));
        assert_eq!(len, raw.len(), "{command}");
    }
}
