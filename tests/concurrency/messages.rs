//! Who hears what, and in which order: a subscription begins and ends between messages, events come in the order of what they tell.

use crate::common::Server;
use crate::{in_parallel, start};

#[test]
fn a_subscription_begins_after_what_was_published_before_it() {
    const ROUNDS: usize = 500;
    let server = start();
    // Somebody on every core listens already, so that every core gets every message.
    let mut others: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for other in &mut others {
        other.call("SUBSCRIBE news");
    }
    let (mut publisher, mut reader) = (server.connect(), server.connect());
    for round in 0..ROUNDS {
        assert_eq!(publisher.call(&format!("PUBLISH news early{round}")), ":8");
        assert_eq!(reader.call("SUBSCRIBE news"), "*3 $9 subscribe $4 news :1");
        assert_eq!(publisher.call("PUBLISH news late"), ":9");
        assert_eq!(
            reader.call("UNSUBSCRIBE news"),
            "*3 $7 message $4 news $4 late"
        );
        assert_eq!(reader.reply(), "*3 $11 unsubscribe $4 news :0");
    }
}

#[test]
fn a_client_hears_itself_before_its_next_reply() {
    let server = start();
    let mut client = server.connect();
    client.call("HELLO 3");
    client.call("SUBSCRIBE me");
    let mut requests = Vec::new();
    for _ in 0..50 {
        requests.extend(b"PUBLISH me hi\r\nPING\r\n");
    }
    requests.extend(b"PUBLISH me last\r\nUNSUBSCRIBE me\r\n");
    client.send_raw(&requests);
    for _ in 0..50 {
        assert_eq!(client.reply(), ":1");
        assert_eq!(client.reply(), ">3 $7 message $2 me $2 hi");
        assert_eq!(client.reply(), "+PONG");
    }
    assert_eq!(client.reply(), ":1");
    assert_eq!(client.reply(), ">3 $7 message $2 me $4 last");
    assert_eq!(client.reply(), ">3 $11 unsubscribe $2 me :0");
}

#[test]
fn events_of_a_key_come_in_the_order_of_its_changes() {
    const ROUNDS: usize = 500;
    let server = Server::start(&["--threads", "4", "--notify-keyspace-events", "KEA"]);
    let mut listeners: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for listener in &mut listeners {
        listener.call("SUBSCRIBE __keyspace@0__:k");
    }
    let deleted: usize = in_parallel(&server, 6, |number, mut client| {
        let mut deleted = 0;
        for _ in 0..ROUNDS {
            if number % 2 == 0 {
                assert_eq!(client.call("SET k v"), "+OK");
            } else if client.call("DEL k") == ":1" {
                deleted += 1;
            }
        }
        deleted
    })
    .into_iter()
    .sum();
    server.connect().call("RPUSH k wrong type");
    server.connect().call("SET k end");
    server.connect().call("EXPIRE k 100");
    let mut stories = listeners.iter_mut().map(|listener| {
        let mut story = Vec::new();
        loop {
            let message = listener.reply();
            let event = message
                .rsplit(' ')
                .next()
                .expect("a message is not empty")
                .to_owned();
            if event == "expire" {
                return story;
            }
            story.push(event);
        }
    });
    let story = stories.next().expect("somebody listens");
    assert!(story.iter().filter(|event| *event == "set").count() > 3 * ROUNDS);
    assert_eq!(
        story.iter().filter(|event| *event == "del").count(),
        deleted
    );
    assert!(
        !story.windows(2).any(|pair| pair == ["del", "del"]),
        "a key is deleted twice"
    );
    assert!(stories.all(|other| other == story));
}

#[test]
fn keys_on_all_stripes_expire_on_time() {
    const KEYS: usize = 64;
    const LIFE_MS: u128 = 60;
    const LATE_MS: u128 = 10;
    /// A busy test machine delays some of them; a server that is late is late every time.
    const TRIES: usize = 10;
    let server = Server::start(&["--threads", "4", "--notify-keyspace-events", "Ex"]);
    let (mut listener, mut client) = (server.connect(), server.connect());
    listener.call("SUBSCRIBE __keyevent@0__:expired");
    for key in 0..KEYS {
        let mut lateness = (0..TRIES).map(|_| {
            let began = std::time::Instant::now();
            assert_eq!(client.call(&format!("SET key{key} v PX {LIFE_MS}")), "+OK");
            listener.reply();
            began.elapsed().as_millis().saturating_sub(LIFE_MS)
        });
        assert!(
            lateness.any(|ms| ms < LATE_MS),
            "key{key} was late each time"
        );
    }
}
