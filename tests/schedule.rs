//! Scheduled entries through a server: they come when they are due, wake whom they feed, and wait on through a restart.

mod common;

use common::{Client, Server};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What an entry may come late, as one that waits for it sees it. The machine may be busy, so that the best of some attempts counts.
const LATE: Duration = Duration::from_millis(5);
const ATTEMPTS: usize = 20;
const DEBUG: [&str; 2] = ["--enable-debug-command", "yes"];
/// Beyond the end of any test.
const HOUR_MS: u64 = 3_600_000;

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_millis() as u64
}

/// The id in a reply.
fn id_of(reply: &str) -> &str {
    let (length, id) = reply.split_once(' ').expect("a bulk string");
    assert!(length.starts_with('$'), "{reply}");
    id
}

fn ms_of(id: &str) -> u64 {
    let (ms, _) = id.split_once('-').expect("an id");
    ms.parse().expect("a number")
}

#[test]
fn readers_wake_when_an_entry_is_due() {
    for threads in ["1", "2"] {
        let server = Server::start(&["--threads", threads]);
        let mut producer = server.connect();
        producer.call("XGROUP CREATE s g 0 MKSTREAM");
        let mut last = "0".to_owned();
        let late = (0..ATTEMPTS).map(|attempt| {
            let (mut reader, mut worker) = (server.connect(), server.connect());
            let told = producer.call(&format!("XADD s +30 n {attempt}"));
            let id = id_of(&told);
            // Not `$`: where the machine is slow, the entry is there already.
            reader.send(&format!("XREAD BLOCK 0 STREAMS s {last}"));
            worker.send("XREADGROUP GROUP g c BLOCK 0 NOACK STREAMS s >");
            let reply = reader.reply();
            let now_ms = unix_ms();
            assert!(reply.contains(id), "{reply}");
            assert_eq!(worker.reply(), reply);
            assert!(now_ms >= ms_of(id), "too early");
            last = id.to_owned();
            Duration::from_millis(now_ms - ms_of(id))
        });
        let least = late.min().expect("attempts were made");
        assert!(least <= LATE, "{least:?} late at the least");
    }
}

#[test]
fn nobody_sees_an_entry_before_it_is_due() {
    let server = Server::start(&DEBUG);
    let mut client = server.connect();
    let told = client.call("XADD s +60000 f v");
    let id = id_of(&told).to_owned();
    let nothing = [
        ("XLEN s", ":0"),
        ("XRANGE s - +", "*0"),
        ("XREAD STREAMS s 0", "*-1"),
        ("XTRIM s MAXLEN 0", ":0"),
        ("TYPE s", "+stream"),
        ("EXISTS s", ":1"),
    ];
    for (words, reply) in nothing {
        assert_eq!(client.call(words), reply, "{words}");
    }
    let info = client.call("XINFO STREAM s");
    assert!(info.contains("$17 last-generated-id $3 0-0"), "{info}");
    let listed = format!("*1 *2 ${} {id} *2 $1 f $1 v", id.len());
    assert_eq!(client.call("XSCHEDULED s"), listed);
    client.call("DEBUG CLOCK PASS 60000");
    assert_eq!(client.call("XRANGE s - +"), listed);
    assert_eq!(client.call("XSCHEDULED s"), "*0");
}

