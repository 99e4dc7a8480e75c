//! SCARD, SISMEMBER, SMISMEMBER, SMEMBERS, SSCAN: looking at a set.

use super::write_member;
use crate::command::error::INVALID_CURSOR;
use crate::command::generic::scan::{ScanOptions, parse_cursor};
use crate::command::{Args, Ctx, DONE, Flow, LongReply, Outcome};
use crate::data::set::Reader;
use crate::data::{Kind, Set};
use crate::resp::Reply;
use crate::resp::reply::Aggregate;

/// A set of more members than this is frozen, and written without its stripe.
const LONG_SET_MEMBERS: usize = 1000;
/// How much of a long set is written before others get their turn.
const SLICE_BYTES: usize = 64 * 1024;

/// `SCARD key`
pub fn scard(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let set = ctx.keys.read_as::<Set>(args.bytes()?)?;
    ctx.reply.int(set.map_or(0, Set::len) as i64);
    DONE
}

/// `SISMEMBER key member`
pub fn sismember(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, member) = (args.bytes()?, args.bytes()?);
    let set = ctx.keys.read_as::<Set>(key)?;
    ctx.reply
        .int(set.is_some_and(|set| set.contains(member)).into());
    DONE
}

/// `SMISMEMBER key member [member ...]`
pub fn smismember(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let set = ctx.keys.read_as::<Set>(args.bytes()?)?;
    ctx.reply.array(args.len());
    for member in args.rest() {
        ctx.reply
            .int(set.is_some_and(|set| set.contains(member)).into());
    }
    DONE
}

/// `SMEMBERS key`
pub fn smembers(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let len = ctx.keys.read_as::<Set>(key)?.map_or(0, Set::len);
    ctx.reply.set(len);
    if len > LONG_SET_MEMBERS {
        let set = ctx.keys.find_as::<Set>(key)?.expect("just seen");
        return Ok(Flow::Long(Box::new(LongSet(Reader::new(set.freeze())))));
    }
    if let Some(set) = ctx.keys.found(key).and_then(Set::of) {
        set.iter()
            .for_each(|member| write_member(ctx.reply, member));
    }
    DONE
}

/// The rest of an SMEMBERS.
struct LongSet(Reader);

impl LongReply for LongSet {
    fn write_some(&mut self, reply: &mut Reply) -> bool {
        let enough = reply.len() + SLICE_BYTES;
        self.0.read_while(|member| {
            write_member(reply, member);
            reply.len() < enough
        })
    }
}

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`
pub fn sscan(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let cursor = parse_cursor(args.bytes()?).ok_or(INVALID_CURSOR)?;
    let Some(set) = ctx.keys.read_as::<Set>(key)? else {
        ctx.reply.array(2);
        ctx.reply.bulk_int(0);
        ctx.reply.array(0);
        return DONE;
    };
    let options = ScanOptions::parse(&mut args)?;
    let reply = &mut *ctx.reply;
    let (mut members, mut found) = (Reply::new(reply.version), 0);
    let opening = members.open(Aggregate::Array);
    let cursor = set.scan(cursor, options.count, |member| {
        if options.admits(member.as_bytes(&mut itoa::Buffer::new())) {
            write_member(&mut members, member);
            found += 1;
        }
    });
    members.close(opening, found);
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    reply.append(members);
    DONE
}
