//! Strings that are large: received once, kept, sent, and changed while others read them.

mod common;

use common::Server;

const LARGE_BYTES: usize = 3 << 20;

#[test]
fn large_values_survive_every_way_in_and_out() {
    for threads in ["1", "4"] {
        let server = Server::start(&["--threads", threads]);
        let mut client = server.connect();
        let value: Vec<u8> = (0..LARGE_BYTES)
            .map(|number| (number % 251) as u8)
            .collect();
        let framed = [format!("${LARGE_BYTES}\r\n").as_bytes(), &value, b"\r\n"].concat();

        assert_eq!(client.call_args(&[b"SET", b"k", &value]), "+OK");
        client.send("GET k");
        assert!(client.raw_reply() == framed);
        assert_eq!(client.call("STRLEN k"), format!(":{LARGE_BYTES}"));
        client.send_args(&[b"GETRANGE", b"k", b"1000000", b"2000000"]);
        assert!(
            client
                .raw_reply()
                .ends_with(&[&value[1_000_000..=2_000_000], b"\r\n"].concat())
        );

        assert_eq!(client.call_args(&[b"RPUSH", b"l", b"small", &value]), ":2");
        client.send("RPOPLPUSH l m");
        assert!(client.raw_reply() == framed);
        client.send("LPOP m");
        assert!(client.raw_reply() == framed);
    }
}

#[test]
fn a_value_being_sent_does_not_change_under_way() {
    let server = Server::start(&["--threads", "2"]);
    let (mut reader, mut writer) = (server.connect(), server.connect());
    let value = vec![b'a'; LARGE_BYTES];
    writer.call_args(&[b"SET", b"k", &value]);
    for _ in 0..20 {
        reader.send("GET k");
    }
    // The replies exceed what socket buffers hold, so most of them are still waiting here.
    for offset in 0..20 {
        writer.call(&format!("SETRANGE k {offset} b"));
        writer.call("APPEND k tail");
    }
    for _ in 0..20 {
        let reply = reader.raw_reply();
        let text = &reply[reply
            .iter()
            .position(|byte| *byte == b'\n')
            .expect("a head")
            + 1..reply.len() - 2];
        let changed = text.iter().take_while(|byte| **byte == b'b').count();
        let tails = (text.len() - LARGE_BYTES) / 4;
        assert!(
            changed == tails || changed == tails + 1,
            "{changed} changes and {tails} tails"
        );
        assert!(text[changed..LARGE_BYTES].iter().all(|byte| *byte == b'a'));
    }
}
