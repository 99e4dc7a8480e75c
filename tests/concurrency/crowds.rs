//! Ten thousand clients.

use crate::common::{Client, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const CROWD: usize = 10_000;

/// Lets this process, and servers it starts, open as many descriptors as it may.
fn raise_descriptor_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("a limit may be raised to its maximum");
    let enough = maximum.is_none_or(|maximum| maximum >= CROWD as u64 + 200);
    assert!(enough, "the hard limit of open files is {maximum:?}");
}

fn crowd(server: &Server) -> Vec<Client> {
    (0..CROWD).map(|_| server.connect()).collect()
}

#[test]
fn ten_thousand_connections_are_served_and_ten_thousand_waiters_in_order() {
    raise_descriptor_limit();
    let server = Server::start(&["--threads", "4", "--maxclients", "10050"]);
    let mut watcher = server.connect();
    let before = server.resident_bytes();
    let mut clients = crowd(&server);
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(&format!("ECHO {number}"));
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let text = number.to_string();
        assert_eq!(client.reply(), format!("${} {text}", text.len()));
    }
    watcher.await_info("connected_clients", CROWD as i64 + 1);
    let each = server.resident_bytes().saturating_sub(before) / CROWD;
    assert!(each < 8 * 1024, "{each} bytes for an idle connection");
    // One may come before the next only if it is known to wait.
    for (number, client) in clients.iter_mut().enumerate() {
        client.send("BLPOP queue 0");
        watcher.await_info("blocked_clients", number as i64 + 1);
    }
    for number in 0..CROWD / 2 {
        watcher.send(&format!("RPUSH queue {number}"));
    }
    for _ in 0..CROWD / 2 {
        assert_eq!(watcher.reply(), ":1");
    }
    let rest: Vec<String> = (CROWD / 2..CROWD)
        .map(|number| number.to_string())
        .collect();
    let pushed = watcher.call(&format!("RPUSH queue {}", rest.join(" ")));
    assert_eq!(pushed, format!(":{}", CROWD - CROWD / 2));
    for (number, client) in clients.iter_mut().enumerate() {
        let text = number.to_string();
        assert_eq!(
            client.reply(),
            format!("*2 $5 queue ${} {text}", text.len())
        );
    }
    assert_eq!(watcher.call("EXISTS queue"), ":0");
    assert_eq!(watcher.info("blocked_clients"), 0);
    drop(clients);
    watcher.await_info("connected_clients", 1);
}
