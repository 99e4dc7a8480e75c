//! Channels, patterns and shard channels: who receives what, in which order, on which core.

mod common;

use common::Server;

#[test]
fn subscribers_on_all_cores_see_one_order() {
    const SUBSCRIBERS: usize = 16;
    const PUBLISHERS: usize = 4;
    const MESSAGES: usize = 2_000;
    let server = Server::start(&["--threads", "4"]);
    let mut subscribers: Vec<_> = (0..SUBSCRIBERS).map(|_| server.connect()).collect();
    for subscriber in &mut subscribers {
        assert_eq!(
            subscriber.call("SUBSCRIBE news"),
            "*3 $9 subscribe $4 news :1"
        );
    }
    std::thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let mut client = server.connect();
            scope.spawn(move || {
                for batch in (0..MESSAGES).collect::<Vec<_>>().chunks(100) {
                    for message in batch {
                        client.send(&format!("PUBLISH news {publisher}-{message}"));
                    }
                    for _ in batch {
                        assert_eq!(client.reply(), format!(":{SUBSCRIBERS}"));
                    }
                }
            });
        }
    });
    let mut orders = subscribers.iter_mut().map(|subscriber| {
        (0..PUBLISHERS * MESSAGES)
            .map(|_| subscriber.reply())
            .collect::<Vec<_>>()
    });
    let first = orders.next().expect("there are subscribers");
    assert_eq!(first.len(), PUBLISHERS * MESSAGES);
    for publisher in 0..PUBLISHERS {
        let own: Vec<_> = first
            .iter()
            .filter(|message| message.contains(&format!(" {publisher}-")))
            .collect();
        assert_eq!(own.len(), MESSAGES);
        assert!(own[MESSAGES - 1].ends_with(&format!("{publisher}-{}", MESSAGES - 1)));
    }
    assert!(orders.all(|order| order == first));
}

#[test]
fn a_gone_subscriber_is_not_counted() {
    let server = Server::start(&["--threads", "2"]);
    let mut publisher = server.connect();
    {
        let mut subscriber = server.connect();
        subscriber.call("PSUBSCRIBE a*");
        assert_eq!(publisher.call("PUBLISH ab x"), ":1");
        assert_eq!(subscriber.reply(), "*4 $8 pmessage $2 a* $2 ab $1 x");
    }
    let mut left = String::new();
    for _ in 0..100 {
        left = publisher.call("PUBLISH ab x");
        if left == ":0" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(left, ":0");
    assert_eq!(publisher.call("PUBSUB NUMPAT"), ":0");
}

#[test]
fn a_slow_reader_is_cut_at_its_limit_and_counted() {
    let server = Server::start(&[
        "--threads",
        "2",
        "--client-output-buffer-limit",
        "pubsub",
        "1mb",
        "0",
        "0",
    ]);
    let mut slow = server.connect();
    slow.call("SUBSCRIBE flood");
    let mut publisher = server.connect();
    let message = "x".repeat(100_000);
    let mut cut = false;
    for _ in 0..2_000 {
        if publisher.call(&format!("PUBLISH flood {message}")) == ":0" {
            cut = true;
            break;
        }
    }
    assert!(cut, "a subscriber that never reads is cut");
    assert_eq!(publisher.call("PING"), "+PONG");
}

#[test]
fn a_killed_subscriber_is_not_counted() {
    let server = Server::start(&["--threads", "2"]);
    let mut publisher = server.connect();
    for round in 0..100 {
        let mut subscriber = server.connect();
        let id = subscriber.id();
        subscriber.call("SUBSCRIBE news");
        subscriber.call("PSUBSCRIBE new*");
        publisher.send(&format!("CLIENT KILL ID {id}"));
        publisher.send("PUBLISH news x");
        publisher.send("PUBSUB NUMSUB news");
        publisher.send("PUBSUB NUMPAT");
        assert_eq!(publisher.reply(), ":1");
        assert_eq!(publisher.reply(), ":0", "round {round}");
        assert_eq!(publisher.reply(), "*2 $4 news :0");
        assert_eq!(publisher.reply(), ":0");
    }
}

#[test]
fn who_subscribes_hears_nothing_from_before() {
    let server = Server::start(&["--threads", "1"]);
    let mut client = server.connect();
    client.call("HELLO 3");
    let mut other = server.connect();
    other.call("SUBSCRIBE a b");
    other.reply();
    // In one piece, so that one turn executes all of it.
    client.send_raw(b"PUBLISH a 1\r\nSUBSCRIBE a\r\nPUBLISH a 2\r\nPUBLISH b 3\r\n");
    let replies: Vec<String> = (0..5).map(|_| client.reply()).collect();
    assert_eq!(
        replies,
        [
            ":1",
            ">3 $9 subscribe $1 a :1",
            ":2",
            ">3 $7 message $1 a $1 2",
            ":1"
        ]
    );
    let heard: Vec<String> = (0..3).map(|_| other.reply()).collect();
    assert_eq!(
        heard,
        [
            "*3 $7 message $1 a $1 1",
            "*3 $7 message $1 a $1 2",
            "*3 $7 message $1 b $1 3"
        ]
    );
}
