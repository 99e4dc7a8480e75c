//! Ids as arguments.

use crate::command::error::{self, Error};
use crate::data::stream::Id;

/// A plain id; a missing sequence number is `missing_seq`.
pub fn parse(text: &[u8], missing_seq: u64) -> Result<Id, Error> {
    Id::parse(text, missing_seq).ok_or(error::INVALID_STREAM_ID)
}

/// A plain id, or `-` and `+` for the least and the greatest there are.
pub fn parse_or_end(text: &[u8], missing_seq: u64) -> Result<Id, Error> {
    match text {
        b"-" => Ok(Id::MIN),
        b"+" => Ok(Id::MAX),
        _ => parse(text, missing_seq),
    }
}

/// Where a range starts; `(id` leaves the id itself out.
pub fn parse_start(text: &[u8]) -> Result<Id, Error> {
    match text {
        [b'(', id @ ..] if !id.is_empty() => parse(id, 0)?.next().ok_or(error::INVALID_RANGE_START),
        _ => parse_or_end(text, 0),
    }
}

/// Where a range ends; `(id` leaves the id itself out.
pub fn parse_end(text: &[u8]) -> Result<Id, Error> {
    match text {
        [b'(', id @ ..] if !id.is_empty() => {
            parse(id, u64::MAX)?.prev().ok_or(error::INVALID_RANGE_END)
        }
        _ => parse_or_end(text, u64::MAX),
    }
}

/// Ids to the end of the arguments.
pub fn parse_all<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Id>, Error> {
    texts.map(|text| parse(text, 0)).collect()
}
