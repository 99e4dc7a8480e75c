//! Bitmaps: strings seen as bits.
//!
//! | file | commands |
//! |---|---|
//! | `bit` | SETBIT GETBIT |
//! | `scan` | BITCOUNT BITPOS |
//! | `op` | BITOP |
//! | `field` | BITFIELD BITFIELD_RO |

pub mod bit;
pub mod field;
pub mod op;
pub mod scan;

use super::error::{BIT_OFFSET_OUT_OF_RANGE, Error};
use super::string::max_len;
use super::{Args, Ctx, Keys};
use crate::base::Blob;
use crate::base::num::parse_i64;
use crate::data::StrValue;
use crate::data::bits::BYTE_BITS;

/// The next argument as the offset of a bit; `#` before it, where there is a `field_bits`, counts fields of so many bits.
fn offset(ctx: &Ctx<'_, '_>, args: &mut Args<'_>, field_bits: Option<u64>) -> Result<u64, Error> {
    let text = args.bytes()?;
    let counted = field_bits.and_then(|bits| Some((text.strip_prefix(b"#")?, bits as i64)));
    let (text, unit) = counted.unwrap_or((text, 1));
    // Redis lets the product wrap, and judges what came of it.
    let offset = parse_i64(text).map(|number| number.wrapping_mul(unit));
    let offset = offset.and_then(|offset| u64::try_from(offset).ok());
    let fits = |offset: &u64| *offset / BYTE_BITS < max_len(ctx);
    offset.filter(fits).ok_or(BIT_OFFSET_OUT_OF_RANGE)
}

/// Lets `change` write into the string at `key`, which is made to reach bit `last` first; says also whether it had to grow.
fn change<R>(
    keys: &mut Keys<'_, '_>,
    key: &[u8],
    last: u64,
    change: impl FnOnce(&mut [u8]) -> R,
) -> Result<(R, bool), Error> {
    let bytes = (last / BYTE_BITS) as usize + 1;
    let mut result = None;
    let run = |text: &mut [u8]| result = Some(change(text));
    let grew = match keys.find_as::<StrValue>(key)? {
        Some(value) => {
            let len = value.len();
            value.edit(len.max(bytes), run);
            len < bytes
        }
        None => {
            let mut value = StrValue::text(Blob::Slice(b""));
            value.edit(bytes, run);
            keys.insert_new(key, value.into());
            true
        }
    };
    Ok((result.expect("it was run"), grew))
}
