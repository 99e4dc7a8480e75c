//! Many clients at once on several cores: what must hold whatever the order things happen in.
//!
//! - `atomic`: commands on several keys and transactions happen at one moment.
//! - `waiting`: blocked clients are served in order, each element once.
//! - `crowds`: ten thousand of them.
//! - `messages`: what is published when, and to whom.
//! - `stopping`: an orderly end in the midst of it.

#[path = "../common/mod.rs"]
mod common;

mod atomic;
mod crowds;
mod messages;
mod stopping;
mod waiting;

use common::{Client, Server};

/// More cores than most test machines have, so that a lock's holder is often not running.
fn start() -> Server {
    Server::start(&["--threads", "4"])
}

/// Runs `work` with a client and a number of its own in each of `count` threads; returns what each returned.
fn in_parallel<R: Send>(
    server: &Server,
    count: usize,
    work: impl Fn(usize, Client) -> R + Sync,
) -> Vec<R> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                let (work, client) = (&work, server.connect());
                scope.spawn(move || work(number, client))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("its assertions hold"))
            .collect()
    })
}

/// The elements of a reply that is an array of bulk strings without blanks.
fn elements(reply: &str) -> Vec<&str> {
    let mut words = reply.split(' ');
    let head = words.next().expect("a reply is not empty");
    assert!(head.starts_with('*'), "{reply} is no array");
    let mut found = Vec::new();
    while let Some(length) = words.next() {
        assert!(length.starts_with('$'), "{reply} holds no bulk strings");
        if length != "$-1" {
            found.push(words.next().expect("a length is followed by its string"));
        }
    }
    found
}

/// Sends commands in a transaction; returns the reply of EXEC.
fn exec(client: &mut Client, commands: &[&str]) -> String {
    client.send("MULTI");
    for command in commands {
        client.send(command);
    }
    client.send("EXEC");
    assert_eq!(client.reply(), "+OK");
    for command in commands {
        assert_eq!(client.reply(), "+QUEUED", "to {command}");
    }
    client.reply()
}
