//! Keeping within `maxmemory`: what is refused, what goes, what stays, and that nothing of it is lost on the way to the disk and back.
//!
//! Limits are set above what the server uses when it has started, since that depends on the machine.

mod common;

use common::{Client, Server};

const MB: i64 = 1 << 20;
/// Room above what is used at the start.
const ROOM: i64 = 24 * MB;
/// By how much a limit may be passed: a command of each core, what the gauge does not know, what the allocator keeps for each thread.
const OVERSHOOT: i64 = 4 * MB;
/// No more values of 10,000 bytes fit.
const MOST_VALUES: usize = (ROOM + OVERSHOOT) as usize / 10_000;

struct Limited {
    server: Server,
    client: Client,
    limit: i64,
}

/// A server that may use `ROOM` more than it does.
fn limited(policy: &str, arguments: &[&str]) -> Limited {
    let server = Server::start(&[&["--threads", "2"], arguments].concat());
    let mut client = server.connect();
    let limit = client.info("used_memory") + ROOM;
    let set = format!("CONFIG SET maxmemory {limit} maxmemory-policy {policy}");
    assert_eq!(client.call(&set), "+OK");
    Limited {
        server,
        client,
        limit,
    }
}

impl Limited {
    /// By how much memory is beyond the limit, from one look at it.
    fn excess(&mut self) -> i64 {
        let text = self.client.call("INFO memory");
        let figure = |name: &str| -> i64 {
            let line = text.split(' ').find_map(|line| line.strip_prefix(name));
            line.and_then(|figure| figure.parse().ok())
                .expect("INFO tells it")
        };
        figure("used_memory:") - figure("mem_not_counted_for_evict:") - self.limit
    }

    /// DBSIZE once nothing more is evicted: with the last write that need not be over.
    fn settled_size(&mut self) -> String {
        loop {
            let size = self.client.call("DBSIZE");
            std::thread::sleep(std::time::Duration::from_millis(500));
            if self.client.call("DBSIZE") == size {
                return size;
            }
        }
    }

    fn set(&mut self, key: &str, bytes: usize) -> String {
        let value = vec![b'x'; bytes];
        self.client.call_args(&[b"SET", key.as_bytes(), &value])
    }

    /// Sets keys of 10 KB each.
    fn fill(&mut self, prefix: &str, keys: usize) -> Vec<String> {
        (0..keys)
            .map(|number| self.set(&format!("{prefix}:{number}"), 10_000))
            .collect()
    }

    /// How many of these keys there are.
    fn left(&mut self, prefix: &str, keys: usize) -> usize {
        let exists =
            |client: &mut Client, number| client.call(&format!("EXISTS {prefix}:{number}")) == ":1";
        (0..keys)
            .filter(|number| exists(&mut self.client, *number))
            .count()
    }
}

const OOM: &str = "-OOM command not allowed when used memory > 'maxmemory'.";

#[test]
fn a_limit_holds_where_commands_have_other_names_too() {
    let renamed = ["--rename-command", "RPUSH", "push"];
    let mut refusing = limited("noeviction", &renamed);
    let replies = refusing.fill("k", 5000);
    let first = replies.iter().position(|reply| reply == OOM);
    assert!(first.is_some_and(|first| (1500..MOST_VALUES).contains(&first)));
    let mut evicting = limited("allkeys-lru", &renamed);
    assert!(evicting.fill("k", 5000).iter().all(|reply| reply == "+OK"));
    assert!(evicting.left("k", 5000) < MOST_VALUES);
}

