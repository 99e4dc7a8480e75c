//! redis-rs, blocking and on tokio, in RESP2 and RESP3.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use redis::aio::ConnectionManager;
use redis::streams::{
    StreamAutoClaimOptions, StreamAutoClaimReply, StreamInfoGroupsReply, StreamPendingReply, StreamRangeReply,
    StreamReadOptions, StreamReadReply,
};
use redis::{AsyncCommands, Client, Commands, Connection, ErrorKind, RedisResult, Value};
use rust_clients::{Keys, big, port};

const PROTOCOLS: [&str; 2] = ["resp2", "resp3"];

fn client(options: &str) -> Client {
    Client::open(format!("redis://127.0.0.1:{}/{options}", port())).expect("a valid address")
}

/// Runs a test once in each protocol, with a connection and keys of its own; the keys are removed afterwards.
fn in_both(test: impl Fn(&mut Connection, &dyn Fn() -> Connection, &Keys)) {
    for protocol in PROTOCOLS {
        let connect = || client(&format!("?protocol={protocol}")).get_connection().expect("a connection");
        let keys = Keys::new();
        test(&mut connect(), &connect, &keys);
        let mut db = connect();
        let used: Vec<String> = db.scan_match(keys.key("*")).unwrap().map(Result::unwrap).collect();
        for key in used {
            let _: u32 = db.unlink(key).unwrap();
        }
    }
}

/// Does something after a while, on a connection of its own.
fn later(connect: &dyn Fn() -> Connection, act: impl FnOnce(&mut Connection) + Send + 'static) -> thread::JoinHandle<()> {
    let mut other = connect();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        act(&mut other);
    })
}

#[test]
fn a_connection_is_set_up_as_asked() {
    for (protocol, resp) in PROTOCOLS.into_iter().zip(["2", "3"]) {
        let mut db = client(&format!("3?protocol={protocol}")).get_connection().unwrap();
        let me: String = redis::cmd("CLIENT").arg("INFO").query(&mut db).unwrap();
        let fields: Vec<&str> = me.trim().split(' ').collect();
        assert!(fields.contains(&"db=3"), "{me}");
        assert!(fields.contains(&format!("resp={resp}").as_str()), "{me}");
        assert!(fields.contains(&"lib-name=redis-rs"), "{me}");
    }
}

#[test]
fn a_pipeline_answers_in_order() {
    in_both(|db, _, keys| {
        let list = keys.key("l");
        let mut pipe = redis::pipe();
        for n in 0..1000 {
            pipe.rpush(&list, n);
        }
        let pushed: Vec<u32> = pipe.query(db).unwrap();
        assert_eq!(pushed, (1..=1000).collect::<Vec<u32>>());
        let ends: (String, String, Option<String>) =
            redis::pipe().lindex(&list, 0).lindex(&list, -1).lindex(&list, 1000).query(db).unwrap();
        assert_eq!(ends, ("0".to_owned(), "999".to_owned(), None));
        let wrong: RedisResult<i64> = db.incr(&list, 1);
        assert_eq!(wrong.unwrap_err().code(), Some("WRONGTYPE"));
    });
}

#[test]
fn keys_and_values_are_bytes() {
    in_both(|db, _, keys| {
        let every: Vec<u8> = (0..=255).collect();
        let key = [keys.key("").into_bytes(), every.clone()].concat();
        let _: () = db.set(&key, &every).unwrap();
        assert_eq!(db.get::<_, Vec<u8>>(&key).unwrap(), every);
        assert_eq!(db.unlink::<_, u32>(&key).unwrap(), 1);
    });
}

#[test]
fn a_value_of_20_megabytes() {
    in_both(|db, _, keys| {
        let value = big();
        let _: () = db.set(keys.key("k"), &value).unwrap();
        assert!(db.get::<_, Vec<u8>>(keys.key("k")).unwrap() == value);
        let _: () = db.rpush(keys.key("l"), &value).unwrap();
        assert!(db.lpop::<_, Vec<u8>>(keys.key("l"), None).unwrap() == value);
    });
}

