//! HSET, HMSET, HSETNX, HDEL: fields come and go.

use super::{changed, limits_of, shrunk};
use crate::base::Blob;
use crate::command::error::wrong_arity_of;
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::Hash;
use crate::data::hash::{Keeps, Limits};

/// `HSET key field value [field value ...]`
pub fn hset(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let added = set(ctx, args)?;
    ctx.reply.int(added as i64);
    DONE
}

/// `HMSET key field value [field value ...]`
pub fn hmset(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    set(ctx, args)?;
    ctx.reply.ok();
    DONE
}

/// Sets what is given; says how many fields are new.
fn set(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Result<usize, Error> {
    let key = args.bytes()?;
    if !args.len().is_multiple_of(2) {
        return Err(wrong_arity_of(ctx.command));
    }
    let limits = limits_of(ctx);
    let names = args.rest().step_by(2);
    let hash = ctx.keys.open_fields(key, names)?;
    hash.expect(limits, args.rest());
    let added = set_pairs(hash, limits, args.blobs(), Keeps::Value);
    changed(&mut ctx.keys, key, "hset");
    Ok(added)
}

/// Sets fields, given as names and values in turn; says how many are new.
pub(super) fn set_pairs<'a>(
    hash: &mut Hash,
    limits: Limits,
    mut texts: impl Iterator<Item = Blob<'a>>,
    keeps: Keeps,
) -> usize {
    let mut added = 0;
    while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
        added += usize::from(hash.set(limits, name, value, keeps));
    }
    added
}

/// `HSETNX key field value`
pub fn hsetnx(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let (name, value) = (args.blob()?, args.blob()?);
    let limits = limits_of(ctx);
    let hash = (ctx.keys).open_fields(key, std::iter::once(name.as_slice()))?;
    let is_new = !hash.contains(name.as_slice());
    if is_new {
        hash.set(limits, name, value, Keeps::Value);
        changed(&mut ctx.keys, key, "hset");
    }
    ctx.reply.int(is_new.into());
    DONE
}

/// `HDEL key field [field ...]`
pub fn hdel(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let mut removed = 0;
    if let Some(hash) = ctx.keys.find_fields(key, args.rest())? {
        removed = args.rest().filter(|name| hash.remove(name)).count();
    }
    if removed > 0 {
        shrunk(&mut ctx.keys, key);
    }
    ctx.reply.int(removed as i64);
    DONE
}
