//! Work queues on groups: leases that run out, entries given back, dead letters, order; and what is left of them after a restart.

mod common;

use common::{Client, Server};
use std::time::{Duration, Instant};

/// How long before the time a lease that is watched from outside may seem to have run out, and how long after: other work on the machine
/// included.
const EARLY: Duration = Duration::from_millis(5);
const LATE: Duration = Duration::from_millis(400);

fn start() -> Server {
    Server::start(&[
        "--threads",
        "2",
        "--enable-debug-command",
        "yes",
        "--appendfsync",
        "always",
    ])
}

/// A server, and a client of it that has made a stream of some entries with a group.
fn queue(policy: &str, entries: u64) -> (Server, Client) {
    let mut server = start();
    let mut client = server.connect();
    assert_eq!(client.call("XGROUP CREATE s g 0 MKSTREAM"), "+OK");
    if !policy.is_empty() {
        assert_eq!(client.call(&format!("XCFGSET s GROUP g {policy}")), "+OK");
    }
    for ms in 1..=entries {
        client.call(&format!("XADD s {ms}-0 k v"));
    }
    // Time that was made to pass is lost with the process, and leases that seem to begin in the future then begin with the next one.
    server.must_survive = false;
    (server, client)
}

fn pass(client: &mut Client, ms: u64) {
    assert_eq!(client.call(&format!("DEBUG CLOCK PASS {ms}")), "+OK");
}

/// The ids that a read gives.
fn read(client: &mut Client, consumer: &str, more: &str) -> Vec<String> {
    let reply = client.call(&format!("XREADGROUP GROUP g {consumer} {more}STREAMS s >"));
    ids(&reply)
}

/// The ids in a reply, as texts like `7-0`.
fn ids(reply: &str) -> Vec<String> {
    let is_id = |word: &&str| {
        word.split_once('-').is_some_and(|(ms, seq)| {
            !ms.is_empty()
                && [ms, seq]
                    .iter()
                    .all(|part| part.bytes().all(|b| b.is_ascii_digit()))
        })
    };
    reply.split(' ').filter(is_id).map(str::to_owned).collect()
}

/// What XPENDING tells of each entry: id, owner, idle, count.
fn pending(client: &mut Client) -> Vec<(String, String, i64, i64)> {
    let reply = client.call("XPENDING s g - + 100");
    let words: Vec<&str> = reply.split(' ').collect();
    let numbers = |word: &str| word.trim_start_matches(':').parse().expect("a number");
    words[1..]
        .chunks(7)
        .map(|row| {
            (
                row[2].to_owned(),
                row[4].to_owned(),
                numbers(row[5]),
                numbers(row[6]),
            )
        })
        .collect()
}

/// The entries that are pending, with their owners and counts.
fn owners(client: &mut Client) -> Vec<String> {
    let rows = pending(client);
    let told = |(id, owner, _, count): (String, String, i64, i64)| format!("{id} {owner} {count}");
    rows.into_iter().map(told).collect()
}