#[test]
fn a_group_reads_acknowledges_and_takes_over() {
    in_both(|db, _, keys| {
        let key = keys.key("s");
        let _: () = db.xgroup_create_mkstream(&key, "workers", "0").unwrap();
        let again: RedisResult<()> = db.xgroup_create_mkstream(&key, "workers", "0");
        assert_eq!(again.unwrap_err().code(), Some("BUSYGROUP"));
        let ids: Vec<String> = (0..4).map(|n| db.xadd(&key, "*", &[("n", n)]).unwrap()).collect();

        let read = StreamReadOptions::default().group("workers", "alice").count(3);
        let reply: StreamReadReply = db.xread_options(&[&key], &[">"], &read).unwrap();
        let got: Vec<&str> = reply.keys[0].ids.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(reply.keys[0].key, key);
        assert_eq!(got, &ids[..3]);
        assert_eq!(reply.keys[0].ids[2].get::<u32>("n"), Some(2));
        assert_eq!(db.xack::<_, _, _, u32>(&key, "workers", &ids[..1]).unwrap(), 1);

        let claimed: StreamAutoClaimReply =
            db.xautoclaim_options(&key, "workers", "bob", 0, "0-0", StreamAutoClaimOptions::default().count(10)).unwrap();
        assert_eq!(claimed.next_stream_id, "0-0");
        assert_eq!(claimed.claimed.iter().map(|entry| &entry.id).collect::<Vec<_>>(), ids[1..3].iter().collect::<Vec<_>>());
        let StreamPendingReply::Data(pending) = db.xpending(&key, "workers").unwrap() else { panic!("nothing pending") };
        assert_eq!((pending.count, &pending.start_id, &pending.end_id), (2, &ids[1], &ids[2]));
        assert_eq!((pending.consumers[0].name.as_str(), pending.consumers[0].pending), ("bob", 2));

        let groups: StreamInfoGroupsReply = db.xinfo_groups(&key).unwrap();
        assert_eq!((groups.groups[0].name.as_str(), groups.groups[0].pending), ("workers", 2));
        assert_eq!((groups.groups[0].entries_read, groups.groups[0].lag), (Some(3), Some(1)));
        let all: StreamRangeReply = db.xrange_all(&key).unwrap();
        assert_eq!(all.ids.len(), 4);
    });
}

#[test]
fn blocking_reads_time_out_and_wake_up() {
    in_both(|db, connect, keys| {
        let (a, b) = (keys.key("a"), keys.key("b"));
        let began = Instant::now();
        assert_eq!(db.blpop::<_, Option<(String, String)>>(&[&a, &b], 0.06).unwrap(), None);
        assert!((55..600).contains(&began.elapsed().as_millis()));

        let to = b.clone();
        let pushing = later(connect, move |other| other.rpush(to, "x").unwrap());
        assert_eq!(db.blpop::<_, (String, String)>(&[&a, &b], 5.0).unwrap(), (b.clone(), "x".to_owned()));
        pushing.join().unwrap();

        let stream = keys.key("s");
        let block = StreamReadOptions::default().block(40);
        assert!(db.xread_options::<_, _, Option<StreamReadReply>>(&[&stream], &["$"], &block).unwrap().is_none());
        let to = stream.clone();
        let adding = later(connect, move |other| other.xadd(to, "1-1", &[("n", 1)]).unwrap());
        let reply: StreamReadReply = db.xread_options(&[&stream], &["$"], &StreamReadOptions::default().block(5000)).unwrap();
        assert_eq!(reply.keys[0].ids[0].id, "1-1");
        adding.join().unwrap();
    });
}

#[test]
fn channels_and_patterns() {
    in_both(|db, connect, keys| {
        let mut listening = connect();
        let mut listener = listening.as_pubsub();
        listener.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        listener.subscribe(keys.key("a")).unwrap();
        listener.psubscribe(keys.key("*")).unwrap();
        assert_eq!(db.publish::<_, _, u32>(keys.key("a"), "hello").unwrap(), 2);
        let direct = listener.get_message().unwrap();
        assert_eq!((direct.get_channel_name(), direct.from_pattern()), (keys.key("a").as_str(), false));
        assert_eq!(direct.get_payload::<String>().unwrap(), "hello");
        let by_pattern = listener.get_message().unwrap();
        assert_eq!(by_pattern.get_pattern::<String>().unwrap(), keys.key("*"));
        listener.unsubscribe(keys.key("a")).unwrap();
        listener.punsubscribe(keys.key("*")).unwrap();
        drop(listener);
        assert_eq!(db.publish::<_, _, u32>(keys.key("a"), "nobody").unwrap(), 0);
        assert_eq!(redis::cmd("PING").query::<String>(&mut listening).unwrap(), "PONG");
    });
}

#[test]
fn a_transaction_tries_again_when_a_watched_key_changed() {
    in_both(|db, connect, keys| {
        let key = keys.key("k");
        let _: () = db.set(&key, 10).unwrap();
        let mut other = connect();
        let mut attempts = 0;
        let (doubled,): (i64,) = redis::transaction(db, &[&key], |db, pipe| {
            let value: i64 = db.get(&key)?;
            attempts += 1;
            if attempts < 3 {
                let _: () = other.incr(&key, 1)?;
            }
            pipe.set(&key, value * 2).ignore().get(&key).query(db)
        })
        .unwrap();
        assert_eq!((attempts, doubled), (3, 24));
        let broken: RedisResult<()> = redis::pipe().atomic().cmd("INCR").query(db);
        assert!(broken.is_err());
        assert_eq!(db.get::<_, i64>(&key).unwrap(), 24);
    });
}

