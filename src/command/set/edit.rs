//! SADD, SREM, SMOVE: members come and go.

use super::{limits, shrunk};
use crate::base::Blob;
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::Set;
use crate::keyspace::notify;

/// `SADD key member [member ...]`
pub fn sadd(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let limits = limits(&ctx.local.config);
    let members = args.blobs();
    let add = |set: &mut Set| {
        members
            .map(|member| usize::from(set.add(member, limits)))
            .sum()
    };
    let added: usize = match ctx.keys.find_as::<Set>(key)? {
        Some(set) => {
            set.expect(args.len(), limits);
            add(set)
        }
        None => {
            let mut set = Set::expecting(args.clone().bytes()?, args.len(), limits);
            let added = add(&mut set);
            ctx.keys.insert_new(key, set.into());
            added
        }
    };
    if added > 0 {
        ctx.keys.notify(notify::SET, "sadd", key);
        ctx.keys.changed(key);
    }
    ctx.reply.int(added as i64);
    DONE
}

/// `SREM key member [member ...]`
pub fn srem(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let Some(set) = ctx.keys.find_as::<Set>(key)? else {
        ctx.reply.int(0);
        return DONE;
    };
    let removed = args.rest().filter(|member| set.remove(member)).count();
    let emptied = set.is_empty();
    if removed > 0 {
        shrunk(&mut ctx.keys, key, "srem", emptied);
    }
    ctx.reply.int(removed as i64);
    DONE
}

/// `SMOVE source destination member`
pub fn smove(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (source, destination, member) = (args.bytes()?, args.bytes()?, args.blob()?);
    let moved = transfer(ctx, source, destination, member)?;
    ctx.reply.int(moved.into());
    DONE
}

/// Moves a member; false if the source does not have it.
fn transfer(
    ctx: &mut Ctx<'_, '_>,
    source: &[u8],
    destination: &[u8],
    member: Blob<'_>,
) -> Result<bool, Error> {
    let limits = limits(&ctx.local.config);
    let text = member.as_slice();
    if ctx.keys.find_as::<Set>(source)?.is_none() {
        return Ok(false);
    }
    ctx.keys.find_as::<Set>(destination)?;
    let set = ctx.keys.find_as::<Set>(source)?.expect("just seen");
    if source == destination {
        return Ok(set.contains(text));
    }
    if !set.remove(text) {
        return Ok(false);
    }
    let emptied = set.is_empty();
    shrunk(&mut ctx.keys, source, "srem", emptied);
    let added = match ctx.keys.find_as::<Set>(destination)? {
        Some(set) => set.add(member, limits),
        None => {
            let mut set = Set::expecting(text, 1, limits);
            set.add(member, limits);
            ctx.keys.insert_new(destination, set.into());
            true
        }
    };
    if added {
        ctx.keys.notify(notify::SET, "sadd", destination);
        ctx.keys.changed(destination);
    }
    Ok(true)
}
