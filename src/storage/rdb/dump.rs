//! A single value as DUMP gives it and RESTORE takes it.
//!
//! ```text
//! type u8 | value | (opcode::AUX name value)* | version u16 | CRC-64 of all before, or 0 for none
//! ```
//! Versions and checksums are little endian. Redis reads no further than the value, so what this program keeps beside it
//! (`extra`) stands behind it.

use super::cursor::Cursor;
use super::decode::{self, Limits};
use super::encode::Encoder;
use super::error::{Error, Problem, Result};
use super::extra::{self, Extra};
use super::kind::{Dialect, Kind};
use super::skip::{self, Templates};
use super::split::{NEWEST_REDIS_VERSION, VALKEY_VERSIONS};
use super::{VERSION, opcode};
use crate::base::crc64;
use crate::data::Value;
use bytes::Bytes;

/// Bytes of the version and the checksum.
const FOOTER_BYTES: usize = 10;
/// Bytes of the checksum.
const CHECKSUM_BYTES: usize = 8;

/// Payloads of this version (Redis 8.2) and older ones have a checksum; newer ones may have 0 for none.
const LAST_ALWAYS_CHECKED_VERSION: u32 = 12;

/// A payload whose footer was found right.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    bytes: &'a [u8],
    version: u32,
    dialect: Dialect,
}

/// Why a payload was not looked into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadFooter;

/// `value` as DUMP gives it.
pub fn dump(value: &Value, compress: bool) -> Vec<u8> {
    let mut encoder = Encoder::new(compress);
    let mut out = vec![Kind::written(value)];
    let never = "a buffer in memory takes everything";
    encoder.value(&mut out, value).expect(never);
    if let Value::Stream(stream) = value {
        extra::write(&mut encoder, &mut out, stream).expect(never);
    }
    with_footer(out)
}

/// Adds the version and the checksum.
pub(super) fn with_footer(mut out: Vec<u8>) -> Vec<u8> {
    out.extend_from_slice(&(VERSION as u16).to_le_bytes());
    let crc = crc64::update(0, &out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

impl<'a> Payload<'a> {
    /// What stands before the footer.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// `bytes` without their footer, if that is right.
    pub fn of(bytes: &'a [u8]) -> std::result::Result<Self, BadFooter> {
        let (summed, checksum) = bytes
            .split_last_chunk::<CHECKSUM_BYTES>()
            .ok_or(BadFooter)?;
        let (body, version) = summed.split_last_chunk::<2>().ok_or(BadFooter)?;
        debug_assert_eq!(body.len() + FOOTER_BYTES, bytes.len());
        let version = u32::from(u16::from_le_bytes(*version));
        let dialect = match version {
            _ if VALKEY_VERSIONS.contains(&version) => Dialect::Valkey,
            0..=NEWEST_REDIS_VERSION => Dialect::Redis,
            _ => return Err(BadFooter),
        };
        let checksum = u64::from_le_bytes(*checksum);
        let unchecked = checksum == 0 && version > LAST_ALWAYS_CHECKED_VERSION;
        if !unchecked && checksum != crc64::update(0, summed) {
            return Err(BadFooter);
        }
        Ok(Self {
            bytes: body,
            version,
            dialect,
        })
    }

    /// True if servers that read what `dump` writes may not read it.
    pub fn is_newer(&self) -> bool {
        self.version > VERSION
    }

    /// The value; `None` for an empty one.
    pub fn value(&self, limits: &Limits) -> Result<Option<Value>> {
        let mut cursor = Cursor::new(self.bytes);
        let mut byte = cursor.byte()?;
        if byte == opcode::KEY_METADATA && self.dialect == Dialect::Redis {
            for _ in 0..cursor.count(1)? {
                cursor.take(size_of::<u32>())?;
                skip::module(&mut cursor)?;
            }
            byte = cursor.byte()?;
        }
        let kind = Kind::of(byte, self.dialect).ok_or(Error {
            offset: 0,
            problem: Problem::UnknownType(byte),
        })?;
        let mut after = cursor.clone();
        let templates = Templates::new();
        skip::value(&mut after, kind, &templates)?;
        decode::value(&mut cursor, kind, &extra_at(after)?, &templates, limits)
    }
}

/// What stands behind a value, as far as it is this program's.
fn extra_at(mut cursor: Cursor<'_>) -> Result<Extra> {
    let mut extra = Extra::default();
    let (mut name, mut value) = (Vec::new(), Vec::new());
    while !cursor.is_at_end() && cursor.byte()? == opcode::AUX {
        let name = cursor.string(&mut name)?;
        let value = cursor.string(&mut value)?;
        extra.take(name, Bytes::copy_from_slice(value));
    }
    Ok(extra)
}
