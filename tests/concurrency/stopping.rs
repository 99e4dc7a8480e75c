//! An orderly end in the midst of load: what was executed is answered, whole, and the exit code is 0.

use crate::common::{Client, Server};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Reads replies to INCR until the server closes; every one must be whole and follow on the one before.
fn count_until_closed(mut client: Client, answered: &AtomicUsize) {
    let rest = client.rest().expect("the server closes");
    let text = String::from_utf8(rest).expect("replies to INCR are text");
    assert!(
        text.is_empty() || text.ends_with("\r\n"),
        "a reply is cut short"
    );
    for (index, line) in text.lines().enumerate() {
        assert_eq!(line, format!(":{}", index + 1));
    }
    answered.fetch_add(text.lines().count(), Ordering::SeqCst);
}

fn stop_under_load(stop: impl FnOnce(&mut Server) -> Option<i32>) {
    let mut server = Server::start(&["--threads", "4"]);
    let mut waiter = server.connect();
    waiter.send("BLPOP nothing 0");
    server.connect().await_info("blocked_clients", 1);
    let answered = AtomicUsize::new(0);
    let code = std::thread::scope(|scope| {
        for number in 0..8 {
            let client = server.connect();
            let writer = client.stream.try_clone().expect("a socket can be shared");
            let answered = &answered;
            scope.spawn(move || count_until_closed(client, answered));
            scope.spawn(move || {
                use std::io::Write;
                let requests = format!("INCR key{number}\r\n").repeat(100);
                while (&writer).write_all(requests.as_bytes()).is_ok() {}
            });
        }
        let mut watcher = server.connect();
        while watcher.info("total_commands_processed") < 20_000 {}
        stop(&mut server)
    });
    assert_eq!(code, Some(0));
    assert!(answered.into_inner() > 10_000);
    assert_eq!(waiter.rest(), Some(Vec::new()));
}

#[test]
fn sigterm_under_load() {
    stop_under_load(Server::terminate);
}

#[test]
fn shutdown_under_load() {
    stop_under_load(|server| {
        let mut client = server.connect();
        client.send("SHUTDOWN NOSAVE");
        assert_eq!(client.rest(), Some(Vec::new()));
        server.await_exit()
    });
}
