//! What the commands about expiring fields have in common: the fields that they name, and times.

use crate::base::num::parse_i64;
use crate::command::error::{
    EXPIRE_NEGATIVE, FIELD_COUNT_MISMATCH, FIELDS_MISSING, NOT_AN_INTEGER, invalid_expire,
};
use crate::command::{Args, Ctx, Error};
use crate::data::hash::LAST_EXPIRY_MS;

/// Takes `FIELDS numfields`, behind which that many fields stand and nothing else; says `otherwise` of a number that is none.
pub(super) fn announced(args: &mut Args<'_>, otherwise: Error) -> Result<(), Error> {
    if !args.keyword("FIELDS") {
        return Err(FIELDS_MISSING);
    }
    let count = args.bytes().ok().and_then(parse_i64);
    let count = count.filter(|count| *count > 0).ok_or(otherwise)?;
    match usize::try_from(count) == Ok(args.len()) {
        true => Ok(()),
        false => Err(FIELD_COUNT_MISMATCH),
    }
}

/// How a time is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub ms: i64,
    pub from_now: bool,
}

impl Unit {
    /// Seconds from now.
    pub const EX: Self = Unit {
        ms: 1000,
        from_now: true,
    };
    /// Milliseconds from now.
    pub const PX: Self = Unit {
        ms: 1,
        from_now: true,
    };
    /// Unix seconds.
    pub const EXAT: Self = Unit {
        ms: 1000,
        from_now: false,
    };
    /// Unix milliseconds.
    pub const PXAT: Self = Unit {
        ms: 1,
        from_now: false,
    };

    /// Takes the word for a unit, if it is next.
    pub fn parse(args: &mut Args<'_>) -> Option<Self> {
        let units = [
            ("EX", Self::EX),
            ("PX", Self::PX),
            ("EXAT", Self::EXAT),
            ("PXAT", Self::PXAT),
        ];
        let unit = units.into_iter().find(|(word, _)| args.keyword(word));
        unit.map(|(_, unit)| unit)
    }

    /// The moment that `text` names, Unix milliseconds.
    pub fn moment_ms(self, ctx: &Ctx<'_, '_>, text: &[u8]) -> Result<i64, Error> {
        let number = parse_i64(text).ok_or(NOT_AN_INTEGER)?;
        if number < 0 {
            return Err(EXPIRE_NEGATIVE);
        }
        let from_ms = if self.from_now { ctx.now.unix_ms } else { 0 };
        let moment_ms = number.checked_mul(self.ms);
        moment_ms
            .and_then(|ms| ms.checked_add(from_ms))
            .filter(|ms| *ms <= LAST_EXPIRY_MS)
            .ok_or_else(|| invalid_expire(&ctx.command.full_name))
    }
}