/// Waits until a command gives a reply, since what happens by itself happens a moment later.
fn await_reply(client: &mut Client, command: &str, wanted: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let reply = client.call(command);
        if reply == wanted {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{command} gives {reply}, not {wanted}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A figure that XINFO QUEUE tells of the group.
fn figure(client: &mut Client, name: &str) -> i64 {
    let reply = client.call("XINFO QUEUE s g");
    let mut words = reply.split(' ').skip_while(|word| *word != name);
    let value = words.nth(1).and_then(|word| word.strip_prefix(':'));
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {reply}"))
}

#[test]
fn what_a_consumer_leaves_comes_back_to_whoever_reads() {
    let (_server, mut client) = queue("ACKWAIT 30000", 3);
    assert_eq!(read(&mut client, "a", "COUNT 2 "), ["1-0", "2-0"]);
    assert_eq!(client.call("XACK s g 2-0"), ":1");
    pass(&mut client, 29_000);
    assert_eq!(read(&mut client, "b", ""), ["3-0"]);
    pass(&mut client, 1_500);
    assert_eq!(read(&mut client, "b", "COUNT 5 "), ["1-0"]);
    assert_eq!(owners(&mut client), ["1-0 b 2", "3-0 b 1"]);
    assert_eq!(read(&mut client, "c", ""), [] as [&str; 0]);
    // A group without the policy keeps to itself what its consumers have.
    client.call("XGROUP CREATE s h 0");
    client.call("XREADGROUP GROUP h a STREAMS s >");
    pass(&mut client, 1_000_000);
    assert_eq!(client.call("XREADGROUP GROUP h b STREAMS s >"), "*-1");
    assert_eq!(read(&mut client, "c", "NOACK "), ["3-0", "1-0"]);
    assert_eq!(
        owners(&mut client),
        [] as [&str; 0],
        "who does not acknowledge has it once"
    );
}

#[test]
fn a_lease_that_runs_out_wakes_who_waits() {
    let (server, mut client) = queue("ACKWAIT 200", 1);
    let begun = Instant::now();
    assert_eq!(read(&mut client, "a", ""), ["1-0"]);
    let mut waiter = server.connect();
    waiter.send("XREADGROUP GROUP g b BLOCK 0 STREAMS s >");
    assert_eq!(ids(&waiter.reply()), ["1-0"]);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_millis(200) - EARLY, "{waited:?}");
    assert!(waited <= Duration::from_millis(200) + LATE, "{waited:?}");
}

#[test]
fn a_consumer_that_is_removed_gives_back_what_it_had() {
    let (server, mut client) = queue("ACKWAIT 30000", 2);
    assert_eq!(read(&mut client, "a", ""), ["1-0", "2-0"]);
    let mut waiter = server.connect();
    waiter.send("XREADGROUP GROUP g b BLOCK 0 STREAMS s >");
    server.await_blocked(1);
    assert_eq!(client.call("XGROUP DELCONSUMER s g a"), ":2");
    assert_eq!(ids(&waiter.reply()), ["1-0", "2-0"]);
    assert_eq!(owners(&mut client), ["1-0 b 2", "2-0 b 2"]);
}

#[test]
fn a_touch_begins_a_lease_anew_and_tells_who_has_lost_it() {
    let (_server, mut client) = queue("ACKWAIT 30000", 2);
    read(&mut client, "a", "");
    pass(&mut client, 20_000);
    assert_eq!(client.call("XTOUCH s g a IDS 1 1-0"), "*1 :1");
    assert_eq!(client.call("XTOUCH s g b IDS 2 1-0 9-0"), "*2 :0 :0");
    pass(&mut client, 15_000);
    assert_eq!(client.call("XTOUCH s g a IDS 2 1-0 2-0"), "*2 :1 :0");
    assert_eq!(read(&mut client, "b", ""), ["2-0"]);
    assert_eq!(owners(&mut client), ["1-0 a 1", "2-0 b 2"]);
    for (command, reply) in [
        (
            "XTOUCH s g a IDS 1",
            "-ERR wrong number of arguments for 'xtouch' command",
        ),
        (
            "XTOUCH s g a IDS 0 1-0",
            "-ERR Number of IDs must be a positive integer",
        ),
        (
            "XTOUCH s g a IDS 2 1-0",
            "-ERR The `numids` parameter must match the number of arguments",
        ),
        ("XTOUCH s g a IDS 1 1-0 2-0", "-ERR syntax error"),
        (
            "XTOUCH s g a IDS 1 x",
            "-ERR Invalid stream ID specified as stream command argument",
        ),
        (
            "XTOUCH s no a IDS 1 1-0",
            "-NOGROUP No such key 's' or consumer group 'no'",
        ),
    ] {
        assert_eq!(client.call(command), reply, "{command}");
    }
}

#[test]
fn failures_rest_longer_each_time() {
    let (_server, mut client) = queue("ACKWAIT 60000 BACKOFF 1000 5000", 1);
    for rest_ms in [1000, 2000, 4000, 5000, 5000] {
        assert_eq!(read(&mut client, "a", ""), ["1-0"], "after a rest");
        assert_eq!(client.call("XNACK s g FAIL IDS 1 1-0"), ":1");
        let idle = pending(&mut client)[0].2;
        assert!(
            (-rest_ms..=-rest_ms + 500).contains(&idle),
            "{idle} of {rest_ms}"
        );
        assert_eq!(read(&mut client, "a", ""), [] as [&str; 0]);
        pass(&mut client, rest_ms as u64);
    }
    // What did not count, or says its own time, does not rest by the policy.
    assert_eq!(read(&mut client, "a", ""), ["1-0"]);
    assert_eq!(client.call("XNACK s g SILENT IDS 1 1-0"), ":1");
    assert_eq!(read(&mut client, "a", ""), ["1-0"]);
    assert_eq!(client.call("XNACK s g FAIL IDS 1 1-0 DELAY 50000"), ":1");
    pass(&mut client, 49_000);
    assert_eq!(read(&mut client, "a", ""), [] as [&str; 0]);
    pass(&mut client, 1_000);
    assert_eq!(read(&mut client, "a", ""), ["1-0"]);
    assert_eq!(
        client.call("XNACK s g FAIL IDS 1 1-0 DELAY -1"),
        "-ERR invalid DELAY"
    );
}

const DEAD: &str = "ACKWAIT 30000 MAXDELIVER 2 DEADLETTER dead";

/// The fields of the only dead letter, but its id and time.
fn dead_letter(client: &mut Client) -> String {
    let reply = client.call("XRANGE dead - +");
    assert!(reply.starts_with("*1 *2 "), "{reply}");
    let fields = reply
        .split(" *16 ")
        .nth(1)
        .expect("eight fields")
        .to_owned();
    fields
        .split(" $9 dead-time ")
        .next()
        .expect("a text")
        .to_owned()
}

#[test]
fn what_was_deleted_before_it_could_become_a_dead_letter_counts_as_acknowledged() {
    let (_server, mut client) = queue("ACKWAIT 30000 MAXDELIVER 1 DEADLETTER dead", 1);
    assert_eq!(read(&mut client, "a", ""), ["1-0"]);
    assert_eq!(client.call("XDEL s 1-0"), ":1");
    pass(&mut client, 31_000);
    await_reply(&mut client, "XPENDING s g", "*4 :0 $-1 $-1 *-1");
    let counted = ["acked", "dead-lettered"].map(|name| figure(&mut client, name));
    assert_eq!((counted, &client.call("EXISTS dead")[..]), ([1, 0], ":0"));
}

#[test]
fn what_was_tried_in_vain_becomes_a_dead_letter() {
    let (mut server, mut client) = queue(DEAD, 2);
    for _ in 0..2 {
        assert_eq!(read(&mut client, "a", "COUNT 1 "), ["1-0"]);
        pass(&mut client, 31_000);
    }
    await_reply(&mut client, "XLEN dead", ":1");
    assert_eq!(
        dead_letter(&mut client),
        "$1 k $1 v $11 dead-stream $1 s $10 dead-group $1 g $7 dead-id $3 1-0 $10 dead-count $1 2 \
         $11 dead-reason $10 maxdeliver $13 dead-consumer $1 a"
    );
    assert_eq!(client.call("XPENDING s g"), "*4 :0 $-1 $-1 *-1");
    assert_eq!(figure(&mut client, "dead-lettered"), 1);
    // The other is given back, which ends an attempt as well.
    for _ in 0..2 {
        assert_eq!(read(&mut client, "b", ""), ["2-0"]);
        assert_eq!(client.call("XNACK s g FAIL IDS 1 2-0"), ":1");
    }
    assert_eq!(client.call("XLEN dead"), ":2");
    let digest = client.call("DEBUG DIGEST");
    server.kill();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(client.call("DEBUG DIGEST"), digest);
    assert_eq!(client.call("XLEN dead"), ":2");
}

#[test]
fn what_never_can_succeed_dies_at_once() {
    let (_server, mut client) = queue(DEAD, 2);
    read(&mut client, "a", "");
    client.send("MULTI");
    client.send("XNACK s g FATAL IDS 1 1-0");
    client.send("XLEN dead");
    assert_eq!(client.call("EXEC"), "+OK");
    assert_eq!(
        [client.reply(), client.reply(), client.reply()],
        ["+QUEUED", "+QUEUED", "*2 :1 :1"]
    );
    assert_eq!(
        dead_letter(&mut client),
        "$1 k $1 v $11 dead-stream $1 s $10 dead-group $1 g $7 dead-id $3 1-0 $10 dead-count $1 1 \
         $11 dead-reason $5 fatal $13 dead-consumer $1 a"
    );
    // Without a stream for dead letters it is Redis's own.
    client.call("XCFGSET s GROUP g DEADLETTER no MAXDELIVER 0");
    client.call_args(&[b"XCFGSET", b"s", b"GROUP", b"g", b"DEADLETTER", b""]);
    assert_eq!(client.call("XNACK s g FATAL IDS 1 2-0"), ":1");
    assert_eq!(owners(&mut client), [format!("2-0  {}", i64::MAX)]);
}

#[test]
fn what_cannot_be_moved_is_parked_and_not_lost() {
    let (mut server, mut client) = queue("ACKWAIT 30000 MAXDELIVER 1 DEADLETTER dead", 3);
    client.call("SET dead letter");
    read(&mut client, "a", "");
    assert_eq!(client.call("XNACK s g FAIL IDS 1 1-0"), ":1");
    pass(&mut client, 31_000);
    await_reply(&mut client, "XPENDING s g - + 9 a", "*0");
    assert_eq!(owners(&mut client), ["1-0  1", "2-0  1", "3-0  1"]);
    assert_eq!(figure(&mut client, "parked"), 3);
    assert_eq!(figure(&mut client, "dead-letter-failures"), 3);
    assert_eq!(read(&mut client, "b", ""), [] as [&str; 0]);
    assert_eq!(client.call("GET dead"), "$6 letter");
    server.kill();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(owners(&mut client), ["1-0  1", "2-0  1", "3-0  1"]);
    // Whoever asks for one gets it, and another policy is another chance.
    assert_eq!(client.call("XCLAIM s g c 0 2-0 JUSTID"), "*1 $3 2-0");
    client.call("DEL dead");
    assert_eq!(client.call("XCFGSET s GROUP g MAXDELIVER 2"), "+OK");
    assert_eq!(read(&mut client, "b", ""), ["1-0", "3-0"]);
    client.call("XNACK s g FAIL IDS 1 3-0");
    await_reply(&mut client, "XLEN dead", ":1");
}

#[test]
fn dead_letters_go_back_where_they_came_from() {
    let (_server, mut client) = queue("ACKWAIT 30000 MAXDELIVER 1 DEADLETTER dead", 4);
    read(&mut client, "a", "");
    assert_eq!(client.call("XNACK s g FAIL IDS 4 1-0 2-0 3-0 4-0"), ":4");
    client.call("XDEL s 2-0");
    client.call("XADD dead * not a-letter");
    client.call("XGROUP CREATE s other $");
    assert_eq!(client.call("XREDRIVE dead COUNT 2"), "*2 :1 :2");
    assert_eq!(owners(&mut client), ["1-0  0"]);
    assert_eq!(client.call("XLEN s"), ":4");
    assert_eq!(client.call("XLEN dead"), ":3");
    let read_again = read(&mut client, "b", "");
    assert_eq!((read_again.len(), read_again[0].as_str()), (2, "1-0"));
    let others = client.call("XREADGROUP GROUP other o STREAMS s >");
    assert_eq!(
        ids(&others),
        read_again[1..],
        "no second copy for other groups"
    );
    let left = ids(&client.call("XRANGE dead - +"));
    let letters: Vec<String> = left.into_iter().filter(|id| id.len() > 5).collect();
    let command = format!("XREDRIVE dead TO elsewhere IDS 2 {} 9-9", letters[0]);
    assert_eq!(client.call(&command), "*2 :2 :-1");
    assert_eq!(client.call("XLEN elsewhere"), ":1");
    client.send("MULTI");
    client.send("XREDRIVE dead");
    assert_eq!(client.call("EXEC"), "+OK");
    assert_eq!(
        [client.reply(), client.reply()],
        ["+QUEUED", "*1 *2 :1 :-1"]
    );
    for (command, reply) in [
        ("XREDRIVE no", "-ERR no such key"),
        ("XREDRIVE dead COUNT 0", "-ERR invalid COUNT"),
        ("XREDRIVE dead COUNT x", "-ERR invalid COUNT"),
        (
            "XREDRIVE dead IDS 1",
            "-ERR The `numids` parameter must match the number of arguments",
        ),
        ("XREDRIVE dead FOO", "-ERR syntax error"),
        ("XREDRIVE dead TO", "-ERR syntax error"),
    ] {
        assert_eq!(client.call(command), reply, "{command}");
    }
}

/// A queue of entries whose field `k` has the values given, in order.
fn ordered(policy: &str, values: &[&str]) -> (Server, Client) {
    let (server, mut client) = queue(policy, 0);
    for (at, value) in values.iter().enumerate() {
        client.call(&format!("XADD s {}-0 k {value}", at + 1));
    }
    (server, client)
}

#[test]
fn entries_of_one_value_follow_one_another() {
    let policy = "ACKWAIT 30000 ORDER k";
    let (mut server, mut client) = ordered(policy, &["x", "y", "x", "x", "y"]);
    client.call("XADD s 9-0 other v");
    assert_eq!(read(&mut client, "a", "COUNT 1 "), ["1-0"]);
    assert_eq!(read(&mut client, "b", "COUNT 9 "), ["2-0", "5-0", "9-0"]);
    assert_eq!(read(&mut client, "c", "COUNT 9 "), [] as [&str; 0]);
    assert_eq!(figure(&mut client, "blocked"), 2);
    assert_eq!(
        client.call("XCLAIM s g c 0 3-0"),
        "*0",
        "it is not its turn"
    );
    let digest = client.call("DEBUG DIGEST");
    server.kill();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(client.call("DEBUG DIGEST"), digest);
    let mut waiter = server.connect();
    waiter.send("XREADGROUP GROUP g c BLOCK 0 COUNT 1 STREAMS s >");
    server.await_blocked(1);
    assert_eq!(client.call("XACK s g 1-0"), ":1");
    assert_eq!(ids(&waiter.reply()), ["3-0"]);
    // What is given back, or left, holds up what follows.
    assert_eq!(client.call("XNACK s g FAIL IDS 1 2-0 DELAY 5000"), ":1");
    assert_eq!(owners(&mut client)[..1], ["2-0  1"]);
    assert_eq!(
        figure(&mut client, "blocked"),
        2,
        "4-0 waits for 3-0, and 5-0 for 2-0"
    );
    assert_eq!(read(&mut client, "d", ""), [] as [&str; 0]);
    pass(&mut client, 5_000);
    assert_eq!(read(&mut client, "d", "COUNT 1 "), ["2-0"]);
    pass(&mut client, 30_000);
    assert_eq!(
        read(&mut client, "e", ""),
        ["9-0", "3-0", "4-0", "2-0", "5-0"]
    );
}

#[test]
fn an_earlier_entry_that_comes_back_is_not_held_up_for_ever() {
    let (_server, mut client) = ordered("ACKWAIT 30000 ORDER k DEADLETTER dead", &["x", "x"]);
    assert_eq!(read(&mut client, "a", "COUNT 1 "), ["1-0"]);
    assert_eq!(client.call("XNACK s g FATAL IDS 1 1-0"), ":1");
    assert_eq!(read(&mut client, "a", "COUNT 1 "), ["2-0"]);
    assert_eq!(client.call("XREDRIVE dead"), "*1 :1");
    assert_eq!(read(&mut client, "b", ""), [] as [&str; 0]);
    pass(&mut client, 31_000);
    assert_eq!(read(&mut client, "b", ""), ["1-0", "2-0"]);
}

#[test]
fn an_order_that_is_switched_on_takes_nothing_away_and_holds_from_then_on() {
    let hold = || {
        let (server, mut client) = ordered("ACKWAIT 30000", &["x", "x", "x", "x", "y"]);
        for (consumer, id) in [("a", "1-0"), ("b", "2-0"), ("a", "3-0")] {
            assert_eq!(read(&mut client, consumer, "COUNT 1 "), [id]);
        }
        assert_eq!(client.call("XCFGSET s GROUP g ORDER k"), "+OK");
        assert_eq!(
            owners(&mut client),
            ["1-0 a 1", "2-0 b 1", "3-0 a 1"],
            "whoever holds one keeps it"
        );
        assert_eq!(read(&mut client, "c", ""), ["5-0"], "4-0 waits for them");
        assert_eq!(client.call("XACK s g 5-0"), ":1");
        (server, client)
    };
    // Settled in any order, they make way for the next when all of them are.
    let (_server, mut client) = hold();
    for id in ["2-0", "1-0"] {
        assert_eq!(client.call(&format!("XACK s g {id}")), ":1");
        assert_eq!(read(&mut client, "c", ""), [] as [&str; 0]);
    }
    assert_eq!(client.call("XACK s g 3-0"), ":1");
    assert_eq!(read(&mut client, "c", ""), ["4-0"]);
    // Who gives one back takes the later ones from whoever holds them.
    let (_server, mut client) = hold();
    assert_eq!(client.call("XNACK s g FAIL IDS 1 2-0"), ":1");
    assert_eq!(
        owners(&mut client),
        ["1-0 a 1", "2-0  1", "3-0  0", "4-0  0"]
    );
    assert_eq!(read(&mut client, "c", ""), [] as [&str; 0]);
    assert_eq!(client.call("XACK s g 1-0"), ":1");
    assert_eq!(read(&mut client, "c", ""), ["2-0", "3-0", "4-0"]);
    // So does who loses one because its lease runs out.
    let (_server, mut client) = hold();
    pass(&mut client, 20_000);
    assert_eq!(client.call("XTOUCH s g a IDS 1 3-0"), "*1 :1");
    pass(&mut client, 11_000);
    assert_eq!(read(&mut client, "c", ""), ["1-0", "2-0", "3-0", "4-0"]);
}

#[test]
fn a_whole_stream_in_order_has_one_active_consumer() {
    let (server, mut client) = queue("ACKWAIT 30000 ORDER *", 4);
    assert_eq!(read(&mut client, "a", "COUNT 2 "), ["1-0", "2-0"]);
    assert_eq!(read(&mut client, "b", ""), [] as [&str; 0]);
    assert_eq!(
        owners(&mut client),
        ["1-0 a 1", "2-0 a 1"],
        "nothing is taken on in vain"
    );
    let mut waiter = server.connect();
    waiter.send("XREADGROUP GROUP g b BLOCK 0 STREAMS s >");
    server.await_blocked(1);
    client.call("XACK s g 1-0");
    client.call("XACK s g 2-0");
    assert_eq!(ids(&waiter.reply()), ["3-0", "4-0"]);
}

#[test]
fn nothing_becomes_due_in_a_pause() {
    let server = Server::start(&["--threads", "1"]);
    let mut client = server.connect();
    client.call("XADD old * f v");
    assert_eq!(client.call("XCFGSET old MAXAGE 100"), "+OK");
    client.call("XADD soon +100 f v");
    assert_eq!(client.call("CLIENT PAUSE 60000 WRITE"), "+OK");
    let logged = client.info("aof_current_size");
    std::thread::sleep(Duration::from_millis(250));
    assert_eq!(client.call("XLEN old"), ":1");
    assert_eq!(client.call("XRANGE soon - +"), "*0");
    assert_eq!(client.info("aof_current_size"), logged);
    assert_eq!(client.call("CLIENT UNPAUSE"), "+OK");
    await_reply(&mut client, "XLEN soon", ":1");
    await_reply(&mut client, "XLEN old", ":0");
}

#[test]
fn a_full_group_reads_nothing_new() {
    let (server, mut client) = queue("ACKWAIT 30000 MAXPENDING 3", 5);
    assert_eq!(read(&mut client, "a", ""), ["1-0", "2-0", "3-0"]);
    assert_eq!(read(&mut client, "b", ""), [] as [&str; 0]);
    let mut waiter = server.connect();
    waiter.send("XREADGROUP GROUP g b BLOCK 0 STREAMS s >");
    server.await_blocked(1);
    assert_eq!(client.call("XACK s g 2-0"), ":1");
    assert_eq!(ids(&waiter.reply()), ["4-0"]);
    pass(&mut client, 30_001);
    assert_eq!(
        read(&mut client, "c", ""),
        ["1-0", "3-0", "4-0"],
        "what is due flows"
    );
}

#[test]
fn what_is_parked_takes_room_until_somebody_sees_to_it() {
    let (_server, mut client) = queue("ACKWAIT 30000 MAXDELIVER 1 MAXPENDING 2", 3);
    assert_eq!(read(&mut client, "a", ""), ["1-0", "2-0"]);
    assert_eq!(client.call("XNACK s g FAIL IDS 2 1-0 2-0"), ":2");
    assert_eq!(figure(&mut client, "parked"), 2);
    assert_eq!(read(&mut client, "b", ""), [] as [&str; 0]);
    assert_eq!(client.call("XACK s g 1-0"), ":1");
    assert_eq!(read(&mut client, "b", ""), ["3-0"]);
}

#[test]
fn what_is_parked_and_deleted_stays_parked_over_every_reload() {
    let (mut server, mut client) = queue("ACKWAIT 30000 MAXDELIVER 1", 2);
    read(&mut client, "a", "");
    assert_eq!(client.call("XNACK s g FAIL IDS 2 1-0 2-0"), ":2");
    assert_eq!(client.call("XDEL s 1-0"), ":1");
    let parked = ["1-0  1", "2-0  1"];
    assert_eq!(owners(&mut client), parked);
    assert_eq!(client.call("DEBUG RELOAD"), "+OK");
    assert_eq!(owners(&mut client), parked);
    assert_eq!(figure(&mut client, "parked"), 2);
    server.kill();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(owners(&mut client), parked);
    // What was tried for the last time when its entry had gone leaves nothing.
    assert_eq!(client.call("XACK s g 1-0 2-0"), ":2");
    client.call("XADD s 3-0 k v");
    read(&mut client, "a", "");
    client.call("XDEL s 3-0");
    pass(&mut client, 31_000);
    await_reply(&mut client, "XPENDING s g", "*4 :0 $-1 $-1 *-1");
}

#[test]
fn a_step_of_the_wall_clock_ends_no_lease_and_prolongs_none() {
    for step_ms in [3_600_000, -3_600_000] {
        let (mut server, mut client) = queue("ACKWAIT 30000", 2);
        assert_eq!(read(&mut client, "a", "COUNT 1 "), ["1-0"]);
        client.call(&format!("DEBUG CLOCK STEP {step_ms}"));
        assert_eq!(read(&mut client, "b", ""), ["2-0"], "and not the other");
        let before = ids(&client.call("XADD s * k v")).remove(0);
        client.call(&format!("DEBUG CLOCK STEP {}", -2 * step_ms));
        let after = ids(&client.call("XADD s * k v")).remove(0);
        let number = |id: &str| id.replace('-', "").parse::<u128>().expect("an id");
        assert!(number(&after) > number(&before), "{after} after {before}");
        assert_eq!(read(&mut client, "b", "").len(), 2);
        pass(&mut client, 30_000);
        assert_eq!(read(&mut client, "c", "COUNT 2 "), ["1-0", "2-0"]);
        // A lease that seems to begin in the future begins with the restart.
        server.kill();
        server.start_again(&[]);
        let mut client = server.connect();
        await_reply(&mut client, "PING", "+PONG");
        pass(&mut client, 30_100);
        assert_eq!(read(&mut client, "d", "").len(), 4);
    }
}

#[test]
fn all_that_a_queue_knows_survives() {
    let (mut server, mut client) = queue(
        "ACKWAIT 60000 BACKOFF 30000 90000 MAXDELIVER 3 DEADLETTER dead ORDER k",
        0,
    );
    server.must_survive = true;
    for (at, value) in ["x", "y", "x", "z", "y", "w", "v"].iter().enumerate() {
        client.call(&format!("XADD s {}-0 k {value}", at + 1));
    }
    client.call("XCFGSET s MAXLEN 100 MAXAGE 90000000000000 ONACK DELETE DELREF");
    client.call("XADD s +60000 k later");
    client.call("XADD s @4102444800000 k much-later");
    read(&mut client, "a", "COUNT 1 ");
    read(&mut client, "b", "COUNT 3 ");
    assert_eq!(client.call("XNACK s g FAIL IDS 1 2-0"), ":1");
    assert_eq!(client.call("XNACK s g SILENT IDS 1 4-0 DELAY 40000"), ":1");
    read(&mut client, "c", "");
    assert_eq!(client.call("XNACK s g FATAL IDS 1 7-0"), ":1");
    client.call("XGROUP CREATE s parked 0");
    client.call("XCFGSET s GROUP parked MAXDELIVER 1");
    client.call("XREADGROUP GROUP parked p COUNT 2 STREAMS s >");
    assert_eq!(client.call("XNACK s parked FAIL IDS 1 1-0"), ":1");
    client.call("XGROUP CREATE s plain 0");
    client.call("XREADGROUP GROUP plain p STREAMS s >");
    assert_eq!(client.call("XNACK s plain FAIL IDS 2 1-0 3-0"), ":2");
    assert_eq!(client.call("XACK s g 6-0"), ":1");
    let digest = client.call("DEBUG DIGEST");
    for command in ["DEBUG RELOAD", "DEBUG LOADAOF"] {
        assert_eq!(client.call(command), "+OK");
        assert_eq!(client.call("DEBUG DIGEST"), digest, "after {command}");
    }
    server.kill();
    server.start_again(&[]);
    let mut client = server.connect();
    assert_eq!(client.call("DEBUG DIGEST"), digest);
    assert_eq!(figure(&mut client, "delayed"), 2);
    let parked = client.call("XINFO QUEUE s parked");
    assert!(parked.contains("$6 parked :1"), "{parked}");
}

#[test]
fn a_group_without_a_policy_leaves_its_core_asleep() {
    let (_server, mut client) = queue("", 1);
    read(&mut client, "a", "");
    client.call("XGROUP DELCONSUMER s g a");
    client.call("XCLAIM s g b 0 1-0 FORCE JUSTID");
    let before = client.info("eventloop_cycles");
    std::thread::sleep(Duration::from_millis(500));
    let turns = client.info("eventloop_cycles") - before;
    assert!(turns < 100, "{turns} turns of the cores in half a second");
}

/// A server, and a reader that waits for `more` in a group whose only room a pending entry takes.
fn waiting_for_room(more: &str) -> (Server, Client, Client) {
    let (server, mut client) = queue("MAXPENDING 1", 3);
    assert_eq!(read(&mut client, "a", "COUNT 1 "), ["1-0"]);
    let mut waiting = server.connect();
    waiting.send(&format!("XREADGROUP GROUP g b BLOCK 0 {more}STREAMS s >"));
    server.await_blocked(1);
    (server, client, waiting)
}

#[test]
fn a_trim_that_settles_what_was_pending_makes_room() {
    for trim in [
        "XTRIM s MAXLEN 2 DELREF",
        "XADD s MAXLEN 2 DELREF +600000 k v",
    ] {
        let (_server, mut client, mut waiting) = waiting_for_room("COUNT 1 ");
        client.call(trim);
        let reply = waiting.reply_within(LATE).expect("there is room");
        assert_eq!(ids(&reply), ["2-0"], "{trim}");
    }
}

#[test]
fn who_claims_what_cannot_be_claimed_leaves_the_core_asleep() {
    let (server, mut client) = queue("", 1);
    assert_eq!(read(&mut client, "a", ""), ["1-0"]);
    client.call("XDEL s 1-0");
    let mut waiting = server.connect();
    waiting.send("XREADGROUP GROUP g b CLAIM 10 BLOCK 0 STREAMS s >");
    server.await_blocked(1);
    std::thread::sleep(Duration::from_millis(100));
    let turns = client.info("eventloop_cycles");
    std::thread::sleep(Duration::from_millis(500));
    let turns = client.info("eventloop_cycles") - turns;
    assert!(turns < 100, "{turns} turns in half a second");
}

#[test]
fn who_claims_is_woken_for_a_lease_that_began_while_it_waited() {
    let read = "XREADGROUP GROUP g a STREAMS s >";
    let claim = "XCLAIM s g a 0 1-0 FORCE";
    for begin in [&["MULTI", "XADD s 1-0 k v", read, "EXEC"][..], &[claim]] {
        let (server, mut client) = queue("", 0);
        if begin == [claim] {
            client.call("XADD s 1-0 k v");
            client.call("XGROUP SETID s g $");
        }
        let mut waiting = server.connect();
        waiting.send("XREADGROUP GROUP g b CLAIM 300 BLOCK 0 STREAMS s >");
        server.await_blocked(1);
        for command in begin {
            client.call(command);
        }
        let reply = waiting.reply_within(Duration::from_millis(300) + LATE);
        assert_eq!(ids(&reply.expect("it is idle for so long")), ["1-0"]);
    }
}

#[test]
fn a_step_of_the_wall_clock_leaves_who_claims_waiting_for_the_same_time() {
    let (server, mut client) = queue("", 1);
    assert_eq!(read(&mut client, "a", ""), ["1-0"]);
    let mut waiting = server.connect();
    waiting.send("XREADGROUP GROUP g b CLAIM 500 BLOCK 0 STREAMS s >");
    server.await_blocked(1);
    client.call("DEBUG CLOCK STEP 60000");
    let reply = waiting.reply_within(Duration::from_millis(500) + LATE);
    assert_eq!(ids(&reply.expect("it is idle for so long")), ["1-0"]);
}

#[test]
fn what_was_given_back_before_its_turn_comes_once() {
    for policy in ["ACKWAIT 60000", "ACKWAIT 60000 ORDER other"] {
        let (_server, mut client) = queue(policy, 2);
        assert_eq!(client.call("XNACK s g FAIL IDS 1 2-0 FORCE"), ":1");
        assert_eq!(read(&mut client, "a", ""), ["2-0", "1-0"], "{policy}");
        assert_eq!(read(&mut client, "a", ""), [""; 0], "{policy}");
    }
}

#[test]
fn the_latest_moment_at_which_an_entry_may_be_due_survives() {
    let (_server, mut client) = queue("", 1);
    read(&mut client, "a", "");
    client.call(&format!("XNACK s g FAIL IDS 1 1-0 DELAY {}", i64::MAX));
    let before = pending(&mut client)[0].2;
    assert_eq!(client.call("DEBUG RELOAD"), "+OK");
    let after = pending(&mut client)[0].2;
    assert!(
        before < -1 && (after - before).abs() < 60_000,
        "{before}, {after}"
    );
}