#[test]
fn what_is_scheduled_is_listed_as_a_range_is() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let at = unix_ms() + HOUR_MS;
    let ids: Vec<String> = [0, 2, 1, 1]
        .map(|ms| id_of(&client.call(&format!("XADD s @{} n {ms}", at + ms))).to_owned())
        .into();
    let expected = [(0, 0), (2, 0), (1, 0), (1, 1)].map(|(ms, seq)| format!("{}-{seq}", at + ms));
    assert_eq!(ids, expected);
    let listed = |client: &mut Client, words: &str| {
        let reply = client.call(&format!("XSCHEDULED s {words}"));
        let ids = [0, 2, 3, 1].map(|index| reply.contains(&expected[index]));
        ids.map(|is_there| if is_there { 'x' } else { '.' })
            .into_iter()
            .collect::<String>()
    };
    assert_eq!(listed(&mut client, "- +"), "xxxx");
    assert_eq!(listed(&mut client, &format!("{} +", at + 1)), ".xxx");
    assert_eq!(
        listed(&mut client, &format!("({} {}", expected[2], at + 1)),
        "..x."
    );
    assert_eq!(listed(&mut client, "- + COUNT 2"), "xx..");
    assert_eq!(listed(&mut client, &format!("- ({}", expected[0])), "....");
    assert_eq!(client.call("XSCHEDULED s - + COUNT 0"), "*-1");
    assert_eq!(client.call("XSCHEDULED none"), "*0");
    client.call("SET string v");
    for (words, error) in [
        ("XSCHEDULED s -", "-ERR syntax error"),
        ("XSCHEDULED s - + LIMIT 1", "-ERR syntax error"),
        ("XSCHEDULED s - + COUNT", "-ERR syntax error"),
        (
            "XSCHEDULED s x +",
            "-ERR Invalid stream ID specified as stream command argument",
        ),
        (
            "XSCHEDULED s - + COUNT x",
            "-ERR value is not an integer or out of range",
        ),
        (
            "XSCHEDULED string",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "XADD string +1 f v",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "XADD s +1 f",
            "-ERR wrong number of arguments for 'xadd' command",
        ),
        (
            "XADD s +x f v",
            "-ERR Invalid stream ID specified as stream command argument",
        ),
    ] {
        assert_eq!(client.call(words), error, "{words}");
    }
}

#[test]
fn xdel_and_xdelex_cancel() {
    let server = Server::start(&["--notify-keyspace-events", "KEA"]);
    let (mut client, mut listener) = (server.connect(), server.connect());
    listener.call("PSUBSCRIBE __keyevent@0__:*");
    let schedule = format!("XADD s +{HOUR_MS} f v");
    let ids = [(); 3].map(|()| id_of(&client.call(&schedule)).to_owned());
    client.call("XADD s 1-1 f v");
    client.call("XADD s 2-1 f v");
    assert_eq!(client.call(&format!("XDEL s {} 1-1 9-9", ids[0])), ":2");
    let words = format!("XDELEX s ACKED IDS 3 {} 2-1 {}", ids[1], ids[0]);
    assert_eq!(client.call(&words), "*3 :1 :1 :-1");
    assert_eq!(client.call("XSCHEDULED s").matches("$1 v").count(), 1);
    assert_eq!(client.call("XLEN s"), ":0");
    let mut heard = String::new();
    while let Some(event) = listener.reply_within(Duration::from_millis(60)) {
        heard += event
            .rsplit_once("__:")
            .expect("an event")
            .1
            .split(' ')
            .next()
            .expect("a name");
        heard.push(' ');
    }
    assert_eq!(heard, "xadd xadd xdel xdel xdel xdel ");
}

#[test]
fn scheduling_counts_as_a_change_and_so_does_taking_place() {
    let server = Server::start(&DEBUG);
    let (mut client, mut other) = (server.connect(), server.connect());
    for (meanwhile, outcome) in [
        ("XADD s +1000 f v", "*-1"),
        ("XADD none NOMKSTREAM +1000 f v", "*1 +PONG"),
        ("DEBUG CLOCK PASS 300", "*1 +PONG"),
        ("DEBUG CLOCK PASS 2000", "*-1"),
    ] {
        client.call("WATCH s");
        other.call(meanwhile);
        // The timer has its time.
        std::thread::sleep(Duration::from_millis(30));
        client.call("MULTI");
        client.call("PING");
        assert_eq!(client.call("EXEC"), outcome, "{meanwhile}");
    }
}

#[test]
fn what_is_scheduled_survives_and_comes_after_a_restart() {
    let mut server = Server::start(&["--appendonly", "yes"]);
    let mut client = server.connect();
    let large = "v".repeat(3000);
    client.call(&format!("XADD s +{HOUR_MS} f {large}"));
    let cancelled = client.call(&format!("XADD s +{HOUR_MS} f cancelled"));
    client.call(&format!("XDEL s {}", id_of(&cancelled)));
    client.call("XADD soon +700 f v");
    client.call("XADD during +1 f v");
    let before = client.call("XSCHEDULED s");
    assert!(before.contains(&large));
    server.terminate();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(client.call("XSCHEDULED s"), before);
    assert_eq!(client.call("XLEN during"), ":1");
    client.send("XREAD BLOCK 0 STREAMS soon 0");
    let reply = client.reply();
    assert!(reply.contains("$4 soon"), "{reply}");
    assert_eq!(client.call("XLEN s"), ":0");
}