#[test]
fn without_eviction_what_takes_memory_is_refused_and_the_rest_goes_on() {
    let mut limited = limited("noeviction", &[]);
    let client = &mut limited.client;
    assert_eq!(client.call("XGROUP CREATE s g $ MKSTREAM"), "+OK");
    assert_eq!(client.call("XADD s 1-0 f v"), "$3 1-0");
    assert_eq!(client.call("XADD s 2-0 f v"), "$3 2-0");
    assert_eq!(client.call("RPUSH l a b"), ":2");
    let replies = limited.fill("k", 5000);
    let first = replies
        .iter()
        .position(|reply| reply == OOM)
        .expect("5000 are too many");
    assert!((1500..MOST_VALUES).contains(&first), "{first}");
    // Here and there something that was needed for a moment makes room for another.
    let refused = replies[first..]
        .iter()
        .filter(|reply| *reply == OOM)
        .count();
    assert!(refused > 1500, "{refused}");
    assert!(limited.excess() < OVERSHOOT, "{}", limited.excess());

    let client = &mut limited.client;
    assert_eq!(client.call("XADD s 3-0 f v"), OOM);
    assert_eq!(client.call("EXISTS k:0"), ":1");
    let read = client.call("XREADGROUP GROUP g c COUNT 1 STREAMS s >");
    assert!(read.starts_with("*1 *2 $1 s *1 *2 $3 1-0"), "{read}");
    assert_eq!(client.call("XACK s g 1-0"), ":1");
    assert_eq!(client.call("LPOP l"), "$1 a");
    assert_eq!(client.call("MULTI"), "+OK");
    assert_eq!(client.call("GET k:0"), "+QUEUED");
    assert_eq!(client.call("SET k:0 v"), OOM);
    assert!(
        client
            .call("EXEC")
            .starts_with("-EXECABORT Transaction discarded because of previous errors.")
    );
    assert!(client.info("total_eviction_exceeded_time") >= 0);
    let stats = client.call("INFO errorstats");
    assert!(stats.contains("errorstat_OOM:count="), "{stats}");

    assert_eq!(client.call("CONFIG SET maxmemory 0"), "+OK");
    assert_eq!(client.call("MULTI"), "+OK");
    assert_eq!(client.call("SET a b"), "+QUEUED");
    assert_eq!(client.call("CONFIG SET maxmemory 1"), "+QUEUED");
    assert_eq!(client.call("EXEC"), "*2 +OK +OK");
    assert_eq!(client.call("SET a c"), OOM);
    assert_eq!(client.call("DEL k:1"), ":1");
}

#[test]
fn room_that_is_made_can_be_used() {
    let mut limited = limited("noeviction", &[]);
    let element = vec![b'x'; 10_000];
    let mut push: Vec<&[u8]> = vec![b"RPUSH", b"big"];
    push.extend([&element[..]; 100]);
    for _ in 0..5 {
        // A large value is freed by another thread, which on a busy machine may take its time.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while limited.client.call_args(&push) == OOM {
            assert!(std::time::Instant::now() < deadline);
        }
        while limited.client.call_args(&push) != OOM {}
        assert_eq!(limited.client.call("DEL big"), ":1");
    }
}

#[test]
fn what_has_just_been_given_back_can_be_used_at_once() {
    let mut limited = limited("noeviction", &[]);
    let mut other = limited.server.connect();
    let element = vec![b'x'; 100_000];
    // Another thread frees it, which a busy machine may keep from doing so in time, now and then.
    let mut at_once = 0;
    for _ in 0..20 {
        while limited.client.call_args(&[b"RPUSH", b"large", &element]) != OOM {}
        assert_eq!(other.call("DEL large"), ":1");
        at_once += usize::from(limited.set("k", 10_000) == "+OK");
    }
    assert!(at_once >= 5, "{at_once} of 20");
}

#[test]
fn memory_stays_within_its_limit_whatever_goes() {
    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random"] {
        let mut limited = limited(policy, &[]);
        let replies = limited.fill("k", 5000);
        assert!(replies.iter().all(|reply| reply == "+OK"), "{policy}");
        assert!(
            limited.excess() < OVERSHOOT,
            "{policy}: {}",
            limited.excess()
        );
        limited.settled_size();
        // More may go while those that are left are counted.
        let evicted_before = limited.client.info("evicted_keys") as usize;
        let left = limited.left("k", 5000);
        let evicted = limited.client.info("evicted_keys") as usize;
        assert!((1000..MOST_VALUES).contains(&left), "{policy}: {left}");
        assert!(
            (evicted_before..=evicted).contains(&(5000 - left)),
            "{policy}: {left} and {evicted_before} to {evicted}"
        );
    }
}

