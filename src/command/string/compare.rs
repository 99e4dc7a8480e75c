//! Strings compared with what a client knows of them: the conditions of SET and DELEX, and DIGEST.

use crate::command::error::{DELEX_NOT_A_STRING, DIGEST_LENGTH, NO_COMPARISON, wrong_arity};
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::StrValue;
use crate::keyspace::notify;
use xxhash_rust::xxh3::xxh3_64;

/// Hexadecimal digits of a digest.
const DIGITS: usize = 16;

/// What is compared, and whether it is to be the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Comparison<'a> {
    of: Of,
    same: bool,
    with: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Value,
    Digest,
}

impl<'a> Comparison<'a> {
    /// The comparison that comes next among the arguments, if one does.
    pub(super) fn parse(args: &mut Args<'a>) -> Result<Option<Self>, Error> {
        let known = [
            ("IFEQ", Of::Value, true),
            ("IFNE", Of::Value, false),
            ("IFDEQ", Of::Digest, true),
            ("IFDNE", Of::Digest, false),
        ];
        let Some((_, of, same)) = known.into_iter().find(|(word, ..)| args.keyword(word)) else {
            return Ok(None);
        };
        let with = args.bytes()?;
        Ok(Some(Comparison { of, same, with }))
    }

    /// Whether both are the same words.
    pub(super) fn is_like(self, other: Self) -> bool {
        (self.of, self.same) == (other.of, other.same)
    }

    /// Whether it holds of what a key holds. What is not there differs from everything.
    pub(super) fn holds(self, value: Option<&StrValue>) -> Result<bool, Error> {
        let Some(value) = value else {
            return Ok(!self.same);
        };
        let mut buffer = itoa::Buffer::new();
        let bytes = value.as_bytes(&mut buffer);
        let is_same = match self.of {
            Of::Value => bytes == self.with,
            Of::Digest if self.with.len() != DIGITS => return Err(DIGEST_LENGTH),
            Of::Digest => digest_of(bytes).as_bytes().eq_ignore_ascii_case(self.with),
        };
        Ok(is_same == self.same)
    }
}

fn digest_of(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

/// `DIGEST key`
pub fn digest(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    match ctx.keys.read_as::<StrValue>(args.bytes()?)? {
        Some(value) => {
            let digest = digest_of(value.as_bytes(&mut itoa::Buffer::new()));
            ctx.reply.bulk(digest.as_bytes());
        }
        None => ctx.reply.null(),
    }
    DONE
}

/// `DELEX key [IFEQ value | IFNE value | IFDEQ digest | IFDNE digest]`
pub fn delex(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    if !matches!(args.len(), 0 | 2) {
        return Err(wrong_arity(&ctx.command.full_name));
    }
    let is_removed = ctx.keys.contains(key) && allows(ctx, key, &mut args)?;
    if is_removed {
        ctx.keys.remove(key);
        ctx.keys.log_removal(key);
        ctx.keys.notify(notify::GENERIC, "del", key);
        ctx.keys.changed(key);
    }
    ctx.reply.int(is_removed.into());
    DONE
}

fn allows(ctx: &mut Ctx<'_, '_>, key: &[u8], args: &mut Args<'_>) -> Result<bool, Error> {
    if args.is_empty() {
        return Ok(true);
    }
    let value = ctx.keys.read_as::<StrValue>(key);
    let value = value.map_err(|_| DELEX_NOT_A_STRING)?;
    let comparison = Comparison::parse(args)?.ok_or(NO_COMPARISON)?;
    comparison.holds(value)
}
