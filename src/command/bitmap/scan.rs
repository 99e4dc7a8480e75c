//! BITCOUNT, BITPOS: how many bits are set, and where the first one is.

use crate::command::error::{BITPOS_BIT, SYNTAX};
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::StrValue;
use crate::data::bits::{self, BYTE_BITS};
use std::ops::Range;

/// `BITCOUNT key [start end [BYTE | BIT]]`
pub fn bitcount(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let span = match args.len() {
        0 => Span::WHOLE,
        2 | 3 => Span {
            start: args.int()?,
            end: Some(args.int()?),
            unit_bits: unit_bits(args.peek())?,
        },
        _ => return Err(SYNTAX),
    };
    let count = match ctx.keys.read_as::<StrValue>(key)? {
        Some(value) if !span.is_backwards() => {
            let mut digits = itoa::Buffer::new();
            let text = value.as_bytes(&mut digits);
            bits::count(text, span.bits_of(text))
        }
        _ => 0,
    };
    ctx.reply.int(count as i64);
    DONE
}

/// `BITPOS key bit [start [end [BYTE | BIT]]]`
pub fn bitpos(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let on = match args.int()? {
        0 => false,
        1 => true,
        _ => return Err(BITPOS_BIT),
    };
    if args.len() > 3 {
        return Err(SYNTAX);
    }
    let mut span = Span::WHOLE;
    if !args.is_empty() {
        span.start = args.int()?;
        span.unit_bits = unit_bits(args.rest().nth(1))?;
    }
    if !args.is_empty() {
        span.end = Some(args.int()?);
    }
    let Some(value) = ctx.keys.read_as::<StrValue>(key)? else {
        ctx.reply.int(if on { -1 } else { 0 });
        return DONE;
    };
    let mut digits = itoa::Buffer::new();
    let text = value.as_bytes(&mut digits);
    let range = span.bits_of(text);
    let position = match bits::position(text, on, range.clone()) {
        // Behind a string without an end there are zeros.
        None if !on && span.end.is_none() && !range.is_empty() => Some(range.end),
        position => position,
    };
    ctx.reply
        .int(position.map_or(-1, |position| position as i64));
    DONE
}

/// The bits that a word stands for, or its absence.
fn unit_bits(word: Option<&[u8]>) -> Result<u64, Error> {
    match word {
        Some(word) if word.eq_ignore_ascii_case(b"BIT") => Ok(1),
        Some(word) if !word.eq_ignore_ascii_case(b"BYTE") => Err(SYNTAX),
        _ => Ok(BYTE_BITS),
    }
}

/// The part of a string that is looked at: two offsets, both included, that count from the back if negative.
struct Span {
    start: i64,
    end: Option<i64>,
    /// Bits that one step of an offset stands for.
    unit_bits: u64,
}

impl Span {
    const WHOLE: Span = Span {
        start: 0,
        end: None,
        unit_bits: BYTE_BITS,
    };

    /// True if it ends before it starts, whatever the string.
    fn is_backwards(&self) -> bool {
        let end = self.end.unwrap_or(-1);
        self.start < 0 && end < 0 && self.start > end
    }

    fn bits_of(&self, text: &[u8]) -> Range<u64> {
        let len = (bits::len(text) / self.unit_bits) as i64;
        let from_front = |offset: i64| match offset {
            ..0 => len.saturating_add(offset).max(0),
            _ => offset,
        };
        let start = from_front(self.start);
        let end = from_front(self.end.unwrap_or(-1)).min(len - 1);
        if start > end {
            return 0..0;
        }
        start as u64 * self.unit_bits..(end + 1) as u64 * self.unit_bits
    }
}
