//! fred, in RESP2 and RESP3.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use fred::interfaces::{ClientInterface, StreamsInterface};
use fred::prelude::*;
use fred::types::client::ClientKillFilter;
use fred::types::RespVersion;
use rust_clients::{Keys, big, port};

const PROTOCOLS: [RespVersion; 2] = [RespVersion::RESP2, RespVersion::RESP3];

/// A connected client that reconnects at once when its connection ends.
async fn connect(protocol: &RespVersion, options: &str) -> Client {
    let mut config = Config::from_url(&format!("redis://127.0.0.1:{}/{options}", port())).expect("a valid address");
    config.version = protocol.clone();
    let client = Builder::from_config(config)
        .set_policy(ReconnectPolicy::new_constant(100, 10))
        .build()
        .expect("a valid configuration");
    client.init().await.expect("a connection");
    client
}

async fn later<T>(act: impl Future<Output = T>) -> T {
    tokio::time::sleep(Duration::from_millis(50)).await;
    act.await
}

#[tokio::test]
async fn a_connection_is_set_up_as_asked() {
    for (protocol, resp) in PROTOCOLS.iter().zip(["resp=2", "resp=3"]) {
        let db = connect(protocol, "3").await;
        db.client_setname("worker-7").await.unwrap();
        let me: String = db.client_info().await.unwrap();
        for field in ["name=worker-7", "db=3", resp] {
            assert!(me.trim().split(' ').any(|found| found == field), "{me}");
        }
    }
}

#[tokio::test]
async fn a_pipeline_answers_in_order_and_past_errors() {
    for protocol in &PROTOCOLS {
        let (db, keys) = (connect(protocol, "").await, Keys::new());
        let pipeline = db.pipeline();
        for n in 0..500 {
            let _: () = pipeline.rpush(keys.key("l"), n).await.unwrap();
        }
        let _: () = pipeline.incr(keys.key("l")).await.unwrap();
        let _: () = pipeline.llen(keys.key("l")).await.unwrap();
        let replies = pipeline.try_all::<Value>().await;
        assert_eq!(replies.len(), 502);
        assert_eq!(replies[499].as_ref().unwrap(), &Value::Integer(500));
        assert!(replies[500].as_ref().unwrap_err().details().starts_with("WRONGTYPE"));
        assert_eq!(replies[501].as_ref().unwrap(), &Value::Integer(500));
        let removed: u32 = db.del(keys.key("l")).await.unwrap();
        assert_eq!(removed, 1);
    }
}

#[tokio::test]
async fn many_tasks_share_one_connection() {
    let (db, keys) = (connect(&RespVersion::RESP3, "").await, Keys::new());
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (db, key) = (db.clone(), keys.key("n"));
            tokio::spawn(async move { db.incr::<i64, _>(key).await.unwrap() })
        })
        .collect();
    let mut counts = Vec::new();
    for task in tasks {
        counts.push(task.await.unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, (1..=200).collect::<Vec<i64>>());
    let _: () = db.del(keys.key("n")).await.unwrap();
}

#[tokio::test]
async fn bytes_and_a_value_of_20_megabytes() {
    for protocol in &PROTOCOLS {
        let (db, keys) = (connect(protocol, "").await, Keys::new());
        let value = big();
        let _: () = db.set(keys.key("k"), value.as_slice(), None, None, false).await.unwrap();
        assert!(db.get::<Vec<u8>, _>(keys.key("k")).await.unwrap() == value);
        let _: () = db.del(keys.key("k")).await.unwrap();
    }
}

type Entries = Vec<(String, HashMap<String, String>)>;

#[tokio::test]
async fn a_group_reads_acknowledges_and_takes_over() {
    for protocol in &PROTOCOLS {
        let (db, keys) = (connect(protocol, "").await, Keys::new());
        let key = keys.key("s");
        let _: () = db.xgroup_create(&key, "workers", "0", true).await.unwrap();
        let again = db.xgroup_create::<(), _, _, _>(&key, "workers", "0", true).await.unwrap_err();
        assert_eq!(again.details(), "BUSYGROUP Consumer Group name already exists");
        let mut ids: Vec<String> = Vec::new();
        for n in 0..3 {
            ids.push(db.xadd(&key, false, None, "*", ("n", n)).await.unwrap());
        }

        let read: HashMap<String, Entries> =
            db.xreadgroup_map("workers", "alice", Some(2), None, false, &key, ">").await.unwrap();
        let got: Vec<&String> = read[&key].iter().map(|(id, _)| id).collect();
        assert_eq!(got, ids[..2].iter().collect::<Vec<_>>());
        assert_eq!(read[&key][1].1["n"], "1");
        assert_eq!(db.xack::<u32, _, _, _>(&key, "workers", ids[0].clone()).await.unwrap(), 1);

        let (cursor, claimed): (String, Entries) =
            db.xautoclaim_values(&key, "workers", "bob", 0, "0-0", Some(10), false).await.unwrap();
        assert_eq!((cursor.as_str(), claimed.len(), &claimed[0].0), ("0-0", 1, &ids[1]));
        let pending: (u32, String, String, Vec<(String, u32)>) = db.xpending(&key, "workers", ()).await.unwrap();
        assert_eq!(pending, (1, ids[1].clone(), ids[1].clone(), vec![("bob".to_owned(), 1)]));
        assert_eq!(db.xlen::<u32, _>(&key).await.unwrap(), 3);
        let _: () = db.del(&key).await.unwrap();
    }
}

