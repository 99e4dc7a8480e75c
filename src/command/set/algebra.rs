//! SINTER, SUNION, SDIFF, what stores their results, and SINTERCARD: sets made of sets.
//!
//! What is stored shows how it was computed, by its encoding and its order; so the ways of computing are Redis's.

use super::{limits, write_member};
use crate::base::Blob;
use crate::base::num::parse_i64;
use crate::command::error::{
    NUMKEYS_NOT_POSITIVE, SINTERCARD_KEYS_MISSING, SINTERCARD_LIMIT, SYNTAX,
};
use crate::command::{Args, Ctx, DONE, Error, Keys, Outcome};
use crate::data::list::Item;
use crate::data::set::Limits;
use crate::data::{Kind, Set};
use crate::keyspace::notify;
use crate::resp::reply::Aggregate;

/// `SINTER key [key ...]`
pub fn sinter(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let sets = operands(&mut ctx.keys, args.rest())?;
    let opening = ctx.reply.open(Aggregate::Set);
    let mut found = 0;
    intersection(sets, |member| {
        write_member(ctx.reply, member);
        found += 1;
        true
    });
    ctx.reply.close(opening, found);
    DONE
}

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`
pub fn sintercard(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let count = parse_i64(args.bytes()?).and_then(|count| usize::try_from(count).ok());
    let count = count
        .filter(|count| *count > 0)
        .ok_or(NUMKEYS_NOT_POSITIVE)?;
    if count > args.len() {
        return Err(SINTERCARD_KEYS_MISSING);
    }
    let keys = args.rest().take(count);
    args.skip(count);
    let mut limit = 0;
    while !args.is_empty() {
        if args.len() < 2 || !args.keyword("LIMIT") {
            return Err(SYNTAX);
        }
        let given = args
            .int()
            .ok()
            .and_then(|limit| usize::try_from(limit).ok());
        limit = given.ok_or(SINTERCARD_LIMIT)?;
    }
    let sets = operands(&mut ctx.keys, keys)?;
    let mut found = 0;
    intersection(sets, |_| {
        found += 1;
        found != limit
    });
    ctx.reply.int(found as i64);
    DONE
}

/// `SUNION key [key ...]`
pub fn sunion(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    reply_with(ctx, args, union)
}

/// `SDIFF key [key ...]`
pub fn sdiff(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    reply_with(ctx, args, difference)
}

/// `SINTERSTORE destination key [key ...]`
pub fn sinterstore(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let destination = args.bytes()?;
    let limits = limits(&ctx.local.config);
    let sets = operands(&mut ctx.keys, args.rest())?;
    let result = intersection_set(sets, limits);
    store(ctx, destination, result, "sinterstore")
}

/// `SUNIONSTORE destination key [key ...]`
pub fn sunionstore(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let destination = args.bytes()?;
    let limits = limits(&ctx.local.config);
    let sets = operands(&mut ctx.keys, args.rest())?;
    let result = union(sets, Set::of_ints(), limits);
    store(ctx, destination, result, "sunionstore")
}

/// `SDIFFSTORE destination key [key ...]`
pub fn sdiffstore(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let destination = args.bytes()?;
    let limits = limits(&ctx.local.config);
    let sets = operands(&mut ctx.keys, args.rest())?;
    let result = difference(sets, Set::of_ints(), limits);
    store(ctx, destination, result, "sdiffstore")
}

/// The sets at keys, in order. All keys are looked at before any set is, because one may have expired or hold something else.
type Operands<'s> = Vec<Option<&'s Set>>;

fn operands<'s, 'a>(
    keys: &'s mut Keys<'_, '_>,
    names: impl Iterator<Item = &'a [u8]> + Clone,
) -> Result<Operands<'s>, Error> {
    for name in names.clone() {
        keys.read_as::<Set>(name)?;
    }
    let keys = &*keys;
    Ok(names
        .map(|name| keys.found(name).and_then(Set::of))
        .collect())
}

/// Gives what is in all sets to `each`, in the order of the smallest one, until it returns false. Gives that set.
fn intersection<'s>(sets: Operands<'s>, mut each: impl FnMut(Item<'s>) -> bool) -> Option<&'s Set> {
    let mut sets: Vec<&Set> = sets.into_iter().collect::<Option<_>>()?;
    sets.sort_by_key(|set| set.len());
    let (smallest, others) = sets.split_first().expect("there is a key");
    let mut digits = itoa::Buffer::new();
    for member in smallest.iter() {
        let text = member.as_bytes(&mut digits);
        if others.iter().all(|set| set.contains(text)) && !each(member) {
            break;
        }
    }
    Some(smallest)
}

fn intersection_set(sets: Operands<'_>, limits: Limits) -> Set {
    let mut members = Vec::new();
    let smallest = intersection(sets, |member| {
        members.push(member);
        true
    });
    let mut result = match smallest {
        Some(set) if !set.is_of_ints() => Set::packed(),
        _ => Set::of_ints(),
    };
    members
        .into_iter()
        .for_each(|member| add(&mut result, member, limits));
    result.settle_as_ints(limits);
    result
}

fn union(sets: Operands<'_>, mut result: Set, limits: Limits) -> Set {
    for set in sets.into_iter().flatten() {
        set.iter()
            .for_each(|member| add(&mut result, member, limits));
    }
    result
}

/// What is in the first set and in no other: each of its members is looked for in the others, or theirs are removed from a copy of it, whichever
/// promises to be less work.
fn difference(sets: Operands<'_>, mut result: Set, limits: Limits) -> Set {
    let Some(first) = sets[0] else {
        return result;
    };
    let there = sets.iter().flatten();
    let by_looking = there.clone().count() * first.len() / 2;
    let by_removing: usize = there.map(|set| set.len()).sum();
    let others = sets[1..].iter().flatten();
    let mut digits = itoa::Buffer::new();
    if by_looking <= by_removing {
        for member in first.iter() {
            let text = member.as_bytes(&mut digits);
            if !others.clone().any(|set| set.contains(text)) {
                add(&mut result, member, limits);
            }
        }
        return result;
    }
    first
        .iter()
        .for_each(|member| add(&mut result, member, limits));
    for member in others.flat_map(|set| set.iter()) {
        if result.is_empty() {
            break;
        }
        result.remove(member.as_bytes(&mut digits));
    }
    result
}

fn add(set: &mut Set, member: Item<'_>, limits: Limits) {
    let mut digits = itoa::Buffer::new();
    match member {
        Item::Shared(bytes) => set.add(Blob::Shared(bytes), limits),
        member => set.add(Blob::Slice(member.as_bytes(&mut digits)), limits),
    };
}

/// Answers with the set that `compute` makes, ordered only if all operands are.
fn reply_with(
    ctx: &mut Ctx<'_, '_>,
    args: Args<'_>,
    compute: fn(Operands<'_>, Set, Limits) -> Set,
) -> Outcome {
    let limits = limits(&ctx.local.config);
    let sets = operands(&mut ctx.keys, args.rest())?;
    let are_ints = sets.iter().flatten().all(|set| set.is_of_ints());
    let empty = if are_ints {
        Set::of_ints()
    } else {
        Set::table()
    };
    let result = compute(sets, empty, limits);
    ctx.reply.set(result.len());
    result
        .iter()
        .for_each(|member| write_member(ctx.reply, member));
    DONE
}

/// Keeps a computed set, or nothing if it is empty.
fn store(ctx: &mut Ctx<'_, '_>, key: &[u8], set: Set, event: &'static str) -> Outcome {
    ctx.reply.int(set.len() as i64);
    if !set.is_empty() {
        ctx.keys.insert(key, set.into());
        ctx.keys.notify(notify::SET, event, key);
        ctx.keys.changed(key);
    } else if ctx.keys.remove(key) {
        ctx.keys.notify(notify::GENERIC, "del", key);
        ctx.keys.changed(key);
    }
    DONE
}