#[test]
fn a_wall_clock_that_is_put_back_delays_nothing() {
    let server = Server::start(&DEBUG);
    let mut client = server.connect();
    client.call("XADD s +200 f v");
    client.call(&format!("DEBUG CLOCK STEP -{HOUR_MS}"));
    client.send("XREAD BLOCK 5000 STREAMS s 0");
    assert!(client.reply().contains("$1 v"));
    // One that is put forward brings forward what has a date.
    client.call(&format!("XADD s @{} f date", unix_ms() + HOUR_MS));
    client.call(&format!("DEBUG CLOCK STEP {}", 3 * HOUR_MS));
    client.send("XREAD BLOCK 5000 STREAMS s $");
    let reply = client.reply();
    assert!(reply.contains("date") || reply == "*-1", "{reply}");
    assert_eq!(client.call("XLEN s"), ":2");
}

#[test]
fn a_million_scheduled_entries_cost_the_rest_nothing() {
    const ENTRIES: usize = 1_000_000;
    const BATCH: usize = 10_000;
    /// No millisecond has more than ten.
    const REPLY_BYTES: usize = "$15\r\n1700000000000-0\r\n".len();
    let server = Server::start(&["--appendonly", "no"]);
    let mut client = server.connect();
    let at = unix_ms() + HOUR_MS;
    for batch in 0..ENTRIES / BATCH {
        let one = |n: usize| {
            let spread = (batch * BATCH + n) * 7919 % 100_003;
            let id = format!("@{}", at + spread as u64);
            common::encode(&[b"XADD", b"s", id.as_bytes(), b"f", b"v"])
        };
        client.send_raw(&(0..BATCH).flat_map(one).collect::<Vec<u8>>());
        client.receive_exactly(BATCH * REPLY_BYTES);
    }
    let usage = client.call("MEMORY USAGE s");
    let bytes: usize = usage[1..].parse().expect("a number");
    assert!(
        (20 * ENTRIES..80 * ENTRIES).contains(&bytes),
        "{bytes} bytes"
    );
    let mut last = "0".to_owned();
    let quick = (0..ATTEMPTS).map(|_| {
        let begun = Instant::now();
        let told = client.call("XADD s +20 f v");
        client.send(&format!("XREAD BLOCK 0 STREAMS s {last}"));
        last = id_of(&told).to_owned();
        assert!(client.reply().contains(&last));
        client.call("XLEN s");
        begun.elapsed()
    });
    let least = quick.min().expect("attempts were made");
    assert!(least < Duration::from_millis(20) + 2 * LATE, "{least:?}");
    let listed = client.call("XSCHEDULED s - + COUNT 3");
    assert!(listed.starts_with("*3 "), "{listed}");
    let many = client.call("XSCHEDULED s - + COUNT 20000");
    assert_eq!(many.matches("$1 v").count(), 20_000);
    assert_eq!(client.call("XLEN s"), format!(":{ATTEMPTS}"));
}

#[test]
fn entries_that_are_due_in_one_instant_come_in_their_order_and_others_are_served_between_them() {
    const ENTRIES: usize = 50_000;
    let server = Server::start(&["--appendonly", "no", "--threads", "1"]);
    let mut client = server.connect();
    let at = unix_ms() + 1500;
    let one = |n: usize| {
        let id = format!("@{at}");
        common::encode(&[b"XADD", b"s", id.as_bytes(), b"f", n.to_string().as_bytes()])
    };
    client.send_raw(&(0..ENTRIES).flat_map(one).collect::<Vec<u8>>());
    for _ in 0..ENTRIES {
        client.reply();
    }
    let mut seen = std::collections::BTreeSet::<usize>::new();
    while !seen.contains(&ENTRIES) {
        let len = client.call("XLEN s");
        seen.insert(len[1..].parse().expect("a number"));
        assert!(unix_ms() < at + 10_000, "only {len} of them came");
    }
    assert!(seen.len() > 5, "{seen:?}");
    let first = client.call("XRANGE s - + COUNT 2");
    assert!(first.contains("$1 0") && first.contains("$1 1"), "{first}");
    let last = client.call("XREVRANGE s + - COUNT 1");
    assert!(last.contains(&(ENTRIES - 1).to_string()), "{last}");
}
