//! What the server tells of itself.

mod common;

use common::{Client, Server};
use std::time::Duration;

fn info(client: &mut Client, section: &str, name: &str) -> Option<String> {
    let raw = client.raw_reply_of(&format!("INFO {section}"));
    let mut lines = raw.split("\r\n");
    lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.to_string()))
}

fn number(client: &mut Client, section: &str, name: &str) -> u64 {
    let value = info(client, section, name);
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {section}"))
}

#[test]
fn no_modules_are_loaded_and_none_can_be() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    assert_eq!(client.call("MODULE LIST"), "*0");
    let refused = "-ERR unknown subcommand 'LOAD'. Try MODULE HELP.";
    assert_eq!(client.call("MODULE LOAD /x.so"), refused);
}

#[test]
fn figures_are_summed_over_cores() {
    let server = Server::start(&["--threads", "4"]);
    let mut clients: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for (i, client) in clients.iter_mut().enumerate() {
        client.call(&format!("SET key:{i} v"));
        client.call(&format!("GET key:{i}"));
        client.call("GET missing");
        client.call("FOO");
    }
    let observer = &mut clients[0];
    assert_eq!(number(observer, "clients", "connected_clients"), 8);
    assert_eq!(number(observer, "stats", "keyspace_hits"), 8);
    assert_eq!(number(observer, "stats", "keyspace_misses"), 8);
    assert_eq!(number(observer, "stats", "total_error_replies"), 8);
    assert_eq!(
        info(observer, "errorstats", "errorstat_ERR").as_deref(),
        Some("count=8")
    );
    let calls = info(observer, "commandstats", "cmdstat_get").unwrap_or_default();
    assert!(calls.starts_with("calls=16,usec="), "{calls}");
    assert!(
        calls.ends_with("rejected_calls=0,failed_calls=0"),
        "{calls}"
    );
    assert_eq!(
        info(observer, "keyspace", "db0").as_deref(),
        Some("keys=8,expires=0,avg_ttl=0,subexpiry=0")
    );
    assert_eq!(
        info(observer, "server", "redis_version").as_deref(),
        Some("8.2.3")
    );
    assert_eq!(
        info(observer, "server", "millstream_version").as_deref(),
        Some(env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(
        info(observer, "server", "redis_mode").as_deref(),
        Some("standalone")
    );
    assert!(number(observer, "memory", "used_memory") > 0);

    assert_eq!(observer.call("CONFIG RESETSTAT"), "+OK");
    assert_eq!(number(observer, "stats", "keyspace_hits"), 0);
    assert_eq!(info(observer, "commandstats", "cmdstat_get"), None);
    assert_eq!(info(observer, "errorstats", "errorstat_ERR"), None);
}

#[test]
fn latencies_are_counted_by_command() {
    let server = Server::start(&["--threads", "2", "--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.call("DEBUG SLEEP 0.02");
    let histogram = client.call("LATENCY HISTOGRAM debug");
    assert_eq!(
        histogram,
        "*2 $5 debug *4 $5 calls :1 $14 histogram_usec *2 :33816 :1"
    );
    let percentiles = info(
        &mut client,
        "latencystats",
        "latency_percentiles_usec_debug",
    );
    let percentiles = percentiles.expect("DEBUG was called");
    assert!(
        percentiles.starts_with("p50=2") && percentiles.contains(",p99=2"),
        "{percentiles}"
    );

    client.call("CONFIG SET latency-tracking no");
    client.call("ECHO x");
    assert_eq!(client.call("LATENCY HISTOGRAM echo"), "*0");
}

#[test]
fn spikes_are_remembered_when_watched() {
    let server = Server::start(&["--threads", "1", "--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.call("DEBUG SLEEP 0.02");
    assert_eq!(client.call("LATENCY LATEST"), "*0");
    client.call("CONFIG SET latency-monitor-threshold 10");
    client.call("DEBUG SLEEP 0.02");
    let latest = client.call("LATENCY LATEST");
    assert!(latest.starts_with("*1 *4 $7 command :1"), "{latest}");
    assert!(
        client
            .call("LATENCY HISTORY command")
            .starts_with("*1 *2 :1")
    );
    assert!(
        client
            .call("LATENCY GRAPH command")
            .contains("command - high ")
    );
    assert_eq!(
        client.call("LATENCY GRAPH other"),
        "-ERR No samples available for event 'other'"
    );
    assert_eq!(client.call("LATENCY RESET command other"), ":1");
    assert_eq!(client.call("LATENCY LATEST"), "*0");
}

#[test]
fn slow_commands_are_logged_shortened() {
    let server = Server::start(&["--threads", "1", "--slowlog-log-slower-than", "0"]);
    let mut client = server.connect();
    client.call("CLIENT SETNAME me");
    client.call("SLOWLOG RESET");
    let many: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    client.call(&format!("RPUSH l {}", many.join(" ")));
    client.call(&format!("ECHO {}", "x".repeat(200)));
    let log = client.call("SLOWLOG GET 2");
    let long = format!("$147 {}... (72 more bytes)", "x".repeat(128));
    assert!(log.contains(&long), "{log}");
    assert!(log.contains("$2 28 $23 ... (11 more arguments)"), "{log}");
    assert!(log.ends_with("$2 me"), "{log}");
    assert_eq!(client.call("SLOWLOG LEN"), ":4");
    client.call("CONFIG SET slowlog-max-len 1");
    client.call("PING");
    assert_eq!(client.call("SLOWLOG LEN"), ":1");
}

#[test]
fn waiting_for_replicas_that_are_not_there() {
    let server = Server::start(&["--threads", "1", "--appendonly", "no"]);
    let mut client = server.connect();
    assert_eq!(client.call("WAIT 0 0"), ":0");
    let start = std::time::Instant::now();
    assert_eq!(client.call("WAIT 1 80"), ":0");
    assert_eq!(client.call("WAITAOF 0 1 80"), "*2 :0 :0");
    assert!(start.elapsed() >= Duration::from_millis(160));
    client.call("MULTI");
    client.call("WAIT 1 0");
    client.call("WAITAOF 0 1 0");
    assert_eq!(client.call("EXEC"), "*2 :0 *2 :0 :0");
    client.send("WAIT 1 0");
    assert!(client.is_silent_for(Duration::from_millis(150)));
}

#[test]
fn debug_is_for_those_who_may() {
    let closed = Server::start_exactly(&["--threads", "1"]);
    assert!(
        closed
            .connect()
            .call("DEBUG JMAP")
            .starts_with("-ERR DEBUG command not allowed.")
    );
    let open = Server::start(&["--threads", "1", "--enable-debug-command", "local"]);
    let mut client = open.connect();
    assert!(
        client
            .call("DEBUG JMAP")
            .starts_with("-ERR unknown subcommand or wrong number of arguments for 'JMAP'")
    );
    client.call("SET k v");
    assert!(client.call("DEBUG OBJECT k").contains(" encoding:embstr "));
    assert_eq!(client.call("DEBUG POPULATE 100 p 32"), "+OK");
    assert_eq!(client.call("STRLEN p:99"), ":32");
    assert_eq!(client.call("DBSIZE"), ":101");
}
