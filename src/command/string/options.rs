//! The options of SET, MSETEX and GETEX: under which condition, until when, and whether the old value is wanted.
//!
//! First the words are checked against each other, then, at a moment that differs between the two commands, the
//! number that comes with an expiry; errors come in that order.

use super::compare::Comparison;
use super::set::Lifetime;
use crate::base::num::parse_i64;
use crate::command::error::{NOT_AN_INTEGER, SYNTAX, invalid_expire};
use crate::command::{Args, Ctx, Error};
use crate::keyspace::LAST_DEADLINE_MS;

/// See the file's head.
pub(super) struct Options<'a> {
    pub(super) condition: Condition<'a>,
    pub(super) wants_old: bool,
    pub(super) expiry: Expiry<'a>,
}

/// Whether the key has to be there, or what has to be true of its string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    None,
    /// NX
    Missing,
    /// XX
    Present,
    /// IFEQ, IFNE, IFDEQ, IFDNE
    Of(Comparison<'a>),
}

/// What becomes of the key's expiry.
#[derive(Clone, Copy)]
pub(super) enum Expiry<'a> {
    /// Nothing was said.
    None,
    /// KEEPTTL
    Keep,
    /// PERSIST
    Persist,
    /// EX, PX, EXAT, PXAT
    Given { unit: Unit, value: &'a [u8] },
}

/// How the number of an expiry is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Seconds from now.
    Ex,
    /// Milliseconds from now.
    Px,
    /// Unix seconds.
    ExAt,
    /// Unix milliseconds.
    PxAt,
}

impl<'a> Options<'a> {
    const NONE: Self = Options {
        condition: Condition::None,
        wants_old: false,
        expiry: Expiry::None,
    };

    pub(super) fn parse_set(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut options = Self::NONE;
        while !args.is_empty() {
            if args.keyword("GET") {
                options.wants_old = true;
            } else if let Some(comparison) = Comparison::parse(args)? {
                options.compare(comparison)?;
            } else {
                options.parse_common(args)?;
            }
        }
        Ok(options)
    }

    pub(super) fn parse_msetex(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut options = Self::NONE;
        while !args.is_empty() {
            options.parse_common(args)?;
        }
        Ok(options)
    }

    /// What SET and MSETEX share.
    fn parse_common(&mut self, args: &mut Args<'a>) -> Result<(), Error> {
        use Condition::{Missing, None, Present};
        if matches!(self.condition, None | Missing) && args.keyword("NX") {
            self.condition = Missing;
        } else if matches!(self.condition, None | Present) && args.keyword("XX") {
            self.condition = Present;
        } else if matches!(self.expiry, Expiry::None | Expiry::Keep) && args.keyword("KEEPTTL") {
            self.expiry = Expiry::Keep;
        } else {
            self.parse_expiry(args)?;
        }
        Ok(())
    }

    /// The same comparison may be given again: the last one counts.
    fn compare(&mut self, comparison: Comparison<'a>) -> Result<(), Error> {
        match self.condition {
            Condition::None => {}
            Condition::Of(earlier) if earlier.is_like(comparison) => {}
            _ => return Err(SYNTAX),
        }
        self.condition = Condition::Of(comparison);
        Ok(())
    }

    pub(super) fn parse_getex(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut options = Self::NONE;
        while !args.is_empty() {
            if matches!(options.expiry, Expiry::None | Expiry::Persist) && args.keyword("PERSIST") {
                options.expiry = Expiry::Persist;
            } else {
                options.parse_expiry(args)?;
            }
        }
        Ok(options)
    }

    /// The same unit may be given again: the last one counts.
    fn parse_expiry(&mut self, args: &mut Args<'a>) -> Result<(), Error> {
        let unit = if args.keyword("EX") {
            Unit::Ex
        } else if args.keyword("PX") {
            Unit::Px
        } else if args.keyword("EXAT") {
            Unit::ExAt
        } else if args.keyword("PXAT") {
            Unit::PxAt
        } else {
            return Err(SYNTAX);
        };
        match self.expiry {
            Expiry::None => {}
            Expiry::Given { unit: earlier, .. } if earlier == unit => {}
            _ => return Err(SYNTAX),
        }
        self.expiry = Expiry::Given {
            unit,
            value: args.bytes()?,
        };
        Ok(())
    }
}

impl Expiry<'_> {
    /// How long what is set shall live.
    pub(super) fn lifetime(self, ctx: &Ctx<'_, '_>) -> Result<Lifetime, Error> {
        Ok(match self {
            Expiry::Given { unit, value } => Lifetime::Until(unit.deadline_ms(value, ctx)?),
            Expiry::Keep => Lifetime::AsBefore,
            Expiry::None | Expiry::Persist => Lifetime::Forever,
        })
    }
}

impl Unit {
    /// The moment that `value` names, Unix milliseconds.
    pub(super) fn deadline_ms(self, value: &[u8], ctx: &Ctx<'_, '_>) -> Result<i64, Error> {
        let invalid = || invalid_expire(&ctx.command.full_name);
        let number = parse_i64(value).ok_or(NOT_AN_INTEGER)?;
        if number <= 0 {
            return Err(invalid());
        }
        let ms = match self {
            Unit::Ex | Unit::ExAt => number.checked_mul(1000).ok_or_else(invalid)?,
            Unit::Px | Unit::PxAt => number,
        };
        let deadline_ms = match self {
            Unit::Ex | Unit::Px => ms.checked_add(ctx.now.unix_ms).ok_or_else(invalid)?,
            Unit::ExAt | Unit::PxAt => ms,
        };
        Ok(deadline_ms.min(LAST_DEADLINE_MS))
    }
}
