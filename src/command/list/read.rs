//! LLEN, LRANGE, LINDEX, LPOS: looking at a list.

use super::{resolve_index, resolve_range};
use crate::command::error::{
    COUNT_NEGATIVE, MAXLEN_NEGATIVE, RANK_IS_ZERO, RANK_OUT_OF_RANGE, SYNTAX,
};
use crate::command::item::write_item;
use crate::command::{Args, Ctx, DONE, Error, Flow, LongReply, Outcome};
use crate::data::List;
use crate::data::list::{End, Frozen};
use crate::resp::Reply;
use crate::resp::reply::Aggregate;

/// A range of more elements than this is frozen, and written without the list's stripe.
const LONG_RANGE_ELEMENTS: usize = 1000;
/// How much of a long range is written before others get their turn.
const SLICE_BYTES: usize = 64 * 1024;

/// `LLEN key`
pub fn llen(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let len = ctx.keys.read_as::<List>(key)?.map_or(0, |list| list.len());
    ctx.reply.int(len as i64);
    DONE
}

/// `LINDEX key index`
pub fn lindex(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let Some(list) = ctx.keys.read_as::<List>(key)? else {
        ctx.reply.null();
        return DONE;
    };
    match resolve_index(list.len(), args.int()?).and_then(|index| list.get(index)) {
        Some(item) => write_item(ctx.reply, item),
        None => ctx.reply.null(),
    }
    DONE
}

/// `LRANGE key start stop`
pub fn lrange(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let (start, stop) = (args.int()?, args.int()?);
    let Some(list) = ctx.keys.read_as::<List>(key)? else {
        ctx.reply.array(0);
        return DONE;
    };
    let (index, count) = resolve_range(list.len(), start, stop);
    ctx.reply.array(count);
    if count > LONG_RANGE_ELEMENTS {
        return Ok(Flow::Long(Box::new(LongRange(
            list.freeze_range(index, count),
        ))));
    }
    list.range(index, count, End::Front)
        .for_each(|item| write_item(ctx.reply, item));
    DONE
}

/// The rest of an LRANGE.
struct LongRange(Frozen);

impl LongReply for LongRange {
    fn write_some(&mut self, reply: &mut Reply) -> bool {
        let enough = reply.len() + SLICE_BYTES;
        self.0.read_while(|item| {
            write_item(reply, item);
            reply.len() < enough
        });
        self.0.remaining() == 0
    }
}

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
pub fn lpos(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, element) = (args.bytes()?, args.bytes()?);
    let search = Search::parse(&mut args)?;
    let list = ctx.keys.read_as::<List>(key)?;
    let found = list.iter().flat_map(|list| {
        let max_len = search.max_len.unwrap_or(list.len());
        list.positions(element, search.from, max_len)
            .skip(search.skip)
    });
    let Some(count) = search.count else {
        match found.into_iter().next() {
            Some(index) => ctx.reply.int(index as i64),
            None => ctx.reply.null(),
        }
        return DONE;
    };
    let opening = ctx.reply.open(Aggregate::Array);
    let mut written = 0;
    for index in found.take(count.unwrap_or(usize::MAX)) {
        ctx.reply.int(index as i64);
        written += 1;
    }
    ctx.reply.close(opening, written);
    DONE
}

/// What LPOS looks for.
struct Search {
    from: End,
    /// Matches to pass over.
    skip: usize,
    /// Absent: the first match alone, not as an array. Otherwise how many, or all.
    count: Option<Option<usize>>,
    /// How many elements to look at, or all.
    max_len: Option<usize>,
}

impl Search {
    fn parse(args: &mut Args<'_>) -> Result<Self, Error> {
        let mut search = Search {
            from: End::Front,
            skip: 0,
            count: None,
            max_len: None,
        };
        while !args.is_empty() {
            if args.len() < 2 {
                return Err(SYNTAX);
            }
            if args.keyword("RANK") {
                let rank = args.int()?;
                if rank == i64::MIN {
                    return Err(RANK_OUT_OF_RANGE);
                }
                if rank == 0 {
                    return Err(RANK_IS_ZERO);
                }
                search.from = if rank > 0 { End::Front } else { End::Back };
                search.skip = rank.unsigned_abs() as usize - 1;
            } else if args.keyword("COUNT") {
                search.count = Some(zero_is_all(args, COUNT_NEGATIVE)?);
            } else if args.keyword("MAXLEN") {
                search.max_len = zero_is_all(args, MAXLEN_NEGATIVE)?;
            } else {
                return Err(SYNTAX);
            }
        }
        Ok(search)
    }
}

/// The next argument as a number that is not negative, where 0 means no bound.
fn zero_is_all(args: &mut Args<'_>, otherwise: Error) -> Result<Option<usize>, Error> {
    let number = args
        .int()
        .ok()
        .and_then(|number| usize::try_from(number).ok());
    match number.ok_or(otherwise)? {
        0 => Ok(None),
        number => Ok(Some(number)),
    }
}
