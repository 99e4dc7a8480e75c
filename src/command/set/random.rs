//! SPOP, SRANDMEMBER: members that chance picks.

use super::{limits, shrunk, write_member};
use crate::base::Rng;
use crate::command::draws::draw;
use crate::command::error::{COUNT_OUT_OF_RANGE, MUST_BE_POSITIVE, SYNTAX};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Set;
use crate::data::list::Item;
use bytes::Bytes;

/// Members that one logged SREM removes.
const MEMBERS_PER_REMOVAL: usize = 1024;

/// Where so many times as many are popped as are left, Redis makes a new set of these.
const FEW_LEFT: usize = 5;

/// `SPOP key [count]`
pub fn spop(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    if !args.is_empty() {
        return spop_many(ctx, key, args);
    }
    let mut rng = Rng::unforeseen();
    let Some(set) = ctx.keys.find_as::<Set>(key)? else {
        ctx.reply.null();
        return DONE;
    };
    let member = set.random(&mut rng).expect("no key holds an empty set");
    write_member(ctx.reply, member);
    let member = member.to_bytes();
    set.remove(&member);
    let emptied = set.is_empty();
    log_removal(&mut ctx.keys, key, &[member]);
    shrunk(&mut ctx.keys, key, "spop", emptied);
    DONE
}

fn spop_many(ctx: &mut Ctx<'_, '_>, key: &[u8], mut args: Args<'_>) -> Outcome {
    if args.len() > 1 {
        return Err(SYNTAX);
    }
    let count = args
        .int()
        .ok()
        .and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or(MUST_BE_POSITIVE)?;
    let limits = limits(&ctx.local.config);
    let Some(set) = ctx.keys.find_as::<Set>(key)?.filter(|_| count > 0) else {
        ctx.reply.set(0);
        return DONE;
    };
    let count = count.min(set.len());
    ctx.reply.set(count);
    if count == set.len() {
        set.iter()
            .for_each(|member| write_member(ctx.reply, member));
        ctx.keys.log_removal(key);
        shrunk(&mut ctx.keys, key, "spop", true);
        return DONE;
    }
    let sample = set.sample(&mut Rng::unforeseen(), count);
    let members: Vec<Bytes> = sample.iter().map(Item::to_bytes).collect();
    for member in &members {
        ctx.reply.bulk_shared(member);
        set.remove(member);
    }
    if set.len() * FEW_LEFT <= count {
        set.repack(limits);
    }
    log_removal(&mut ctx.keys, key, &members);
    shrunk(&mut ctx.keys, key, "spop", false);
    DONE
}

/// Logs the request as the removal of these members.
fn log_removal(keys: &mut Keys<'_, '_>, key: &[u8], members: &[Bytes]) {
    for members in members.chunks(MEMBERS_PER_REMOVAL) {
        if let Some(effect) = keys.logs(2 + members.len()) {
            let effect = effect.arg(b"SREM").arg(key);
            members
                .iter()
                .fold(effect, |effect, member| effect.arg(member))
                .end();
        }
    }
}

/// `SRANDMEMBER key [count]`
pub fn srandmember(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    if args.len() > 1 {
        return Err(SYNTAX);
    }
    let count = match args.is_empty() {
        true => None,
        false => Some(args.int()?),
    };
    if count == Some(i64::MIN) {
        return Err(COUNT_OUT_OF_RANGE);
    }
    let mut rng = Rng::unforeseen();
    let Some(set) = ctx.keys.read_as::<Set>(key)? else {
        match count {
            Some(_) => ctx.reply.array(0),
            None => ctx.reply.null(),
        }
        return DONE;
    };
    match count {
        None => write_member(ctx.reply, drawn(set, &mut rng)),
        Some(count @ ..0) => return repeated(ctx, key, count.unsigned_abs() as usize),
        Some(count) => {
            let members = set.sample(&mut rng, count as usize);
            ctx.reply.array(members.len());
            members
                .into_iter()
                .for_each(|member| write_member(ctx.reply, member));
        }
    }
    DONE
}

fn drawn<'s>(set: &'s Set, rng: &mut Rng) -> Item<'s> {
    set.random(rng).expect("no key holds an empty set")
}

/// Members of which any may come again.
fn repeated(ctx: &mut Ctx<'_, '_>, key: &[u8], count: usize) -> Outcome {
    ctx.reply.array(count);
    let Some(set) = ctx.keys.find_as::<Set>(key)? else {
        return DONE;
    };
    draw((set, Set::freeze), count, ctx.reply, |set, rng, reply| {
        write_member(reply, drawn(set, rng));
    })
}