#[test]
fn two_cores_that_write_large_values_stay_within_the_limit() {
    let mut limited = limited("allkeys-random", &[]);
    let port = limited.server.port;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            std::thread::spawn(move || {
                let (mut client, value) = (Client::connect(port), vec![b'x'; 1_000_000]);
                for number in 0..60 {
                    let key = format!("{writer}:{number}");
                    let reply = client.call_args(&[b"SET", key.as_bytes(), &value]);
                    assert_eq!(reply, "+OK");
                }
            })
        })
        .collect();
    writers
        .into_iter()
        .for_each(|writer| writer.join().expect("it writes"));
    limited.settled_size();
    assert!(limited.excess() < OVERSHOOT, "{}", limited.excess());
}

#[test]
fn volatile_policies_spare_what_does_not_expire() {
    for policy in [
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
    ] {
        let mut limited = limited(policy, &[]);
        limited.fill("lasting", 500);
        for number in 0..3000 {
            let (key, value) = (format!("k:{number}"), vec![b'x'; 10_000]);
            let ttl = (100_000 - number).to_string();
            let set = [b"SET", key.as_bytes(), &value, b"EX", ttl.as_bytes()];
            assert_eq!(limited.client.call_args(&set), "+OK", "{policy}");
        }
        assert!(
            limited.excess() < OVERSHOOT,
            "{policy}: {}",
            limited.excess()
        );
        assert_eq!(limited.left("lasting", 500), 500, "{policy}");
        let left = limited.left("k", 3000);
        assert!((500..MOST_VALUES - 500).contains(&left), "{policy}: {left}");
        // When nothing that expires is left, what takes memory is refused.
        let replies = limited.fill("more", 3000);
        assert!(replies[2900..].contains(&OOM.to_string()));
        assert_eq!(limited.left("k", 3000), 0, "{policy}");
        assert_eq!(limited.left("lasting", 500), 500, "{policy}");
    }
}

#[test]
fn what_would_expire_first_goes_first() {
    let mut limited = limited("volatile-ttl", &["--threads", "1"]);
    let mut events = limited.server.connect();
    let notify = "CONFIG SET notify-keyspace-events E$e";
    assert_eq!(limited.client.call(notify), "+OK");
    events.call("PSUBSCRIBE __keyevent@0__:*");
    for number in 0..3000 {
        let (key, value) = (number.to_string(), vec![b'x'; 10_000]);
        // The later they are written the sooner they are to expire, however long it takes to write them.
        let ttl = (1_000_000 - 100 * number).to_string();
        let set = [b"SET", key.as_bytes(), &value, b"EX", ttl.as_bytes()];
        assert_eq!(limited.client.call_args(&set), "+OK");
    }
    limited.client.call("SET over x");
    let (mut present, mut evicted) = (Vec::new(), 0);
    loop {
        let message = events.reply();
        let words: Vec<&str> = message.split(' ').collect();
        let (event, key) = (words[words.len() - 3], words[words.len() - 1]);
        match (event, key) {
            ("__keyevent@0__:set", "over") => break,
            ("__keyevent@0__:set", key) => present.push(key.to_string()),
            _ => {
                assert_eq!(
                    (event, present.pop().as_deref()),
                    ("__keyevent@0__:evicted", Some(key))
                );
                evicted += 1;
            }
        }
    }
    assert!(evicted > 100, "{evicted}");
}

#[test]
fn what_scripts_leave_in_their_interpreter_evicts_nothing_and_is_given_back() {
    let mut limited = limited("allkeys-lru", &[]);
    limited.fill("k", 500);
    let used = limited.client.info("used_memory");
    // Seen by others while it runs, too.
    let mut other = limited.server.connect();
    for letter in ["x", "y", "z"] {
        let script =
            format!("local t = {{}} for i = 1, 300000 do t[i] = {{i, '{letter}'}} end return #t");
        other.send_args(&[b"EVAL", script.as_bytes(), b"0"]);
        while other
            .reply_within(std::time::Duration::from_millis(1))
            .is_none()
        {
            assert_eq!(limited.set("new", 10), "+OK");
        }
        assert_eq!(limited.set("new", 10), "+OK");
    }
    assert!(limited.client.info("used_memory_lua") > ROOM);
    assert!(limited.client.info("used_memory") < used + OVERSHOOT);
    assert_eq!(limited.client.info("evicted_keys"), 0);
    assert_eq!(limited.left("k", 500), 500);
    assert_eq!(limited.client.call("SCRIPT FLUSH"), "+OK");
    limited.client.await_info("used_memory_lua", 0);
}

