//! BITOP: strings combined bit by bit.

use crate::base::Blob;
use crate::command::error::{BITOP_NOT_ONE_KEY, Error, SYNTAX, bitop_needs_two_keys};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::StrValue;
use crate::data::bits::{Combined, Operation};
use crate::keyspace::notify;

/// `BITOP AND|OR|XOR|NOT|DIFF|DIFF1|ANDOR|ONE destkey key [key ...]`
pub fn bitop(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let operation = operation(&mut args)?;
    let destination = args.bytes()?;
    check_keys(operation, args.len())?;
    let mut combined = Combined::new(operation);
    for key in args.rest() {
        match ctx.keys.read_as::<StrValue>(key)? {
            Some(value) => combined.add(value.as_bytes(&mut itoa::Buffer::new())),
            None => combined.add(b""),
        }
    }
    let text = combined.finish();
    ctx.reply.int(text.len() as i64);
    if !text.is_empty() {
        let mut value = StrValue::text(Blob::Slice(b""));
        value.edit(text.len(), |bytes| bytes.copy_from_slice(&text));
        ctx.keys.insert(destination, value.into());
        if is_new(operation)
            && let Some(effect) = ctx.keys.logs(3)
        {
            effect.arg(b"SET").arg(destination).arg(&text).end();
        }
        ctx.keys.notify(notify::STRING, "set", destination);
        ctx.keys.changed(destination);
    } else if ctx.keys.remove(destination) {
        if is_new(operation) {
            ctx.keys.log_removal(destination);
        }
        ctx.keys.notify(notify::GENERIC, "del", destination);
        ctx.keys.changed(destination);
    }
    DONE
}

/// Whether it came with Redis 8.2: earlier ones load a log that says what came of it.
fn is_new(operation: Operation) -> bool {
    match operation {
        Operation::And | Operation::Or | Operation::Xor | Operation::Not => false,
        Operation::Diff | Operation::Diff1 | Operation::AndOr | Operation::One => true,
    }
}

fn operation(args: &mut Args<'_>) -> Result<Operation, Error> {
    let words = [
        ("AND", Operation::And),
        ("OR", Operation::Or),
        ("XOR", Operation::Xor),
        ("NOT", Operation::Not),
        ("DIFF", Operation::Diff),
        ("DIFF1", Operation::Diff1),
        ("ANDOR", Operation::AndOr),
        ("ONE", Operation::One),
    ];
    let known = words.into_iter().find(|(word, _)| args.keyword(word));
    known.map(|(_, operation)| operation).ok_or(SYNTAX)
}

fn check_keys(operation: Operation, count: usize) -> Result<(), Error> {
    match operation {
        Operation::Not if count != 1 => Err(BITOP_NOT_ONE_KEY),
        Operation::Diff if count < 2 => Err(bitop_needs_two_keys("DIFF")),
        Operation::Diff1 if count < 2 => Err(bitop_needs_two_keys("DIFF1")),
        Operation::AndOr if count < 2 => Err(bitop_needs_two_keys("ANDOR")),
        _ => Ok(()),
    }
}
