//! BITFIELD, BITFIELD_RO: numbers of any width among the bits of a string.
//!
//! All operations are parsed before the first is run. If any of them writes, the string is first made to reach as far as they do, even where what
//! they would write is then refused.

use super::{change, offset};
use crate::base::num::parse_i64;
use crate::command::error::{BITFIELD_OVERFLOW, BITFIELD_READ_ONLY, BITFIELD_TYPE, SYNTAX};
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::StrValue;
use crate::data::bits::{Field, Overflow};
use crate::keyspace::notify;

/// `BITFIELD key [GET encoding offset | [OVERFLOW WRAP|SAT|FAIL] SET encoding offset value | INCRBY encoding offset increment ...]`
pub fn bitfield(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let steps = parse(ctx, &mut args)?;
    match steps.iter().filter_map(Step::last_written).max() {
        Some(last) => write(ctx, key, &steps, last),
        None => read(ctx, key, &steps),
    }
}

/// `BITFIELD_RO key [GET encoding offset ...]`
pub fn bitfield_ro(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let steps = parse(ctx, &mut args)?;
    if steps.iter().any(|step| step.action != Action::Get) {
        return Err(BITFIELD_READ_ONLY);
    }
    read(ctx, key, &steps)
}

/// One operation.
struct Step {
    field: Field,
    offset: u64,
    action: Action,
    overflow: Overflow,
}

#[derive(PartialEq, Eq)]
enum Action {
    Get,
    Set(i64),
    Add(i64),
}

fn parse(ctx: &Ctx<'_, '_>, args: &mut Args<'_>) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let mut overflow = Overflow::Wrap;
    while !args.is_empty() {
        if args.len() >= 2 && args.keyword("OVERFLOW") {
            overflow = overflow_word(args)?;
        } else {
            steps.push(Step::parse(ctx, args, overflow)?);
        }
    }
    Ok(steps)
}

fn overflow_word(args: &mut Args<'_>) -> Result<Overflow, Error> {
    if args.keyword("WRAP") {
        Ok(Overflow::Wrap)
    } else if args.keyword("SAT") {
        Ok(Overflow::Saturate)
    } else if args.keyword("FAIL") {
        Ok(Overflow::Refuse)
    } else {
        Err(BITFIELD_OVERFLOW)
    }
}

fn field(args: &mut Args<'_>) -> Result<Field, Error> {
    let (signed, bits) = match args.bytes()? {
        [b'i', bits @ ..] => (true, bits),
        [b'u', bits @ ..] => (false, bits),
        _ => return Err(BITFIELD_TYPE),
    };
    let bits = parse_i64(bits).and_then(|bits| u32::try_from(bits).ok());
    bits.and_then(|bits| Field::new(signed, bits))
        .ok_or(BITFIELD_TYPE)
}

impl Step {
    fn parse(ctx: &Ctx<'_, '_>, args: &mut Args<'_>, overflow: Overflow) -> Result<Self, Error> {
        let has = |args: &Args<'_>, count| args.len() > count;
        let action: Option<fn(i64) -> Action> = if has(args, 2) && args.keyword("GET") {
            None
        } else if has(args, 3) && args.keyword("SET") {
            Some(Action::Set)
        } else if has(args, 3) && args.keyword("INCRBY") {
            Some(Action::Add)
        } else {
            return Err(SYNTAX);
        };
        let field = field(args)?;
        Ok(Step {
            field,
            offset: offset(ctx, args, Some(field.bits()))?,
            action: match action {
                Some(action) => action(args.int()?),
                None => Action::Get,
            },
            overflow,
        })
    }

    /// The last bit that it writes.
    fn last_written(&self) -> Option<u64> {
        (self.action != Action::Get).then(|| self.offset + self.field.bits() - 1)
    }

    /// The reply, if it is not refused, and whether the text has changed.
    fn run(&self, text: &mut [u8]) -> (Option<i64>, bool) {
        let old = self.field.read(text, self.offset);
        let new = match self.action {
            Action::Get => return (Some(old), false),
            Action::Set(number) => self.field.set(number, self.overflow),
            Action::Add(increment) => self.field.add(old, increment, self.overflow),
        };
        let Some(new) = new else {
            return (None, false);
        };
        self.field.write(text, self.offset, new);
        let reply = match self.action {
            Action::Add(_) => new,
            _ => old,
        };
        (Some(reply), new != old)
    }
}

fn read(ctx: &mut Ctx<'_, '_>, key: &[u8], steps: &[Step]) -> Outcome {
    let value = ctx.keys.read_as::<StrValue>(key)?;
    let mut digits = itoa::Buffer::new();
    let text = value.map_or(&b""[..], |value| value.as_bytes(&mut digits));
    ctx.reply.array(steps.len());
    for step in steps {
        ctx.reply.int(step.field.read(text, step.offset));
    }
    DONE
}

fn write(ctx: &mut Ctx<'_, '_>, key: &[u8], steps: &[Step], last: u64) -> Outcome {
    let run = |text: &mut [u8]| -> Vec<_> { steps.iter().map(|step| step.run(text)).collect() };
    let (results, grew) = change(&mut ctx.keys, key, last, run)?;
    ctx.reply.array(results.len());
    let mut changes = 0;
    for ((reply, changed), step) in results.into_iter().zip(steps) {
        let is_written = step.action != Action::Get && reply.is_some();
        changes += u64::from(changed || (grew && is_written));
        match reply {
            Some(number) => ctx.reply.int(number),
            None => ctx.reply.null(),
        }
    }
    if changes > 0 {
        ctx.keys.changed(key);
        ctx.keys.changes.dirty += changes - 1;
        ctx.keys.notify(notify::STRING, "setbit", key);
    } else if grew && let Some(effect) = ctx.keys.logs_aside(4) {
        // All was refused, which tells nobody; the string has grown for all that.
        let last = i64::try_from(last).expect("offsets are read as such numbers");
        effect.arg(b"SETBIT").arg(key).int(last).arg(b"0").end();
    }
    DONE
}
