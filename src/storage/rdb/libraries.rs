//! Libraries of functions as one payload: FUNCTION DUMP's.
//!
//! ```text
//! (opcode::LIBRARY source)* | version u16 | CRC-64 of all before
//! ```

use super::cursor::Cursor;
use super::dump::{Payload, with_footer};
use super::encode::Encoder;
use super::opcode;

/// Why a payload gives no libraries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoLibraries {
    /// Its footer is wrong.
    Footer,
    /// It holds something else.
    Content,
}

/// The payload of these sources.
pub fn dump_libraries<'s>(sources: impl Iterator<Item = &'s [u8]>) -> Vec<u8> {
    let mut encoder = Encoder::new(true);
    let mut out = Vec::new();
    for source in sources {
        out.push(opcode::LIBRARY);
        encoder
            .text(&mut out, source)
            .expect("a buffer in memory takes everything");
    }
    with_footer(out)
}

/// The sources in a payload.
pub fn load_libraries(payload: &[u8]) -> Result<Vec<Vec<u8>>, NoLibraries> {
    let body = Payload::of(payload).map_err(|_| NoLibraries::Footer)?;
    let mut cursor = Cursor::new(body.bytes());
    let mut sources = Vec::new();
    while !cursor.is_at_end() {
        sources.push(source(&mut cursor).ok_or(NoLibraries::Content)?);
    }
    Ok(sources)
}

fn source(cursor: &mut Cursor<'_>) -> Option<Vec<u8>> {
    let mut scratch = Vec::new();
    if cursor.byte().ok()? != opcode::LIBRARY {
        return None;
    }
    cursor.string(&mut scratch).ok().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_come_back_from_a_payload() {
        let sources = [&b"#!lua name=a\n"[..], &[b'x'; 300]];
        let payload = dump_libraries(sources.into_iter());
        assert_eq!(load_libraries(&payload).unwrap(), sources);
        assert_eq!(load_libraries(&payload[1..]), Err(NoLibraries::Footer));
        let value = super::super::dump(&crate::data::Value::Str(5.into()), true);
        assert_eq!(load_libraries(&value), Err(NoLibraries::Content));
    }
}
