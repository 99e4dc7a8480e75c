//! HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HSTRLEN, HEXISTS: looking at a hash.

use crate::command::item::{write_item, write_option};
use crate::command::{Args, Ctx, DONE, Flow, LongReply, Outcome};
use crate::data::Hash;
use crate::data::list::Item;
use crate::data::table::Place;
use crate::resp::Reply;

/// A hash of more fields than this is frozen, and written without its stripe.
const LONG_HASH_FIELDS: usize = 1000;
/// How much of a long hash is written before others get their turn.
const SLICE_BYTES: usize = 64 * 1024;

/// `HGET key field`
pub fn hget(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let hash = ctx.keys.read_fields(key, std::iter::once(name))?;
    write_option(ctx.reply, hash.and_then(|hash| hash.get(name)));
    DONE
}

/// `HMGET key field [field ...]`
pub fn hmget(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let hash = ctx.keys.read_fields(key, args.rest())?;
    ctx.reply.array(args.len());
    for name in args.rest() {
        write_option(ctx.reply, hash.and_then(|hash| hash.get(name)));
    }
    DONE
}

/// `HLEN key`
pub fn hlen(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let hash = ctx.keys.read_as::<Hash>(args.bytes()?)?;
    ctx.reply.int(hash.map_or(0, Hash::len) as i64);
    DONE
}

/// `HEXISTS key field`
pub fn hexists(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let hash = ctx.keys.read_fields(key, std::iter::once(name))?;
    let is_there = hash.is_some_and(|hash| hash.contains(name));
    ctx.reply.int(is_there.into());
    DONE
}

/// `HSTRLEN key field`
pub fn hstrlen(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let hash = ctx.keys.read_fields(key, std::iter::once(name))?;
    let len = hash
        .and_then(|hash| hash.get(name))
        .map_or(0, |value| value.as_bytes(&mut itoa::Buffer::new()).len());
    ctx.reply.int(len as i64);
    DONE
}

/// `HGETALL key`
pub fn hgetall(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    tell(ctx, args, Part::Both)
}

/// `HKEYS key`
pub fn hkeys(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    tell(ctx, args, Part::Names)
}

/// `HVALS key`
pub fn hvals(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    tell(ctx, args, Part::Values)
}

/// What of each field is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Names,
    Values,
    Both,
}

impl Part {
    fn open(self, reply: &mut Reply, fields: usize) {
        match self {
            Part::Both => reply.map(fields),
            Part::Names | Part::Values => reply.array(fields),
        }
    }

    fn write(self, reply: &mut Reply, name: Item<'_>, value: Item<'_>) {
        if self != Part::Values {
            write_item(reply, name);
        }
        if self != Part::Names {
            write_item(reply, value);
        }
    }
}

fn tell(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, part: Part) -> Outcome {
    let key = args.bytes()?;
    let Some(hash) = ctx.keys.read_as::<Hash>(key)? else {
        part.open(ctx.reply, 0);
        return DONE;
    };
    let len = hash.len();
    part.open(ctx.reply, len);
    if len <= LONG_HASH_FIELDS {
        for field in hash.iter() {
            part.write(ctx.reply, field.name, field.value);
        }
        return DONE;
    }
    match ctx.keys.find_as::<Hash>(key)? {
        Some(hash) => Ok(Flow::Long(Box::new(LongHash {
            hash: hash.freeze(),
            place: Place::default(),
            part,
        }))),
        None => DONE,
    }
}

/// The rest of a long hash.
struct LongHash {
    hash: Hash,
    place: Place,
    part: Part,
}

impl LongReply for LongHash {
    fn write_some(&mut self, reply: &mut Reply) -> bool {
        let (enough, part) = (reply.len() + SLICE_BYTES, self.part);
        self.hash.read_while(&mut self.place, |name, value| {
            part.write(reply, name, value);
            reply.len() < enough
        })
    }
}