#[test]
fn few_keys_that_expire_among_many_that_do_not_are_found() {
    let mut limited = limited("volatile-lru", &[]);
    for number in 0..20_000 {
        limited.client.send(&format!("SET lasting:{number} x"));
    }
    for _ in 0..20_000 {
        limited.client.reply();
    }
    limited.fill("k", 100);
    for number in 0..100 {
        assert_eq!(
            limited.client.call(&format!("EXPIRE k:{number} 1000")),
            ":1"
        );
    }
    let replies = limited.fill("more", 3000);
    assert!(replies[2900..].contains(&OOM.to_string()));
    assert_eq!(limited.left("k", 100), 0);
    assert_eq!(limited.client.info("evicted_keys"), 100);
}

#[test]
fn what_is_used_stays() {
    for policy in ["allkeys-lru", "allkeys-lfu"] {
        let mut limited = limited(policy, &["--lfu-log-factor", "1"]);
        limited.fill("hot", 100);
        limited.fill("cold", 1000);
        // Times are noted in seconds.
        let a_second = std::time::Duration::from_millis(1100);
        std::thread::sleep(a_second);
        for _ in 0..30 {
            (0..100).for_each(|hot| drop(limited.client.call(&format!("GET hot:{hot}"))));
        }
        std::thread::sleep(a_second);
        limited.fill("new", 1600);
        let evicted = limited.client.info("evicted_keys");
        assert!((100..900).contains(&evicted), "{policy}: {evicted}");
        assert!(limited.left("hot", 100) >= 95, "{policy}");
        if policy == "allkeys-lru" {
            assert!(limited.left("new", 1600) >= 1500);
        }
    }
}

#[test]
fn a_lower_limit_takes_effect_though_nobody_writes() {
    let mut limited = limited("allkeys-lru", &[]);
    limited.fill("k", 1500);
    assert_eq!(limited.left("k", 1500), 1500);
    limited.limit -= 18 * MB;
    let set = format!("CONFIG SET maxmemory {}", limited.limit);
    assert_eq!(limited.client.call(&set), "+OK");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while limited.excess() > OVERSHOOT {
        assert!(std::time::Instant::now() < deadline, "{}", limited.excess());
    }
    assert!(limited.client.info("evicted_keys") > 30);
}

