//! Any bytes are requests or an error, and the same ones whether they come at once or in two pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millstream::resp::{Limits, Parsed, Parser, ProtocolError};

const LIMITS: Limits = Limits {
    bulk_bytes: 512 * 1024 * 1024,
    authenticated: true,
};

type Outcome = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

/// Bytes up to which a line without an end is no error, however it is split.
const MAX_INPUT_BYTES: usize = 60_000;

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let bytes = &bytes[..bytes.len().min(MAX_INPUT_BYTES)];
    let cut = usize::from(cut).min(bytes.len());
    assert_eq!(receive(&[bytes]), receive(&[&bytes[..cut], &bytes[cut..]]));
});

/// What comes of bytes that arrive in pieces, as a connection feeds them.
fn receive(pieces: &[&[u8]]) -> Outcome {
    let (mut parser, mut kept, mut requests) = (Parser::default(), Vec::new(), Vec::new());
    for mut rest in pieces.iter().copied() {
        while !rest.is_empty() {
            let taken = match parser.filling() {
                Some(argument) => {
                    let taken = (argument.capacity() - argument.len()).min(rest.len());
                    argument.extend_from_slice(&rest[..taken]);
                    taken
                }
                None => {
                    kept.extend_from_slice(rest);
                    rest.len()
                }
            };
            assert!(taken > 0, "a full argument is handed over at once");
            rest = &rest[taken..];
            if let Err(error) = take_requests(&mut parser, &mut kept, &mut requests) {
                return (requests, Some(error));
            }
        }
    }
    (requests, None)
}

fn take_requests(
    parser: &mut Parser,
    kept: &mut Vec<u8>,
    requests: &mut Vec<Vec<Vec<u8>>>,
) -> Result<(), ProtocolError> {
    while !kept.is_empty() || parser.filling().is_some() {
        match parser.parse(kept, LIMITS)? {
            Parsed::Request { consumed } => {
                assert!(consumed > 0, "a request takes bytes");
                let request = parser.request(kept);
                requests.push(request.iter().map(<[u8]>::to_vec).collect());
                parser.reset();
                kept.drain(..consumed);
            }
            Parsed::Incomplete { keep } => {
                kept.truncate(keep);
                break;
            }
        }
    }
    Ok(())
}
