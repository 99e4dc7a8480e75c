//! The request parser under arbitrary bytes in arbitrary pieces: what it understands does not depend on how the bytes arrive, nothing
//! makes it panic or spin, and it holds no more than it was given.

use millstream::resp::parse::LARGE_ARGUMENT_BYTES;
use millstream::resp::{Limits, Parsed, Parser, ProtocolError};
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    bulk_bytes: 512 * 1024 * 1024,
    authenticated: true,
};

type Arguments = Vec<Vec<u8>>;

/// A parser and the bytes it wants to see again, fed as a connection feeds it.
#[derive(Default)]
struct Receiver {
    parser: Parser,
    kept: Vec<u8>,
    requests: Vec<Arguments>,
}

impl Receiver {
    fn receive(&mut self, mut bytes: &[u8]) -> Result<(), ProtocolError> {
        while !bytes.is_empty() {
            let taken = match self.parser.filling() {
                Some(argument) => {
                    let room = argument.capacity() - argument.len();
                    assert!(room > 0, "a full argument is handed over at once");
                    let taken = room.min(bytes.len());
                    argument.extend_from_slice(&bytes[..taken]);
                    taken
                }
                None => {
                    self.kept.extend_from_slice(bytes);
                    bytes.len()
                }
            };
            bytes = &bytes[taken..];
            self.parse()?;
        }
        Ok(())
    }

    fn parse(&mut self) -> Result<(), ProtocolError> {
        let mut start = 0;
        while start < self.kept.len() || self.parser.filling().is_some() {
            match self.parser.parse(&self.kept[start..], LIMITS)? {
                Parsed::Request { consumed } => {
                    assert!(consumed > 0, "a request takes bytes, or parsing never ends");
                    let request = self.parser.request(&self.kept[start..]);
                    self.requests
                        .push(request.iter().map(<[u8]>::to_vec).collect());
                    self.parser.reset();
                    start += consumed;
                }
                Parsed::Incomplete { keep } => {
                    self.kept.truncate(start + keep);
                    break;
                }
            }
        }
        self.kept.drain(..start);
        Ok(())
    }
}

/// What comes of `bytes` that arrive in pieces that end at `cuts`: requests, and the error that ends them if one does.
fn receive_in_pieces(bytes: &[u8], cuts: &[usize]) -> (Vec<Arguments>, Option<ProtocolError>) {
    let mut receiver = Receiver::default();
    let mut start = 0;
    for &cut in cuts.iter().chain([&bytes.len()]) {
        if let Err(error) = receiver.receive(&bytes[start..cut]) {
            return (receiver.requests, Some(error));
        }
        start = cut;
        let held = receiver.kept.len() + receiver.parser.filled_bytes();
        assert!(held <= start, "{held} bytes held of {start}");
    }
    (receiver.requests, None)
}

fn cuts(bytes: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..=bytes, 0..12).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts
    })
}

fn in_pieces(
    bytes: impl Strategy<Value = Vec<u8>>,
) -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    bytes.prop_flat_map(|bytes| {
        let cuts = cuts(bytes.len());
        (Just(bytes), cuts)
    })
}

fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (LARGE_ARGUMENT_BYTES - 3..LARGE_ARGUMENT_BYTES * 2, any::<u8>())
            .prop_map(|(len, byte)| vec![byte; len]),
    ]
}

fn as_array(arguments: &Arguments) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn as_line(arguments: &Arguments) -> Vec<u8> {
    let mut bytes = Vec::new();
    for argument in arguments {
        bytes.extend_from_slice(b" \"");
        for byte in argument {
            bytes.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        }
        bytes.push(b'"');
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// Requests and the bytes of each, as an array or as a line.
fn requests() -> impl Strategy<Value = Vec<(Arguments, Vec<u8>)>> {
    let small = prop::collection::vec(any::<u8>(), 0..40);
    let line = prop::collection::vec(small, 0..6).prop_map(|arguments| {
        let bytes = as_line(&arguments);
        (arguments, bytes)
    });
    let array = prop::collection::vec(argument(), 0..6).prop_map(|arguments| {
        let bytes = as_array(&arguments);
        (arguments, bytes)
    });
    prop::collection::vec(prop_oneof![1 => line, 3 => array], 0..8)
}

/// Bytes of which many mean something to the parser.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"*2\r\n".to_vec()),
        Just(b"$3\r\nabc\r\n".to_vec()),
        Just(b"$40000\r\n".to_vec()),
        Just(b"*2147483647\r\n".to_vec()),
        Just(b"$536870912\r\n".to_vec()),
        prop::collection::vec(
            prop::sample::select(b"*$+-:0129\r\n\"'\\x \0a".to_vec()),
            1..6
        ),
        prop::collection::vec(any::<u8>(), 1..20),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_requests(
        (requests, cuts) in requests().prop_flat_map(|requests| {
            let bytes = requests.iter().map(|(_, bytes)| bytes.len()).sum();
            (Just(requests), cuts(bytes))
        })
    ) {
        let bytes: Vec<u8> = requests.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let expected: Vec<Arguments> =
            requests.into_iter().map(|(arguments, _)| arguments).collect();
        prop_assert_eq!(receive_in_pieces(&bytes, &cuts), (expected, None));
    }

    #[test]
    fn a_byte_at_a_time_gives_the_same_requests(requests in requests()) {
        let bytes: Vec<u8> = requests.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let every: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(receive_in_pieces(&bytes, &every), receive_in_pieces(&bytes, &[]));
    }

    #[test]
    fn any_bytes_are_requests_or_an_error_however_they_are_split(
        (bytes, cuts) in in_pieces(garbage())
    ) {
        prop_assert_eq!(receive_in_pieces(&bytes, &cuts), receive_in_pieces(&bytes, &[]));
    }
}

#[test]
fn a_claim_takes_no_memory_until_bytes_arrive() {
    let mut receivers: Vec<Receiver> = (0..2000).map(|_| Receiver::default()).collect();
    for receiver in &mut receivers {
        receiver
            .receive(b"*2147483647\r\n$3\r\nSET\r\n$536870912\r\nabc")
            .expect("a large claim is no error");
        assert_eq!(receiver.parser.filled_bytes(), 3);
        assert!(receiver.kept.len() < 64);
    }
}

#[test]
fn a_line_without_end_is_refused_at_its_bound() {
    for (start, error) in [
        (&b"*"[..], ProtocolError::CountLineTooLong),
        (b"*1\r\n$", ProtocolError::BulkLineTooLong),
        (b"", ProtocolError::InlineTooLong),
        (b"\0", ProtocolError::InlineTooLong),
    ] {
        let mut receiver = Receiver::default();
        receiver.receive(start).expect("it may still end");
        let refusal = (0..70).find_map(|_| receiver.receive(&[b'1'; 1024]).err());
        assert_eq!(refusal, Some(error), "after {start:?}");
    }
}