#[test]
fn evictions_are_told_and_logged() {
    let arguments = ["--notify-keyspace-events", "Ee", "--appendfsync", "always"];
    let mut limited = limited("allkeys-random", &arguments);
    let mut listener = limited.server.connect();
    listener.call("SUBSCRIBE __keyevent@0__:evicted");
    let mut watcher = limited.server.connect();
    assert_eq!(limited.client.call("XGROUP CREATE s g $ MKSTREAM"), "+OK");
    let mut blocked = limited.server.connect();
    blocked.send("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    limited.server.await_blocked(1);
    assert_eq!(watcher.call("WATCH s"), "+OK");

    // Everything goes but what is used to see it.
    let mut told = 0;
    for round in 0.. {
        limited.fill(&format!("k{round}"), 1000);
        if limited.client.call("EXISTS s") == ":0" {
            break;
        }
        assert!(round < 60, "the stream is never evicted");
    }
    assert!(
        blocked.reply().starts_with("-NOGROUP"),
        "readers hear of it"
    );
    assert_eq!(watcher.call("MULTI"), "+OK");
    assert_eq!(watcher.call("EXEC"), "*-1");
    let evicted = limited.client.info("evicted_keys");
    while told < evicted {
        let note = listener.reply();
        assert!(
            note.starts_with("*3 $7 message $22 __keyevent@0__:evicted"),
            "{note}"
        );
        told += 1;
    }

    let digest = limited.settled_size();
    limited.server.kill();
    // A replay evicts and refuses nothing, however little memory there is to be.
    limited
        .server
        .start_again(&["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]);
    let mut client = limited.server.connect();
    assert_eq!(client.call("DBSIZE"), digest);
    assert_eq!(client.call("SET a b"), OOM);
    assert_eq!(client.info("evicted_keys"), 0);
    limited.server.must_survive = false;
}

#[test]
fn idleness_and_frequency_are_saved() {
    let mut server = Server::start(&[
        "--appendonly",
        "no",
        "--save",
        "",
        "--maxmemory-policy",
        "allkeys-lfu",
        "--lfu-log-factor",
        "0",
    ]);
    let mut client = server.connect();
    for command in ["SET a 1", "SET b 1", "GET b", "GET b", "SAVE"] {
        client.call(command);
    }
    assert_eq!(client.call("OBJECT FREQ b"), ":7");
    assert!(
        client
            .call("OBJECT IDLETIME b")
            .starts_with("-ERR An LFU maxmemory policy is selected")
    );
    server.kill();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(client.call("OBJECT FREQ a"), ":5");
    assert_eq!(client.call("OBJECT FREQ b"), ":7");
    client.call("CONFIG SET maxmemory-policy allkeys-lru");
    assert!(
        client
            .call("OBJECT FREQ b")
            .starts_with("-ERR An LFU maxmemory policy is not selected")
    );
    client.send("DUMP a");
    let dump = client.raw_reply();
    let payload =
        &dump[dump.iter().position(|byte| *byte == b'\n').expect("a line") + 1..dump.len() - 2];
    client.call("DEL a");
    client.call_args(&[b"RESTORE", b"a", b"0", payload, b"IDLETIME", b"1000"]);
    assert_eq!(client.call("SAVE"), "+OK");
    server.kill();
    server.start_again(&["--maxmemory-policy", "allkeys-lru"]);
    let mut client = server.connect();
    let idle = client.call("OBJECT IDLETIME a");
    assert!([":1000", ":1001", ":1002"].contains(&&idle[..]), "{idle}");
    server.must_survive = false;
}

#[test]
fn a_letter_that_memory_is_short_for_stays_where_it_is() {
    let mut limited = limited("noeviction", &[]);
    let client = &mut limited.client;
    for command in [
        "XGROUP CREATE s g 0 MKSTREAM",
        "XCFGSET s GROUP g ACKWAIT 50 MAXDELIVER 1 DEADLETTER dead",
        "XADD s 1-0 f v",
        "XADD s 2-0 f v",
        "XREADGROUP GROUP g c STREAMS s >",
    ] {
        let reply = client.call(command);
        assert!(!reply.starts_with('-'), "{command}: {reply}");
    }
    assert_eq!(client.call("CONFIG SET maxmemory 1"), "+OK");
    assert_eq!(client.call("XNACK s g FATAL IDS 1 1-0"), ":1");
    // The lease of the other runs out.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while client.call("XPENDING s g").contains("$1 c") {
        assert!(std::time::Instant::now() < deadline);
    }
    assert_eq!(client.call("EXISTS dead"), ":0");
    let pending = client.call("XPENDING s g");
    assert!(pending.starts_with("*4 :2 $3 1-0 $3 2-0"), "{pending}");
    let state = client.call("XINFO QUEUE s g");
    assert!(state.contains("$6 parked :2"), "{state}");
    // Whoever loads it again judges it again.
    limited.server.must_survive = false;
}

#[test]
fn the_largest_client_is_closed_when_all_take_too_much() {
    let server = Server::start(&["--threads", "2", "--maxmemory-clients", "8mb"]);
    let mut client = server.connect();
    assert_eq!(
        client.call("CONFIG GET maxmemory-clients"),
        "*2 $17 maxmemory-clients $7 8388608"
    );
    let (mut small, mut large, mut spared) = (server.connect(), server.connect(), server.connect());
    assert_eq!(spared.call("CLIENT NO-EVICT ON"), "+OK");
    spared.send_raw(b"*2\r\n$4\r\nECHO\r\n$20000000\r\n");
    spared.send_raw(&vec![b'x'; 4_000_000]);
    small.send_raw(b"*2\r\n$4\r\nECHO\r\n$20000000\r\n");
    small.send_raw(&vec![b'x'; 500_000]);
    client.await_info("evicted_clients", 0);
    large.send_raw(b"*2\r\n$4\r\nECHO\r\n$20000000\r\n");
    large.send_raw(&vec![b'x'; 6_000_000]);
    client.await_info("evicted_clients", 1);
    assert!(large.is_closed());
    assert!(client.call("CLIENT LIST").matches("id=").count() >= 3);
}