#[tokio::test]
async fn blocking_reads_time_out_and_wake_up() {
    for protocol in &PROTOCOLS {
        let (db, other, keys) = (connect(protocol, "").await, connect(protocol, "").await, Keys::new());
        let began = Instant::now();
        let none = db.blpop::<(String, String), _>(keys.key("l"), 0.06).await;
        assert_eq!(none.unwrap_err().kind(), &ErrorKind::Timeout, "how fred says null");
        assert!((55..600).contains(&began.elapsed().as_millis()));

        let pushing = later(other.rpush::<u32, _, _>(keys.key("l"), "x"));
        let (popped, pushed) = tokio::join!(db.blpop::<(String, String), _>(keys.key("l"), 5.0), pushing);
        assert_eq!((popped.unwrap(), pushed.unwrap()), ((keys.key("l"), "x".to_owned()), 1));

        let adding = later(other.xadd::<String, _, _, _, _>(keys.key("s"), false, None, "*", ("n", 1)));
        let reading = db.xread_map::<String, String, String, String, _, _>(None, Some(5000), keys.key("s"), "$");
        let (read, id) = tokio::join!(reading, adding);
        assert_eq!(read.unwrap()[&keys.key("s")][0].0, id.unwrap());
        let _: () = db.del(keys.key("s")).await.unwrap();
    }
}

#[tokio::test]
async fn channels_patterns_and_shard_channels() {
    for protocol in &PROTOCOLS {
        let (db, listener, keys) = (connect(protocol, "").await, connect(protocol, "").await, Keys::new());
        let mut messages = listener.message_rx();
        listener.subscribe(keys.key("a")).await.unwrap();
        listener.psubscribe(keys.key("*")).await.unwrap();
        listener.ssubscribe(keys.key("s")).await.unwrap();
        assert_eq!(db.publish::<u32, _, _>(keys.key("a"), "hello").await.unwrap(), 2);
        assert_eq!(db.spublish::<u32, _, _>(keys.key("s"), "shard").await.unwrap(), 1);
        let mut got = Vec::new();
        for _ in 0..3 {
            let message = tokio::time::timeout(Duration::from_secs(5), messages.recv()).await.unwrap().unwrap();
            got.push((format!("{:?}", message.kind), message.channel.to_string(), message.value.as_string().unwrap()));
        }
        let (hello, shard) = ("hello".to_owned(), "shard".to_owned());
        assert_eq!(
            got,
            [
                ("Message".to_owned(), keys.key("a"), hello.clone()),
                ("PMessage".to_owned(), keys.key("a"), hello),
                ("SMessage".to_owned(), keys.key("s"), shard),
            ]
        );
        listener.unsubscribe(keys.key("a")).await.unwrap();
        listener.punsubscribe(keys.key("*")).await.unwrap();
        // fred does not wait for the confirmations.
        let deadline = Instant::now() + Duration::from_secs(5);
        while db.publish::<u32, _, _>(keys.key("a"), "nobody").await.unwrap() > 0 {
            assert!(Instant::now() < deadline);
        }
    }
}

#[tokio::test]
async fn a_transaction_and_one_whose_watched_key_changed() {
    for protocol in &PROTOCOLS {
        let (db, other, keys) = (connect(protocol, "").await, connect(protocol, "").await, Keys::new());
        let transaction = db.multi();
        let _: () = transaction.set(keys.key("k"), 1, None, None, false).await.unwrap();
        let _: () = transaction.incr(keys.key("k")).await.unwrap();
        assert_eq!(transaction.exec::<(String, i64)>(true).await.unwrap(), ("OK".to_owned(), 2));

        let _: () = db.watch(keys.key("k")).await.unwrap();
        let _: i64 = other.incr(keys.key("k")).await.unwrap();
        let transaction = db.multi();
        let _: () = transaction.set(keys.key("k"), 9, None, None, false).await.unwrap();
        assert!(transaction.exec::<Value>(true).await.unwrap().is_null());
        assert_eq!(db.get::<i64, _>(keys.key("k")).await.unwrap(), 3);
        let _: () = db.del(keys.key("k")).await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_client_reconnects() {
    for protocol in &PROTOCOLS {
        let (db, victim) = (connect(protocol, "").await, connect(protocol, "").await);
        let old: i64 = victim.client_id().await.unwrap();
        let killed: u32 = db.client_kill(vec![ClientKillFilter::ID(old.to_string())]).await.unwrap();
        assert_eq!(killed, 1);
        let fresh: i64 = victim.client_id().await.unwrap();
        assert_ne!(fresh, old);
    }
}

#[tokio::test]
async fn a_password_is_asked_for() {
    let db = connect(&RespVersion::RESP3, "").await;
    let _: () = db.config_set("requirepass", "s3cret").await.unwrap();
    let mut refused = Vec::new();
    for protocol in &PROTOCOLS {
        let mut config = Config::from_url(&format!("redis://:wrong@127.0.0.1:{}", port())).unwrap();
        config.version = protocol.clone();
        config.fail_fast = true;
        let wrong = Builder::from_config(config).build().unwrap();
        refused.push(wrong.init().await.map(|_| ()));
    }
    let mut right = Config::from_url(&format!("redis://:s3cret@127.0.0.1:{}", port())).unwrap();
    right.version = RespVersion::RESP3;
    let right = Builder::from_config(right).build().unwrap();
    let welcomed = right.init().await.map(|_| ());
    let _: () = db.config_set("requirepass", "").await.unwrap();
    for result in refused {
        assert_eq!(result.unwrap_err().kind(), &ErrorKind::Auth);
    }
    welcomed.unwrap();
}