#[test]
fn a_killed_client_sees_its_connection_end() {
    in_both(|db, connect, keys| {
        let mut victim = connect();
        let id: i64 = redis::cmd("CLIENT").arg("ID").query(&mut victim).unwrap();
        let killed: i64 = redis::cmd("CLIENT").arg("KILL").arg("ID").arg(id).query(db).unwrap();
        assert_eq!(killed, 1);
        let failed = victim.set::<_, _, ()>(keys.key("k"), 1).unwrap_err();
        assert!(failed.is_connection_dropped() || failed.kind() == ErrorKind::Io, "{failed}");
    });
}

#[test]
fn info_parses_as_its_own_tools_do() {
    in_both(|db, _, _| {
        let info: redis::InfoDict = redis::cmd("INFO").query(db).unwrap();
        assert_eq!(info.get::<String>("role").as_deref(), Some("master"));
        let text: String = redis::cmd("INFO").arg("everything").query(db).unwrap();
        for (name, version) in text.lines().filter_map(|line| line.split_once(':')).filter(|(name, _)| name.ends_with("_version")) {
            assert!(version.trim().split('.').all(|part| part.parse::<u32>().is_ok()), "{name}:{version}");
        }
    });
}

#[test]
fn many_tasks_share_one_connection() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for protocol in PROTOCOLS {
        runtime.block_on(async {
            let keys = Keys::new();
            let shared = client(&format!("?protocol={protocol}")).get_multiplexed_async_connection().await.unwrap();
            let tasks: Vec<_> = (0..200)
                .map(|_| {
                    let (mut db, key) = (shared.clone(), keys.key("n"));
                    tokio::spawn(async move { db.incr::<_, _, i64>(key, 1).await.unwrap() })
                })
                .collect();
            let mut counts = Vec::new();
            for task in tasks {
                counts.push(task.await.unwrap());
            }
            counts.sort_unstable();
            assert_eq!(counts, (1..=200).collect::<Vec<i64>>());
            let _: u32 = shared.clone().unlink(keys.key("n")).await.unwrap();
        });
    }
}

#[tokio::test]
async fn a_subscriber_on_tokio() {
    let keys = Keys::new();
    let mut db = client("").get_multiplexed_async_connection().await.unwrap();
    let mut listener = client("?protocol=resp2").get_async_pubsub().await.unwrap();
    listener.subscribe(keys.key("a")).await.unwrap();
    assert_eq!(db.publish::<_, _, u32>(keys.key("a"), "hello").await.unwrap(), 1);
    let message = listener.on_message().next().await.unwrap();
    assert_eq!(message.get_payload::<String>().unwrap(), "hello");
}

#[tokio::test]
async fn pushes_arrive_between_replies_in_resp3() {
    let keys = Keys::new();
    let (sender, pushes) = mpsc::channel();
    let config = redis::AsyncConnectionConfig::new().set_push_sender(move |push| sender.send(push).map_err(|_| redis::aio::SendError));
    let mut db = client("?protocol=resp3").get_multiplexed_async_connection_with_config(&config).await.unwrap();
    db.subscribe(keys.key("a")).await.unwrap();
    assert_eq!(db.publish::<_, _, u32>(keys.key("a"), "to myself").await.unwrap(), 1);
    assert_eq!(db.ping::<String>().await.unwrap(), "PONG");
    let kinds: Vec<redis::PushKind> = pushes.try_iter().map(|push: redis::PushInfo| push.kind).collect();
    assert_eq!(kinds, [redis::PushKind::Subscribe, redis::PushKind::Message]);
}

#[tokio::test]
async fn a_connection_manager_reconnects() {
    let mut manager = ConnectionManager::new(client("?protocol=resp3")).await.unwrap();
    let mut db = client("").get_multiplexed_async_connection().await.unwrap();
    let old: i64 = redis::cmd("CLIENT").arg("ID").query_async(&mut manager).await.unwrap();
    let _: i64 = redis::cmd("CLIENT").arg("KILL").arg("ID").arg(old).query_async(&mut db).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    let fresh: i64 = loop {
        match redis::cmd("CLIENT").arg("ID").query_async(&mut manager).await {
            Ok(id) => break id,
            Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) => panic!("{error}"),
        }
    };
    assert_ne!(fresh, old);
    let listed: Value = redis::cmd("CLIENT").arg("LIST").arg("ID").arg(old).query_async(&mut db).await.unwrap();
    assert!(!matches!(listed, Value::Nil));
}
